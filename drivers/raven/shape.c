/* shape.c - a document's columns or members, copied in runs as long as nothing of them changes. */
#include "drivers/raven/shape.h"

#include "app/moment.h"
#include "app/utf8.h"
#include "drivers/json/scan.h"
#include "drivers/raven/shape_names.h"

/* One document under way. */
struct row {
	const struct tg_columns *columns;
	const struct tg_record *record;
	struct tg_out *out;
	const struct tg_shape_names *names; /* NULL: nobody is renamed but what tidegate's is */
	uint32_t levels;
	bool wary;                    /* look closer where they may        */
	bool nested, joined;          /* what was seen of that            */
	const uint8_t *run, *run_end; /* members that go out as they are; run NULL: none yet */
};

/* One leaf of it. */
struct leaf {
	struct tg_view value;
	uint32_t more; /* underscores behind its name */
	enum tg_column_action action;
};

static void put_valid(const struct row *row, struct tg_view text)
{
	if ((row->record->flags & TG_REC_SURROGATE) != 0)
		tg_utf8_put(text, row->out);
	else
		tg_out_view(row->out, text);
}

static void end_run(struct row *row)
{
	if (row->run == NULL)
		return;
	tg_out_byte(row->out, ',');
	put_valid(row, tg_view_of(row->run, (size_t)(row->run_end - row->run)));
	row->run = NULL;
}

/* --- rules --- */

/* Whether `rule` names the leaf as it goes out. */
static bool is_final(const struct tg_flatten *flat, const struct leaf *leaf, struct tg_view rule)
{
	if (rule.bytes <= leaf->more)
		return false;
	for (uint32_t i = 1; i <= leaf->more; i++)
		if (rule.at[rule.bytes - i] != '_')
			return false;
	rule.bytes -= leaf->more;
	return tg_flatten_named(flat, rule) == flat->depth;
}

static enum tg_column_action action_of(const struct tg_columns *columns,
				       const struct tg_flatten *flat, const struct leaf *leaf)
{
	const uint8_t *at = columns->spec.at, *end = at + columns->spec.bytes;
	bool only = false, chosen = false, masked = false;

	while (at < end) {
		uint8_t action = *at++;
		const uint8_t *stop = memchr(at, 0, (size_t)(end - at));
		struct tg_view rule = tg_view_of(at, (size_t)((stop != NULL ? stop : end) - at));
		uint32_t named = tg_flatten_named(flat, rule);
		bool final = is_final(flat, leaf, rule);
		if (action == '-' && (named > 0 || final))
			return TG_COLUMN_DROP;
		only |= action == '+';
		chosen |= action == '+' && (final || (named > 0 && named < flat->depth));
		masked |= action == '*' && (named > 0 || final);
		at = stop != NULL ? stop + 1 : end;
	}
	if (masked)
		return TG_COLUMN_MASK;
	return only && !chosen ? TG_COLUMN_DROP : TG_COLUMN_KEEP;
}

/* --- members --- */

static void put_name(struct row *row, const struct tg_flatten *flat, const struct leaf *leaf)
{
	tg_out_put(row->out, ",\"", 2);
	for (uint32_t i = 0; i < flat->depth; i++) {
		if (i > 0)
			tg_out_byte(row->out, '_');
		put_valid(row, flat->path[i]);
	}
	for (uint32_t i = 0; i < leaf->more; i++)
		tg_out_byte(row->out, '_');
	tg_out_put(row->out, "\":", 2);
}

static bool is_text_of_json(const struct row *row, struct tg_view value)
{
	return row->columns->shape == TG_SHAPE_COLUMNS &&
	       (value.at[0] == '{' || value.at[0] == '[');
}

static void put_leaf(struct row *row, const struct tg_flatten *flat, const struct leaf *leaf)
{
	end_run(row);
	if (leaf->action == TG_COLUMN_DROP)
		return;
	put_name(row, flat, leaf);
	if (leaf->action == TG_COLUMN_MASK && leaf->value.at[0] != 'n')
		tg_out_put(row->out, "\"***\"", 5);
	else if (!is_text_of_json(row, leaf->value))
		put_valid(row, leaf->value);
	else if ((row->record->flags & TG_REC_SURROGATE) != 0)
		tg_json_quote(leaf->value, row->out);
	else
		tg_json_quote_raw(leaf->value, row->out);
}

/* A member of the document itself that goes out by its own bytes joins the run. */
static void take_leaf(struct row *row, const struct tg_flatten *flat, const struct leaf *leaf)
{
	if (flat->depth > 1 || leaf->more > 0 || leaf->action != TG_COLUMN_KEEP ||
	    is_text_of_json(row, leaf->value)) {
		put_leaf(row, flat, leaf);
		return;
	}
	if (row->run == NULL)
		row->run = flat->path[0].at - 1;
	row->run_end = leaf->value.at + leaf->value.bytes;
}

static bool is_ours(const struct row *row, struct tg_view name)
{
	if (row->columns->shape == TG_SHAPE_COLUMNS)
		return tg_shape_reserved(name);
	return tg_view_same(name, tg_view_str("_tidegate"));
}

/* Whether the names so far may meet: one lies in an object, and one has an underscore of its own
 * (or none at all, which makes one of the two beside it). */
static bool may_meet(struct row *row, const struct tg_flatten *flat)
{
	row->nested |= flat->depth > 1;
	for (uint32_t i = flat->fresh; i < flat->depth; i++) {
		struct tg_view name = flat->path[i];
		row->joined |= name.bytes == 0 || memchr(name.at, '_', name.bytes) != NULL;
	}
	return row->nested && row->joined;
}

/* Whether they do: TG_ERR_AGAIN, so that some must be called otherwise, or there are too many to
 * tell. Apart, for the sake of the stack. */
