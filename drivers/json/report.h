/* report.h - what `check` and `discover` say alike of every database.
 *
 * Pure but for the report that is called. Waits: never.
 */
#ifndef TG_DRIVERS_JSON_REPORT_H
#define TG_DRIVERS_JSON_REPORT_H

#include "drivers/json/infer.h"

enum { TG_REPORT_TEXT_BYTES = 768 };

/* A line of `check`: `what` was looked at, and `err` with its sentence came of it. */
void tg_report_check(const struct tg_report *report, const char *what, int err, const char *text);
/* How far the server's clock is from ours; `judged` says what goes by which clock. */
void tg_report_clock(const struct tg_report *report, int64_t ahead_ms, const char *judged);
/* "address" or "tls" where a connection failed with `err`; NULL: another part did. */
const char *tg_report_part(int err);
/* Says to `discover` all of `stream` and, behind that, the columns that were seen. */
void tg_report_stream(const struct tg_report *report, struct tg_stream_report *stream,
		      struct tg_infer *infer);

#endif
