/* shape.c - the top-level members of a row, copied in runs as long as nothing of them changes. */
#include "drivers/rethink/shape.h"

#include "drivers/json/scan.h"
#include "drivers/rethink/shape_out.h"

#define RESERVED_NAME "_tidegate"
enum { RESERVED_BYTES = sizeof(RESERVED_NAME) - 1 };

/* One row under way. */
struct row {
	const struct tg_columns *columns;
	struct tg_shape_out shape;
	struct tg_view body;
	const uint8_t *run, *run_end; /* members that go out as they are; run NULL: none yet */
	size_t underscores;           /* what a member called _tidegate is given             */
};

/* From `at`, which lies in the body, to the brace that closes it: only white space? */
static bool only_space(struct tg_view body, const uint8_t *at)
{
	const uint8_t *last = body.at + body.bytes - 1;

	while (at < last && tg_json_is_space(*at))
		at++;
	return at == last;
}

static void end_run(struct row *row)
{
	if (row->run == NULL)
		return;
	tg_out_byte(row->shape.out, ',');
	tg_shape_put_valid(&row->shape, tg_view_of(row->run, (size_t)(row->run_end - row->run)));
	row->run = NULL;
}

static bool is_reserved(struct tg_view name)
{
	return name.bytes == RESERVED_BYTES && memcmp(name.at, RESERVED_NAME, RESERVED_BYTES) == 0;
}

static void put_name(struct row *row, struct tg_view name)
{
	struct tg_out *out = row->shape.out;

	tg_out_put(out, ",\"", 2);
	tg_shape_put_valid(&row->shape, name);
	if (is_reserved(name)) {
		if (row->underscores == 0)
			row->underscores = tg_json_underscores(row->body, name);
		for (size_t i = 0; i < row->underscores; i++)
			tg_out_byte(out, '_');
	}
	tg_out_put(out, "\":", 2);
}

/* A nested value: converted, and in `columns` made a string unless it became a scalar. */
static void put_nested(struct row *row, struct tg_view value)
{
	if (tg_shape_scalar(&row->shape, value))
		return;
	if (row->columns->shape == TG_SHAPE_DOCUMENT) {
		tg_shape_value(&row->shape, value);
		return;
	}
	tg_out_byte(row->shape.out, '"');
	row->shape.quoted = true;
	tg_shape_value(&row->shape, value);
	row->shape.quoted = false;
	tg_out_byte(row->shape.out, '"');
}

static bool is_nested(struct tg_view value)
{
	return *value.at == '{' || *value.at == '[';
}

/* Whether the member goes out by its own bytes. */
static bool is_plain(const struct row *row, struct tg_view name, struct tg_view value)
{
	if (is_nested(value) &&
	    (row->columns->shape == TG_SHAPE_COLUMNS || (row->shape.flags & TG_REC_PSEUDO) != 0))
		return false;
	return !is_reserved(name);
}

static void put_member(struct row *row, struct tg_view name, struct tg_view value)
{
	enum tg_column_action action = TG_COLUMN_KEEP;

	if (row->columns->spec.bytes != 0)
		action = tg_columns_action(row->columns, name);
	if (action == TG_COLUMN_KEEP && is_plain(row, name, value)) {
		if (row->run == NULL)
			row->run = name.at - 1;
		row->run_end = value.at + value.bytes;
		return;
	}
	end_run(row);
	if (action == TG_COLUMN_DROP)
		return;
	put_name(row, name);
	if (is_nested(value) && action == TG_COLUMN_KEEP)
		put_nested(row, value);
	else if (action == TG_COLUMN_MASK && *value.at != 'n')
		tg_out_str(row->shape.out, "\"***\"");
	else
		tg_shape_put_valid(&row->shape, value);
}

static int put_members(struct row *row)
{
	struct tg_members members;
	struct tg_view name, value;
	const uint8_t *end = row->body.at + 1;

	(void)tg_members_start(&members, row->body);
	while (tg_members_next(&members, &name, &value)) {
		put_member(row, name, value);
		end = value.at + value.bytes;
	}
	end_run(row);
	return only_space(row->body, end) ? TG_OK : TG_ERR_DAMAGED;
}

/* All members by their own bytes, which is what most rows are. */
static int put_whole(struct tg_view body, struct tg_out *out)
{
	if (only_space(body, body.at + 1))
		return TG_OK;
	tg_out_byte(out, ',');
	tg_out_put(out, body.at + 1, body.bytes - 2);
	return TG_OK;
}

/* --- the same, by leaps to what must be changed, in rows as a server writes them: no white space
 * ---
 */

/* `document`: all there can be to change are pseudo-types. */
static void put_document(struct row *row)
{
	struct tg_view body = row->body;

	tg_out_byte(row->shape.out, ',');
	tg_shape_value(&row->shape, tg_view_of(body.at + 1, body.bytes - 2));
}

