/* read.c - the rows of a pass, from one end of the table or from both. */
#include "drivers/rethink/read.h"

#include "drivers/rethink/key.h"
#include "platform/log.h"

/* The front has had so many answers, of which the server makes the first one small, and more come:
 * a table that is shorter is over before its end could be of use. */
enum { ANSWERS_MIN = 2 };

struct tg_term_table tg_rethink_term(const struct tg_rethink *source)
{
	return (struct tg_term_table){ .database = source->config.database,
				       .table = source->table.name };
}

/* Adds the time bound that the pass has, and writes the query. */
static void put_rows_query(struct tg_rethink *source, struct tg_query_rows rows,
			   struct tg_out *query)
{
	const struct tg_bookmark *bookmark = &source->bookmark;
	uint8_t lower[128];
	struct tg_out bound = { .at = lower, .cap = sizeof(lower) };

	if (bookmark->pass != TG_PASS_FULL) {
		tg_stamp_bound(&source->stamp, bookmark->pass_lower_ms, &bound);
		rows.field = tg_member_json(&source->stamp.field);
		rows.lower = tg_view_of(lower, tg_out_filled(&bound));
		if (bookmark->pass == TG_PASS_INDEX)
			rows.index = tg_member_json(&source->index);
		if (source->brief)
			rows.first = CONFIG_TG_RETHINK_BRIEF_ROWS;
	}
	tg_query_rows(&rows, query);
}

/* An index' order costs the server three times what the rows do (1,000 rows of 300,000: 47 ms
 * against 11). It is what lets a long pass go on after a break; a short one is read anew instead.
 * So the first few are asked for in no order, and only when there are more of them all in order. */
static void decide_order(struct tg_rethink *source)
{
	source->brief = source->bookmark.pass == TG_PASS_INDEX && !source->lengthy;
	source->brief_rows = 0;
}

/* Where the pass stands, as a bound of its next query. Empty where it cannot be told exactly: what
 * comes again sends nothing. */
static struct tg_view put_bound(const struct tg_bookmark_key *key, bool upper, struct tg_out *out)
{
	bool cut = false;

	if (key->bytes == 0 ||
	    tg_rethink_key_term(tg_view_of(key->at, key->bytes), out, &cut) != TG_OK ||
	    tg_out_overran(out) || (cut && upper))
		return tg_view_of(NULL, 0);
	return tg_view_of(out->at, tg_out_filled(out));
}

static void put_question(struct tg_rethink *source, bool back, struct tg_out *query)
{
	const struct tg_bookmark *bookmark = &source->bookmark;
	uint8_t after[TG_KEY_JSON_BYTES_MAX], before[TG_KEY_JSON_BYTES_MAX];
	struct tg_out after_out = { .at = after, .cap = sizeof(after) };
	struct tg_query_rows rows = { .table = tg_rethink_term(source),
				      .key = tg_member_json(&source->table.key),
				      .back = back,
				      .batch_bytes = source->config.batch_bytes };

	rows.after = put_bound(&bookmark->front, false, &after_out);
	/* Both together take no more than the longest key may: a query has room for that. */
	struct tg_out before_out = { .at = before, .cap = sizeof(before) - rows.after.bytes };
	rows.before = put_bound(&bookmark->back, true, &before_out);
	put_rows_query(source, rows, query);
}

void tg_read_ask(struct tg_rethink *source, struct tg_out *query)
{
	decide_order(source);
	source->answer_over = false;
	source->both_ends = false;
	source->answers = 0;
	source->resuming[0] = source->bookmark.front.bytes > 0;
	source->link.response.watch[0] = tg_member_bare(&source->table.key);
	source->link.response.watch[1] = tg_view_of(NULL, 0);
	if (source->stamp.kind != TG_STAMP_NONE)
		source->link.response.watch[1] = tg_member_bare(&source->stamp.field);
	put_question(source, false, query);
}

