/* memory.h - bytes moved and compared sixteen at a time.
 *
 * musl moves overlapping bytes one by one (on amd64 with the processor counting backwards) and
 * compares them one by one; that was a third of a static tidegate's time. memory.c gives these
 * functions the C library's names in a static program.
 *
 * Written so that the compiler makes no call of memmove() out of them: constant small copies only.
 *
 * Pure.
 */
#ifndef TG_PLATFORM_MUSL_MEMORY_H
#define TG_PLATFORM_MUSL_MEMORY_H

#include <stddef.h>
#include <stdint.h>

typedef uint8_t tg_memory_16 __attribute__((vector_size(16), aligned(1), may_alias));
typedef uint64_t tg_memory_8 __attribute__((aligned(1), may_alias));
typedef uint32_t tg_memory_4 __attribute__((aligned(1), may_alias));

/* Up to 32 bytes: all is read before anything is written. */
static inline void tg_memory_move_few(uint8_t *to, const uint8_t *from, size_t bytes)
{
	if (bytes >= 16) {
		tg_memory_16 head = *(const tg_memory_16 *)from;
		tg_memory_16 tail = *(const tg_memory_16 *)(from + bytes - 16);
		*(tg_memory_16 *)to = head;
		*(tg_memory_16 *)(to + bytes - 16) = tail;
	} else if (bytes >= 8) {
		tg_memory_8 head = *(const tg_memory_8 *)from;
		tg_memory_8 tail = *(const tg_memory_8 *)(from + bytes - 8);
		*(tg_memory_8 *)to = head;
		*(tg_memory_8 *)(to + bytes - 8) = tail;
	} else if (bytes >= 4) {
		tg_memory_4 head = *(const tg_memory_4 *)from;
		tg_memory_4 tail = *(const tg_memory_4 *)(from + bytes - 4);
		*(tg_memory_4 *)to = head;
		*(tg_memory_4 *)(to + bytes - 4) = tail;
	} else if (bytes > 0) {
		uint8_t head = from[0], middle = from[bytes / 2], tail = from[bytes - 1];
		to[0] = head;
		to[bytes / 2] = middle;
		to[bytes - 1] = tail;
	}
}

/* More than 32 bytes, `to` not inside of `from`: upwards; the last 32 are read first. */
static inline void tg_memory_move_up(uint8_t *to, const uint8_t *from, size_t bytes)
{
	tg_memory_16 last[2] = { *(const tg_memory_16 *)(from + bytes - 32),
				 *(const tg_memory_16 *)(from + bytes - 16) };
	uint8_t *end = to + bytes;

	for (; (size_t)(end - to) > 32; to += 32, from += 32) {
		tg_memory_16 a = *(const tg_memory_16 *)from;
		tg_memory_16 b = *(const tg_memory_16 *)(from + 16);
		*(tg_memory_16 *)to = a;
		*(tg_memory_16 *)(to + 16) = b;
	}
	*(tg_memory_16 *)(end - 32) = last[0];
	*(tg_memory_16 *)(end - 16) = last[1];
}

/* The same from the end on, where `to` lies inside of `from`. */
static inline void tg_memory_move_down(uint8_t *to, const uint8_t *from, size_t bytes)
{
	tg_memory_16 first[2] = { *(const tg_memory_16 *)from, *(const tg_memory_16 *)(from + 16) };
	size_t left = bytes;

	for (; left > 32; left -= 32) {
		tg_memory_16 a = *(const tg_memory_16 *)(from + left - 16);
		tg_memory_16 b = *(const tg_memory_16 *)(from + left - 32);
		*(tg_memory_16 *)(to + left - 16) = a;
		*(tg_memory_16 *)(to + left - 32) = b;
	}
	*(tg_memory_16 *)to = first[0];
	*(tg_memory_16 *)(to + 16) = first[1];
}

static inline void tg_memory_move(void *to, const void *from, size_t bytes)
{
	if (bytes <= 32)
		tg_memory_move_few(to, from, bytes);
	else if ((uintptr_t)to - (uintptr_t)from >= bytes)
		tg_memory_move_up(to, from, bytes);
	else
		tg_memory_move_down(to, from, bytes);
}

/* As memcmp(). */
static inline int tg_memory_compare(const void *left, const void *right, size_t bytes)
{
	const uint8_t *a = left, *b = right;

	for (; bytes >= 8; a += 8, b += 8, bytes -= 8)
		if (*(const tg_memory_8 *)a != *(const tg_memory_8 *)b)
			break;
	for (; bytes > 0; a++, b++, bytes--)
		if (*a != *b)
			return *a < *b ? -1 : 1;
	return 0;
}

#endif
