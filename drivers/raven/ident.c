#include "drivers/raven/ident.h"

#include "app/utf8.h"
#include "drivers/json/scan.h"
#include "drivers/raven/template.h"
#include "platform/crypto.h"

enum kind {
	KIND_STRING, /* text: escaped, marked where it looks like another kind */
	KIND_WORD,   /* a number, true, false: its JSON */
	KIND_NESTED, /* an array, a time, a binary: its JSON, marked */
	KIND_RAVEN,  /* an id already */
};

enum { KEPT_BYTES = 440, BLOCK_BYTES = 1024, INTEGER_BYTES = 15 };

struct key {
	enum kind kind;
	size_t bytes;
	uint8_t text[TG_KEY_JSON_BYTES_MAX];
};

struct ident_names {
	struct tg_view part[TG_PART_KEY]; /* by enum tg_template_part */
};

/* --- escaping --- */

/* Letters that stay as they are: lower case or without case in every Unicode, and none of them the
 * lower case of another letter here. All others go out as their bytes in hex. */
static bool is_kept(uint32_t letter)
{
	static const struct {
		uint32_t first, last;
	} kept[] = {
		{ 0xdf, 0xf6 },     { 0xf8, 0xfe },     /* ß to þ */
		{ 0x3b1, 0x3c1 },   { 0x3c3, 0x3c9 },   /* Greek without the final sigma */
		{ 0x430, 0x45f },                       /* Cyrillic */
		{ 0x5d0, 0x5ea },   { 0x621, 0x64a },   /* Hebrew, Arabic */
		{ 0x904, 0x939 },   { 0xe01, 0xe2e },   /* Devanagari, Thai */
		{ 0x3041, 0x3096 }, { 0x30a1, 0x30fa }, /* Kana */
		{ 0x4e00, 0x9fff }, { 0xac00, 0xd7a3 }, /* Han, Hangul */
	};

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (letter >= kept[i].first && letter <= kept[i].last)
			return true;
	return false;
}

/* Of a strict sequence of `bytes`. */
static uint32_t letter_of(const uint8_t *at, unsigned bytes)
{
	uint32_t letter = bytes == 1 ? at[0] : (uint32_t)(at[0] & (0x7f >> bytes));

	for (unsigned i = 1; i < bytes; i++)
		letter = letter << 6 | (at[i] & 0x3f);
	return letter;
}

static void put_hex(struct tg_out *out, const uint8_t *at, size_t bytes)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < bytes; i++) {
		const char escape[] = { '~', '0', hex[at[i] >> 4], hex[at[i] & 15] };

		tg_out_put(out, escape, sizeof(escape));
	}
}

/* One letter beyond ASCII, or a byte that is none; returns its length. */
static unsigned put_letter(struct tg_out *out, const uint8_t *at, const uint8_t *end)
{
	bool surrogate;
	unsigned bytes = tg_utf8_bytes(at, end, &surrogate);

	if (bytes != 0 && !surrogate && is_kept(letter_of(at, bytes)))
		tg_out_put(out, at, bytes);
	else
		put_hex(out, at, bytes != 0 ? bytes : 1);
	return bytes != 0 ? bytes : 1;
}

/* `slash`: one inside stays as it is. */
static bool is_plain(struct tg_view text, const uint8_t *at, bool slash)
{
	bool inside = at + 1 < text.at + text.bytes;

	switch (*at) {
	case '~':
	case '|':
	case 0x7f:
		return false;
	case '/':
		return slash && inside;
	case ' ':
		return at > text.at && inside;
	default:
		return *at >= 0x20;
	}
}

static void put_escaped(struct tg_out *out, struct tg_view text, bool slash)
{
	const uint8_t *at = text.at, *end = at + text.bytes;

	while (at < end) {
		if (*at >= 0x80) {
			at += put_letter(out, at, end);
			continue;
		}
		if (*at >= 'A' && *at <= 'Z') {
			tg_out_byte(out, '~');
			tg_out_byte(out, (char)(*at | 0x20));
		} else if (is_plain(text, at, slash)) {
			tg_out_put(out, at, 1);
		} else {
			put_hex(out, at, 1);
		}
		at++;
	}
}

void tg_ident_escape(struct tg_view name, struct tg_out *out)
{
	put_escaped(out, name, false);
}

/* --- the key's text --- */

bool tg_ident_is_raven(const struct tg_source_ops *ops)
{
	return strcmp(ops->type, "ravendb") == 0;
}

