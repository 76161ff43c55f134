/* Ids of a RavenDB sink: injective under the server's comparison, readable where they can be, and a
 * RavenDB's own ids unchanged. */
#include "drivers/raven/ident.h"

#include "drivers/json/scan.h"
#include "drivers/raven/fold.h"
#include "drivers/raven/key.h"
#include "drivers/raven/template.h"
#include "tests/check.h"

extern const struct tg_source_ops tg_rethink_source;

static const struct tg_source_ops raven = { .type = "ravendb",
					    .key_encode = tg_raven_key_encode,
					    .key_json = tg_raven_key_json };

static struct tg_line line_of(const struct tg_source_ops *ops, const char *stream)
{
	return (struct tg_line){ .ops = ops,
				 .instance = tg_view_str("Plant-7-0123456789abcdef"),
				 .stream = tg_view_str(stream) };
}

/* The id as text; lives until the next call but one. */
static const char *id_of(const struct tg_source_ops *ops, const char *template, const char *stream,
			 const char *key)
{
	static struct tg_ident ids[2];
	static unsigned turn;
	struct tg_ident *id = &ids[turn++ % 2];
	struct tg_line line = line_of(ops, stream);

	TG_CHECK_INT(tg_ident_make(template, &line, tg_view_str(key), id), 0);
	TG_CHECK(id->bytes < sizeof(id->at));
	id->at[id->bytes] = '\0';
	return (const char *)id->at;
}

static const char *plain(const char *key)
{
	return id_of(&tg_rethink_source, "{table}/{key}", "r/d/t", key);
}

TG_TEST(ident_is_readable_where_it_can_be)
{
	TG_CHECK_STR(plain("\"d-1\""), "t/d-1");
	TG_CHECK_STR(plain("\"4fadbaed-8a47-4c08-9f4e-2b1b2a3c4d5e\""),
		     "t/4fadbaed-8a47-4c08-9f4e-2b1b2a3c4d5e");
	TG_CHECK_STR(plain("42"), "t/42");
	TG_CHECK_STR(plain("-1.5"), "t/-1.5");
	TG_CHECK_STR(plain("true"), "t/true");
	TG_CHECK_STR(plain("\"a/b c:d\""), "t/a/b c:d");
	TG_CHECK_STR(plain("\"stra\xc3\x9f"
			   "e \xe6\xbc\xa2\""),
		     "t/stra\xc3\x9f"
		     "e \xe6\xbc\xa2");
	TG_CHECK_STR(plain("\"a\\\"b\\\\c\""), "t/a\"b\\c");
}

TG_TEST(ident_escapes_what_the_server_would_not_keep_apart)
{
	TG_CHECK_STR(plain("\"ABc\""), "t/~a~bc");
	TG_CHECK_STR(plain("\"42\""), "t/~142");
	TG_CHECK_STR(plain("\"1e5\""), "t/~11e5");
	TG_CHECK_STR(plain("\"true\""), "t/~1true");
	TG_CHECK_STR(plain("\"\""), "t/~1");
	TG_CHECK_STR(plain("\"a~b\""), "t/a~07eb");
	TG_CHECK_STR(plain("\"a/\""), "t/a~02f");
	TG_CHECK_STR(plain("\"a|\""), "t/a~07c");
	TG_CHECK_STR(plain("\" a b \""), "t/~020a b~020");
	TG_CHECK_STR(plain("\"a\\tb\\u0000\""), "t/a~009b~000");
	TG_CHECK_STR(plain("\"\xc3\x84\""), "t/~0c3~084");         /* an upper-case umlaut */
	TG_CHECK_STR(plain("\"\xe2\x84\xaa\""), "t/~0e2~084~0aa"); /* the Kelvin sign */
	TG_CHECK_STR(plain("\"\\ud83d\""), "t/~0ed~0a0~0bd");
	TG_CHECK_STR(plain("[\"Site\",7]"), "t/~2[\"~site\",7]");
}

/* A key has one id, however the row spelled it. */
TG_TEST(ident_follows_identity_and_not_spelling)
{
	TG_CHECK_STR(plain("-0"), plain("0"));
	TG_CHECK_STR(
		plain("{\"$reql_type$\":\"TIME\",\"epoch_time\":1.5,\"timezone\":\"+01:00\"}"),
		plain("{\"$reql_type$\":\"TIME\",\"epoch_time\":1.5,\"timezone\":\"-07:30\"}"));
	TG_CHECK_STR(plain("\"\\u0061\\/b\""), plain("\"a/b\""));
}

