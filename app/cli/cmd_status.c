#include <inttypes.h>
#include <stdio.h>

#include "app/cli/print.h"
#include "app/cli/store.h"
#include "app/outbox/look.h"

enum { PAGE_BYTES = 4096, READER_COMMITS = 16 };

static struct tg_outbox *box; /* cli->box, for what is handed no cli */
static struct tg_stream_row row;

static uint64_t pending(const struct tg_stream *stream, uint32_t slot)
{
	return stream->durable_next - 1 - stream->acked[slot];
}

static bool takes(const struct tg_stream *stream, uint32_t slot)
{
	return tg_outbox_look_sink(box, slot) != NULL && stream->wanted[slot];
}

/* --- text --- */

static void print_stream(const struct tg_stream *stream)
{
	char at[TG_PRINT_SIZE_BYTES];

	printf("%s\n    %" PRIu64 " records, last complete pass %s%s\n", row.name,
	       stream->durable_next - 1, tg_print_moment(at, row.pass_end_ms),
	       (row.flags & TG_STREAM_FULL_PASS) != 0 ? ", the next one is a full one" : "");
	if (row.damaged_count > 0)
		printf("    %" PRIu64 " records were lost to damage and are read again\n",
		       row.damaged_count);
	if (row.forgotten_count > 0)
		printf("    %" PRIu64
		       " keys were forgotten with damaged pages of the index: what was "
		       "deleted of them stays at the targets\n",
		       row.forgotten_count);
	for (uint32_t slot = 0; slot < CONFIG_TG_SINKS_MAX; slot++)
		if (takes(stream, slot))
			printf("    %s: delivered up to %" PRIu64 ", %" PRIu64 " to go\n",
			       tg_outbox_look_sink(box, slot)->name, stream->acked[slot],
			       pending(stream, slot));
}

static void print_sink(const struct tg_sink_row *sink)
{
	char at[TG_PRINT_SIZE_BYTES];

	printf("sink %s (%s): %" PRIu64 " delivered, %" PRIu64 " set aside, last success %s\n",
	       sink->name, sink->type, sink->delivered_count, sink->set_aside_count,
	       tg_print_moment(at, sink->last_ok_ms));
	if (sink->last_error[0] != '\0') {
		printf("    ");
		tg_print_plain(stdout, tg_view_str(sink->last_error));
		printf("\n");
	}
}

static void print_store(const struct tg_cli *cli)
{
	struct tg_view instance = tg_outbox_instance(box);
	char holder[64];

	printf("store %s, instance %.*s\n", cli->config.store_path, (int)instance.bytes,
	       (const char *)instance.at);
	if (tg_outbox_holder(cli->config.store_path, holder, sizeof(holder)) > 0)
		printf("    held by %s\n", holder);
	struct tg_slow_reader reader;
	if (tg_outbox_slow_reader(box, &reader) && reader.behind >= READER_COMMITS)
		printf("    process %ld began to look %" PRIu64
		       " commits ago and has not ended: what it saw is kept for it\n",
		       reader.pid, reader.behind);
}

/* --- JSON --- */

static void print_json_positions(const struct tg_stream *stream)
{
	bool first = true;

	printf("{");
	for (uint32_t slot = 0; slot < CONFIG_TG_SINKS_MAX; slot++) {
		bool inner = true;
		if (!takes(stream, slot))
			continue;
		tg_print_member(stdout, &first, tg_outbox_look_sink(box, slot)->name);
		printf("{");
		tg_print_member_number(stdout, &inner, "delivered_to", stream->acked[slot]);
		tg_print_member_number(stdout, &inner, "pending", pending(stream, slot));
		printf("}");
	}
	printf("}");
}

static void print_json_stream(const struct tg_stream *stream)
{
	char at[TG_PRINT_SIZE_BYTES];
	bool first = true;

	printf("{");
	tg_print_member_text(stdout, &first, "stream", row.name);
	tg_print_member_text(stdout, &first, "type", row.type);
	tg_print_member_number(stdout, &first, "records", stream->durable_next - 1);
	tg_print_member_text(stdout, &first, "pass_end", tg_print_moment(at, row.pass_end_ms));
	tg_print_member_number(stdout, &first, "damaged", row.damaged_count);
	tg_print_member_number(stdout, &first, "forgotten", row.forgotten_count);
	tg_print_member(stdout, &first, "sinks");
	print_json_positions(stream);
	printf("}");
}

