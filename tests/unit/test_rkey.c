/* Goal: encoded keys compare as the server orders them and give its own JSON back, byte for byte.
 * Method: lists in the order in which a real RethinkDB 2.4.4 returned them (every pair is
 * compared), then keys drawn from a seed and held against a plain comparison of what they were
 * drawn from. */
#include "drivers/rethink/key.h"

#include "tests/check.h"
#include "tests/unit/rkey_ordered.h"

enum { KEYS_MAX = 200 };

struct coded {
	struct tg_key key;
	uint8_t at[TG_KEY_BYTES_MAX];
};

static struct tg_key encode(struct coded *coded, const char *json)
{
	int rc =
		tg_rethink_key_encode(tg_view_str(json), coded->at, sizeof(coded->at), &coded->key);

	if (rc != TG_OK)
		TG_FAIL("rc %d: %s", rc, json);
	TG_CHECK(coded->key.bytes.at == coded->at);
	TG_CHECK(coded->key.cmp_bytes <= coded->key.bytes.bytes && coded->key.cmp_bytes > 0);
	return coded->key;
}

static void decodes_to(struct tg_key key, const char *want)
{
	char at[TG_KEY_JSON_BYTES_MAX];
	struct tg_out out = { .at = (uint8_t *)at, .cap = sizeof(at) };

	TG_CHECK_INT(tg_rethink_key_json(key.bytes, &out), TG_OK);
	TG_CHECK(!tg_out_overran(&out));
	TG_CHECK_BYTES(at, tg_out_filled(&out), want, strlen(want));
}

static int sign(int order)
{
	return (order > 0) - (order < 0);
}

TG_TEST(keys_compare_as_the_server_orders_them)
{
	enum { COUNT = sizeof(ordered) / sizeof(ordered[0]) };
	static struct coded coded[COUNT];

	for (int i = 0; i < COUNT; i++)
		encode(&coded[i], ordered[i]);
	for (int i = 0; i < COUNT; i++) {
		for (int j = 0; j < COUNT; j++) {
			int got = sign(tg_rethink_key_compare(coded[i].key, coded[j].key));
			if (got != sign(i - j))
				TG_FAIL("%s against %s gives %d", ordered[i], ordered[j], got);
		}
	}
}

TG_TEST(keys_give_the_servers_json_back)
{
	struct coded coded;

	for (size_t i = 0; i < sizeof(ordered) / sizeof(ordered[0]); i++) {
		struct tg_key key = encode(&coded, ordered[i]);
		decodes_to(key, ordered[i]);
		TG_CHECK_INT(key.cmp_bytes, key.bytes.bytes); /* Usual spellings need no tail. */
	}
}

static void equal_but_spelled(const char *a, const char *b)
{
	struct coded left, right;

	encode(&left, a);
	encode(&right, b);
	TG_CHECK_INT(tg_rethink_key_compare(left.key, right.key), 0);
	TG_CHECK_BYTES(left.at, left.key.cmp_bytes, right.at, right.key.cmp_bytes);
	decodes_to(left.key, a);
	decodes_to(right.key, b);
}

#define ZONED(epoch, zone) \
	"{\"$reql_type$\":\"TIME\",\"epoch_time\":" epoch ",\"timezone\":\"" zone "\"}"

TG_TEST(spelling_is_kept_but_is_no_part_of_identity)
{
	equal_but_spelled("0", "-0.0");
	equal_but_spelled("[0,[0.5,0]]", "[-0.0,[0.5,-0.0]]");
	equal_but_spelled(TIME("10"), ZONED("10", "+05:00"));
	equal_but_spelled(ZONED("0", "-11:30"), ZONED("-0.0", "+24:00"));
	equal_but_spelled("[1," ZONED("1.5", "+01:00") ",-0.0,\"x\"," ZONED("2", "+00:00") "]",
			  "[1," ZONED("1.5", "+00:00") ",0,\"x\"," ZONED("2", "+02:00") "]");
	/* No server of today writes these; a value is one key all the same. */
	equal_but_spelled("1", "1.0");
	equal_but_spelled("1000000", "1e6");
	equal_but_spelled("0.5", "5E-1");
	equal_but_spelled("[100000000000000000000.0]", "[100000000000000000000]");
	equal_but_spelled("0", "0.000e5");
}

TG_TEST(keys_of_usual_kinds_are_short)
{
	struct coded coded;

	TG_CHECK_INT(encode(&coded, "\"01234567-89ab-cdef-0123-456789abcdef\"").bytes.bytes, 17);
	TG_CHECK_INT(encode(&coded, "\"abc\"").bytes.bytes, 4);
	TG_CHECK_INT(encode(&coded, "17").bytes.bytes, 5);
	TG_CHECK_INT(encode(&coded, "1700000000123").bytes.bytes, 11);
	TG_CHECK_INT(encode(&coded, "true").bytes.bytes, 1);
	TG_CHECK_INT(encode(&coded, TIME("1700000000.123")).bytes.bytes, 11);
}

