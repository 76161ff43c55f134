#include "drivers/rethink/response.h"

#include "platform/assert.h"

enum { HEAD_BYTES = 12, UUID_BYTES = 16 };

enum state { HEAD, SKIP, OPEN, NAME, COLON, VALUE, ROW_FIRST, ROW, ROW_NEXT, NEXT, TAIL };
enum name { NAME_OTHER, NAME_T, NAME_E, NAME_R };

/* Reference/rethinkdb.md, trap 28. */
static const uint8_t namespace_uuid[UUID_BYTES] = {
	0x91, 0x46, 0x1c, 0x99, 0xf8, 0x9d, 0x49, 0xd2,
	0xaf, 0x96, 0xd8, 0xe2, 0xe1, 0x4e, 0x9b, 0x58
};

static uint64_t hash_of(const uint8_t digest[TG_SHA1_BYTES])
{
	uint64_t hash = 0;

	for (unsigned i = 0; i < 8; i++)
		hash = hash << 8 | digest[i];
	/* Byte 6 of a version 5 UUID carries the version in its upper half (RFC 9562). */
	return (hash & ~UINT64_C(0xF000)) | UINT64_C(0x5000);
}

uint64_t tg_row_hash(struct tg_view body)
{
	uint8_t digest[TG_SHA1_BYTES];

	tg_sha1_two(tg_view_of(namespace_uuid, UUID_BYTES), body, digest);
	return hash_of(digest);
}

void tg_row_hash_pair(const struct tg_view body[2], uint64_t hash[2])
{
	uint8_t digest[2][TG_SHA1_BYTES];

	tg_sha1_pair(tg_view_of(namespace_uuid, UUID_BYTES), body, digest);
	hash[0] = hash_of(digest[0]);
	hash[1] = hash_of(digest[1]);
}

size_t tg_window_room(struct tg_window *window, size_t wanted)
{
	size_t unused = window->fill - window->from;

	/* A short rest is moved so that the same bytes are used again and stay in the cache. */
	if (window->from > 0 && (unused <= 4096 || window->cap - window->fill < wanted)) {
		memmove(window->at, window->at + window->from, unused);
		window->from = 0;
		window->fill = unused;
	}
	size_t room = window->cap - window->fill;
	return room < wanted ? room : wanted;
}

void tg_response_start(struct tg_response *response, uint64_t doc_bytes_max)
{
	memset(response, 0, sizeof(*response));
	response->doc_bytes_max = doc_bytes_max;
}

static int broken(const char *what, struct tg_why *why)
{
	return tg_why_set(why, TG_ERR_PROTOCOL,
			  "the server's answer is not what RethinkDB sends (%s); the connection is "
			  "made anew",
			  what);
}

/* --- a value that may be longer than the window --- */

/* How much of the window belongs to this frame. */
static size_t known(const struct tg_response *response, const struct tg_window *window)
{
	size_t bytes = window->fill - window->from;

	return response->left_ < bytes ? (size_t)response->left_ : bytes;
}

static void use(struct tg_response *response, struct tg_window *window, size_t bytes)
{
	window->from += bytes;
	response->left_ -= bytes;
}

static void start_value(struct tg_response *response)
{
	struct tg_scan *scan = &response->scan_;
	bool row = response->state_ == ROW;

	scan->watch_count = 0;
	for (unsigned i = 0; row && i < 2 && response->watch[i].bytes > 0; i++)
		scan->watch[scan->watch_count++].name = response->watch[i];
	tg_scan_start(scan);
	response->scanning_ = true;
	response->dropping_ = false;
	response->base_ = 0;
	response->key_bytes_ = response->time_bytes_ = 0;
}

/* Copies a watched value that is complete, before its bytes are dropped. */
static uint32_t save(const struct tg_response *response, unsigned watch, const uint8_t *at,
		     struct tg_out out)
{
	const struct tg_scan_watch *seen = &response->scan_.watch[watch];

	if (watch >= response->scan_.watch_count || seen->bytes == 0 ||
	    seen->at < response->base_ || seen->bytes > out.cap)
		return 0;
	memcpy(out.at, at + (seen->at - response->base_), (size_t)seen->bytes);
	return (uint32_t)seen->bytes;
}

static void save_watched(struct tg_response *response, const uint8_t *at)
{
	if (response->key_bytes_ == 0)
		response->key_bytes_ = save(response, 0, at,
					    (struct tg_out){ .at = response->key_,
							     .cap = sizeof(response->key_) });
	if (response->time_bytes_ == 0)
		response->time_bytes_ = save(response, 1, at,
					     (struct tg_out){ .at = response->time_,
							      .cap = sizeof(response->time_) });
}

