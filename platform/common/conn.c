#include "platform/conn.h"

#include "platform/assert.h"
#include "platform/common/proxy.h"
#include "platform/loop.h"

/* CLOSED -> DIAL -> [PROXY] -> [TLS] -> OPEN; FAILED keeps the sentence until the next open. */
enum { CONN_CLOSED, CONN_DIAL, CONN_PROXY, CONN_TLS, CONN_OPEN, CONN_FAILED };

void tg_conn_none(struct tg_conn *conn)
{
	memset(conn, 0, sizeof(*conn));
	tg_net_none(&conn->net_);
}

static int fail(struct tg_conn *conn, int err)
{
	conn->state_ = CONN_FAILED;
	conn->why_.err = err;
	return err;
}

int tg_conn_open(struct tg_conn *conn, const struct tg_conn_target *target,
		 const struct tg_now *now)
{
	bool proxied = target->proxy.host[0] != '\0' && target->host[0] != '\0';
	struct tg_net_target peer = {
		.host = proxied ? target->proxy.host : target->host,
		.port = proxied ? target->proxy.port : target->port,
		.deadline_ms = target->connect_ms_max,
	};
	tg_conn_none(conn);
	conn->target_ = target;
	conn->state_ = CONN_DIAL;
	conn->proxied_ = proxied;
	int err = tg_net_open(&conn->net_, &peer, now, &conn->why_);
	return err == 0 ? 0 : fail(conn, err);
}

/* The wire to the target lies there. */
static int begin_tls(struct tg_conn *conn, const struct tg_now *now)
{
	if (conn->target_->tls == NULL) {
		conn->state_ = CONN_OPEN;
		return 0;
	}
	int err = tg_tls_open(&conn->tls_, conn->target_->tls, &conn->net_, &conn->why_);
	if (err != 0)
		return err;
	conn->deadline_ms_ = now->mono_ms + conn->target_->handshake_ms_max;
	conn->state_ = CONN_TLS;
	return 0;
}

static int explain_dial(struct tg_conn *conn, int err)
{
	struct tg_why inner = conn->why_;

	if (!conn->proxied_)
		return err;
	return tg_why_set(&conn->why_, err, "the proxy is not reached: %.400s", inner.text);
}

static int dial(struct tg_conn *conn, const struct tg_now *now)
{
	int err = tg_net_step(&conn->net_, now, &conn->why_);

	if (err != 0)
		return err == TG_ERR_AGAIN ? err : explain_dial(conn, err);
	if (!conn->proxied_)
		return begin_tls(conn, now);
	tg_proxy_start(&conn->talk_);
	conn->deadline_ms_ = now->mono_ms + conn->target_->connect_ms_max;
	conn->state_ = CONN_PROXY;
	return 0;
}

static int ask_proxy(struct tg_conn *conn, const struct tg_now *now)
{
	int err = tg_proxy_step(&conn->talk_, &conn->net_, conn->target_, &conn->why_);

	if (err == TG_ERR_AGAIN && now->mono_ms >= conn->deadline_ms_)
		return tg_why_set(&conn->why_, TG_ERR_TIMEOUT,
				  "the proxy %s port %u did not say within %u ms whether it "
				  "reaches %s port %u: look at the proxy, or raise connect_seconds",
				  tg_net_host(&conn->net_), (unsigned)tg_net_port(&conn->net_),
				  (unsigned)conn->target_->connect_ms_max, conn->target_->host,
				  (unsigned)conn->target_->port);
	if (err != 0)
		return err;
	tg_net_rename(&conn->net_, conn->target_->host, conn->target_->port);
	return begin_tls(conn, now);
}

