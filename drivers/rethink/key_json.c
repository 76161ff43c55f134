/* key_json.c - an encoded key back into the server's own JSON, or into a ReQL term. */
#include "app/utf8.h"
#include "drivers/json/scan.h"
#include "drivers/rethink/decimal.h"
#include "drivers/rethink/key.h"
#include "drivers/rethink/key_code.h"
#include "platform/crypto.h"

/* A decoding under way. Elements of an array are written as they come, so nothing is kept a level.
 */
struct reader {
	const uint8_t *at, *end;
	const uint8_t *tail; /* next entry of the tail                        */
	uint32_t levels;     /* arrays open                                   */
	uint32_t leaf;       /* leaves met so far                             */
	bool comma;          /* the next element follows another one          */
	bool term;           /* write a ReQL term                             */
	bool cut;            /* and one of its strings had to be cut          */
	struct tg_out *out;
};

enum { DIGITS_MAX = 2 * TG_KEY_BYTES_MAX, LINE_BYTES = 57 };

void tg_key_uuid_text(const uint8_t uuid[TG_KEY_UUID_BYTES], char at[TG_KEY_UUID_TEXT_BYTES])
{
	static const char hex[] = "0123456789abcdef";

	for (unsigned i = 0; i < TG_KEY_UUID_BYTES; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*at++ = '-';
		*at++ = hex[uuid[i] >> 4];
		*at++ = hex[uuid[i] & 15];
	}
}

/* The number's bytes behind `at`; NULL when they do not end. */
static const uint8_t *number_end(const uint8_t *at, const uint8_t *end)
{
	if (end - at < 3)
		return NULL;
	const uint8_t *stop = memchr(at + 2, at[0] >= 0x80 ? 0 : 0xff, (size_t)(end - at - 2));
	return stop == NULL ? NULL : stop + 1;
}

/* Behind the stop of a string or BINARY inside an array. */
static const uint8_t *bytes_end(const uint8_t *at, const uint8_t *end)
{
	while (at < end) {
		const uint8_t *zero = memchr(at, 0, (size_t)(end - at));
		if (zero == NULL)
			return NULL;
		if (zero + 1 == end || zero[1] != 0xff)
			return zero + 1;
		at = zero + 2;
	}
	return NULL;
}

/* Where the value ends and the tail begins; NULL when it is no encoding. */
static const uint8_t *value_end(const uint8_t *at, const uint8_t *end)
{
	uint32_t levels = 0;

	if (at < end && (*at == TG_KEY_UUID || *at == TG_KEY_STRING || *at == TG_KEY_BINARY))
		return end;
	do {
		uint8_t tag = at < end ? *at++ : 0xff;
		if (tag == TG_KEY_ARRAY)
			levels++;
		else if (tag == TG_KEY_END && levels > 0)
			levels--;
		else if (tag == TG_KEY_NUMBER || tag == TG_KEY_TIME)
			at = number_end(at, end);
		else if ((tag == TG_KEY_STRING || tag == TG_KEY_BINARY) && levels > 0)
			at = bytes_end(at, end);
		else if (tag != TG_KEY_TRUE && tag != TG_KEY_FALSE)
			return NULL;
	} while (at != NULL && levels > 0);
	return at;
}

/* The tail's text for the leaf that comes now, or an empty view. */
static struct tg_view spelled(struct reader *reader, const uint8_t *end)
{
	const uint8_t *entry = reader->tail;
	uint32_t leaf = reader->leaf++;

	if (end - entry < 2 || entry[0] != leaf || end - entry < 2 + entry[1])
		return tg_view_of(entry, 0);
	reader->tail = entry + 2 + entry[1];
	return tg_view_of(entry + 2, entry[1]);
}

/* value_end() has found the stop. */
static int put_number(struct reader *reader, const uint8_t *tail_end)
{
	uint8_t digits[DIGITS_MAX];
	size_t count = 0;
	const uint8_t turn = reader->at[0] >= 0x80 ? 0 : 0xff;
	int32_t place = (reader->at[0] ^ turn) << 8 | (reader->at[1] ^ turn);
	struct tg_view text = spelled(reader, tail_end);

	for (reader->at += 2; *reader->at != turn; reader->at++) {
		uint8_t pair = (uint8_t)((*reader->at ^ turn) - 1);
		if (pair > 99 || count + 2 > sizeof(digits))
			return TG_ERR_DAMAGED;
		digits[count++] = pair / 10;
		digits[count++] = pair % 10;
	}
	reader->at++;
	while (count > 0 && digits[count - 1] == 0)
		count--;
	if (count == 0 ? place != TG_KEY_NUMBER_ZERO : digits[0] == 0)
		return TG_ERR_DAMAGED;
	int32_t point = count == 0 ? 0 : place - TG_KEY_NUMBER_ABOVE;
	if (point > TG_DECIMAL_POINT_MAX || point < -TG_DECIMAL_POINT_MAX)
		return TG_ERR_DAMAGED;
	if (text.bytes != 0)
		tg_out_view(reader->out, text);
	else
		tg_decimal_spell(turn != 0, tg_view_of(digits, count), point, reader->out);
	return TG_OK;
}

static int put_time(struct reader *reader, const uint8_t *tail_end)
{
	tg_out_str(reader->out, "{\"$reql_type$\":\"TIME\",\"epoch_time\":");
	int rc = put_number(reader, tail_end);
	if (rc != TG_OK)
		return rc;
	struct tg_view zone = spelled(reader, tail_end);
	tg_out_str(reader->out, ",\"timezone\":\"");
	tg_out_view(reader->out, zone.bytes != 0 ? zone : tg_view_str("+00:00"));
	tg_out_str(reader->out, "\"}");
	return TG_OK;
}

