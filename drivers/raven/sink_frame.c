#include "drivers/raven/sink_frame.h"

#include <inttypes.h>
#include <stdio.h>

#include "app/moment.h"
#include "drivers/json/scan.h"
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
	struct tg_view metadata; /* the row's own, or empty */
	bool filtered; /* goes through sink_text.c */
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
					     "Tidegate-Stream", "Tidegate-Seq", "Source-Modified" };

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

static void put_user_metadata(const struct row *row, struct tg_out *out)
{
	struct tg_members members;
	struct tg_view name, value;

	if (row->metadata.bytes == 0)
		return;
	if (row->metadata.at[0] != '{') { /* a row's ordinary value that happens to be called so */
		PUT_TEXT(out, ",\"Source-Metadata\":");
		tg_out_view(out, row->metadata);
		return;
	}
	(void)tg_members_start(&members, row->metadata);
	while (tg_members_next(&members, &name, &value)) {
		if (is_reserved(name) || (is_clock(name) && !row->frame->keep_expires))
			continue;
		PUT_TEXT(out, ",\"");
		tg_out_view(out, name);
		PUT_TEXT(out, "\":");
		tg_out_view(out, value);
	}
}

/* RavenDB calls the collection of a document without one so, and takes no document that says it. */
static void put_collection(const struct row *row, struct tg_out *out)
{
	uint8_t text[TG_STREAM_NAME_BYTES_MAX + TG_TEMPLATE_BYTES_MAX];
	struct tg_out name = { .at = text, .cap = sizeof(text) };
	struct tg_view view;

	tg_ident_name(row->frame->collection, row->line, &name);
	view = tg_view_of(text, tg_out_filled(&name));
	if (tg_view_same(view, tg_view_str("@empty")))
		return;
	PUT_TEXT(out, "\"@collection\":");
	tg_json_quote(view, out);
	tg_out_byte(out, ',');
}

static void put_metadata(const struct row *row, struct tg_out *out)
{
	const struct tg_record *record = row->record;
	char iso[TG_MOMENT_ISO_BYTES], seq[48];

	PUT_TEXT(out, "{\"" METADATA "\":{");
	put_collection(row, out);
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
	put_user_metadata(row, out);
	tg_out_byte(out, '}');
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

static int put_document(struct row *row, struct tg_out *out)
{
	const struct tg_columns *columns = &row->line->columns;
	struct tg_view metadata = find_metadata(row->record), mine = metadata;
	int err;

	if (columns->shape != TG_SHAPE_DOCUMENT ||
	    tg_columns_action(columns, tg_view_str(METADATA)) != TG_COLUMN_KEEP)
		mine.bytes = 0;
	row->metadata = mine;
	put_metadata(row, out);
	row->metadata = metadata;
	err = put_members(row, out);
	tg_out_byte(out, '}');
	return err;
}

/* Through the filter, when the text holds what the server would not keep. */
static int put_safe(struct row *row, struct tg_out *out)
{
	struct tg_raven_frame *frame = row->frame;
	struct tg_raven_text text;

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
	name = tg_view_of(id.at, id.bytes);
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
