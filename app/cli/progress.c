#include "app/cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "app/cli/print.h"
#include "drivers/json/scan.h"
#include "platform/log.h"

enum { REDRAW_MS = 200, LOG_MS = 10000, LINE_BYTES = 160 };

void tg_progress_start(struct tg_progress *progress, uint64_t mono_ms)
{
	progress->terminal = isatty(STDERR_FILENO) == 1;
	progress->started_ms = progress->shown_ms_ = mono_ms;
	progress->streams_ = (struct tg_out){ .at = progress->streams_at_,
					      .cap = sizeof(progress->streams_at_) };
}

void tg_progress_clear(const struct tg_progress *progress)
{
	if (progress->terminal)
		fputs("\r\033[K", stderr);
}

/* --- while it runs --- */

struct sight {
	uint64_t rows, bytes, span_ms;
	unsigned percent; /* of the estimate; 0: unknown */
};

/* Since when this stream is under way: it is told by its name changing. */
static uint64_t since_ms(struct tg_progress *progress, uint32_t at,
			 const struct tg_agent_source *source, uint64_t mono_ms)
{
	if (strcmp(progress->at_[at].name, source->stream) != 0) {
		memcpy(progress->at_[at].name, source->stream, sizeof(source->stream));
		progress->at_[at].since_ms = mono_ms;
	}
	return progress->at_[at].since_ms;
}

static struct sight look(const struct tg_agent_source *source, uint64_t span_ms)
{
	const struct tg_intake_counts *now = &source->intake.counts, *begin = &source->at_begin;
	struct sight sight = {
		.rows = now->rows_read - begin->rows_read,
		.bytes = now->bytes_read - begin->bytes_read,
		.span_ms = span_ms != 0 ? span_ms : 1,
	};

	if (source->rows_estimate > 0)
		sight.percent = (unsigned)(sight.rows * 100 / source->rows_estimate);
	/* The server's estimate may be too low: 99 is shown until the end. */
	if (sight.percent > 99)
		sight.percent = 99;
	return sight;
}

static uint64_t delivered(const struct tg_agent *agent)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < agent->config->sink_count; i++)
		count += agent->forwarders[i].delivered_count;
	return count;
}

static void draw(const struct tg_agent *agent, const struct tg_agent_source *source,
		 const struct sight *sight)
{
	char line[LINE_BYTES], rate[TG_PRINT_SIZE_BYTES], share[16] = "";

	if (sight->percent > 0)
		snprintf(share, sizeof(share), " %u%%", sight->percent);
	snprintf(line, sizeof(line), "%.*s  %" PRIu64 " rows%s  %s/s  %" PRIu64 " delivered", 60,
		 source->stream, sight->rows, share,
		 tg_print_size(rate, sight->bytes * 1000 / sight->span_ms), delivered(agent));
	fprintf(stderr, "\r\033[K%s\r", line);
}

static void log_line(const struct tg_agent *agent, const struct tg_agent_source *source,
		     const struct sight *sight)
{
	TG_LOG_INF("sync.progress",
		   "stream=\"%s\" rows=%" PRIu64 " share_percent=%u bytes_per_s=%" PRIu64
		   " delivered=%" PRIu64,
		   source->stream, sight->rows, sight->percent,
		   sight->bytes * 1000 / sight->span_ms, delivered(agent));
}

void tg_progress_turn(void *context, const struct tg_agent *agent, const struct tg_turn *turn)
{
	struct tg_progress *progress = context;
	uint64_t pause_ms = progress->terminal ? REDRAW_MS : LOG_MS;
	bool due = turn->mono_ms - progress->shown_ms_ >= pause_ms;

	for (uint32_t i = 0; i < agent->config->source_count; i++) {
		const struct tg_agent_source *source = &agent->sources[i];
		uint64_t since = since_ms(progress, i, source, turn->mono_ms);
		if (!due || source->stream[0] == '\0')
			continue;
		struct sight sight = look(source, turn->mono_ms - since);
		if (progress->terminal)
			draw(agent, source, &sight);
		else
			log_line(agent, source, &sight);
	}
	if (due)
		progress->shown_ms_ = turn->mono_ms;
}

/* --- when a stream's pass has ended --- */

static void put_number(struct tg_out *out, const char *name, uint64_t number)
{
	char text[64];

	snprintf(text, sizeof(text), ",\"%s\":%" PRIu64, name, number);
	tg_out_str(out, text);
}

/* Appends the stream's object, or counts it when it finds no room. */
static void keep(struct tg_progress *progress, const struct tg_stream_result *result)
{
	struct tg_out *out = &progress->streams_;
	uint64_t before = out->total;

	tg_out_str(out, before == 0 ? "{\"stream\":" : ",{\"stream\":");
	tg_json_quote(tg_view_str(result->name), out);
	tg_out_str(out, result->complete ? ",\"complete\":true" : ",\"complete\":false");
	put_number(out, "records_read", result->rows_read);
	put_number(out, "changed", result->changed);
	put_number(out, "deleted", result->deleted);
	put_number(out, "set_aside", result->set_aside);
	if (result->why != NULL) {
		tg_out_str(out, ",\"error\":");
		tg_json_quote(tg_view_str(result->why->text), out);
	}
	tg_out_byte(out, '}');
	if (tg_out_overran(out)) {
		out->total = before;
		progress->streams_left_out_++;
	}
}

void tg_progress_stream(void *context, const struct tg_stream_result *result)
{
	struct tg_progress *progress = context;

	keep(progress, result);
	if (!progress->terminal)
		return;
	tg_progress_clear(progress);
	fprintf(stderr, "%s  %" PRIu64 " rows, %" PRIu64 " changed, %" PRIu64 " deleted%s%s\n",
		result->name, result->rows_read, result->changed, result->deleted,
		result->why != NULL ? ": " : "", result->why != NULL ? result->why->text : "");
}

struct tg_view tg_progress_streams(const struct tg_progress *progress, uint32_t *left_out)
{
	*left_out = progress->streams_left_out_;
	return tg_view_of(progress->streams_at_, tg_out_filled(&progress->streams_));
}
