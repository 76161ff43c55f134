#include "app/outbox/outbox.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "app/crc32c.h"
#include "app/outbox/repair.h"
#include "app/outbox/store.h"
#include "platform/assert.h"
#include "platform/log.h"

enum { FILE_PATH_BYTES = 600 };

#define SALVAGING "data.mdb.salvaging"

_Static_assert(
	CONFIG_TG_COMMIT_BLOCKS_MAX >= CONFIG_TG_COMMIT_BLOCKS_MIN + CONFIG_TG_SOURCES_MAX + 1,
	"Raise TG_COMMIT_BLOCKS_MAX: each source needs a block to append to beside a commit's");

size_t tg_outbox_memory_bytes(void)
{
	return CONFIG_TG_STREAMS_MAX * sizeof(struct tg_stream) +
	       CONFIG_TG_SOURCES_MAX * sizeof(struct tg_stream_open) +
	       CONFIG_TG_COMMIT_BLOCKS_MAX * (sizeof(struct tg_block) + 1) +
	       CONFIG_TG_INDEX_PAGES * sizeof(struct tg_index_page) + CONFIG_TG_DOC_BYTES_MAX + 256;
}

static int load_page(void *context, uint32_t stream, uint32_t page, uint8_t at[TG_INDEX_PAGE_BYTES])
{
	struct tg_outbox *box = context;
	struct tg_store_key key = tg_key_page(stream, page);
	struct tg_view value;
	MDB_txn *txn;
	int err = tg_store_read_begin(box, &txn);

	if (err == 0)
		err = tg_store_get(box, txn, &key, &value);
	if (err == 0 && value.bytes != TG_INDEX_PAGE_BYTES)
		err = TG_ERR_DAMAGED;
	if (err == 0)
		memcpy(at, value.at, TG_INDEX_PAGE_BYTES);
	tg_store_read_end(box);
	return err == TG_ERR_MISSING ? TG_ERR_DAMAGED : err;
}

static void carve(struct tg_outbox *box, struct tg_arena *arena)
{
	struct tg_index_page *pages;

	box->streams_ = tg_arena_take(arena, CONFIG_TG_STREAMS_MAX * sizeof(struct tg_stream));
	box->open_ = tg_arena_take(arena, CONFIG_TG_SOURCES_MAX * sizeof(struct tg_stream_open));
	box->blocks_ = tg_arena_take(arena, CONFIG_TG_COMMIT_BLOCKS_MAX * sizeof(struct tg_block));
	box->block_state_ = tg_arena_take(arena, CONFIG_TG_COMMIT_BLOCKS_MAX);
	pages = tg_arena_take(arena, CONFIG_TG_INDEX_PAGES * sizeof(*pages));
	box->large_ = tg_arena_take(arena, CONFIG_TG_DOC_BYTES_MAX);
	TG_ASSERT(box->large_ != NULL && pages != NULL); /* budget.h counted them */
	memset(box->block_state_, TG_BLOCK_SLOT_FREE, CONFIG_TG_COMMIT_BLOCKS_MAX);
	for (uint32_t i = 0; i < CONFIG_TG_SOURCES_MAX; i++)
		box->open_[i].stream = NULL;
	tg_index_cache_init(&box->index_cache_, pages, CONFIG_TG_INDEX_PAGES,
			    (struct tg_index_store){ .context = box, .load = load_page });
}

/* --- the meta row: format, instance, and the machine and file it was made on --- */

/* The format comes first in every format to come: an older tidegate must be able to read it. */
static int meta_put(struct tg_outbox *box, MDB_txn *txn, const uint8_t binding[16])
{
	uint8_t bytes[160];
	struct tg_writer writer = { .at = bytes, .cap = sizeof(bytes) };
	struct tg_store_key key = tg_key_meta();

	tg_write_u32(&writer, TG_FORMAT_VERSION);
	tg_write_view(&writer, tg_view_str(box->instance_));
	tg_write_bytes(&writer, binding, 16);
	tg_write_u8(&writer, box->salvaging_);
	TG_ASSERT(!writer.overran);
	return tg_row_put(box, txn, &key, tg_view_of(bytes, writer.used));
}

