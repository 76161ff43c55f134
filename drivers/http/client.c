#include "drivers/http/client.h"

#include "platform/assert.h"
#include "platform/loop.h"

enum state { IDLE, OPENING, SENDING, RECEIVING };
enum { WHOLE_ANSWER_TIMES = 10, DRAIN_READS_MAX = 64, SECOND_MS = 1000 };

void tg_http_init(struct tg_http_client *client, struct tg_arena *arena, uint8_t *answer,
		  size_t answer_cap)
{
	client->send_ = tg_arena_take(arena, CONFIG_TG_HTTP_SEND_BYTES);
	client->recv_ = tg_arena_take(arena, CONFIG_TG_HTTP_RECV_BYTES);
	TG_ASSERT(client->send_ != NULL && client->recv_ != NULL);
	client->answer_ = answer;
	client->answer_cap_ = answer_cap;
	client->state_ = IDLE;
	client->open_ = false;
	tg_conn_none(&client->conn_);
}

static void close_conn(struct tg_http_client *client)
{
	if (client->open_)
		tg_conn_close(&client->conn_);
	client->open_ = false;
}

void tg_http_close(struct tg_http_client *client)
{
	close_conn(client);
	client->state_ = IDLE;
}

/* --- beginning --- */

static void start_sending(struct tg_http_client *client, const struct tg_now *now)
{
	client->state_ = SENDING;
	client->deadline_ms_ = now->mono_ms + client->answer_ms_max;
}

static void start_over(struct tg_http_client *client)
{
	client->sent_ = 0;
	client->filled_ = 0;
	client->head_sent_ = false;
	if (client->request_.body.read != NULL)
		client->request_.body.rewind(client->request_.body.context);
	tg_http_response_start(&client->response, client->answer_, client->answer_cap_,
			       client->request_.head_only);
}

static void open_fresh(struct tg_http_client *client, const struct tg_now *now)
{
	close_conn(client);
	client->open_ = true;
	client->reused_ = false;
	client->state_ = OPENING;
	if (tg_conn_open(&client->conn_, &client->target, now) != TG_OK)
		return; /* tg_conn_step() tells */
}

/* A kept connection is good while nothing came over it: neither its end nor an answer nobody asked
 * for. */
static bool still_good(struct tg_http_client *client, const struct tg_now *now)
{
	if (!client->open_ ||
	    now->mono_ms - client->idle_since_ms_ > CONFIG_TG_HTTP_IDLE_SECONDS_MAX * SECOND_MS)
		return false;
	return tg_conn_recv(&client->conn_, client->recv_, CONFIG_TG_HTTP_RECV_BYTES) ==
	       TG_ERR_AGAIN;
}

void tg_http_begin(struct tg_http_client *client, const struct tg_http_request *request,
		   const struct tg_now *now)
{
	TG_ASSERT(client->state_ == IDLE);
	client->request_ = *request;
	start_over(client);
	if (still_good(client, now)) {
		client->reused_ = true;
		start_sending(client, now);
	} else {
		open_fresh(client, now);
	}
}

/* --- ending --- */

/* The next bufferful: the head first, then the body. 1: there is something, 0: all is sent. */
static int refill(struct tg_http_client *client, struct tg_why *why)
{
	struct tg_out head = { .at = client->send_, .cap = CONFIG_TG_HTTP_SEND_BYTES };
	int bytes;

	client->sent_ = 0;
	client->filled_ = 0;
	if (!client->head_sent_) {
		client->request_.head(client->request_.context, &head);
		TG_ASSERT(!tg_out_overran(&head));
		client->filled_ = tg_out_filled(&head);
		client->head_sent_ = true;
	}
	if (client->request_.body.read == NULL)
		return client->filled_ > 0;
	bytes = client->request_.body.read(client->request_.body.context,
					   client->send_ + client->filled_,
					   CONFIG_TG_HTTP_SEND_BYTES - client->filled_);
	if (bytes < 0)
		return tg_why_set(why, bytes,
				  "a record could not be read from the store (%s): run "
				  "`tidegate outbox verify`",
				  tg_err_name(bytes));
	client->filled_ += (size_t)bytes;
	return client->filled_ > 0;
}

/* An answer may overtake our noticing that the last byte was sent; otherwise it is early. */
static int done(struct tg_http_client *client, const struct tg_now *now)
{
	if (client->state_ == SENDING && client->sent_ == client->filled_ &&
	    refill(client, NULL) == 0)
		client->state_ = RECEIVING;
	client->early = client->state_ != RECEIVING;
	if (client->state_ != RECEIVING || !client->response.keep_alive)
		close_conn(client);
	client->idle_since_ms_ = now->mono_ms;
	client->state_ = IDLE;
	return TG_OK;
}

static int give_up(struct tg_http_client *client, int err)
{
	tg_http_close(client);
	return err;
}

/* The connection broke. */
static int broke(struct tg_http_client *client, int err, const struct tg_now *now,
		 struct tg_why *why)
{
	if (client->reused_ && !client->response.began) {
		start_over(client);
		open_fresh(client, now);
		return TG_ERR_AGAIN;
	}
	if (err == TG_ERR_CLOSED) {
		int rc = tg_http_response_end(&client->response, why);

		return rc == TG_OK ? done(client, now) : give_up(client, rc);
	}
	tg_why_set(why, err, "%s", tg_conn_why(&client->conn_)->text);
	return give_up(client, err);
}

