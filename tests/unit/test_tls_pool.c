/* What real handshakes take out of the pool: all connections at once with the largest keys and long
 * chains, connections that come and go beside one that stays, and a pool that is too small. */
#include "tests/check.h"

#include "platform/loop.h"
#include "platform/mbedtls/pool.h"
#include "tests/unit/peer.h"

/* big.pem is four certificates with RSA of 4096 bits, which serve and are shown; more.pem one. */
static const char making[] =
	"set -e; cd %s; exec 2>> log; openssl genrsa -out big.key 4096\n"
	"for k in root one two three more; do cp big.key $k.key; done\n"
	"openssl req -x509 -new -key root.key -days 30 -subj '/CN=Big root' -out root.pem\n"
	"make() { openssl req -new -key $1.key -subj \"/CN=$2\" -out $1.csr\n"
	" printf '%%s\\n' \"$4\" > $1.ext\n"
	" openssl ca -batch -notext -config ca.cnf -cert $3.pem -keyfile $3.key -in $1.csr \\\n"
	"  -days 30 -extfile $1.ext -out $1.pem; }\n"
	"ca=basicConstraints=critical,CA:true; san=subjectAltName=DNS:localhost\n"
	"make one 'Big one' root $ca; make two 'Big two' one $ca; make three 'Big three' two $ca\n"
	"make big big three $san; cat three.pem two.pem one.pem >> big.pem\n"
	"make more more ca $san; cat ca.pem root.pem > both.pem\n"
	"cat big.pem big.key > big.both; cat more.pem more.key > more.both\n"
	"head -c 40000 /dev/zero > page\n";

enum { PAGE_BYTES = 40000, SERVERS = 4 };

/* Servers of four kinds, each with the certificate that is shown to it. */
static const struct {
	const char *args, *shown;
} kinds[SERVERS] = {
	{ "-cert big.pem -cert_chain big.pem -key big.key -Verify 9 -WWW", "big.both" },
	{ "-cert big.pem -cert_chain big.pem -key big.key -Verify 9 -WWW -tls1_2",
	  "big.both" },
	{ "-cert good.pem -key good.key -Verify 9 -WWW", "client.both" },
	{ "-cert more.pem -key more.key -WWW -tls1_2", "more.both" },
};

static struct peer peers[SERVERS];
static struct tg_conn_target targets[SERVERS];
static size_t at_rest; /* PSA keeps some of its first handshake */

static int load(size_t i, struct tg_why *why)
{
	struct tg_tls_files files = { .ca_file = "" };

	(void)snprintf(files.ca_file, sizeof(files.ca_file), "%s/both.pem", peer_folder());
	(void)snprintf(files.certificate_file, sizeof(files.certificate_file), "%s/%s",
		       peer_folder(), kinds[i].shown);
	targets[i] = (struct tg_conn_target){ .host = "localhost",
					      .port = peers[i].port,
					      .connect_ms_max = 5000,
					      .handshake_ms_max = 60000 };
	return tg_tls_load(&files, &targets[i].tls, why);
}

static void must_load(size_t i)
{
	struct tg_why why;

	if (load(i, &why) != 0)
		TG_FAIL("%s: %s", kinds[i].shown, why.text);
}

/* A client's certificate whose load may fail for want of memory, never for anything else. */
static int try_load(size_t i)
{
	struct tg_why why;
	int err = load(i, &why);

	if (err != 0 && (err != TG_ERR_LIMIT || strstr(why.text, "raise TG_TLS_BYTES") == NULL))
		TG_FAIL("%s: %s", tg_err_name(err), why.text);
	return err;
}

/* Asks for the page and takes all of it; 0 or an error. */
static int take_page(struct tg_conn *conn)
{
	static uint8_t at[65536];
	const char *ask = "GET /page HTTP/1.0\r\n\r\n";
	int have = 0, got = tg_conn_send(conn, (const uint8_t *)ask, strlen(ask));

	while (got > 0 || got == TG_ERR_AGAIN) {
		got = tg_conn_recv(conn, at, sizeof(at));
		have += got > 0 ? got : 0;
		if (got == TG_ERR_AGAIN)
			peer_await(conn, TG_WANT_READ);
	}
	if (got == TG_ERR_CLOSED || got == TG_ERR_RESET)
		got = have > PAGE_BYTES ? 0 : got;
	return got;
}

