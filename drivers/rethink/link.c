#include "drivers/rethink/link.h"

#include "platform/assert.h"
#include "platform/loop.h"

enum state { CLOSED, DIALLING, LOGIN, UP };

enum { HEAD_BYTES = 12 };

/* Never waited for, so that its answer is passed over like that of an old query. */
enum { PING_TOKEN = 0 };

void tg_link_init(struct tg_link *link, const struct tg_rethink_config *config, uint8_t *window,
		  size_t window_bytes)
{
	memset(link, 0, sizeof(*link));
	link->config_ = config;
	link->window_ = (struct tg_window){ .at = window, .cap = window_bytes };
	link->login_ = (struct tg_login){ .user = config->user,
					  .password = config->password,
					  .peer = config->peer };
	tg_conn_none(&link->conn_);
}

int tg_link_open(struct tg_link *link, const struct tg_now *now, struct tg_why *why)
{
	TG_ASSERT(link->state_ == CLOSED);
	link->window_.from = link->window_.fill = 0;
	link->send_bytes_ = link->sent_bytes_ = 0;
	memset(link->awaited_, 0, sizeof(link->awaited_));
	link->token_ = link->token_last_ = 0;
	link->unread_ = false;
	tg_response_start(&link->response, link->window_.cap - CONFIG_TG_RETHINK_RECV_BYTES);
	int rc = tg_handshake_start(&link->handshake_, &link->login_, &link->cache_, why);
	if (rc != TG_OK)
		return rc;
	link->state_ = DIALLING;
	rc = tg_conn_open(&link->conn_, &link->config_->target, now);
	if (rc == TG_OK || rc == TG_ERR_AGAIN)
		return TG_OK;
	*why = *tg_conn_why(&link->conn_);
	tg_link_close(link);
	return rc;
}

bool tg_link_is_dialling(const struct tg_link *link)
{
	return link->state_ == DIALLING;
}

bool tg_link_is_up(const struct tg_link *link)
{
	return link->state_ == UP;
}

const char *tg_link_version(const struct tg_link *link)
{
	return link->handshake_.version;
}

const char *tg_link_tls(const struct tg_link *link)
{
	return link->conn_.tls_ == NULL ? "" : tg_tls_describe(link->conn_.tls_);
}

/* --- the login --- */

/* What a broken connection means depends on how far the login came; TLS has its own sentences. */
static int login_broke(struct tg_link *link, int err, struct tg_why *why)
{
	if (err == TG_ERR_CLOSED || (err == TG_ERR_RESET && link->config_->target.tls == NULL))
		return tg_handshake_ended(&link->handshake_, err, why);
	*why = *tg_conn_why(&link->conn_);
	return err;
}

static int send_login(struct tg_link *link, struct tg_why *why)
{
	struct tg_view out = tg_handshake_out(&link->handshake_);

	while (out.bytes > 0) {
		int rc = tg_conn_send(&link->conn_, out.at, out.bytes);
		if (rc == TG_ERR_AGAIN)
			return TG_OK;
		if (rc < 0)
			return login_broke(link, rc, why);
		tg_handshake_sent(&link->handshake_, (size_t)rc);
		out = tg_handshake_out(&link->handshake_);
	}
	return TG_OK;
}

static int feed_login(struct tg_link *link, struct tg_why *why)
{
	struct tg_window *window = &link->window_;
	size_t used = 0;
	struct tg_view bytes = tg_view_of(window->at + window->from, window->fill - window->from);
	int rc = tg_handshake_feed(&link->handshake_, bytes, &used, why);

	window->from += used;
	return rc;
}

static int read_login(struct tg_link *link, struct tg_why *why)
{
	struct tg_window *window = &link->window_;
	int rc = feed_login(link, why);

	while (rc == TG_ERR_AGAIN && !tg_handshake_busy(&link->handshake_)) {
		size_t room = tg_window_room(window, CONFIG_TG_RETHINK_RECV_BYTES);
		int bytes = tg_conn_recv(&link->conn_, window->at + window->fill, room);
		if (bytes == TG_ERR_AGAIN)
			break;
		if (bytes < 0)
			return login_broke(link, bytes, why);
		window->fill += (size_t)bytes;
		rc = feed_login(link, why);
	}
	return rc;
}

static int step_login(struct tg_link *link, const struct tg_now *now, struct tg_why *why)
{
	tg_handshake_step(&link->handshake_);
	int rc = send_login(link, why);
	if (rc == TG_OK)
		rc = read_login(link, why);
	/* An answer of ours may have become due by what was read. */
	if (rc == TG_ERR_AGAIN && send_login(link, why) != TG_OK)
		return why->err;
	if (rc == TG_ERR_AGAIN && now->mono_ms >= link->deadline_ms_)
		return tg_handshake_silent(&link->handshake_, link->config_->login_ms_max, why);
	return rc;
}

