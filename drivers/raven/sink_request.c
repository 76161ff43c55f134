/* sink_request.c - the requests of a RavenDB sink; a batch goes out in chunks, as it is made. */
#include <stdio.h>

#include "drivers/raven/sink_state.h"
#include "platform/assert.h"
#include "platform/clock.h"

/* "02f8 CRLF" before a chunk, CRLF behind it. */
enum { CHUNK_HEAD_BYTES = 6, CHUNK_TAIL_BYTES = 2, CHUNK_BYTES_MAX = 0xffff, ROOM_MIN = 64 };

enum {
	PATH_BYTES_MAX = 3 * (TG_RAVEN_DATABASE_BYTES + TG_IDENT_ROOM),
	HEAD_BYTES_MAX = PATH_BYTES_MAX + TG_RAVEN_AUTHORITY_BYTES + 512,
};
_Static_assert(HEAD_BYTES_MAX + ROOM_MIN <= CONFIG_TG_HTTP_SEND_BYTES, "Raise TG_HTTP_SEND_BYTES");

void tg_raven_sink_address(struct tg_raven_sink *sink)
{
	const struct tg_raven_link *link = &sink->options.link;
	const struct tg_raven_url *url = &link->urls[sink->node];
	bool v6 = strchr(url->host, ':') != NULL;

	sink->client.target = link->target;
	memcpy(sink->client.target.host, url->host, sizeof(url->host));
	sink->client.target.port = url->port;
	(void)snprintf(sink->authority, sizeof(sink->authority), v6 ? "[%s]:%u" : "%s:%u",
		       url->host, (unsigned)url->port);
}

struct tg_marker_of tg_raven_sink_marker_of(struct tg_raven_sink *sink)
{
	return (struct tg_marker_of){ .sink = sink->options.name,
				      .instance = sink->delivery->instance,
				      .stream = sink->delivery->stream,
				      .number = sink->delivery->stream_number,
				      .room = &sink->room };
}

bool tg_raven_sink_writes(const struct tg_raven_sink *sink)
{
	return sink->step == TG_RAVEN_SINK_SEND || sink->step == TG_RAVEN_SINK_TRY;
}

/* --- heads --- */

/* RFC 3986, section 2.3: all but the unreserved as %XX. */
static void put_encoded(struct tg_out *out, struct tg_view text)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < text.bytes; i++) {
		uint8_t byte = text.at[i], lower = byte | 0x20;

		if ((lower >= 'a' && lower <= 'z') || (byte >= '0' && byte <= '9') ||
		    (byte != '\0' && strchr("-._~", byte) != NULL)) {
			tg_out_put(out, &byte, 1);
			continue;
		}
		tg_out_byte(out, '%');
		tg_out_byte(out, hex[byte >> 4]);
		tg_out_byte(out, hex[byte & 15]);
	}
}

/* A marker of any instance that was written under this sink's name. */
static void put_markers(const struct tg_raven_sink *sink, struct tg_out *out)
{
	struct tg_ident name;
	struct tg_out text = { .at = name.at, .cap = sizeof(name.at) };

	tg_ident_escape(tg_view_str(sink->options.name), &text);
	tg_out_str(out, "/docs?startsWith=Tidegate%2F&pageSize=1&matches=%2A%2F");
	put_encoded(out, tg_view_of(name.at, tg_out_filled(&text)));
	tg_out_str(out, "%2F%2A");
}

static void put_path(struct tg_raven_sink *sink, struct tg_out *out)
{
	struct tg_marker_of of;
	struct tg_ident id;

	if (sink->step == TG_RAVEN_SINK_WHO) {
		tg_out_str(out, "GET /certificates/whoami");
		return;
	}
	bool post = tg_raven_sink_writes(sink);
	tg_out_str(out, post ? "POST /databases/" : "GET /databases/");
	put_encoded(out, tg_view_str(sink->options.link.database));
	if (post) {
		tg_out_str(out, "/bulk_docs");
	} else if (sink->step == TG_RAVEN_SINK_LOOK) {
		of = tg_raven_sink_marker_of(sink);
		tg_marker_id(&of, &id);
		tg_out_str(out, "/docs?id=");
		put_encoded(out, tg_view_of(id.at, id.bytes));
	} else {
		put_markers(sink, out);
	}
}

