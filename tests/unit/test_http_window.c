/* The receive buffer: how much of it is touched. */
#include "drivers/http/window.h"
#include "tests/check.h"

#include <string.h>

enum { CAP = 1 << 20, RECEIVE = 4096 };

static uint8_t memory[CAP];
static struct tg_http_window window;

/* Rows of `row` bytes come in receives of RECEIVE bytes; the furthest byte written. */
static size_t furthest(size_t row, unsigned receives)
{
	size_t end = 0, room;

	window = (struct tg_http_window){ .at = memory, .cap = sizeof(memory) };
	for (unsigned i = 0; i < receives; i++) {
		uint8_t *at = tg_http_window_room(&window, &room);

		TG_CHECK(room >= RECEIVE);
		memset(at, (int)(i & 0xff), RECEIVE);
		if ((size_t)(at - memory) + RECEIVE > end)
			end = (size_t)(at - memory) + RECEIVE;
		tg_http_window_fill(&window, RECEIVE);
		tg_http_window_use(&window, RECEIVE, RECEIVE);
		struct tg_view held = tg_http_window_body(&window);
		TG_CHECK_INT(held.at[held.bytes - 1], i & 0xff);
		tg_http_window_take(&window, held.bytes / row * row);
	}
	return end;
}

TG_TEST(window_touches_what_its_longest_row_needs)
{
	TG_CHECK(furthest(400, 2000) <= 2 * RECEIVE);
	TG_CHECK(furthest(RECEIVE - 1, 2000) <= 3 * RECEIVE);
	TG_CHECK(furthest(50000, 2000) <= 2 * (50000 + RECEIVE));
	TG_CHECK(furthest(700000, 2000) <= CAP);
}
