/* crc32c.c - three ways to the same number, chosen once at boot. */
#include "app/crc32c.h"

#include <stdbool.h>
#include <string.h>

#include "platform/assert.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#include <wmmintrin.h>
#elif defined(__aarch64__) && defined(__linux__) && !defined(__ARM_FEATURE_CRC32)
#include <sys/auxv.h>
enum { AUX_HWCAP_CRC32 = 1 << 7 }; /* HWCAP_CRC32 of the kernel's arm64 ABI */
#endif

enum { TABLES = 8 };
static const uint32_t polynomial = 0x82f63b78u; /* 0x1edc6f41 with its bits mirrored */

typedef uint32_t crc_step(uint32_t state, const uint8_t *at, size_t bytes);

static uint32_t table[TABLES][256]; /* table[n][b]: byte b followed by n zero bytes */
static crc_step *step;
static const char *way = "none";

static void fill_tables(void)
{
	for (uint32_t byte = 0; byte < 256; byte++) {
		uint32_t state = byte;
		for (int bit = 0; bit < 8; bit++)
			state = (state >> 1) ^ ((state & 1) != 0 ? polynomial : 0);
		table[0][byte] = state;
	}
	for (uint32_t byte = 0; byte < 256; byte++)
		for (int n = 1; n < TABLES; n++) {
			uint32_t before = table[n - 1][byte];
			table[n][byte] = (before >> 8) ^ table[0][before & 0xff];
		}
}

static uint32_t load_le32(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
	       (uint32_t)at[3] << 24;
}

static uint32_t step_table(uint32_t state, const uint8_t *at, size_t bytes)
{
	for (; bytes >= 8; at += 8, bytes -= 8) {
		uint32_t lo = load_le32(at) ^ state;
		uint32_t hi = load_le32(at + 4);
		state = table[7][lo & 0xff] ^ table[6][(lo >> 8) & 0xff] ^
			table[5][(lo >> 16) & 0xff] ^ table[4][lo >> 24] ^ table[3][hi & 0xff] ^
			table[2][(hi >> 8) & 0xff] ^ table[1][(hi >> 16) & 0xff] ^
			table[0][hi >> 24];
	}
	for (; bytes > 0; at++, bytes--)
		state = (state >> 8) ^ table[0][(state ^ *at) & 0xff];
	return state;
}

#if defined(__x86_64__)
#define HAS_FAST_WAY 1
static const char fast_name[] = "sse4.2";

/* The instruction takes 8 bytes and waits three cycles for its own last answer, so that a run is
 * cut into three that are computed side by side, and put together as if each had been followed by
 * zeros:
 *
 *      |== words ==|== words ==|== words ==|      crc = a * x^(128 words) + b * x^(64 words) + c
 */
enum { LANE_WORDS_MIN = 4, LANE_WORDS_MAX = 32 };
/* shift[n]: what a product of two polynomials is to be made of for n words of zeros: x^(64 n - 33)
 * modulo the polynomial. 33 bits come with the product and the instruction that reduces it. */
static uint32_t shift[2 * LANE_WORDS_MAX + 1];

static void fill_shifts(void)
{
	uint32_t power = 0x80000000u; /* x^0: the lowest power is the highest bit */
	unsigned bits = 0;

	for (unsigned words = 1; words <= 2 * LANE_WORDS_MAX; words++) {
		for (; bits < 64 * words - 33; bits++)
			power = (power >> 1) ^ ((power & 1) != 0 ? polynomial : 0);
		shift[words] = power;
	}
}

static inline uint64_t load_word(const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

/* `crc` as if `words` words of zeros had followed. */
__attribute__((target("sse4.2,pclmul"))) static inline uint64_t followed(uint64_t crc, size_t words)
{
	__m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)crc),
					       _mm_cvtsi32_si128((int)shift[words]), 0);

	return _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