static void new_instance(struct tg_outbox *box)
{
	uint8_t random[8];

	box->cfg.random(random, sizeof(random));
	int used = snprintf(box->instance_, sizeof(box->instance_), "%.64s-", box->cfg.name);
	for (size_t i = 0; i < sizeof(random); i++)
		used += snprintf(box->instance_ + used, sizeof(box->instance_) - (size_t)used,
				 "%02x", random[i]);
}

static int meta_read(struct tg_outbox *box, MDB_txn *txn, uint8_t binding[16])
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
	tg_read_bytes(&reader, binding, 16);
	box->salvaging_ = reader.at < reader.end && tg_read_u8(&reader) != 0;
	return reader.ran_dry ? TG_ERR_DAMAGED : 0;
}

static int identify(struct tg_outbox *box)
{
	uint8_t here[16], stored[16];
	char path[512];
	MDB_txn *txn = NULL;

	snprintf(path, sizeof(path), "%s/data.mdb", box->cfg.path);
	int err = box->cfg.binding(path, here);
	if (err == 0)
		err = tg_store_write_begin(box, &txn);
	if (err < 0)
		return err;
	err = meta_read(box, txn, stored);
	bool same = err == 0 && memcmp(here, stored, sizeof(here)) == 0;
	if (err == TG_ERR_MISSING || (err == 0 && !same)) {
		if (err == 0)
			TG_LOG_WRN("outbox.moved",
				   "path=%s action=new_instance why=\"the store is a copy or on "
				   "another "
				   "machine; what was under way may arrive twice\"",
				   box->cfg.path);
		new_instance(box);
	}
	/* A store of an older format is ours from here on, before any row of the newer one. */
	same = same && box->format_ == TG_FORMAT_VERSION;
	if (err == TG_ERR_MISSING || (err == 0 && !same))
		err = meta_put(box, txn, here);
	if (err < 0 || same) {
		mdb_txn_abort(txn);
		return err;
	}
	return tg_store_err(mdb_txn_commit(txn));
}

static int load_all(struct tg_outbox *box)
{
	MDB_txn *txn;
	int err = tg_store_read_begin(box, &txn);

	if (err == 0)
		err = tg_streams_load(box, txn);
	if (err == 0)
		err = tg_sinks_load(box, txn);
	tg_store_read_end(box);
	return err;
}

static int open_sentence(const struct tg_outbox *box, int err, struct tg_why *why)
{
	switch (err) {
	case TG_ERR_NEWER:
		return tg_store_newer(box->cfg.path, box->format_, why);
	case TG_ERR_DAMAGED:
		return tg_why_set(why, err, "the store %s is damaged", box->cfg.path);
	case TG_ERR_ACCESS:
		return tg_why_set(why, err, "the store %s may not be written by this user",
				  box->cfg.path);
	case TG_ERR_LIMIT:
		return tg_why_set(
			why, err,
			"the store %s holds more streams or sinks than this tidegate was "
			"built for (TG_STREAMS_MAX %d, TG_SINKS_MAX %d); use the build that "
			"wrote it, or raise them",
			box->cfg.path, CONFIG_TG_STREAMS_MAX, CONFIG_TG_SINKS_MAX);
	default:
		return tg_why_set(why, err, "the store %s cannot be opened (%s)", box->cfg.path,
				  tg_err_name(err));
	}
}

/* --- a damaged store -----------------------------------------------------------------------------
 *
 *      data.mdb -> data.mdb.salvaging -> data.mdb.damaged-N
 *
 * While the second name is there the new data.mdb may hold a part of what can be saved. Its meta
 * row says so until the sinks have taken it over (tg_outbox_salvage_end): nothing of it was
 * delivered before that, so that a start which finds it so throws it away and begins again. */

static void file_path(const struct tg_outbox *box, const char *name, char at[FILE_PATH_BYTES])
{
	snprintf(at, FILE_PATH_BYTES, "%.511s/%s", box->cfg.path, name);
}