TG_TEST(ident_fills_every_placeholder)
{
	TG_CHECK_STR(id_of(&tg_rethink_source, "{gateway}/{source}/{database}/{table}/x-{key}",
			   "src/Db/a/b", "1"),
		     "~plant-7/src/~db/a~02fb/x-1");
	TG_CHECK_STR(id_of(&tg_rethink_source, "{key}/of/{instance}", "s/d/t", "\"a/b\""),
		     "a~02fb/of/~plant-7-0123456789abcdef");
	TG_CHECK_STR(id_of(&tg_rethink_source, "{key}", "s/d/t", "\"T\""), "~t");
}

TG_TEST(ident_templates_are_checked)
{
	static const struct {
		const char *template, *says;
	} bad[] = {
		{ "", "empty" },
		{ "{table}", "{key}" },
		{ "{key}/{key}", "once" },
		{ "{table}{key}", "slash" },
		{ "{table}-{key}", "slash" },
		{ "{key}/", "ends in" },
		{ "{key}|", "ends in" },
		{ "{tabel}/{key}", "brace" },
		{ "{key", "brace" },
		{ "x~/{key}", "tilde" },
		{ "x\n/{key}", "control" },
	};

	TG_CHECK(tg_template_id_fault("{table}/{key}") == NULL);
	TG_CHECK(tg_template_id_fault("{key}") == NULL);
	TG_CHECK(tg_template_id_fault("pre-{gateway}x/y{table}/{key}-post") == NULL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *fault = tg_template_id_fault(bad[i].template);
		if (fault == NULL || strstr(fault, bad[i].says) == NULL)
			TG_FAIL("%s: %s", bad[i].template, fault != NULL ? fault : "no fault");
	}
	TG_CHECK(tg_template_collection_fault("{table}") == NULL);
	TG_CHECK(tg_template_collection_fault("{source}{table}") == NULL);
	TG_CHECK(tg_template_collection_fault("{key}") != NULL);
	TG_CHECK(tg_template_collection_fault("@x") != NULL);
	TG_CHECK(tg_template_collection_fault("") != NULL);
}

/* --- RavenDB's own ids --- */

TG_TEST(ident_leaves_ravens_ids_as_they_are)
{
	static const char *const ids[] = {
		"\"orders/1-A\"",
		"\" lead\"",
		"\"trail \"",
		"\"tab\\tx\"",
		"\"new\\nline\"",
		"\"q?x=1&y=2#z\"",
		"\"100%\"",
		"\"quote\\\"d\"",
		"\"back\\\\slash\"",
		"\"\xc3\xa4/\xc3\x96\xc3\x9c\"",
		"\"\xf0\x9f\x98\x80\"",
		"\"STRASSE\"",
		"\"a~b|c\"",
		"\"\xc4\xb0stanbul\"",
	};
	uint8_t text[256];

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		int bytes = tg_json_unescape(tg_view_str(ids[i]), text, sizeof(text) - 1);
		TG_CHECK(bytes > 0);
		text[bytes] = '\0';
		TG_CHECK_STR(id_of(&raven, "{key}", "r/d/Orders", ids[i]), (char *)text);
	}
	TG_CHECK_STR(id_of(&raven, "{table}/{key}", "r/d/Orders", "\"orders/1-A\""),
		     "~orders/orders/1-A");
}

static void fill(char *key, const char *letter, unsigned count)
{
	char *at = key;

	*at++ = '"';
	for (unsigned i = 0; i < count; i++) {
		memcpy(at, letter, strlen(letter));
		at += strlen(letter);
	}
	memcpy(at, "\"", 2);
}