static int take_string(struct tg_view json, struct key *key)
{
	int bytes = tg_json_unescape(json, key->text, sizeof(key->text));

	if (bytes < 0)
		return TG_ERR_DAMAGED;
	key->bytes = (size_t)bytes;
	return TG_OK;
}

/* One key has one spelling here, whatever zone or sign its row was written with: the key as the
 * source compares it, without its tail, gives JSON that depends on identity alone. */
static int take_usual(const struct tg_source_ops *ops, struct tg_view json, struct key *key)
{
	uint8_t bytes[TG_KEY_BYTES_MAX];
	struct tg_out out = { .at = key->text, .cap = sizeof(key->text) };
	struct tg_key encoded;
	int err = ops->key_encode(json, bytes, sizeof(bytes), &encoded);

	if (err == TG_OK)
		err = ops->key_json(tg_view_of(encoded.bytes.at, encoded.cmp_bytes), &out);
	if (err != TG_OK || tg_out_overran(&out))
		return TG_ERR_DAMAGED;
	key->bytes = tg_out_filled(&out);
	return TG_OK;
}

/* A short integer has one spelling only. */
static bool is_integer(struct tg_view json)
{
	size_t first = json.bytes > 1 && json.at[0] == '-' && json.at[1] != '0';

	if (json.bytes > INTEGER_BYTES)
		return false;
	for (size_t i = first; i < json.bytes; i++)
		if (json.at[i] < '0' || json.at[i] > '9')
			return false;
	return true;
}

static int take_key(const struct tg_source_ops *ops, struct tg_view json, struct key *key)
{
	if (json.bytes == 0 || json.bytes > sizeof(key->text))
		return TG_ERR_DAMAGED;
	key->kind = tg_ident_is_raven(ops) ? KIND_RAVEN : KIND_STRING;
	if (json.at[0] == '"')
		return take_string(json, key);
	key->kind = json.at[0] == '{' || json.at[0] == '[' ? KIND_NESTED : KIND_WORD;
	if (!is_integer(json))
		return take_usual(ops, json, key);
	memcpy(key->text, json.at, json.bytes);
	key->bytes = json.bytes;
	return TG_OK;
}

