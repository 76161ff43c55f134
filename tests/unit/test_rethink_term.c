/* The queries as they go over the wire, held against reference/rethinkdb.md 3.2, and the table
 * list. */
#include "drivers/rethink/term.h"

#include "drivers/rethink/fault.h"
#include "drivers/rethink/names.h"
#include "drivers/rethink/response.h"
#include "tests/check.h"

static char text[4096];
static struct tg_out out;
static struct tg_term_table table;

static struct tg_out *fresh(void)
{
	memset(text, 0, sizeof(text));
	out = (struct tg_out){ .at = (uint8_t *)text, .cap = sizeof(text) - 1 };
	table = (struct tg_term_table){ .database = "test", .table = tg_view_str("t") };
	return &out;
}

#define T "[15,[[14,[\"test\"]],\"t\"]]"

TG_TEST(rethink_queries_about_a_table)
{
	tg_query_table_list("test", fresh());
	TG_CHECK_STR(text, "[1,[62,[[14,[\"test\"]]]]]");
	tg_query_now(fresh());
	TG_CHECK_STR(text, "[1,[103,[]]]");
	fresh();
	tg_query_of_table(&table, TG_TERM_INFO, &out);
	TG_CHECK_STR(text, "[1,[79,[" T "]]]");
	fresh();
	tg_query_wait(&table, 10, &out);
	TG_CHECK_STR(text, "[1,[177,[" T "],{\"wait_for\":\"ready_for_reads\",\"timeout\":10}]]");
}

TG_TEST(rethink_queries_for_a_sample)
{
	struct tg_member_name members[2];
	struct tg_query_sample sample = { .limit = 200, .members = members, .count = 2 };

	TG_CHECK(tg_member_set_text(&members[0], "a"));
	TG_CHECK(tg_member_set_text(&members[1], "b \"c\""));
	fresh();
	sample.table = table;
	tg_query_sample(&sample, &out);
	TG_CHECK_STR(text, "[1,[33,[[71,[" T ",200]],\"a\",\"b \\\"c\\\"\"]]]");
	fresh();
	sample.count = 0;
	tg_query_sample(&sample, &out);
	TG_CHECK_STR(text, "[1,[71,[" T ",200]]]");
}

TG_TEST(rethink_queries_for_rows)
{
	struct tg_query_rows rows = { .key = tg_view_str("\"id\""), .batch_bytes = 4096 };

	fresh();
	rows.table = table;
	tg_query_rows(&rows, &out);
	TG_CHECK_STR(text, "[1,[41,[[182,[" T ",[180,[]],[181,[]]],{\"index\":\"id\","
			   "\"left_bound\":\"open\"}]],{\"index\":\"id\"}],"
			   "{\"max_batch_bytes\":4096}]");
	fresh();
	rows.after = tg_view_str("[2,[1,\"x\"]]");
	tg_query_rows(&rows, &out);
	TG_CHECK_STR(text, "[1,[41,[[182,[" T ",[2,[1,\"x\"]],[181,[]]],{\"index\":\"id\","
			   "\"left_bound\":\"open\"}]],{\"index\":\"id\"}],"
			   "{\"max_batch_bytes\":4096}]");
	fresh();
	rows.before = tg_view_str("\"z\"");
	rows.back = true;
	tg_query_rows(&rows, &out);
	TG_CHECK_STR(text, "[1,[41,[[182,[" T ",[2,[1,\"x\"]],\"z\"],{\"index\":\"id\","
			   "\"left_bound\":\"open\"}]],{\"index\":[74,[\"id\"]]}],"
			   "{\"max_batch_bytes\":4096}]");
	fresh();
	rows.before = tg_view_of(NULL, 0);
	rows.back = false;
	rows.field = tg_view_str("\"ts\"");
	rows.lower = tg_view_str("[101,[5]]");
	rows.index = tg_view_str("\"by ts\"");
	tg_query_rows(&rows, &out);
	TG_CHECK_STR(text, "[1,[41,[[182,[" T ",[101,[5]],[181,[]]],{\"index\":\"by ts\","
			   "\"left_bound\":\"closed\"}]],{\"index\":\"by ts\"}],"
			   "{\"max_batch_bytes\":4096}]");
	fresh();
	rows.first = 70;
	tg_query_rows(&rows, &out);
	TG_CHECK_STR(text, "[1,[71,[[182,[" T ",[101,[5]],[181,[]]],{\"index\":\"by ts\","
			   "\"left_bound\":\"closed\"}],70]],"
			   "{\"max_batch_bytes\":4096,\"first_batch_scaledown_factor\":1}]");
}

/* --- names --- */