static void put_head(void *context, struct tg_out *out)
{
	struct tg_raven_sink *sink = context;

	put_path(sink, out);
	tg_out_str(out, " HTTP/1.1\r\nHost: ");
	tg_out_str(out, sink->authority);
	tg_out_str(out, "\r\nUser-Agent: tidegate/" TG_VERSION "\r\nAccept: application/json\r\n");
	if (sink->step == TG_RAVEN_SINK_SEND)
		tg_out_str(out,
			   "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
	else if (sink->step == TG_RAVEN_SINK_TRY)
		tg_out_str(out, "Content-Type: application/json\r\nContent-Length: "
				"15\r\n\r\n{\"Commands\":[]}");
	else
		tg_out_str(out, "Cache-Control: no-cache\r\n\r\n"); /* no proxy's word for it */
}

/* --- the batch --- */

static void put_first(struct tg_raven_sink *sink, struct tg_out *out)
{
	struct tg_marker_of of = tg_raven_sink_marker_of(sink);

	tg_out_str(out, "{\"Commands\":[");
	tg_marker_put(&of, sink->marker, &sink->next, out);
}

/* The batch without its chunks: the marker's command, the records', the end. */
static int plain_read(struct tg_raven_sink *sink, uint8_t *at, size_t cap)
{
	struct tg_out out = { .at = at, .cap = cap, .skip = sink->piece_sent };
	int bytes;

	switch (sink->piece) {
	case TG_RAVEN_PIECE_HEAD:
		put_first(sink, &out);
		sink->piece_sent += tg_out_filled(&out);
		if (!tg_out_overran(&out))
			sink->piece = TG_RAVEN_PIECE_RECORDS;
		return (int)tg_out_filled(&out);
	case TG_RAVEN_PIECE_RECORDS:
		bytes = tg_body_read(sink->delivery->body, at, cap);
		if (bytes != 0)
			return bytes;
		sink->piece = TG_RAVEN_PIECE_TAIL;
		/* fall through */
	case TG_RAVEN_PIECE_TAIL:
		at[0] = ']';
		at[1] = '}';
		sink->piece = TG_RAVEN_PIECE_END;
		return 2;
	case TG_RAVEN_PIECE_END:
	case TG_RAVEN_PIECE_OVER:
		break;
	}
	return 0;
}

static void put_line_end(uint8_t *at)
{
	at[0] = '\r';
	at[1] = '\n';
}

static int batch_read(void *context, uint8_t *at, size_t cap)
{
	static const uint8_t last[] = { '0', '\r', '\n', '\r', '\n' };
	struct tg_raven_sink *sink = context;
	size_t room = cap - CHUNK_HEAD_BYTES - CHUNK_TAIL_BYTES;

	TG_ASSERT(cap >= ROOM_MIN);
	if (sink->piece == TG_RAVEN_PIECE_OVER)
		return 0;
	int bytes = plain_read(sink, at + CHUNK_HEAD_BYTES,
			       room < CHUNK_BYTES_MAX ? room : CHUNK_BYTES_MAX);
	if (bytes < 0)
		return bytes;
	if (bytes == 0) {
		memcpy(at, last, sizeof(last));
		sink->piece = TG_RAVEN_PIECE_OVER;
		return sizeof(last);
	}
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t) "0123456789abcdef"[bytes >> (12 - 4 * i) & 15];
	put_line_end(at + 4);
	put_line_end(at + CHUNK_HEAD_BYTES + bytes);
	return CHUNK_HEAD_BYTES + bytes + CHUNK_TAIL_BYTES;
}

static void batch_rewind(void *context)
{
	struct tg_raven_sink *sink = context;

	sink->piece = TG_RAVEN_PIECE_HEAD;
	sink->piece_sent = 0;
	tg_body_rewind(sink->delivery->body);
}

/* A replay changes nothing of how far the stream is. */
static void make_next(struct tg_raven_sink *sink, const struct tg_now *now)
{
	const struct tg_delivery *delivery = sink->delivery;
	const struct tg_marker *marker = sink->marker;

	sink->next = (struct tg_marker_next){
		.first = delivery->replay ? marker->first : delivery->first,
		.last = delivery->replay ? marker->last : delivery->last,
		.replayed = delivery->replay ? delivery->first : marker->replayed,
		.time_ms = now->wall_ms,
	};
}

void tg_raven_sink_begin(struct tg_raven_sink *sink, enum tg_raven_sink_step step,
			 const struct tg_now *now)
{
	struct tg_http_request request = { .head = put_head, .context = sink };

	sink->step = step;
	if (step == TG_RAVEN_SINK_SEND) {
		make_next(sink, now);
		request.body = (struct tg_http_body){ .read = batch_read,
						      .rewind = batch_rewind,
						      .context = sink };
	}
	tg_http_begin(&sink->client, &request, now);
}
