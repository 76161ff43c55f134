/* repair.h - is the store whole, and what can be read of it when it is not.
 *
 * LMDB has no page checksums, and a damaged page makes it crash: a store is therefore checked by a
 * child process before the agent opens it. Metas, size, branches, small rows and the ends of each
 * stream are always checked; all of it after a crash, and by `outbox verify`. A damaged file is
 * renamed and salvaged by reading its pages one by one, without LMDB: records that a sink did not
 * have yet go into the new store, whose instance is a new one.
 *
 * Waits:   for the disk; a full check of 1 GB takes some seconds.
 */
#ifndef TG_APP_OUTBOX_REPAIR_H
#define TG_APP_OUTBOX_REPAIR_H

#include "app/outbox/outbox.h"

struct tg_check_counts {
	uint64_t rows, blocks, records, large, index_pages;
	uint64_t damaged; /* what failed its checksum or its format */
	char what[96];    /* the first of them: kind of row and its key in hexadecimal */
	uint32_t format;  /* as the meta row says; 0: it could not be read */
};

/* Checks the store in `path` in a child process; nothing is written. 0; TG_ERR_DAMAGED with the
 * first fault in counts->what; TG_ERR_MISSING when there is no store; TG_ERR_NEWER, IO, ACCESS. */
TG_CHECKED int tg_store_check(const char *path, bool all, struct tg_check_counts *counts);

/* Why a store of `format` is refused, as a sentence; 0 where LMDB itself was the newer one. Returns
 * TG_ERR_NEWER. */
int tg_store_newer(const char *path, uint32_t format, struct tg_why *why);

struct tg_salvage_counts {
	uint64_t records, skipped, streams;
	uint64_t set_aside; /* refused records, back in the quarantine */
};

/* Reads the unsent records and the quarantine of the damaged file `from` into the open store.
 * `scratch` (aligned for 8 bytes) holds the lists of what was found; a small one only costs more
 * passes over the file. It must not be the large buffer. */
TG_CHECKED int tg_store_salvage(struct tg_outbox *box, const char *from, struct tg_view scratch,
				struct tg_salvage_counts *counts);

#endif
