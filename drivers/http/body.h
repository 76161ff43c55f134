/* body.h - where the bytes of a request come from. */
#ifndef TG_DRIVERS_HTTP_BODY_H
#define TG_DRIVERS_HTTP_BODY_H

#include "platform/err.h"

struct tg_http_body {
	/* The next bytes, at most `cap`; 0 at the end; or an error. */
	int (*read)(void *context, uint8_t *at, size_t cap);
	/* Starts over from the first byte. */
	void (*rewind)(void *context);
	void *context;
};

#endif
