/* Goal: two ids that the server takes for one have one key, any two others have two; a key gives
 * the id back as it was spelled, and keys compare as the server lists ids.
 * Method: ids of the recordings and of the server's limits by hand, every letter of Unicode, then
 * ids drawn from a seed and held against a plain lower case. */
#include "drivers/raven/key.h"

#include "drivers/raven/fold.h"
#include "tests/check.h"

enum { ID_BYTES_MAX = 512, LETTERS_MAX = 0x110000 };

struct coded {
	struct tg_key key;
	uint8_t at[TG_KEY_BYTES_MAX];
};

static void encode_id(struct coded *coded, struct tg_view id)
{
	int rc = tg_raven_key_of_id(id, coded->at, sizeof(coded->at), &coded->key);

	if (rc != TG_OK)
		TG_FAIL("rc %d: %.*s", rc, (int)id.bytes, (const char *)id.at);
	TG_CHECK(coded->key.bytes.at == coded->at && coded->key.cmp_bytes > 0);
	TG_CHECK(coded->key.cmp_bytes <= coded->key.bytes.bytes);
}

static void gives_back(const struct coded *coded, struct tg_view id)
{
	uint8_t again[4 * ID_BYTES_MAX];
	int bytes = tg_raven_key_id(coded->key.bytes, again, sizeof(again));

	TG_CHECK_BYTES(again, (size_t)bytes, id.at, id.bytes);
}

static int order_of(const char *a, const char *b)
{
	static struct coded one, other;

	encode_id(&one, tg_view_str(a));
	encode_id(&other, tg_view_str(b));
	int order = tg_raven_key_compare(one.key, other.key);
	int back = tg_raven_key_compare(other.key, one.key);
	TG_CHECK((order > 0) == (back < 0) && (order == 0) == (back == 0));
	return order;
}

TG_TEST(ids_compare_without_case_beyond_ascii_too)
{
	TG_CHECK_INT(order_of("orders/1-A", "ORDERS/1-a"), 0);
	TG_CHECK_INT(order_of("\xc3\xa4/\xc3\x96\xc3\x9c", "\xc3\x84/\xc3\xb6\xc3\xbc"), 0);
	TG_CHECK(order_of("stra\xc3\x9f"
			  "e",
			  "STRASSE") != 0);
	TG_CHECK_INT(order_of("\xe2\x84\xaa", "k"), 0);                  /* the Kelvin sign */
	TG_CHECK(order_of("\xf0\x90\x90\x80", "\xf0\x90\x90\xa8") != 0); /* Deseret */
	TG_CHECK(order_of("\xc4\xb0", "i") != 0);                        /* I with a dot */
	TG_CHECK(order_of("a", "b") < 0 && order_of("a", "B") < 0);
	TG_CHECK(order_of("orders/1", "orders/10") < 0 && order_of("orders/10", "orders/2") < 0);
	TG_CHECK(order_of("z", "\xc3\xa4") < 0);
}

TG_TEST(a_key_gives_the_servers_json_back)
{
	static const char *const jsons[] = {
		"\"orders/830-A\"",
		"\"Orders/830-A\"",
		"\" a b \"",
		"\"a\\tb\\n\"",
		"\"\\\"q\\\"\\\\\"",
		"\"\\u0001\\u001F\"",
		"\"\xc3\x96/\xe6\xbc\xa2\"",
		"\"/\"",
		"\"\x7f\"",
		"\"\xf0\x9f\x98\x80X\"",
	};
	struct coded coded;
	uint8_t at[TG_KEY_JSON_BYTES_MAX];

	for (size_t i = 0; i < sizeof(jsons) / sizeof(jsons[0]); i++) {
		struct tg_out out = { .at = at, .cap = sizeof(at) };
		struct tg_view json = tg_view_str(jsons[i]);
		TG_CHECK_INT(tg_raven_key_encode(json, coded.at, sizeof(coded.at), &coded.key), 0);
		TG_CHECK_INT(tg_raven_key_json(coded.key.bytes, &out), TG_OK);
		TG_CHECK_BYTES(at, tg_out_filled(&out), json.at, json.bytes);
	}
}

TG_TEST(a_usual_id_costs_two_bytes_more)
{
	struct coded coded;

	encode_id(&coded, tg_view_str("orders/830"));
	TG_CHECK_INT(coded.key.bytes.bytes, 10);
	encode_id(&coded, tg_view_str("orders/830-A"));
	TG_CHECK_INT(coded.key.cmp_bytes, 12);
	TG_CHECK_INT(coded.key.bytes.bytes, 14);
}

/* `count` letters in a row. */
static struct tg_view row_of(uint32_t letter, unsigned count, uint8_t *at)
{
	size_t used = 0;

	for (unsigned i = 0; i < count; i++)
		used += tg_fold_put(letter, at + used);
	return tg_view_of(at, used);
}

