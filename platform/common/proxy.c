#include "platform/common/proxy.h"

#include "platform/assert.h"
#include "platform/crypto.h"

#include <stdio.h>

enum {
	PIECE_BYTES = 512,
	HEAD_BYTES_MAX = 16384,
	BASIC_BYTES = (CONFIG_TG_PROXY_LOGIN_BYTES_MAX + 2) / 3 * 4 + 1,
	STATUS_LINE_BYTES_MIN = 12,
};

void tg_proxy_start(struct tg_proxy_talk *talk)
{
	memset(talk, 0, sizeof(*talk));
}

bool tg_proxy_sends(const struct tg_proxy_talk *talk)
{
	return !talk->asked_;
}

/* --- the request --- */

static void put_authority(const struct tg_conn_target *target, struct tg_out *out)
{
	bool bare6 = strchr(target->host, ':') != NULL && target->host[0] != '[';
	char port[8];

	(void)snprintf(port, sizeof(port), ":%u", (unsigned)target->port);
	tg_out_str(out, bare6 ? "[" : "");
	tg_out_str(out, target->host);
	tg_out_str(out, bare6 ? "]" : "");
	tg_out_str(out, port);
}

static void put_login(const struct tg_conn_target *target, struct tg_out *out)
{
	char basic[BASIC_BYTES];
	int bytes = tg_base64_encode(tg_view_str(target->proxy.login), basic, sizeof(basic));

	TG_ASSERT(bytes >= 0);
	tg_out_str(out, "Proxy-Authorization: Basic ");
	tg_out_put(out, basic, (size_t)bytes);
	tg_out_str(out, "\r\n");
	tg_wipe(basic, sizeof(basic));
}

static void put_request(const struct tg_conn_target *target, struct tg_out *out)
{
	tg_out_str(out, "CONNECT ");
	put_authority(target, out);
	tg_out_str(out, " HTTP/1.1\r\nHost: ");
	put_authority(target, out);
	tg_out_str(out, "\r\n");
	if (target->proxy.login[0] != '\0')
		put_login(target, out);
	tg_out_str(out, "\r\n");
}

/* 0 when all of it is sent. */
static int ask(struct tg_proxy_talk *talk, struct tg_net *net, const struct tg_conn_target *target)
{
	uint8_t piece[PIECE_BYTES];
	struct tg_out out = { .at = piece, .cap = sizeof(piece) };
	int put = 0;

	do {
		out.skip = talk->sent_;
		out.total = 0;
		put_request(target, &out);
		talk->asked_ = out.total == talk->sent_;
		put = talk->asked_ ? 0 : tg_net_send(net, piece, tg_out_filled(&out));
		talk->sent_ += put > 0 ? (uint32_t)put : 0;
	} while (put > 0);
	tg_wipe(piece, sizeof(piece));
	return put;
}

/* --- the answer --- */

static int refuse_login(const struct tg_net *net, const struct tg_conn_target *target,
			struct tg_why *why)
{
	bool given = target->proxy.login[0] != '\0';

	return tg_why_set(why, given ? TG_ERR_LOGIN_PASSWORD : TG_ERR_LOGIN_EMPTY,
			  given ? "the proxy %s port %u does not accept proxy_username and "
				  "proxy_password (407): correct them"
				: "the proxy %s port %u wants a user (407): set proxy_username and "
				  "proxy_password",
			  tg_net_host(net), (unsigned)tg_net_port(net));
}

static int refuse(unsigned status, const struct tg_net *net, const struct tg_conn_target *target,
		  struct tg_why *why)
{
	const char *proxy = tg_net_host(net), *host = target->host;
	unsigned at = tg_net_port(net), port = target->port;

	if (status == 407)
		return refuse_login(net, target, why);
	if (status == 401 || status == 403)
		return tg_why_set(
			why, TG_ERR_PERMISSION,
			"the proxy %s port %u does not let us go to %s port %u (%u): have "
			"it allowed there",
			proxy, at, host, port, status);
	if (status == 502 || status == 503 || status == 504)
		return tg_why_set(why, TG_ERR_CONNECT,
				  "the proxy %s port %u does not reach %s port %u (%u): check host "
				  "and port of the url, and the proxy's own way out",
				  proxy, at, host, port, status);
	return tg_why_set(why, TG_ERR_PEER_OTHER,
			  "%s port %u answers CONNECT to %s port %u with %u: is it an HTTP proxy?",
			  proxy, at, host, port, status);
}

