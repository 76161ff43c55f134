/* hash.h - whether a document differs from the one that was sent before.
 *
 * SHA-1, as for every source, over what the user stored: the document's bytes without @metadata,
 * then @id, @collection and the user's own metadata sorted by name (the server promises no order
 * there). Change vector, times and flags are left out, so that a restored database, or another node
 * of the cluster, gives the same hashes. A document with more than TG_RAVEN_META_OWN_MAX metadata
 * members of its own hashes all of its metadata: after a restore it is sent once more.
 *
 * Pure.
 */
#ifndef TG_DRIVERS_RAVEN_HASH_H
#define TG_DRIVERS_RAVEN_HASH_H

#include "drivers/raven/meta.h"

/* A longer document is hashed as it lies: its copy would cost more than it saves. */
enum { TG_RAVEN_HASH_TEXT_BYTES = 864 };

/* `metadata` is the value of @metadata as it lies in `body`, `meta` what was read of it. The first
 * 8 bytes of the hash. */
uint64_t tg_raven_hash(struct tg_view body, struct tg_view metadata,
		       const struct tg_raven_meta *meta);

/* What tg_raven_hash hashes, written at `at`; returns its bytes, 0 when it is longer than that.
 * Two such texts take little longer together than one does. */
size_t tg_raven_hash_text(struct tg_view body, struct tg_view metadata,
			  const struct tg_raven_meta *meta, uint8_t at[TG_RAVEN_HASH_TEXT_BYTES]);
uint64_t tg_raven_hash_of_text(struct tg_view text);
void tg_raven_hash_of_texts(const struct tg_view text[2], uint64_t hash[2]);

/* The document's bytes before @metadata: from its brace to its last member's end. */
struct tg_view tg_raven_hash_head(struct tg_view body, struct tg_view metadata);

/* The same for a document too large to hold: `digest` is the SHA-1 of as many bytes as came. */
uint64_t tg_raven_hash_of_digest(const uint8_t digest[20]);

#endif
