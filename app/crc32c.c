/* crc32c.c - three ways to the same number, chosen once at boot. */
#include "app/crc32c.h"

#include <stdbool.h>
#include <string.h>

#include "platform/assert.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
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
			table[5][(lo >> 16) & 0xff] ^ table[4][lo >> 24] ^
			table[3][hi & 0xff] ^ table[2][(hi >> 8) & 0xff] ^
			table[1][(hi >> 16) & 0xff] ^ table[0][hi >> 24];
	}
	for (; bytes > 0; at++, bytes--)
		state = (state >> 8) ^ table[0][(state ^ *at) & 0xff];
	return state;
}

#if defined(__x86_64__)
#define HAS_FAST_WAY 1
static const char fast_name[] = "sse4.2";

__attribute__((target("sse4.2"))) static uint32_t step_fast(uint32_t state, const uint8_t *at,
							    size_t bytes)
{
	uint64_t wide = state;
	for (; bytes >= 8; at += 8, bytes -= 8) {
		uint64_t word;
		memcpy(&word, at, sizeof(word));
		wide = _mm_crc32_u64(wide, word);
	}
	state = (uint32_t)wide;
	for (; bytes > 0; at++, bytes--)
		state = _mm_crc32_u8(state, *at);
	return state;
}

static bool fast_works(void)
{
	return __builtin_cpu_supports("sse4.2") != 0;
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