/* A string that KIND_WORD could be as well, or nothing at all. */
static bool looks_otherwise(struct tg_view text)
{
	static const char *const words[] = { "", "true", "false", "null" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (tg_view_same(text, tg_view_str(words[i])))
			return true;
	if (text.at[0] != '-' && (text.at[0] < '0' || text.at[0] > '9'))
		return false;
	for (size_t i = 0; i < text.bytes; i++)
		if (text.at[i] == '\0' || strchr("0123456789.eE+-", text.at[i]) == NULL)
			return false;
	return true;
}

static void put_key(const struct key *key, struct tg_out *out, bool last)
{
	struct tg_view text = tg_view_of(key->text, key->bytes);

	if (key->kind == KIND_RAVEN) {
		tg_out_view(out, text);
		return;
	}
	if (key->kind == KIND_NESTED)
		tg_out_str(out, "~2");
	else if (key->kind == KIND_STRING && looks_otherwise(text))
		tg_out_str(out, "~1");
	put_escaped(out, text, last);
}

/* --- the whole --- */

/* The gateway is the instance without its "-0123456789abcdef". */
static struct tg_view gateway_of(struct tg_view instance)
{
	enum { TAIL_BYTES = 17 };

	if (instance.bytes <= TAIL_BYTES || instance.at[instance.bytes - TAIL_BYTES] != '-')
		return instance;
	return tg_view_of(instance.at, instance.bytes - TAIL_BYTES);
}

/* "SOURCE/DATABASE/TABLE"; a table may hold slashes, the others cannot. */
static struct ident_names names_of(const struct tg_line *line)
{
	struct ident_names names = { .part = { [TG_PART_GATEWAY] = gateway_of(line->instance),
					       [TG_PART_INSTANCE] = line->instance } };
	struct tg_view rest = line->stream;

	for (enum tg_template_part part = TG_PART_SOURCE; part <= TG_PART_TABLE; part++) {
		const uint8_t *slash = part == TG_PART_TABLE || rest.bytes == 0
					       ? NULL
					       : memchr(rest.at, '/', rest.bytes);
		size_t bytes = slash != NULL ? (size_t)(slash - rest.at) : rest.bytes;

		names.part[part] = tg_view_of(rest.at, bytes);
		bytes += slash != NULL;
		rest = tg_view_of(rest.at + bytes, rest.bytes - bytes);
	}
	return names;
}

static void render(const char *template, const struct ident_names *names, const struct key *key,
		   struct tg_out *out)
{
	enum tg_template_part part;
	struct tg_view text;

	while (tg_template_next(&template, &part, &text)) {
		if (part == TG_PART_TEXT)
			tg_out_view(out, text);
		else if (part == TG_PART_KEY)
			put_key(key, out, *template == '\0');
		else
			tg_ident_escape(names->part[part], out);
	}
}

/* SHA-256 of the rendered text, block by block: each block is hashed behind the hash of all before
 * it, so that no text need be whole in memory. */
static void digest_of(const char *template, const struct ident_names *names, const struct key *key,
		      uint8_t digest[TG_SHA256_BYTES])
{
	uint8_t block[TG_SHA256_BYTES + BLOCK_BYTES] = { 0 };
	struct tg_out out = { .at = block + TG_SHA256_BYTES, .cap = BLOCK_BYTES };

	do {
		out.total = 0;
		render(template, names, key, &out);
		tg_sha256(tg_view_of(block, TG_SHA256_BYTES + tg_out_filled(&out)), digest);
		memcpy(block, digest, TG_SHA256_BYTES);
		out.skip += BLOCK_BYTES;
	} while (out.skip < out.total);
}

/* Replaces the id by its beginning and the digest of all of it. */
static void shorten(const char *template, const struct ident_names *names, const struct key *key,
		    struct tg_ident *out)
{
	struct tg_out text = { .at = out->at, .cap = KEPT_BYTES + 1 };
	uint8_t digest[TG_SHA256_BYTES];

	digest_of(template, names, key, digest);
	render(template, names, key, &text);
	out->bytes = KEPT_BYTES;
	while (out->bytes > 0 && (out->at[out->bytes] & 0xc0) == 0x80)
		out->bytes--;
	out->at[out->bytes++] = '~';
	out->at[out->bytes++] = '4';
	for (unsigned i = 0; i < TG_SHA256_BYTES; i++) {
		out->at[out->bytes++] = (uint8_t) "0123456789abcdef"[digest[i] >> 4];
		out->at[out->bytes++] = (uint8_t) "0123456789abcdef"[digest[i] & 15];
	}
}

/* How the server counts and compares a RavenDB id: lower-cased, as the source's own encoding has
 * it. */
static int fold(const struct tg_source_ops *ops, struct tg_view json, struct key *key)
{
	uint8_t bytes[TG_KEY_BYTES_MAX];
	struct tg_key encoded;

	if (ops->key_encode(json, bytes, sizeof(bytes), &encoded) != TG_OK ||
	    encoded.cmp_bytes > sizeof(key->text))
		return TG_ERR_DAMAGED;
	memcpy(key->text, encoded.bytes.at, encoded.cmp_bytes);
	key->bytes = encoded.cmp_bytes;
	return TG_OK;
}

int tg_ident_make(const char *template, const struct tg_line *line, struct tg_view key,
		  struct tg_ident *out)
{
	struct tg_out text = { .at = out->at, .cap = sizeof(out->at) };
	struct ident_names names = names_of(line);
	struct key spelled;
	int err = take_key(line->ops, key, &spelled);

	if (err != TG_OK)
		return err;
	render(template, &names, &spelled, &text);
	out->bytes = tg_out_filled(&text);
	/* A letter's lower case has at most half as many bytes again. */
	if (text.total <=
	    (spelled.kind == KIND_RAVEN ? TG_IDENT_BYTES_MAX * 2 / 3 : TG_IDENT_BYTES_MAX))
		return TG_OK;
	if (spelled.kind == KIND_RAVEN) {
		struct tg_out folded = { .at = NULL };

		if (fold(line->ops, key, &spelled) != TG_OK)
			return TG_ERR_DAMAGED;
		render(template, &names, &spelled, &folded);
		if (folded.total <= TG_IDENT_BYTES_MAX && text.total <= sizeof(out->at))
			return TG_OK;
	}
	shorten(template, &names, &spelled, out);
	return TG_OK;
}

void tg_ident_name(const char *template, const struct tg_line *line, struct tg_out *out)
{
	struct ident_names names = names_of(line);
	enum tg_template_part part;
	struct tg_view text;

	while (tg_template_next(&template, &part, &text))
		tg_out_view(out, part == TG_PART_TEXT ? text : names.part[part]);
}
