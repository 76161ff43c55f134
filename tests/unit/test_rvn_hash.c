/* Goal: the hash changes with everything that a user stored and with nothing else; what metadata
 * says is found in any order.
 * Method: one document spelled in many ways; moments by hand. */
#include "drivers/raven/hash.h"

#include "drivers/json/scan.h"
#include "drivers/raven/rows.h"
#include "tests/check.h"

static struct tg_raven_meta meta_of(struct tg_view body, struct tg_view *metadata)
{
	struct tg_raven_meta meta;

	*metadata = tg_member_of(body, "@metadata");
	TG_CHECK_INT(tg_raven_meta_read(&meta, *metadata), TG_OK);
	return meta;
}

static uint64_t hash_of(const char *text)
{
	struct tg_view body = tg_view_str(text), metadata;
	struct tg_raven_meta meta = meta_of(body, &metadata);

	return tg_raven_hash(body, metadata, &meta);
}

#define META(more) "\"@metadata\":{\"@collection\":\"Orders\"," more "\"@id\":\"orders/1\"}}"
#define CV_1       "\"@change-vector\":\"A:1-9dcwGkJXDUyJtsfDQgiTiA\","
#define CV_2       "\"@change-vector\":\"A:2-9dcwGkJXDUyJtsfDQgiTiA\",\"@flags\":\"HasRevisions\","
#define TIME_1     "\"@last-modified\":\"2026-11-21T10:01:45.5820723Z\","

TG_TEST(what_the_server_makes_anew_does_not_count)
{
	uint64_t plain = hash_of("{\"a\":1," META(""));

	TG_CHECK(hash_of("{\"a\":1," META(CV_1)) == plain);
	TG_CHECK(hash_of("{\"a\":1," META(CV_2 TIME_1)) == plain);
	TG_CHECK(hash_of("{\"a\":1," META("\"@index-score\":1.5,\"@etag\":3,")) == plain);
	TG_CHECK(hash_of("{\"a\":1 , \"@metadata\" : {\"@id\":\"orders/1\",\"@collection\":"
			 "\"Orders\"}}") == plain);
}

