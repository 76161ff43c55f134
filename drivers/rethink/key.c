/* key.c - a key's JSON into bytes that compare as the server orders;
 * reference/rethinkdb.md 4.4, 5.1.
 *
 * Arrays nest to any depth and are written as they are read, brackets becoming tags: nothing is
 * kept a level.
 */
#include "drivers/rethink/key.h"

#include "app/swar.h"
#include "drivers/json/scan.h"
#include "drivers/rethink/decimal.h"
#include "drivers/rethink/key_code.h"
#include "platform/crypto.h"

/* An encoding under way. */
struct writer {
	struct tg_out out;
	uint32_t levels; /* arrays open            */
	uint32_t leaf;   /* leaves met so far      */
	struct tg_out tail;
	uint8_t tail_at[TG_KEY_TAIL_BYTES_MAX];
};

static int note_leaf(struct writer *writer, uint32_t leaf, struct tg_view text)
{
	uint8_t head[2] = { (uint8_t)leaf, (uint8_t)text.bytes };

	if (leaf > UINT8_MAX || text.bytes > UINT8_MAX)
		return TG_ERR_LIMIT;
	tg_out_put(&writer->tail, head, sizeof(head));
	tg_out_view(&writer->tail, text);
	return TG_OK;
}

/* Whether the server would spell it otherwise than `text`. */
static bool is_unusual(struct tg_decimal decimal, struct tg_view text)
{
	uint8_t digits[20], usual[48];
	struct tg_out out = { .at = usual, .cap = sizeof(usual) };
	size_t count = 0;

	if (decimal.plain && text.bytes <= 15)
		return decimal.negative && decimal.first == decimal.last;
	const bool zero = decimal.first == decimal.last;
	const int32_t point = decimal.point;
	for (int digit; (digit = tg_decimal_next(&decimal)) >= 0; count++) {
		if (count == sizeof(digits))
			return true;
		digits[count] = (uint8_t)digit;
	}
	tg_decimal_spell(decimal.negative && !zero, tg_view_of(digits, count), point, &out);
	return !tg_view_same(tg_view_of(usual, tg_out_filled(&out)), text);
}

/* The number's own bytes, without a tag. */
static int put_number(struct writer *writer, struct tg_view text)
{
	struct tg_decimal decimal;
	uint8_t bytes[24]; /* a double's 17 digits in one piece */
	size_t used = 2;
	int rc = tg_decimal_parse(text, &decimal), high;

	if (rc != TG_OK)
		return rc;
	const struct tg_decimal whole = decimal;
	const bool zero = decimal.first == decimal.last;
	const uint8_t turn = decimal.negative && !zero ? 0xff : 0;
	uint32_t place = zero ? TG_KEY_NUMBER_ZERO
			      : (uint32_t)(TG_KEY_NUMBER_ABOVE + decimal.point);
	bytes[0] = (uint8_t)(place >> 8) ^ turn;
	bytes[1] = (uint8_t)place ^ turn;
	while ((high = tg_decimal_next(&decimal)) >= 0) {
		int low = tg_decimal_next(&decimal);
		bytes[used++] = (uint8_t)(high * 10 + (low < 0 ? 0 : low) + 1) ^ turn;
		if (used == sizeof(bytes)) {
			tg_out_put(&writer->out, bytes, used);
			used = 0;
		}
	}
	bytes[used++] = turn;
	tg_out_put(&writer->out, bytes, used);
	uint32_t leaf = writer->leaf++;
	return is_unusual(whole, text) ? note_leaf(writer, leaf, text) : TG_OK;
}

static void put_tag(struct writer *writer, enum tg_key_tag tag)
{
	tg_out_byte(&writer->out, (char)tag);
}

/* Strings and BINARY: as they are where nothing follows, escaped and ended inside an array. */
static void put_bytes(struct writer *writer, enum tg_key_tag tag, struct tg_view bytes)
{
	const uint8_t *from = bytes.at, *end = bytes.at + bytes.bytes;

	put_tag(writer, tag);
	if (writer->levels == 0) {
		tg_out_view(&writer->out, bytes);
		return;
	}
	while (from < end) {
		const uint8_t *zero = memchr(from, 0, (size_t)(end - from));
		const uint8_t *to = zero != NULL ? zero + 1 : end;
		tg_out_put(&writer->out, from, (size_t)(to - from));
		if (zero != NULL)
			tg_out_put(&writer->out, "\xff", 1);
		from = to;
	}
	put_tag(writer, TG_KEY_END);
}

static int put_string(struct writer *writer, struct tg_view json)
{
	uint8_t text[TG_KEY_BYTES_MAX];
	int bytes = tg_json_unescape(json, text, sizeof(text));

	if (bytes < 0)
		return bytes;
	put_bytes(writer, TG_KEY_STRING, tg_view_of(text, (size_t)bytes));
	return TG_OK;
}

