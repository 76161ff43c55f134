#include "drivers/rethink/infer.h"
#include "tests/unit/infer_rig.h"

static void row(const char *text)
{
	tg_rethink_infer_row(&infer, tg_view_str(text));
}

TG_TEST(rethink_infer_knows_each_type)
{
	tg_infer_start(&infer);
	row("{\"b\":true,\"l\":7,\"d\":18446744073709552000.0,\"f\":1.5,\"e\":1e21,\"s\":\"x\","
	    "\"t\":{\"$reql_type$\":\"TIME\",\"epoch_time\":1,\"timezone\":\"+00:00\"},"
	    "\"y\":{\"$reql_type$\":\"BINARY\",\"data\":\"\"},\"g\":{\"$reql_type$\":\"GEOMETRY\"},"
	    "\"o\":{},\"a\":[],\"n\":null}");
	tg_infer_end(&infer);
	TG_CHECK_INT(infer.count, 12);
	TG_CHECK_STR(column("b")->type, "BOOLEAN");
	TG_CHECK_STR(column("l")->type, "LONG");
	TG_CHECK_STR(column("d")->type, "DECIMAL");
	TG_CHECK_STR(column("f")->type, "DOUBLE");
	TG_CHECK_STR(column("e")->type, "DOUBLE");
	TG_CHECK_STR(column("s")->type, "STRING");
	TG_CHECK_STR(column("t")->type, "UTC_DATETIME");
	TG_CHECK_STR(column("y")->type, "BINARY");
	TG_CHECK_STR(column("g")->type, "JSON");
	TG_CHECK_STR(column("o")->type, "JSON");
	TG_CHECK_STR(column("a")->type, "JSON");
	TG_CHECK_STR(column("n")->type, "");
	TG_CHECK_INT(column("n")->rows, 1);
}

TG_TEST(rethink_infer_reports_where_rows_disagree)
{
	tg_infer_start(&infer);
	row("{\"a\":1,\"m\":1}");
	row("{\"a\":1.5,\"m\":\"x\"}");
	row("{\"a\":null,\"m\":\"y\"}");
	row("{\"m\":true}");
	tg_infer_end(&infer);
	TG_CHECK_INT(infer.rows, 4);
	TG_CHECK_STR(column("a")->type, "DOUBLE");
	TG_CHECK_INT(column("a")->rows, 3);
	TG_CHECK_INT(column("a")->other_rows, 0);
	TG_CHECK_STR(column("m")->type, "STRING");
	TG_CHECK_INT(column("m")->other_rows, 2);
	TG_CHECK_STR(column("m")->other_type, "BOOLEAN");
}

TG_TEST(rethink_infer_counts_what_it_cannot_hold)
{
	char text[64];

	tg_infer_start(&infer);
	for (int i = 0; i < CONFIG_TG_INFER_COLUMNS_MAX + 3; i++) {
		snprintf(text, sizeof(text), "{\"c%d\":1}", i);
		row(text);
	}
	tg_infer_end(&infer);
	TG_CHECK_INT(infer.count, CONFIG_TG_INFER_COLUMNS_MAX);
	TG_CHECK_INT(infer.left_out, 3);
}
