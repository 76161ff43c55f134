#include "app/body.h"

#include "platform/assert.h"

void tg_body_start(struct tg_body *body)
{
	body->lost_told_ = 0;
	memset(&body->memo_, 0, sizeof(body->memo_));
	body->line.memo = &body->memo_;
	tg_body_rewind(body);
}

void tg_body_rewind(struct tg_body *body)
{
	body->next_ = body->first;
	body->skip_ = 0;
	body->given_ = 0;
	body->ended_ = false;
}

static bool is_left_out(const struct tg_body *body, const struct tg_record *record)
{
	if (record->only_sink != 0 && record->only_sink != body->sink)
		return true;
	for (uint32_t i = 0; i < body->suspect_count; i++)
		if (body->suspects[i] == record->seq)
			return true;
	return false;
}

/* A line with what its framing puts around it. */
static int write_framed(const struct tg_body *body, const struct tg_record *record,
			struct tg_out *out)
{
	if (body->framing == TG_FRAMING_OWN)
		return body->ops->frame(body->state, &body->line, record, out);
	if (body->framing == TG_FRAMING_ARRAY)
		tg_out_byte(out, body->given_ == 0 ? '[' : ',');
	int err = tg_line_write(&body->line, record, out);

	if (err == 0 && body->framing == TG_FRAMING_NDJSON)
		tg_out_byte(out, '\n');
	return err;
}

/* Gives what fits of one line. 1 when the line went out whole, 0 when the window is full. */
static int give(struct tg_body *body, const struct tg_record *record, struct tg_out *window)
{
	struct tg_out out = { .at = window->at + window->total,
			      .cap = window->cap - (size_t)window->total,
			      .skip = body->skip_ };
	int err = write_framed(body, record, &out);

	if (err < 0)
		return err;
	window->total += tg_out_filled(&out);
	if (tg_out_overran(&out)) {
		body->skip_ += tg_out_filled(&out);
		return 0;
	}
	body->skip_ = 0;
	body->given_++;
	return 1;
}

/* Records up to `next` could not be read: said once, left out each time. */
static void lost(struct tg_body *body, uint64_t next)
{
	uint64_t end = next > body->last + 1 ? body->last + 1 : next;

	if (body->next_ > body->lost_told_) {
		tg_outbox_lost(body->box, body->stream, body->next_, end - 1);
		body->lost_told_ = end - 1;
	}
	body->next_ = end;
	body->skip_ = 0;
}

/* 1 to go on, 0 when the window is full or the records are at their end. */
static int read_one(struct tg_body *body, struct tg_outbox_cursor *cursor, struct tg_out *window)
{
	struct tg_record record;

	cursor->next = body->next_;
	int got = tg_outbox_read_next(cursor, &record);
	if (got == TG_ERR_DAMAGED) {
		lost(body, cursor->next);
		return body->next_ <= body->last;
	}
	if (got <= 0 || record.seq > body->last) {
		body->next_ = body->last + 1;
		return got < 0 ? got : 0;
	}
	int whole = is_left_out(body, &record) ? 1 : give(body, &record, window);
	if (whole == TG_ERR_DAMAGED) {
		lost(body, record.seq + 1);
		return body->next_ <= body->last;
	}
	if (whole == 1)
		body->next_ = record.seq + 1;
	return whole;
}

static int read_records(struct tg_body *body, struct tg_out *window)
{
	struct tg_outbox_cursor cursor;
	int more = tg_outbox_read_begin(body->box, body->stream, body->next_, &cursor);

	if (more == 0)
		more = 1;
	while (more > 0 && body->next_ <= body->last && window->total < window->cap)
		more = read_one(body, &cursor, window);
	tg_outbox_read_end(&cursor);
	return more < 0 ? more : 0;
}

static int read_aside(struct tg_body *body, struct tg_out *window)
{
	struct tg_aside item;
	int err = tg_outbox_aside_next(body->box, body->aside_id, &item);

	if (err < 0)
		return err;
	struct tg_record record = { .op = item.op,
				    .flags = item.flags,
				    .body = item.body,
				    .body_bytes = item.body_bytes,
				    .key_at = item.key_at,
				    .key_bytes = item.key_bytes,
				    .time_ms = item.time_ms,
				    .seq = item.seq };
	int whole = give(body, &record, window);
	if (whole == 1)
		body->next_ = body->last + 1;
	return whole < 0 ? whole : 0;
}

