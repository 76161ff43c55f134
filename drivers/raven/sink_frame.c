#include "drivers/raven/sink_frame.h"

#include <inttypes.h>
#include <stdio.h>

#include "app/moment.h"
#include "drivers/json/scan.h"
#include "drivers/raven/echo.h"
#include "drivers/raven/ident.h"
#include "drivers/raven/sink_text.h"
#include "drivers/raven/template.h"

#define METADATA "@metadata"

#define PUT_TEXT(out, text) tg_out_put(out, text, sizeof(text) - 1)

/* One record under way. */
struct row {
	struct tg_raven_frame *frame;
	const struct tg_line *line;
	const struct tg_record *record;
	const char *id_template;
	struct tg_view id;
	struct tg_view metadata;          /* the row's own, or empty ...             */
	struct tg_view user;              /* ... and what of it goes out             */
	bool filtered;                    /* goes through sink_text.c                */
	struct tg_out *to;                /* where the text ends up, and in it ...   */
	uint64_t members_at, members_end; /* ... the row's members */
	uint64_t sum;                     /* of the user's metadata */
};

/* --- names --- */

static const char *id_template(const struct tg_raven_frame *frame, const struct tg_line *line)
{
	if (frame->id[0] != '\0')
		return frame->id;
	return tg_ident_is_raven(line->ops) ? "{key}" : "{table}/{key}";
}

static void put_command(const char *type, struct tg_view id, struct tg_out *out)
{
	PUT_TEXT(out, ",{\"Type\":\"");
	tg_out_str(out, type);
	PUT_TEXT(out, "\",\"Id\":");
	tg_json_quote(id, out);
	PUT_TEXT(out, ",\"ChangeVector\":null");
}

/* --- deletes --- */

/* Only what this stream wrote last: the server runs this beside the document. */
static void put_own_delete(struct tg_view id, struct tg_view stream, struct tg_out *out)
{
	put_command("PATCH", id, out);
	PUT_TEXT(out,
		 ",\"Patch\":{\"Script\":\"if (this['@metadata']['Tidegate-Stream'] === args.s) "
		 "del(id(this));\",\"Values\":{\"s\":");
	tg_json_quote(stream, out);
	PUT_TEXT(out, "}}}");
}

static void put_delete(const struct row *row, struct tg_view id, struct tg_out *out)
{
	if (tg_template_has(row->id_template, TG_PART_TABLE)) {
		put_command("DELETE", id, out);
		tg_out_byte(out, '}');
	} else {
		put_own_delete(id, row->line->stream, out);
	}
}

/* --- metadata --- */

