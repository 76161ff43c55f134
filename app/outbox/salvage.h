/* salvage.h - what the files salvage*.c share: a damaged file read page by page, without LMDB.
 *
 * Freed pages still hold what was once there. Positions only ever rise, a block only ever grows and
 * a chunk is never rewritten, so that it does not matter which page is found first; what cannot be
 * told so (a quarantined record that was discarded since) may come back.
 *
 * Memory:  static, and the caller's scratch; at boot only.
 */
#ifndef TG_APP_OUTBOX_SALVAGE_H
#define TG_APP_OUTBOX_SALVAGE_H

#include "app/outbox/repair.h"
#include "app/outbox/store.h"

/* LMDB's page as it lies on the disk (0.9, 64 bit): number 8, pad 2, flags 2, then lower 2 and
 * upper 2 of a leaf, or the count of pages of an overflow run; the nodes' offsets, or the run's
 * bytes, follow at 16. A node is size 4, flags 2, key size 2, key, value; a value that lies in a
 * run of its own is that run's page number. */
enum {
	TG_SALVAGE_FLAGS_AT = 10,
	TG_SALVAGE_BODY_AT = 16,
	TG_SALVAGE_LEAF = 0x02,
	TG_SALVAGE_OVERFLOW = 0x04,
};

/* Where something lies: a block of a stream, or a quarantined item (stream 0, its id). */
struct tg_found_block {
	uint64_t first_seq, offset;
	uint32_t stream, count;
};

/* A piece of a large body: 'L' of a record, 'q' of a quarantined item (stream 0, its id). */
struct tg_found_chunk {
	uint64_t seq, offset;
	uint32_t stream, bytes;
	uint16_t part;
	uint8_t kind;
};

struct tg_found_sink {
	uint32_t sink, stream;
	uint64_t acked;
};

enum { TG_FOUND_SINKS_MAX = 1024 };

struct tg_salvage {
	struct tg_outbox *box;
	int fd;
	struct tg_found_block *blocks;
	size_t block_cap, block_count;
	struct tg_found_block after; /* up to here they were dealt with in an earlier pass */
	bool more;                   /* the list overflowed: another pass is needed */
	struct tg_found_chunk *chunks;
	size_t chunk_cap, chunk_count;
	struct tg_found_chunk chunks_from; /* the list holds those from here on ...        */
	bool chunks_end;                   /* ... to the last of all; else to its own last */
	struct tg_found_sink sinks[TG_FOUND_SINKS_MAX];
	uint32_t sink_count;
	struct tg_stream_row row; /* of the stream that is being salvaged */
	struct tg_sink_row sink;
	struct tg_salvage_counts *counts;
	uint8_t page[TG_PAGE_BYTES];
	uint8_t run[TG_ROW_BYTES_MAX + TG_BLOCK_BYTES];
};

/* --- salvage_page.c --- */

bool tg_salvage_read(const struct tg_salvage *salvage, uint64_t offset, uint8_t *at, size_t bytes);

struct tg_salvage_node {
	struct tg_view key;
	uint32_t value_at, bytes;
	bool big; /* the value is the number of the run's first page */
};
/* Reads the node whose offset stands at `at` of the leaf page that is loaded; false when it cannot
 * be one. */
bool tg_salvage_node(const uint8_t *page, uint32_t at, struct tg_salvage_node *out);
/* Where the list of a leaf page's nodes ends. */
uint32_t tg_salvage_nodes_end(const uint8_t *page);
/* Where the value of a node of the page at `offset` lies in the file. */
uint64_t tg_salvage_value_at(const struct tg_salvage *salvage, uint64_t offset,
			     const struct tg_salvage_node *node);
/* The content of a small row, wherever its value lies; an empty view when its checksum fails. */
struct tg_view tg_salvage_content(struct tg_salvage *salvage, const struct tg_salvage_node *node);
/* Loads the page at `offset`: its flags, 0 behind the file's end. */
bool tg_salvage_load(struct tg_salvage *salvage, uint64_t offset, uint32_t *flags);
/* Calls `on_row` for every small row of kind `kind` in the file. */
void tg_salvage_rows(struct tg_salvage *salvage, uint8_t kind,
		     void (*on_row)(struct tg_salvage *salvage, struct tg_view key,
				    struct tg_view content));

/* --- salvage_large.c --- */

/* Puts the `bytes` bytes of the body whose chunks `first` names (part 0) together in the large
 * buffer; bodies are asked for in rising order, or the file is read again. False: a piece is gone.
 */
bool tg_salvage_body(struct tg_salvage *salvage, const struct tg_found_chunk *first,
		     uint64_t bytes, struct tg_view *body);

/* --- salvage_aside.c --- */

/* Takes the refused records over; `open_stream` finds the stream of an old number. */
TG_CHECKED int tg_salvage_aside(struct tg_salvage *salvage);

/* --- salvage.c --- */

/* Opens the stream that had `number` in the damaged file. TG_ERR_MISSING: no row tells of it. */
TG_CHECKED int tg_salvage_stream(struct tg_salvage *salvage, uint32_t number,
				 struct tg_stream_open **open);

#endif
