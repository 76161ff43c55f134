#include <inttypes.h>
#include <stdio.h>

#include "app/cli/cli.h"
#include "app/cli/host.h"
#include "app/cli/print.h"
#include "app/cli/progress.h"

enum { SECOND_MS = 1000 };

static struct tg_agent agent;
static struct tg_progress progress;

/* --- what it came to --- */

static bool is_partial(const struct tg_sync_summary *summary)
{
	return summary->streams_failed > 0 || summary->set_aside > 0 || summary->stopped ||
	       summary->source_why.err != 0 || summary->store_why.err != 0;
}

/* The store's trouble comes first, since it stops everything; then the source's, since a sink can
 * have no more than was read. */
static int code_of(const struct tg_sync_summary *summary)
{
	if (summary->store_why.err != 0)
		return tg_exit_code(TG_ORIGIN_STORE, summary->store_why.err);
	if (summary->source_why.err != 0)
		return tg_exit_code(TG_ORIGIN_SOURCE, summary->source_why.err);
	if (is_partial(summary))
		return TG_EXIT_PARTIAL;
	return summary->undelivered ? TG_EXIT_UNDELIVERED : TG_EXIT_OK;
}

static void tell_why(const struct tg_why *why)
{
	if (why->err != 0)
		fprintf(stderr, "tidegate: %s\n", why->text);
}

static void print_streams(FILE *to, bool *first)
{
	uint32_t left_out = 0;
	struct tg_view streams = tg_progress_streams(&progress, &left_out);

	tg_print_member(to, first, "streams");
	fputc('[', to);
	fwrite(streams.at, 1, streams.bytes, to);
	fputc(']', to);
	if (left_out > 0)
		tg_print_member_number(to, first, "streams_left_out", left_out);
}

static void print_flag(FILE *to, bool *first, const char *name, bool flag)
{
	tg_print_member(to, first, name);
	fputs(flag ? "true" : "false", to);
}

static void print_json(FILE *to, const struct tg_sync_summary *summary, uint64_t span_ms)
{
	bool first = true;

	fputc('{', to);
	print_streams(to, &first);
	tg_print_member_number(to, &first, "records_read", summary->rows_read);
	tg_print_member_number(to, &first, "records_changed", summary->changed);
	tg_print_member_number(to, &first, "records_delivered", summary->delivered);
	tg_print_member_number(to, &first, "deleted", summary->deleted);
	tg_print_member_number(to, &first, "set_aside", summary->set_aside);
	tg_print_member_number(to, &first, "bytes_read", summary->bytes_read);
	tg_print_member(to, &first, "seconds");
	fprintf(to, "%" PRIu64 ".%03" PRIu64, span_ms / SECOND_MS, span_ms % SECOND_MS);
	print_flag(to, &first, "partial", is_partial(summary));
	print_flag(to, &first, "undelivered", summary->undelivered);
	tg_print_member_number(to, &first, "exit_code", (uint64_t)code_of(summary));
	fputs("}\n", to);
}

static void print_text(const struct tg_sync_summary *summary, uint64_t span_ms)
{
	char size[TG_PRINT_SIZE_BYTES];

	tg_progress_clear(&progress);
	fprintf(stderr,
		"read %" PRIu64 " rows (%s) of %" PRIu32 " streams in %" PRIu64 ".%" PRIu64
		" s: %" PRIu64 " changed, %" PRIu64 " deleted, %" PRIu64 " delivered, %" PRIu64
		" set aside\n",
		summary->rows_read, tg_print_size(size, summary->bytes_read),
		summary->streams_done + summary->streams_failed, span_ms / SECOND_MS,
		span_ms % SECOND_MS / 100, summary->changed, summary->deleted, summary->delivered,
		summary->set_aside);
}

/* The rows themselves may be going to standard output. */
static bool stdout_is_taken(const struct tg_config *config)
{
	for (uint32_t i = 0; i < config->sink_count; i++)
		if (config->sinks[i].to_stdout)
			return true;
	return false;
}

static int report(const struct tg_cli *cli, const struct tg_sync_summary *summary, uint64_t span_ms)
{
	FILE *to = stdout_is_taken(&cli->config) ? stderr : stdout;

	tg_progress_clear(&progress);
	tell_why(&summary->store_why);
	tell_why(&summary->source_why);
	tell_why(&summary->sink_why);
	if (cli->args.json)
		print_json(to, summary, span_ms);
	else
		print_text(summary, span_ms);
	return tg_cli_done(code_of(summary));
}

/* A terminal shows the same and more; who wants the log there asks for it. */
static void quieten(const struct tg_cli *cli)
{
	if (progress.terminal && cli->args.log_level == NULL &&
	    cli->config.log_level == TG_LOG_INFO)
		tg_log_setup(TG_LOG_WARNING, cli->config.log_json);
}

int tg_cmd_sync(struct tg_cli *cli)
{
	const struct tg_agent_parts parts = {
		.config = &cli->config,
		.registry = cli->registry,
		.host = &tg_host_machine,
		.arena = &cli->boot,
	};
	const struct tg_sync_options options = {
		.wait_ms = (uint64_t)cli->args.wait_s * SECOND_MS,
		.context = &progress,
		.progress = tg_progress_turn,
		.stream = tg_progress_stream,
	};
	struct tg_sync_summary summary = { .stopped = false };
	uint64_t started_ms = tg_host_machine.mono_ms();

	tg_progress_start(&progress, started_ms);
	quieten(cli);
	if (tg_agent_boot(&agent, &parts, &cli->why) != TG_OK)
		return tg_cli_fail(cli, TG_ORIGIN_STORE);
	tg_agent_sync(&agent, &options, &summary);
	tg_agent_close(&agent);
	return report(cli, &summary, tg_host_machine.mono_ms() - started_ms);
}
