#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/cli/print.h"
#include "app/cli/store.h"
#include "app/outbox/look.h"
#include "app/outbox/repair.h"
#include "platform/assert.h"
#include "platform/loop.h"

enum { LINES_BYTES = 65536, LINE_BYTES = TG_KEY_JSON_BYTES_MAX + 128 };

static struct tg_outbox *box; /* cli->box, for what is handed no cli */
static struct tg_stream_row row;

static int close_with(const struct tg_cli *cli, int err)
{
	tg_outbox_look_end(box);
	return err == TG_OK ? tg_cli_done(TG_EXIT_OK) : tg_cli_fail(cli, TG_ORIGIN_STORE);
}

static int next_failed(struct tg_cli *cli, const struct tg_outbox_cursor *cursor, int err)
{
	if (err != TG_ERR_DAMAGED)
		return tg_store_failed(cli, err);
	return tg_why_set(&cli->why, err,
			  "record %" PRIu64 " of %s is damaged; the next sync reads it "
			  "again",
			  cursor->next - 1, row.name);
}

/* --- list --- */

static struct tg_view key_of(const struct tg_record *record)
{
	if (record->op == TG_DELETE)
		return record->body;
	return tg_view_of(record->body.at + record->key_at, record->key_bytes);
}

static void put_line(const struct tg_record *record, struct tg_out *out)
{
	char text[96], at[TG_PRINT_SIZE_BYTES];

	snprintf(text, sizeof(text), "%" PRIu64 "  %s  %" PRIu64 " bytes  %s  ", record->seq,
		 record->op == TG_DELETE ? "delete" : "upsert", record->body_bytes,
		 tg_print_moment(at, record->time_ms));
	tg_out_str(out, text);
	tg_out_view(out, key_of(record));
	tg_out_byte(out, '\n');
}

/* Records from `from` on until the buffer is nearly full; no page is pinned while standard output
 * waits for its reader. 1: there may be more from *from on. */
static int take_lines(struct tg_cli *cli, struct tg_stream *stream, uint64_t *from,
		      struct tg_out *out)
{
	struct tg_outbox_cursor cursor;
	struct tg_record record;
	int got = tg_outbox_read_begin(box, stream, *from, &cursor);

	if (got != TG_OK)
		return tg_store_failed(cli, got);
	while (out->total + LINE_BYTES <= out->cap) {
		got = tg_outbox_read_next(&cursor, &record);
		if (got <= 0)
			break;
		put_line(&record, out);
		*from = record.seq + 1;
	}
	if (got < 0)
		got = next_failed(cli, &cursor, got);
	tg_outbox_read_end(&cursor);
	return got;
}

static uint64_t first_undelivered(const struct tg_stream *stream)
{
	uint64_t first = stream->durable_next;

	for (uint32_t slot = 0; slot < CONFIG_TG_SINKS_MAX; slot++)
		if (stream->wanted[slot] && stream->acked[slot] + 1 < first)
			first = stream->acked[slot] + 1;
	return first;
}

static int list_stream(struct tg_cli *cli, struct tg_stream *stream)
{
	size_t mark = tg_arena_mark(&cli->boot);
	uint8_t *lines = tg_arena_take(&cli->boot, LINES_BYTES);
	uint64_t from = first_undelivered(stream);
	int more = from < stream->durable_next;

	TG_ASSERT(lines != NULL); /* no source and no sink has taken its part */
	if (more > 0)
		printf("%s\n", row.name);
	while (more > 0 && !tg_loop_stopped() && !ferror(stdout)) {
		struct tg_out out = { .at = lines, .cap = LINES_BYTES };
		more = take_lines(cli, stream, &from, &out);
		tg_print_plain_lines(stdout, tg_view_of(lines, tg_out_filled(&out)));
	}
	tg_arena_rewind(&cli->boot, mark);
	return more < 0 ? more : TG_OK;
}

static int list_all(struct tg_cli *cli)
{
	for (uint32_t i = 0; i < tg_outbox_stream_count(box); i++) {
		struct tg_stream *stream = tg_outbox_stream_at(box, i);
		int err = tg_outbox_stream_row(box, stream->number, &row);
		if (err != TG_OK)
			return tg_store_failed(cli, err);
		err = list_stream(cli, stream);
		if (err != TG_OK)
			return err;
	}
	return TG_OK;
}

