#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/crc32c.h"
#include "app/outbox/repair.h"
#include "app/outbox/store.h"

enum { INHERITED_FDS_MAX = 256 }; /* at start few are open */

struct check {
	MDB_txn *txn;
	MDB_dbi dbi;
	bool all;
	struct tg_check_counts counts;
	/* The stream whose blocks pass by: its first and its last block are looked into. */
	uint32_t stream;
	uint64_t floor; /* every sink that takes it has it up to here */
	MDB_val block_key;
	uint64_t next_seq; /* the sequence behind the block that was looked into last; 0: unknown */
};

static void fault(struct check *check, MDB_val key)
{
	static const char digits[] = "0123456789abcdef";
	char *at = check->counts.what;

	if (check->counts.damaged++ != 0)
		return;
	for (size_t i = 0; i < key.mv_size && i < 24; i++) {
		uint8_t byte = ((const uint8_t *)key.mv_data)[i];
		*at++ = digits[byte >> 4];
		*at++ = digits[byte & 15];
	}
	*at = '\0';
}

/* The chunks of a large body, one after another, into its checksum. */
static bool large_is_whole(struct check *check, const struct tg_block_view *view,
			   const struct tg_block_record *record)
{
	uint32_t crc = 0;
	uint64_t bytes = 0;

	check->counts.large++;
	for (uint32_t part = 0; bytes < record->large_bytes; part++) {
		struct tg_store_key key = tg_key_chunk(view->stream, record->record.seq, part);
		MDB_val k = tg_val(key.at, key.bytes), v;

		if (mdb_get(check->txn, check->dbi, &k, &v) != 0 || v.mv_size == 0)
			return false;
		crc = tg_crc32c(crc, v.mv_data, v.mv_size);
		bytes += v.mv_size;
	}
	return bytes == record->large_bytes && crc == record->large_crc;
}

/* How far the position under the cursor lets the stream be trimmed. */
static uint64_t position_of(uint32_t stream, MDB_val key, MDB_val value)
{
	struct tg_view content = tg_row_content(tg_view_of(key.mv_data, key.mv_size),
						tg_view_of(value.mv_data, value.mv_size));

	if (key.mv_size != 7 || content.bytes != 9 || content.at[8] == 0 ||
	    tg_load_be32((const uint8_t *)key.mv_data + 3) != stream)
		return UINT64_MAX;
	return tg_load_u64(content.at);
}

/* Chunks go as soon as all sinks have their record, its block only with its last record. What no
 * sink waits for is owed to nobody: it may be gone as well. */