static int put_binary(struct writer *writer, struct tg_view data)
{
	uint8_t base64[TG_KEY_BINARY_BYTES_MAX * 3 / 2], bytes[TG_KEY_BINARY_BYTES_MAX];
	int length = tg_json_unescape(data, base64, sizeof(base64));

	if (length < 0)
		return length;
	length = tg_base64_decode(tg_view_of(base64, (size_t)length), bytes, sizeof(bytes));
	if (length < 0)
		return length;
	put_bytes(writer, TG_KEY_BINARY, tg_view_of(bytes, (size_t)length));
	return TG_OK;
}

static int put_time(struct writer *writer, struct tg_view epoch, struct tg_view zone)
{
	if (epoch.bytes == 0 || zone.bytes <= 2 || zone.at[0] != '"')
		return TG_ERR_PROTOCOL;
	put_tag(writer, TG_KEY_TIME);
	int rc = put_number(writer, epoch);
	if (rc != TG_OK)
		return rc;
	uint32_t leaf = writer->leaf++;
	struct tg_view text = tg_view_of(zone.at + 1, zone.bytes - 2);
	return tg_view_same(text, tg_view_str("+00:00")) ? TG_OK : note_leaf(writer, leaf, text);
}

static int put_pseudo(struct writer *writer, struct tg_view object)
{
	struct tg_view type = tg_member_of(object, "$reql_type$");

	if (tg_view_same(type, tg_view_str("\"TIME\"")))
		return put_time(writer, tg_member_of(object, "epoch_time"),
				tg_member_of(object, "timezone"));
	if (tg_view_same(type, tg_view_str("\"BINARY\"")))
		return put_binary(writer, tg_member_of(object, "data"));
	return TG_ERR_PROTOCOL;
}

/* A value that is no array. */
static int put_leaf(struct writer *writer, struct tg_view json)
{
	switch (json.at[0]) {
	case '"':
		return put_string(writer, json);
	case '{':
		return put_pseudo(writer, json);
	case 't':
	case 'f':
		put_tag(writer, json.at[0] == 't' ? TG_KEY_TRUE : TG_KEY_FALSE);
		return TG_OK;
	case 'n':
		return TG_ERR_PROTOCOL;
	default:
		put_tag(writer, TG_KEY_NUMBER);
		return put_number(writer, json);
	}
}

/* `json` is an array and was found to be valid. The elements behind `[`, and behind `]` those of
 * the array around it, come from one cursor: members end at the first bracket that closes. */
static int put_array(struct writer *writer, struct tg_view json)
{
	const uint8_t *at = json.at, *end = json.at + json.bytes;
	struct tg_view none, value;
	int rc = TG_OK;

	while (at < end && rc == TG_OK) {
		if (*at == '[') {
			put_tag(writer, TG_KEY_ARRAY);
			writer->levels++;
			at++;
		} else if (*at == ']') {
			put_tag(writer, TG_KEY_END);
			writer->levels--;
			at++;
		} else if (strchr(", \t\r\n", *at) != NULL) {
			at++;
		} else {
			struct tg_members one = { .at = at, .end = end, .object = false };
			if (!tg_members_next(&one, &none, &value))
				return TG_ERR_PROTOCOL;
			rc = put_leaf(writer, value);
			at = value.at + value.bytes;
		}
	}
	return rc;
}

/* Strict grammar first; a number's end is the byte behind it, so a space is held out. */
static int check(struct tg_view json)
{
	struct tg_scan scan;

	scan.watch_count = 0;
	tg_scan_start(&scan);
	int rc = tg_scan_feed(&scan, json.at, json.bytes, 0);
	if (rc == TG_ERR_AGAIN)
		rc = tg_scan_feed(&scan, (const uint8_t *)" ", 1, scan.pos);
	if (rc != TG_OK || scan.pos != json.bytes)
		return TG_ERR_PROTOCOL;
	return scan.flags & TG_SCAN_DEEP ? TG_ERR_LIMIT : TG_OK;
}

/* Eight hex digits, lower case, into four bytes; what is wrong with them gathers in `wrong`. */
static inline void take_hex(uint64_t text, uint8_t at[4], uint64_t *wrong)
{
	uint64_t top = TG_SWAR_ALL(0x80);
	uint64_t digit = text ^ TG_SWAR_ALL(0x30);  /* 0..9 for a digit  */
	uint64_t letter = text ^ TG_SWAR_ALL(0x60); /* 1..6 for a letter */
	uint64_t low = ~top;
	uint64_t is_digit = ~((digit & low) + TG_SWAR_ALL(0x76));
	uint64_t is_letter = ~((letter & low) + TG_SWAR_ALL(0x79)) &
			     ((letter & low) + TG_SWAR_ALL(0x7f));

	*wrong |= (~(is_digit | is_letter) | text) & top;
	uint64_t value = (text & TG_SWAR_ALL(0x0f)) + 9 * (text >> 6 & TG_SWAR_ALL(1));
	value = value << 4 | value >> 8; /* each second byte is a pair */
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 16);
	at[2] = (uint8_t)(value >> 32);
	at[3] = (uint8_t)(value >> 48);
}

