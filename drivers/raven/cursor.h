/* cursor.h - how far one collection was read: the bookmark of a stream.
 *
 *      WALKING --end of the walk--> CAUGHT --keys must be compared--> COMPARING --> CAUGHT
 *
 * Etags are one node's and one database's, so the cursor of each node is kept apart: going back to
 * a node goes on where it was left. `vector` is the state of the database that was last wholly
 * handed over; whatever a vector says that it covers has been sent, on whichever node it is met,
 * unless a document was in conflict there.
 *
 * Memory:  the struct, about 3 KiB. Waits: never.
 */
#ifndef TG_DRIVERS_RAVEN_CURSOR_H
#define TG_DRIVERS_RAVEN_CURSOR_H

#include "app/record.h"
#include "drivers/raven/rql.h"
#include "drivers/raven/vector.h"

enum {
	TG_RAVEN_NODES_KEPT = 4,
	TG_RAVEN_TAG_BYTES = 12,
	TG_RAVEN_VECTOR_BYTES = 1024, /* a longer one is not kept: nothing is known to be covered */
	TG_RAVEN_AFTER_BYTES = 1024,  /* an id */
	TG_RAVEN_CURSOR_BYTES_MAX = 3072,
};

enum tg_raven_phase { TG_RAVEN_WALKING, TG_RAVEN_CAUGHT, TG_RAVEN_COMPARING };

struct tg_raven_place {
	char tag[TG_RAVEN_TAG_BYTES];  /* of the node */
	uint8_t id[TG_RAVEN_ID_BYTES]; /* DatabaseId  */
	uint64_t next;                 /* all etags below were handed over            */
	uint64_t told;                 /* all tombstones below were handed over       */
};

struct tg_raven_cursor {
	uint32_t settings; /* of the source: others begin anew */
	enum tg_raven_phase phase;
	bool full;   /* the walk under way looks at everything: keys are compared behind it */
	bool proved; /* with CAUGHT: no delete was missed up to `vector`; it is clear then */
	/* No document was in conflict at `vector`. One that was could not be read, and is given out
	 * once it is resolved, it may be with a vector that `vector` covers. */
	bool clear;
	bool uncounted;   /* documents were passed over that `skipped` does not count yet       */
	bool anew;        /* all was read anew for rows that were missing; no counts met since  */
	bool compared;    /* all keys were seen at `vector`: what is not known is not handed over */
	uint64_t skipped; /* documents that are there and are not handed over */
	uint32_t place_count;
	struct tg_raven_place places[TG_RAVEN_NODES_KEPT]; /* the newest first */
	uint32_t vector_bytes;
	uint8_t vector[TG_RAVEN_VECTOR_BYTES];
	uint32_t after_bytes; /* with COMPARING: the last id that was seen */
	uint8_t after[TG_RAVEN_AFTER_BYTES];
	int64_t since_ms; /* of mode last_modified; 0: never read */
	/* With `proved`: which collections there were at `vector`, all of them (names.h); 0: it is
	 * not known. */
	uint64_t set;
};

void tg_raven_cursor_clear(struct tg_raven_cursor *cursor);
/* The place on this node and database, made (at 0) when there is none; it becomes the first. */
struct tg_raven_place *tg_raven_cursor_at(struct tg_raven_cursor *cursor, const char *tag,
					  const uint8_t id[TG_RAVEN_ID_BYTES]);
/* Keeps `vector` as the state that was handed over; one too long is forgotten. */
void tg_raven_cursor_caught(struct tg_raven_cursor *cursor, struct tg_view vector);
/* Whether all that `vector` stands for was handed over, as far as it was in no conflict. */
bool tg_raven_cursor_covers(const struct tg_raven_cursor *cursor, struct tg_view vector);

/* Into `at`, TG_RAVEN_CURSOR_BYTES_MAX; the view lives there. */
struct tg_view tg_raven_cursor_write(const struct tg_raven_cursor *cursor, uint8_t *at);
/* TG_ERR_DAMAGED or TG_ERR_NEWER: it is cleared then. */
TG_CHECKED int tg_raven_cursor_read(struct tg_view bytes, struct tg_raven_cursor *cursor);

#endif