void tg_read_more(struct tg_rethink *source)
{
	struct tg_out query = { .at = source->query, .cap = sizeof(source->query) };
	struct tg_why why;

	/* A server that is to be spared gets one question at a time. */
	if (CONFIG_TG_RETHINK_RANGES < 2 || source->bookmark.pass != TG_PASS_FULL ||
	    source->config.rows_per_second_max > 0 || source->both_ends ||
	    ++source->answers < ANSWERS_MIN || source->bookmark.front.bytes == 0)
		return;
	source->both_ends = true;
	source->resuming[1] = source->bookmark.back.bytes > 0;
	put_question(source, true, &query);
	/* Where it cannot be asked the front reads all of it. */
	if (tg_link_ask_beside(&source->link, tg_view_of(source->query, (size_t)query.total),
			       &source->now, &why) == TG_OK)
		TG_LOG_DBG("rethink.both_ends", "stream=%u", source->stream);
}

void tg_read_frame(struct tg_rethink *source)
{
	struct tg_rows *rows = &source->rows;

	if (rows->count > 0 && rows->back != (tg_link_which(&source->link) == 1))
		rows->full = true;
}

static int wrong_row(struct tg_rethink *source, const char *what, struct tg_why *why)
{
	char name[TG_WHAT_BYTES_MAX];

	return tg_why_set(why, TG_ERR_PROTOCOL, "%s: %s; the table is not read further",
			  tg_rethink_what(source, name, sizeof(name)), what);
}

/* `back`: the order in which rows are read backwards. */
static bool is_before(struct tg_key a, struct tg_key b, bool back)
{
	return (back ? tg_rethink_key_compare(b, a) : tg_rethink_key_compare(a, b)) < 0;
}

/* Keeps a pass in key order: what was handed over before is dropped, also by the other end, where
 * the pass is over; anything else out of order must not be taken for a gap in which rows are gone.
 */
static int check_order(struct tg_rethink *source, struct tg_why *why)
{
	struct tg_rows *rows = &source->rows;
	struct tg_bookmark *bookmark = &source->bookmark;
	bool back = rows->back;
	struct tg_key key = tg_rows_at(rows, rows->count - 1)->key;
	struct tg_key last = tg_bookmark_get(back ? &bookmark->back : &bookmark->front);
	struct tg_key end = tg_bookmark_get(back ? &bookmark->front : &bookmark->back);

	if (rows->count > 1)
		last = tg_rows_at(rows, rows->count - 2)->key;
	source->answer_over = end.bytes.bytes > 0 && !is_before(key, end, back);
	if (!source->answer_over && (last.bytes.bytes == 0 || is_before(last, key, back))) {
		source->resuming[back] = false;
		return TG_OK;
	}
	tg_rows_undo(rows);
	if (source->answer_over || source->resuming[back])
		return TG_OK;
	return wrong_row(source, "the rows do not come in the order of their keys", why);
}

int tg_read_row(struct tg_rethink *source, const struct tg_row *row, struct tg_why *why)
{
	int64_t time_ms = source->now.wall_ms;

	if (tg_stamp_read(&source->stamp, row->time, &time_ms)) {
		tg_mode_saw(&source->bookmark, time_ms);
		if (!source->brief)
			tg_mode_reached(&source->bookmark, time_ms);
	}
	source->brief_rows += source->brief;
	if (source->rows.count == 0)
		source->rows.back = tg_link_which(&source->link) == 1;
	if (tg_rows_add(&source->rows, row, time_ms) != TG_OK)
		return wrong_row(source, "a row has no primary key that can be read", why);
	if (source->bookmark.pass == TG_PASS_INDEX)
		return TG_OK;
	return check_order(source, why);
}

void tg_read_end(struct tg_rethink *source)
{
	source->lengthy = source->brief && source->brief_rows >= CONFIG_TG_RETHINK_BRIEF_ROWS;
	if (source->lengthy)
		source->asked = false; /* those that came will come again, and be nothing new */
	else
		source->answer_over = true;
}