TG_TEST(what_a_user_stored_counts)
{
	static const char *const others[] = {
		"{\"a\":1," META(""),
		"{\"a\":2," META(""),
		"{" META(""),
		"{\"a\":1," META("\"x\":1,"),
		"{\"a\":1," META("\"x\":2,"),
		"{\"a\":1," META("\"@expires\":\"2030\","),
		"{\"a\":1,\"@metadata\":{\"@collection\":\"orders\",\"@id\":\"orders/1\"}}",
		"{\"a\":1,\"@metadata\":{\"@collection\":\"Orders\",\"@id\":\"ORDERS/1\"}}",
		"{\"a\":1,\"@metadata\":{\"@id\":\"orders/1\"}}",
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		for (size_t j = 0; j < i; j++)
			if (hash_of(others[i]) == hash_of(others[j]))
				TG_FAIL("%s and %s are one", others[i], others[j]);
}

TG_TEST(the_order_of_metadata_does_not_count)
{
	TG_CHECK(hash_of("{" META("\"b\":1,\"a\":2,\"ab\":3,")) ==
		 hash_of("{" META("\"ab\":3,\"a\":2,\"b\":1,")));
	TG_CHECK(hash_of("{" META("\"b\":1,\"a\":2,")) != hash_of("{" META("\"b\":2,\"a\":1,")));
}

TG_TEST(metadata_beyond_what_is_sorted_counts_too)
{
	char text[2][4096];

	for (int which = 0; which < 2; which++) {
		int used = snprintf(text[which], sizeof(text[0]), "{\"@metadata\":{\"@id\":\"x\"");
		for (int i = 0; i < 40; i++)
			used += snprintf(text[which] + used, sizeof(text[0]) - (size_t)used,
					 ",\"m%d\":%d", i, i == 39 ? which : 0);
		(void)snprintf(text[which] + used, sizeof(text[0]) - (size_t)used, "}}");
	}
	TG_CHECK(hash_of(text[0]) != hash_of(text[1]));
}

enum { DOCUMENTS = 7 };

/* Documents of many lengths; the last ones are longer than what is hashed two by two. */
static struct tg_raven_row document(char at[4096], int number)
{
	int used = snprintf(at, 4096, "{\"a\":\"%0*d\"," META(CV_1), 1 + number * 200, number);
	struct tg_raven_row row = { .body = tg_view_of(at, (size_t)used) };

	row.metadata = tg_member_of(row.body, "@metadata");
	row.bytes = row.body.bytes;
	return row;
}

/* Goal: documents that are hashed two by two have the hash that each has alone, whatever their
 * lengths and however many there are. */
TG_TEST(two_by_two_is_the_same)
{
	static char text[DOCUMENTS][4096];
	static uint8_t keys[CONFIG_TG_RAVEN_KEYS_BYTES];
	struct tg_record records[CONFIG_TG_RAVEN_BATCH_RECORDS_MAX];
	struct tg_raven_rows rows = { .records = records, .keys = keys };
	struct tg_raven_meta meta;

	for (int first = 0; first < DOCUMENTS; first++) {
		tg_raven_rows_clear(&rows);
		for (int i = 0; i < DOCUMENTS - first; i++) {
			struct tg_raven_row row = document(text[i], (first + i * 5) % DOCUMENTS);
			TG_CHECK_INT(tg_raven_meta_read(&meta, row.metadata), TG_OK);
			TG_CHECK_INT(tg_raven_rows_add(&rows, &row, &meta, 0), TG_OK);
		}
		tg_raven_rows_end(&rows);
		TG_CHECK_INT(rows.count, (uint32_t)(DOCUMENTS - first));
		for (uint32_t i = 0; i < rows.count; i++) {
			struct tg_view metadata = tg_member_of(records[i].body, "@metadata");
			TG_CHECK_INT(tg_raven_meta_read(&meta, metadata), TG_OK);
			TG_CHECK(records[i].hash ==
				 tg_raven_hash(records[i].body, metadata, &meta));
		}
	}
}

TG_TEST(metadata_is_read)
{
	struct tg_view metadata;
	struct tg_raven_meta meta =
		meta_of(tg_view_str("{\"@metadata\":{\"Raven-Clr-Type\":\"T\",\"@id\":\"a\"," TIME_1
				    "\"@flags\":\"HasRevisions, Artificial\"," CV_1
				    "\"Tidegate-Instance\":\"i\"}}"),
			&metadata);

	TG_CHECK(tg_view_same(meta.id, tg_view_str("\"a\"")));
	TG_CHECK(meta.collection.bytes == 0 && meta.change_vector.bytes > 0);
	TG_CHECK(meta.replicated && meta.own_count == 2 && meta.own_more == 0);
	TG_CHECK(tg_raven_meta_has(meta.flags, "Artificial"));
	TG_CHECK(tg_raven_meta_has(meta.flags, "HasRevisions"));
	TG_CHECK(!tg_raven_meta_has(meta.flags, "Revision"));
	TG_CHECK(!tg_raven_meta_has(tg_view_of(NULL, 0), "Revision"));
}

TG_TEST(metadata_without_an_id_is_none)
{
	struct tg_raven_meta meta;

	TG_CHECK_INT(tg_raven_meta_read(&meta, tg_view_str("{}")), TG_ERR_PROTOCOL);
	TG_CHECK_INT(tg_raven_meta_read(&meta, tg_view_str("[]")), TG_ERR_PROTOCOL);
	TG_CHECK_INT(tg_raven_meta_read(&meta, tg_view_str("{\"@id\":\"\"}")), TG_ERR_PROTOCOL);
	TG_CHECK_INT(tg_raven_meta_read(&meta, tg_view_of(NULL, 0)), TG_ERR_PROTOCOL);
}

TG_TEST(moments_become_milliseconds)
{
	static const char *const none[] = { "",
					    "\"\"",
					    "\"2026-11-21\"",
					    "\"2026-13-21T10:01:45Z\"",
					    "\"2026-11-21T24:01:45Z\"",
					    "\"2026-11-21T10:01:45.Z\"",
					    "\"2026-11-21T10:01:45+01:00\"",
					    "\"2026-11-21 10:01:45Z\"",
					    "\"2026-11-21T10:01:45Z \"" };
	int64_t ms = 0;

	TG_CHECK_INT(tg_raven_time(tg_view_str("\"2026-11-21T10:01:45.5820723Z\""), &ms), TG_OK);
	TG_CHECK_INT(ms, INT64_C(1795255305582));
	TG_CHECK_INT(tg_raven_time(tg_view_str("\"1970-01-01T00:00:00\""), &ms), TG_OK);
	TG_CHECK_INT(ms, 0);
	TG_CHECK(!tg_raven_is_moment(tg_view_str("\"1970-01-01T00:00:00\"")));
	TG_CHECK(tg_raven_is_moment(tg_view_str("\"1970-01-01T00:00:00.1Z\"")));
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		if (tg_raven_time(tg_view_str(none[i]), &ms) != TG_ERR_PROTOCOL)
			TG_FAIL("%s is a moment", none[i]);
}
