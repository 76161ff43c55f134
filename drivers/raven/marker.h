/* marker.h - the document that says up to where a stream is in the database.
 *
 *      Tidegate/INSTANCE/SINK/NUMBER
 *      {"instance":"plant-7-0123456789abcdef","stream":"rethinkdb/plant/readings",
 *       "first":501,"last":1000,"replayed":0,"time":"..","@metadata":{"@collection":"Tidegate",..}}
 *
 * It is the first command of each batch, so that batch and marker are written together or not at
 * all; and it is written only over the very version that we know of ("ChangeVector"), so that a
 * batch whose answer was lost cannot be written a second time: the server refuses it with 409, and
 * the marker says why.
 *
 * Pure.
 */
#ifndef TG_DRIVERS_RAVEN_MARKER_H
#define TG_DRIVERS_RAVEN_MARKER_H

#include "app/sink.h"
#include "drivers/raven/ident.h"

enum { TG_MARKER_VECTOR_BYTES_MAX = 112 }; /* three nodes' entries */

/* A vector has an entry for each database that ever wrote there: a larger cluster's, and a restored
 * one's, is too long to be kept for each stream. It lies here between reading and writing. */
struct tg_marker_room {
	char vector[CONFIG_TG_RAVEN_VECTOR_BYTES_MAX];
};

/* What is known of one stream's marker. */
struct tg_marker {
	uint32_t stream;   /* its number in the store; 0: a free place                          */
	bool known;        /* `vector` and the numbers are those of the server                  */
	bool roomy;        /* its vector lies in the room, and must be read again for each batch */
	bool unchecked;    /* it can only be written over blindly: it is in conflict, or its vector
			    * is too long for the room as well */
	uint64_t acked;    /* the last sequence that was acknowledged, also in earlier runs ... */
	uint32_t acked_by; /* ... of this instance, by its CRC32C: a copied store is another one */
	uint64_t first, last; /* the batch it vouches for; last 0: there is no marker         */
	uint64_t replayed;    /* the last single record sent again, or 0                      */
	char vector[TG_MARKER_VECTOR_BYTES_MAX]; /* "": it must not exist                     */
};

/* Whose marker, and for what. */
struct tg_marker_of {
	const char *sink;
	struct tg_view instance, stream;
	uint32_t number;
	struct tg_marker_room *room; /* this marker's from reading it to its batch's end */
};

void tg_marker_id(const struct tg_marker_of *of, struct tg_ident *out);

/* What the marker is to say. `time_ms` is the wall clock's. */
struct tg_marker_next {
	uint64_t first, last, replayed;
	int64_t time_ms;
};
/* Appends the command that writes it over `marker`. */
void tg_marker_put(const struct tg_marker_of *of, const struct tg_marker *marker,
		   const struct tg_marker_next *next, struct tg_out *out);

/* Takes up the answer to GET docs?id=. A marker of another stream or instance vouches for nothing,
 * but is known. TG_ERR_PROTOCOL when it is no such answer. */
TG_CHECKED int tg_marker_read(struct tg_view answer, const struct tg_marker_of *of,
			      struct tg_marker *marker);

/* Takes up the beginning of bulk_docs' answer, whose first result is the marker's. False when it is
 * none, or names the very version that was written over, as an earlier batch's answer does: what
 * became of the batch is then unknown. `known` is false when its vector is too long to be kept. */
bool tg_marker_written(struct tg_view answer, const struct tg_marker_of *of,
		       const struct tg_marker_next *next, struct tg_marker *marker);

#endif