int tg_cmd_outbox_list(struct tg_cli *cli)
{
	int err = tg_store_look(cli);

	box = &cli->box;
	if (err != TG_OK)
		return tg_cli_fail(cli, TG_ORIGIN_STORE);
	if (cli->args.all)
		return close_with(cli, list_all(cli));
	struct tg_stream *stream = tg_store_stream(cli, cli->args.operand, &row);
	return close_with(cli, stream != NULL ? list_stream(cli, stream) : cli->why.err);
}

/* --- show --- */

/* Splits "STREAM:SEQ"; a stream's name holds no colon of its own at its end. */
static int split_operand(struct tg_cli *cli, char name[TG_STREAM_NAME_BYTES_MAX], uint64_t *seq)
{
	const char *text = cli->args.operand, *colon = strrchr(text, ':');
	size_t bytes = colon != NULL ? (size_t)(colon - text) : 0;
	char *end = NULL;

	if (colon != NULL && isdigit((unsigned char)colon[1]))
		*seq = strtoull(colon + 1, &end, 10);
	if (end == NULL || *end != '\0' || bytes == 0 || bytes >= TG_STREAM_NAME_BYTES_MAX)
		return tg_why_set(&cli->why, TG_ERR_CONFIG,
				  "%s is no record: SOURCE/DATABASE/TABLE:NUMBER is wanted", text);
	memcpy(name, text, bytes);
	name[bytes] = '\0';
	return TG_OK;
}

/* A body that borrows from the map is copied, so that no page is pinned while it is printed. */
static int take_body(struct tg_cli *cli, struct tg_stream *stream, uint64_t seq,
		     struct tg_view *body)
{
	static uint8_t copy[TG_BLOCK_BODY_MAX];
	struct tg_outbox_cursor cursor;
	struct tg_record record;
	int got = tg_outbox_read_begin(box, stream, seq, &cursor);

	if (got != TG_OK)
		return tg_store_failed(cli, got);
	got = tg_outbox_read_next(&cursor, &record);
	if (got < 0)
		got = next_failed(cli, &cursor, got);
	else if (got == 0 || record.seq != seq)
		got = tg_why_set(&cli->why, TG_ERR_MISSING,
				 "record %" PRIu64
				 " of %s is not stored: delivered long ago, or not "
				 "yet read",
				 seq, row.name);
	else
		*body = record.body;
	if (got > 0 && body->at != NULL && body->bytes <= sizeof(copy)) {
		memcpy(copy, body->at, body->bytes);
		body->at = copy;
	}
	tg_outbox_read_end(&cursor);
	return got > 0 ? TG_OK : got;
}

int tg_cmd_outbox_show(struct tg_cli *cli)
{
	char name[TG_STREAM_NAME_BYTES_MAX];
	struct tg_view body = { NULL, 0 };
	uint64_t seq = 0;

	box = &cli->box;
	if (split_operand(cli, name, &seq) != TG_OK)
		return tg_cli_fail(cli, TG_ORIGIN_SELF);
	if (tg_store_look(cli) != TG_OK)
		return tg_cli_fail(cli, TG_ORIGIN_STORE);
	struct tg_stream *stream = tg_store_stream(cli, name, &row);
	int err = stream != NULL ? take_body(cli, stream, seq, &body) : cli->why.err;
	if (err == TG_OK) {
		fwrite(body.at, 1, body.bytes, stdout);
		fputc('\n', stdout);
	}
	return close_with(cli, err);
}

/* --- verify --- */

int tg_cmd_outbox_verify(struct tg_cli *cli)
{
	struct tg_check_counts counts = { .rows = 0 };

	if (tg_store_find(cli) != TG_OK)
		return tg_cli_fail(cli, TG_ORIGIN_STORE);
	int err = tg_store_check(cli->config.store_path, true, &counts);
	if (err == TG_ERR_DAMAGED)
		(void)tg_why_set(&cli->why, err,
				 "the store in %s is damaged (%s): the next sync moves it aside, "
				 "saves what can be read, and reads the rest anew",
				 cli->config.store_path, counts.what);
	else if (err == TG_ERR_NEWER)
		(void)tg_store_newer(cli->config.store_path, counts.format, &cli->why);
	else if (err != TG_OK)
		(void)tg_store_failed(cli, err);
	if (err != TG_OK)
		return tg_cli_fail(cli, TG_ORIGIN_STORE);
	printf("whole: %" PRIu64 " rows, %" PRIu64 " blocks of %" PRIu64 " records, %" PRIu64
	       " large records, %" PRIu64 " index pages\n",
	       counts.rows, counts.blocks, counts.records, counts.large, counts.index_pages);
	return tg_cli_done(TG_EXIT_OK);
}
