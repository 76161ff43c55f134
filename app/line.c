/* line.c - the envelope of every line; see line.h. */
#include "app/line.h"

#include "app/moment.h"
#include "app/source.h"
#include "app/swar.h"
#include "app/utf8.h"

enum tg_column_action tg_columns_action(const struct tg_columns *columns, struct tg_view name)
{
	const uint8_t *at = columns->spec.at, *end = at + columns->spec.bytes;
	bool only = false, chosen = false, masked = false;

	while (at < end) {
		uint8_t action = *at++;
		const uint8_t *stop = memchr(at, 0, (size_t)(end - at));
		size_t bytes = (size_t)((stop != NULL ? stop : end) - at);
		bool same = tg_view_same(tg_view_of(at, bytes), name);
		if (action == '-' && same)
			return TG_COLUMN_DROP;
		only |= action == '+';
		chosen |= action == '+' && same;
		masked |= action == '*' && same;
		at = stop != NULL ? stop + 1 : end;
	}
	if (masked)
		return TG_COLUMN_MASK;
	return only && !chosen ? TG_COLUMN_DROP : TG_COLUMN_KEEP;
}

/* Plain text between quotes. Names hold nothing to escape as a rule. */
static void put_quoted(struct tg_view text, struct tg_out *out)
{
	static const char hex[] = "0123456789ABCDEF";
	const uint8_t *from = text.at, *at = from, *end = text.at + text.bytes;

	tg_out_byte(out, '"');
	while ((at = tg_swar_plain(at, end)) < end) {
		if (*at >= 0x80) {
			at++;
			continue;
		}
		const char escape[] = { '\\', 'u', '0', '0', hex[*at >> 4], hex[*at & 15] };
		tg_utf8_put(tg_view_of(from, (size_t)(at - from)), out);
		tg_out_put(out, escape, sizeof(escape));
		from = ++at;
	}
	tg_utf8_put(tg_view_of(from, (size_t)(end - from)), out);
	tg_out_byte(out, '"');
}

#define PUT_TEXT(out, text) tg_out_put(out, text, sizeof(text) - 1)

/* What operation it is, which sequence, and the name of the key, in one piece. */
static void put_middle(const struct tg_record *record, struct tg_out *out)
{
	static const char upsert[] = ",\"op\":\"upsert\",\"seq\":";
	static const char delete[] = ",\"op\":\"delete\",\"seq\":";
	static const char key[] = ",\"key\":";
	enum { OP_BYTES = sizeof(upsert) - 1, KEY_BYTES = sizeof(key) - 1, DIGITS = 20 };
	char text[OP_BYTES + DIGITS + KEY_BYTES];
	uint64_t number = record->seq;
	size_t at = OP_BYTES + DIGITS;

	memcpy(text + at, key, KEY_BYTES);
	do {
		text[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number != 0);
	at -= OP_BYTES;
	memcpy(text + at, record->op == TG_DELETE ? delete : upsert, OP_BYTES);
	tg_out_put(out, text + at, sizeof(text) - at);
}

/* The envelope's end. A year beyond 9999 has no ISO text that others read: its seconds go out, as
 * text too. Rows that were read together carry the same moment. */
static void put_tail(struct tg_line_memo *memo, int64_t ms, struct tg_out *out)
{
	char tail[] = ",\"time\":\"0000-00-00T00:00:00.000Z\"}";
	enum { TAIL_BYTES = sizeof(tail) - 1, TIME_AT = 9 };
	_Static_assert((int)TAIL_BYTES == (int)TG_LINE_TAIL_BYTES, "the memo has room for it");

	if (memo != NULL && memo->timed_ && memo->time_ms_ == ms) {
		tg_out_put(out, memo->tail_, TAIL_BYTES);
		return;
	}
	if (tg_moment_iso(ms, tail + TIME_AT) != TG_OK) {
		tg_out_put(out, tail, TIME_AT);
		tg_moment_seconds(ms, out);
		PUT_TEXT(out, "\"}");
		return;
	}
	tg_out_put(out, tail, TAIL_BYTES);
	if (memo == NULL)
		return;
	memo->timed_ = true;
	memo->time_ms_ = ms;
	memcpy(memo->tail_, tail, TAIL_BYTES);
}

int tg_line_key(const struct tg_record *record, struct tg_view *key)
{
	size_t at = record->op == TG_DELETE ? 0 : record->key_at;
	size_t bytes = record->op == TG_DELETE ? record->body.bytes : record->key_bytes;

	if (bytes == 0 || at > record->body.bytes || bytes > record->body.bytes - at)
		return TG_ERR_DAMAGED;
	*key = tg_view_of(record->body.at + at, bytes);
	return TG_OK;
}

static void make_head(const struct tg_line *line, struct tg_out *out)
{
	PUT_TEXT(out, "{\"_tidegate\":{\"instance\":");
	put_quoted(line->instance, out);
	PUT_TEXT(out, ",\"stream\":");
	put_quoted(line->stream, out);
}

/* The envelope as far as its stream: the same for each line. */
static void put_head(const struct tg_line *line, struct tg_out *out)
{
	struct tg_line_memo *memo = line->memo;

	if (memo != NULL && memo->head_bytes_ == 0) {
		struct tg_out head = { .at = (uint8_t *)memo->head_, .cap = sizeof(memo->head_) };
		make_head(line, &head);
		if (!tg_out_overran(&head))
			memo->head_bytes_ = (uint32_t)head.total;
	}
	if (memo != NULL && memo->head_bytes_ != 0)
		tg_out_put(out, memo->head_, memo->head_bytes_);
	else
		make_head(line, out);
}

static void put_envelope(const struct tg_line *line, const struct tg_record *record,
			 struct tg_view key, struct tg_out *out)
{
	put_head(line, out);
	put_middle(record, out);
	/* Flags tell of a row; a delete has none, so its key is looked at. */
	if (record->op == TG_DELETE || (record->flags & TG_REC_SURROGATE) != 0)
		tg_utf8_put(key, out);
	else
		tg_out_view(out, key);
	put_tail(line->memo, record->time_ms, out);
}

int tg_line_write(const struct tg_line *line, const struct tg_record *record, struct tg_out *out)
{
	struct tg_view key;

	if ((record->flags & TG_REC_OVERSIZE) != 0)
		return TG_ERR_LIMIT;
	int rc = tg_line_key(record, &key);
	if (rc != TG_OK)
		return rc;
	put_envelope(line, record, key, out);
	if (record->op != TG_DELETE)
		rc = line->ops->shape(&line->columns, record, out);
	tg_out_byte(out, '}');
	return rc;
}