int tg_link_login(struct tg_link *link, const struct tg_now *now, struct tg_why *why)
{
	int rc = TG_OK;

	if (link->state_ == DIALLING) {
		rc = tg_conn_step(&link->conn_, now);
		if (rc != TG_OK && rc != TG_ERR_AGAIN)
			*why = *tg_conn_why(&link->conn_);
		if (rc != TG_OK)
			return rc;
		link->state_ = LOGIN;
		link->deadline_ms_ = now->mono_ms + link->config_->login_ms_max;
	}
	TG_ASSERT(link->state_ == LOGIN);
	rc = step_login(link, now, why);
	if (rc == TG_OK)
		link->state_ = UP;
	return rc;
}

/* --- questions --- */

static void put_frame(struct tg_link *link, uint64_t token, struct tg_view query)
{
	uint8_t *at = link->send_ + link->send_bytes_;

	TG_ASSERT(query.bytes + HEAD_BYTES <= sizeof(link->send_) - link->send_bytes_);
	for (unsigned i = 0; i < 8; i++)
		at[i] = (uint8_t)(token >> (8 * i));
	for (unsigned i = 0; i < 4; i++)
		at[8 + i] = (uint8_t)(query.bytes >> (8 * i));
	memcpy(at + HEAD_BYTES, query.at, query.bytes);
	link->send_bytes_ += (uint32_t)(HEAD_BYTES + query.bytes);
}

/* Moves what is unsent to the buffer's begin and says how much room is behind it. */
static size_t send_room(struct tg_link *link)
{
	uint32_t unsent = link->send_bytes_ - link->sent_bytes_;

	memmove(link->send_, link->send_ + link->sent_bytes_, unsent);
	link->send_bytes_ = unsent;
	link->sent_bytes_ = 0;
	return sizeof(link->send_) - unsent;
}

static bool put_short(struct tg_link *link, uint64_t token, const char *query)
{
	if (send_room(link) < HEAD_BYTES + strlen(query))
		return false;
	put_frame(link, token, tg_view_str(query));
	return true;
}

/* A cursor may still be alive on the server: it is, unless its last answer has come. */
static void stop_present(struct tg_link *link)
{
	for (unsigned i = 0; i < TG_LINK_QUERIES_MAX; i++) {
		if (link->awaited_[i] > 0)
			(void)put_short(link, link->token_ + i, "[3]");
		link->awaited_[i] = 0;
	}
}

/* The send buffer holds the longest queries that can be under way, and some short ones. */
static int put_query(struct tg_link *link, struct tg_view query, const struct tg_now *now,
		     struct tg_why *why)
{
	if (query.bytes > TG_LINK_QUERY_BYTES_MAX || send_room(link) < query.bytes + HEAD_BYTES)
		return tg_why_set(why, TG_ERR_LIMIT,
				  "a query to %s would be longer than %d bytes: a name is too long",
				  link->config_->peer, TG_LINK_QUERY_BYTES_MAX);
	link->token_last_++;
	put_frame(link, link->token_last_, query);
	link->heard_ms_ = now->mono_ms;
	link->pinged_ = false;
	return TG_OK;
}

int tg_link_ask(struct tg_link *link, struct tg_view query, const struct tg_now *now,
		struct tg_why *why)
{
	TG_ASSERT(link->state_ == UP);
	stop_present(link);
	int rc = put_query(link, query, now, why);
	if (rc != TG_OK)
		return rc;
	link->token_ = link->token_last_;
	link->awaited_[0] = 1;
	return TG_OK;
}

int tg_link_ask_beside(struct tg_link *link, struct tg_view query, const struct tg_now *now,
		       struct tg_why *why)
{
	TG_ASSERT(link->state_ == UP && link->token_ != 0 && link->token_last_ == link->token_);
	int rc = put_query(link, query, now, why);
	if (rc == TG_OK)
		link->awaited_[1] = 1;
	return rc;
}

unsigned tg_link_which(const struct tg_link *link)
{
	return link->response.token > link->token_ ? 1 : 0;
}

void tg_link_more(struct tg_link *link, const struct tg_now *now)
{
	TG_ASSERT(link->state_ == UP && link->token_ != 0);
	/* At most two of each query are under way, so there is always room for it. */
	bool put = put_short(link, link->response.token, "[2]");
	TG_ASSERT(put);
	link->awaited_[tg_link_which(link)]++;
	link->heard_ms_ = now->mono_ms;
}

void tg_link_ahead(struct tg_link *link)
{
	TG_ASSERT(link->state_ == UP && link->token_ != 0);
	if (put_short(link, link->token_last_, "[2]"))
		link->awaited_[link->token_last_ - link->token_]++;
}

static int broke(struct tg_link *link, int err, struct tg_why *why)
{
	if (err == TG_ERR_CLOSED || (err == TG_ERR_RESET && link->config_->target.tls == NULL))
		return tg_why_set(why, err,
				  "%s ended the connection in mid-conversation; it is made anew",
				  link->config_->peer);
	*why = *tg_conn_why(&link->conn_);
	return err;
}

