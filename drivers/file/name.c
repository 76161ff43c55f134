#include "drivers/file/name.h"

#include <inttypes.h>
#include <stdio.h>

#include "platform/assert.h"

static bool plain(uint8_t byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= '0' && byte <= '9') || byte == '_' || byte == '-';
}

/* The spelling of one byte: 1 or 3 characters. Only the first two slashes join parts. */
static size_t spell(uint8_t byte, unsigned *slashes, char at[3])
{
	static const char hex[] = "0123456789abcdef";

	if (byte == '/' && *slashes < 2) {
		(*slashes)++;
		at[0] = '.';
		return 1;
	}
	if (plain(byte)) {
		at[0] = (char)byte;
		return 1;
	}
	at[0] = '%';
	at[1] = hex[byte >> 4];
	at[2] = hex[byte & 15];
	return 3;
}

void tg_file_stem(struct tg_view stream, uint32_t stream_number, char stem[TG_FILE_STEM_BYTES_MAX])
{
	unsigned slashes = 0;
	bool marked = false;
	size_t used = 0;

	for (size_t i = 0; i < stream.bytes; i++) {
		char text[3];
		size_t bytes = spell(stream.at[i], &slashes, text);

		marked = marked || (stream.at[i] >= 'A' && stream.at[i] <= 'Z');
		if (used + bytes > TG_FILE_STEM_TEXT_MAX) {
			marked = true;
			break;
		}
		memcpy(stem + used, text, bytes);
		used += bytes;
	}
	stem[used] = '\0';
	if (marked)
		(void)snprintf(stem + used, TG_FILE_STEM_BYTES_MAX - used, "~%" PRIu32,
			       stream_number);
}

void tg_file_name(const struct tg_file_parts *parts, const char *ending,
		  char name[TG_FILE_NAME_BYTES_MAX])
{
	char last[24] = "", copy[16] = "";
	int bytes;

	TG_ASSERT(parts->copy <= TG_FILE_COPIES_MAX);
	if (parts->last != 0)
		(void)snprintf(last, sizeof(last), "-%012" PRIu64, parts->last);
	if (parts->copy >= 2)
		(void)snprintf(copy, sizeof(copy), "~%u", parts->copy);
	bytes = snprintf(name, TG_FILE_NAME_BYTES_MAX, "%s.%012" PRIu64 "%s%s.%s", parts->stem,
			 parts->first, last, copy, ending);
	TG_ASSERT(bytes > 0 && bytes < TG_FILE_NAME_BYTES_MAX);
}

bool tg_file_stem_of(const char *name, char stem[TG_FILE_STEM_BYTES_MAX])
{
	const char *ending = strrchr(name, '.');
	const char *dot = ending;

	if (ending == NULL || strcmp(ending, ".open") != 0)
		return false;
	while (dot > name && dot[-1] >= '0' && dot[-1] <= '9')
		dot--;
	if (dot == ending || dot <= name + 1 || dot[-1] != '.')
		return false;
	size_t bytes = (size_t)(dot - 1 - name);
	if (bytes >= TG_FILE_STEM_BYTES_MAX || memchr(name, '/', bytes) != NULL)
		return false;
	memcpy(stem, name, bytes);
	stem[bytes] = '\0';
	return true;
}
