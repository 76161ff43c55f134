/* fake_body.h - the bodies of deliveries, made from numbers: what the forwarder makes of the
 * outbox.
 *
 * Included once by a test program; it defines the tg_body functions.
 */
#ifndef TG_TESTS_FAKE_BODY_H
#define TG_TESTS_FAKE_BODY_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/sink.h"

struct tg_body {
	const char *instance, *stream;
	uint64_t first, last;
	uint32_t pad_bytes; /* how much longer than its envelope each line is      */
	enum tg_framing framing;
	uint64_t reads;
	uint64_t fail_at_read; /* this read and later ones fail; 0: none              */
	uint64_t at;
};

enum { FAKE_LINE_BYTES_MAX = 8192 };

/* One line without its end; returns its length. The pad is not printf's: that takes ten times as
 * long as all that is tested with it. */
static inline size_t fake_line(const struct tg_body *body, uint64_t seq,
			       char line[FAKE_LINE_BYTES_MAX])
{
	int bytes =
		snprintf(line, FAKE_LINE_BYTES_MAX,
			 "{\"_tidegate\":{\"instance\":\"%s\",\"stream\":\"%s\",\"op\":\"upsert\","
			 "\"seq\":%" PRIu64 ",\"key\":%" PRIu64 "},\"pad\":\"",
			 body->instance, body->stream, seq, seq);
	size_t pad = body->pad_bytes > 0 ? body->pad_bytes : 1;

	if (bytes <= 0 || (size_t)bytes + pad + sizeof("\"}") > FAKE_LINE_BYTES_MAX)
		abort();
	memset(line + bytes, '0', pad);
	memcpy(line + bytes + pad, "\"}", sizeof("\"}"));
	return (size_t)bytes + pad + strlen("\"}");
}

/* Walks the whole text and copies the window. */
static inline uint64_t fake_walk(const struct tg_body *body, uint8_t *at, size_t cap, uint64_t skip)
{
	struct tg_out out = { .at = at, .cap = cap, .skip = skip };
	char line[FAKE_LINE_BYTES_MAX];

	if (body->framing == TG_FRAMING_ARRAY)
		tg_out_byte(&out, '[');
	for (uint64_t seq = body->first; seq <= body->last; seq++) {
		if (body->framing == TG_FRAMING_ARRAY && seq != body->first)
			tg_out_byte(&out, ',');
		if (body->framing == TG_FRAMING_OWN) /* a sink's own: an element of its list */
			tg_out_byte(&out, ',');
		tg_out_put(&out, line, fake_line(body, seq, line));
		if (body->framing == TG_FRAMING_NDJSON)
			tg_out_byte(&out, '\n');
	}
	if (body->framing == TG_FRAMING_ARRAY)
		tg_out_byte(&out, ']');
	return out.total;
}

int tg_body_read(struct tg_body *body, uint8_t *at, size_t cap)
{
	uint64_t total;
	size_t bytes;

	body->reads++;
	if (body->fail_at_read != 0 && body->reads >= body->fail_at_read)
		return TG_ERR_DAMAGED;
	total = fake_walk(body, at, cap, body->at);
	bytes = total - body->at < cap ? (size_t)(total - body->at) : cap;
	body->at += bytes;
	return (int)bytes;
}

void tg_body_rewind(struct tg_body *body)
{
	body->at = 0;
}

int tg_body_fit(struct tg_body *body, struct tg_body_fit *fit)
{
	char line[FAKE_LINE_BYTES_MAX];

	fit->bytes = fit->lines = 0;
	fit->last = body->last;
	for (uint64_t seq = body->first; seq <= body->last; seq++) {
		size_t bytes = fake_line(body, seq, line) + 1;
		if (fit->lines == fit->lines_max || fit->bytes + bytes > fit->bytes_max) {
			fit->last = seq - 1;
			break;
		}
		fit->bytes += bytes;
		fit->lines++;
	}
	return TG_OK;
}

int tg_body_bytes(struct tg_body *body, uint64_t *bytes)
{
	*bytes = fake_walk(body, NULL, 0, 0);
	return TG_OK;
}

#endif
