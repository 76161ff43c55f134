/* Pages of a server behind an HTTP proxy, asked ahead over a hostile network: each comes whole,
 * once, and in order, however often the connection is cut, and each end has its sentence. */
#include "drivers/http/client.h"

#include "platform/loop.h"
#include "platform/sim/sim.h"
#include "tests/check.h"

enum { PAGES = 30, PAGE_BYTES_MAX = 30000, RECV_BYTES = 8192, TRIES_MAX = 2000, TEXT_MAX = 128000 };

static const struct tg_sim_faults bad = {
	.delay_ms_max = 50,
	.piece_bytes_max = 3000,
	.refuse_chance = 50,
	.unanswered_chance = 50,
	.cut_chance = 300,
	.stall_chance = 100,
	.fault_bytes_max = 200000,
};

static size_t page_bytes(unsigned page)
{
	return page * 7919u % PAGE_BYTES_MAX;
}

static char page_byte(unsigned page, size_t at)
{
	return (char)('a' + (page * 31 + at * 7 + at / 251) % 26);
}

/* --- the server, and the proxy before it --- */

static struct {
	bool connected; /* the proxy has been asked */
	bool ended;
	char heard[512];
	size_t bytes;
	unsigned tunnels, answers;
} peer;

static void *peer_open(void *context, struct tg_sim_conn *conn)
{
	(void)context;
	(void)conn;
	peer.connected = false;
	peer.ended = false;
	peer.bytes = 0;
	return &peer;
}

static void send_page(struct tg_sim_conn *conn, unsigned page)
{
	static char text[TEXT_MAX];
	size_t at = (size_t)snprintf(text, sizeof(text),
				     "HTTP/1.1 200 OK\r\nETag: \"%u\"\r\n"
				     "Transfer-Encoding: chunked\r\n\r\n",
				     page);

	for (size_t from = 0, bytes = page_bytes(page); from < bytes;) {
		size_t run = 1 + tg_sim_draw(4000);

		run = run < bytes - from ? run : bytes - from;
		TG_CHECK(at + run + 32 < sizeof(text));
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%zx\r\n", run);
		for (size_t i = 0; i < run; i++)
			text[at++] = page_byte(page, from++);
		at += (size_t)snprintf(text + at, sizeof(text) - at, "\r\n");
	}
	at += (size_t)snprintf(text + at, sizeof(text) - at, "0\r\n\r\n");
	TG_CHECK(tg_sim_room(conn) >= at);
	tg_sim_send(conn, tg_view_of(text, at));
	peer.answers++;
}

static void answer_one(struct tg_sim_conn *conn)
{
	static const char yes[] = "HTTP/1.1 200 Connection established\r\n\r\n";
	unsigned page;

	if (peer.connected) {
		TG_CHECK_INT(sscanf(peer.heard, "GET /%u ", &page), 1);
		send_page(conn, page);
		return;
	}
	TG_CHECK(strncmp(peer.heard, "CONNECT db.plant:8080 HTTP/1.1\r\n", 32) == 0);
	peer.connected = true;
	peer.tunnels++;
	tg_sim_send(conn, tg_view_of(yes, sizeof(yes) - 1));
}

static void peer_bytes(void *session, struct tg_sim_conn *conn, struct tg_view bytes)
{
	const char *end;

	(void)session;
	if (peer.ended)
		return;
	TG_CHECK(peer.bytes + bytes.bytes < sizeof(peer.heard));
	memcpy(peer.heard + peer.bytes, bytes.at, bytes.bytes);
	peer.bytes += bytes.bytes;
	peer.heard[peer.bytes] = '\0';
	while (!peer.ended && (end = strstr(peer.heard, "\r\n\r\n")) != NULL) {
		size_t used = (size_t)(end + 4 - peer.heard);

		answer_one(conn);
		peer.bytes -= used;
		memmove(peer.heard, peer.heard + used, peer.bytes + 1);
		if (peer.answers > 0 && tg_sim_draw(10) == 0) {
			tg_sim_end(conn); /* as an idle connection is closed: without a word */
			peer.ended = true;
		}
	}
}

static void peer_close(void *session, struct tg_sim_conn *conn)
{
	(void)session;
	(void)conn;
}

static const struct tg_sim_peer proxy = {
	.on_open = peer_open,
	.on_bytes = peer_bytes,
	.on_close = peer_close,
};

/* --- the reader --- */

static struct {
	struct tg_http_client client;
	uint8_t send[512], recv[RECV_BYTES], answer[64];
	char etag[16];
	struct tg_http_wanted wanted;
	unsigned asked[TG_HTTP_ASKED_MAX]; /* the pages, which are the requests' contexts */
	unsigned page;                     /* being read */
	size_t at;                         /* how much of it was taken */
	bool headed;
	unsigned broken;
} reader;

static void put_head(void *context, struct tg_out *out)
{
	char line[64];

	(void)snprintf(line, sizeof(line), "GET /%u HTTP/1.1\r\nHost: db.plant\r\n\r\n",
		       *(const unsigned *)context);
	tg_out_str(out, line);
}