/* What stands behind the last line: an array's end. */
static void read_end(struct tg_body *body, struct tg_out *window)
{
	const char *end = body->given_ == 0 ? "[]" : "]";
	struct tg_out out = { .at = window->at + window->total,
			      .cap = window->cap - (size_t)window->total,
			      .skip = body->skip_ };

	if (body->framing == TG_FRAMING_ARRAY)
		tg_out_str(&out, end);
	window->total += tg_out_filled(&out);
	body->skip_ += tg_out_filled(&out);
	body->ended_ = !tg_out_overran(&out);
}

int tg_body_read(struct tg_body *body, uint8_t *at, size_t cap)
{
	struct tg_out window = { .at = at, .cap = cap };
	int err = 0;

	TG_ASSERT(cap > 0 && cap <= INT32_MAX);
	if (body->next_ <= body->last)
		err = body->aside_id != 0 ? read_aside(body, &window) : read_records(body, &window);
	if (err < 0)
		return err;
	if (body->next_ > body->last && !body->ended_ && window.total < cap)
		read_end(body, &window);
	return (int)window.total;
}

int tg_body_any(struct tg_body *body)
{
	struct tg_outbox_cursor cursor;
	struct tg_record record;
	bool any = false;
	int got = tg_outbox_read_begin(body->box, body->stream, body->first, &cursor);

	if (got == 0)
		got = 1;
	while (got > 0 && !any && cursor.next <= body->last) {
		uint64_t from = cursor.next;

		got = tg_outbox_read_next(&cursor, &record);
		if (got == TG_ERR_DAMAGED) {
			body->next_ = from;
			lost(body, cursor.next);
			got = 1;
			continue;
		}
		any = got > 0 && record.seq <= body->last && !is_left_out(body, &record);
	}
	tg_outbox_read_end(&cursor);
	tg_body_rewind(body);
	return got < 0 ? got : any;
}

/* Lines are measured one by one with a window of no bytes, as long as they keep within `fit`. */
static int measure_records(struct tg_body *body, struct tg_body_fit *fit)
{
	struct tg_outbox_cursor cursor;
	struct tg_record record;
	int got = tg_outbox_read_begin(body->box, body->stream, body->first, &cursor);

	if (got == 0)
		got = 1;
	while (got > 0 && cursor.next <= body->last) {
		uint64_t from = cursor.next;
		struct tg_out out = { .at = NULL };

		got = tg_outbox_read_next(&cursor, &record);
		if (got > 0 && record.seq > body->last)
			break;
		if (got > 0 && is_left_out(body, &record))
			continue;
		if (got > 0 && write_framed(body, &record, &out) == TG_ERR_DAMAGED)
			got = TG_ERR_DAMAGED;
		if (got == TG_ERR_DAMAGED) {
			body->next_ = from;
			lost(body, cursor.next);
			got = 1;
			continue;
		}
		if (got > 0 && (body->given_ == fit->lines_max ||
				fit->bytes + out.total > fit->bytes_max)) {
			fit->last = record.seq - 1;
			break;
		}
		fit->bytes += out.total;
		body->given_ += got > 0;
	}
	tg_outbox_read_end(&cursor);
	return got < 0 ? got : 0;
}

int tg_body_bytes(struct tg_body *body, uint64_t *bytes)
{
	int err;

	tg_body_rewind(body);
	*bytes = 0;
	if (body->aside_id != 0) {
		uint8_t chunk[1024];

		while ((err = tg_body_read(body, chunk, sizeof(chunk))) > 0)
			*bytes += (uint64_t)err;
	} else {
		struct tg_body_fit all = { .bytes_max = UINT64_MAX, .lines_max = UINT64_MAX };

		err = measure_records(body, &all);
		*bytes = all.bytes;
		if (body->framing == TG_FRAMING_ARRAY)
			*bytes += body->given_ == 0 ? 2 : 1;
	}
	tg_body_rewind(body);
	return err;
}

int tg_body_fit(struct tg_body *body, struct tg_body_fit *fit)
{
	struct tg_body place = *body;
	int err;

	fit->bytes = fit->lines = 0;
	fit->last = body->last;
	tg_body_rewind(body);
	if (body->aside_id != 0) {
		err = tg_body_bytes(body, &fit->bytes);
		fit->lines = 1;
		if (err == 0 && fit->bytes > fit->bytes_max) {
			fit->bytes = fit->lines = 0;
			fit->last = body->first - 1;
		}
	} else {
		err = measure_records(body, fit);
		fit->lines = body->given_;
	}
	place.lost_told_ = body->lost_told_; /* what was told once is not told again */
	*body = place;
	return err;
}