static int flush(struct tg_link *link, struct tg_why *why)
{
	while (link->sent_bytes_ < link->send_bytes_) {
		int rc = tg_conn_send(&link->conn_, link->send_ + link->sent_bytes_,
				      link->send_bytes_ - link->sent_bytes_);
		if (rc == TG_ERR_AGAIN)
			return TG_OK;
		if (rc < 0)
			return broke(link, rc, why);
		link->sent_bytes_ += (uint32_t)rc;
	}
	return TG_OK;
}

/* --- answers --- */

static bool is_waiting(const struct tg_link *link)
{
	return link->awaited_[0] + link->awaited_[1] > 0;
}

static int check_silence(struct tg_link *link, const struct tg_now *now, struct tg_why *why)
{
	uint64_t quiet_ms = now->mono_ms - link->heard_ms_;
	uint32_t max_ms = link->config_->answer_ms_max;

	if (!is_waiting(link) || quiet_ms < max_ms / 2)
		return TG_ERR_AGAIN;
	if (quiet_ms >= max_ms)
		return tg_why_set(why, TG_ERR_TIMEOUT,
				  "%s has not answered for %u s; the connection is made anew",
				  link->config_->peer, max_ms / 1000);
	if (!link->pinged_ && put_short(link, PING_TOKEN, "[5]")) {
		link->pinged_ = true;
		int rc = flush(link, why);
		if (rc != TG_OK)
			return rc;
	}
	return TG_ERR_AGAIN;
}

static int receive(struct tg_link *link, const struct tg_now *now, struct tg_why *why)
{
	struct tg_window *window = &link->window_;
	size_t room = tg_window_room(window, CONFIG_TG_RETHINK_RECV_BYTES);

	TG_ASSERT(room > 0);
	int bytes = tg_conn_recv(&link->conn_, window->at + window->fill, room);
	if (bytes == TG_ERR_AGAIN)
		return check_silence(link, now, why);
	if (bytes < 0)
		return broke(link, bytes, why);
	window->fill += (size_t)bytes;
	link->bytes_read += (uint64_t)bytes;
	link->heard_ms_ = now->mono_ms;
	link->pinged_ = false;
	link->unread_ = true;
	return TG_OK;
}

static int take_event(struct tg_link *link, int event, struct tg_why *why)
{
	uint32_t *awaited = &link->awaited_[tg_link_which(link)];

	if (link->response.token > link->token_last_ || *awaited == 0)
		return tg_why_set(why, TG_ERR_PROTOCOL,
				  "%s answered a question that was never asked; the connection is "
				  "made anew",
				  link->config_->peer);
	if (event == TG_RESPONSE_END)
		(*awaited)--;
	/* What was asked ahead of the end is refused, and passed over with the next query. */
	if (event == TG_RESPONSE_END && link->response.type != TG_RESPONSE_PARTIAL)
		*awaited = 0;
	return event;
}

int tg_link_next(struct tg_link *link, const struct tg_now *now, struct tg_why *why)
{
	TG_ASSERT(link->state_ == UP);
	int rc = flush(link, why);
	if (rc != TG_OK)
		return rc;
	if (!link->unread_) {
		rc = receive(link, now, why);
		if (rc != TG_OK)
			return rc;
	}
	/* A frame whose query was given up in its middle still comes to its end. */
	do {
		rc = tg_response_next(&link->response, &link->window_, link->token_, why);
	} while (rc > TG_RESPONSE_MORE && link->response.token < link->token_);
	if (rc == TG_RESPONSE_MORE) {
		link->unread_ = false;
		return TG_ERR_AGAIN;
	}
	return rc < 0 ? rc : take_event(link, rc, why);
}

void tg_link_want(const struct tg_link *link, struct tg_wants *wants)
{
	unsigned events = TG_WANT_READ;
	bool login = link->state_ == DIALLING || link->state_ == LOGIN;

	if (link->state_ == CLOSED)
		return;
	if (link->unread_ || (login && tg_handshake_busy(&link->handshake_)))
		tg_wants_at(wants, 0);
	if (link->sent_bytes_ < link->send_bytes_ ||
	    (login && tg_handshake_out(&link->handshake_).bytes > 0))
		events |= TG_WANT_WRITE;
	tg_conn_want(&link->conn_, wants, events);
	if (link->state_ == LOGIN)
		tg_wants_at(wants, link->deadline_ms_);
	if (link->state_ == UP && is_waiting(link))
		tg_wants_at(wants, link->heard_ms_ +
					   link->config_->answer_ms_max / (link->pinged_ ? 1 : 2));
}

void tg_link_close(struct tg_link *link)
{
	struct tg_why ignored;

	if (link->state_ == UP) {
		stop_present(link);
		/* What the socket does not take now is settled by closing it. */
		(void)!flush(link, &ignored);
	}
	tg_conn_close(&link->conn_);
	link->state_ = CLOSED;
}
