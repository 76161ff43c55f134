#include "drivers/http/response.h"

#include <strings.h>

#include "drivers/http/date.h"
#include "drivers/http/token.h"
#include "platform/assert.h"

enum state { STATUS, HEADER, BODY_SIZED, BODY_TO_END, CHUNK_SIZE, CHUNK, CHUNK_END, TRAILER, DONE };
enum { DAY_SECONDS = 86400, SECOND_MS = 1000 };
enum { INTERIM_MAX = 16, STATUS_LINE_BYTES_MIN = 12 };

void tg_http_response_start(struct tg_http_response *response, uint8_t *body, size_t body_cap,
			    bool head_only)
{
	memset(response, 0, sizeof(*response));
	response->body = body;
	response->body_cap = body_cap;
	response->no_body_ = head_only;
	response->state_ = STATUS;
}

void tg_http_response_want(struct tg_http_response *response, struct tg_http_wanted *wanted,
			   unsigned count)
{
	response->wanted_ = wanted;
	response->wanted_count_ = count;
	for (unsigned i = 0; i < count; i++) {
		TG_ASSERT(wanted[i].cap > 0);
		wanted[i].into[0] = '\0';
		wanted[i].bytes = 0;
	}
}

/* --- the head --- */

/* What the first bytes say of the peer when they are not HTTP. 0x15 and 0x16 begin a TLS record. */
static int check_first(struct tg_http_response *response, uint8_t byte, struct tg_why *why)
{
	if (response->began)
		return TG_OK;
	response->began = true;
	if (byte == 0x15 || byte == 0x16)
		return tg_why_set(why, TG_ERR_PEER_TLS,
				  "the target answers in TLS to plain http: write "
				  "https:// in the url");
	if (byte != 'H')
		return tg_why_set(why, TG_ERR_PEER_OTHER,
				  "the target does not answer in HTTP: check host "
				  "and port of the url");
	return TG_OK;
}

/* "HTTP/1.1 200 OK", the reason may be missing. */
static int read_status(struct tg_http_response *response, struct tg_why *why)
{
	const char *line = response->line_;

	if (response->line_cut_ || response->line_bytes_ < STATUS_LINE_BYTES_MIN ||
	    memcmp(line, "HTTP/1.", 7) != 0 || !tg_http_is_digit(line[7]) || line[8] != ' ' ||
	    line[9] < '1' || line[9] > '5' || !tg_http_is_digit(line[10]) ||
	    !tg_http_is_digit(line[11]) || (line[12] != '\0' && line[12] != ' '))
		return tg_why_set(why, TG_ERR_PROTOCOL,
				  "the target's answer does not begin with an HTTP/1.x "
				  "status line: check the url");
	response->http10_ = line[7] == '0';
	response->status = (unsigned)(line[9] - '0') * 100 + (unsigned)(line[10] - '0') * 10 +
			   (unsigned)(line[11] - '0');
	response->state_ = HEADER;
	return TG_OK;
}

static int broken(struct tg_why *why, const char *what)
{
	return tg_why_set(why, TG_ERR_PROTOCOL,
			  "the target's answer is not sound HTTP: %s; look at the "
			  "server or the proxy before it",
			  what);
}

/* "5", and also "5, 5", which some proxies make of two equal headers. */
static int read_length(struct tg_http_response *response, const char *value, struct tg_why *why)
{
	for (;;) {
		uint64_t bytes;

		if (!tg_http_number(&value, &bytes))
			return broken(why, "its Content-Length is no number");
		if (response->sized_ && response->left_ != bytes)
			return broken(why, "it has two different lengths");
		response->sized_ = true;
		response->left_ = bytes;
		value += strspn(value, " \t");
		if (*value == '\0')
			return TG_OK;
		if (*value != ',')
			return broken(why, "its Content-Length is no number");
		value += 1 + strspn(value + 1, " \t");
	}
}

/* A value that does not fit is cut; one whose line was cut already keeps nothing but that it is. */
static void keep_wanted(struct tg_http_response *response, const char *name, const char *value)
{
	for (unsigned i = 0; i < response->wanted_count_; i++) {
		struct tg_http_wanted *one = &response->wanted_[i];
		size_t bytes = response->line_cut_ ? 0 : strlen(value);

		if (strcasecmp(name, one->name) != 0)
			continue;
		one->bytes = response->line_cut_ ? sizeof(response->line_) : bytes;
		if (bytes >= one->cap)
			bytes = one->cap - 1;
		memcpy(one->into, value, bytes);
		one->into[bytes] = '\0';
	}
}

