#include "drivers/file/folder.h"

#include <inttypes.h>
#include <stdio.h>

#include "platform/assert.h"
#include "platform/file.h"
#include "platform/log.h"

enum { PATH_BYTES_MAX = TG_FOLDER_PATH_BYTES_MAX + 1 + TG_FILE_NAME_BYTES_MAX };

/* --- names and paths --- */

static void path_of(const struct tg_folder *folder, const char *name, char path[PATH_BYTES_MAX])
{
	int bytes = snprintf(path, PATH_BYTES_MAX, "%s/%s", folder->path, name);

	TG_ASSERT(bytes > 0 && bytes < PATH_BYTES_MAX);
}

static void active_name(const struct tg_file_slot *slot, char name[TG_FILE_NAME_BYTES_MAX])
{
	tg_file_name(&(struct tg_file_parts){ .stem = slot->stem, .first = slot->number }, "open",
		     name);
}

static void rotated_name(const struct tg_file_slot *slot, char name[TG_FILE_NAME_BYTES_MAX])
{
	struct tg_file_parts parts = { .stem = slot->stem,
				       .first = slot->number,
				       .copy = slot->copy };

	if (slot->with_last)
		parts.last = slot->last;
	tg_file_name(&parts, "ndjson", name);
}

static void active_path(const struct tg_folder *folder, const struct tg_file_slot *slot,
			char path[PATH_BYTES_MAX])
{
	char name[TG_FILE_NAME_BYTES_MAX];

	active_name(slot, name);
	path_of(folder, name, path);
}

/* The sentence for a failed disk call. */
static int failed(int err, const char *what, const char *path, struct tg_why *why)
{
	if (err == TG_ERR_NOSPC)
		return tg_why_set(why, err, "no room left to %s %s: free space on that disk", what,
				  path);
	if (err == TG_ERR_ACCESS)
		return tg_why_set(why, err, "not allowed to %s %s: give this user write permission",
				  what, path);
	if (err == TG_ERR_MISSING)
		return tg_why_set(why, err, "could not %s %s: its folder is gone; make it again",
				  what, path);
	return tg_why_set(why, err, "could not %s %s (%s): check the disk and the kernel's log",
			  what, path, tg_err_name(err));
}

/* --- descriptors --- */

static void handle_close(struct tg_folder *folder, const struct tg_file_slot *slot)
{
	for (unsigned i = 0; i < CONFIG_TG_FILE_OPEN_MAX; i++) {
		if (folder->handles_[i].fd >= 0 && folder->handles_[i].slot == slot) {
			tg_file_close(folder->handles_[i].fd);
			folder->handles_[i].fd = -1;
		}
	}
}

static int handle_find(struct tg_folder *folder, const struct tg_file_slot *slot)
{
	for (unsigned i = 0; i < CONFIG_TG_FILE_OPEN_MAX; i++) {
		if (folder->handles_[i].fd >= 0 && folder->handles_[i].slot == slot) {
			folder->handles_[i].used = ++folder->uses_;
			return folder->handles_[i].fd;
		}
	}
	return -1;
}

/* A free place, or the one used longest ago. */
static void handle_keep(struct tg_folder *folder, const struct tg_file_slot *slot, int fd)
{
	unsigned oldest = 0;

	for (unsigned i = 0; i < CONFIG_TG_FILE_OPEN_MAX; i++) {
		if (folder->handles_[i].fd < 0) {
			oldest = i;
			break;
		}
		if (folder->handles_[i].used < folder->handles_[oldest].used)
			oldest = i;
	}
	if (folder->handles_[oldest].fd >= 0)
		tg_file_close(folder->handles_[oldest].fd);
	folder->handles_[oldest].fd = fd;
	folder->handles_[oldest].slot = slot;
	folder->handles_[oldest].used = ++folder->uses_;
}

static int handle_open(struct tg_folder *folder, const struct tg_file_slot *slot,
		       struct tg_why *why)
{
	char path[PATH_BYTES_MAX];
	int fd = handle_find(folder, slot);

	if (fd >= 0)
		return fd;
	active_path(folder, slot, path);
	fd = tg_file_open(path, folder->mode);
	if (fd < 0)
		return failed(fd, "open", path, why);
	handle_keep(folder, slot, fd);
	return fd;
}

/* --- slots --- */

void tg_folder_init(struct tg_folder *folder, struct tg_file_slot *slots, uint32_t slot_count_max)
{
	folder->slots = slots;
	folder->slot_count = 0;
	folder->slot_count_max = slot_count_max;
	folder->rotating_count = 0;
	folder->uses_ = 0;
	for (unsigned i = 0; i < CONFIG_TG_FILE_OPEN_MAX; i++)
		folder->handles_[i].fd = -1;
}

