/* Goal: discover tells the columns that shape `columns` delivers, with types and disagreements.
 * Method: a few documents by hand. */
#include "drivers/raven/infer.h"

#include "tests/unit/infer_rig.h"

static void row(const char *text)
{
	tg_raven_infer_row(&infer, &(struct tg_record){ .body = tg_view_str(text) });
}

TG_TEST(columns_are_those_of_the_flat_document)
{
	tg_infer_start(&infer);
	row("{\"b\":true,\"l\":-7,\"d\":18446744073709551615,\"f\":1.10,\"e\":1E5,\"s\":\"x\","
	    "\"p\":3.14159265358979323846,\"z\":100000000000000000000000.5,\"n\":null,"
	    "\"At\":\"2026-11-21T10:01:45.5820723Z\",\"Day\":\"2026-11-21T10:01:45\","
	    "\"o\":{\"x\":{\"y\":1},\"k\":{}},\"a\":[1],\"@metadata\":{\"@id\":\"orders/1\"}}");
	tg_infer_end(&infer);
	TG_CHECK_INT(infer.count, 16);
	TG_CHECK_STR(column("Id")->type, "STRING");
	TG_CHECK_STR(column("LastModified")->type, "UTC_DATETIME");
	TG_CHECK_STR(column("b")->type, "BOOLEAN");
	TG_CHECK_STR(column("l")->type, "LONG");
	TG_CHECK_STR(column("d")->type, "DECIMAL");
	TG_CHECK_STR(column("f")->type, "DOUBLE");
	TG_CHECK_STR(column("e")->type, "DOUBLE");
	TG_CHECK_STR(column("p")->type, "DECIMAL");
	TG_CHECK_STR(column("z")->type, "DECIMAL");
	TG_CHECK_STR(column("s")->type, "STRING");
	TG_CHECK_STR(column("At")->type, "UTC_DATETIME");
	TG_CHECK_STR(column("Day")->type, "STRING");
	TG_CHECK_STR(column("o_x_y")->type, "LONG");
	TG_CHECK_STR(column("o_k")->type, "JSON");
	TG_CHECK_STR(column("a")->type, "JSON");
	TG_CHECK_STR(column("n")->type, "");
	TG_CHECK(!column("n")->renamed);
}

TG_TEST(disagreements_and_names_that_meet_are_told_once)
{
	tg_infer_start(&infer);
	for (int i = 0; i < 3; i++)
		row("{\"a\":{\"b\":1},\"a_b\":\"x\",\"Id\":true,\"v\":1,\"@metadata\":{}}");
	row("{\"a\":{\"b\":1.5},\"v\":\"x\",\"@metadata\":{}}");
	tg_infer_end(&infer);
	TG_CHECK_INT(infer.rows, 4);
	TG_CHECK_INT(infer.count, 6);
	TG_CHECK(column("a_b_")->renamed && column("Id_")->renamed);
	TG_CHECK(!column("a_b")->renamed && !column("Id")->renamed);
	TG_CHECK_STR(column("Id_")->type, "BOOLEAN");
	TG_CHECK_STR(column("a_b")->type, "STRING");
	TG_CHECK_INT(column("a_b")->other_rows, 1);
	TG_CHECK_STR(column("a_b")->other_type, "DOUBLE");
	TG_CHECK_INT(column("v")->other_rows, 1);
}

TG_TEST(what_is_no_document_counts_as_a_row_alone)
{
	tg_infer_start(&infer);
	row("[]");
	row("{\"a\"");
	tg_infer_end(&infer);
	TG_CHECK_INT(infer.rows, 2);
	TG_CHECK_INT(infer.count, 0);
}