/* What the server makes by itself, or we do. */
static bool is_reserved(struct tg_view name)
{
	static const char *const names[] = { "@collection",     "@id",          "@change-vector",
					     "@last-modified",  "@etag",        "@flags",
					     "@index-score",    "@attachments", "@counters",
					     "@timeseries",     "@archived",    "Tidegate-Instance",
					     "Tidegate-Stream", "Tidegate-Seq", "Tidegate-Hash",
					     "Source-Modified" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (tg_view_same(name, tg_view_str(names[i])))
			return true;
	return false;
}

static bool is_clock(struct tg_view name)
{
	return tg_view_same(name, tg_view_str("@expires")) ||
	       tg_view_same(name, tg_view_str("@refresh")) ||
	       tg_view_same(name, tg_view_str("@archive-at"));
}

static void put_member(struct tg_view name, struct tg_view value, struct tg_out *out)
{
	PUT_TEXT(out, "\"");
	tg_out_view(out, name);
	PUT_TEXT(out, "\":");
	tg_out_view(out, value);
}

/* What the member adds to the document's sum, as the server will have it. */
static uint64_t sum_of_member(const struct row *row, struct tg_view name, struct tg_view value)
{
	struct tg_raven_echo echo;
	struct tg_raven_text text;

	if (!tg_raven_echo_counts(name))
		return 0;
	if (!row->filtered)
		return tg_raven_echo_member(name, value);
	tg_raven_echo_start(&echo);
	tg_raven_text_start(&text, &echo.out);
	put_member(name, value, &text.out);
	tg_raven_text_end(&text);
	return tg_raven_echo_end(&echo);
}

static void put_user_member(struct row *row, struct tg_view name, struct tg_view value,
			    struct tg_out *out)
{
	row->sum += sum_of_member(row, name, value);
	tg_out_byte(out, ',');
	put_member(name, value, out);
}

static void put_user_metadata(struct row *row, struct tg_out *out)
{
	struct tg_members members;
	struct tg_view name, value;

	row->sum = 0;
	if (row->user.bytes == 0)
		return;
	if (row->user.at[0] != '{') { /* a row's ordinary value that happens to be called so */
		put_user_member(row, tg_view_str("Source-Metadata"), row->user, out);
		return;
	}
	(void)tg_members_start(&members, row->user);
	while (tg_members_next(&members, &name, &value))
		if (!is_reserved(name) && (!is_clock(name) || row->frame->keep_expires))
			put_user_member(row, name, value, out);
}

/* RavenDB calls the collection of a document without one so, and takes no document that says it:
 * empty then. */
struct collection {
	uint8_t at[TG_STREAM_NAME_BYTES_MAX + TG_TEMPLATE_BYTES_MAX];
	struct tg_view name;
};

static void find_collection(const struct row *row, struct collection *collection)
{
	struct tg_out name = { .at = collection->at, .cap = sizeof(collection->at) };

	tg_ident_name(row->frame->collection, row->line, &name);
	collection->name = tg_view_of(collection->at, tg_out_filled(&name));
	if (tg_view_same(collection->name, tg_view_str("@empty")))
		collection->name.bytes = 0;
}

static void put_collection(struct tg_view name, struct tg_out *out)
{
	if (name.bytes == 0)
		return;
	PUT_TEXT(out, "\"@collection\":");
	tg_json_quote(name, out);
	tg_out_byte(out, ',');
}

static void put_origin(const struct row *row, struct tg_out *out)
{
	const struct tg_record *record = row->record;
	char iso[TG_MOMENT_ISO_BYTES], seq[48];

	PUT_TEXT(out, "\"Tidegate-Instance\":");
	tg_json_quote(row->line->instance, out);
	PUT_TEXT(out, ",\"Tidegate-Stream\":");
	tg_json_quote(row->line->stream, out);
	(void)snprintf(seq, sizeof(seq), ",\"Tidegate-Seq\":%" PRIu64, record->seq);
	tg_out_str(out, seq);
	PUT_TEXT(out, ",\"Source-Modified\":\"");
	if (tg_moment_iso(record->time_ms, iso) == TG_OK)
		tg_out_put(out, iso, sizeof(iso));
	else
		tg_moment_seconds(record->time_ms, out);
	tg_out_byte(out, '"');
}

/* --- documents --- */

/* Finds the row's own metadata; most rows have none, and the text says so at once. */
static struct tg_view find_metadata(const struct tg_record *record)
{
	static const char quoted[] = METADATA "\"";
	struct tg_view body = record->body;
	const uint8_t *at = body.at, *end = at + body.bytes;

	while (at < end && (at = memchr(at, '@', (size_t)(end - at))) != NULL) {
		if ((size_t)(end - at) >= sizeof(quoted) - 1 &&
		    memcmp(at, quoted, sizeof(quoted) - 1) == 0)
			return tg_member_of(body, METADATA);
		at++;
	}
	return tg_view_of(body.at, 0);
}

/* The row's members but for its metadata, which would be taken as the document's. */
static int put_members(const struct row *row, struct tg_out *out)
{
	static const char drop[] = "-" METADATA;
	uint8_t spec[TG_COLUMNS_SPEC_BYTES_MAX + sizeof(drop)];
	struct tg_columns columns = row->line->columns;
	struct tg_record record = *row->record;

	if (row->filtered)
		record.flags |= TG_REC_SURROGATE; /* a text that spills cannot be taken back */
	if (row->metadata.bytes > 0) {
		if (columns.spec.bytes > 0)
			memcpy(spec, columns.spec.at, columns.spec.bytes);
		memcpy(spec + columns.spec.bytes, drop, sizeof(drop));
		columns.spec = tg_view_of(spec, columns.spec.bytes + sizeof(drop));
	}
	return row->line->ops->shape(&columns, &record, out);
}

/* Members that lie in a window whole are summed there, others are made once more for it. */
static int sum_members(struct row *row, struct tg_raven_echo *echo)
{
	const struct tg_out *to = row->to;
	size_t bytes = (size_t)(row->members_end - row->members_at);
	struct tg_raven_text text;

	if (bytes == 0)
		return TG_OK;
	if (row->members_at >= to->skip && row->members_end <= to->skip + to->cap) {
		const uint8_t *at = to->at + (row->members_at - to->skip);
		tg_raven_echo_put(echo, tg_view_str(",")); /* the brace that stands for it */
		tg_raven_echo_put(echo, tg_view_of(at + 1, bytes - 1));
		return TG_OK;
	}
	bool filtered = row->filtered;
	row->filtered = true;
	tg_raven_text_start(&text, &echo->out);
	int err = put_members(row, filtered ? &text.out : &echo->out);
	tg_raven_text_end(&text);
	row->filtered = filtered;
	return err;
}

/* The sum is made where its text is wanted, and not for the windows before and behind it. */
static int put_sum(struct row *row, struct tg_view collection, struct tg_out *out)
{
	uint64_t at = row->to->total, end = at + TG_RAVEN_ECHO_BYTES;
	char text[TG_RAVEN_ECHO_BYTES] = "0";
	struct tg_raven_echo echo;
	int err = TG_OK;

	if (end > row->to->skip && at < row->to->skip + row->to->cap) {
		tg_raven_echo_start(&echo);
		tg_raven_echo_text(&echo, row->id);
		tg_raven_echo_text(&echo, collection);
		err = sum_members(row, &echo);
		tg_raven_echo_write(tg_raven_echo_end(&echo) + row->sum, text);
	}
	tg_out_put(out, text, sizeof(text));
	return err;
}

static int put_metadata(struct row *row, struct tg_out *out)
{
	struct collection collection;

	find_collection(row, &collection);
	if (row->members_end > row->members_at)
		tg_out_byte(out, ',');
	PUT_TEXT(out, "\"" METADATA "\":{");
	put_collection(collection.name, out);
	put_origin(row, out);
	put_user_metadata(row, out);
	PUT_TEXT(out, ",\"Tidegate-Hash\":\"");
	int err = put_sum(row, collection.name, out);
	PUT_TEXT(out, "\"}}");
	return err;
}

/* The members come with a comma before each: the first one's place is the brace's. */
static void open_brace(const struct row *row, struct tg_out *out)
{
	struct tg_out *to = row->to;

	if (row->members_end == row->members_at)
		tg_out_byte(out, '{');
	else if (row->members_at >= to->skip && row->members_at < to->skip + to->cap)
		to->at[row->members_at - to->skip] = '{';
}

static int put_document(struct row *row, struct tg_out *out)
{
	const struct tg_columns *columns = &row->line->columns;

	row->user = row->metadata = find_metadata(row->record);
	if (columns->shape != TG_SHAPE_DOCUMENT ||
	    tg_columns_action(columns, tg_view_str(METADATA)) != TG_COLUMN_KEEP)
		row->user.bytes = 0;
	row->members_at = row->to->total;
	int err = put_members(row, out);
	row->members_end = row->to->total;
	if (err != TG_OK)
		return err;
	open_brace(row, out);
	return put_metadata(row, out);
}

/* Through the filter, when the text holds what the server would not keep. */
static int put_safe(struct row *row, struct tg_out *out)
{
	struct tg_raven_frame *frame = row->frame;
	struct tg_raven_text text;

	row->to = out;
	if (!tg_raven_text_needs(row->record))
		return put_document(row, out);
	tg_raven_text_start(&text, out);
	row->filtered = true;
	int err = put_document(row, &text.out);
	row->filtered = false;
	tg_raven_text_end(&text);
	if (row->record->seq > frame->counted) {
		frame->counted = row->record->seq;
		frame->replaced += text.replaced;
	}
	return err;
}

int tg_raven_frame_write(struct tg_raven_frame *frame, const struct tg_line *line,
			 const struct tg_record *record, struct tg_out *out)
{
	struct row row = { .frame = frame,
			   .line = line,
			   .record = record,
			   .id_template = id_template(frame, line) };
	struct tg_view key, name;
	struct tg_ident id;

	if ((record->flags & TG_REC_OVERSIZE) != 0)
		return TG_ERR_LIMIT;
	int err = tg_line_key(record, &key);
	if (err == TG_OK)
		err = tg_ident_make(row.id_template, line, key, &id);
	if (err != TG_OK)
		return err;
	row.id = name = tg_view_of(id.at, id.bytes);
	if (record->op == TG_DELETE) {
		put_delete(&row, name, out);
		return TG_OK;
	}
	if (frame->replace) {
		put_command("DELETE", name, out);
		tg_out_byte(out, '}');
	}
	put_command("PUT", name, out);
	PUT_TEXT(out, ",\"Document\":");
	err = put_safe(&row, out);
	tg_out_byte(out, '}');
	return err;
}
