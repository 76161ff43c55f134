/* swar.h - eight bytes of text looked at together, in portable C.
 *
 * A 64-bit word holds eight bytes of text, the first one lowest. Subtracting from all eight at once
 * raises a byte's top bit where it was too small; a borrow can only disturb bytes above the first
 * such byte, and only the first is ever asked for.
 *
 * Pure: no state. Never reads at or beyond `end`.
 */
#ifndef TG_APP_SWAR_H
#define TG_APP_SWAR_H

#include "platform/view.h"

#define TG_SWAR_ALL(byte) (0x0101010101010101u * (uint64_t)(byte))

static inline uint64_t tg_swar_load(const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	return word;
}

static inline void tg_swar_store(uint8_t *at, uint64_t word)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	memcpy(at, &word, sizeof(word));
}

/* The index (0..7) of the first byte whose top bit is set in `mask`, which is not 0. */
static inline unsigned tg_swar_first(uint64_t mask)
{
	return (unsigned)__builtin_ctzll(mask) >> 3;
}

/* Top bits where a string's body is more than plain ASCII: quote, backslash, control or >= 0x80. A
 * quote with one bit turned is a space, so that one subtraction finds it and the controls below. */
static inline uint64_t tg_swar_special(uint64_t word)
{
	uint64_t slash = (word ^ TG_SWAR_ALL('\\')) - TG_SWAR_ALL(1);
	uint64_t low = (word ^ TG_SWAR_ALL('"' ^ ' ')) - TG_SWAR_ALL(' ' + 1);

	return (slash | low | word) & TG_SWAR_ALL(0x80);
}

/* Top bits where there is a quote or a backslash, exact for the first of them whatever the rest. */
static inline uint64_t tg_swar_quote(uint64_t word)
{
	uint64_t quote = word ^ TG_SWAR_ALL('"');
	uint64_t slash = word ^ TG_SWAR_ALL('\\');

	quote = (quote - TG_SWAR_ALL(1)) & ~quote;
	slash = (slash - TG_SWAR_ALL(1)) & ~slash;
	return (quote | slash) & TG_SWAR_ALL(0x80);
}

/* The first byte from `at` that is not plain ASCII of a string's body, or `end`. */
static inline const uint8_t *tg_swar_plain(const uint8_t *at, const uint8_t *end)
{
	while (end - at >= 8) {
		uint64_t mask = tg_swar_special(tg_swar_load(at));
		if (mask != 0)
			return at + tg_swar_first(mask);
		at += 8;
	}
	while (at < end && *at >= 0x20 && *at < 0x80 && *at != '"' && *at != '\\')
		at++;
	return at;
}

/* The first quote or backslash from `at`, or `end`. */
static inline const uint8_t *tg_swar_to_quote(const uint8_t *at, const uint8_t *end)
{
	while (end - at >= 8) {
		uint64_t mask = tg_swar_quote(tg_swar_load(at));
		if (mask != 0)
			return at + tg_swar_first(mask);
		at += 8;
	}
	while (at < end && *at != '"' && *at != '\\')
		at++;
	return at;
}

/* The byte behind the closing quote of a valid string whose body begins at `at`, or NULL. */
static inline const uint8_t *tg_swar_string_end(const uint8_t *at, const uint8_t *end)
{
	for (;;) {
		at = tg_swar_to_quote(at, end);
		if (at == end)
			return NULL;
		if (*at == '"')
			return at + 1;
		if (end - at < 2)
			return NULL;
		at += 2;
	}
}

#endif
