/* readers.c - who else looks into the store, and for how long.
 *
 * A reader registers in lock.mdb; while its transaction is open no page is used again that it may
 * still see. One that ended without a word is found out by LMDB; one that was stopped in the middle
 * of a copy is not dead: it can only be named. */
#include <stdlib.h>
#include <unistd.h>

#include "app/outbox/store.h"
#include "platform/log.h"

enum { WATCH_MS = 10000, STUCK_COMMITS = 16 };

struct search {
	long own;
	uint64_t last; /* the newest transaction */
	struct tg_slow_reader slowest;
};

/* A line of LMDB's list: process, thread, and the transaction that it sees, or "-". */
static bool read_line(const char *line, long *pid, uint64_t *txn)
{
	char *at, *end;

	*pid = strtol(line, &at, 10);
	if (at == line)
		return false;
	at += strspn(at, " ");
	at += strcspn(at, " ");
	*txn = strtoull(at, &end, 10);
	return end != at;
}

static int on_line(const char *line, void *context)
{
	struct search *search = context;
	uint64_t txn;
	long pid;

	if (!read_line(line, &pid, &txn) || pid == search->own || txn >= search->last)
		return 0;
	uint64_t behind = search->last - txn;
	if (behind > search->slowest.behind)
		search->slowest =
			(struct tg_slow_reader){ .pid = pid, .behind = behind, .at = txn };
	return 0;
}

bool tg_outbox_slow_reader(struct tg_outbox *box, struct tg_slow_reader *out)
{
	struct search search = { .own = (long)getpid() };
	MDB_envinfo info;
	int dead = 0;

	*out = search.slowest;
	if (box->env_ == NULL || mdb_env_info(box->env_, &info) != 0)
		return false;
	search.last = info.me_last_txnid;
	(void)mdb_reader_check(box->env_, &dead);
	(void)mdb_reader_list(box->env_, on_line, &search);
	*out = search.slowest;
	return search.slowest.pid != 0;
}

void tg_outbox_watch_readers(struct tg_outbox *box, uint64_t mono_ms)
{
	struct tg_slow_reader now;

	if (mono_ms < box->watch_ms_)
		return;
	box->watch_ms_ = mono_ms + WATCH_MS;
	bool any = tg_outbox_slow_reader(box, &now);
	bool stuck = any && now.pid == box->slow_.pid && now.at == box->slow_.at &&
		     now.behind >= STUCK_COMMITS;
	if (stuck && !box->slow_told_)
		TG_LOG_WRN("outbox.reader_stuck",
			   "path=%s pid=%ld behind=%llu why=\"that process stopped while it "
			   "looked into the store: what it saw is kept until it goes on or ends\"",
			   box->cfg.path, now.pid, (unsigned long long)now.behind);
	box->slow_told_ = stuck;
	box->slow_ = now;
}