/* Every character in every place: only a lower-case UUID may be packed, whatever it resembles. */
TG_TEST(only_a_uuid_is_packed)
{
	static const char uuid[] = "\"01234567-89ab-cdef-0123-456789abcdef\"";
	struct coded coded;
	char text[sizeof(uuid)];

	for (size_t place = 1; place < sizeof(uuid) - 2; place++) {
		for (int byte = 0x20; byte < 0x100; byte++) {
			memcpy(text, uuid, sizeof(uuid));
			text[place] = (char)byte;
			if (byte == '"' || byte == '\\')
				continue;
			bool packed = encode(&coded, text).bytes.bytes == 17;
			const char *set = uuid[place] == '-' ? "-" : "0123456789abcdef";
			TG_CHECK(packed == (strchr(set, byte) != NULL));
			decodes_to(coded.key, text);
		}
	}
}

TG_TEST(keys_are_refused_when_they_are_none)
{
	static const char *const texts[] = {
		"",
		"null",
		"{}",
		"{\"a\":1}",
		"[null]",
		"[1,{}]",
		"[1,[{\"a\":2}]]",
		"tru",
		"[1",
		"[1,]",
		"1 2",
		"\"a",
		"\"a\nb\"",
		"nul",
		"01",
		"-",
		"[1]]",
		"{\"$reql_type$\":\"GEOMETRY\",\"coordinates\":[1,2],\"type\":\"Point\"}",
		"{\"$reql_type$\":\"TIME\",\"timezone\":\"+00:00\"}",
		"{\"$reql_type$\":\"TIME\",\"epoch_time\":\"1\",\"timezone\":\"+00:00\"}",
		"{\"$reql_type$\":\"TIME\",\"epoch_time\":1}",
		"{\"$reql_type$\":\"TIME\",\"epoch_time\":1,\"timezone\":\"\"}",
		"{\"$reql_type$\":\"BINARY\"}",
		"{\"$reql_type$\":\"BINARY\",\"data\":\"A*==\"}",
		"{\"$reql_type$\":\"BINARY\",\"data\":7}"
	};
	struct coded coded;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		int rc = tg_rethink_key_encode(tg_view_str(texts[i]), coded.at, sizeof(coded.at),
					       &coded.key);
		if (rc != TG_ERR_PROTOCOL)
			TG_FAIL("rc %d: %s", rc, texts[i]);
	}
}

TG_TEST(keys_too_long_are_refused_at_every_size)
{
	static const char *const texts[] = { "\"01234567-89ab-cdef-0123-456789abcdef\"", "-12.5",
					     "[1,\"abc\",[true," ZONED(
						     "-0.0", "+05:00") "]," BINARY("AAEC") "]" };
	struct coded coded, small;

	for (size_t i = 0; i < 3; i++) {
		struct tg_view text = tg_view_str(texts[i]);
		struct tg_key whole = encode(&coded, texts[i]);
		for (size_t cap = 0; cap < whole.bytes.bytes; cap++)
			TG_CHECK_INT(tg_rethink_key_encode(text, small.at, cap, &small.key),
				     TG_ERR_LIMIT);
		TG_CHECK_INT(tg_rethink_key_encode(text, small.at, whole.bytes.bytes, &small.key),
			     0);
	}
}

static void term_is(const char *json, const char *want, bool want_cut)
{
	char at[256];
	struct tg_out out = { .at = (uint8_t *)at, .cap = sizeof(at) };
	struct coded coded;
	bool cut = !want_cut;

	TG_CHECK_INT(tg_rethink_key_term(encode(&coded, json).bytes, &out, &cut), TG_OK);
	TG_CHECK_BYTES(at, tg_out_filled(&out), want, strlen(want));
	TG_CHECK(cut == want_cut);
}

static void term(const char *json, const char *want)
{
	term_is(json, want, false);
}

TG_TEST(keys_become_terms)
{
	term("\"a\\\"b\"", "\"a\\\"b\"");
	term("-0.0", "-0.0");
	term("\"01234567-89ab-cdef-0123-456789abcdef\"",
	     "\"01234567-89ab-cdef-0123-456789abcdef\"");
	term("[]", "[2,[]]");
	term("[1,[\"x\",[]],true]", "[2,[1,[2,[\"x\",[2,[]]]],true]]");
	term(ZONED("1.5", "+05:00"), ZONED("1.5", "+05:00"));
	term("[" BINARY("QUJD") "]", "[2,[" BINARY("QUJD") "]]");
	term("\"\xed\xa0\x80\"", "\"\xed\xa0\x80\"");
}

TG_TEST(terms_stop_before_bytes_that_are_no_utf8)
{
	struct coded coded;

	decodes_to(encode(&coded, "\"ab\xc3\""), "\"ab\xc3\"");
	term_is("\"ab\xc3\"", "\"ab\"", true);
	term_is("\"\xff\"", "\"\"", true);
	term_is("[1,[\"a\xc3z\",2],3]", "[2,[1,[2,[\"a\"]]]]", true);
	term_is("[\"\xc3\xa9\",[\"\xe2\x82\"]]", "[2,[\"\xc3\xa9\",[2,[\"\"]]]]", true);
}

