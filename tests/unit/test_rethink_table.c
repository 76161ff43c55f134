/* INFO, STATUS and INDEX_STATUS as the recordings have them, and an index' function byte by byte.
 */
#include "drivers/rethink/table.h"

#include "platform/crypto.h"
#include "tests/check.h"

static struct tg_rethink_table table;

TG_TEST(rethink_table_reads_info)
{
	TG_CHECK_INT(
		tg_rethink_table_info(
			&table,
			tg_view_str(
				"{\"db\":{\"id\":\"x\",\"name\":\"seed\",\"type\":\"DB\"},"
				"\"doc_count_estimates\":[12,30],"
				"\"id\":\"1a6f11a5-73f7-423d-9eab-a38e771f502e\","
				"\"indexes\":[],\"name\":\"t\",\"primary_key\":\"user \\\"id\\\"\","
				"\"type\":\"TABLE\"}")),
		TG_OK);
	TG_CHECK_INT(table.rows_estimate, 42);
	TG_CHECK(memcmp(table.uuid,
			"\x1a\x6f\x11\xa5\x73\xf7\x42\x3d\x9e\xab\xa3\x8e\x77\x1f\x50\x2e",
			16) == 0);
	struct tg_view key = tg_member_bare(&table.key);
	TG_CHECK_BYTES(key.at, key.bytes, "user \\\"id\\\"", 11);
}

TG_TEST(rethink_table_reads_status_and_assumes_the_key)
{
	TG_CHECK_INT(tg_rethink_table_status(
			     &table,
			     tg_view_str("{\"db\":\"d\","
					 "\"id\":\"1a6f11a5-73f7-423d-9eab-a38e771f502e\"}")),
		     TG_OK);
	TG_CHECK_BYTES(table.key.json, table.key.bytes, "\"id\"", 4);
}

