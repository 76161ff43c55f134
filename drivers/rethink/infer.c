#include "drivers/rethink/infer.h"

#include "drivers/json/scan.h"

/* Whole numbers that a LONG cannot hold come as digits and `.0` (reference 4.2). */
static bool is_whole(struct tg_view number)
{
	const uint8_t *point = memchr(number.at, '.', number.bytes);

	if (memchr(number.at, 'e', number.bytes) != NULL)
		return false;
	return point == NULL || (number.at + number.bytes - point == 2 && point[1] == '0');
}

static enum tg_column_type type_of_object(struct tg_view value)
{
	struct tg_view pseudo = tg_member_of(value, "$reql_type$");

	if (tg_view_same(pseudo, tg_view_str("\"TIME\"")))
		return TG_COLUMN_UTC_DATETIME;
	if (tg_view_same(pseudo, tg_view_str("\"BINARY\"")))
		return TG_COLUMN_BINARY;
	return TG_COLUMN_JSON;
}

enum tg_column_type tg_rethink_type_of(struct tg_view value)
{
	enum tg_column_type type = tg_infer_type(value);

	if (type == TG_COLUMN_JSON && value.at[0] == '{')
		return type_of_object(value);
	return type == TG_COLUMN_DOUBLE && is_whole(value) ? TG_COLUMN_DECIMAL : type;
}

void tg_rethink_infer_row(struct tg_infer *infer, struct tg_view row)
{
	struct tg_members members;
	struct tg_view name, value;

	tg_infer_row(infer);
	if (!tg_members_start(&members, row) || !members.object)
		return;
	while (tg_members_next(&members, &name, &value))
		tg_infer_see(infer, name, tg_rethink_type_of(value));
}
