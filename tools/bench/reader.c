/* reader.c - the plain reader: how fast this server hands rows to anybody.
 *
 *      reader HOST PORT DATABASE TABLE KEY BATCH_BYTES
 *
 * Asks what `tidegate sync` asks for a whole table, at the same batch size, asks for the next batch
 * as soon as a response says that there is one, and looks at nothing but the heads of the frames.
 * Prints `{"seconds": S, "cpu": S, "bytes": N, "frames": N}`, from connecting to the last byte. How
 * many rows that were is for the caller to know: counting them would be work.
 */
#include "drivers/json/scan.h"
#include "drivers/rethink/handshake.h"
#include "drivers/rethink/term.h"
#include "tools/bench/plain.h"

enum {
	RECV_BYTES = 65536,
	HEAD_BYTES = 12,
	KIND_AT = HEAD_BYTES + 5, /* {"t":3 */
	PARTIAL = '3',
	SEQUENCE = '2',
};

struct reader {
	int fd;
	uint64_t bytes, frames;
	uint64_t left; /* of this frame's text, when its head is whole */
	uint32_t head_bytes;
	uint8_t head[KIND_AT + 1];
	uint8_t at[RECV_BYTES];
};

static struct reader reader;

static void put(struct reader *r, const void *at, size_t bytes)
{
	if (send(r->fd, at, bytes, MSG_NOSIGNAL) != (ssize_t)bytes)
		plain_fail("cannot send");
}

static size_t get(struct reader *r)
{
	ssize_t got = recv(r->fd, r->at, sizeof(r->at), 0);

	if (got <= 0)
		plain_fail("the server ended the connection");
	return (size_t)got;
}

static void put_waiting(struct reader *r, struct tg_handshake *hs)
{
	struct tg_view out = tg_handshake_out(hs);

	if (out.bytes == 0)
		return;
	put(r, out.at, out.bytes);
	tg_handshake_sent(hs, out.bytes);
}

static void log_in(struct reader *r, const char *host)
{
	static struct tg_handshake hs;
	static struct tg_scram_cache cache;
	const struct tg_login login = { .user = "admin", .password = "", .peer = host };
	struct tg_why why = { 0 };
	int rc = tg_handshake_start(&hs, &login, &cache, &why);

	if (rc == TG_OK)
		rc = TG_ERR_AGAIN;
	while (rc == TG_ERR_AGAIN) {
		size_t used;
		put_waiting(r, &hs);
		size_t got = get(r);
		rc = tg_handshake_feed(&hs, tg_view_of(r->at, got), &used, &why);
		while (tg_handshake_busy(&hs))
			tg_handshake_step(&hs);
	}
	if (rc != TG_OK)
		plain_fail(why.text);
}

static void put_frame(struct reader *r, struct tg_view query)
{
	uint8_t head[HEAD_BYTES] = { 1 };

	for (unsigned i = 0; i < 4; i++)
		head[8 + i] = (uint8_t)(query.bytes >> (8 * i));
	put(r, head, sizeof(head));
	put(r, query.at, query.bytes);
}

static void put_more(struct reader *r)
{
	static const uint8_t more[] = { 1, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, '[', '2', ']' };

	put(r, more, sizeof(more));
}

/* Bytes of the frame's head; true when it is whole. */
static bool take_head(struct reader *r, const uint8_t **at, size_t *bytes)
{
	while (*bytes > 0 && r->head_bytes < sizeof(r->head)) {
		r->head[r->head_bytes++] = *(*at)++;
		(*bytes)--;
	}
	if (r->head_bytes < sizeof(r->head))
		return false;
	uint32_t text = 0;
	for (unsigned i = 0; i < 4; i++)
		text |= (uint32_t)r->head[8 + i] << (8 * i);
	r->left = text - (sizeof(r->head) - HEAD_BYTES);
	r->frames++;
	return true;
}

/* True until the last frame's last byte has come. */
static bool take(struct reader *r, const uint8_t *at, size_t bytes)
{
	while (bytes > 0) {
		if (r->left == 0) {
			if (!take_head(r, &at, &bytes))
				return true;
			if (r->head[KIND_AT] == PARTIAL)
				put_more(r);
			else if (r->head[KIND_AT] != SEQUENCE)
				plain_fail("the server refused the query");
		}
		size_t part = r->left < bytes ? (size_t)r->left : bytes;
		r->left -= part;
		at += part;
		bytes -= part;
		if (r->left > 0)
			return true;
		if (r->head[KIND_AT] == SEQUENCE)
			return false;
		r->head_bytes = 0;
	}
	return true;
}

static void ask(struct reader *r, char **argv)
{
	uint8_t text[1024], key[256];
	struct tg_out out = { .at = text, .cap = sizeof(text) };
	struct tg_out name = { .at = key, .cap = sizeof(key) };
	struct tg_query_rows rows = {
		.table = { .database = argv[3], .table = tg_view_str(argv[4]) },
		.batch_bytes = (uint32_t)strtoul(argv[6], NULL, 10),
	};

	tg_json_quote(tg_view_str(argv[5]), &name);
	rows.key = tg_view_of(key, tg_out_filled(&name));
	tg_query_rows(&rows, &out);
	if (tg_out_overran(&out) || tg_out_overran(&name))
		plain_fail("the query is too long");
	put_frame(r, tg_view_of(text, tg_out_filled(&out)));
}

int main(int argc, char **argv)
{
	struct reader *r = &reader;
	bool more = true;

	if (argc != 7)
		plain_fail("usage: reader HOST PORT DATABASE TABLE KEY BATCH_BYTES");
	double began = plain_seconds();
	r->fd = plain_dial(argv[1], argv[2]);
	log_in(r, argv[1]);
	ask(r, argv);
	while (more) {
		size_t bytes = get(r);
		r->bytes += bytes;
		more = take(r, r->at, bytes);
	}
	plain_report(began, r->bytes, "frames", r->frames);
	close(r->fd);
	return 0;
}