/* Eight characters, four on each side of a dash. */
static inline uint64_t around_dash(const uint8_t *at)
{
	uint8_t text[8];

	memcpy(text, at, 4);
	memcpy(text + 4, at + 5, 4);
	return tg_swar_load(text);
}

/* The usual key: 36 characters, lower case, dashes in place. False when it is anything else. */
static inline bool take_uuid(struct tg_view json, uint8_t uuid[TG_KEY_UUID_BYTES])
{
	const uint8_t *at = json.at + 1;
	uint64_t wrong = 0;

	if (json.bytes != TG_KEY_UUID_TEXT_BYTES + 2 || json.at[0] != '"' || json.at[37] != '"' ||
	    at[8] != '-' || at[13] != '-' || at[18] != '-' || at[23] != '-')
		return false;
	take_hex(tg_swar_load(at), uuid, &wrong);
	take_hex(around_dash(at + 9), uuid + 4, &wrong);
	take_hex(around_dash(at + 19), uuid + 8, &wrong);
	take_hex(tg_swar_load(at + 28), uuid + 12, &wrong);
	return wrong == 0;
}

static int encode_other(struct tg_view json, uint8_t *at, size_t cap, struct tg_key *out)
{
	struct writer writer;
	bool number = json.at[0] == '-' || (uint8_t)(json.at[0] - '0') <= 9;
	int rc = number ? TG_OK : check(json); /* a number is checked as it is taken apart */

	writer.out = (struct tg_out){ .at = at, .cap = cap };
	writer.tail = (struct tg_out){ .at = writer.tail_at, .cap = sizeof(writer.tail_at) };
	writer.levels = writer.leaf = 0;
	if (rc == TG_OK)
		rc = json.at[0] == '[' ? put_array(&writer, json) : put_leaf(&writer, json);
	if (rc != TG_OK)
		return rc;
	out->cmp_bytes = (uint32_t)writer.out.total;
	tg_out_view(&writer.out, tg_view_of(writer.tail_at, tg_out_filled(&writer.tail)));
	if (tg_out_overran(&writer.out) || tg_out_overran(&writer.tail))
		return TG_ERR_LIMIT;
	out->bytes = tg_view_of(writer.out.at, (size_t)writer.out.total);
	return TG_OK;
}

int tg_rethink_key_encode(struct tg_view json, uint8_t *at, size_t cap, struct tg_key *out)
{
	if (json.bytes == 0)
		return TG_ERR_PROTOCOL;
	if (cap <= TG_KEY_UUID_BYTES || !take_uuid(json, at + 1))
		return encode_other(json, at, cap, out);
	at[0] = TG_KEY_UUID;
	out->cmp_bytes = 1 + TG_KEY_UUID_BYTES;
	out->bytes = tg_view_of(at, out->cmp_bytes);
	return TG_OK;
}

static int compare_bytes(struct tg_view a, struct tg_view b)
{
	size_t both = a.bytes < b.bytes ? a.bytes : b.bytes;
	int order = both == 0 ? 0 : memcmp(a.at, b.at, both);

	return order != 0 ? order : (a.bytes > b.bytes) - (a.bytes < b.bytes);
}

/* Only a string alone may be packed as a UUID: its characters then stand among other strings'. */
static int compare_with_uuid(struct tg_view uuid, struct tg_view string)
{
	char text[TG_KEY_UUID_TEXT_BYTES];

	if (uuid.bytes <= TG_KEY_UUID_BYTES)
		return -1;
	tg_key_uuid_text(uuid.at + 1, text);
	return compare_bytes(tg_view_of(text, sizeof(text)),
			     tg_view_of(string.at + 1, string.bytes - 1));
}

int tg_rethink_key_compare(struct tg_key a, struct tg_key b)
{
	struct tg_view left = tg_view_of(a.bytes.at, a.cmp_bytes);
	struct tg_view right = tg_view_of(b.bytes.at, b.cmp_bytes);

	if (left.bytes != 0 && right.bytes != 0 && left.at[0] != right.at[0]) {
		if (left.at[0] == TG_KEY_UUID && right.at[0] == TG_KEY_STRING)
			return compare_with_uuid(left, right);
		if (left.at[0] == TG_KEY_STRING && right.at[0] == TG_KEY_UUID)
			return -compare_with_uuid(right, left);
	}
	return compare_bytes(left, right);
}