/* Renames the store's file `name` to the first free data.mdb.damaged-N. */
static int keep_damaged(const struct tg_outbox *box, const char *name, char moved[FILE_PATH_BYTES])
{
	char path[FILE_PATH_BYTES], damaged[32];

	file_path(box, name, path);
	for (unsigned n = 1; n < 1000; n++) {
		snprintf(damaged, sizeof(damaged), "data.mdb.damaged-%u", n);
		file_path(box, damaged, moved);
		if (access(moved, F_OK) == 0)
			continue;
		return rename(path, moved) < 0 ? tg_store_err(errno) : tg_store_sync_names(box);
	}
	return TG_ERR_NOSPC;
}

static int open_and_load(struct tg_outbox *box)
{
	int err = tg_store_env_open(box);

	if (err == 0)
		err = tg_store_sync_names(box);
	if (err == 0)
		err = identify(box);
	if (err == 0)
		err = load_all(box);
	return err;
}

/* Names the file that was salvaged for good. */
static int end_salvage(struct tg_outbox *box)
{
	char moved[FILE_PATH_BYTES];

	file_path(box, SALVAGING, moved);
	if (access(moved, F_OK) != 0)
		return 0; /* somebody took it away */
	int err = keep_damaged(box, SALVAGING, moved);

	if (err == 0)
		TG_LOG_WRN("outbox.salvaged", "path=%s kept_as=%s", box->cfg.path, moved);
	return err;
}

int tg_outbox_salvage_end(struct tg_outbox *box)
{
	uint8_t here[16];
	char path[FILE_PATH_BYTES];
	MDB_txn *txn = NULL;

	if (!box->salvaging_)
		return 0;
	file_path(box, "data.mdb", path);
	int err = box->cfg.binding(path, here);
	if (err == 0)
		err = tg_store_write_begin(box, &txn);
	if (err < 0)
		return err;
	box->salvaging_ = false;
	err = meta_put(box, txn, here);
	if (err < 0)
		mdb_txn_abort(txn);
	else
		err = tg_store_err(mdb_txn_commit(txn));
	box->salvaging_ = err < 0;
	return err < 0 ? err : end_salvage(box);
}

/* What is left of the file that is being salvaged goes into a new store, with a new instance. The
 * index' pages are not in use yet: their room takes the lists. */
static int salvage(struct tg_outbox *box, const char *found)
{
	struct tg_salvage_counts counts;
	struct tg_index_cache *cache = &box->index_cache_;
	struct tg_index_store store = cache->store;
	uint32_t pages = cache->count;
	char from[FILE_PATH_BYTES];

	file_path(box, SALVAGING, from);
	box->salvaging_ = true;
	int err = open_and_load(box);
	if (err < 0)
		return err;
	cache->count = 0;
	err = tg_store_salvage(box, from,
			       tg_view_of((uint8_t *)cache->pages, pages * sizeof(*cache->pages)),
			       &counts);
	tg_index_cache_init(cache, cache->pages, pages, store);
	TG_LOG_ERR("outbox.start_over",
		   "path=%s found=\"%s\" salvaged=%llu set_aside=%llu skipped=%llu instance=%s "
		   "why=\"the store was damaged; everything is read anew and may arrive twice\"",
		   box->cfg.path, found, (unsigned long long)counts.records,
		   (unsigned long long)counts.set_aside, (unsigned long long)counts.skipped,
		   box->instance_);
	box->salvaged_ = true;
	return err;
}

/* Nothing is known of the store any more, and no file of its name is there. */
static int clear_away(struct tg_outbox *box, const char *new_name)
{
	char path[FILE_PATH_BYTES], to[FILE_PATH_BYTES];

	tg_store_env_close(box);
	box->stream_count_ = 0;
	memset(box->sinks_, 0, sizeof(box->sinks_));
	file_path(box, "data.mdb", path);
	if (new_name != NULL)
		file_path(box, new_name, to);
	int rc = new_name != NULL ? rename(path, to) : unlink(path);
	file_path(box, "lock.mdb", path);
	if ((rc < 0 && errno != ENOENT) || (unlink(path) < 0 && errno != ENOENT))
		return tg_store_err(errno);
	return tg_store_sync_names(box);
}

