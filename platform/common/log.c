#include "platform/log.h"

#include "platform/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static enum tg_log_level level_shown = TG_LOG_INFO;
static bool as_json;

void tg_log_setup(enum tg_log_level level, bool json)
{
	level_shown = level;
	as_json = json;
}

static void put_time(struct tg_out *out)
{
	struct tg_now now = tg_clock_now();
	time_t seconds = (time_t)(now.wall_ms / 1000);
	struct tm utc;
	char text[48];

	if (gmtime_r(&seconds, &utc) == NULL)
		return;
	snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
		 (utc.tm_year + 1900) % 10000, utc.tm_mon % 12 + 1, utc.tm_mday % 100,
		 utc.tm_hour % 100, utc.tm_min % 100, utc.tm_sec % 100, (int)(now.wall_ms % 1000));
	tg_out_str(out, text);
}

/* Foreign bytes (a server's error text) may hold line ends: one event stays one line. */
static void put_printable(struct tg_out *out, char byte)
{
	tg_out_byte(out, (unsigned char)byte < 0x20 || byte == 0x7f ? ' ' : byte);
}

static void put_json_byte(struct tg_out *out, char byte)
{
	if (byte == '"' || byte == '\\')
		tg_out_byte(out, '\\');
	put_printable(out, byte);
}

/* The closing quote of the value that `at` is the first byte of. A sentence may quote words itself:
 * a quote between a space (or a bracket) and a letter opens such a word, and the next one ends it.
 */
static const char *closing_quote(const char *at)
{
	bool inner = false;

	for (const char *from = at; *at != '\0'; at++) {
		if (*at != '"')
			continue;
		bool behind_gap = at == from || at[-1] == ' ' || at[-1] == '(';
		if (behind_gap && at[1] != ' ' && at[1] != '\0')
			inner = true;
		else if (inner && at[1] != '\0')
			inner = false;
		else
			return at;
	}
	return at;
}

/* Where the value that starts at `at` ends: at its closing quote or before the next space. */
static const char *value_end(const char *at)
{
	return *at == '"' ? closing_quote(at + 1) : at + strcspn(at, " ");
}

static bool is_number(const char *at, const char *end)
{
	const char *first = at + (at < end && *at == '-' ? 1 : 0);

	if (first == end || end - first > 15 || (*first == '0' && end - first > 1))
		return false;
	for (; first < end; first++) {
		if (*first < '0' || *first > '9')
			return false;
	}
	return true;
}

static const char *put_json_value(struct tg_out *out, const char *at)
{
	const char *end = value_end(at);
	bool quoted = *at == '"';

	if (!quoted && is_number(at, end)) {
		tg_out_put(out, at, (size_t)(end - at));
		return end;
	}
	tg_out_byte(out, '"');
	for (const char *byte = at + (quoted ? 1 : 0); byte < end; byte++)
		put_json_byte(out, *byte);
	tg_out_byte(out, '"');
	return quoted && *end == '"' ? end + 1 : end;
}

/* Turns `a=1 b="x y"` into `,"a":1,"b":"x y"`, member by whole member, as far as they fit. */
static void put_json_pairs(struct tg_out *out, const char *at)
{
	while (*at != '\0') {
		struct tg_out before = *out;
		size_t key = strcspn(at, "= ");
		if (key == 0) {
			at++;
			continue;
		}
		tg_out_str(out, ",\"");
		for (size_t i = 0; i < key; i++)
			put_json_byte(out, at[i]);
		tg_out_str(out, "\":");
		at += key;
		if (*at == '=')
			at = put_json_value(out, at + 1);
		else
			tg_out_str(out, "true");
		if (out->total + 2 > out->cap) { /* room for the brace and the line's end */
			*out = before;
			return;
		}
	}
}

static void put_json(struct tg_out *out, enum tg_log_level level, const char *event,
		     const char *pairs)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };

	tg_out_str(out, "{\"time\":\"");
	put_time(out);
	tg_out_str(out, "\",\"level\":\"");
	tg_out_str(out, names[level]);
	tg_out_str(out, "\",\"event\":\"");
	tg_out_str(out, event);
	tg_out_byte(out, '"');
	put_json_pairs(out, pairs);
	tg_out_byte(out, '}');
}

/* As it was written, but that quotes inside of a quoted value are escaped. */
static void put_text_pairs(struct tg_out *out, const char *at)
{
	const char *end = NULL; /* of the quoted value under way */
	char before = ' ';

	for (; *at != '\0'; before = *at++) {
		bool opens = end == NULL && *at == '"' && before == '=';
		if (end != NULL && at < end && *at == '"')
			tg_out_byte(out, '\\');
		put_printable(out, *at);
		if (opens)
			end = value_end(at);
		else if (at == end)
			end = NULL;
	}
}

static void put_text(struct tg_out *out, enum tg_log_level level, const char *event,
		     const char *pairs)
{
	static const char *const names[] = { " ERR ", " WRN ", " INF ", " DBG " };

	put_time(out);
	tg_out_str(out, names[level]);
	tg_out_str(out, event);
	if (*pairs != '\0')
		tg_out_byte(out, ' ');
	put_text_pairs(out, pairs);
}

void tg_log(enum tg_log_level level, const char *event, const char *fmt, ...)
{
	char pairs[CONFIG_TG_LOG_LINE_BYTES_MAX];
	uint8_t line[CONFIG_TG_LOG_LINE_BYTES_MAX];
	struct tg_out out = { .at = line, .cap = sizeof(line) };
	va_list args;

	if (level > level_shown)
		return;
	va_start(args, fmt);
	if (vsnprintf(pairs, sizeof(pairs), fmt, args) < 0)
		pairs[0] = '\0';
	va_end(args);
	if (as_json)
		put_json(&out, level, event, pairs);
	else
		put_text(&out, level, event, pairs);
	size_t bytes = tg_out_filled(&out);
	line[bytes < sizeof(line) ? bytes : sizeof(line) - 1] = '\n';
	bytes = bytes < sizeof(line) ? bytes + 1 : sizeof(line);
	/* One write a line keeps lines of several processes whole; a closed stderr has no remedy.
	 */
	if (write(STDERR_FILENO, line, bytes) < 0)
		return;
}
