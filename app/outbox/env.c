#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/outbox/store.h"
#include "platform/assert.h"
#include "platform/log.h"

/* Another user of the group may look: readers register in the lock file, so they must write it. */
enum { DATA_MODE = 0640, LOCK_MODE = 0660, FOLDER_MODE = 0770 };

static void file_path(const struct tg_outbox *box, const char *name, char *at, size_t cap)
{
	snprintf(at, cap, "%s/%s", box->cfg.path, name);
}

static int share_with_group(const struct tg_outbox *box)
{
	char path[512];

	file_path(box, "lock.mdb", path, sizeof(path));
	if (chmod(path, LOCK_MODE) < 0 && errno != EPERM)
		return tg_store_err(errno);
	return 0;
}

static int env_configure(struct tg_outbox *box, MDB_env *env)
{
	uint64_t map_bytes = (box->page_cap_ + TG_RESERVE_PAGES) * TG_PAGE_BYTES;
	int rc = mdb_env_set_mapsize(env, (size_t)map_bytes);

	if (rc == 0)
		rc = mdb_env_set_maxreaders(env, 126);
	return tg_store_err(rc);
}

/* Deleting needs pages too. A file that has outgrown its cap (bytes_max was lowered) gets the
 * reserve beyond its end, or it could never be drained. */
static int keep_reserve(MDB_env *env)
{
	MDB_envinfo info;
	int rc = mdb_env_info(env, &info);
	uint64_t least = ((uint64_t)info.me_last_pgno + 1 + TG_RESERVE_PAGES) * TG_PAGE_BYTES;

	if (rc == 0 && info.me_mapsize < least)
		rc = mdb_env_set_mapsize(env, (size_t)least);
	return tg_store_err(rc);
}

static int dbi_open(struct tg_outbox *box, MDB_env *env)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(env, NULL, 0, &txn);

	if (rc != 0)
		return tg_store_err(rc);
	rc = mdb_dbi_open(txn, NULL, 0, &box->dbi_);
	if (rc != 0) {
		mdb_txn_abort(txn);
		return tg_store_err(rc);
	}
	return tg_store_err(mdb_txn_commit(txn));
}

int tg_store_env_open(struct tg_outbox *box)
{
	MDB_env *env;
	int rc = mdb_env_create(&env);

	if (rc != 0)
		return tg_store_err(rc);
	int err = env_configure(box, env);
	if (err == 0)
		err = tg_store_err(mdb_env_open(env, box->cfg.path, MDB_NOTLS, DATA_MODE));
	if (err == 0)
		err = keep_reserve(env);
	if (err == 0)
		err = share_with_group(box);
	if (err == 0)
		err = dbi_open(box, env);
	if (err < 0) {
		mdb_env_close(env);
		return err;
	}
	int dead = 0;
	(void)mdb_reader_check(env, &dead);
	if (dead > 0)
		TG_LOG_INF("outbox.readers_cleared", "count=%d", dead);
	box->env_ = env;
	box->reader_ = NULL;
	box->touched_ = (struct tg_touched){ 0 };
	return 0;
}

void tg_store_env_close(struct tg_outbox *box)
{
	if (box->env_ == NULL)
		return;
	if (box->reader_ != NULL)
		mdb_txn_abort(box->reader_);
	mdb_env_close(box->env_);
	box->env_ = NULL;
	box->reader_ = NULL;
}

int tg_store_sync_names(const struct tg_outbox *box)
{
	int fd = open(box->cfg.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return tg_store_err(errno);
	int err = fsync(fd) < 0 ? tg_store_err(errno) : 0;
	close(fd);
	return err;
}

/* A failed write of a meta page leaves LMDB in panic until it is opened anew. What was pending is
 * committed again: every row of a commit is a whole value, so that doing it twice changes nothing.
 */
static int env_reopen(struct tg_outbox *box)
{
	TG_LOG_WRN("outbox.reopen", "path=%s", box->cfg.path);
	tg_store_env_close(box);
	return tg_store_env_open(box);
}

int tg_store_write_begin(struct tg_outbox *box, MDB_txn **txn)
{
	if (box->env_ == NULL) {
		int err = tg_store_env_open(box);
		if (err < 0)
			return err;
	}
	int rc = mdb_txn_begin(box->env_, NULL, 0, txn);

	if (rc == MDB_PANIC && box->reading_)
		return TG_ERR_IO; /* a cursor stands in the environment: whoever holds it comes
				     again */
	if (rc == MDB_PANIC) {
		int err = env_reopen(box);
		if (err < 0)
			return err;
		rc = mdb_txn_begin(box->env_, NULL, 0, txn);
	}
	return tg_store_err(rc);
}

static int reader_begin(struct tg_outbox *box)
{
	MDB_txn *reader = NULL;

	if (box->reader_ != NULL)
		return mdb_txn_renew(box->reader_);
	int rc = mdb_txn_begin(box->env_, NULL, MDB_RDONLY, &reader);
	if (rc == 0)
		box->reader_ = reader;
	return rc;
}

int tg_store_read_begin(struct tg_outbox *box, MDB_txn **txn)
{
	int err = box->env_ == NULL ? tg_store_env_open(box) : 0;

	if (err < 0)
		return err;
	int rc = reader_begin(box);
	if (rc == MDB_MAP_RESIZED) { /* only somebody who looks meets it: the writer began anew */
		rc = mdb_env_set_mapsize(box->env_, 0);
		box->touched_ = (struct tg_touched){ 0 }; /* the map may lie elsewhere now */
		if (rc == 0)
			rc = reader_begin(box);
	} else if (rc == MDB_PANIC) {
		err = env_reopen(box);
		if (err < 0)
			return err;
		rc = reader_begin(box);
	}
	box->reading_ = rc == 0;
	*txn = box->reader_;
	return tg_store_err(rc);
}

void tg_store_read_end(struct tg_outbox *box)
{
	box->reading_ = false;
	if (box->reader_ != NULL)
		mdb_txn_reset(box->reader_);
}
