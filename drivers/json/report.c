#include "drivers/json/report.h"

#include <inttypes.h>
#include <stdio.h>

enum { CLOCK_MS_MAX = 5000 };

void tg_report_check(const struct tg_report *report, const char *what, int err, const char *text)
{
	struct tg_check_line line = { .what = what, .err = err, .text = text };

	report->check(report->context, &line);
}

void tg_report_clock(const struct tg_report *report, int64_t ahead_ms, const char *judged)
{
	char text[TG_REPORT_TEXT_BYTES];
	int64_t apart_ms = ahead_ms < 0 ? -ahead_ms : ahead_ms;

	if (apart_ms <= CLOCK_MS_MAX)
		snprintf(text, sizeof(text), "the server's and ours agree (%" PRId64 " ms apart)",
			 apart_ms);
	else
		snprintf(text, sizeof(text),
			 "the server's is %" PRId64 " s %s ours; %s, set both by NTP",
			 apart_ms / 1000, ahead_ms < 0 ? "behind" : "ahead of", judged);
	tg_report_check(report, "clock", TG_OK, text);
}

const char *tg_report_part(int err)
{
	switch (err) {
	case TG_ERR_RESOLVE:
	case TG_ERR_CONNECT:
	case TG_ERR_PEER_OTHER:
	case TG_ERR_PEER_OLD:
		return "address";
	case TG_ERR_TLS:
	case TG_ERR_CERT:
	case TG_ERR_PEER_PLAIN:
	case TG_ERR_PEER_TLS:
		return "tls";
	default:
		return NULL;
	}
}

void tg_report_stream(const struct tg_report *report, struct tg_stream_report *stream,
		      struct tg_infer *infer)
{
	tg_infer_end(infer);
	stream->sample_rows = infer->rows;
	stream->columns = infer->reports;
	stream->column_count = infer->count;
	stream->columns_left_out = infer->left_out;
	report->stream(report->context, stream);
}