static void visit(size_t i)
{
	struct tg_conn conn;

	if (peer_dial(&conn, &targets[i]) != 0 || take_page(&conn) != 0)
		TG_FAIL("server %zu: %s", i, tg_conn_why(&conn)->text);
	tg_conn_close(&conn);
	peer_forget_printed(&peers[i]);
}

TG_TEST(tls_pool_00_servers_are_started)
{
	char command[sizeof(making) + 256];

	if (!peer_has_openssl())
		exit(77);
	(void)snprintf(command, sizeof(command), making, peer_folder());
	TG_CHECK_INT(system(command), 0);
	for (size_t i = 0; i < SERVERS; i++)
		peer_start_openssl(&peers[i], kinds[i].args);
	must_load(0);
	visit(0);
	tg_tls_unload(targets[0].tls);
	at_rest = tg_tls_pool_now().used_bytes;
}

#define LESS(a, b) ((a) < (b) ? (a) : (b))
enum {
	AT_ONCE = LESS(CONFIG_TG_TLS_CONNECTIONS_MAX, SERVERS),
	LOADED = LESS(AT_ONCE, CONFIG_TG_TLS_CREDENTIALS_MAX),
};

static void wait_for_all(const struct tg_conn *conns, struct tg_now *now)
{
	struct tg_wants wants;

	tg_wants_clear(&wants);
	tg_wants_at(&wants, now->mono_ms + 10000);
	for (size_t i = 0; i < LOADED; i++)
		tg_conn_want(&conns[i], &wants, 0);
	(void)tg_loop_wait(&wants, now);
	*now = tg_clock_now();
}

static void dial_all(struct tg_conn *conns)
{
	struct tg_now now = tg_clock_now();
	bool open[LOADED] = { false };
	size_t count = 0;

	for (size_t i = 0; i < LOADED; i++)
		TG_CHECK_INT(tg_conn_open(&conns[i], &targets[i], &now), 0);
	for (;;) {
		for (size_t i = 0; i < LOADED; i++) {
			int err = open[i] ? 0 : tg_conn_step(&conns[i], &now);
			if (err != 0 && err != TG_ERR_AGAIN)
				TG_FAIL("server %zu: %s", i, tg_conn_why(&conns[i])->text);
			count += err == 0 && !open[i];
			open[i] = err == 0;
		}
		if (count == LOADED)
			return;
		wait_for_all(conns, &now);
	}
}

TG_TEST(tls_pool_holds_all_connections_at_once)
{
	struct tg_conn conns[LOADED];

	for (size_t i = 0; i < LOADED; i++)
		must_load(i);
	dial_all(conns);
	for (size_t i = 0; i < LOADED; i++)
		TG_CHECK_INT(take_page(&conns[i]), 0);
	for (size_t i = 0; i < LOADED; i++) {
		tg_conn_close(&conns[i]);
		tg_tls_unload(targets[i].tls);
	}
	struct tg_tls_pool pool = tg_tls_pool_now();
	printf("pool: peak %zu of %zu bytes, %d at once\n", pool.peak_bytes, pool.pool_bytes,
	       LOADED);
	TG_CHECK_INT(pool.refused_count, 0);
	TG_CHECK_INT(pool.used_bytes, at_rest);
}

/* Which of the servers stay connected; one takes one connection at a time. */
static struct tg_conn conns[SERVERS];
static bool stays[SERVERS];
static uint32_t seed = 20261121;

static uint32_t next_random(void)
{
	seed = seed * 1664525u + 1013904223u;
	return seed >> 8;
}

/* Ends what stayed; at times the certificate is read anew, as after a restart of the other side. */
static void let_go(size_t i, bool reload)
{
	tg_conn_close(&conns[i]);
	stays[i] = false;
	if (!reload)
		return;
	tg_tls_unload(targets[i].tls);
	must_load(i);
}