static int start_over(struct tg_outbox *box, const struct tg_check_counts *found)
{
	int err = clear_away(box, SALVAGING);

	return err == 0 ? salvage(box, found->what) : err;
}

/* A start ended in the middle of a salvage: it is begun again. `err` says how the new file was
 * found. */
static int salvage_again(struct tg_outbox *box, int err)
{
	char moved[FILE_PATH_BYTES];

	if (err == TG_ERR_DAMAGED) { /* it may hold more than a part; somebody may want to look */
		tg_store_env_close(box);
		err = keep_damaged(box, "data.mdb", moved);
	} else {
		err = 0;
	}
	if (err == 0)
		err = clear_away(box, NULL);
	return err == 0 ? salvage(box, "a salvage that was cut off") : err;
}

static int check_and_open(struct tg_outbox *box)
{
	struct tg_check_counts found;
	char path[FILE_PATH_BYTES];

	file_path(box, SALVAGING, path);
	bool begun = access(path, F_OK) == 0;
	int err = tg_store_check(box->cfg.path, box->crashed_, &found);
	box->format_ = found.format;
	box->salvaging_ = begun; /* unless a meta row, which a new file has not, says otherwise */
	if (err == 0 || err == TG_ERR_MISSING) {
		err = open_and_load(box);
		if (err == TG_ERR_DAMAGED)
			snprintf(found.what, sizeof(found.what), "a row that cannot be read");
	}
	if (begun && (err == TG_ERR_DAMAGED || (err == 0 && box->salvaging_)))
		return salvage_again(box, err);
	if (err == TG_ERR_DAMAGED)
		return start_over(box, &found);
	box->salvaged_ = err == 0 && box->salvaging_; /* and the old file is gone */
	return begun && err == 0 ? end_salvage(box) : err;
}

int tg_outbox_open(struct tg_outbox *box, const struct tg_outbox_cfg *cfg, struct tg_arena *arena,
		   struct tg_why *why)
{
	memset(box, 0, sizeof(*box));
	box->cfg = *cfg;
	box->lock_fd_ = -1;
	box->page_cap_ = cfg->bytes_max / TG_PAGE_BYTES;
	box->commit_blocks_ = CONFIG_TG_COMMIT_BLOCKS_MIN;
	int err = cfg->make_folder(cfg->path);
	if (err < 0)
		return open_sentence(box, err, why);
	err = tg_lock_take(box, why);
	if (err < 0)
		return err;
	carve(box, arena);
	err = check_and_open(box);
	if (err < 0) {
		tg_store_env_close(box);
		/* A newer tidegate's store was not touched: its next start need not check it all.
		 */
		tg_lock_release(box, err == TG_ERR_NEWER && !box->crashed_);
		return open_sentence(box, err, why);
	}
	box->last_commit_ms_ = cfg->mono_ms();
	return 0;
}

bool tg_outbox_salvaged(const struct tg_outbox *box)
{
	return box->salvaged_;
}

bool tg_outbox_is_unsound(const struct tg_outbox *box)
{
	return box->unsound_;
}

void tg_outbox_close(struct tg_outbox *box)
{
	tg_store_env_close(box);
	tg_lock_release(box, !box->unsound_);
}

struct tg_view tg_outbox_instance(const struct tg_outbox *box)
{
	return tg_view_str(box->instance_);
}

void tg_outbox_figures(const struct tg_outbox *box, struct tg_outbox_figures *out)
{
	*out = (struct tg_outbox_figures){ .pages_used = box->pages_used_,
					   .page_cap = box->page_cap_,
					   .bytes_max = box->cfg.bytes_max,
					   .committed_bytes = box->committed_bytes_,
					   .commit_count = box->commit_count_,
					   .damaged_count = box->damaged_seen_,
					   .commit_blocks = box->commit_blocks_ };
}