void tg_folder_close(struct tg_folder *folder)
{
	for (unsigned i = 0; i < CONFIG_TG_FILE_OPEN_MAX; i++) {
		if (folder->handles_[i].fd >= 0)
			tg_file_close(folder->handles_[i].fd);
		folder->handles_[i].fd = -1;
	}
}

struct tg_file_slot *tg_folder_find(struct tg_folder *folder, uint32_t scope)
{
	for (uint32_t i = 0; i < folder->slot_count; i++)
		if (folder->slots[i].phase != TG_FILE_NONE && folder->slots[i].scope == scope)
			return &folder->slots[i];
	return NULL;
}

struct tg_file_slot *tg_folder_add(struct tg_folder *folder, uint32_t scope)
{
	uint32_t i = 0;

	while (i < folder->slot_count && folder->slots[i].phase != TG_FILE_NONE)
		i++;
	if (i == folder->slot_count_max)
		return NULL;
	if (i == folder->slot_count)
		folder->slot_count++;
	memset(&folder->slots[i], 0, sizeof(folder->slots[i]));
	folder->slots[i].phase = TG_FILE_WRITING;
	folder->slots[i].scope = scope;
	return &folder->slots[i];
}

/* --- what lies on the disk --- */

/* Cuts the open file to `length`, durably. */
static int cut(int fd, const char *path, uint64_t length, struct tg_why *why)
{
	int err = tg_file_truncate(fd, length);

	if (err == TG_OK)
		err = tg_file_sync(fd);
	return err == TG_OK ? err : failed(err, "shorten", path, why);
}

/* Sees that the file at `path` holds `length` acknowledged bytes: 0 exactly, 1 more than these. */
static int measure(const char *path, uint64_t length, struct tg_why *why)
{
	uint64_t bytes = 0;
	int err = tg_file_size(path, &bytes);

	if (err == TG_ERR_MISSING)
		return tg_why_set(why, TG_ERR_DAMAGED,
				  "%s is gone with %" PRIu64
				  " bytes that were acknowledged: put it back (or "
				  "set `path` to where it lies now), or let the sink start over "
				  "(sink forget)",
				  path, length);
	if (err != TG_OK)
		return failed(err, "look at", path, why);
	if (bytes < length)
		return tg_why_set(why, TG_ERR_DAMAGED,
				  "%s has %" PRIu64 " bytes, but %" PRIu64
				  " were acknowledged: the disk lost them "
				  "or someone changed the file; put it back, or let the sink start "
				  "over (sink forget)",
				  path, bytes, length);
	return bytes > length;
}

/* Whether another instance's lines begin this file. One without a legible head (cut off by a power
 * failure) is ours: another store's file would have acknowledged lines in it. */
static bool foreign(int fd, struct tg_view instance)
{
	static const char head[] = "{\"_tidegate\":{\"instance\":\"";
	uint8_t at[sizeof(head) + 96];
	const size_t head_bytes = sizeof(head) - 1;
	int bytes = tg_file_read_at(fd, at, sizeof(at), 0);

	if (bytes < (int)(head_bytes + instance.bytes + 1) || memcmp(at, head, head_bytes) != 0)
		return false;
	return memcmp(at + head_bytes, instance.at, instance.bytes) != 0 ||
	       at[head_bytes + instance.bytes] != '"';
}

/* The first of NAME, NAME~2, NAME~3 ... that does not exist. */
static int free_copy(const struct tg_folder *folder, struct tg_file_parts *parts,
		     const char *ending, struct tg_why *why)
{
	char name[TG_FILE_NAME_BYTES_MAX], path[PATH_BYTES_MAX];
	uint64_t bytes;

	for (parts->copy = 1; parts->copy <= TG_FILE_COPIES_MAX; parts->copy++) {
		tg_file_name(parts, ending, name);
		path_of(folder, name, path);
		int err = tg_file_size(path, &bytes);
		if (err == TG_ERR_MISSING)
			return TG_OK;
		if (err != TG_OK)
			return failed(err, "look at", path, why);
	}
	return tg_why_set(why, TG_ERR_LIMIT,
			  "%s and %d more of that name are there: take them away", path,
			  TG_FILE_COPIES_MAX - 1);
}

