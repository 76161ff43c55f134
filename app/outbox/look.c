#include "app/outbox/look.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/outbox/repair.h"
#include "app/outbox/store.h"
#include "platform/assert.h"

static int look_env(struct tg_outbox *box)
{
	MDB_env *env;
	int rc = mdb_env_create(&env);

	if (rc != 0)
		return tg_store_err(rc);
	rc = mdb_env_open(env, box->cfg.path, MDB_RDONLY | MDB_NOTLS, 0);
	if (rc != 0) {
		mdb_env_close(env);
		return tg_store_err(rc);
	}
	box->env_ = env;
	return 0;
}

static int look_dbi(struct tg_outbox *box)
{
	MDB_txn *txn;
	int err = tg_store_read_begin(box, &txn);

	if (err == 0)
		err = tg_store_err(mdb_dbi_open(txn, NULL, 0, &box->dbi_));
	tg_store_read_end(box);
	return err;
}

static int read_meta(struct tg_outbox *box, MDB_txn *txn)
{
	struct tg_store_key key = tg_key_meta();
	struct tg_view content;
	int err = tg_row_get(box, txn, &key, &content);

	if (err < 0)
		return err;
	struct tg_reader reader = tg_reader_of(content);
	box->format_ = tg_read_u32(&reader);
	if (box->format_ > TG_FORMAT_VERSION)
		return TG_ERR_NEWER;
	tg_read_text(&reader, box->instance_, sizeof(box->instance_));
	return reader.ran_dry ? TG_ERR_DAMAGED : 0;
}

int tg_outbox_look_again(struct tg_outbox *box)
{
	MDB_envinfo info;
	MDB_txn *txn;
	int err = tg_store_read_begin(box, &txn);

	box->stream_count_ = 0;
	memset(box->sinks_, 0, sizeof(box->sinks_));
	if (err == 0)
		err = read_meta(box, txn);
	if (err == 0)
		err = tg_streams_load(box, txn);
	if (err == 0)
		err = tg_sinks_load(box, txn);
	tg_store_read_end(box);
	if (err == 0 && mdb_env_info(box->env_, &info) == 0) {
		box->pages_used_ = (uint64_t)info.me_last_pgno + 1;
		box->page_cap_ = info.me_mapsize / TG_PAGE_BYTES - TG_RESERVE_PAGES;
		box->cfg.bytes_max = box->page_cap_ * TG_PAGE_BYTES;
	}
	return err;
}

static int look_sentence(const struct tg_outbox *box, int err, struct tg_why *why)
{
	const char *path = box->cfg.path;

	switch (err) {
	case TG_ERR_MISSING:
		return tg_why_set(why, err, "there is no store in %s; a first sync makes it", path);
	case TG_ERR_ACCESS:
		return tg_why_set(why, err, "the store %s may be read by its user and group only",
				  path);
	case TG_ERR_NEWER:
		return tg_store_newer(path, box->format_, why);
	case TG_ERR_DAMAGED:
		return tg_why_set(why, err, "the store %s is damaged; the next sync moves it aside",
				  path);
	default:
		return tg_why_set(why, err, "the store %s cannot be read (%s)", path,
				  tg_err_name(err));
	}
}

int tg_outbox_look(struct tg_outbox *box, const char *path, struct tg_arena *arena,
		   struct tg_why *why)
{
	struct stat file;
	char name[512];

	memset(box, 0, sizeof(*box));
	box->cfg.path = path;
	box->lock_fd_ = -1;
	box->streams_ = tg_arena_take(arena, CONFIG_TG_STREAMS_MAX * sizeof(struct tg_stream));
	box->large_ = tg_arena_take(arena, CONFIG_TG_DOC_BYTES_MAX);
	box->open_ = tg_arena_take(arena, CONFIG_TG_SOURCES_MAX * sizeof(struct tg_stream_open));
	TG_ASSERT(box->open_ != NULL); /* budget.h counted them */
	for (uint32_t i = 0; i < CONFIG_TG_SOURCES_MAX; i++)
		box->open_[i].stream = NULL;
	snprintf(name, sizeof(name), "%s/data.mdb", path);
	int err = stat(name, &file) == 0 ? 0
					 : (errno == ENOENT ? TG_ERR_MISSING : tg_store_err(errno));
	if (err == 0)
		err = look_env(box);
	if (err == 0)
		err = look_dbi(box);
	if (err == 0)
		err = tg_outbox_look_again(box);
	if (err < 0) {
		tg_outbox_look_end(box);
		return look_sentence(box, err, why);
	}
	return 0;
}

void tg_outbox_look_end(struct tg_outbox *box)
{
	tg_store_env_close(box);
}

int tg_outbox_holder(const char *path, char *holder, size_t cap)
{
	char name[512];

	snprintf(name, sizeof(name), "%s/holder", path);
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	bool held = flock(fd, LOCK_SH | LOCK_NB) < 0;
	ssize_t bytes = held ? pread(fd, holder, cap - 1, 0) : 0;
	close(fd); /* lets go of the shared lock, if it was had */
	if (bytes <= 0)
		return 0;
	holder[bytes] = '\0';
	holder[strcspn(holder, "\n")] = '\0';
	return 1;
}

const struct tg_sink_row *tg_outbox_look_sink(const struct tg_outbox *box, uint32_t slot)
{
	return slot < CONFIG_TG_SINKS_MAX && box->sinks_[slot].used ? &box->sinks_[slot].row : NULL;
}
