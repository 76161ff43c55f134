/* memory.c - the C library's names for memory.h, in a static program only. */
#include "platform/musl/memory.h"

void *memmove(void *to, const void *from, size_t bytes);
void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
int memcmp(const void *left, const void *right, size_t bytes);

void *memmove(void *to, const void *from, size_t bytes)
{
	tg_memory_move(to, from, bytes);
	return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
	tg_memory_move(to, from, bytes);
	return to;
}

int memcmp(const void *left, const void *right, size_t bytes)
{
	return tg_memory_compare(left, right, bytes);
}