/* Lets go of the bytes that the scanner needs no more. */
static int drop(struct tg_response *response, struct tg_window *window, struct tg_why *why)
{
	const uint8_t *at = window->at + window->from;
	uint64_t keep = tg_scan_keep(&response->scan_);

	if (!response->dropping_) {
		response->dropping_ = true;
		tg_sha1_start(&response->sha_);
		tg_sha1_add(&response->sha_, tg_view_of(namespace_uuid, UUID_BYTES));
	}
	save_watched(response, at);
	TG_ASSERT(keep >= response->base_ && keep <= response->scan_.pos);
	size_t bytes = (size_t)(keep - response->base_);
	if (bytes == 0)
		return broken("a key longer than a document may be", why);
	tg_sha1_add(&response->sha_, tg_view_of(at, bytes));
	use(response, window, bytes);
	response->base_ = keep;
	return TG_OK;
}

/* Scans on. TG_OK: complete; TG_RESPONSE_MORE; or an error. */
static int scan_value(struct tg_response *response, struct tg_window *window, struct tg_why *why)
{
	struct tg_scan *scan = &response->scan_;

	if (!response->scanning_)
		start_value(response);
	size_t bytes = known(response, window);
	int rc = tg_scan_feed(scan, window->at + window->from, bytes, response->base_);
	if (rc == TG_OK) {
		response->scanning_ = false;
		return TG_OK;
	}
	if (rc != TG_ERR_AGAIN || bytes == response->left_)
		return broken("a value is not JSON", why);
	if (bytes >= response->doc_bytes_max) {
		rc = drop(response, window, why);
		if (rc != TG_OK)
			return rc;
	}
	return TG_RESPONSE_MORE;
}

/* --- rows --- */

static struct tg_view watched(const struct tg_scan *scan, unsigned watch, const uint8_t *at)
{
	if (watch >= scan->watch_count || scan->watch[watch].bytes == 0)
		return tg_view_of(NULL, 0);
	return tg_view_of(at + scan->watch[watch].at, (size_t)scan->watch[watch].bytes);
}

static void finish_dropped(struct tg_response *response, const uint8_t *at, size_t bytes)
{
	uint8_t digest[TG_SHA1_BYTES];
	struct tg_row *row = &response->row;

	save_watched(response, at);
	tg_sha1_add(&response->sha_, tg_view_of(at, bytes));
	tg_sha1_end(&response->sha_, digest);
	row->hash = hash_of(digest);
	row->oversize = true;
	row->body = tg_view_of(NULL, 0);
	row->key = tg_view_of(response->key_, response->key_bytes_);
	row->time = tg_view_of(response->time_, response->time_bytes_);
}

static int take_row(struct tg_response *response, struct tg_window *window, struct tg_why *why)
{
	struct tg_row *row = &response->row;
	const struct tg_scan *scan = &response->scan_;
	int rc = scan_value(response, window, why);

	if (rc != TG_OK)
		return rc;
	const uint8_t *at = window->at + window->from;
	size_t bytes = (size_t)(scan->pos - response->base_);
	row->bytes = scan->pos;
	row->flags = scan->flags;
	if (response->dropping_) {
		finish_dropped(response, at, bytes);
	} else {
		row->body = tg_view_of(at, bytes);
		row->key = watched(scan, 0, at);
		row->time = watched(scan, 1, at);
		/* The window holds a little more than a document may have. */
		row->oversize = bytes > response->doc_bytes_max || (scan->flags & TG_SCAN_DEEP);
		row->hash = row->oversize ? tg_row_hash(row->body) : 0;
	}
	use(response, window, bytes);
	response->state_ = ROW_NEXT;
	return TG_RESPONSE_ROW;
}

/* --- the envelope --- */

static int take_head(struct tg_response *response, struct tg_window *window, uint64_t token_min)
{
	const uint8_t *at = window->at + window->from;
	uint64_t token = 0;
	uint32_t length = 0;

	if (window->fill - window->from < HEAD_BYTES)
		return TG_RESPONSE_MORE;
	for (unsigned i = 8; i-- > 0;)
		token = token << 8 | at[i];
	for (unsigned i = 12; i-- > 8;)
		length = length << 8 | at[i];
	window->from += HEAD_BYTES;
	response->token = token;
	response->left_ = length;
	response->type = response->error = 0;
	response->told_ = false;
	response->state_ = token < token_min ? SKIP : OPEN;
	return token < token_min ? 0 : TG_RESPONSE_FRAME;
}

static int take_skip(struct tg_response *response, struct tg_window *window)
{
	use(response, window, known(response, window));
	if (response->left_ > 0)
		return TG_RESPONSE_MORE;
	response->state_ = HEAD;
	return 0;
}