static void come_and_go(size_t i)
{
	bool keep = next_random() % 3 == 0;

	if (stays[i]) {
		if (keep)
			let_go(i, next_random() % 2 == 0);
		return;
	}
	if (peer_dial(&conns[i], &targets[i]) != 0)
		TG_FAIL("server %zu: %s", i, tg_conn_why(&conns[i])->text);
	if (keep) {
		stays[i] = true;
		return;
	}
	if (next_random() % 2 == 0)
		TG_CHECK_INT(take_page(&conns[i]), 0);
	let_go(i, false);
}

/* Goal: blocks of all sizes and lives, full handshakes and resumed ones, leave no pool in splinters
 * that has room for all connections at once. */
TG_TEST(tls_pool_serves_what_comes_and_goes)
{
	unsigned turns = tg_turns(300, 40);

	for (size_t i = 0; i < LOADED; i++)
		must_load(i);
	for (unsigned turn = 0; turn < turns; turn++) {
		size_t i = next_random() % LOADED;
		come_and_go(i);
		peer_forget_printed(&peers[i]);
	}
	for (size_t i = 0; i < LOADED; i++) {
		if (stays[i])
			let_go(i, false);
		tg_tls_unload(targets[i].tls);
	}
	TG_CHECK_INT(tg_tls_pool_now().refused_count, 0);
	TG_CHECK_INT(tg_tls_pool_now().used_bytes, at_rest);
}

enum { PIECES_MAX = 64, PIECE_BYTES_MIN = 256 };
static void *held[PIECES_MAX];
static size_t held_count;

/* Takes all but `left` bytes, in as many pieces as the holes between what mbedTLS keeps make it. */
static void hold_all_but(size_t left)
{
	struct tg_tls_pool pool = tg_tls_pool_now();
	size_t bytes = pool.pool_bytes - pool.used_bytes - left, piece = bytes;

	while (bytes >= PIECE_BYTES_MIN && piece >= PIECE_BYTES_MIN && held_count < PIECES_MAX) {
		void *at = tg_tls_calloc(1, piece);
		if (at == NULL) {
			piece /= 2;
			continue;
		}
		held[held_count++] = at;
		bytes -= piece;
		piece = LESS(piece, bytes);
	}
}

static void let_all_go(void)
{
	while (held_count > 0)
		tg_tls_free(held[--held_count]);
}

/* 0, or the error of a pool in which `left` bytes are free; its sentence must say so. */
static int visit_within(size_t i, size_t left)
{
	size_t used = tg_tls_pool_now().used_bytes;
	struct tg_conn conn;

	hold_all_but(left);
	int err = try_load(i);
	if (err == 0) {
		err = peer_dial(&conn, &targets[i]);
		if (err == 0)
			err = take_page(&conn);
		if (err != 0 && (err != TG_ERR_TLS ||
				 strstr(tg_conn_why(&conn)->text, "raise TG_TLS_BYTES") == NULL))
			TG_FAIL("%zu bytes: %s", left, tg_conn_why(&conn)->text);
		tg_conn_close(&conn);
		tg_tls_unload(targets[i].tls);
	}
	peer_forget_printed(&peers[i]);
	let_all_go();
	TG_CHECK_INT(tg_tls_pool_now().used_bytes, used);
	return err;
}

/* Goal: whatever allocation of a handshake finds no room, it ends with the sentence, and the next
 * one with room works. */
TG_TEST(tls_pool_too_small_is_a_sentence)
{
	const size_t plenty = 98304, step = tg_turns(1024, 8192);

	for (size_t i = 0; i < SERVERS; i++) {
		size_t enough = plenty, refused = 0;
		TG_CHECK_INT(visit_within(i, plenty), 0);
		for (size_t left = plenty - step; left > 1024; left -= step) {
			if (visit_within(i, left) == 0)
				enough = left;
			else
				refused++;
		}
		TG_CHECK(enough < plenty && refused > 0);
		TG_CHECK_INT(visit_within(i, plenty), 0);
		printf("server %zu: %zu bytes are enough\n", i, enough);
	}
}
