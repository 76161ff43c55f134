/* mend.h - a damaged index is built anew from the leaves that can still be read.
 *
 *      old leaves (each with its own checksum) --entries--> a new tree --commit--> old leaf deleted
 *
 * The inner pages tell nothing that the leaves do not. Keys on unreadable leaves are forgotten:
 * rows that are still in the source are sent again by the full pass that follows, rows that were
 * deleted there before it stay upstream. How many keys that are is counted in the stream's row.
 *
 * New pages and the deletion of an old leaf go in one commit, so that a mending that is cut off
 * goes on with the leaves that are left (TG_STREAM_REINDEX).
 *
 * Memory:  none of its own; the large buffer for one page. Waits: for the disk.
 */
#ifndef TG_APP_OUTBOX_MEND_H
#define TG_APP_OUTBOX_MEND_H

#include "app/outbox/outbox.h"

/* All that was said of the stream is committed. Sets its trees aside, and the pass back. */
void tg_outbox_mend_begin(struct tg_outbox *box, struct tg_stream_open *open);
/* Takes one old page over. TG_ERR_AGAIN: there are more. TG_ERR_FULL: commit, then call again. 0:
 * the index is whole, `forgotten` keys the poorer. TG_ERR_DAMAGED: a new page is damaged too,
 * commit and begin again; or LMDB cannot walk its own tree (tg_outbox_is_unsound). LIMIT, IO. */
TG_CHECKED int tg_outbox_mend(struct tg_outbox *box, struct tg_stream_open *open,
			      uint64_t *forgotten);

#endif
