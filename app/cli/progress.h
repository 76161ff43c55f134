/* progress.h - a running sync made visible: a line that is redrawn on a terminal, else a log line
 * every ten seconds; and each stream's result, kept for the summary.
 *
 * Memory:  the struct, with CONFIG_TG_SUMMARY_BYTES of JSON.
 * Waits:   for standard error.
 */
#ifndef TG_APP_CLI_PROGRESS_H
#define TG_APP_CLI_PROGRESS_H

#include "app/agent.h"

struct tg_progress {
	bool terminal; /* standard error is one              */
	uint64_t started_ms;
	/* The rest is progress.c's. */
	uint64_t shown_ms_;
	struct {
		char name[TG_STREAM_NAME_BYTES_MAX];
		uint64_t since_ms;
	} at_[CONFIG_TG_SOURCES_MAX]; /* the stream of each source under way */
	uint32_t streams_left_out_;
	struct tg_out streams_; /* the elements of "streams" */
	uint8_t streams_at_[CONFIG_TG_SUMMARY_BYTES];
};

void tg_progress_start(struct tg_progress *progress, uint64_t mono_ms);
/* For struct tg_sync_options; the context is the struct. */
void tg_progress_turn(void *context, const struct tg_agent *agent, const struct tg_turn *turn);
void tg_progress_stream(void *context, const struct tg_stream_result *result);
/* Clears the terminal's line: something else will be written. */
void tg_progress_clear(const struct tg_progress *progress);

/* The elements of the summary's "streams" as JSON, and how many found no room. */
struct tg_view tg_progress_streams(const struct tg_progress *progress, uint32_t *left_out);

#endif