static struct tg_rethink_name items[CONFIG_TG_TABLES_MAX];
static uint8_t names_text[CONFIG_TG_RETHINK_NAMES_BYTES];
static struct tg_rethink_names names = { .items = items, .text = names_text };
static struct tg_rethink_config config = { .database = "plant" };
static struct tg_why why;

static int take(const char *list)
{
	return tg_rethink_names_take(&names, tg_view_str(list), &config, &why);
}

static void patterns(const char *packed, uint32_t bytes)
{
	memcpy(config.patterns, packed, bytes);
	config.patterns_bytes = bytes;
	names.count = names.text_bytes = 0;
}

TG_TEST(rethink_names_keep_their_place)
{
	patterns("*\0!tmp_*", 9);
	TG_CHECK_INT(take("[\"a\",\"tmp_x\",\"b\"]"), TG_OK);
	TG_CHECK_INT(names.count, 2);
	names.items[0].done = true;
	TG_CHECK_INT(take("[\"c\",\"b\",\"a\"]"), TG_OK);
	TG_CHECK_INT(names.count, 3);
	TG_CHECK(names.items[0].done && !names.items[2].done);
	struct tg_view third = tg_rethink_name_at(&names, 2);
	TG_CHECK_BYTES(third.at, third.bytes, "c", 1);
	tg_rethink_names_renew(&names);
	TG_CHECK(!names.items[0].done);
	TG_CHECK_INT(take("{\"a\":1}"), TG_ERR_PROTOCOL);
	TG_CHECK_INT(take("[7]"), TG_ERR_PROTOCOL);
}

TG_TEST(rethink_names_are_bounded)
{
	static char list[CONFIG_TG_TABLES_MAX * 12 + 64];
	size_t used = 1;

	patterns("*", 2);
	list[0] = '[';
	for (int i = 0; i <= CONFIG_TG_TABLES_MAX; i++)
		used += (size_t)sprintf(list + used, "%s\"t%d\"", i == 0 ? "" : ",", i);
	strcpy(list + used, "]");
	TG_CHECK_INT(take(list), TG_ERR_LIMIT);
	TG_CHECK(strstr(why.text, "TG_TABLES_MAX") != NULL);
	/* Those that the patterns leave out do not count. */
	patterns("t1*", 4);
	TG_CHECK_INT(take(list), TG_OK);
}

/* --- faults --- */

static int judge(int32_t type, int32_t error, const char *message)
{
	struct tg_fault fault = { .type = type,
				  .error = error,
				  .text = tg_view_str(message),
				  .what = "table plant/t",
				  .user = "repl" };

	return tg_rethink_fault(&fault, &why);
}

TG_TEST(rethink_faults_are_told_apart)
{
	TG_CHECK_INT(judge(18, 6000000,
			   "\"User `repl` does not have the required `read` permission.\""),
		     TG_ERR_PERMISSION);
	TG_CHECK_INT(judge(18, 1000000,
			   "\"Unexpected exception: User x does not have the required y\""),
		     TG_ERR_PERMISSION);
	TG_CHECK_INT(judge(18, 4100000, "\"Table `plant.t` does not exist.\""), TG_ERR_MISSING);
	TG_CHECK_INT(judge(18, 4100000, "\"Index `x` was not found on table `plant.t`.\""),
		     TG_ERR_MISSING);
	TG_CHECK_INT(judge(18, 4100000, "\"Cannot perform read: no replica is available\""),
		     TG_ERR_NOT_READY);
	TG_CHECK_INT(judge(18, 4200000, "\"interrupted\""), TG_ERR_NOT_READY);
	TG_CHECK_INT(judge(18, 3000000, "\"Cannot divide by zero.\""), TG_ERR_QUERY);
	TG_CHECK_STR(why.text,
		     "table plant/t: the server failed the query (type 18, code 3000000): "
		     "Cannot divide by zero.");
	TG_CHECK_INT(judge(17, 0, "\"Unrecognized optional argument\""), TG_ERR_PROTOCOL);
	TG_CHECK_INT(judge(18, 4100000, "7"), TG_ERR_QUERY);
}

/* What the server quotes is somebody's data. */
TG_TEST(rethink_faults_repeat_no_rows)
{
	TG_CHECK_INT(judge(18, 3100000, "\"No attribute `x` in object:\\n{\\n\\\"secret\\\": 1}\""),
		     TG_ERR_QUERY);
	TG_CHECK(strstr(why.text, "No attribute `x` in object:") != NULL);
	TG_CHECK(strstr(why.text, "secret") == NULL);
	TG_CHECK_INT(judge(18, 3000000, "\"Expected number in {\\\"secret\\\":1}\""), TG_ERR_QUERY);
	TG_CHECK(strstr(why.text, "secret") == NULL);
}
