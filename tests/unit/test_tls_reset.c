/* A server that resets the connection in the handshake, its alert sent before. */
#include "tests/check.h"

#include "platform/loop.h"
#include "tests/unit/peer.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

static struct tg_why why;

static struct tg_tls_credentials *load(void)
{
	struct tg_tls_credentials *credentials;
	struct tg_tls_files files = { .ca_file = "" };

	snprintf(files.ca_file, sizeof(files.ca_file), "%s/ca.pem", peer_folder());
	if (tg_tls_load(&files, &credentials, &why) != 0)
		TG_FAIL("load: %s", why.text);
	return credentials;
}

TG_TEST(tls_reset_00_needs_openssl)
{
	if (!peer_has_openssl())
		exit(77);
}

static int listen_on(uint16_t *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t bytes = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	TG_CHECK(bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, 1) == 0);
	TG_CHECK(getsockname(fd, (struct sockaddr *)&at, &bytes) == 0);
	*port = ntohs(at.sin_port);
	return fd;
}

/* Takes the connection, says `bytes` and resets it. */
static void reset_behind(int listener, const void *bytes, size_t count)
{
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
	int fd = accept(listener, NULL, NULL);

	TG_CHECK(fd >= 0 && send(fd, bytes, count, 0) == (ssize_t)count);
	TG_CHECK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) == 0);
	close(fd);
}

/* A refusal that resets the connection under what we have yet to send: its reason is read. Which of
 * the two a real server brings about is a matter of microseconds. */
TG_TEST(tls_reset_leaves_the_reason_readable)
{
	static const uint8_t unknown_ca[] = { 21, 3, 3, 0, 2, 2, 48 };
	struct tg_tls_credentials *credentials = load();
	struct tg_conn_target plain = { .host = "127.0.0.1", .connect_ms_max = 5000 };
	struct tg_conn conn;
	struct tg_tls *tls;
	int listener = listen_on(&plain.port);

	TG_CHECK_INT(peer_dial(&conn, &plain), 0);
	reset_behind(listener, unknown_ca, sizeof(unknown_ca));
	TG_CHECK_INT(tg_tls_open(&tls, credentials, &conn.net_, &why), 0);
	int err;
	while ((err = tg_tls_step(tls, &why)) == TG_ERR_AGAIN)
		peer_await(&conn, TG_WANT_READ);
	TG_CHECK_INT(err, TG_ERR_CERT);
	TG_CHECK(strstr(why.text, "(unknown_ca)") != NULL);
	tg_tls_close(tls);
	tg_conn_close(&conn);
	close(listener);
	tg_tls_unload(credentials);
}
