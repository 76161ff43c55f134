/* Goal: the static program's memmove() and memcmp() do what the C library's do, for every length up
 * to some hundred bytes, every overlap and every place where two texts differ first. */
#include "platform/musl/memory.h"
#include "tests/check.h"

enum { ROOM = 320, LENGTH_MAX = 140 };

static void fill(uint8_t at[ROOM])
{
	for (int i = 0; i < ROOM; i++)
		at[i] = (uint8_t)(i * 7 + 1);
}

TG_TEST(moves_as_the_library_does)
{
	uint8_t ours[ROOM], theirs[ROOM];

	for (size_t bytes = 0; bytes <= LENGTH_MAX; bytes++) {
		for (size_t to = 0; to <= ROOM - LENGTH_MAX; to++) {
			fill(ours);
			fill(theirs);
			tg_memory_move(ours + to, ours + 90, bytes);
			memmove(theirs + to, theirs + 90, bytes);
			if (memcmp(ours, theirs, ROOM) != 0)
				TG_FAIL("%zu bytes from 90 to %zu", bytes, to);
		}
	}
}

static int sign(int value)
{
	return (value > 0) - (value < 0);
}

TG_TEST(compares_as_the_library_does)
{
	uint8_t left[LENGTH_MAX], right[LENGTH_MAX];

	for (size_t bytes = 0; bytes <= 40; bytes++) {
		for (size_t at = 0; at < 42; at++) {
			memset(left, 0x55, sizeof(left));
			memset(right, 0x55, sizeof(right));
			right[at + 2] = 0xaa; /* behind the first difference it says nothing */
			for (int other = 0x54; other <= 0x56; other++) {
				left[at + 1] = (uint8_t)other;
				left[at + 2] = other == 0x54 ? 0xff : 0;
				TG_CHECK_INT(sign(tg_memory_compare(left + 1, right + 1, bytes)),
					     sign(memcmp(left + 1, right + 1, bytes)));
			}
			TG_CHECK_INT(sign(tg_memory_compare(right, left, bytes)),
				     sign(memcmp(right, left, bytes)));
		}
	}
	left[0] = 0x80;
	right[0] = 0x7f;
	TG_CHECK(tg_memory_compare(left, right, 1) > 0);
}
