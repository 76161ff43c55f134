#include <sys/mman.h>

#include "app/outbox/store.h"

/* What is smaller brings its neighbours: the kernel maps what it has of 16 pages around. */
enum { TOUCHED_BYTES_MIN = 16384, PAGE_BYTES_MAX = 65536 };

void tg_store_give_back(struct tg_outbox *box)
{
	/* Inwards to whole pages, however large they are here: nothing beside the map is met. */
	const uintptr_t mask = PAGE_BYTES_MAX - 1;
	uintptr_t low = (box->touched_.low + mask) & ~mask, high = box->touched_.high & ~mask;

	if (low < high)
		(void)madvise((void *)low, high - low, MADV_DONTNEED);
	box->touched_.bytes = 0;
}

void tg_store_touched(struct tg_outbox *box, const MDB_txn *txn, MDB_val value)
{
	uintptr_t low = (uintptr_t)value.mv_data, high = low + value.mv_size;
	struct tg_touched *touched = &box->touched_;

	if (txn != box->reader_) /* a value of a write transaction may lie on LMDB's heap */
		return;
	if (touched->high == 0 || low < touched->low)
		touched->low = low;
	if (high > touched->high)
		touched->high = high;
	touched->bytes += value.mv_size > TOUCHED_BYTES_MIN ? value.mv_size : TOUCHED_BYTES_MIN;
	if (touched->bytes >= CONFIG_TG_STORE_MAPPED_BYTES)
		tg_store_give_back(box);
}
