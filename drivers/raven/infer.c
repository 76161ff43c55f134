#include "drivers/raven/infer.h"

#include "drivers/json/scan.h"
#include "drivers/raven/meta.h"
#include "drivers/raven/shape_names.h"

enum { NAME_BYTES_MAX = 512, DOUBLE_DIGITS_MAX = 17 };

static bool is_digit(uint8_t byte)
{
	return byte >= '0' && byte <= '9';
}

/* Digits from the first to the last that is not 0, those of an exponent apart. */
static unsigned digits_of(struct tg_view number)
{
	unsigned digits = 0, zeros = 0;

	for (size_t i = 0; i < number.bytes && (number.at[i] | 0x20) != 'e'; i++) {
		if (!is_digit(number.at[i]))
			continue;
		if (number.at[i] != '0') {
			digits += zeros + 1;
			zeros = 0;
		} else if (digits > 0) {
			zeros++;
		}
	}
	return digits;
}

static bool is_decimal(struct tg_view number)
{
	bool whole = true;

	for (size_t i = 0; i < number.bytes; i++)
		whole &= is_digit(number.at[i]) || number.at[i] == '-';
	return whole || digits_of(number) > DOUBLE_DIGITS_MAX;
}

enum tg_column_type tg_raven_type_of(struct tg_view value)
{
	enum tg_column_type type = tg_infer_type(value);

	if (type == TG_COLUMN_STRING && tg_raven_is_moment(value))
		return TG_COLUMN_UTC_DATETIME;
	return type == TG_COLUMN_DOUBLE && is_decimal(value) ? TG_COLUMN_DECIMAL : type;
}

static void see(struct tg_infer *infer, const struct tg_flatten *flat, uint32_t more,
		struct tg_view value)
{
	uint8_t name[NAME_BYTES_MAX];
	struct tg_out out = { .at = name, .cap = sizeof(name) };

	tg_flatten_put(flat, &out);
	for (uint32_t i = 0; i < more; i++)
		tg_out_byte(&out, '_');
	if (tg_out_overran(&out)) {
		infer->left_out++;
		return;
	}
	struct tg_view text = tg_view_of(name, tg_out_filled(&out));
	if (more > 0)
		tg_infer_see_renamed(infer, text, tg_raven_type_of(value));
	else
		tg_infer_see(infer, text, tg_raven_type_of(value));
}

void tg_raven_infer_row(struct tg_infer *infer, const struct tg_record *record)
{
	struct tg_shape_names names;
	struct tg_flatten flat;
	struct tg_view value;
	int rc = tg_shape_names_find(&names, record->body);

	tg_infer_row(infer);
	if (rc == TG_ERR_DAMAGED)
		return;
	tg_infer_see(infer, tg_view_str("Id"), TG_COLUMN_STRING);
	tg_infer_see(infer, tg_view_str("LastModified"), TG_COLUMN_UTC_DATETIME);
	tg_flatten_start(&flat, record->body, rc == TG_OK ? TG_FLATTEN_LEVELS_MAX : 1);
	for (uint32_t i = 0; tg_flatten_next(&flat, &value) > 0; i++)
		if (!flat.metadata)
			see(infer, &flat, rc == TG_OK ? names.names[i].more : 0, value);
}
