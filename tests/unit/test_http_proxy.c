/* The way through a proxy: what is asked of it, and one sentence for each thing it may answer. The
 * scripted server is the proxy first and then the target behind it. */
#include "tests/unit/http_rig.h"

static const char established[] = "HTTP/1.1 200 Connection established\r\nX: y\r\n\r\n";
static const char no_content[] = "HTTP/1.1 204 x\r\n\r\n";

static void begin_proxied(const char *host, const char *login)
{
	struct tg_conn_target *target = &rig.client.target;

	begin(RECV_BYTES);
	target->proxy.port = target->port;
	(void)snprintf(target->proxy.host, sizeof(target->proxy.host), "127.0.0.1");
	(void)snprintf(target->proxy.login, sizeof(target->proxy.login), "%s", login);
	(void)snprintf(target->host, sizeof(target->host), "%s", host);
	target->port = 8443;
}

static void answers(const char *proxy, size_t piece_bytes)
{
	server_reply((struct server_reply){ .text = proxy, .piece_bytes = piece_bytes });
	server_reply((struct server_reply){ .text = no_content });
	ask("/1");
	TG_CHECK_INT(answer(), 0);
	TG_CHECK_INT(rig.client.response.status, 204);
	TG_CHECK_INT(pull_all(0), 0);
}

TG_TEST(proxy_is_asked_first)
{
	begin_proxied("db.plant.example", "");
	answers(established, 0);
	TG_CHECK_STR(server.kept[0], "CONNECT db.plant.example:8443 HTTP/1.1\r\n"
				     "Host: db.plant.example:8443\r\n\r\n");
	TG_CHECK(strncmp(server.kept[1], "GET /1 ", 7) == 0);
	/* The connection is kept: the proxy is asked once. */
	server_reply((struct server_reply){ .text = no_content });
	ask("/2");
	TG_CHECK_INT(answer(), 0);
	TG_CHECK_INT(pull_all(0), 0);
	TG_CHECK_INT(server.connections, 1);
	/* A kept one that died is dialled anew, through the proxy. */
	server_reply((struct server_reply){ .text = NULL, .close = true });
	answers(established, 0);
	TG_CHECK_INT(server.connections, 2);
	end();
}

TG_TEST(proxy_answers_at_any_split)
{
	begin_proxied("::1", "");
	answers("HTTP/1.0 200\r\n\r\n", 1);
	TG_CHECK(strncmp(server.kept[0], "CONNECT [::1]:8443 HTTP/1.1\r\n", 29) == 0);
	end();
	begin_proxied("db", "");
	answers("HTTP/1.1 103 x\r\nA: b\r\n\r\nHTTP/1.1 200 OK\nVia: \n\n", 1);
	end();
}

TG_TEST(proxy_hears_a_login)
{
	char host[TG_NET_HOST_BYTES_MAX];

	begin_proxied("db", "user:pass word");
	answers(established, 0);
	TG_CHECK_STR(server.kept[0], "CONNECT db:8443 HTTP/1.1\r\nHost: db:8443\r\n"
				     "Proxy-Authorization: Basic dXNlcjpwYXNzIHdvcmQ=\r\n\r\n");
	end();
	memset(host, 'h', sizeof(host)); /* longer than one piece */
	host[sizeof(host) - 1] = '\0';
	begin_proxied(host, "Aladdin:open sesame");
	answers(established, 0);
	const char *rest = server.kept[0] + strlen("CONNECT ");
	TG_CHECK(strncmp(rest, host, sizeof(host) - 1) == 0);
	rest = strstr(rest, "Host: ");
	TG_CHECK(rest != NULL && strncmp(rest + 6, host, sizeof(host) - 1) == 0);
	TG_CHECK_STR(rest + 6 + sizeof(host) - 1,
		     ":8443\r\nProxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n");
	end();
}

struct refusal {
	struct server_reply reply;
	const char *login;
	int err;
	const char *part; /* of the sentence */
};

