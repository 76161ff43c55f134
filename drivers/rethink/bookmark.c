#include "drivers/rethink/bookmark.h"

#include "platform/assert.h"

enum { VERSION = 1 };

void tg_bookmark_clear(struct tg_bookmark *bookmark)
{
	memset(bookmark, 0, offsetof(struct tg_bookmark, front));
	bookmark->front.bytes = bookmark->back.bytes = 0;
	bookmark->time_ms = bookmark->pass_now_ms = TG_TIME_NONE;
	bookmark->pass_lower_ms = bookmark->pass_newest_ms = TG_TIME_NONE;
	bookmark->full_pass_ms = TG_TIME_NONE;
}

static uint8_t *put(uint8_t *at, uint64_t value, unsigned bytes)
{
	for (unsigned i = bytes; i-- > 0;)
		*at++ = (uint8_t)(value >> (8 * i));
	return at;
}

static uint64_t get(const uint8_t **at, unsigned bytes)
{
	uint64_t value = 0;

	while (bytes-- > 0)
		value = value << 8 | *(*at)++;
	return value;
}

static uint8_t *put_key(uint8_t *at, const struct tg_bookmark_key *key)
{
	if (key->bytes == 0)
		return at;
	at = put(at, key->bytes, 2);
	at = put(at, key->cmp_bytes, 2);
	memcpy(at, key->at, key->bytes);
	return at + key->bytes;
}

struct tg_view tg_bookmark_write(const struct tg_bookmark *bookmark,
				 uint8_t at[TG_RETHINK_BOOKMARK_BYTES_MAX])
{
	uint8_t *end = at;

	end = put(end, VERSION, 1);
	end = put(end, bookmark->pass, 1);
	TG_ASSERT(bookmark->back.bytes == 0 || bookmark->front.bytes > 0);
	end = put(end, (bookmark->front.bytes > 0 ? 1u : 0) + (bookmark->back.bytes > 0 ? 1u : 0),
		  1);
	end = put(end, 0, 1);
	memcpy(end, bookmark->uuid, sizeof(bookmark->uuid));
	end = put(end + sizeof(bookmark->uuid), bookmark->settings, 8);
	end = put(end, (uint64_t)bookmark->time_ms, 8);
	end = put(end, (uint64_t)bookmark->pass_now_ms, 8);
	end = put(end, (uint64_t)bookmark->pass_lower_ms, 8);
	end = put(end, (uint64_t)bookmark->pass_newest_ms, 8);
	end = put(end, (uint64_t)bookmark->full_pass_ms, 8);
	end = put_key(end, &bookmark->front);
	end = put_key(end, &bookmark->back);
	return tg_view_of(at, (size_t)(end - at));
}

/* Takes `key` off the begin of `bytes`. */
static int read_key(struct tg_bookmark_key *key, struct tg_view *bytes)
{
	const uint8_t *at = bytes->at;

	if (bytes->bytes < 4)
		return TG_ERR_DAMAGED;
	uint32_t key_bytes = (uint32_t)get(&at, 2), cmp_bytes = (uint32_t)get(&at, 2);
	if (key_bytes == 0 || key_bytes > bytes->bytes - 4 || key_bytes > sizeof(key->at) ||
	    cmp_bytes > key_bytes)
		return TG_ERR_DAMAGED;
	key->bytes = key_bytes;
	key->cmp_bytes = cmp_bytes;
	memcpy(key->at, at, key_bytes);
	*bytes = tg_view_of(at + key_bytes, bytes->bytes - 4 - key_bytes);
	return TG_OK;
}

static int read_all(struct tg_view bytes, struct tg_bookmark *out)
{
	const uint8_t *at = bytes.at;

	if (bytes.bytes >= 1 && at[0] != VERSION)
		return TG_ERR_NEWER;
	if (bytes.bytes < TG_BOOKMARK_HEAD_BYTES || at[1] > TG_PASS_FILTER || at[2] > 2)
		return TG_ERR_DAMAGED;
	out->pass = (enum tg_pass)at[1];
	unsigned ranges = at[2];
	memcpy(out->uuid, at + 4, sizeof(out->uuid));
	at += 4 + sizeof(out->uuid);
	out->settings = get(&at, 8);
	out->time_ms = (int64_t)get(&at, 8);
	out->pass_now_ms = (int64_t)get(&at, 8);
	out->pass_lower_ms = (int64_t)get(&at, 8);
	out->pass_newest_ms = (int64_t)get(&at, 8);
	out->full_pass_ms = (int64_t)get(&at, 8);
	struct tg_view rest = tg_view_of(at, bytes.bytes - TG_BOOKMARK_HEAD_BYTES);
	int rc = ranges > 0 ? read_key(&out->front, &rest) : TG_OK;
	if (rc == TG_OK && ranges > 1)
		rc = read_key(&out->back, &rest);
	return rc == TG_OK && rest.bytes > 0 ? TG_ERR_DAMAGED : rc;
}

int tg_bookmark_read(struct tg_view bytes, struct tg_bookmark *out)
{
	tg_bookmark_clear(out);
	int rc = read_all(bytes, out);
	if (rc != TG_OK)
		tg_bookmark_clear(out);
	return rc;
}

void tg_bookmark_set(struct tg_bookmark_key *place, struct tg_key key)
{
	TG_ASSERT(key.bytes.bytes <= sizeof(place->at));
	memcpy(place->at, key.bytes.at, key.bytes.bytes);
	place->bytes = (uint32_t)key.bytes.bytes;
	place->cmp_bytes = key.cmp_bytes;
}

struct tg_key tg_bookmark_get(const struct tg_bookmark_key *place)
{
	return (struct tg_key){ .bytes = tg_view_of(place->at, place->bytes),
				.cmp_bytes = place->cmp_bytes };
}