/* `columns`: a member with an object in it is `":{`. Inside of a string the quote has a backslash
 * before it, and as a string's first bytes what may stand before a string. Where such a byte makes
 * it unsure, `out` is set back and put_members() does the row. */

enum quick { QUICK_NONE, QUICK_NESTED, QUICK_UNSURE };

/* Before a quote: a backslash, or what may stand before a string. */
static bool is_unsure(uint8_t byte)
{
	return byte == '\\' || byte == ':' || byte == ',' || byte == '{' || byte == '[' ||
	       tg_json_is_space(byte);
}

/* What the bracket at `at` is: text of a string or a deeper level, a member's value, or unsure. */
static enum quick quick_kind(struct tg_view body, const uint8_t *at)
{
	if (at - body.at < 4)
		return QUICK_UNSURE;
	if (at[-1] == ':' && at[-2] == '"')
		return is_unsure(at[-3]) ? QUICK_UNSURE : QUICK_NESTED;
	bool spaced = tg_json_is_space(at[-1]) || (at[-1] == ':' && tg_json_is_space(at[-2]));
	return spaced ? QUICK_UNSURE : QUICK_NONE;
}

/* Where the next bracket of each kind is: most rows have objects alone, so that the other search is
 * made once. */
struct brackets {
	const uint8_t *object, *array;
};

static const uint8_t *search(const uint8_t *at, const uint8_t *end, char bracket)
{
	const uint8_t *found = memchr(at, bracket, (size_t)(end - at));

	return found != NULL ? found : end;
}

/* The first bracket from `at`, or `end`. */
static const uint8_t *next_bracket(struct brackets *next, const uint8_t *at, const uint8_t *end)
{
	if (next->object < at)
		next->object = search(at, end, '{');
	if (next->array < at)
		next->array = search(at, end, '[');
	return next->object < next->array ? next->object : next->array;
}

/* The value at `at`, which is no plain TIME; TG_ERR_DAMAGED when it has no end. */
static int put_quick_value(struct row *row, const uint8_t **at, const uint8_t *end)
{
	struct tg_members one = { .at = *at, .end = end, .object = false };
	struct tg_view none, value;

	if (!tg_members_next(&one, &none, &value))
		return TG_ERR_DAMAGED;
	put_nested(row, value);
	*at = value.at + value.bytes;
	return TG_OK;
}

/* TG_ERR_AGAIN when unsure. */
static int put_quick(struct row *row)
{
	struct tg_out *out = row->shape.out;
	const uint8_t *end = row->body.at + row->body.bytes, *run = row->body.at + 1;
	struct brackets next = { NULL, NULL };

	tg_out_byte(out, ',');
	for (const uint8_t *at = run; (at = next_bracket(&next, at, end)) < end;) {
		enum quick kind = quick_kind(row->body, at);
		if (kind == QUICK_UNSURE)
			return TG_ERR_AGAIN;
		if (kind == QUICK_NONE) {
			at++;
			continue;
		}
		tg_out_put(out, run, (size_t)(at - run));
		const uint8_t *behind = tg_shape_usual_time(&row->shape, at, end);
		if (behind != NULL)
			at = behind;
		else if (put_quick_value(row, &at, end) != TG_OK)
			return TG_ERR_DAMAGED;
		run = at;
	}
	if (run == end)
		return TG_ERR_DAMAGED;
	tg_out_put(out, run, (size_t)(end - 1 - run));
	return TG_OK;
}

/* TG_ERR_AGAIN: this row wants put_members(), `out` is as it was. */
static int put_leaping(struct row *row)
{
	struct tg_out before = *row->shape.out;

	if (only_space(row->body, row->body.at + 1))
		return TG_OK;
	if (row->body.at[1] != '"')
		return TG_ERR_AGAIN;
	if (row->columns->shape == TG_SHAPE_DOCUMENT) {
		put_document(row);
		return TG_OK;
	}
	int rc = put_quick(row);
	if (rc == TG_ERR_AGAIN)
		*row->shape.out = before;
	return rc;
}

int tg_rethink_shape(const struct tg_columns *columns, const struct tg_record *record,
		     struct tg_out *out)
{
	struct tg_view body = record->body;
	uint32_t special = TG_REC_PSEUDO | TG_REC_RESERVED | TG_REC_SURROGATE;

	if (body.bytes < 2 || body.at[0] != '{' || body.at[body.bytes - 1] != '}')
		return TG_ERR_DAMAGED;
	if (columns->shape == TG_SHAPE_COLUMNS)
		special |= TG_REC_NESTED;
	if ((record->flags & special) == 0 && columns->spec.bytes == 0)
		return put_whole(body, out);
	struct row row = { .columns = columns,
			   .body = body,
			   .shape = { .out = out, .flags = record->flags } };
	int rc = TG_ERR_AGAIN;
	if (columns->spec.bytes == 0 && (record->flags & (TG_REC_RESERVED | TG_REC_SURROGATE)) == 0)
		rc = put_leaping(&row);
	return rc == TG_ERR_AGAIN ? put_members(&row) : rc;
}