static uint64_t floor_of(const struct check *check, uint32_t stream)
{
	struct tg_store_key from = tg_key_position(0, 0);
	MDB_val k = tg_val(from.at, from.bytes), v;
	uint64_t floor = UINT64_MAX;
	MDB_cursor *cursor;
	int rc = mdb_cursor_open(check->txn, check->dbi, &cursor);

	if (rc != 0)
		return 0;
	rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
	while (rc == 0 && *(const uint8_t *)k.mv_data == 'P') {
		uint64_t position = position_of(stream, k, v);
		floor = position < floor ? position : floor;
		rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	return floor;
}

static void check_block(struct check *check, MDB_val key, MDB_val value)
{
	struct tg_block_view view;
	struct tg_block_record record;

	check->counts.blocks++;
	if (tg_block_open(&view, tg_view_of(value.mv_data, value.mv_size)) < 0 ||
	    view.first_seq != tg_load_be64((const uint8_t *)key.mv_data + 5)) {
		check->next_seq = 0;
		fault(check, key);
		return;
	}
	if (check->all && check->next_seq != 0 && check->next_seq != view.first_seq)
		fault(check, key); /* a block before it is missing */
	for (uint32_t i = 0; i < view.count; i++) {
		check->counts.records++;
		if (tg_block_read(&view, i, &record) < 0 ||
		    (record.large && check->all && record.record.seq > check->floor &&
		     !large_is_whole(check, &view, &record)))
			fault(check, key);
	}
	check->next_seq = view.first_seq + view.count;
}

/* The last block ends where the stream's row says that the next record begins. */
static void check_end(struct check *check)
{
	static struct tg_stream_row row; /* too large for a small machine's stack */
	struct tg_store_key key = tg_key_stream(check->stream);
	MDB_val k = tg_val(key.at, key.bytes), v;

	if (check->next_seq == 0 || mdb_get(check->txn, check->dbi, &k, &v) != 0)
		return;
	struct tg_view content =
		tg_row_content(tg_view_of(key.at, key.bytes), tg_view_of(v.mv_data, v.mv_size));
	if (content.at != NULL && tg_stream_row_read(content, &row, NULL) == 0 &&
	    row.next_seq != check->next_seq)
		fault(check, k);
}

static void look_into_block(struct check *check, MDB_val key)
{
	MDB_val value;

	if (mdb_get(check->txn, check->dbi, &key, &value) == 0)
		check_block(check, key, value);
	else
		fault(check, key);
}

/* The last block of the stream that passed by. */
static void end_stream(struct check *check)
{
	if (check->block_key.mv_data != NULL)
		look_into_block(check, check->block_key);
	check_end(check);
	check->block_key.mv_data = NULL;
	check->next_seq = 0;
}

static void pass_block(struct check *check, MDB_val key)
{
	uint32_t stream = tg_load_be32((const uint8_t *)key.mv_data + 1);

	if (stream != check->stream) {
		end_stream(check);
		check->floor = check->all ? floor_of(check, stream) : 0;
	}
	if (check->all || stream != check->stream) {
		check->stream = stream;
		look_into_block(check, key);
		return;
	}
	check->block_key = key;
}

/* Keys in order, or not at all: byte order, no end of the world assumed. */
static int no_order(struct tg_key a, struct tg_key b)
{
	(void)a;
	(void)b;
	return -1;
}

static void check_row(struct check *check, MDB_val key, MDB_val value)
{
	struct tg_view k = tg_view_of(key.mv_data, key.mv_size);
	struct tg_view v = tg_view_of(value.mv_data, value.mv_size);

	check->counts.rows++;
	if (tg_row_content(k, v).at == NULL)
		fault(check, key);
}

static void check_page(struct check *check, MDB_val key, MDB_val value)
{
	if (key.mv_size != 9 || value.mv_size != TG_INDEX_PAGE_BYTES ||
	    tg_index_page_check(value.mv_data, tg_load_be32((const uint8_t *)key.mv_data + 5),
				no_order) < 0)
		fault(check, key);
}

static void check_one(struct check *check, MDB_val key, MDB_val value)
{
	if (check->all && !tg_store_is_whole(key, value)) {
		fault(check, key);
		return;
	}
	switch (*(const uint8_t *)key.mv_data) {
	case 'B':
		if (key.mv_size == 13)
			pass_block(check, key);
		else
			fault(check, key);
		break;
	case 'I':
		check->counts.index_pages++;
		if (check->all)
			check_page(check, key, value);
		break;
	case 'L':
	case 'q':
		break; /* looked at with the record or item that they belong to */
	case 'M':
	case 'S':
	case 'K':
	case 'P':
	case 'R':
	case 'Q':
	case 'D':
		check_row(check, key, value);
		break;
	default:
		fault(check, key);
	}
}

/* Whether the value of `key` is looked at as it passes by. Each large one that is asked for reads a
 * page of its own from the disk, which is nearly all of a large store. */
static bool wants_value(const struct check *check, MDB_val key)
{
	return check->all ||
	       (key.mv_size > 0 && strchr("BILq", *(const char *)key.mv_data) == NULL);
}

/* Every key rises: a damaged branch that leads in a circle ends here. */
static int walk_all(struct check *check)
{
	MDB_cursor *cursor;
	MDB_val k, v, before = { .mv_size = 0 };
	uint8_t last[64];
	int rc = mdb_cursor_open(check->txn, check->dbi, &cursor);

	while (rc == 0 && (rc = mdb_cursor_get(cursor, &k, NULL, MDB_NEXT)) == 0) {
		if (k.mv_size == 0 || k.mv_size > sizeof(last) ||
		    (before.mv_size != 0 && mdb_cmp(check->txn, check->dbi, &before, &k) >= 0)) {
			rc = MDB_CORRUPTED;
			break;
		}
		v = tg_val(NULL, 0);
		if (wants_value(check, k))
			rc = mdb_cursor_get(cursor, &k, &v, MDB_GET_CURRENT);
		if (rc != 0)
			break;
		check_one(check, k, v);
		memcpy(last, k.mv_data, k.mv_size);
		before = tg_val(last, k.mv_size);
	}
	end_stream(check);
	mdb_cursor_close(cursor);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* The list of free pages: its values are a count and so many page numbers, falling. A commit that
 * meets a broken one fails for good. */
static int walk_free(MDB_env *env, MDB_txn *txn)
{
	MDB_cursor *cursor;
	MDB_envinfo info;
	MDB_val k, v;
	int rc = mdb_env_info(env, &info);

	if (rc == 0)
		rc = mdb_cursor_open(txn, 0, &cursor);
	if (rc != 0)
		return rc;
	while ((rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) == 0) {
		size_t count = 0, page, above = info.me_last_pgno + 1;
		const uint8_t *at = v.mv_data;

		if (v.mv_size >= sizeof(count))
			memcpy(&count, at, sizeof(count));
		if (count == 0 || count > v.mv_size / sizeof(count) - 1)
			break;
		for (size_t i = 1; i <= count && above > 1; i++, above = page) {
			memcpy(&page, at + i * sizeof(page), sizeof(page));
			page = page < above ? page : 0;
		}
		if (above <= 1)
			break;
	}
	mdb_cursor_close(cursor);
	return rc == 0 ? MDB_CORRUPTED : rc == MDB_NOTFOUND ? 0 : rc;
}

static int file_is_whole(MDB_env *env, const char *path)
{
	MDB_envinfo info;
	struct stat file;
	char name[512];

	snprintf(name, sizeof(name), "%s/data.mdb", path);
	if (mdb_env_info(env, &info) != 0 || stat(name, &file) < 0)
		return MDB_CORRUPTED;
	return (uint64_t)file.st_size >= ((uint64_t)info.me_last_pgno + 1) * TG_PAGE_BYTES
		       ? 0
		       : MDB_CORRUPTED;
}

/* A newer format may hold rows that we take for damage; its meta row begins as ours does. */
static int read_format(struct check *check)
{
	struct tg_store_key key = tg_key_meta();
	MDB_val k = tg_val(key.at, key.bytes), v;

	if (mdb_get(check->txn, check->dbi, &k, &v) != 0)
		return 0; /* the walk says what is wrong */
	struct tg_view row =
		tg_row_content(tg_view_of(key.at, key.bytes), tg_view_of(v.mv_data, v.mv_size));
	if (row.bytes < 4)
		return 0;
	check->counts.format = tg_load_u32(row.at);
	return check->counts.format > TG_FORMAT_VERSION ? MDB_VERSION_MISMATCH : 0;
}

/* Each step leads to the next: `place` is where the one that failed has looked. */
static int check_env(struct check *check, MDB_env *env, const char *path, const char **place)
{
	*place = "no valid meta page";
	int rc = mdb_env_open(env, path, MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS, 0);

	if (rc == 0) {
		*place = "a file shorter than its pages";
		rc = file_is_whole(env, path);
	}
	if (rc == 0) {
		*place = "a root page";
		rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &check->txn);
	}
	if (rc == 0)
		rc = mdb_dbi_open(check->txn, NULL, 0, &check->dbi);
	if (rc == 0)
		rc = read_format(check);
	if (rc == 0) {
		*place = "the list of free pages";
		rc = walk_free(env, check->txn);
	}
	if (rc == 0) {
		*place = "a page of the tree";
		rc = walk_all(check);
	}
	return rc;
}

/* The child holds the parent's lock with it: were the parent killed now, the next start would find
 * the store busy for as long as a check takes. */
static void leave_parent(pid_t parent, int out)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1); /* it ended before it could be told */
	for (int fd = STDERR_FILENO + 1; fd < INHERITED_FDS_MAX; fd++)
		if (fd != out)
			close(fd);
}