static int shake_hands(struct tg_conn *conn, const struct tg_now *now)
{
	int err = tg_tls_step(conn->tls_, &conn->why_);

	if (err == TG_ERR_AGAIN && now->mono_ms >= conn->deadline_ms_)
		return tg_why_set(
			&conn->why_, TG_ERR_TIMEOUT,
			"%s port %u took the connection but did not finish the TLS handshake "
			"within %u ms: is this a TLS port?",
			tg_net_host(&conn->net_), tg_net_port(&conn->net_),
			(unsigned)conn->target_->handshake_ms_max);
	if (err == 0)
		conn->state_ = CONN_OPEN;
	if (err != 0 && err != TG_ERR_AGAIN && tg_tls_again(conn->tls_)) {
		tg_conn_close(conn);
		err = tg_conn_open(conn, conn->target_, now);
		return err == 0 ? TG_ERR_AGAIN : err;
	}
	return err;
}

int tg_conn_step(struct tg_conn *conn, const struct tg_now *now)
{
	int err = 0;

	TG_ASSERT(conn->state_ != CONN_CLOSED);
	if (conn->state_ == CONN_FAILED)
		return conn->why_.err;
	if (conn->state_ == CONN_DIAL)
		err = dial(conn, now);
	if (err == 0 && conn->state_ == CONN_PROXY)
		err = ask_proxy(conn, now);
	if (err == 0 && conn->state_ == CONN_TLS)
		err = shake_hands(conn, now);
	return err == 0 || err == TG_ERR_AGAIN ? err : fail(conn, err);
}

static int explain(struct tg_conn *conn, int err)
{
	const char *host = tg_net_host(&conn->net_);
	unsigned port = tg_net_port(&conn->net_);

	if (err == TG_ERR_CLOSED)
		tg_why_set(&conn->why_, err, "%s port %u closed the connection", host, port);
	if (err == TG_ERR_RESET && conn->tls_ == NULL)
		tg_why_set(&conn->why_, err, "the connection to %s port %u broke", host, port);
	return err;
}

int tg_conn_recv(struct tg_conn *conn, uint8_t *at, size_t cap)
{
	TG_ASSERT(conn->state_ == CONN_OPEN);
	int got = conn->tls_ != NULL ? tg_tls_recv(conn->tls_, at, cap, &conn->why_)
				     : tg_net_recv(&conn->net_, at, cap);
	return explain(conn, got);
}

int tg_conn_send(struct tg_conn *conn, const uint8_t *at, size_t bytes)
{
	TG_ASSERT(conn->state_ == CONN_OPEN);
	int put = conn->tls_ != NULL ? tg_tls_send(conn->tls_, at, bytes, &conn->why_)
				     : tg_net_send(&conn->net_, at, bytes);
	return explain(conn, put);
}

void tg_conn_want(const struct tg_conn *conn, struct tg_wants *wants, unsigned events)
{
	if (conn->state_ == CONN_CLOSED || conn->state_ == CONN_FAILED)
		return;
	if (conn->state_ == CONN_TLS || conn->state_ == CONN_PROXY)
		tg_wants_at(wants, conn->deadline_ms_);
	if (conn->state_ == CONN_PROXY)
		events = tg_proxy_sends(&conn->talk_) ? TG_WANT_WRITE : TG_WANT_READ;
	if (conn->tls_ != NULL && events & TG_WANT_READ && tg_tls_pending(conn->tls_))
		tg_wants_at(wants, 0);
	if (conn->tls_ != NULL)
		events = tg_tls_wants(conn->tls_, events);
	tg_net_want(&conn->net_, wants, events);
}

void tg_conn_close(struct tg_conn *conn)
{
	tg_tls_close(conn->tls_);
	conn->tls_ = NULL;
	tg_net_close(&conn->net_);
	conn->state_ = CONN_CLOSED;
}

const char *tg_conn_describe(const struct tg_conn *conn)
{
	TG_ASSERT(conn->state_ == CONN_OPEN);
	return conn->tls_ != NULL ? tg_tls_describe(conn->tls_) : "plain";
}

const struct tg_why *tg_conn_why(const struct tg_conn *conn)
{
	return &conn->why_;
}