static int take_header(struct tg_http_response *response, const char *name, const char *value,
		       struct tg_why *why)
{
	if (strcasecmp(name, "content-length") == 0)
		return read_length(response, value, why);
	if (strcasecmp(name, "transfer-encoding") == 0) {
		response->coded_ = true;
		response->chunked_ = tg_http_last_token(value, "chunked");
		response->encoded = response->encoded || strcasecmp(value, "chunked") != 0;
	} else if (strcasecmp(name, "connection") == 0) {
		response->close_ = response->close_ || tg_http_has_token(value, "close");
		response->stay_ = response->stay_ || tg_http_has_token(value, "keep-alive");
	} else if (strcasecmp(name, "content-encoding") == 0) {
		response->encoded = response->encoded || strcasecmp(value, "identity") != 0;
	} else if (strcasecmp(name, "content-type") == 0) {
		tg_http_keep(response->content_type, value);
	} else if (strcasecmp(name, "retry-after") == 0) {
		tg_http_keep(response->retry_after, value);
	} else if (strcasecmp(name, "date") == 0) {
		tg_http_keep(response->date, value);
	} else if (strcasecmp(name, "location") == 0) {
		tg_http_keep(response->location, value);
	}
	return TG_OK;
}

/* A line too long to hold is passed over, unless its name is one that frames the body. */
static int read_header(struct tg_http_response *response, struct tg_why *why)
{
	char *colon = strchr(response->line_, ':');
	char *value;

	if (++response->lines_ > CONFIG_TG_HTTP_HEADERS_MAX)
		return tg_why_set(why, TG_ERR_LIMIT,
				  "the head of the target's answer has more than %d lines: "
				  "check the url",
				  CONFIG_TG_HTTP_HEADERS_MAX);
	if (response->line_[0] == ' ' || response->line_[0] == '\t')
		return broken(why, "a header line is folded");
	if (colon == NULL || !tg_http_is_token(response->line_, (size_t)(colon - response->line_)))
		return response->line_cut_ ? TG_OK : broken(why, "a header line has no name");
	*colon = '\0';
	value = colon + 1 + strspn(colon + 1, " \t");
	for (char *end = value + strlen(value); end > value && (end[-1] == ' ' || end[-1] == '\t');)
		*--end = '\0';
	if (response->line_cut_ && (strcasecmp(response->line_, "content-length") == 0 ||
				    strcasecmp(response->line_, "transfer-encoding") == 0))
		return broken(why, "a header line is too long");
	keep_wanted(response, response->line_, value);
	return response->line_cut_ ? TG_OK : take_header(response, response->line_, value, why);
}

/* Section 6.3: how the body's length is known. */
static void begin_body(struct tg_http_response *response)
{
	response->headed = true;
	response->keep_alive = !response->close_ && (!response->http10_ || response->stay_);
	if (response->coded_ && response->sized_)
		response->keep_alive = false; /* both: someone may be smuggling */
	if (response->no_body_ || response->status == 204 || response->status == 304) {
		response->state_ = DONE;
	} else if (response->chunked_) {
		response->state_ = CHUNK_SIZE;
	} else if (response->sized_ && !response->coded_) {
		response->state_ = response->left_ == 0 ? DONE : BODY_SIZED;
	} else {
		response->state_ = BODY_TO_END;
		response->keep_alive = false;
	}
}

static int end_head(struct tg_http_response *response, struct tg_why *why)
{
	unsigned interim = response->interim_ + 1;
	bool no_body = response->no_body_;
	struct tg_http_wanted *wanted = response->wanted_;
	unsigned count = response->wanted_count_;

	if (response->status >= 200) {
		begin_body(response);
		return TG_OK;
	}
	if (response->status == 101)
		return broken(why, "it switches protocols, which nobody asked for");
	if (interim > INTERIM_MAX)
		return broken(why, "its interim answers (1xx) do not end");
	tg_http_response_start(response, response->body, response->body_cap, no_body);
	tg_http_response_want(response, wanted, count);
	response->interim_ = interim;
	response->began = true;
	return TG_OK;
}

/* --- the body --- */

static int read_chunk_size(struct tg_http_response *response, struct tg_why *why)
{
	const char *at = response->line_;
	uint64_t bytes = 0;
	unsigned digits = 0;

	for (; tg_http_hex(*at) >= 0; at++, digits++)
		bytes = bytes << 4 | (uint64_t)tg_http_hex(*at);
	at += strspn(at, " \t");
	if (digits == 0 || digits > 15 || (*at != '\0' && *at != ';'))
		return broken(why, "a chunk has no size");
	response->left_ = bytes;
	response->state_ = bytes == 0 ? TRAILER : CHUNK;
	return TG_OK;
}

/* Takes the run of the body at the beginning of `bytes`. Returns how long it is. */
static size_t read_body(struct tg_http_response *response, struct tg_view bytes)
{
	size_t run = bytes.bytes;

	if (response->state_ != BODY_TO_END) {
		run = run > response->left_ ? (size_t)response->left_ : run;
		response->left_ -= run;
	}
	response->read_bytes += run;
	if (response->state_ == BODY_SIZED && response->left_ == 0)
		response->state_ = DONE;
	if (response->state_ == CHUNK && response->left_ == 0)
		response->state_ = CHUNK_END;
	return run;
}

void tg_http_response_keep(struct tg_http_response *response, struct tg_view body)
{
	size_t room = response->body_cap - response->body_bytes;

	if (room < body.bytes) {
		response->body_cut = true;
		body.bytes = room;
	}
	if (body.bytes != 0)
		memcpy(response->body + response->body_bytes, body.at, body.bytes);
	response->body_bytes += body.bytes;
}