TG_TEST(rethink_table_refuses_half_an_answer)
{
	static const char *const wrong[] = {
		"{}",
		"[]",
		"{\"id\":\"1a6f11a5\",\"primary_key\":\"id\"}",
		"{\"id\":\"1a6f11a5-73f7-423d-9eab-a38e771f502e\"}",
		"{\"id\":\"1a6f11a5-73f7-423d-9eab-a38e771f502g\",\"primary_key\":\"id\"}",
		"{\"id\":\"1a6f11a5473f74423d49eab4a38e771f502e\",\"primary_key\":\"id\"}",
		"{\"id\":\"1a6f11a5-73f7-423d-9eab-a38e771f502e\",\"primary_key\":7}",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (tg_rethink_table_info(&table, tg_view_str(wrong[i])) != TG_ERR_PROTOCOL)
			TG_FAIL("%s was taken", wrong[i]);
}

/* From the recording `discovery`. */
#define MODIFIED_AT                                                                          \
	"JHJlcWxfaW5kZXhfZnVuY3Rpb24kCQcHBwAAAAAAAAHt/////////zAAAABbMzEsW1sxMCxbWzEs\\r\\n" \
	"LTE5LDBdXSwwXSxbMSwibW9kaWZpZWRfYXQiLDBdXSwwXQAAAAAAAAA="
#define ROLES_MULTI                                                                          \
	"JHJlcWxfaW5kZXhfZnVuY3Rpb24kCQcHBwAAAAAAAAHt/////////yoAAABbMzEsW1sxMCxbWzEs\\r\\n" \
	"LTE5LDBdXSwwXSxbMSwicm9sZXMiLDBdXSwwXQAAAAAAAQA="
#define UPPER_NAME                                                                           \
	"JHJlcWxfaW5kZXhfZnVuY3Rpb24kCQcHBwAAAAAAAAEBAAAAAAAAAC4AAABbMTQxLFtbMTcwLFtb\\r\\n" \
	"MTMsW10sMTFdLFsxLCJuYW1lIiwxMl1dLDEwXV0sOV0ACQAAAAAA"

static bool found(const char *name, const char *function, const char *ready, const char *field)
{
	char list[1024];
	struct tg_member_name member, index;

	snprintf(list, sizeof(list),
		 "[{\"function\":7,\"index\":\"odd\"},"
		 "{\"function\":{\"$reql_type$\":\"BINARY\",\"data\":\"%s\"},\"geo\":false,"
		 "\"index\":\"%s\",\"multi\":false,\"outdated\":false,\"query\":\"x\",\"ready\":%s}"
		 "]",
		 function, name, ready);
	TG_CHECK(tg_member_set_text(&member, field));
	return tg_rethink_index_find(tg_view_str(list), &member, &index) &&
	       index.bytes == strlen(name) + 2;
}

TG_TEST(rethink_index_is_found_by_what_it_computes)
{
	TG_CHECK(found("modified_at", MODIFIED_AT, "true", "modified_at"));
	TG_CHECK(found("by another name", MODIFIED_AT, "true", "modified_at"));
	TG_CHECK(!found("modified_at", MODIFIED_AT, "false", "modified_at"));
	TG_CHECK(!found("created_at", MODIFIED_AT, "true", "created_at"));
	TG_CHECK(!found("roles", ROLES_MULTI, "true", "roles"));
	TG_CHECK(!found("upper", UPPER_NAME, "true", "name"));
	TG_CHECK(!found("broken", "AAAA", "true", "modified_at"));
	TG_CHECK(!found("broken", "!", "true", "modified_at"));
}

static uint8_t function[256];
static size_t function_bytes;

/* Builds what INDEX_CREATE stores for a term, reference 5.5. */
static bool is_field(const char *term, int64_t variable, const char *field)
{
	size_t bytes = strlen(term) + 1;

	memset(function, 0, sizeof(function));
	memcpy(function, "$reql_index_function$\x09\x07\x07\x07", 25);
	function[31] = 1;
	for (unsigned i = 0; i < 8; i++)
		function[32 + i] = (uint8_t)((uint64_t)variable >> (8 * i));
	function[40] = (uint8_t)bytes;
	memcpy(function + 44, term, bytes);
	function_bytes = 44 + bytes + 6;
	return tg_rethink_function_is_field(tg_view_of(function, function_bytes),
					    tg_view_str(field));
}

TG_TEST(rethink_function_forms_that_are_a_field)
{
	TG_CHECK(is_field("[31,[[10,[[1,-19,0]],0],[1,\"ts\",0]],0]", -19, "\"ts\""));
	TG_CHECK(is_field("[170,[[10,[[1,4,1]],2],[1,\"ts\",3]],4]", 4, "\"ts\""));
	TG_CHECK(is_field("[170,[[13,[],2],[1,\"ts\",3]],4]", 1, "\"ts\""));
	TG_CHECK(!is_field("[31,[[10,[[1,-18,0]],0],[1,\"ts\",0]],0]", -19, "\"ts\""));
	TG_CHECK(!is_field("[31,[[10,[[1,-19,0]],0],[1,\"ts\",0]],0]", -19, "\"t\""));
	TG_CHECK(!is_field("[2,[[31,[[10,[[1,-19,0]],0],[1,\"ts\",0]],0]],0]", -19, "\"ts\""));
	TG_CHECK(!is_field("[31,[[10,[[1,-19,0]],0],[1,\"ts\",0],[1,\"x\",0]],0]", -19, "\"ts\""));
	TG_CHECK(!is_field("[31,[[10,[[1,-19,0]],0],[1,\"ts\",0]]", -19, "\"ts\""));
	TG_CHECK(!is_field("{}", -19, "\"ts\""));
	TG_CHECK(!is_field("", -19, "\"ts\""));
}

/* Every byte of the frame around the term means something, and any cut is refused. */
TG_TEST(rethink_function_minds_every_byte)
{
	static const uint8_t minded[] = { 0, 20, 25, 26, 27, 30, 31, 32, 39, 40, 43 };

	for (size_t i = 0; i < sizeof(minded); i++) {
		TG_CHECK(is_field("[31,[[10,[[1,-19,0]],0],[1,\"ts\",0]],0]", -19, "\"ts\""));
		function[minded[i]] ^= 0x40;
		TG_CHECK(!tg_rethink_function_is_field(tg_view_of(function, function_bytes),
						       tg_view_str("\"ts\"")));
	}
	TG_CHECK(is_field("[31,[[10,[[1,-19,0]],0],[1,\"ts\",0]],0]", -19, "\"ts\""));
	for (size_t cut = 0; cut < function_bytes; cut++)
		TG_CHECK(!tg_rethink_function_is_field(tg_view_of(function, cut),
						       tg_view_str("\"ts\"")));
	function[function_bytes - 1] = 1;
	TG_CHECK(!tg_rethink_function_is_field(tg_view_of(function, function_bytes),
					       tg_view_str("\"ts\"")));
}