static void print_json_sink(const struct tg_sink_row *sink)
{
	char at[TG_PRINT_SIZE_BYTES];
	bool first = true;

	printf("{");
	tg_print_member_text(stdout, &first, "name", sink->name);
	tg_print_member_text(stdout, &first, "type", sink->type);
	tg_print_member_number(stdout, &first, "delivered", sink->delivered_count);
	tg_print_member_number(stdout, &first, "set_aside", sink->set_aside_count);
	tg_print_member_text(stdout, &first, "last_success", tg_print_moment(at, sink->last_ok_ms));
	tg_print_member_text(stdout, &first, "last_error", sink->last_error);
	printf("}");
}

/* --- */

static int each_stream(struct tg_cli *cli, void (*print)(const struct tg_stream *),
		       const char *between)
{
	for (uint32_t i = 0; i < tg_outbox_stream_count(box); i++) {
		const struct tg_stream *stream = tg_outbox_stream_at(box, i);
		int err = tg_outbox_stream_row(box, stream->number, &row);
		if (err != TG_OK)
			return tg_store_failed(cli, err);
		printf("%s", i == 0 ? "" : between);
		print(stream);
	}
	return TG_OK;
}

static void each_sink(void (*print)(const struct tg_sink_row *), const char *between)
{
	bool first = true;

	for (uint32_t slot = 0; slot < CONFIG_TG_SINKS_MAX; slot++) {
		const struct tg_sink_row *sink = tg_outbox_look_sink(box, slot);
		if (sink == NULL)
			continue;
		printf("%s", first ? "" : between);
		print(sink);
		first = false;
	}
}

static int print_json(struct tg_cli *cli)
{
	bool first = true;

	printf("{");
	tg_print_member_text(stdout, &first, "store", cli->config.store_path);
	tg_print_member(stdout, &first, "instance");
	tg_print_string(stdout, tg_outbox_instance(box));
	tg_print_member(stdout, &first, "streams");
	printf("[");
	int err = each_stream(cli, print_json_stream, ",");
	printf("]");
	tg_print_member(stdout, &first, "sinks");
	printf("[");
	each_sink(print_json_sink, ",");
	printf("]}\n");
	return err;
}

int tg_cmd_status(struct tg_cli *cli)
{
	int err = tg_store_look(cli);

	box = &cli->box;
	if (err != TG_OK)
		return tg_cli_fail(cli, TG_ORIGIN_STORE);
	if (cli->args.json) {
		err = print_json(cli);
	} else {
		print_store(cli);
		err = each_stream(cli, print_stream, "");
		each_sink(print_sink, "");
	}
	tg_outbox_look_end(box);
	return err == TG_OK ? tg_cli_done(TG_EXIT_OK) : tg_cli_fail(cli, TG_ORIGIN_STORE);
}

int tg_cmd_outbox_stat(struct tg_cli *cli)
{
	char used[TG_PRINT_SIZE_BYTES], cap[TG_PRINT_SIZE_BYTES];
	struct tg_outbox_figures figures;
	bool first = true;

	box = &cli->box;
	if (tg_store_look(cli) != TG_OK)
		return tg_cli_fail(cli, TG_ORIGIN_STORE);
	tg_outbox_figures(box, &figures);
	uint64_t bytes_max = cli->config.store_bytes_max; /* 0: no configuration was given */
	uint64_t bytes = figures.pages_used * PAGE_BYTES;
	if (cli->args.json) {
		printf("{");
		tg_print_member_text(stdout, &first, "store", cli->config.store_path);
		tg_print_member_number(stdout, &first, "bytes_used", bytes);
		tg_print_member_number(stdout, &first, "bytes_max", bytes_max);
		tg_print_member_number(stdout, &first, "streams", tg_outbox_stream_count(box));
		printf("}\n");
	} else {
		print_store(cli);
		printf("%s used%s%s, %" PRIu32 " streams\n", tg_print_size(used, bytes),
		       bytes_max != 0 ? " of " : "",
		       bytes_max != 0 ? tg_print_size(cap, bytes_max) : "",
		       tg_outbox_stream_count(box));
	}
	tg_outbox_look_end(box);
	return tg_cli_done(TG_EXIT_OK);
}