static int no_proxy(const struct tg_net *net, const char *what, struct tg_why *why)
{
	return tg_why_set(why, TG_ERR_PEER_OTHER,
			  "%s port %u %s: is it an HTTP proxy? It is asked without TLS",
			  tg_net_host(net), (unsigned)tg_net_port(net), what);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "HTTP/1.1 200 ...", as much of it as is kept; 0 when it is none. */
static unsigned status_of(const struct tg_proxy_talk *talk)
{
	const char *line = talk->line_;

	if (talk->line_bytes_ < STATUS_LINE_BYTES_MIN || memcmp(line, "HTTP/1.", 7) != 0 ||
	    !is_digit(line[7]) || line[8] != ' ' || !is_digit(line[9]) || !is_digit(line[10]) ||
	    !is_digit(line[11]) || (line[12] != '\0' && line[12] != ' '))
		return 0;
	return (unsigned)(line[9] - '0') * 100 + (unsigned)(line[10] - '0') * 10 +
	       (unsigned)(line[11] - '0');
}

/* At a line's end. 1: the head is complete, and it was no interim one (1xx). */
static int end_line(struct tg_proxy_talk *talk)
{
	bool empty = talk->line_bytes_ == 0;

	if (talk->status_ == 0 && !empty) {
		talk->line_[talk->line_bytes_] = '\0';
		talk->status_ = status_of(talk);
		if (talk->status_ == 0)
			return TG_ERR_PEER_OTHER;
	}
	talk->line_bytes_ = 0;
	if (!empty || talk->status_ == 0)
		return 0;
	if (talk->status_ >= 200)
		return 1;
	talk->status_ = 0;
	return 0;
}

/* 1: the head ends with this byte. */
static int take(struct tg_proxy_talk *talk, char byte)
{
	if (talk->head_bytes_++ == 0 && byte != 'H')
		return TG_ERR_PEER_OTHER;
	if (byte == '\n')
		return end_line(talk);
	if (byte != '\r' && talk->line_bytes_ < sizeof(talk->line_) - 1)
		talk->line_[talk->line_bytes_++] = byte;
	return talk->head_bytes_ > HEAD_BYTES_MAX ? TG_ERR_PEER_OTHER : 0;
}

static int judge(const struct tg_proxy_talk *talk, const struct tg_net *net,
		 const struct tg_conn_target *target, struct tg_why *why)
{
	if (talk->status_ / 100 == 2)
		return 0;
	return refuse(talk->status_, net, target, why);
}

static int hear(struct tg_proxy_talk *talk, struct tg_net *net, const struct tg_conn_target *target,
		struct tg_why *why)
{
	uint8_t piece[PIECE_BYTES];
	int got, rc = 0;

	while ((got = tg_net_recv(net, piece, sizeof(piece))) > 0) {
		int i = 0;

		while (i < got && rc == 0)
			rc = take(talk, (char)piece[i++]);
		if (rc < 0)
			return no_proxy(net, "does not answer as one", why);
		if (rc == 1 && talk->status_ / 100 == 2 && i < got)
			return tg_why_set(why, TG_ERR_PROTOCOL,
					  "the proxy %s port %u sends bytes of its own into the "
					  "connection: look at the proxy",
					  tg_net_host(net), (unsigned)tg_net_port(net));
		if (rc == 1)
			return judge(talk, net, target, why);
	}
	if (got == TG_ERR_AGAIN)
		return got;
	return tg_why_set(why, got,
			  "the proxy %s port %u ended the connection when asked for %s "
			  "port %u: look at the proxy's log",
			  tg_net_host(net), (unsigned)tg_net_port(net), target->host,
			  (unsigned)target->port);
}

/* The answer may come before the request is sent whole. */
int tg_proxy_step(struct tg_proxy_talk *talk, struct tg_net *net,
		  const struct tg_conn_target *target, struct tg_why *why)
{
	if (!talk->asked_) {
		int err = ask(talk, net, target);

		if (err == TG_ERR_AGAIN)
			return err;
		talk->asked_ = true; /* a broken one is explained below */
	}
	return hear(talk, net, target, why);
}