/* Base64 with a line end after every 76 characters but the last, as the server writes it. */
static int put_binary(struct tg_view bytes, struct tg_out *out)
{
	char line[80];

	tg_out_str(out, "{\"$reql_type$\":\"BINARY\",\"data\":\"");
	for (size_t from = 0; from < bytes.bytes; from += LINE_BYTES) {
		size_t left = bytes.bytes - from;
		struct tg_view part =
			tg_view_of(bytes.at + from, left < LINE_BYTES ? left : LINE_BYTES);
		int length = tg_base64_encode(part, line, sizeof(line));
		if (length < 0)
			return length;
		tg_out_put(out, line, (size_t)length);
		if (left > LINE_BYTES)
			tg_out_put(out, "\\r\\n", 4);
	}
	tg_out_put(out, "\"}", 2);
	return TG_OK;
}

/* How many bytes come before the first that is no UTF-8. */
static size_t utf8_bytes(struct tg_view bytes)
{
	const uint8_t *at = bytes.at, *end = bytes.at + bytes.bytes;
	unsigned length = 1;
	bool surrogate;

	for (; at < end && length != 0; at += length)
		length = *at < 0x80 ? 1 : tg_utf8_bytes(at, end, &surrogate);
	return (size_t)(at - bytes.at);
}

static int put_bytes(struct reader *reader, enum tg_key_tag tag, struct tg_view bytes)
{
	if (tag == TG_KEY_BINARY)
		return put_binary(bytes, reader->out);
	size_t whole = reader->term ? utf8_bytes(bytes) : bytes.bytes;
	reader->cut = whole != bytes.bytes;
	tg_json_quote_raw(tg_view_of(bytes.at, whole), reader->out);
	return TG_OK;
}

/* Strings and BINARY inside an array: up to the stop, each 00 FF being a 00. */
static int put_nested_bytes(struct reader *reader, enum tg_key_tag tag)
{
	uint8_t plain[TG_KEY_BYTES_MAX];
	const uint8_t *from = reader->at, *end = bytes_end(from, reader->end);
	size_t count = 0;

	reader->at = end;
	for (; from < end - 1; from++) {
		if (count == sizeof(plain))
			return TG_ERR_DAMAGED;
		plain[count++] = *from;
		from += *from == 0 ? 1 : 0;
	}
	return put_bytes(reader, tag, tg_view_of(plain, count));
}

static int put_uuid(struct tg_view uuid, struct tg_out *out)
{
	char text[TG_KEY_UUID_TEXT_BYTES];

	if (uuid.bytes != TG_KEY_UUID_BYTES)
		return TG_ERR_DAMAGED;
	tg_key_uuid_text(uuid.at, text);
	tg_json_quote_raw(tg_view_of(text, sizeof(text)), out);
	return TG_OK;
}

/* One value, or one bracket of an array; `tag` has been taken. */
static int put_value(struct reader *reader, uint8_t tag, const uint8_t *tail_end)
{
	switch (tag) {
	case TG_KEY_ARRAY:
		tg_out_str(reader->out, reader->term ? "[2,[" : "[");
		reader->levels++;
		return TG_OK;
	case TG_KEY_END:
		tg_out_str(reader->out, reader->term ? "]]" : "]");
		reader->levels--;
		return TG_OK;
	case TG_KEY_FALSE:
	case TG_KEY_TRUE:
		tg_out_str(reader->out, tag == TG_KEY_TRUE ? "true" : "false");
		return TG_OK;
	case TG_KEY_NUMBER:
		return put_number(reader, tail_end);
	case TG_KEY_TIME:
		return put_time(reader, tail_end);
	default:
		return put_nested_bytes(reader, (enum tg_key_tag)tag);
	}
}

static int put_key(struct tg_view key, struct reader *reader)
{
	const uint8_t *tail_end = key.at + key.bytes;
	int rc;

	reader->at = key.at;
	reader->tail = reader->end = value_end(key.at, tail_end);
	if (reader->end == NULL)
		return TG_ERR_DAMAGED;
	if (*key.at == TG_KEY_UUID)
		return put_uuid(tg_view_of(key.at + 1, key.bytes - 1), reader->out);
	if (*key.at == TG_KEY_STRING || *key.at == TG_KEY_BINARY)
		return put_bytes(reader, (enum tg_key_tag) * key.at,
				 tg_view_of(key.at + 1, key.bytes - 1));
	do {
		uint8_t tag = *reader->at++;
		if (tag != TG_KEY_END && reader->comma)
			tg_out_byte(reader->out, ',');
		rc = put_value(reader, tag, tail_end);
		reader->comma = tag != TG_KEY_ARRAY;
	} while (rc == TG_OK && reader->levels > 0 && !reader->cut);
	if (reader->cut) {
		for (; reader->levels > 0; reader->levels--)
			tg_out_str(reader->out, "]]");
		return rc;
	}
	return rc == TG_OK && reader->tail != tail_end ? TG_ERR_DAMAGED : rc;
}

int tg_rethink_key_json(struct tg_view key, struct tg_out *out)
{
	struct reader reader = { .out = out };

	return put_key(key, &reader);
}

int tg_rethink_key_term(struct tg_view key, struct tg_out *out, bool *cut)
{
	struct reader reader = { .out = out, .term = true };
	int rc = put_key(key, &reader);

	*cut = reader.cut;
	return rc;
}