/* 512 bytes as the server counts: lower-cased. */
TG_TEST(ident_keeps_to_the_servers_limit)
{
	char key[2000], lower[600], upper[600];

	fill(key, "A", 512);
	TG_CHECK_INT(strlen(id_of(&raven, "{key}", "r/d/t", key)), 512);
	fill(key, "A", 510);
	TG_CHECK_INT(strlen(id_of(&raven, "x/{key}", "r/d/t", key)), 512);
	fill(key, "A", 511);
	snprintf(upper, sizeof(upper), "%s", id_of(&raven, "x/{key}", "r/d/t", key));
	fill(key, "a", 511);
	snprintf(lower, sizeof(lower), "%s", id_of(&raven, "x/{key}", "r/d/t", key));
	TG_CHECK_STR(upper, lower); /* a delete that spells it in lower case finds it */
	TG_CHECK_INT(strlen(lower), 440 + 2 + 64);
	TG_CHECK(strncmp(lower, "x/aaaa", 6) == 0 && lower[440] == '~' && lower[441] == '4');
	fill(key, "\xc8\xba", 200); /* two bytes, three in lower case: 600 */
	TG_CHECK(strstr(id_of(&raven, "{key}", "r/d/t", key), "~4") != NULL);
	fill(key, "\xe1\xba\x9e", 250); /* three bytes, two in lower case: 500 */
	TG_CHECK_INT(strlen(id_of(&raven, "{key}", "r/d/t", key)), 750);
	fill(key, "\xe6\xbc\xa2", 200);
	TG_CHECK_INT(strlen(plain(key)), 2 + 438 + 66);
	fill(key, "x\xe6\xbc\xa2", 150);
	TG_CHECK_INT(strlen(plain(key)), 2 + 436 + 1 + 66); /* never cut inside a letter */
}

/* --- no two keys meet --- */

enum { KEYS = 30000, FOLDED_BYTES = 1024, IDENTITY_BYTES = TG_KEY_BYTES_MAX + 64 };

struct pair {
	uint8_t *folded, *identity;
	size_t folded_bytes, identity_bytes;
};

static struct pair pairs[KEYS];

static uint32_t draw(uint32_t below)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 11) % below;
}

static void draw_string(char *at)
{
	static const char *const letters[] = {
		"a",
		"A",
		"b",
		"B",
		"k",
		"K",
		"i",
		"I",
		"1",
		"0",
		"2",
		"4",
		"~",
		"/",
		"|",
		" ",
		"-",
		".",
		"e",
		"E",
		"\\u0000",
		"\\n",
		"\\\"",
		"\\\\",
		"[",
		",",
		"_",
		"f",
		"\xe2\x84\xaa" /* Kelvin */,
		"\xc4\xb0" /* I with a dot */,
		"\xc4\xb1" /* without */,
		"\xc3\x84",
		"\xc3\xa4",
		"\xc3\x9f",
		"\xe1\xba\x9e",
		"\xcf\x83",
		"\xcf\x82",
		"\xce\xa3",
		"\xc2\xb5",
		"\xce\xbc",
		"\xd0\x96",
		"\xd0\xb6",
		"\xe6\xbc\xa2",
		"\xf0\x9f\x98\x80",
		"\xf0\x90\x90\x80",
		"\xf0\x90\x90\xa8",
		"\\ud83d",
		"\\ude00",
		"true",
		"null",
		"~1",
		"~2",
		"~0",
		"~a",
	};
	unsigned count = draw(draw(50) == 0 ? 60 : 4);

	*at++ = '"';
	while (count-- > 0)
		at = stpcpy(at, letters[draw(sizeof(letters) / sizeof(letters[0]))]);
	memcpy(at, "\"", 2);
}

static void draw_key(char *at)
{
	char one[1200], two[1200];

	switch (draw(8)) {
	case 0:
		sprintf(at, "%d", (int)draw(40) - 20);
		break;
	case 1:
		sprintf(at, "%d.%u", (int)draw(9) - 4, 1 + draw(9));
		break;
	case 2:
		draw_string(one);
		draw_string(two);
		sprintf(at, "[%.400s,%u]", strlen(one) < 60 ? one : "\"x\"", draw(3));
		break;
	case 3:
		strcpy(at, draw(2) != 0 ? "true" : "false");
		break;
	default:
		draw_string(at);
	}
}

