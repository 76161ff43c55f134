#include "drivers/rethink/bookmark.h"

#include "platform/assert.h"

enum { VERSION = 1 };

void tg_bookmark_clear(struct tg_bookmark *bookmark)
{
	memset(bookmark, 0, offsetof(struct tg_bookmark, key));
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

struct tg_view tg_bookmark_write(const struct tg_bookmark *bookmark,
				 uint8_t at[TG_RETHINK_BOOKMARK_BYTES_MAX])
{
	uint8_t *end = at;

	end = put(end, VERSION, 1);
	end = put(end, bookmark->pass, 1);
	end = put(end, bookmark->key_bytes > 0 ? 1 : 0, 1);
	end = put(end, 0, 1);
	memcpy(end, bookmark->uuid, sizeof(bookmark->uuid));
	end = put(end + sizeof(bookmark->uuid), bookmark->settings, 8);
	end = put(end, (uint64_t)bookmark->time_ms, 8);
	end = put(end, (uint64_t)bookmark->pass_now_ms, 8);
	end = put(end, (uint64_t)bookmark->pass_lower_ms, 8);
	end = put(end, (uint64_t)bookmark->pass_newest_ms, 8);
	end = put(end, (uint64_t)bookmark->full_pass_ms, 8);
	if (bookmark->key_bytes > 0) {
		end = put(end, bookmark->key_bytes, 2);
		end = put(end, bookmark->key_cmp_bytes, 2);
		memcpy(end, bookmark->key, bookmark->key_bytes);
		end += bookmark->key_bytes;
	}
	return tg_view_of(at, (size_t)(end - at));
}

static int read_range(struct tg_bookmark *out, const uint8_t *at, size_t bytes)
{
	if (bytes < 4)
		return TG_ERR_DAMAGED;
	uint32_t key_bytes = (uint32_t)get(&at, 2), cmp_bytes = (uint32_t)get(&at, 2);
	if (key_bytes == 0 || key_bytes != bytes - 4 || key_bytes > sizeof(out->key) ||
	    cmp_bytes > key_bytes)
		return TG_ERR_DAMAGED;
	out->key_bytes = key_bytes;
	out->key_cmp_bytes = cmp_bytes;
	memcpy(out->key, at, key_bytes);
	return TG_OK;
}

static int read_all(struct tg_view bytes, struct tg_bookmark *out)
{
	const uint8_t *at = bytes.at;

	if (bytes.bytes >= 1 && at[0] != VERSION)
		return TG_ERR_NEWER;
	if (bytes.bytes < TG_BOOKMARK_HEAD_BYTES || at[1] > TG_PASS_FILTER || at[2] > 1)
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
	if (ranges == 0)
		return bytes.bytes == TG_BOOKMARK_HEAD_BYTES ? TG_OK : TG_ERR_DAMAGED;
	return read_range(out, at, bytes.bytes - TG_BOOKMARK_HEAD_BYTES);
}

int tg_bookmark_read(struct tg_view bytes, struct tg_bookmark *out)
{
	tg_bookmark_clear(out);
	int rc = read_all(bytes, out);
	if (rc != TG_OK)
		tg_bookmark_clear(out);
	return rc;
}

void tg_bookmark_set_key(struct tg_bookmark *bookmark, struct tg_key key)
{
	TG_ASSERT(key.bytes.bytes <= sizeof(bookmark->key));
	memcpy(bookmark->key, key.bytes.at, key.bytes.bytes);
	bookmark->key_bytes = (uint32_t)key.bytes.bytes;
	bookmark->key_cmp_bytes = key.cmp_bytes;
}
