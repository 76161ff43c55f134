#include "drivers/raven/cursor.h"

#include <stdio.h>

#include "app/pack.h"
#include "platform/assert.h"

enum { VERSION = 2 }; /* 1 knew no set */

enum flag {
	FLAG_FULL = 1,
	FLAG_PROVED = 2,
	FLAG_CLEAR = 4,
	FLAG_UNCOUNTED = 8,
	FLAG_ANEW = 16,
	FLAG_COMPARED = 32,
};

void tg_raven_cursor_clear(struct tg_raven_cursor *cursor)
{
	memset(cursor, 0, sizeof(*cursor));
}

static bool is_place(const struct tg_raven_place *place, const char *tag,
		     const uint8_t id[TG_RAVEN_ID_BYTES])
{
	return strcmp(place->tag, tag) == 0 && memcmp(place->id, id, TG_RAVEN_ID_BYTES) == 0;
}

struct tg_raven_place *tg_raven_cursor_at(struct tg_raven_cursor *cursor, const char *tag,
					  const uint8_t id[TG_RAVEN_ID_BYTES])
{
	struct tg_raven_place *places = cursor->places, found = { .next = 0 };
	uint32_t at = 0;

	while (at < cursor->place_count && !is_place(&places[at], tag, id))
		at++;
	if (at < cursor->place_count) {
		found = places[at];
	} else {
		snprintf(found.tag, sizeof(found.tag), "%s", tag);
		memcpy(found.id, id, TG_RAVEN_ID_BYTES);
		if (cursor->place_count < TG_RAVEN_NODES_KEPT)
			cursor->place_count++;
		at = cursor->place_count - 1; /* the oldest makes room */
	}
	memmove(places + 1, places, at * sizeof(places[0]));
	places[0] = found;
	return &places[0];
}

void tg_raven_cursor_caught(struct tg_raven_cursor *cursor, struct tg_view vector)
{
	cursor->vector_bytes = 0;
	cursor->proved = cursor->clear = cursor->compared = false;
	cursor->set = 0;
	if (vector.bytes > 0 && vector.bytes <= sizeof(cursor->vector)) {
		memcpy(cursor->vector, vector.at, vector.bytes);
		cursor->vector_bytes = (uint32_t)vector.bytes;
	}
}

bool tg_raven_cursor_covers(const struct tg_raven_cursor *cursor, struct tg_view vector)
{
	return cursor->vector_bytes > 0 && vector.bytes > 0 &&
	       tg_raven_vector_covers(tg_view_of(cursor->vector, cursor->vector_bytes), vector);
}

static uint32_t flags_of(const struct tg_raven_cursor *cursor)
{
	return (cursor->full ? FLAG_FULL : 0u) | (cursor->proved ? FLAG_PROVED : 0u) |
	       (cursor->clear ? FLAG_CLEAR : 0u) | (cursor->uncounted ? FLAG_UNCOUNTED : 0u) |
	       (cursor->anew ? FLAG_ANEW : 0u) | (cursor->compared ? FLAG_COMPARED : 0u);
}

static void take_flags(struct tg_raven_cursor *cursor, uint32_t flags)
{
	cursor->full = (flags & FLAG_FULL) != 0;
	cursor->proved = (flags & FLAG_PROVED) != 0;
	cursor->clear = (flags & FLAG_CLEAR) != 0;
	cursor->uncounted = (flags & FLAG_UNCOUNTED) != 0;
	cursor->anew = (flags & FLAG_ANEW) != 0;
	cursor->compared = (flags & FLAG_COMPARED) != 0;
}

struct tg_view tg_raven_cursor_write(const struct tg_raven_cursor *cursor, uint8_t *at)
{
	struct tg_writer writer = { .at = at, .cap = TG_RAVEN_CURSOR_BYTES_MAX };

	tg_write_u8(&writer, VERSION);
	tg_write_u8(&writer, (uint32_t)cursor->phase);
	tg_write_u8(&writer, flags_of(cursor));
	tg_write_u32(&writer, cursor->settings);
	tg_write_u64(&writer, cursor->skipped);
	tg_write_u64(&writer, (uint64_t)cursor->since_ms);
	tg_write_u64(&writer, cursor->set);
	tg_write_view(&writer, tg_view_of(cursor->vector, cursor->vector_bytes));
	tg_write_view(&writer, tg_view_of(cursor->after, cursor->after_bytes));
	tg_write_u8(&writer, cursor->place_count);
	for (uint32_t i = 0; i < cursor->place_count; i++) {
		const struct tg_raven_place *place = &cursor->places[i];
		tg_write_view(&writer, tg_view_str(place->tag));
		tg_write_bytes(&writer, place->id, sizeof(place->id));
		tg_write_u64(&writer, place->next);
		tg_write_u64(&writer, place->told);
	}
	TG_ASSERT(!writer.overran);
	return tg_view_of(at, writer.used);
}

static uint32_t read_bytes(struct tg_reader *reader, uint8_t *at, size_t cap)
{
	struct tg_view view = tg_read_view(reader);

	if (view.bytes > cap) {
		reader->ran_dry = true;
		return 0;
	}
	if (view.bytes > 0)
		memcpy(at, view.at, view.bytes);
	return (uint32_t)view.bytes;
}

static void read_places(struct tg_reader *reader, struct tg_raven_cursor *cursor)
{
	cursor->place_count = tg_read_u8(reader);
	if (cursor->place_count > TG_RAVEN_NODES_KEPT) {
		reader->ran_dry = true;
		return;
	}
	for (uint32_t i = 0; i < cursor->place_count; i++) {
		struct tg_raven_place *place = &cursor->places[i];
		tg_read_text(reader, place->tag, sizeof(place->tag));
		tg_read_bytes(reader, place->id, sizeof(place->id));
		place->next = tg_read_u64(reader);
		place->told = tg_read_u64(reader);
	}
}

int tg_raven_cursor_read(struct tg_view bytes, struct tg_raven_cursor *cursor)
{
	struct tg_reader reader = tg_reader_of(bytes);
	uint32_t version = tg_read_u8(&reader), phase = tg_read_u8(&reader),
		 flags = tg_read_u8(&reader);

	tg_raven_cursor_clear(cursor);
	if (!reader.ran_dry && version > VERSION)
		return TG_ERR_NEWER;
	cursor->phase = phase == TG_RAVEN_COMPARING ? TG_RAVEN_COMPARING
			: phase == TG_RAVEN_CAUGHT  ? TG_RAVEN_CAUGHT
						    : TG_RAVEN_WALKING;
	take_flags(cursor, flags);
	cursor->settings = tg_read_u32(&reader);
	cursor->skipped = tg_read_u64(&reader);
	cursor->since_ms = (int64_t)tg_read_u64(&reader);
	cursor->set = version > 1 ? tg_read_u64(&reader) : 0;
	cursor->vector_bytes = read_bytes(&reader, cursor->vector, sizeof(cursor->vector));
	cursor->after_bytes = read_bytes(&reader, cursor->after, sizeof(cursor->after));
	read_places(&reader, cursor);
	if (!reader.ran_dry && version > 0 && phase <= TG_RAVEN_COMPARING)
		return TG_OK;
	tg_raven_cursor_clear(cursor);
	return TG_ERR_DAMAGED;
}