static int take_name(struct tg_response *response, struct tg_window *window, struct tg_why *why)
{
	const uint8_t *at = window->at + window->from;
	int rc = scan_value(response, window, why);

	if (rc != TG_OK)
		return rc;
	size_t bytes = (size_t)response->scan_.pos;
	if (at[0] != '"' || response->dropping_)
		return broken("a member has no name", why);
	response->name_ = NAME_OTHER;
	if (bytes == 3 && at[1] == 't')
		response->name_ = NAME_T;
	else if (bytes == 3 && at[1] == 'e')
		response->name_ = NAME_E;
	else if (bytes == 3 && at[1] == 'r')
		response->name_ = NAME_R;
	use(response, window, bytes);
	response->state_ = COLON;
	return 0;
}

static int take_value(struct tg_response *response, struct tg_window *window, struct tg_why *why)
{
	struct tg_view value = tg_view_of(window->at + window->from, 0);
	int64_t number = 0;
	int rc = scan_value(response, window, why);

	if (rc != TG_OK)
		return rc;
	value.bytes = (size_t)(response->scan_.pos - response->base_);
	if (response->name_ == NAME_T || response->name_ == NAME_E) {
		if (response->dropping_ || tg_json_integer(value, &number) != TG_OK || number < 0 ||
		    number > INT32_MAX)
			return broken("its type is no number", why);
		if (response->name_ == NAME_T)
			response->type = (int32_t)number;
		else
			response->error = (int32_t)number;
	}
	use(response, window, value.bytes);
	response->state_ = NEXT;
	if (response->name_ != NAME_T || response->told_)
		return 0;
	response->told_ = true;
	return TG_RESPONSE_TYPE;
}

/* What a byte of the envelope outside of names and values leads to; -1: it may not stand here. */
static int after_byte(struct tg_response *response, uint8_t byte)
{
	switch ((enum state)response->state_) {
	case OPEN:
		return byte == '{' ? NAME : -1;
	case COLON:
		return byte == ':' ? VALUE : -1;
	case ROW_FIRST:
		return byte == ']' ? NEXT : ROW;
	case ROW_NEXT:
		return byte == ',' ? ROW : byte == ']' ? NEXT : -1;
	case NEXT:
		return byte == ',' ? NAME : byte == '}' ? TAIL : -1;
	case VALUE:
		return byte == '[' && response->name_ == NAME_R ? ROW_FIRST : VALUE;
	default:
		return (int)response->state_;
	}
}

static int take_mark(struct tg_response *response, struct tg_window *window, struct tg_why *why)
{
	enum state was = (enum state)response->state_;
	uint8_t byte = window->at[window->from];

	if (tg_json_is_space(byte)) {
		use(response, window, 1);
		return 0;
	}
	if (was == TAIL)
		return broken("something follows it", why);
	int next = after_byte(response, byte);
	if (next < 0)
		return broken("a comma or bracket is wrong", why);
	bool first_row = was == ROW_FIRST && next == ROW;
	response->state_ = (uint32_t)next;
	/* The first byte of a row or a value belongs to it. */
	if (!first_row && next != (int)was)
		use(response, window, 1);
	return 0;
}

static bool begins_value(const struct tg_response *response, const struct tg_window *window)
{
	uint8_t byte = window->at[window->from];

	if (tg_json_is_space(byte))
		return false;
	return response->state_ == ROW || response->state_ == NAME ||
	       (response->state_ == VALUE && !(byte == '[' && response->name_ == NAME_R));
}

static int take_body(struct tg_response *response, struct tg_window *window, struct tg_why *why)
{
	if (response->left_ == 0) {
		if (response->state_ != TAIL || response->type == 0)
			return broken("it ends too early", why);
		response->state_ = HEAD;
		return TG_RESPONSE_END;
	}
	if (window->from == window->fill)
		return TG_RESPONSE_MORE;
	if (!response->scanning_ && !begins_value(response, window))
		return take_mark(response, window, why);
	if (response->state_ == ROW)
		return take_row(response, window, why);
	if (response->state_ == NAME)
		return take_name(response, window, why);
	return take_value(response, window, why);
}

int tg_response_next(struct tg_response *response, struct tg_window *window, uint64_t token_min,
		     struct tg_why *why)
{
	int rc = 0;

	while (rc == 0) {
		if (response->state_ == HEAD)
			rc = take_head(response, window, token_min);
		else if (response->state_ == SKIP)
			rc = take_skip(response, window);
		else
			rc = take_body(response, window, why);
	}
	return rc;
}