/* --- lines --- */

static int end_line(struct tg_http_response *response, struct tg_why *why)
{
	bool empty = response->line_bytes_ == 0;

	switch ((enum state)response->state_) {
	case STATUS:
		return read_status(response, why);
	case HEADER:
		return empty ? end_head(response, why) : read_header(response, why);
	case CHUNK_SIZE:
		return read_chunk_size(response, why);
	case CHUNK_END:
		response->state_ = CHUNK_SIZE;
		return empty ? TG_OK : broken(why, "a chunk is longer than it says");
	case TRAILER:
		if (empty)
			response->state_ = DONE;
		return TG_OK;
	case BODY_SIZED:
	case BODY_TO_END:
	case CHUNK:
	case DONE:
		break;
	}
	tg_assert_failed("lines end outside the body", __FILE__, __LINE__);
}

static void add_to_line(struct tg_http_response *response, const uint8_t *at, size_t bytes)
{
	size_t room = sizeof(response->line_) - 1 - response->line_bytes_;

	if (bytes > room) {
		response->line_cut_ = true;
		bytes = room;
	}
	memcpy(response->line_ + response->line_bytes_, at, bytes);
	response->line_bytes_ += bytes;
}

/* Takes bytes up to the line's end. Returns how many, or an error. */
static int read_line(struct tg_http_response *response, struct tg_view bytes, size_t *used,
		     struct tg_why *why)
{
	const uint8_t *lf = memchr(bytes.at, '\n', bytes.bytes);
	size_t run = lf != NULL ? (size_t)(lf - bytes.at) : bytes.bytes;
	int err;

	*used = lf != NULL ? run + 1 : run;
	response->head_bytes_ += *used;
	if (response->head_bytes_ > CONFIG_TG_HTTP_HEAD_BYTES_MAX && response->state_ < BODY_SIZED)
		return tg_why_set(why, TG_ERR_LIMIT,
				  "the head of the target's answer does not end after %d "
				  "bytes: check the url",
				  CONFIG_TG_HTTP_HEAD_BYTES_MAX);
	if (response->head_bytes_ > 2u * CONFIG_TG_HTTP_HEAD_BYTES_MAX + response->read_bytes * 16)
		return broken(why, "it is all chunk heads or trailers");
	add_to_line(response, bytes.at, run);
	if (lf == NULL)
		return TG_OK;
	if (response->line_bytes_ > 0 && response->line_[response->line_bytes_ - 1] == '\r')
		response->line_bytes_--;
	response->line_[response->line_bytes_] = '\0';
	if (memchr(response->line_, '\0', response->line_bytes_) != NULL ||
	    memchr(response->line_, '\r', response->line_bytes_) != NULL)
		return broken(why, "a header line holds a control character");
	err = end_line(response, why);
	response->line_bytes_ = 0;
	response->line_cut_ = false;
	return err;
}

static bool in_body(const struct tg_http_response *response)
{
	return response->state_ == BODY_SIZED || response->state_ == BODY_TO_END ||
	       response->state_ == CHUNK;
}

int tg_http_response_take(struct tg_http_response *response, struct tg_view bytes,
			  struct tg_http_taken *taken, struct tg_why *why)
{
	int err;

	*taken = (struct tg_http_taken){ .used = 0 };
	TG_ASSERT(response->state_ != DONE && bytes.bytes > 0);
	err = check_first(response, bytes.at[0], why);
	if (err != TG_OK)
		return err;
	if (in_body(response)) {
		taken->used = read_body(response, bytes);
		taken->body = tg_view_of(bytes.at, taken->used);
	} else {
		err = read_line(response, bytes, &taken->used, why);
	}
	response->done = response->state_ == DONE;
	return err;
}

int tg_http_response_end(struct tg_http_response *response, struct tg_why *why)
{
	if (response->state_ == BODY_TO_END)
		response->state_ = DONE;
	response->done = response->state_ == DONE;
	if (response->done)
		return TG_OK;
	return tg_why_set(why, TG_ERR_CLOSED,
			  response->began
				  ? "the target ended the connection in the middle of its answer"
				  : "the target ended the connection without an answer");
}

/* --- Retry-After --- */

uint64_t tg_http_retry_after_ms(const struct tg_http_response *response, int64_t wall_ms)
{
	const char *at = response->retry_after;
	int64_t now = wall_ms / SECOND_MS, then;
	uint64_t seconds;

	if (tg_http_number(&at, &seconds) && *at == '\0')
		return (seconds > DAY_SECONDS ? DAY_SECONDS : seconds) * SECOND_MS;
	if (!tg_http_date(response->retry_after, &then))
		return 0;
	(void)tg_http_date(response->date, &now);
	if (then <= now)
		return 0;
	return (uint64_t)(then - now > DAY_SECONDS ? DAY_SECONDS : then - now) * SECOND_MS;
}
