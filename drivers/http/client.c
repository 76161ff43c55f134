#include "drivers/http/client.h"

#include "platform/assert.h"
#include "platform/loop.h"

/* Of the oldest unanswered request: ENDED until its answer is looked for. */
enum phase { ENDED, HEAD, BODY };
enum { WHOLE_ANSWER_TIMES = 10, SECOND_MS = 1000 };

void tg_http_place(struct tg_http_client *client, const struct tg_http_buffers *buffers)
{
	client->buffers_ = *buffers;
	client->window_ = (struct tg_http_window){ .at = buffers->recv, .cap = buffers->recv_cap };
	client->asked_ = 0;
	client->phase_ = ENDED;
	client->open_ = false;
	client->ready_ = false;
	tg_conn_none(&client->conn_);
}

void tg_http_init(struct tg_http_client *client, struct tg_arena *arena, uint8_t *answer,
		  size_t answer_cap)
{
	struct tg_http_buffers buffers = {
		.send = tg_arena_take(arena, CONFIG_TG_HTTP_SEND_BYTES),
		.send_cap = CONFIG_TG_HTTP_SEND_BYTES,
		.recv = tg_arena_take(arena, CONFIG_TG_HTTP_RECV_BYTES),
		.recv_cap = CONFIG_TG_HTTP_RECV_BYTES,
		.answer = answer,
		.answer_cap = answer_cap,
	};

	TG_ASSERT(buffers.send != NULL && buffers.recv != NULL);
	tg_http_place(client, &buffers);
}

static void close_conn(struct tg_http_client *client)
{
	if (client->open_)
		tg_conn_close(&client->conn_);
	client->open_ = false;
	client->ready_ = false;
}

void tg_http_close(struct tg_http_client *client)
{
	close_conn(client);
	client->asked_ = 0;
	client->phase_ = ENDED;
}

static int give_up(struct tg_http_client *client, int err)
{
	tg_http_close(client);
	return err;
}

/* --- asking --- */

static void start_sending(struct tg_http_client *client)
{
	client->sent_count_ = 0;
	client->sent_ = 0;
	client->filled_ = 0;
	client->head_sent_ = false;
	client->send_err_ = TG_OK;
	client->waiting_ = false;
}

static void start_response(struct tg_http_client *client, const struct tg_now *now)
{
	tg_http_response_start(&client->response, client->buffers_.answer,
			       client->buffers_.answer_cap, client->requests_[0].head_only);
	tg_http_response_want(&client->response, client->wanted, client->wanted_count);
	client->phase_ = HEAD;
	client->early = false;
	client->pulled_ = false;
	client->end_ms_ = now->mono_ms + (uint64_t)client->answer_ms_max * WHOLE_ANSWER_TIMES;
	tg_http_pace_start(&client->pace_);
}

static void open_fresh(struct tg_http_client *client, const struct tg_now *now)
{
	close_conn(client);
	start_sending(client);
	client->open_ = true;
	client->reused_ = false;
	if (tg_conn_open(&client->conn_, &client->target, now) != TG_OK)
		return; /* tg_conn_step() tells */
}

/* A kept connection is good while nothing came over it: neither its end nor an answer nobody asked
 * for. */
static bool still_good(struct tg_http_client *client, const struct tg_now *now)
{
	if (!client->ready_ ||
	    now->mono_ms - client->idle_since_ms_ > CONFIG_TG_HTTP_IDLE_SECONDS_MAX * SECOND_MS)
		return false;
	return tg_conn_recv(&client->conn_, client->buffers_.recv, client->buffers_.recv_cap) ==
	       TG_ERR_AGAIN;
}

void tg_http_ask(struct tg_http_client *client, const struct tg_http_request *request,
		 const struct tg_now *now)
{
	TG_ASSERT(client->asked_ < TG_HTTP_ASKED_MAX && (client->asked_ == 0 || !request->once));
	TG_ASSERT(client->asked_ == 0 || !client->requests_[0].once);
	client->requests_[client->asked_++] = *request;
	if (client->asked_ > 1)
		return;
	tg_http_window_clear(&client->window_);
	if (!still_good(client, now)) {
		open_fresh(client, now);
		return;
	}
	start_sending(client);
	client->reused_ = true;
}

unsigned tg_http_asked(const struct tg_http_client *client)
{
	return client->asked_;
}

