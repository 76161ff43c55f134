/* pack.h - small rows as little-endian bytes, the same on every machine.
 *
 * A writer that overruns and a reader that runs dry only remember it: one check at the end
 * suffices.
 *
 * Memory:  the caller's. Thread: any.
 */
#ifndef TG_APP_PACK_H
#define TG_APP_PACK_H

#include "platform/view.h"

static inline void tg_store_u16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
}

/* Byte by byte and without a loop: so compilers make one store of it. */
static inline void tg_store_u32(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
	at[2] = (uint8_t)(value >> 16);
	at[3] = (uint8_t)(value >> 24);
}

static inline void tg_store_u64(uint8_t *at, uint64_t value)
{
	tg_store_u32(at, (uint32_t)value);
	tg_store_u32(at + 4, (uint32_t)(value >> 32));
}

static inline uint32_t tg_load_u16(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8;
}

static inline uint32_t tg_load_u32(const uint8_t *at)
{
	return tg_load_u16(at) | tg_load_u16(at + 2) << 16;
}

static inline uint64_t tg_load_u64(const uint8_t *at)
{
	return tg_load_u32(at) | (uint64_t)tg_load_u32(at + 4) << 32;
}

/* Big-endian, for LMDB keys: memcmp order is number order. */
static inline void tg_store_be32(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 24);
	at[1] = (uint8_t)(value >> 16);
	at[2] = (uint8_t)(value >> 8);
	at[3] = (uint8_t)value;
}

static inline void tg_store_be64(uint8_t *at, uint64_t value)
{
	tg_store_be32(at, (uint32_t)(value >> 32));
	tg_store_be32(at + 4, (uint32_t)value);
}

static inline uint32_t tg_load_be32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline uint64_t tg_load_be64(const uint8_t *at)
{
	return (uint64_t)tg_load_be32(at) << 32 | tg_load_be32(at + 4);
}

/* LEB128 of an unsigned number: how many bytes were written (10 at most). */
static inline uint32_t tg_varint_put(uint8_t *at, uint64_t value)
{
	uint32_t bytes = 0;

	while (value >= 0x80) {
		at[bytes++] = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	at[bytes++] = (uint8_t)value;
	return bytes;
}

/* How many bytes were read from `[at, end)`; 0 when the number does not end there. */
static inline uint32_t tg_varint_get(const uint8_t *at, const uint8_t *end, uint64_t *value)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < 10 && at + i < end; i++) {
		sum |= (uint64_t)(at[i] & 0x7f) << (7 * i);
		if (at[i] < 0x80) {
			*value = sum;
			return i + 1;
		}
	}
	return 0;
}

static inline uint64_t tg_zigzag(int64_t value)
{
	return ((uint64_t)value << 1) ^ (uint64_t)(value < 0 ? -1 : 0);
}

static inline int64_t tg_unzigzag(uint64_t value)
{
	return (int64_t)((value >> 1) ^ (0 - (value & 1)));
}

struct tg_writer {
	uint8_t *at;
	size_t cap, used;
	bool overran;
};

static inline uint8_t *tg_write_room(struct tg_writer *writer, size_t bytes)
{
	if (writer->cap - writer->used < bytes) {
		writer->overran = true;
		return NULL;
	}
	writer->used += bytes;
	return writer->at + writer->used - bytes;
}

static inline void tg_write_u8(struct tg_writer *writer, uint32_t value)
{
	uint8_t *at = tg_write_room(writer, 1);

	if (at != NULL)
		*at = (uint8_t)value;
}

static inline void tg_write_u16(struct tg_writer *writer, uint32_t value)
{
	uint8_t *at = tg_write_room(writer, 2);

	if (at != NULL)
		tg_store_u16(at, value);
}

static inline void tg_write_u32(struct tg_writer *writer, uint32_t value)
{
	uint8_t *at = tg_write_room(writer, 4);

	if (at != NULL)
		tg_store_u32(at, value);
}

static inline void tg_write_u64(struct tg_writer *writer, uint64_t value)
{
	uint8_t *at = tg_write_room(writer, 8);

	if (at != NULL)
		tg_store_u64(at, value);
}

static inline void tg_write_bytes(struct tg_writer *writer, const void *bytes, size_t count)
{
	uint8_t *at = tg_write_room(writer, count);

	if (at != NULL && count != 0)
		memcpy(at, bytes, count);
}

/* A length of two bytes, then the bytes. */
static inline void tg_write_view(struct tg_writer *writer, struct tg_view view)
{
	if (view.bytes > UINT16_MAX) {
		writer->overran = true;
		return;
	}
	tg_write_u16(writer, (uint32_t)view.bytes);
	tg_write_bytes(writer, view.at, view.bytes);
}

struct tg_reader {
	const uint8_t *at, *end;
	bool ran_dry;
};

static inline struct tg_reader tg_reader_of(struct tg_view view)
{
	return (struct tg_reader){ .at = view.at, .end = view.at + view.bytes };
}

static inline const uint8_t *tg_read_room(struct tg_reader *reader, size_t bytes)
{
	if ((size_t)(reader->end - reader->at) < bytes) {
		reader->ran_dry = true;
		return NULL;
	}
	reader->at += bytes;
	return reader->at - bytes;
}

static inline uint32_t tg_read_u8(struct tg_reader *reader)
{
	const uint8_t *at = tg_read_room(reader, 1);

	return at != NULL ? *at : 0;
}

static inline uint32_t tg_read_u16(struct tg_reader *reader)
{
	const uint8_t *at = tg_read_room(reader, 2);

	return at != NULL ? tg_load_u16(at) : 0;
}

static inline uint32_t tg_read_u32(struct tg_reader *reader)
{
	const uint8_t *at = tg_read_room(reader, 4);

	return at != NULL ? tg_load_u32(at) : 0;
}

static inline uint64_t tg_read_u64(struct tg_reader *reader)
{
	const uint8_t *at = tg_read_room(reader, 8);

	return at != NULL ? tg_load_u64(at) : 0;
}

static inline void tg_read_bytes(struct tg_reader *reader, void *into, size_t count)
{
	const uint8_t *at = tg_read_room(reader, count);

	if (at != NULL && count != 0)
		memcpy(into, at, count);
}

static inline struct tg_view tg_read_view(struct tg_reader *reader)
{
	uint32_t bytes = tg_read_u16(reader);
	const uint8_t *at = tg_read_room(reader, bytes);

	return tg_view_of(at, at != NULL ? bytes : 0);
}

/* A text of at most cap - 1 bytes, NUL-terminated. */
static inline void tg_read_text(struct tg_reader *reader, char *into, size_t cap)
{
	struct tg_view text = tg_read_view(reader);

	if (text.bytes >= cap) {
		reader->ran_dry = true;
		text.bytes = 0;
	}
	if (text.bytes != 0)
		memcpy(into, text.at, text.bytes);
	into[text.bytes] = '\0';
}

#endif
