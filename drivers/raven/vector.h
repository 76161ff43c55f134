/* vector.h - change vectors: which version of what, as RavenDB writes it.
 *
 *      A:1062-9dcwGkJXDUyJtsfDQgiTiA, B:7-...        entries in no order; 6.x may put `|` between
 *      tag etag  DatabaseId                          two halves; RAFT, TRXN and SINK are tags too
 *
 * An entry says that everything which the database DatabaseId numbered up to etag is in. What is no
 * entry is passed over and noted: a vector that cannot be read proves nothing, and breaks nothing.
 *
 * Pure: views onto the text.
 */
#ifndef TG_DRIVERS_RAVEN_VECTOR_H
#define TG_DRIVERS_RAVEN_VECTOR_H

#include "platform/err.h"

enum { TG_RAVEN_ID_BYTES = 16, TG_RAVEN_ID_TEXT_BYTES = 22 };

struct tg_raven_entry {
	struct tg_view tag;
	uint64_t etag;
	struct tg_view id; /* TG_RAVEN_ID_TEXT_BYTES of base64 */
};

struct tg_raven_vector {
	const uint8_t *at, *end;
	bool strange; /* something in it was no entry */
};

/* `text` without quotes; empty is the vector of an empty database. */
struct tg_raven_vector tg_raven_vector_of(struct tg_view text);
bool tg_raven_vector_next(struct tg_raven_vector *vector, struct tg_raven_entry *entry);

/* The etag that `id` gave: the largest, should it stand there twice. False: no entry of it. */
bool tg_raven_vector_etag(struct tg_view text, struct tg_view id, uint64_t *etag);
/* Whether a state `all` contains a state `part`: for each entry of `part`, `all` has one of the
 * same id and at least the same etag. False where `part` cannot be read. */
bool tg_raven_vector_covers(struct tg_view all, struct tg_view part);

/* The vector inside an ETag header: without `W/` and quotes. TG_ERR_PROTOCOL: not quoted. */
TG_CHECKED int tg_raven_vector_of_header(struct tg_view header, struct tg_view *text);

/* A DatabaseId (or a Database-Cluster-Tx-Id) as 16 bytes, and back. TG_ERR_PROTOCOL when the text
 * is none, so that equal bytes mean equal texts. */
TG_CHECKED int tg_raven_id_bytes(struct tg_view text, uint8_t out[TG_RAVEN_ID_BYTES]);
void tg_raven_id_text(const uint8_t id[TG_RAVEN_ID_BYTES], char out[TG_RAVEN_ID_TEXT_BYTES]);

#endif