/* Another store's unfinished file is in our way: it is kept under another name. */
static int put_aside(struct tg_folder *folder, struct tg_file_slot *slot, struct tg_why *why)
{
	struct tg_file_parts parts = { .stem = slot->stem, .first = slot->number };
	char name[TG_FILE_NAME_BYTES_MAX], from[PATH_BYTES_MAX], to[PATH_BYTES_MAX];
	int err = free_copy(folder, &parts, "left", why);

	if (err != TG_OK)
		return err;
	handle_close(folder, slot);
	active_path(folder, slot, from);
	tg_file_name(&parts, "left", name);
	path_of(folder, name, to);
	err = tg_file_rename(from, to);
	if (err != TG_OK)
		return failed(err, "rename", from, why);
	TG_LOG_WRN("file.left", "file=\"%s\" why=\"another store began it and never finished it\"",
		   to);
	return TG_OK;
}

static int open_new(struct tg_folder *folder, struct tg_file_slot *slot, struct tg_view instance,
		    struct tg_why *why)
{
	char path[PATH_BYTES_MAX];
	int fd = handle_open(folder, slot, why);

	if (fd >= 0 && foreign(fd, instance)) {
		int err = put_aside(folder, slot, why);

		if (err != TG_OK)
			return err;
		fd = handle_open(folder, slot, why);
	}
	if (fd < 0)
		return fd;
	active_path(folder, slot, path);
	int err = tg_file_truncate(fd, 0);
	return err == TG_OK ? fd : failed(err, "shorten", path, why);
}

static int open_known(struct tg_folder *folder, struct tg_file_slot *slot, struct tg_why *why)
{
	char path[PATH_BYTES_MAX];
	int more, fd;

	active_path(folder, slot, path);
	more = measure(path, slot->length, why);
	if (more < 0) {
		handle_close(folder, slot);
		return more;
	}
	fd = handle_open(folder, slot, why);
	if (fd < 0 || more == 0)
		return fd;
	int err = cut(fd, path, slot->length, why);
	return err == TG_OK ? fd : err;
}

int tg_folder_open(struct tg_folder *folder, struct tg_file_slot *slot, struct tg_view instance,
		   struct tg_why *why)
{
	TG_ASSERT(slot->phase == TG_FILE_WRITING);
	return slot->length == 0 ? open_new(folder, slot, instance, why)
				 : open_known(folder, slot, why);
}

int tg_folder_sync(struct tg_folder *folder, struct tg_file_slot *slot, uint64_t bytes,
		   struct tg_why *why)
{
	char path[PATH_BYTES_MAX];
	int fd = handle_find(folder, slot);
	int err;

	TG_ASSERT(fd >= 0);
	active_path(folder, slot, path);
	err = tg_file_sync(fd);
	if (err != TG_OK)
		return failed(err, "sync", path, why);
	if (!slot->named) {
		err = tg_file_sync_folder(folder->path);
		if (err != TG_OK)
			return failed(err, "sync", folder->path, why);
		slot->named = true;
	}
	err = measure(path, bytes, why);
	if (err > 0)
		err = tg_why_set(why, TG_ERR_IO,
				 "%s grew while it was written: does a second program "
				 "write here?",
				 path);
	return err;
}

void tg_folder_undo(struct tg_folder *folder, struct tg_file_slot *slot)
{
	int fd = handle_find(folder, slot);

	/* Best effort: the next delivery and the next start cut the tail anyway. */
	if (fd >= 0 && tg_file_truncate(fd, slot->length) != TG_OK)
		TG_LOG_WRN("file.undo", "scope=%" PRIu32 " why=\"the tail could not be cut yet\"",
			   slot->scope);
	handle_close(folder, slot);
}

/* --- rotation --- */

int tg_folder_choose(struct tg_folder *folder, struct tg_file_slot *slot, struct tg_why *why)
{
	struct tg_file_parts parts = { .stem = slot->stem, .first = slot->number };
	int err;

	if (slot->with_last)
		parts.last = slot->last;
	err = free_copy(folder, &parts, "ndjson", why);
	if (err == TG_OK)
		slot->copy = (uint8_t)parts.copy;
	return err;
}

/* Renames `from` to `to`. That `from` is no longer there means that it was renamed before, and
 * perhaps taken by a consumer since; only the folder's sync may still be owed. */
static int rename_once(struct tg_folder *folder, const char *from, const char *to,
		       struct tg_why *why)
{
	int err = tg_file_rename(from, to);

	if (err == TG_ERR_MISSING)
		err = tg_file_sync_folder(folder->path);
	return err == TG_OK ? err : failed(err, "rename", from, why);
}