static void start(uint64_t seed, const struct tg_sim_faults *faults)
{
	struct tg_http_buffers buffers = { .send = reader.send,
					   .send_cap = sizeof(reader.send),
					   .recv = reader.recv,
					   .recv_cap = sizeof(reader.recv),
					   .answer = reader.answer,
					   .answer_cap = sizeof(reader.answer) };

	memset(&reader, 0, sizeof(reader));
	memset(&peer, 0, sizeof(peer));
	tg_sim_start(seed, faults);
	tg_sim_listen("proxy.plant", 3128, &proxy);
	tg_http_place(&reader.client, &buffers);
	reader.client.target =
		(struct tg_conn_target){ .host = "db.plant", .port = 8080, .connect_ms_max = 5000 };
	memcpy(reader.client.target.proxy.host, "proxy.plant", sizeof("proxy.plant"));
	reader.client.target.proxy.port = 3128;
	reader.client.answer_ms_max = 5000;
	reader.wanted = (struct tg_http_wanted){ .name = "ETag",
						 .into = reader.etag,
						 .cap = sizeof(reader.etag) };
	reader.client.wanted = &reader.wanted;
	reader.client.wanted_count = 1;
}

/* The page being read, and the next ones behind it. */
static void ask_ahead(const struct tg_now *now)
{
	while (tg_http_asked(&reader.client) < TG_HTTP_ASKED_MAX) {
		unsigned page = reader.page + tg_http_asked(&reader.client);
		unsigned *place = &reader.asked[page % TG_HTTP_ASKED_MAX];
		struct tg_http_request request = { .head = put_head, .context = place };

		if (page >= PAGES)
			return;
		*place = page;
		tg_http_ask(&reader.client, &request, now);
	}
}

static void take(uint64_t seed, struct tg_view view, bool all)
{
	size_t bytes = all || view.bytes < 300 ? view.bytes * all : view.bytes - 300;

	for (size_t i = 0; i < view.bytes; i++)
		TG_CHECK_SEED(seed, (char)view.at[i] == page_byte(reader.page, reader.at + i));
	tg_http_taken(&reader.client, bytes);
	reader.at += bytes;
}

/* 1: look again. */
static int read_some(uint64_t seed, const struct tg_now *now, struct tg_why *why)
{
	struct tg_view view;
	char want[16];
	int got;

	ask_ahead(now);
	if (!reader.headed) {
		got = tg_http_answer(&reader.client, now, why);
		if (got != 0)
			return got;
		(void)snprintf(want, sizeof(want), "\"%u\"", reader.page);
		TG_CHECK_SEED(seed, strcmp(reader.etag, want) == 0);
		reader.headed = true;
	}
	got = tg_http_pull(&reader.client, now, &view, why);
	if (got < 0)
		return got;
	take(seed, view, got == 0);
	if (got == 1)
		return 1;
	TG_CHECK_SEED(seed, reader.at == page_bytes(reader.page));
	reader.page++;
	reader.at = 0;
	reader.headed = false;
	return 1;
}

static void wait_for(struct tg_now now)
{
	struct tg_wants wants;

	tg_wants_clear(&wants);
	tg_wants_at(&wants, now.mono_ms + 60000);
	tg_http_want(&reader.client, &wants);
	TG_CHECK_INT(tg_loop_wait(&wants, &now), 0);
}

static void read_all(uint64_t seed)
{
	while (reader.page < PAGES) {
		struct tg_why why = { .err = 0 };
		struct tg_now now = tg_clock_now();
		int got = read_some(seed, &now, &why);

		if (got == TG_ERR_AGAIN)
			wait_for(now);
		if (got >= 0 || got == TG_ERR_AGAIN)
			continue;
		TG_CHECK_SEED(seed, why.text[0] != '\0' && why.err == got);
		TG_CHECK_SEED(seed, tg_http_asked(&reader.client) == 0);
		TG_CHECK_SEED(seed, ++reader.broken < TRIES_MAX);
		reader.at = 0; /* the page is asked for again */
		reader.headed = false;
	}
	tg_http_close(&reader.client);
	tg_sim_stop();
}

TG_TEST(sim_pages_come_whole)
{
	static const struct tg_sim_faults good = { .delay_ms_max = 20 };

	start(1, &good);
	read_all(1);
	TG_CHECK(peer.answers >= PAGES && peer.tunnels >= 1);
}

TG_TEST(sim_pages_come_whole_over_a_bad_network)
{
	unsigned broken = 0, tunnels = 0;

	for (uint64_t seed = 1; seed <= 200; seed++) {
		start(seed, &bad);
		read_all(seed);
		broken += reader.broken;
		tunnels += peer.tunnels;
	}
	TG_CHECK(broken > 200 && tunnels > 600);
	printf("%u broken reads, %u tunnels\n", broken, tunnels);
}