/* --- sending --- */

/* The next bufferful: the head first, then the body. 1: there is something, 0: all is sent. */
static int refill(struct tg_http_client *client, struct tg_why *why)
{
	const struct tg_http_request *request = &client->requests_[client->sent_count_];
	struct tg_out head = { .at = client->buffers_.send, .cap = client->buffers_.send_cap };
	int bytes;

	client->sent_ = 0;
	client->filled_ = 0;
	if (!client->head_sent_) {
		if (request->body.read != NULL)
			request->body.rewind(request->body.context);
		request->head(request->context, &head);
		TG_ASSERT(!tg_out_overran(&head));
		client->filled_ = tg_out_filled(&head);
		client->head_sent_ = true;
	}
	if (request->body.read == NULL || client->filled_ == client->buffers_.send_cap)
		return client->filled_ > 0;
	bytes = request->body.read(request->body.context, client->buffers_.send + client->filled_,
				   client->buffers_.send_cap - client->filled_);
	if (bytes < 0)
		return tg_why_set(why, bytes,
				  "a record could not be read from the store (%s): run "
				  "`tidegate outbox verify`",
				  tg_err_name(bytes));
	client->filled_ += (size_t)bytes;
	return client->filled_ > 0;
}

/* 1: there are bytes to send. Moves on to the next request where one is sent whole. */
static int next_bytes(struct tg_http_client *client, struct tg_why *why)
{
	while (client->sent_ == client->filled_ && client->sent_count_ < client->asked_) {
		int more = refill(client, why);

		if (more < 0)
			return more;
		if (more == 0) {
			client->sent_count_++;
			client->head_sent_ = false;
		}
	}
	return client->sent_ < client->filled_;
}

/* Bytes came or went: the peer is not silent, but may be too slow. */
static int note_moved(struct tg_http_client *client, int bytes, const struct tg_now *now,
		      struct tg_why *why)
{
	client->waiting_ = false;
	if (tg_http_pace_moved(&client->pace_, (uint64_t)bytes, now->mono_ms,
			       client->answer_ms_max))
		return TG_OK;
	return tg_why_set(why, TG_ERR_TIMEOUT,
			  "%s port %u moves fewer than %d bytes a second: check the target and the "
			  "way there",
			  client->target.host, (unsigned)client->target.port,
			  CONFIG_TG_HTTP_RATE_BYTES_MIN);
}

/* One bufferful. A failed connection is only noted: an answer that explains it may lie in the
 * socket already. TG_ERR_AGAIN: not open yet; other errors are ours. */
static int push(struct tg_http_client *client, const struct tg_now *now, struct tg_why *why)
{
	int bytes, more;

	if (!client->ready_) {
		int err = tg_conn_step(&client->conn_, now);

		if (err != TG_OK && err != TG_ERR_AGAIN)
			tg_why_set(why, err, "%s", tg_conn_why(&client->conn_)->text);
		if (err != TG_OK)
			return err;
		client->ready_ = true;
	}
	if (client->send_err_ != TG_OK || client->sent_count_ == client->asked_)
		return TG_OK;
	more = next_bytes(client, why);
	if (more <= 0)
		return more;
	bytes = tg_conn_send(&client->conn_, client->buffers_.send + client->sent_,
			     client->filled_ - client->sent_);
	if (bytes == TG_ERR_AGAIN)
		return TG_OK;
	if (bytes < 0) {
		client->send_err_ = bytes;
		return TG_OK;
	}
	client->sent_ += (size_t)bytes;
	client->end_ms_ = now->mono_ms + (uint64_t)client->answer_ms_max * WHOLE_ANSWER_TIMES;
	return note_moved(client, bytes, now, why);
}

/* --- ending --- */

/* What is asked behind it goes out again where the connection ends with this answer. */
static void finish(struct tg_http_client *client, const struct tg_now *now)
{
	/* An answer may overtake our noticing that the last byte was sent; otherwise it is early.
	 */
	if (client->send_err_ == TG_OK && client->sent_count_ == 0)
		(void)!next_bytes(client, NULL);
	client->early = client->sent_count_ == 0;
	bool keep = client->response.keep_alive && !client->early && client->send_err_ == TG_OK;
	client->asked_--;
	for (unsigned i = 0; i < client->asked_; i++)
		client->requests_[i] = client->requests_[i + 1];
	client->sent_count_ -= !client->early;
	if (client->sent_count_ == 0 && tg_http_window_raw(&client->window_).bytes > 0)
		keep = false; /* bytes behind the answer that nobody asked for */
	client->phase_ = ENDED;
	client->idle_since_ms_ = now->mono_ms;
	client->waiting_ = false;
	client->reused_ = true;
	if (keep)
		return;
	tg_http_window_use(&client->window_, tg_http_window_raw(&client->window_).bytes, 0);
	if (client->asked_ > 0)
		open_fresh(client, now);
	else
		close_conn(client);
}