struct from_parent {
	pid_t parent;
	int out; /* where the child writes what it found */
	const char *path;
	bool all;
};

/* Runs in the child: whatever a damaged page does to LMDB, it does it here. */
static _Noreturn void child(const struct from_parent *from)
{
	struct check check = { .all = from->all };
	const char *place = "";
	int out = from->out;
	MDB_env *env;

	leave_parent(from->parent, out);
	int null = open("/dev/null", O_WRONLY);
	if (null >= 0)
		dup2(null, STDERR_FILENO); /* an assertion of LMDB would print there */
	int rc = mdb_env_create(&env);
	if (rc == 0)
		rc = check_env(&check, env, from->path, &place);
	int32_t err = tg_store_err(rc);
	if (err == TG_ERR_DAMAGED && check.counts.damaged++ == 0)
		snprintf(check.counts.what, sizeof(check.counts.what), "%s", place);
	if (err == 0 && check.counts.damaged > 0)
		err = TG_ERR_DAMAGED;
	bool told = write(out, &err, sizeof(err)) == (ssize_t)sizeof(err) &&
		    write(out, &check.counts, sizeof(check.counts)) ==
			    (ssize_t)sizeof(check.counts);
	_exit(told ? 0 : 1);
}

/* Somebody ended the child: that says nothing about the store. */
static bool was_ended(int status)
{
	if (!WIFSIGNALED(status))
		return false;
	switch (WTERMSIG(status)) {
	case SIGHUP:
	case SIGINT:
	case SIGKILL: /* also when memory ran out */
	case SIGTERM:
		return true;
	default:
		return false;
	}
}

