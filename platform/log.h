/* log.h - one line an event: `event key=value ...`, the event's name stable and tested.
 *
 * ERR: a person must act. WRN: degraded, healing. INF: a state changed. DBG: compiled out unless
 * CONFIG_TG_LOG_DEBUG. No payload and no secret, at any level. Text or JSON, to standard error:
 *
 *      2026-11-21T12:00:00.000Z WRN sink.refused sink=files err=nospc
 *      {"time":"2026-11-21T12:00:00.000Z","level":"warning","event":"sink.refused",...}
 *
 * A line longer than CONFIG_TG_LOG_LINE_BYTES_MAX is cut; as JSON it stays well-formed.
 *
 * Memory:  one line of CONFIG_TG_LOG_LINE_BYTES_MAX on the stack.
 * Waits:   for standard error.
 */
#ifndef TG_PLATFORM_LOG_H
#define TG_PLATFORM_LOG_H

#include "platform/view.h"

enum tg_log_level { TG_LOG_ERROR, TG_LOG_WARNING, TG_LOG_INFO, TG_LOG_DEBUG };

/* `level` is the most talkative level shown; `json` writes each line as a JSON object. */
void tg_log_setup(enum tg_log_level level, bool json);

/* Writes one line. `fmt` yields space-separated key=value pairs; a value with spaces is put in
 * double quotes by the caller ("why=\"%s\""). */
void tg_log(enum tg_log_level level, const char *event, const char *fmt, ...) TG_PRINTF(3, 4);

#define TG_LOG_ERR(event, ...) tg_log(TG_LOG_ERROR, event, __VA_ARGS__)
#define TG_LOG_WRN(event, ...) tg_log(TG_LOG_WARNING, event, __VA_ARGS__)
#define TG_LOG_INF(event, ...) tg_log(TG_LOG_INFO, event, __VA_ARGS__)
#if defined(CONFIG_TG_LOG_DEBUG)
#define TG_LOG_DBG(event, ...) tg_log(TG_LOG_DEBUG, event, __VA_ARGS__)
#else
#define TG_LOG_DBG(event, ...)                                    \
	do {                                                      \
		if (0)                                            \
			tg_log(TG_LOG_DEBUG, event, __VA_ARGS__); \
	} while (0)
#endif

#endif
