#include "drivers/http/window.h"

#include "platform/assert.h"

void tg_http_window_clear(struct tg_http_window *window)
{
	window->body_ = window->body_end_ = 0;
	window->raw_ = window->raw_end_ = 0;
}

struct tg_view tg_http_window_body(const struct tg_http_window *window)
{
	return tg_view_of(window->at + window->body_, window->body_end_ - window->body_);
}

struct tg_view tg_http_window_raw(const struct tg_http_window *window)
{
	return tg_view_of(window->at + window->raw_, window->raw_end_ - window->raw_);
}

void tg_http_window_use(struct tg_http_window *window, size_t used, size_t run)
{
	size_t from = window->raw_ + used - run, held = window->body_end_ - window->body_;

	TG_ASSERT(run <= used && used <= window->raw_end_ - window->raw_);
	window->raw_ += used;
	if (run == 0)
		return;
	if (held <= run) {
		memmove(window->at + from - held, window->at + window->body_, held);
		window->body_ = from - held;
		window->body_end_ = from + run;
	} else {
		memmove(window->at + window->body_end_, window->at + from, run);
		window->body_end_ += run;
	}
}

void tg_http_window_take(struct tg_http_window *window, size_t bytes)
{
	TG_ASSERT(bytes <= window->body_end_ - window->body_);
	window->body_ += bytes;
}

uint8_t *tg_http_window_room(struct tg_http_window *window, size_t *bytes)
{
	size_t held = window->body_end_ - window->body_;

	TG_ASSERT(window->raw_ == window->raw_end_);
	/* No more is moved than was taken since the last move, so each byte is moved once or so. */
	if (held <= window->body_ || window->cap - window->body_end_ < window->cap / 4) {
		memmove(window->at, window->at + window->body_, held);
		window->body_ = 0;
		window->body_end_ = held;
	}
	window->raw_ = window->raw_end_ = window->body_end_;
	*bytes = window->cap - window->raw_;
	return window->at + window->raw_;
}

void tg_http_window_fill(struct tg_http_window *window, size_t bytes)
{
	TG_ASSERT(bytes <= window->cap - window->raw_end_);
	window->raw_end_ += bytes;
}