static int hear(int in, pid_t pid, struct tg_check_counts *counts)
{
	int32_t err = TG_ERR_DAMAGED;
	int status = 0;
	bool told = read(in, &err, sizeof(err)) == (ssize_t)sizeof(err) &&
		    read(in, counts, sizeof(*counts)) == (ssize_t)sizeof(*counts);

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (told && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return err;
	memset(counts, 0, sizeof(*counts));
	if (was_ended(status))
		return TG_ERR_IO;
	counts->damaged = 1;
	snprintf(counts->what, sizeof(counts->what), "a page that cannot be walked");
	return TG_ERR_DAMAGED;
}

int tg_store_check(const char *path, bool all, struct tg_check_counts *counts)
{
	char name[512];
	int ends[2];

	memset(counts, 0, sizeof(*counts));
	snprintf(name, sizeof(name), "%s/data.mdb", path);
	struct stat file;
	if (stat(name, &file) < 0)
		return errno == ENOENT ? TG_ERR_MISSING : tg_store_err(errno);
	if (file.st_size == 0)
		return TG_ERR_MISSING; /* a crash between making the file and its first commit */
	if (pipe(ends) < 0)
		return tg_store_err(errno);
	struct from_parent from = { .parent = getpid(), .out = ends[1], .path = path, .all = all };
	pid_t pid = fork();
	if (pid == 0)
		child(&from);
	close(ends[1]);
	int err = pid < 0 ? tg_store_err(errno) : hear(ends[0], pid, counts);
	close(ends[0]);
	return err;
}

int tg_store_newer(const char *path, uint32_t format, struct tg_why *why)
{
	if (format == 0)
		return tg_why_set(
			why, TG_ERR_NEWER,
			"the store %s was written by a newer LMDB than this tidegate has: "
			"install the newer tidegate again, or name another store.path",
			path);
	return tg_why_set(why, TG_ERR_NEWER,
			  "the store %s has format %u, this tidegate knows formats up to %d: "
			  "install the newer tidegate again, or name another store.path",
			  path, format, TG_FORMAT_VERSION);
}
