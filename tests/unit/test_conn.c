/* The plain half of conn; its TLS half is in test_tls.c. */
#include "tests/check.h"

#include "tests/unit/peer.h"

#include "platform/loop.h"

static struct tg_conn_target target_of(const struct peer *peer)
{
	return (struct tg_conn_target){
		.host = "127.0.0.1",
		.port = peer->port,
		.connect_ms_max = 5000,
		.handshake_ms_max = 5000,
	};
}

TG_TEST(conn_that_was_never_opened_can_be_closed)
{
	struct tg_conn conn;
	struct tg_wants wants;

	tg_conn_none(&conn);
	tg_wants_clear(&wants);
	tg_conn_want(&conn, &wants, TG_WANT_READ);
	TG_CHECK_INT(wants.count, 0);
	tg_conn_close(&conn);
}

TG_TEST(conn_asks_and_hears_the_end)
{
	struct peer peer;
	struct tg_conn conn;
	char got[PEER_BYTES];

	peer_start_plain(&peer, "hello\n");
	struct tg_conn_target target = target_of(&peer);
	TG_CHECK_INT(peer_dial(&conn, &target), 0);
	struct tg_now now = tg_clock_now();
	TG_CHECK_INT(tg_conn_step(&conn, &now), 0);
	TG_CHECK_STR(tg_conn_describe(&conn), "plain");
	TG_CHECK_INT(peer_ask(&conn, "hi\n", "\n", got), 6);
	TG_CHECK_STR(got, "hello\n");
	TG_CHECK_INT(peer_ask(&conn, "", "never", got), TG_ERR_CLOSED);
	TG_CHECK(strstr(tg_conn_why(&conn)->text, "closed the connection") != NULL);
	tg_conn_close(&conn);
	peer_stop(&peer);
}

TG_TEST(conn_keeps_the_sentence_of_its_failure)
{
	struct peer peer;
	struct tg_conn conn;

	peer_start_plain(&peer, "");
	peer_stop(&peer);
	struct tg_conn_target target = target_of(&peer);
	TG_CHECK_INT(peer_dial(&conn, &target), TG_ERR_CONNECT);
	struct tg_now now = tg_clock_now();
	TG_CHECK_INT(tg_conn_step(&conn, &now), TG_ERR_CONNECT);
	TG_CHECK_INT(tg_conn_why(&conn)->err, TG_ERR_CONNECT);
	TG_CHECK(strstr(tg_conn_why(&conn)->text, "refused") != NULL);
	tg_conn_close(&conn);
	tg_conn_close(&conn);
}

TG_TEST(conn_refuses_an_empty_host)
{
	struct tg_conn conn;
	struct tg_conn_target target = { .port = 1 };

	TG_CHECK_INT(peer_dial(&conn, &target), TG_ERR_CONFIG);
	tg_conn_close(&conn);
}
