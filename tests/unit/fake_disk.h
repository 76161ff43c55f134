/* fake_disk.h - a folder in memory that forgets what was not synced, and stops the world at any
 * call.
 *
 *      volatile: what a process sees          survives a kill
 *      durable:  what sync() made of it       survives a power cut
 *
 * The n-th call, counted from disk_arm(), ends the run by longjmp before it takes effect (a write
 * may be torn: half of it lands). Names carry their folder's path as given.
 */
#ifndef TG_TESTS_FAKE_DISK_H
#define TG_TESTS_FAKE_DISK_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "platform/file.h"

enum { DISK_FILES_MAX = 256, DISK_NAME_BYTES = 600, DISK_FILE_BYTES = 16384 };
enum disk_crash { DISK_KILL, DISK_TORN, DISK_POWER, DISK_POWER_ZEROS, DISK_CRASHES };

struct disk_file {
	uint8_t now[DISK_FILE_BYTES], kept[DISK_FILE_BYTES];
	uint64_t now_bytes, kept_bytes;
	char now_name[DISK_NAME_BYTES], kept_name[DISK_NAME_BYTES]; /* empty: no such name */
	bool used;
};

static struct {
	struct disk_file files[DISK_FILES_MAX];
	uint64_t calls, crash_at;
	enum disk_crash kind;
	bool sync_lies; /* says yes and does nothing: the auditor must notice */
	int fail_err;   /* 0, or what each call answers from fail_at on         */
	uint64_t fail_at, fail_count;
	jmp_buf crash;
} disk;

static void disk_clear(void)
{
	memset(&disk, 0, sizeof(disk));
}

static void disk_arm(uint64_t crash_at, enum disk_crash kind)
{
	disk.calls = 0;
	disk.crash_at = crash_at;
	disk.kind = kind;
}

/* After the longjmp: what the next process finds. */
static void disk_after_crash(void)
{
	bool power = disk.kind == DISK_POWER || disk.kind == DISK_POWER_ZEROS;

	disk.crash_at = 0;
	for (unsigned i = 0; power && i < DISK_FILES_MAX; i++) {
		struct disk_file *file = &disk.files[i];

		memcpy(file->now_name, file->kept_name, sizeof(file->now_name));
		memcpy(file->now, file->kept, sizeof(file->now));
		if (disk.kind == DISK_POWER || file->now_bytes <= file->kept_bytes)
			file->now_bytes = file->kept_bytes;
		else /* the length landed, the bytes did not */
			memset(file->now + file->kept_bytes, 0, file->now_bytes - file->kept_bytes);
	}
}

/* Every call passes here first. Returns the error that this call is to have, or 0. */
static int disk_point(void)
{
	disk.calls++;
	if (disk.crash_at != 0 && disk.calls == disk.crash_at)
		longjmp(disk.crash, 1);
	if (disk.fail_count > 0 && disk.calls >= disk.fail_at) {
		disk.fail_count--;
		return disk.fail_err;
	}
	return TG_OK;
}

static struct disk_file *disk_find(const char *path)
{
	for (unsigned i = 0; i < DISK_FILES_MAX; i++)
		if (disk.files[i].used && strcmp(disk.files[i].now_name, path) == 0)
			return &disk.files[i];
	return NULL;
}

/* --- the calls of platform/file.h --- */

static int disk_open(const char *path, unsigned mode)
{
	struct disk_file *file = disk_find(path);
	int err = disk_point();
	unsigned i = 0;

	(void)mode;
	if (err != TG_OK)
		return err;
	if (file != NULL)
		return (int)(file - disk.files);
	while (i < DISK_FILES_MAX && disk.files[i].used)
		i++;
	if (i == DISK_FILES_MAX || strlen(path) >= DISK_NAME_BYTES)
		return TG_ERR_LIMIT;
	disk.files[i].used = true;
	memcpy(disk.files[i].now_name, path, strlen(path) + 1);
	return (int)i;
}

static int disk_write_at(int fd, const uint8_t *at, size_t bytes, uint64_t offset)
{
	struct disk_file *file = &disk.files[fd];
	size_t half = bytes / 2;
	int err;

	if (offset + bytes > DISK_FILE_BYTES)
		return TG_ERR_NOSPC;
	memcpy(file->now + offset, at, half); /* a torn write, unless the rest follows */
	if (disk.kind == DISK_TORN && file->now_bytes < offset + half)
		file->now_bytes = offset + half;
	err = disk_point();
	if (err != TG_OK)
		return err;
	memcpy(file->now + offset, at, bytes);
	if (file->now_bytes < offset + bytes)
		file->now_bytes = offset + bytes;
	return TG_OK;
}

static int disk_read_at(int fd, uint8_t *at, size_t cap, uint64_t offset)
{
	const struct disk_file *file = &disk.files[fd];
	uint64_t left = file->now_bytes > offset ? file->now_bytes - offset : 0;
	size_t bytes = left < cap ? (size_t)left : cap;
	int err = disk_point();

	if (err != TG_OK)
		return err;
	memcpy(at, file->now + offset, bytes);
	return (int)bytes;
}

static int disk_sync(int fd)
{
	struct disk_file *file = &disk.files[fd];
	int err = disk_point();

	if (err != TG_OK || disk.sync_lies)
		return err;
	memcpy(file->kept, file->now, sizeof(file->kept));
	file->kept_bytes = file->now_bytes;
	return TG_OK;
}

static int disk_truncate(int fd, uint64_t bytes)
{
	int err = disk_point();

	if (err == TG_OK)
		disk.files[fd].now_bytes = bytes;
	return err;
}

static int disk_size(const char *path, uint64_t *bytes)
{
	const struct disk_file *file = disk_find(path);
	int err = disk_point();

	if (err != TG_OK)
		return err;
	if (file == NULL)
		return TG_ERR_MISSING;
	*bytes = file->now_bytes;
	return TG_OK;
}

static int disk_sync_folder(const char *folder)
{
	int err = disk_point();

	(void)folder;
	for (unsigned i = 0; err == TG_OK && i < DISK_FILES_MAX; i++)
		memcpy(disk.files[i].kept_name, disk.files[i].now_name, DISK_NAME_BYTES);
	return err;
}

static int disk_rename(const char *from, const char *to)
{
	struct disk_file *file = disk_find(from), *old = disk_find(to);
	int err = disk_point();

	if (err != TG_OK)
		return err;
	if (file == NULL)
		return TG_ERR_MISSING;
	if (old != NULL)
		old->now_name[0] = '\0';
	memcpy(file->now_name, to, strlen(to) + 1);
	return disk_sync_folder("");
}

/* What a consumer does: durable at once, as its own fsync would make it. */
static void disk_take(struct disk_file *file)
{
	file->now_name[0] = '\0';
	file->kept_name[0] = '\0';
	file->used = false;
	file->now_bytes = 0;
	file->kept_bytes = 0;
}

static int disk_make_folders(const char *folder, unsigned mode)
{
	(void)folder;
	(void)mode;
	return disk_point();
}

static void disk_close(int fd)
{
	(void)fd;
}

#endif
