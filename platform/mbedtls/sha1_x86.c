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

/* The 80 words of the schedule, four in each of 20. */
__attribute__((target("sha,ssse3,sse4.1"))) static inline void schedule(__m128i words[20],
									const uint8_t *block)
{
	const __m128i swap = _mm_set_epi64x(0x0001020304050607, 0x08090a0b0c0d0e0f);

	for (int i = 0; i < 4; i++) {
		__m128i raw = _mm_loadu_si128((const __m128i *)(const void *)(block + 16 * i));
		words[i] = _mm_shuffle_epi8(raw, swap);
	}
	for (int i = 4; i < 20; i++) {
		__m128i mixed = _mm_sha1msg1_epu32(words[i - 4], words[i - 3]);
		words[i] = _mm_sha1msg2_epu32(_mm_xor_si128(mixed, words[i - 2]), words[i - 1]);
	}
}

/* Four rounds of kind `f`; the instruction takes it as a constant only. */
#define FOUR_ROUNDS(i, f)                                  \
	do {                                               \
		next = _mm_sha1nexte_epu32(e, words[i]);   \
		e = abcd;                                  \
		abcd = _mm_sha1rnds4_epu32(abcd, next, f); \
	} while (0)

__attribute__((target("sha,ssse3,sse4.1"))) void tg_sha1_blocks_x86(uint32_t state[5],
								    const uint8_t *at, size_t count)
{
	__m128i abcd =
		_mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)state), 0x1b);
	__m128i e = _mm_set_epi32((int)state[4], 0, 0, 0);

	for (; count > 0; count--, at += TG_SHA1_BLOCK_BYTES) {
		__m128i words[20], abcd_before = abcd, e_before = e, next;
		schedule(words, at);
		next = _mm_add_epi32(e, words[0]);
		e = abcd;
		abcd = _mm_sha1rnds4_epu32(abcd, next, 0);
		for (int i = 1; i < 5; i++)
			FOUR_ROUNDS(i, 0);
		for (int i = 5; i < 10; i++)
			FOUR_ROUNDS(i, 1);
		for (int i = 10; i < 15; i++)
			FOUR_ROUNDS(i, 2);
		for (int i = 15; i < 20; i++)
			FOUR_ROUNDS(i, 3);
		e = _mm_sha1nexte_epu32(e, e_before);
		abcd = _mm_add_epi32(abcd, abcd_before);
	}
	_mm_storeu_si128((__m128i *)(void *)state, _mm_shuffle_epi32(abcd, 0x1b));
	state[4] = (uint32_t)_mm_extract_epi32(e, 3);
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

#endif