static void refuses(const struct refusal *want)
{
	begin_proxied("db.plant.example", want->login);
	server_reply(want->reply);
	ask("/1");
	int err = answer();
	if (err != want->err && !(err == TG_ERR_RESET && want->err == TG_ERR_CLOSED))
		TG_FAIL("%s, not %s: %s", tg_err_name(err), tg_err_name(want->err), rig.why.text);
	if (strstr(rig.why.text, want->part) == NULL)
		TG_FAIL("\"%s\" is not in: %s", want->part, rig.why.text);
	TG_CHECK(strstr(rig.why.text, "proxy") != NULL);
	TG_CHECK(strstr(rig.why.text, "s3cret") == NULL);
	TG_CHECK_INT(tg_http_asked(&rig.client), 0);
	end();
}

TG_TEST(proxy_refusals_have_their_sentences)
{
	static const struct refusal cases[] = {
		{ { .text = "HTTP/1.1 407 x\r\nProxy-Authenticate: Basic\r\n\r\n<html>" },
		  "",
		  TG_ERR_LOGIN_EMPTY,
		  "set proxy_username" },
		{ { .text = "HTTP/1.1 407 x\r\n\r\n" },
		  "u:s3cret",
		  TG_ERR_LOGIN_PASSWORD,
		  "does not accept proxy_username" },
		{ { .text = "HTTP/1.1 403 x\r\n\r\n" },
		  "u:s3cret",
		  TG_ERR_PERMISSION,
		  "does not let us go to db.plant.example port 8443" },
		{ { .text = "HTTP/1.1 502 x\r\n\r\n", .close = true },
		  "",
		  TG_ERR_CONNECT,
		  "does not reach db.plant.example port 8443 (502)" },
		{ { .text = "HTTP/1.1 504 x\r\n\r\n" }, "", TG_ERR_CONNECT, "(504)" },
		{ { .text = "HTTP/1.1 405 x\r\n\r\n" }, "", TG_ERR_PEER_OTHER, "CONNECT" },
		{ { .text = "HTTP/1.1 301 x\r\n\r\n" }, "", TG_ERR_PEER_OTHER, "301" },
		{ { .text = "SSH-2.0-OpenSSH_9.2\r\n" }, "", TG_ERR_PEER_OTHER, "HTTP proxy?" },
		{ { .text = "\x15\x03\x01", .when = WHEN_CONNECT },
		  "",
		  TG_ERR_PEER_OTHER,
		  "without TLS" },
		{ { .text = "HTTP/2 200 x\r\n\r\n" }, "", TG_ERR_PEER_OTHER, "HTTP proxy?" },
		{ { .text = "HTTP/1.1 2000\r\n\r\n" }, "", TG_ERR_PEER_OTHER, "HTTP proxy?" },
		{ { .text = "HTTP/1.1 200 OK\r\n\r\nhello" },
		  "",
		  TG_ERR_PROTOCOL,
		  "bytes of its own" },
		{ { .text = "HTTP/1.1 200 OK\r\n", .close = true },
		  "",
		  TG_ERR_CLOSED,
		  "ended the connection when asked for db.plant.example" },
		{ { .text = NULL, .close = true }, "u:s3cret", TG_ERR_CLOSED, "proxy's log" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		refuses(&cases[i]);
}

TG_TEST(proxy_heads_end)
{
	static char endless[40000];

	memset(endless, 'a', sizeof(endless) - 1);
	memcpy(endless, "HTTP/1.1 200 OK\r\n", 17);
	refuses(&(struct refusal){ { .text = endless }, "", TG_ERR_PEER_OTHER, "HTTP proxy?" });
}

TG_TEST(proxy_silence_and_absence)
{
	begin_proxied("db.plant.example", "u:s3cret");
	rig.turn_ms = 1;
	server_reply((struct server_reply){ .text = NULL });
	uint64_t began = rig.now.mono_ms;
	ask("/1");
	TG_CHECK_INT(answer(), TG_ERR_TIMEOUT);
	TG_CHECK(rig.now.mono_ms - began >= 5000 && rig.now.mono_ms - began < 5100);
	TG_CHECK(strstr(rig.why.text, "did not say within 5000 ms whether it reaches "
				      "db.plant.example port 8443") != NULL);
	end(); /* nobody listens there now */
	ask("/1");
	TG_CHECK_INT(answer(), TG_ERR_CONNECT);
	TG_CHECK(strstr(rig.why.text, "the proxy is not reached: 127.0.0.1 refused") != NULL);
}