static int do_meet(const struct row *row)
{
	struct tg_shape_names names;
	int rc = tg_shape_names_find(&names, row->record->body);

	if (rc == TG_ERR_LIMIT || (rc == TG_OK && names.renamed > 0))
		return TG_ERR_AGAIN;
	return rc;
}

/* TG_ERR_AGAIN: names meet, and what was put so far may be wrong. */
static int put_members(struct row *row)
{
	struct tg_flatten flat;
	struct leaf leaf;
	int more;

	tg_flatten_start(&flat, row->record->body, row->levels);
	for (uint32_t i = 0; (more = tg_flatten_next(&flat, &leaf.value)) > 0; i++) {
		if (flat.metadata && row->columns->shape == TG_SHAPE_COLUMNS) {
			end_run(row);
			continue;
		}
		if (row->wary && may_meet(row, &flat)) {
			int rc = do_meet(row);
			if (rc != TG_OK)
				return rc;
			row->wary = false;
		}
		leaf.more = row->names != NULL ? row->names->names[i].more : 0;
		if (row->names == NULL && flat.depth == 1 && is_ours(row, flat.path[0]))
			leaf.more = tg_json_underscores(row->record->body, flat.path[0]);
		leaf.action = TG_COLUMN_KEEP;
		if (row->columns->spec.bytes != 0)
			leaf.action = action_of(row->columns, &flat, &leaf);
		take_leaf(row, &flat, &leaf);
	}
	end_run(row);
	return more;
}

/* --- what @metadata gives --- */

/* The server writes a string; anything else counts as none, since a column holds no object. */
static struct tg_view text_only(struct tg_view value)
{
	return value.bytes > 0 && value.at[0] == '"' ? value : tg_view_of(NULL, 0);
}

/* The key lies in @metadata; what stands behind it there is looked at first. */
static struct tg_view last_modified(const struct tg_record *record)
{
	static const char name[] = "@last-modified";
	struct tg_view body = record->body, found, value;
	struct tg_members members = { .end = body.at + body.bytes, .object = true };
	size_t behind = (size_t)record->key_at + record->key_bytes;

	members.at = behind < body.bytes && body.at[behind] == ',' ? body.at + behind + 1
								   : members.end;
	while (tg_members_next(&members, &found, &value))
		if (tg_view_same(found, tg_view_of(name, sizeof(name) - 1)))
			return text_only(value);
	return text_only(tg_member_of(tg_member_of(body, "@metadata"), name));
}

/* `value` empty: the record's own time. */
static void put_added(const struct row *row, const char *name, struct tg_view value)
{
	enum tg_column_action action = tg_columns_action(row->columns, tg_view_str(name));
	char iso[TG_MOMENT_ISO_BYTES + 2];

	if (action == TG_COLUMN_DROP)
		return;
	tg_out_put(row->out, ",\"", 2);
	tg_out_str(row->out, name);
	tg_out_put(row->out, "\":", 2);
	if (action == TG_COLUMN_MASK) {
		tg_out_put(row->out, "\"***\"", 5);
	} else if (value.bytes > 0) {
		put_valid(row, value);
	} else if (tg_moment_iso(row->record->time_ms, iso + 1) == TG_OK) {
		iso[0] = iso[sizeof(iso) - 1] = '"';
		tg_out_put(row->out, iso, sizeof(iso));
	} else {
		tg_out_put(row->out, "null", 4);
	}
}

static int put_id(const struct row *row)
{
	const struct tg_record *record = row->record;

	if (record->key_bytes == 0 || record->key_at > record->body.bytes ||
	    record->key_bytes > record->body.bytes - record->key_at)
		return TG_ERR_DAMAGED;
	put_added(row, "Id", tg_view_of(record->body.at + record->key_at, record->key_bytes));
	return TG_OK;
}

/* --- the two shapes --- */

/* A document whose names meet: its columns are named first. One with too many columns keeps its
 * objects whole. */
static int put_named(struct row *row)
{
	struct tg_shape_names names;
	int rc = tg_shape_names_find(&names, row->record->body);

	if (rc != TG_OK && rc != TG_ERR_LIMIT)
		return rc;
	row->names = rc == TG_OK ? &names : NULL;
	row->levels = rc == TG_OK ? TG_FLATTEN_LEVELS_MAX : 1;
	row->wary = false;
	row->run = NULL;
	rc = put_members(row);
	row->names = NULL;
	return rc;
}

static int put_columns(struct row *row)
{
	int rc = put_id(row);

	if (rc != TG_OK)
		return rc;
	put_added(row, "LastModified", last_modified(row->record));
	struct tg_out before = *row->out;
	row->levels = TG_FLATTEN_LEVELS_MAX;
	row->wary = true;
	rc = put_members(row);
	if (rc != TG_ERR_AGAIN)
		return rc;
	*row->out = before;
	return put_named(row);
}

static int put_document(struct row *row)
{
	struct tg_view body = row->record->body;
	bool plain = (row->record->flags & (TG_REC_RESERVED | TG_REC_SURROGATE)) == 0 &&
		     row->columns->spec.bytes == 0;

	row->levels = 1;
	if (!plain || body.bytes < 3 || body.at[1] != '"' || body.at[body.bytes - 1] != '}')
		return put_members(row);
	tg_out_byte(row->out, ',');
	tg_out_put(row->out, body.at + 1, body.bytes - 2);
	return TG_OK;
}

int tg_raven_shape(const struct tg_columns *columns, const struct tg_record *record,
		   struct tg_out *out)
{
	struct row row = { .columns = columns, .record = record, .out = out };
	int rc = columns->shape == TG_SHAPE_COLUMNS ? put_columns(&row) : put_document(&row);

	return rc < 0 ? TG_ERR_DAMAGED : TG_OK;
}
