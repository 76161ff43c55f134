/* pages.h - malloc and free for LMDB, compiled from source: a block's dirty pages come from slots.
 *
 * Each commit takes 16 KiB for every block and gives them back. musl returns such memory to the
 * kernel, which clears it anew for the next commit: a quarter of a static tidegate's time. Slots
 * stay. All else goes to the C library.
 *
 * Memory:  TG_PAGES_SLOTS x 16 KiB, touched when first used: what budget.h counts as LMDB's heap.
 * Waits:   never. Thread: the loop's.
 */
#ifndef TG_APP_OUTBOX_PAGES_H
#define TG_APP_OUTBOX_PAGES_H

#include <stddef.h>

enum {
	TG_PAGES_BYTES = 16384, /* a block's value with LMDB's header */
	TG_PAGES_SLOTS = CONFIG_TG_COMMIT_BLOCKS_MAX + 2,
};

void *tg_pages_malloc(size_t bytes);
/* Of what tg_pages_malloc(), or anybody else by the C library, gave. */
void tg_pages_free(void *at);

#endif