__attribute__((target("sse4.2,pclmul"))) static uint64_t step_lanes(uint64_t a, const uint8_t *at,
								    size_t words)
{
	uint64_t b = 0, c = 0;

	for (const uint8_t *end = at + 8 * words; at < end; at += 8) {
		a = _mm_crc32_u64(a, load_word(at));
		b = _mm_crc32_u64(b, load_word(at + 8 * words));
		c = _mm_crc32_u64(c, load_word(at + 16 * words));
	}
	return followed(a, 2 * words) ^ followed(b, words) ^ c;
}

/* Less than a word. */
__attribute__((target("sse4.2"))) static inline uint32_t step_rest(uint32_t state,
								   const uint8_t *at, size_t bytes)
{
	if ((bytes & 4) != 0) {
		uint32_t four;
		memcpy(&four, at, sizeof(four));
		state = _mm_crc32_u32(state, four);
		at += sizeof(four);
	}
	for (bytes &= 3; bytes > 0; at++, bytes--)
		state = _mm_crc32_u8(state, *at);
	return state;
}

__attribute__((target("sse4.2,pclmul"))) static uint32_t step_fast(uint32_t state,
								   const uint8_t *at, size_t bytes)
{
	uint64_t wide = state;

	while (bytes >= 24 * LANE_WORDS_MIN) {
		size_t words = bytes / 24 < LANE_WORDS_MAX ? bytes / 24 : LANE_WORDS_MAX;
		wide = step_lanes(wide, at, words);
		at += 24 * words;
		bytes -= 24 * words;
	}
	for (; bytes >= 8; at += 8, bytes -= 8)
		wide = _mm_crc32_u64(wide, load_word(at));
	return step_rest((uint32_t)wide, at, bytes);
}

static bool fast_works(void)
{
	fill_shifts();
	return __builtin_cpu_supports("sse4.2") != 0 && __builtin_cpu_supports("pclmul") != 0;
}
#elif defined(__aarch64__) && !defined(__ARM_BIG_ENDIAN) && \
	(defined(__ARM_FEATURE_CRC32) || defined(__linux__))
#define HAS_FAST_WAY 1
static const char fast_name[] = "armv8";

/* The instructions by name: an old arm_acle.h hides its intrinsics when the compiler was not told
 * that every processor it builds for has them. */
static inline uint32_t arm_crc32cx(uint32_t state, uint64_t word)
{
	__asm__(".arch_extension crc\n\tcrc32cx %w0, %w0, %x1" : "+r"(state) : "r"(word));
	return state;
}

static inline uint32_t arm_crc32cb(uint32_t state, uint32_t byte)
{
	__asm__(".arch_extension crc\n\tcrc32cb %w0, %w0, %w1" : "+r"(state) : "r"(byte));
	return state;
}

static uint32_t step_fast(uint32_t state, const uint8_t *at, size_t bytes)
{
	for (; bytes >= 8; at += 8, bytes -= 8) {
		uint64_t word;
		memcpy(&word, at, sizeof(word));
		state = arm_crc32cx(state, word);
	}
	for (; bytes > 0; at++, bytes--)
		state = arm_crc32cb(state, *at);
	return state;
}

static bool fast_works(void)
{
#if defined(__ARM_FEATURE_CRC32)
	return true;
#else
	return (getauxval(AT_HWCAP) & AUX_HWCAP_CRC32) != 0;
#endif
}
#endif

void tg_crc32c_init(void)
{
	fill_tables();
	step = step_table;
	way = "table";
#if defined(HAS_FAST_WAY)
	if (fast_works()) {
		step = step_fast;
		way = fast_name;
	}
#endif
}

uint32_t tg_crc32c(uint32_t crc, const void *at, size_t bytes)
{
	TG_ASSERT(step != NULL); /* tg_crc32c_init() comes first, at boot */
	return ~step(~crc, at, bytes);
}

uint32_t tg_crc32c_by_table(uint32_t crc, const void *at, size_t bytes)
{
	TG_ASSERT(table[0][1] != 0);
	return ~step_table(~crc, at, bytes);
}

const char *tg_crc32c_way(void)
{
	return way;
}