static void make_pair(struct pair *pair)
{
	static const char *const streams[] = { "r/d/t", "r/d/T", "r/d/t/a",
					       "R/d/t", "r/D/t", "r/d/ta" };
	struct tg_line line =
		line_of(&tg_rethink_source, streams[draw(sizeof(streams) / sizeof(streams[0]))]);
	uint8_t folded[FOLDED_BYTES], identity[IDENTITY_BYTES], bytes[TG_KEY_BYTES_MAX];
	struct tg_out out = { .at = identity, .cap = sizeof(identity) };
	struct tg_ident id;
	struct tg_key key;
	char text[4096];

	draw_key(text);
	TG_CHECK_INT(tg_ident_make("{source}/x{database}/{table}/{key}", &line, tg_view_str(text),
				   &id),
		     0);
	TG_CHECK(id.bytes <= TG_IDENT_BYTES_MAX);
	TG_CHECK(id.at[id.bytes - 1] != '/' && id.at[id.bytes - 1] != '|');
	int folded_bytes = tg_fold(tg_view_of(id.at, id.bytes), folded, sizeof(folded));
	TG_CHECK_BYTES(folded, (size_t)folded_bytes, id.at, id.bytes); /* nothing to fold at all */
	TG_CHECK_INT(tg_rethink_source.key_encode(tg_view_str(text), bytes, sizeof(bytes), &key),
		     0);
	tg_out_view(&out, line.stream);
	tg_out_byte(&out, '\0');
	tg_out_put(&out, key.bytes.at, key.cmp_bytes);
	pair->folded_bytes = id.bytes;
	pair->identity_bytes = tg_out_filled(&out);
	pair->folded = malloc(pair->folded_bytes);
	pair->identity = malloc(pair->identity_bytes);
	TG_CHECK(pair->folded != NULL && pair->identity != NULL);
	memcpy(pair->folded, folded, pair->folded_bytes);
	memcpy(pair->identity, identity, pair->identity_bytes);
}

static int order(const void *a, size_t a_bytes, const void *b, size_t b_bytes)
{
	int result = memcmp(a, b, a_bytes < b_bytes ? a_bytes : b_bytes);

	return result != 0 ? result : (a_bytes > b_bytes) - (a_bytes < b_bytes);
}

static int by_folded(const void *a, const void *b)
{
	const struct pair *one = a, *two = b;

	return order(one->folded, one->folded_bytes, two->folded, two->folded_bytes);
}

static int by_identity(const void *a, const void *b)
{
	const struct pair *one = a, *two = b;

	return order(one->identity, one->identity_bytes, two->identity, two->identity_bytes);
}

TG_TEST(ident_no_two_keys_share_an_id)
{
	unsigned same = 0;

	for (unsigned i = 0; i < KEYS; i++)
		make_pair(&pairs[i]);
	qsort(pairs, KEYS, sizeof(pairs[0]), by_folded);
	for (unsigned i = 1; i < KEYS; i++)
		if (by_folded(&pairs[i - 1], &pairs[i]) == 0) {
			same++;
			TG_CHECK_BYTES(pairs[i].identity, pairs[i].identity_bytes,
				       pairs[i - 1].identity, pairs[i - 1].identity_bytes);
		}
	TG_CHECK(same > 100 && same < KEYS - 5000); /* there were both repeats and enough others */
	qsort(pairs, KEYS, sizeof(pairs[0]), by_identity);
	for (unsigned i = 1; i < KEYS; i++)
		if (by_identity(&pairs[i - 1], &pairs[i]) == 0)
			TG_CHECK_BYTES(pairs[i].folded, pairs[i].folded_bytes, pairs[i - 1].folded,
				       pairs[i - 1].folded_bytes);
	for (unsigned i = 0; i < KEYS; i++) {
		free(pairs[i].folded);
		free(pairs[i].identity);
	}
}

/* The letters that are kept fold to themselves, by the whole table. */
TG_TEST(ident_keeps_no_letter_that_folds)
{
	for (uint32_t letter = 0x80; letter < 0x20000; letter++) {
		char key[16] = "\"";
		uint8_t utf8[4];

		if (letter >= 0xd800 && letter < 0xe000)
			continue;
		unsigned bytes = tg_fold_put(letter, utf8);
		memcpy(key + 1, utf8, bytes);
		key[1 + bytes] = '"';
		const char *id = id_of(&tg_rethink_source, "{key}", "r/d/t", key);
		if (id[0] != '~')
			TG_CHECK_INT(tg_fold_letter(letter), letter);
	}
}
