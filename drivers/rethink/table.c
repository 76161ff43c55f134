#include "drivers/rethink/table.h"

#include "drivers/json/scan.h"
#include "platform/crypto.h"

bool tg_member_set(struct tg_member_name *name, struct tg_view json)
{
	if (json.bytes < 2 || json.at[0] != '"' || json.bytes > sizeof(name->json))
		return false;
	memcpy(name->json, json.at, json.bytes);
	name->bytes = (uint32_t)json.bytes;
	return true;
}

bool tg_member_set_text(struct tg_member_name *name, const char *text)
{
	struct tg_out out = { .at = (uint8_t *)name->json, .cap = sizeof(name->json) };

	tg_json_quote(tg_view_str(text), &out);
	name->bytes = tg_out_overran(&out) ? 0 : (uint32_t)out.total;
	return name->bytes > 0;
}

/* --- INFO and STATUS --- */

static int hex_of(uint8_t byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* "1a6f11a5-73f7-423d-9eab-a38e771f502e" with its quotes. */
static bool read_uuid(struct tg_view json, uint8_t uuid[TG_GENERATION_BYTES])
{
	unsigned digits = 0;

	if (json.bytes != 38 || json.at[0] != '"')
		return false;
	for (size_t i = 1; i < 37; i++) {
		int hex = hex_of(json.at[i]);
		if (hex < 0 && json.at[i] != '-')
			return false;
		if (hex < 0)
			continue;
		if (digits == 2 * TG_GENERATION_BYTES)
			return false;
		if (digits % 2 == 0)
			uuid[digits / 2] = (uint8_t)(hex << 4);
		else
			uuid[digits / 2] |= (uint8_t)hex;
		digits++;
	}
	return digits == 2 * TG_GENERATION_BYTES;
}

/* One estimate a shard. */
static uint64_t sum_of(struct tg_view array)
{
	struct tg_members members;
	struct tg_view name, value;
	uint64_t sum = 0;
	int64_t number = 0;

	if (!tg_members_start(&members, array))
		return 0;
	while (tg_members_next(&members, &name, &value))
		if (tg_json_integer(value, &number) == TG_OK && number > 0)
			sum += (uint64_t)number;
	return sum;
}

int tg_rethink_table_info(struct tg_rethink_table *table, struct tg_view info)
{
	if (!read_uuid(tg_member_of(info, "id"), table->uuid) ||
	    !tg_member_set(&table->key, tg_member_of(info, "primary_key")))
		return TG_ERR_PROTOCOL;
	table->rows_estimate = sum_of(tg_member_of(info, "doc_count_estimates"));
	return TG_OK;
}

int tg_rethink_table_status(struct tg_rethink_table *table, struct tg_view status)
{
	table->rows_estimate = 0;
	if (!read_uuid(tg_member_of(status, "id"), table->uuid) ||
	    !tg_member_set_text(&table->key, "id"))
		return TG_ERR_PROTOCOL;
	return TG_OK;
}

/* --- is an index simply a field? --- */

enum {
	TAG_BYTES = 21,
	AT_KIND = 25,
	AT_CAPTURED = 26,
	AT_IMPLICIT = 27,
	AT_ARGS = 31,
	AT_VARIABLE = 32,
	AT_LENGTH = 40,
	AT_TERM = 44,
	TAIL_BYTES = 6,
	T_DATUM = 1,
	T_VAR = 10,
	T_IMPLICIT = 13,
	T_GET_FIELD = 31,
	T_BRACKET = 170,
};

static const char function_tag[] = "$reql_index_function$";

static uint64_t read_le(const uint8_t *at, unsigned bytes)
{
	uint64_t value = 0;

	while (bytes-- > 0)
		value = value << 8 | at[bytes];
	return value;
}

/* The elements of an array; false unless there are exactly `count`. */
static bool elements(struct tg_view array, struct tg_view *out, unsigned count)
{
	struct tg_members members;
	struct tg_view name, value;
	unsigned seen = 0;

	if (!tg_members_start(&members, array) || members.object)
		return false;
	while (tg_members_next(&members, &name, &value)) {
		if (seen == count)
			return false;
		out[seen++] = value;
	}
	return seen == count;
}

static bool is_number(struct tg_view value, int64_t want)
{
	int64_t number = 0;

	return tg_json_integer(value, &number) == TG_OK && number == want;
}

/* Each term carries one extra number at its end (5.5). */
static bool is_constant(struct tg_view term, struct tg_view *value)
{
	struct tg_view parts[3];

	if (!elements(term, parts, 3) || !is_number(parts[0], T_DATUM))
		return false;
	*value = parts[1];
	return true;
}

/* `[10,[[1,V,_]],_]` for the function's own argument V, or r.row's `[13,[],_]`. */
static bool is_argument(struct tg_view term, int64_t variable)
{
	struct tg_view parts[3], args[1], value;

	if (!elements(term, parts, 3))
		return false;
	if (is_number(parts[0], T_IMPLICIT))
		return elements(parts[1], args, 0);
	return is_number(parts[0], T_VAR) && elements(parts[1], args, 1) &&
	       is_constant(args[0], &value) && is_number(value, variable);
}

static bool term_is_field(struct tg_view term, int64_t variable, struct tg_view field_json)
{
	struct tg_view parts[3], args[2], value;
	struct tg_scan scan = { .watch_count = 0 };

	/* The bytes are the server's, but the tree walk below wants them to be JSON. */
	tg_scan_start(&scan);
	if (tg_scan_feed(&scan, term.at, term.bytes, 0) != TG_OK || scan.pos != term.bytes)
		return false;
	if (!elements(term, parts, 3) ||
	    (!is_number(parts[0], T_GET_FIELD) && !is_number(parts[0], T_BRACKET)))
		return false;
	return elements(parts[1], args, 2) && is_argument(args[0], variable) &&
	       is_constant(args[1], &value) && tg_view_same(value, field_json);
}

bool tg_rethink_function_is_field(struct tg_view function, struct tg_view field_json)
{
	const uint8_t *at = function.at;

	if (function.bytes < AT_TERM + TAIL_BYTES || memcmp(at, function_tag, TAG_BYTES) != 0)
		return false;
	if (at[AT_KIND] != 0 || at[AT_CAPTURED] != 0 || read_le(at + AT_IMPLICIT, 4) != 0 ||
	    at[AT_ARGS] != 1)
		return false;
	uint64_t variable = read_le(at + AT_VARIABLE, 8);
	uint64_t length = read_le(at + AT_LENGTH, 4);
	if (length == 0 || length != function.bytes - AT_TERM - TAIL_BYTES)
		return false;
	if (at[AT_TERM + length - 1] != '\0')
		return false;
	const uint8_t *flags = at + AT_TERM + length + 4;
	return flags[0] == 0 && flags[1] == 0 &&
	       term_is_field(tg_view_of(at + AT_TERM, (size_t)length - 1), (int64_t)variable,
			     field_json);
}

enum { FUNCTION_BYTES_MAX = 1024 };

static bool is_true(struct tg_view object, const char *member)
{
	return tg_view_same(tg_member_of(object, member), tg_view_str("true"));
}

static bool index_is_field(struct tg_view index, struct tg_view field_json)
{
	uint8_t text[2 * FUNCTION_BYTES_MAX], bytes[FUNCTION_BYTES_MAX];
	struct tg_view binary = tg_member_of(index, "function");

	if (!is_true(index, "ready") || is_true(index, "multi") || is_true(index, "geo"))
		return false;
	int count = tg_json_unescape(tg_member_of(binary, "data"), text, sizeof(text));
	if (count < 0)
		return false;
	count = tg_base64_decode(tg_view_of(text, (size_t)count), bytes, sizeof(bytes));
	return count > 0 &&
	       tg_rethink_function_is_field(tg_view_of(bytes, (size_t)count), field_json);
}

bool tg_rethink_index_find(struct tg_view list, const struct tg_member_name *field,
			   struct tg_member_name *index)
{
	struct tg_members members;
	struct tg_view name, value;

	index->bytes = 0;
	if (!tg_members_start(&members, list) || members.object)
		return false;
	while (tg_members_next(&members, &name, &value))
		if (index_is_field(value, tg_member_json(field)) &&
		    tg_member_set(index, tg_member_of(value, "index")))
			return true;
	return false;
}