/* Leaves exactly the acknowledged bytes, durably, before the file gets its last name. It is synced
 * even when it is no longer than that: an earlier cut may not have reached the disk, and the tail
 * would come back with the next power cut, under the new name. A file that is gone was renamed
 * before. */
static int settle(struct tg_folder *folder, const char *path, uint64_t length, struct tg_why *why)
{
	uint64_t bytes;
	int err, fd;

	if (tg_file_size(path, &bytes) == TG_ERR_MISSING)
		return TG_OK;
	err = measure(path, length, why);
	if (err < 0)
		return err;
	fd = tg_file_open(path, folder->mode);
	if (fd < 0)
		return failed(fd, "open", path, why);
	err = cut(fd, path, length, why);
	tg_file_close(fd);
	return err;
}

int tg_folder_rotate(struct tg_folder *folder, struct tg_file_slot *slot, struct tg_why *why)
{
	char name[TG_FILE_NAME_BYTES_MAX], from[PATH_BYTES_MAX], to[PATH_BYTES_MAX];
	int err;

	TG_ASSERT(slot->phase == TG_FILE_ROTATING && folder->rotating_count > 0);
	active_path(folder, slot, from);
	rotated_name(slot, name);
	path_of(folder, name, to);
	handle_close(folder, slot);
	err = settle(folder, from, slot->length, why);
	if (err == TG_OK)
		err = rename_once(folder, from, to, why);
	if (err != TG_OK)
		return err;
	TG_LOG_INF("file.rotated", "file=\"%s\" bytes=%" PRIu64, to, slot->length);
	slot->phase = TG_FILE_NONE;
	folder->rotating_count--;
	return TG_OK;
}

int tg_folder_rotate_all(struct tg_folder *folder, struct tg_why *why)
{
	for (uint32_t i = 0; i < folder->slot_count && folder->rotating_count > 0; i++) {
		int err = TG_OK;

		if (folder->slots[i].phase == TG_FILE_ROTATING)
			err = tg_folder_rotate(folder, &folder->slots[i], why);
		if (err != TG_OK)
			return err;
	}
	return TG_OK;
}

/* --- receipts --- */

void tg_folder_receipt(const struct tg_file_slot *slot, enum tg_file_phase phase,
		       struct tg_file_receipt *out)
{
	memset(out, 0, sizeof(*out));
	out->phase = phase;
	out->number = slot->number;
	out->last = slot->last;
	out->length = slot->length;
	out->opened_wall_ms = slot->opened_wall_ms;
	active_name(slot, out->active);
	if (phase == TG_FILE_ROTATING)
		rotated_name(slot, out->rotated);
}

static int restore_rotating(struct tg_folder *folder, const struct tg_file_receipt *receipt,
			    struct tg_why *why)
{
	char from[PATH_BYTES_MAX], to[PATH_BYTES_MAX];
	int err;

	path_of(folder, receipt->active, from);
	path_of(folder, receipt->rotated, to);
	err = settle(folder, from, receipt->length, why);
	return err == TG_OK ? rename_once(folder, from, to, why) : err;
}

static int restore_writing(struct tg_folder *folder, uint32_t scope,
			   const struct tg_file_receipt *receipt, struct tg_why *why)
{
	char path[PATH_BYTES_MAX];
	struct tg_file_slot *slot = tg_folder_find(folder, scope);
	int err;

	path_of(folder, receipt->active, path);
	err = measure(path, receipt->length, why);
	if (err >= 0)
		err = settle(folder, path, receipt->length, why);
	if (err != TG_OK)
		return err;
	if (slot == NULL)
		slot = tg_folder_add(folder, scope);
	if (slot == NULL)
		return tg_why_set(why, TG_ERR_LIMIT,
				  "more than %" PRIu32 " files are open for writing: "
				  "raise CONFIG_TG_STREAMS_MAX",
				  folder->slot_count_max);
	bool known = tg_file_stem_of(receipt->active, slot->stem);
	TG_ASSERT(known); /* tg_file_receipt_read() saw to it */
	slot->number = receipt->number;
	slot->last = receipt->last;
	slot->length = receipt->length;
	slot->opened_wall_ms = receipt->opened_wall_ms;
	slot->named = true;
	slot->with_last = scope != 0;
	return TG_OK;
}

int tg_folder_restore(struct tg_folder *folder, uint32_t scope,
		      const struct tg_file_receipt *receipt, struct tg_why *why)
{
	return receipt->phase == TG_FILE_ROTATING ? restore_rotating(folder, receipt, why)
						  : restore_writing(folder, scope, receipt, why);
}
