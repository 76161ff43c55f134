/* window.h - the receive buffer: the body's bytes that nobody took yet, then what is still to be
 * understood.
 *
 *      |..taken..|======body======|.gap.|~~~~raw~~~~|........room........|
 *      at        body             body_end          raw_end              cap
 *                                       raw
 *
 * The body's runs are joined where they lie: a chunk's head leaves a gap, and the next run closes
 * it by moving whichever of the two is shorter. So a caller that takes all but the beginning of
 * one row moves that beginning, not the chunk. What is held goes back to the begin as soon as that
 * is cheap: the memory touched is that of the longest row and one receive, not all of `cap`.
 *
 * Memory:  the caller's. Pure.
 */
#ifndef TG_DRIVERS_HTTP_WINDOW_H
#define TG_DRIVERS_HTTP_WINDOW_H

#include "platform/view.h"

struct tg_http_window {
	uint8_t *at;
	size_t cap;
	size_t body_, body_end_, raw_, raw_end_;
};

void tg_http_window_clear(struct tg_http_window *window);
struct tg_view tg_http_window_body(const struct tg_http_window *window);
struct tg_view tg_http_window_raw(const struct tg_http_window *window);
/* The first `used` raw bytes are understood; the last `run` of them belong to the body. */
void tg_http_window_use(struct tg_http_window *window, size_t used, size_t run);
/* The first `bytes` of the body are no longer needed. */
void tg_http_window_take(struct tg_http_window *window, size_t bytes);
/* Where the next bytes go, once all raw ones are understood; none when the body fills the buffer.
 * Views of the body die with this call. */
uint8_t *tg_http_window_room(struct tg_http_window *window, size_t *bytes);
void tg_http_window_fill(struct tg_http_window *window, size_t bytes);

#endif