TG_TEST(the_longest_ids_fit_however_they_are_spelled)
{
	static const uint32_t letters[] = { 'a', 'A', 0x212a, 1 };
	static struct coded coded;
	uint8_t id[4 * ID_BYTES_MAX], json_at[TG_KEY_JSON_BYTES_MAX];

	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
		struct tg_out json = { .at = json_at, .cap = sizeof(json_at) };
		struct tg_view row = row_of(letters[i], ID_BYTES_MAX, id);
		encode_id(&coded, row);
		TG_CHECK_INT(coded.key.cmp_bytes, ID_BYTES_MAX);
		gives_back(&coded, row);
		TG_CHECK_INT(tg_raven_key_json(coded.key.bytes, &json), TG_OK);
		TG_CHECK(!tg_out_overran(&json));
	}
}

TG_TEST(every_letter_finds_back)
{
	struct coded coded;
	uint8_t id[12];

	for (uint32_t letter = 1; letter < LETTERS_MAX;
	     letter += letter < 0x600 ? 1 : tg_turns(1, 31)) {
		uint32_t lower = tg_fold_letter(letter), which = tg_fold_which(letter);
		TG_CHECK_INT(tg_fold_letter(lower), lower);
		TG_CHECK(which <= TG_FOLD_WHICH_MAX && (which == 0) == (lower == letter));
		TG_CHECK(which == 0 || tg_fold_back(lower, which) == letter);
		if (letter >= 0xd800 && letter < 0xe000)
			continue;
		struct tg_view row = row_of(letter, 2, id);
		encode_id(&coded, row);
		gives_back(&coded, row);
	}
}

TG_TEST(what_is_no_id_is_refused)
{
	static const char *const none[] = { "",   "\"",     "\"\"",     "1",       "null",
					    "{}", "\"a\\x", "\"a\\x\"", "\"a\"b\"" };
	struct coded coded;
	static uint8_t longer[2 * TG_KEY_BYTES_MAX];

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		TG_CHECK_INT(tg_raven_key_encode(tg_view_str(none[i]), coded.at, sizeof(coded.at),
						 &coded.key),
			     TG_ERR_PROTOCOL);
	TG_CHECK_INT(tg_raven_key_encode(tg_view_str("\"a\xff\""), coded.at, sizeof(coded.at),
					 &coded.key),
		     TG_ERR_PROTOCOL);
	memset(longer, 'a', sizeof(longer));
	TG_CHECK_INT(tg_raven_key_of_id(tg_view_of(longer, sizeof(longer)), coded.at,
					sizeof(coded.at), &coded.key),
		     TG_ERR_LIMIT);
	memset(longer, 'A', 700);
	TG_CHECK_INT(tg_raven_key_of_id(tg_view_of(longer, 700), coded.at, sizeof(coded.at),
					&coded.key),
		     TG_ERR_LIMIT);
}

TG_TEST(bytes_that_are_no_key_are_told)
{
	static const char *const none[] = {
		"",          "\xff",  "\xff\x01",   "a\xff\x01",
		"a\xff\x81", "1\xff", "ab\xff\xff", "\xc3\x9f\xff\x80"
	};
	uint8_t at[64];

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		struct tg_view key = tg_view_str(none[i]);
		int rc = tg_raven_key_id(key, at, sizeof(at));
		if (rc != TG_ERR_DAMAGED)
			TG_FAIL("%zu is taken: %d", i, rc);
	}
	TG_CHECK_INT(tg_raven_key_id(tg_view_of("1\xff\x00", 3), at, sizeof(at)), TG_ERR_DAMAGED);
}

/* --- drawn ids --- */

static uint32_t draw(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*seed >> 33);
}

/* Mostly letters of the same few, so that runs without a difference and long ones both occur; now
 * and then a byte that is no UTF-8. */
static struct tg_view draw_id(uint64_t *seed, uint8_t *at)
{
	static const uint32_t letters[] = { 'a',  'A',  'k', 0x212a, 'Z', '/',     0xd6,
					    0xe4, 0xdf, 1,   0x1e9e, '9', 0x10400, 0xc5 };
	unsigned count = 1 + draw(seed) % 160;
	size_t used = 0;

	for (unsigned i = 0; i < count; i++) {
		if (draw(seed) % 50 == 0)
			at[used++] = (uint8_t)(0x80 + draw(seed) % 0x7f);
		else if (draw(seed) % 3 == 0)
			used += tg_fold_put(letters[draw(seed) % 14], at + used);
		else
			at[used++] = 'x';
	}
	return tg_view_of(at, used);
}

TG_TEST(ids_drawn_from_a_seed_come_back)
{
	static struct coded coded, again;
	uint64_t seed = 20261121;

	for (unsigned i = 0; i < tg_turns(5000, 500); i++) {
		uint8_t id[700], lower[700];
		uint64_t from = seed;
		struct tg_view drawn = draw_id(&seed, id);
		encode_id(&coded, drawn);
		gives_back(&coded, drawn);
		int bytes = tg_fold(drawn, lower, sizeof(lower));
		encode_id(&again, tg_view_of(lower, (size_t)bytes));
		TG_CHECK_SEED(from, tg_raven_key_compare(coded.key, again.key) == 0);
		TG_CHECK_SEED(from, again.key.bytes.bytes == again.key.cmp_bytes);
		TG_CHECK_SEED(from, tg_fold_same(drawn, tg_view_of(lower, (size_t)bytes)));
	}
}
