#include "app/pattern.h"

#include "platform/assert.h"

/* Past the UTF-8 character that begins at `at`. */
static size_t after_character(struct tg_view text, size_t at)
{
	at++;
	while (at < text.bytes && (text.at[at] & 0xc0) == 0x80)
		at++;
	return at;
}

/* One character or letter of `pattern` against the text at `at`: where the text goes on, 0 for no
 * match. */
static size_t match_one(char pattern, struct tg_view text, size_t at)
{
	if (pattern == '?')
		return after_character(text, at);
	return (uint8_t)pattern == text.at[at] ? at + 1 : 0;
}

bool tg_pattern_match(const char *pattern, struct tg_view text)
{
	const char *star = NULL; /* behind the last star: what to try again when the rest fails */
	size_t at = 0, star_at = 0, next = 0;

	while (at < text.bytes) {
		if (*pattern == '*') {
			star = ++pattern;
			star_at = at;
		} else if (*pattern != '\0' && (next = match_one(*pattern, text, at)) != 0) {
			pattern++;
			at = next;
		} else if (star != NULL) {
			pattern = star;
			at = star_at = after_character(text, star_at);
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

bool tg_patterns_take(struct tg_view patterns, struct tg_view text)
{
	const char *pattern = (const char *)patterns.at;
	const char *end = pattern + patterns.bytes;
	bool taken = patterns.bytes != 0 && *pattern == '!';

	while (pattern < end) {
		bool excludes = *pattern == '!';
		if (tg_pattern_match(pattern + excludes, text))
			taken = !excludes;
		pattern += strlen(pattern) + 1;
	}
	TG_ASSERT(pattern == end);
	return taken;
}