/* The connection broke. 0: that ends the answer; TG_ERR_AGAIN: asked anew. */
static int broke(struct tg_http_client *client, int err, const struct tg_now *now,
		 struct tg_why *why)
{
	if (client->reused_ && !client->response.began && !client->requests_[0].once) {
		tg_http_window_clear(&client->window_);
		open_fresh(client, now);
		start_response(client, now);
		return TG_ERR_AGAIN;
	}
	if (err == TG_ERR_CLOSED) {
		int rc = tg_http_response_end(&client->response, why);

		return rc == TG_OK ? rc : give_up(client, rc);
	}
	tg_why_set(why, err, "%s", tg_conn_why(&client->conn_)->text);
	return give_up(client, err);
}

static int silent(struct tg_http_client *client, struct tg_why *why)
{
	const char *what = client->sent_count_ == 0 ? "did not take the request"
			   : client->response.began ? "did not finish its answer"
						    : "did not answer";

	tg_why_set(why, TG_ERR_TIMEOUT,
		   "%s port %u %s within %u seconds: check the target, or raise "
		   "answer_seconds",
		   client->target.host, (unsigned)client->target.port, what,
		   (unsigned)(client->answer_ms_max / SECOND_MS));
	return give_up(client, TG_ERR_TIMEOUT);
}

/* --- receiving --- */

/* Bytes received, or an error. */
static int fill(struct tg_http_client *client)
{
	size_t room;
	uint8_t *at = tg_http_window_room(&client->window_, &room);
	int bytes;

	if (room == 0)
		return TG_ERR_LIMIT;
	if (room > CONFIG_TG_HTTP_PULL_BYTES_MAX)
		room = CONFIG_TG_HTTP_PULL_BYTES_MAX;
	bytes = tg_conn_recv(&client->conn_, at, room);
	if (bytes > 0)
		tg_http_window_fill(&client->window_, (size_t)bytes);
	return bytes;
}

static int wait_on(struct tg_http_client *client, const struct tg_now *now, struct tg_why *why)
{
	if (!client->waiting_) {
		client->waiting_ = true;
		client->deadline_ms_ = now->mono_ms + client->answer_ms_max;
	}
	if (client->response.began || client->sent_count_ == 0)
		tg_http_pace_wait(&client->pace_, now->mono_ms);
	if (now->mono_ms >= client->deadline_ms_ ||
	    (!client->pulled_ && now->mono_ms >= client->end_ms_))
		return silent(client, why);
	return TG_ERR_AGAIN;
}

/* Sends and receives some. 0: look again at the window and at the answer; TG_ERR_AGAIN: nothing
 * more now. */
static int exchange(struct tg_http_client *client, const struct tg_now *now, struct tg_why *why)
{
	int err = push(client, now, why);

	if (err == TG_ERR_AGAIN)
		return err;
	if (err != TG_OK)
		return give_up(client, err);
	err = fill(client);
	if (err == TG_ERR_LIMIT)
		return tg_why_set(why, err, "the buffer of %zu bytes is full of one answer",
				  client->window_.cap);
	if (err == TG_ERR_AGAIN && client->send_err_ == TG_OK)
		return wait_on(client, now, why);
	if (err < 0)
		return broke(client, err == TG_ERR_AGAIN ? client->send_err_ : err, now, why);
	err = note_moved(client, err, now, why);
	return err == TG_OK ? err : give_up(client, err);
}

/* Understands what lies there: to the end of the head, or of the body's runs. */
static int understand(struct tg_http_client *client, struct tg_why *why)
{
	struct tg_http_response *response = &client->response;
	struct tg_http_taken taken;
	struct tg_view raw;
	int err = TG_OK;

	while (err == TG_OK && !response->done && (client->phase_ == BODY || !response->headed)) {
		raw = tg_http_window_raw(&client->window_);
		if (raw.bytes == 0)
			break;
		err = tg_http_response_take(response, raw, &taken, why);
		tg_http_window_use(&client->window_, taken.used, taken.body.bytes);
	}
	return err == TG_OK ? err : give_up(client, err);
}

