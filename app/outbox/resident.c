#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "app/outbox/store.h"

/* A fault brings its neighbours: the kernel maps what it has of 16 pages around. */
enum { FAULT_BYTES = 65536, PAGE_BYTES_MAX = 65536 };

/* The program's own pages are pages of a file as well: a limit below them is always reached. */
enum { PROGRAM_BYTES_MAX = 4 << 20 };

/* Whether the pages of files that count as ours have come to the limit: Linux' third number in
 * statm. Where nobody says they have. */
static bool is_at_limit(void)
{
	char text[128], *at = text;

	if (CONFIG_TG_STORE_MAPPED_BYTES < PROGRAM_BYTES_MAX)
		return true;
	long page_bytes = sysconf(_SC_PAGESIZE);
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	if (got <= 0 || page_bytes <= 0)
		return true;
	text[got] = '\0';
	(void)strtoull(at, &at, 10);
	(void)strtoull(at, &at, 10);
	return strtoull(at, &at, 10) * (uint64_t)page_bytes >= CONFIG_TG_STORE_MAPPED_BYTES;
}

static void give_back(const struct tg_touched *touched)
{
	/* Inwards to whole pages, however large they are here: nothing beside the map is met. */
	const uintptr_t mask = PAGE_BYTES_MAX - 1;
	uintptr_t low = (touched->low + mask) & ~mask, high = touched->high & ~mask;

	if (low < high)
		(void)madvise((void *)low, high - low, MADV_DONTNEED);
}

void tg_store_mapped(struct tg_outbox *box, size_t bytes)
{
	struct tg_touched *touched = &box->touched_;

	touched->bytes += bytes;
	if (touched->bytes < CONFIG_TG_STORE_MAPPED_BYTES)
		return;
	touched->bytes = 0;
	if (is_at_limit())
		give_back(touched);
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
	tg_store_mapped(box, value.mv_size > FAULT_BYTES ? value.mv_size : FAULT_BYTES);
}
