#include "drivers/http/gzip.h"

#include <zlib.h>

#include "platform/assert.h"

enum { GZIP_WRAPPER = 16 }; /* added to the window bits: a gzip header instead of zlib's */

_Static_assert(sizeof(z_stream) <= TG_GZIP_STREAM_WORDS * sizeof(uint64_t),
	       "Raise TG_GZIP_STREAM_WORDS");

static z_stream *stream_of(struct tg_gzip *gzip)
{
	return (z_stream *)(void *)gzip->stream_;
}

static voidpf take(voidpf opaque, uInt items, uInt bytes)
{
	struct tg_arena *arena = opaque;

	return tg_arena_take(arena, (size_t)items * bytes);
}

/* The arena is given back as a whole, with the program's end. */
static void give_back(voidpf opaque, voidpf at)
{
	(void)opaque;
	(void)at;
}

void tg_gzip_init(struct tg_gzip *gzip, struct tg_arena *arena)
{
	const size_t memory_bytes = TG_GZIP_ARENA_BYTES - CONFIG_TG_HTTP_GZIP_INPUT_BYTES - 64;
	void *memory;
	z_stream *stream = stream_of(gzip);
	int rc;

	memset(gzip, 0, sizeof(*gzip));
	gzip->input_ = tg_arena_take(arena, CONFIG_TG_HTTP_GZIP_INPUT_BYTES);
	memory = tg_arena_take(arena, memory_bytes);
	TG_ASSERT(gzip->input_ != NULL && memory != NULL);
	memset(memory, 0,
	       memory_bytes); /* zlib compares bytes of its window that were never written */
	tg_arena_init(&gzip->memory_, memory, memory_bytes);
	stream->zalloc = take;
	stream->zfree = give_back;
	stream->opaque = &gzip->memory_;
	rc = deflateInit2(stream, CONFIG_TG_HTTP_GZIP_LEVEL, Z_DEFLATED,
			  CONFIG_TG_HTTP_GZIP_WINDOW_BITS + GZIP_WRAPPER,
			  CONFIG_TG_HTTP_GZIP_MEMORY_LEVEL, Z_DEFAULT_STRATEGY);
	TG_ASSERT(rc == Z_OK);
}

void tg_gzip_start(struct tg_gzip *gzip, const struct tg_http_body *body)
{
	int rc = deflateReset(stream_of(gzip));

	TG_ASSERT(rc == Z_OK);
	stream_of(gzip)->avail_in = 0;
	gzip->body_ = *body;
	gzip->body_.rewind(gzip->body_.context);
	gzip->input_ended_ = false;
	gzip->ended_ = false;
}

/* Fills the input buffer when zlib has used it up. Negative: an error of the body's. */
static int refill(struct tg_gzip *gzip)
{
	z_stream *stream = stream_of(gzip);
	int bytes;

	if (stream->avail_in != 0 || gzip->input_ended_)
		return TG_OK;
	bytes = gzip->body_.read(gzip->body_.context, gzip->input_,
				 CONFIG_TG_HTTP_GZIP_INPUT_BYTES);
	if (bytes < 0)
		return bytes;
	gzip->input_ended_ = bytes == 0;
	stream->next_in = gzip->input_;
	stream->avail_in = (uInt)bytes;
	return TG_OK;
}

int tg_gzip_read(struct tg_gzip *gzip, uint8_t *at, size_t cap)
{
	z_stream *stream = stream_of(gzip);

	TG_ASSERT(cap <= INT32_MAX);
	stream->next_out = at;
	stream->avail_out = (uInt)cap;
	while (!gzip->ended_ && stream->avail_out != 0) {
		int rc = refill(gzip);

		if (rc < 0)
			return rc;
		rc = deflate(stream, gzip->input_ended_ ? Z_FINISH : Z_NO_FLUSH);
		TG_ASSERT(rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR);
		gzip->ended_ = rc == Z_STREAM_END;
	}
	return (int)(cap - stream->avail_out);
}