int tg_http_answer(struct tg_http_client *client, const struct tg_now *now, struct tg_why *why)
{
	int err;

	TG_ASSERT(client->asked_ > 0 && client->phase_ != BODY);
	if (client->phase_ == ENDED) {
		tg_http_window_take(&client->window_, tg_http_window_body(&client->window_).bytes);
		client->shown_ = 0;
		start_response(client, now);
	}
	do {
		err = understand(client, why);
		if (err == TG_OK && client->response.headed) {
			client->phase_ = BODY;
			return err;
		}
		if (err == TG_OK)
			err = exchange(client, now, why);
	} while (err == TG_OK);
	return err;
}

static int refuse_encoding(struct tg_http_client *client, struct tg_why *why)
{
	tg_why_set(why, TG_ERR_PROTOCOL,
		   "%s port %u encodes its answer though nobody asked for it: look at the proxy "
		   "before it",
		   client->target.host, (unsigned)client->target.port);
	return give_up(client, TG_ERR_PROTOCOL);
}

/* As tg_http_pull(), of any encoding. */
static int pull(struct tg_http_client *client, const struct tg_now *now, struct tg_view *view,
		struct tg_why *why)
{
	int err;

	TG_ASSERT(client->asked_ > 0 && client->phase_ == BODY);
	for (;;) {
		err = understand(client, why);
		if (err != TG_OK)
			return err;
		*view = tg_http_window_body(&client->window_);
		if (client->response.done || view->bytes > client->shown_)
			break;
		err = exchange(client, now, why);
		if (err != TG_OK)
			return err;
	}
	if (view->bytes > client->shown_) {
		client->shown_ = view->bytes;
		return 1;
	}
	finish(client, now);
	return 0;
}

int tg_http_pull(struct tg_http_client *client, const struct tg_now *now, struct tg_view *view,
		 struct tg_why *why)
{
	client->pulled_ = true;
	*view = tg_view_of(NULL, 0);
	return client->response.encoded ? refuse_encoding(client, why)
					: pull(client, now, view, why);
}

void tg_http_taken(struct tg_http_client *client, size_t bytes)
{
	TG_ASSERT(bytes <= client->shown_);
	client->shown_ -= bytes;
	tg_http_window_take(&client->window_, bytes);
}

int tg_http_drain(struct tg_http_client *client, const struct tg_now *now, struct tg_why *why)
{
	struct tg_view view = tg_view_of(NULL, 0);
	int got;

	while ((got = pull(client, now, &view, why)) == 1) {
		tg_http_response_keep(&client->response, view);
		tg_http_taken(client, view.bytes);
		if (client->response.read_bytes > CONFIG_TG_HTTP_BODY_BYTES_MAX) {
			client->response.body_cut = true;
			client->response.keep_alive = false; /* the rest is not waited for */
			finish(client, now);
			return TG_OK;
		}
	}
	return got;
}

/* --- one request at a time --- */

void tg_http_begin(struct tg_http_client *client, const struct tg_http_request *request,
		   const struct tg_now *now)
{
	TG_ASSERT(client->asked_ == 0);
	tg_http_ask(client, request, now);
}

int tg_http_step(struct tg_http_client *client, const struct tg_now *now, struct tg_why *why)
{
	int err = client->phase_ == BODY ? TG_OK : tg_http_answer(client, now, why);

	return err == TG_OK ? tg_http_drain(client, now, why) : err;
}

void tg_http_want(const struct tg_http_client *client, struct tg_wants *wants)
{
	if (client->asked_ == 0)
		return;
	if (!client->ready_) {
		tg_conn_want(&client->conn_, wants, TG_WANT_WRITE);
		return;
	}
	tg_conn_want(&client->conn_, wants,
		     client->sent_count_ < client->asked_ ? TG_WANT_READ | TG_WANT_WRITE
							  : TG_WANT_READ);
	if (client->waiting_)
		tg_wants_at(wants, client->deadline_ms_);
	if (tg_http_window_raw(&client->window_).bytes > 0)
		tg_wants_at(wants, 0);
}