/* A decoder of damaged bytes may say anything but must end, and stay within them. */
TG_TEST(damaged_keys_are_named)
{
	static const char *const bytes[] = { "",
					     "\x10",
					     "\x30",
					     "\x30\xc0",
					     "\x30\xc0\x01",
					     "\x30\xc0\x01\x0b",
					     "\x60short",
					     "\x99",
					     "\x10\x60",
					     "\x50\xc0\x01\x0b",
					     "\x20\x20",
					     ("\x10\x61"
					      "abc"),
					     "\x30\x80\x80\x01" };
	uint8_t at[64];

	for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
		struct tg_out out = { .at = at, .cap = sizeof(at) };
		TG_CHECK_INT(tg_rethink_key_json(tg_view_str(bytes[i]), &out), TG_ERR_DAMAGED);
	}
	struct coded coded;
	struct tg_key key = encode(&coded, "[1,\"abc\",[true," ZONED("-0.0", "+05:00") "]]");
	for (size_t cut = 0; cut < key.bytes.bytes; cut++) {
		struct tg_out out = { .at = at, .cap = sizeof(at) };
		int rc = tg_rethink_key_json(tg_view_of(key.bytes.at, cut), &out);
		/* Where only the tail is cut off as a whole entry, the usual spelling comes. */
		TG_CHECK(rc == TG_ERR_DAMAGED || cut >= key.cmp_bytes);
	}
}

static uint64_t draw(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

struct drawn {
	int kind; /* 0 number in millionths, 1 text, 2 array of numbers */
	int64_t number;
	char text[40];
	int64_t items[4];
	int count;
	char json[128];
};

static size_t number_json(int64_t millionths, char *at)
{
	uint64_t left = millionths < 0 ? 0 - (uint64_t)millionths : (uint64_t)millionths;
	int used = sprintf(at, "%s%" PRIu64 ".%06" PRIu64, millionths < 0 ? "-" : "",
			   left / 1000000, left % 1000000);

	while (at[used - 1] == '0')
		used--;
	if (at[used - 1] == '.')
		used--;
	at[used] = 0;
	return (size_t)used;
}

static int64_t draw_number(uint64_t *seed)
{
	int64_t number = (int64_t)(draw(seed) >> (draw(seed) % 44 + 20));

	return draw(seed) % 2 != 0 ? -number : number;
}

static void draw_key(struct drawn *key, uint64_t *seed)
{
	static const char letters[] = "0123456789abcdefg-AZ";
	size_t used;

	memset(key, 0, sizeof(*key));
	key->kind = (int)(draw(seed) % 3);
	if (key->kind == 0) {
		key->number = draw_number(seed);
		number_json(key->number, key->json);
	} else if (key->kind == 1) {
		used = draw(seed) % 5;
		for (size_t i = 0; i < used; i++)
			key->text[i] = letters[draw(seed) % 20];
		if (draw(seed) % 2 != 0)
			sprintf(key->text, "%08" PRIx64 "-0000-4000-8000-00000000000%c",
				draw(seed) >> 60, letters[draw(seed) % 17]);
		sprintf(key->json, "\"%s\"", key->text);
	} else {
		key->count = (int)(draw(seed) % 4);
		used = (size_t)sprintf(key->json, "[");
		for (int i = 0; i < key->count; i++) {
			key->items[i] = (int64_t)(draw(seed) % 3) - 1;
			used += (size_t)sprintf(key->json + used, i > 0 ? "," : "");
			used += number_json(key->items[i], key->json + used);
		}
		sprintf(key->json + used, "]");
	}
}

/* Array before number before text; then by what they hold. */
static int plain_compare(const struct drawn *a, const struct drawn *b)
{
	static const int rank[] = { 1, 2, 0 };

	if (a->kind != b->kind)
		return sign(rank[a->kind] - rank[b->kind]);
	if (a->kind == 0)
		return (a->number > b->number) - (a->number < b->number);
	if (a->kind == 1)
		return sign(strcmp(a->text, b->text));
	for (int i = 0; i < a->count && i < b->count; i++) {
		if (a->items[i] != b->items[i])
			return a->items[i] > b->items[i] ? 1 : -1;
	}
	return sign(a->count - b->count);
}

TG_TEST(keys_drawn_from_a_seed_compare_and_decode)
{
	static struct drawn drawn[KEYS_MAX];
	static struct coded coded[KEYS_MAX];
	uint64_t seed = 20261121;

	for (int round = 0; round < 10; round++) {
		uint64_t from = seed;
		for (int i = 0; i < KEYS_MAX; i++) {
			draw_key(&drawn[i], &seed);
			encode(&coded[i], drawn[i].json);
			if (drawn[i].kind != 2)
				decodes_to(coded[i].key, drawn[i].json);
		}
		for (int i = 0; i < KEYS_MAX; i++) {
			for (int j = 0; j < KEYS_MAX; j++) {
				int got = sign(tg_rethink_key_compare(coded[i].key, coded[j].key));
				int want = plain_compare(&drawn[i], &drawn[j]);
				if (got != want)
					TG_FAIL("seed %" PRIu64 ": %s against %s gives %d", from,
						drawn[i].json, drawn[j].json, got);
			}
		}
	}
}
