/* Goal: a change vector is read in whatever order and form it comes, an id's etag is found, and one
 * state is said to contain another only when it does.
 * Method: vectors of the recordings and of the reference; broken ones; ids there and back. */
#include "drivers/raven/vector.h"

#include "tests/check.h"

#define ID_A "9dcwGkJXDUyJtsfDQgiTiA"
#define ID_B "r/Jh5unACUG/3qmitO9bAQ"
#define ID_C "327acThIHEiseOHzTfR+jg"

static int64_t etag_in(const char *vector, const char *id)
{
	uint64_t etag = 0;

	return tg_raven_vector_etag(tg_view_str(vector), tg_view_str(id), &etag) ? (int64_t)etag
										 : -1;
}

TG_TEST(an_entry_is_found_wherever_it_stands)
{
	TG_CHECK_INT(etag_in("A:1062-" ID_A, ID_A), 1062);
	TG_CHECK_INT(etag_in("B:8-" ID_B ", C:9-" ID_C ", A:4-" ID_A, ID_A), 4);
	TG_CHECK_INT(etag_in("RAFT:7-" ID_B "|A:4-" ID_A ",TRXN:5-" ID_C, ID_A), 4);
	TG_CHECK_INT(etag_in("A:4-" ID_A " | A:9-" ID_A, ID_A), 9);
	TG_CHECK_INT(etag_in("A:9223372036854775807-" ID_A, ID_A), INT64_MAX);
	TG_CHECK_INT(etag_in("B:8-" ID_B, ID_A), -1);
	TG_CHECK_INT(etag_in("", ID_A), -1);
}

TG_TEST(what_is_no_entry_is_passed_over_and_noted)
{
	static const char *const strange[] = {
		"A",          "A:1",       "A:-" ID_A,      ":1-" ID_A,
		"A:1x-" ID_A, "A:1-short", "A:1-" ID_A "A", "A:9223372036854775808-" ID_A
	};
	struct tg_raven_entry entry;

	for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
		struct tg_raven_vector vector = tg_raven_vector_of(tg_view_str(strange[i]));
		if (tg_raven_vector_next(&vector, &entry) || !vector.strange)
			TG_FAIL("%s is taken", strange[i]);
		TG_CHECK(!tg_raven_vector_covers(tg_view_str("A:99-" ID_A),
						 tg_view_str(strange[i])));
	}
	TG_CHECK_INT(etag_in("nonsense, A:4-" ID_A, ID_A), 4);
}

static bool covers(const char *all, const char *part)
{
	return tg_raven_vector_covers(tg_view_str(all), tg_view_str(part));
}

TG_TEST(a_state_contains_another_entry_by_entry)
{
	TG_CHECK(covers("A:5-" ID_A ", B:7-" ID_B, "A:5-" ID_A));
	TG_CHECK(covers("B:7-" ID_B ", A:5-" ID_A, "A:4-" ID_A ", B:7-" ID_B));
	TG_CHECK(!covers("A:5-" ID_A ", B:7-" ID_B, "A:6-" ID_A));
	TG_CHECK(!covers("A:5-" ID_A, "A:5-" ID_A ", B:1-" ID_B));
	TG_CHECK(covers("A:5-" ID_A, ""));
	TG_CHECK(!covers("", "A:1-" ID_A));
}

TG_TEST(the_header_is_a_quoted_vector)
{
	struct tg_view text;

	TG_CHECK_INT(tg_raven_vector_of_header(tg_view_str("\"A:36-" ID_A "\""), &text), 0);
	TG_CHECK_BYTES(text.at, text.bytes, "A:36-" ID_A, strlen("A:36-" ID_A));
	TG_CHECK_INT(tg_raven_vector_of_header(tg_view_str(" W/\"\" "), &text), 0);
	TG_CHECK_INT(text.bytes, 0);
	TG_CHECK_INT(tg_raven_vector_of_header(tg_view_str(""), &text), TG_ERR_PROTOCOL);
	TG_CHECK_INT(tg_raven_vector_of_header(tg_view_str("A:1"), &text), TG_ERR_PROTOCOL);
	TG_CHECK_INT(tg_raven_vector_of_header(tg_view_str("\"a\"b\""), &text), TG_ERR_PROTOCOL);
}

TG_TEST(an_id_is_sixteen_bytes_and_back)
{
	static const char *const ids[] = { ID_A, ID_B, ID_C, "AAAAAAAAAAAAAAAAAAAAAA" };
	static const char *const none[] = { "", "short", ID_A "=", "AAAAAAAAAAAAAAAAAAAAAB",
					    "9dcwGkJXDUyJtsfDQgiT-A" };
	uint8_t id[TG_RAVEN_ID_BYTES];
	char text[TG_RAVEN_ID_TEXT_BYTES];

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		TG_CHECK_INT(tg_raven_id_bytes(tg_view_str(ids[i]), id), TG_OK);
		tg_raven_id_text(id, text);
		TG_CHECK_BYTES(text, sizeof(text), ids[i], strlen(ids[i]));
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		TG_CHECK_INT(tg_raven_id_bytes(tg_view_str(none[i]), id), TG_ERR_PROTOCOL);
}
