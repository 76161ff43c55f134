#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/cli/print.h"
#include "app/cli/store.h"
#include "app/outbox/look.h"

static struct tg_outbox *box; /* cli->box, for what is handed no cli */

/* --- list --- */

static const char *kind_name(const struct tg_aside *item)
{
	return item->kind == TG_ASIDE_OVERSIZE ? "oversize" : "refused";
}

static struct tg_view key_of(const struct tg_aside *item)
{
	if (item->kind == TG_ASIDE_OVERSIZE || item->op == TG_DELETE)
		return item->body;
	if ((uint64_t)item->key_at + item->key_bytes > item->body.bytes)
		return tg_view_of(NULL, 0);
	return tg_view_of(item->body.at + item->key_at, item->key_bytes);
}

static const char *sink_name(uint16_t number)
{
	for (uint32_t i = 0; i < CONFIG_TG_SINKS_MAX; i++) {
		const struct tg_sink_row *sink = tg_outbox_look_sink(box, i);
		if (sink != NULL && sink->number == number)
			return sink->name;
	}
	return "";
}

static void print_text(const struct tg_aside *item, const char *stream)
{
	char size[TG_PRINT_SIZE_BYTES], since[TG_PRINT_SIZE_BYTES];

	printf("%" PRIu64 "  %s  %s  key ", item->id, kind_name(item), stream);
	tg_print_plain(stdout, key_of(item));
	printf("  %s  since %s", tg_print_size(size, item->body_bytes),
	       tg_print_moment(since, item->since_ms));
	if (item->sink != 0)
		printf("  sink %s", sink_name(item->sink));
	printf("%s\n    ", item->replay ? "  to be tried again" : "");
	tg_print_plain(stdout, tg_view_str(item->reason));
	printf("\n");
}

static void print_json(const struct tg_aside *item, const char *stream)
{
	char since[TG_PRINT_SIZE_BYTES];
	bool first = true;

	printf("{");
	tg_print_member_number(stdout, &first, "id", item->id);
	tg_print_member_text(stdout, &first, "kind", kind_name(item));
	tg_print_member_text(stdout, &first, "stream", stream);
	tg_print_member(stdout, &first, "key");
	tg_print_string(stdout, key_of(item));
	tg_print_member_text(stdout, &first, "op", item->op == TG_DELETE ? "delete" : "upsert");
	tg_print_member_number(stdout, &first, "bytes", item->body_bytes);
	tg_print_member_number(stdout, &first, "seq", item->seq);
	tg_print_member_text(stdout, &first, "sink", sink_name(item->sink));
	tg_print_member_text(stdout, &first, "since", tg_print_moment(since, item->since_ms));
	tg_print_member_text(stdout, &first, "reason", item->reason);
	tg_print_member(stdout, &first, "replay");
	printf("%s}", item->replay ? "true" : "false");
}

/* Visits every item, oldest first. */
static int list_items(struct tg_cli *cli)
{
	static struct tg_stream_row row;
	struct tg_aside item;
	uint64_t count = 0, from = 1;
	int err = TG_OK;

	while ((err = tg_outbox_aside_next(box, from, &item)) == TG_OK) {
		/* The body lies in a buffer that the next call uses. */
		bool known = tg_outbox_stream_row(box, item.stream, &row) == TG_OK;
		if (cli->args.json)
			printf("%s", count == 0 ? "" : ",");
		(cli->args.json ? print_json : print_text)(&item, known ? row.name : "?");
		from = item.id + 1;
		count++;
	}
	if (err != TG_ERR_MISSING)
		return tg_store_failed(cli, err);
	if (!cli->args.json && count == 0)
		printf("nothing is set aside\n");
	return TG_OK;
}

int tg_cmd_quarantine_list(struct tg_cli *cli)
{
	box = &cli->box;
	if (tg_store_look(cli) != TG_OK)
		return tg_cli_fail(cli, TG_ORIGIN_STORE);
	if (cli->args.json)
		printf("{\"items\":[");
	int err = list_items(cli);
	if (cli->args.json)
		printf("]}\n");
	tg_outbox_look_end(box);
	return err == TG_OK ? tg_cli_done(TG_EXIT_OK) : tg_cli_fail(cli, TG_ORIGIN_STORE);
}

/* --- replay and discard --- */

static int change(struct tg_cli *cli, uint64_t id, bool replay)
{
	int err = replay ? tg_outbox_aside_replay(box, id, true) : tg_outbox_aside_drop(box, id);

	if (err == TG_ERR_MISSING)
		return tg_why_set(&cli->why, err,
				  "no item %" PRIu64 " is set aside; `tidegate quarantine list` "
				  "lists them",
				  id);
	return err == TG_OK ? err : tg_store_failed(cli, err);
}

static int change_all(struct tg_cli *cli, bool replay, uint64_t *count)
{
	struct tg_aside item;
	uint64_t from = 1;
	int err = TG_OK;

	while ((err = tg_outbox_aside_next(box, from, &item)) == TG_OK) {
		err = change(cli, item.id, replay);
		if (err != TG_OK)
			return err;
		from = item.id + 1;
		(*count)++;
	}
	return err == TG_ERR_MISSING ? TG_OK : tg_store_failed(cli, err);
}

static int change_one(struct tg_cli *cli, bool replay, uint64_t *count)
{
	const char *text = cli->args.operand;
	char *end = NULL;
	uint64_t id = isdigit((unsigned char)text[0]) ? strtoull(text, &end, 10) : 0;

	if (end == NULL || *end != '\0')
		return tg_why_set(&cli->why, TG_ERR_CONFIG,
				  "%s is no item's number; `tidegate quarantine list` shows them",
				  text);
	*count = 1;
	return change(cli, id, replay);
}

static int run_change(struct tg_cli *cli, bool replay)
{
	uint64_t count = 0;

	box = &cli->box;
	if (tg_store_enter(cli) != TG_OK)
		return tg_cli_fail(cli, TG_ORIGIN_STORE);
	int err = cli->args.all ? change_all(cli, replay, &count) : change_one(cli, replay, &count);
	tg_outbox_close(box);
	if (err != TG_OK)
		return tg_cli_fail(cli, TG_ORIGIN_STORE);
	printf(replay ? "%" PRIu64 " will be tried again by the next sync\n"
		      : "%" PRIu64 " discarded\n",
	       count);
	return tg_cli_done(TG_EXIT_OK);
}

int tg_cmd_quarantine_replay(struct tg_cli *cli)
{
	return run_change(cli, true);
}

int tg_cmd_quarantine_discard(struct tg_cli *cli)
{
	return run_change(cli, false);
}
