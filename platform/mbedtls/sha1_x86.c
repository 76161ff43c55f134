#include "platform/mbedtls/sha1.h"

#include "platform/assert.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

bool tg_sha1_has_x86(void)
{
	const unsigned ssse3 = 1u << 9, sse41 = 1u << 19, sha = 1u << 29;
	unsigned a, b, c, d;

	if (!__get_cpuid(1, &a, &b, &c, &d) || (c & (ssse3 | sse41)) != (ssse3 | sse41))
		return false;
	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & sha) != 0;
}

#define LANE __attribute__((always_inline, target("sha,ssse3,sse4.1"))) static inline

/* A state and a block under way. Of the schedule's 80 words the last 16 are kept, four in each. */
struct lane {
	__m128i abcd, e, abcd_before, e_before, words[4];
};

LANE void load(struct lane *lane, const uint32_t state[5])
{
	lane->abcd = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)state), 0x1b);
	lane->e = _mm_set_epi32((int)state[4], 0, 0, 0);
}

LANE void store(const struct lane *lane, uint32_t state[5])
{
	_mm_storeu_si128((__m128i *)(void *)state, _mm_shuffle_epi32(lane->abcd, 0x1b));
	state[4] = (uint32_t)_mm_extract_epi32(lane->e, 3);
}

/* The block's own words, and the first four rounds, in which `e` has not been turned yet. */
LANE void begin(struct lane *lane, const uint8_t *block)
{
	const __m128i swap = _mm_set_epi64x(0x0001020304050607, 0x08090a0b0c0d0e0f);

	for (int i = 0; i < 4; i++) {
		__m128i raw = _mm_loadu_si128((const __m128i *)(const void *)(block + 16 * i));
		lane->words[i] = _mm_shuffle_epi8(raw, swap);
	}
	lane->abcd_before = lane->abcd;
	lane->e_before = lane->e;
	__m128i sum = _mm_add_epi32(lane->e, lane->words[0]);
	lane->e = lane->abcd;
	lane->abcd = _mm_sha1rnds4_epu32(lane->abcd, sum, 0);
}

LANE void end(struct lane *lane)
{
	lane->e = _mm_sha1nexte_epu32(lane->e, lane->e_before);
	lane->abcd = _mm_add_epi32(lane->abcd, lane->abcd_before);
}

/* Words 4 i to 4 i + 3, in the place of those 16 before. */
LANE __m128i words_of(struct lane *lane, unsigned i)
{
	__m128i *words = lane->words;

	if (i >= 4) {
		__m128i mixed = _mm_sha1msg1_epu32(words[i % 4], words[(i + 1) % 4]);
		mixed = _mm_xor_si128(mixed, words[(i + 2) % 4]);
		words[i % 4] = _mm_sha1msg2_epu32(mixed, words[(i + 3) % 4]);
	}
	return words[i % 4];
}

/* Rounds 4 i to 4 i + 3, of kind `f`. Both are constants, so that all stays in registers. */
#define KIND(f)                                                                 \
	LANE void rounds_##f(struct lane *lane, unsigned i)                     \
	{                                                                       \
		__m128i next = _mm_sha1nexte_epu32(lane->e, words_of(lane, i)); \
		lane->e = lane->abcd;                                           \
		lane->abcd = _mm_sha1rnds4_epu32(lane->abcd, next, f);          \
	}
KIND(0)
KIND(1)
KIND(2)
KIND(3)

#define FIVE(each, i, f)  \
	each(i, f);       \
	each((i) + 1, f); \
	each((i) + 2, f); \
	each((i) + 3, f); \
	each((i) + 4, f)

#define ALL(each)                  \
	do {                       \
		each(1, 0);        \
		each(2, 0);        \
		each(3, 0);        \
		each(4, 0);        \
		FIVE(each, 5, 1);  \
		FIVE(each, 10, 2); \
		FIVE(each, 15, 3); \
	} while (0)

#define OF_ONE(i, f) rounds_##f(&one, i)
#define OF_TWO(i, f)               \
	do {                       \
		rounds_##f(&a, i); \
		rounds_##f(&b, i); \
	} while (0)

__attribute__((target("sha,ssse3,sse4.1"))) void tg_sha1_blocks_x86(uint32_t state[5],
								    const uint8_t *at, size_t count)
{
	struct lane one;

	load(&one, state);
	for (; count > 0; count--, at += TG_SHA1_BLOCK_BYTES) {
		begin(&one, at);
		ALL(OF_ONE);
		end(&one);
	}
	store(&one, state);
}

__attribute__((target("sha,ssse3,sse4.1"))) void tg_sha1_lanes_x86(struct tg_sha1_lane lane[2],
								   size_t count)
{
	struct lane a, b;

	load(&a, lane[0].state);
	load(&b, lane[1].state);
	for (; count > 0; count--) {
		begin(&a, lane[0].at);
		begin(&b, lane[1].at);
		lane[0].at += TG_SHA1_BLOCK_BYTES;
		lane[1].at += TG_SHA1_BLOCK_BYTES;
		ALL(OF_TWO);
		end(&a);
		end(&b);
	}
	store(&a, lane[0].state);
	store(&b, lane[1].state);
}

#else

bool tg_sha1_has_x86(void)
{
	return false;
}

void tg_sha1_blocks_x86(uint32_t state[5], const uint8_t *at, size_t count)
{
	(void)state;
	(void)at;
	(void)count;
	TG_ASSERT(tg_sha1_has_x86());
}

void tg_sha1_lanes_x86(struct tg_sha1_lane lane[2], size_t count)
{
	(void)lane;
	(void)count;
	TG_ASSERT(tg_sha1_has_x86());
}

#endif