static int silent(struct tg_http_client *client, struct tg_why *why)
{
	const char *what = client->state_ == SENDING ? "did not take the request"
			   : client->response.began  ? "did not finish its answer"
						     : "did not answer";

	tg_why_set(why, TG_ERR_TIMEOUT,
		   "%s port %u %s within %u seconds: check the target, or raise "
		   "answer_seconds",
		   client->target.host, (unsigned)client->target.port, what,
		   (unsigned)(client->answer_ms_max / SECOND_MS));
	return give_up(client, TG_ERR_TIMEOUT);
}

/* --- receiving --- */

/* Takes what is there. 0: the answer is complete. TG_ERR_AGAIN: nothing more now. Other errors are
 * the connection's (`*fatal` false) or the answer's own. */
static int receive(struct tg_http_client *client, const struct tg_now *now, bool *fatal,
		   struct tg_why *why)
{
	size_t used;
	int bytes = tg_conn_recv(&client->conn_, client->recv_, CONFIG_TG_HTTP_RECV_BYTES);
	int err;

	*fatal = false;
	if (bytes < 0)
		return bytes;
	client->deadline_ms_ = now->mono_ms + client->answer_ms_max;
	err = tg_http_response_feed(&client->response, tg_view_of(client->recv_, (size_t)bytes),
				    &used, why);
	*fatal = err != TG_OK && err != TG_ERR_AGAIN;
	if (err == TG_OK && used < (size_t)bytes)
		client->response.keep_alive = false; /* bytes behind the answer */
	return err;
}

static int step_receiving(struct tg_http_client *client, const struct tg_now *now,
			  struct tg_why *why)
{
	bool fatal;
	int err = receive(client, now, &fatal, why);

	if (err == TG_OK)
		return done(client, now);
	if (fatal)
		return give_up(client, err);
	if (err != TG_ERR_AGAIN)
		return broke(client, err, now, why);
	if (now->mono_ms >= client->deadline_ms_ || now->mono_ms >= client->end_ms_)
		return silent(client, why);
	return TG_ERR_AGAIN;
}

/* Sending failed: an answer that explains it may lie in the socket already. */
static int drain(struct tg_http_client *client, int send_err, const struct tg_now *now,
		 struct tg_why *why)
{
	bool fatal;
	int err = TG_ERR_AGAIN;

	for (unsigned i = 0; i < DRAIN_READS_MAX && err == TG_ERR_AGAIN; i++) {
		err = receive(client, now, &fatal, why);
		if (err == TG_OK)
			return done(client, now);
		if (fatal)
			return give_up(client, err);
		if (err == TG_ERR_AGAIN && !client->response.began)
			break;
	}
	return broke(client, err == TG_ERR_CLOSED && client->response.began ? err : send_err, now,
		     why);
}

/* --- sending --- */

static int step_sending(struct tg_http_client *client, const struct tg_now *now, struct tg_why *why)
{
	bool fatal;
	int err = TG_OK;

	if (client->sent_ == client->filled_) {
		int more = refill(client, why);

		if (more < 0)
			return give_up(client, more);
		if (more == 0) {
			client->state_ = RECEIVING;
			client->deadline_ms_ = now->mono_ms + client->answer_ms_max;
			client->end_ms_ = now->mono_ms +
					  (uint64_t)client->answer_ms_max * WHOLE_ANSWER_TIMES;
			return step_receiving(client, now, why);
		}
	}
	int bytes = tg_conn_send(&client->conn_, client->send_ + client->sent_,
				 client->filled_ - client->sent_);
	if (bytes < 0 && bytes != TG_ERR_AGAIN)
		return drain(client, bytes, now, why);
	if (bytes > 0) {
		client->sent_ += (size_t)bytes;
		client->deadline_ms_ = now->mono_ms + client->answer_ms_max;
	}
	err = receive(client, now, &fatal, why);
	if (err == TG_OK)
		return done(client, now);
	if (fatal)
		return give_up(client, err);
	if (err != TG_ERR_AGAIN)
		return broke(client, err, now, why);
	return now->mono_ms >= client->deadline_ms_ ? silent(client, why) : TG_ERR_AGAIN;
}

int tg_http_step(struct tg_http_client *client, const struct tg_now *now, struct tg_why *why)
{
	int err;

	TG_ASSERT(client->state_ != IDLE);
	if (client->state_ == OPENING) {
		err = tg_conn_step(&client->conn_, now);
		if (err == TG_ERR_AGAIN)
			return err;
		if (err != TG_OK) {
			tg_why_set(why, err, "%s", tg_conn_why(&client->conn_)->text);
			return give_up(client, err);
		}
		start_sending(client, now);
	}
	return client->state_ == SENDING ? step_sending(client, now, why)
					 : step_receiving(client, now, why);
}

void tg_http_want(const struct tg_http_client *client, struct tg_wants *wants)
{
	switch ((enum state)client->state_) {
	case IDLE:
		return;
	case OPENING:
		tg_conn_want(&client->conn_, wants, TG_WANT_WRITE);
		return;
	case SENDING:
		tg_conn_want(&client->conn_, wants, TG_WANT_READ | TG_WANT_WRITE);
		tg_wants_at(wants, client->deadline_ms_);
		return;
	case RECEIVING:
		tg_conn_want(&client->conn_, wants, TG_WANT_READ);
		tg_wants_at(wants, client->deadline_ms_);
		return;
	}
}
