#include "app/cli/print.h"

#include <inttypes.h>

#include "app/moment.h"
#include "drivers/json/scan.h"

void tg_print_string(FILE *to, struct tg_view text)
{
	uint8_t quoted[4096];
	struct tg_out out = { .at = quoted, .cap = sizeof(quoted) };

	tg_json_quote(text, &out);
	if (tg_out_overran(&out))
		fputs("\"...\"", to);
	else
		fwrite(quoted, 1, tg_out_filled(&out), to);
}

void tg_print_member(FILE *to, bool *first, const char *name)
{
	fprintf(to, "%s\"%s\":", *first ? "" : ",", name);
	*first = false;
}

void tg_print_member_text(FILE *to, bool *first, const char *name, const char *text)
{
	tg_print_member(to, first, name);
	tg_print_string(to, tg_view_str(text));
}

void tg_print_member_number(FILE *to, bool *first, const char *name, uint64_t number)
{
	tg_print_member(to, first, name);
	fprintf(to, "%" PRIu64, number);
}

static bool is_control(uint8_t byte)
{
	return byte < 0x20 || byte == 0x7f;
}

void tg_print_plain(FILE *to, struct tg_view text)
{
	for (size_t i = 0; i < text.bytes; i++)
		fputc(is_control(text.at[i]) ? ' ' : text.at[i], to);
}

void tg_print_plain_lines(FILE *to, struct tg_view text)
{
	for (size_t i = 0; i < text.bytes; i++)
		fputc(is_control(text.at[i]) && text.at[i] != '\n' ? ' ' : text.at[i], to);
}

const char *tg_print_size(char at[TG_PRINT_SIZE_BYTES], uint64_t bytes)
{
	static const char *const units[] = { "bytes", "kB", "MB", "GB", "TB", "PB", "EB" };
	unsigned unit = 0;
	uint64_t scaled = bytes, tenths = 0;

	for (; scaled >= 1000; unit++) {
		tenths = scaled % 1000 / 100;
		scaled /= 1000;
	}
	if (unit == 0)
		snprintf(at, TG_PRINT_SIZE_BYTES, "%" PRIu64 " bytes", bytes);
	else
		snprintf(at, TG_PRINT_SIZE_BYTES, "%" PRIu64 ".%" PRIu64 " %s", scaled, tenths,
			 units[unit]);
	return at;
}

const char *tg_print_moment(char at[TG_PRINT_SIZE_BYTES], int64_t ms)
{
	char iso[TG_MOMENT_ISO_BYTES];

	if (ms == 0 || tg_moment_iso(ms, iso) != TG_OK)
		return "never";
	snprintf(at, TG_PRINT_SIZE_BYTES, "%.*s", TG_MOMENT_ISO_BYTES, iso);
	return at;
}
