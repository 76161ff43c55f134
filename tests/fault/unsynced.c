#include "tests/fault/unsynced.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/fault/plan.h"

enum { SECTOR_BYTES = 512, FILES_MAX = 256 };

/* One sector (or, with number SIZE, the file's size) as it was before a change. */
struct before {
	uint64_t number;
	unsigned file;
	bool lost; /* a sync that failed should have covered this change */
	uint64_t order;
	union {
		uint8_t bytes[SECTOR_BYTES];
		uint64_t size;
	};
};

static const uint64_t SIZE = UINT64_MAX;

/* A file with changes, through a descriptor of our own: its name may change. */
static struct {
	dev_t dev;
	ino_t ino;
	int fd; /* -1: free */
	bool used;
} files[FILES_MAX];

static struct before *log_;
static size_t log_count, log_cap;
static uint64_t order_next;

static _Noreturn void fail(const char *what)
{
	perror(what);
	abort();
}

static uint64_t size_of(int fd)
{
	struct stat about;

	if (fstat(fd, &about) != 0)
		fail("unsynced: fstat");
	return (uint64_t)about.st_size;
}

/* The entry of the file behind `fd`, made when `make`; -1: nothing is kept of it. */
static int find(int fd, bool make)
{
	struct stat about;
	char path[64];
	int room = -1;

	if (fstat(fd, &about) != 0)
		fail("unsynced: fstat");
	for (int i = 0; i < FILES_MAX; i++) {
		if (!files[i].used)
			room = i;
		else if (files[i].dev == about.st_dev && files[i].ino == about.st_ino)
			return i;
	}
	if (!make)
		return -1;
	if (room < 0)
		fail("unsynced: more files than FILES_MAX");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	files[room].fd = __real_open(path, O_RDWR | O_CLOEXEC);
	if (files[room].fd < 0)
		fail("unsynced: open");
	files[room].used = true;
	files[room].dev = about.st_dev;
	files[room].ino = about.st_ino;
	return room;
}

static struct before *add(int file, uint64_t number)
{
	if (log_count == log_cap) {
		log_cap = log_cap == 0 ? 1024 : log_cap * 2;
		log_ = realloc(log_, log_cap * sizeof(*log_));
		if (log_ == NULL)
			fail("unsynced: realloc");
	}
	struct before *before = &log_[log_count++];
	memset(before, 0, sizeof(*before));
	before->file = (unsigned)file;
	before->number = number;
	before->order = order_next++;
	return before;
}

static void keep_sectors(int file, uint64_t offset, uint64_t bytes)
{
	uint64_t end = (offset + bytes + SECTOR_BYTES - 1) / SECTOR_BYTES;

	for (uint64_t at = offset / SECTOR_BYTES; at < end; at++) {
		struct before *before = add(file, at);
		/* Beyond the end nothing is read: the sector was zeros. */
		if (__real_pread(files[file].fd, before->bytes, SECTOR_BYTES,
				 (off_t)(at * SECTOR_BYTES)) < 0)
			fail("unsynced: pread");
	}
}

static void keep_size(int file)
{
	uint64_t size = size_of(files[file].fd);

	add(file, SIZE)->size = size;
}

void tg_unsynced_write(int fd, uint64_t offset, uint64_t bytes)
{
	int file = find(fd, true);

	if (bytes > 0)
		keep_sectors(file, offset, bytes);
	if (offset + bytes > size_of(fd))
		keep_size(file);
}

void tg_unsynced_truncate(int fd, uint64_t bytes)
{
	int file = find(fd, true);
	uint64_t size = size_of(fd);

	if (bytes < size)
		keep_sectors(file, bytes, size - bytes);
	if (bytes != size)
		keep_size(file);
}

/* Whether a later change of the same sector waits for the same sync. */
static bool written_again(size_t at)
{
	for (size_t i = at + 1; i < log_count; i++)
		if (log_[i].file == log_[at].file && log_[i].number == log_[at].number &&
		    !log_[i].lost)
			return true;
	return false;
}

static void forget(int file)
{
	__real_close(files[file].fd);
	files[file].used = false;
}

void tg_unsynced_sync(int fd, bool done)
{
	int file = find(fd, false);
	size_t kept = 0, left = 0;

	if (file < 0)
		return;
	for (size_t i = 0; i < log_count; i++) {
		bool ours = log_[i].file == (unsigned)file;
		if (ours && !done && log_[i].number != SIZE)
			log_[i].lost = true;
		if (ours && done && (!log_[i].lost || written_again(i)))
			continue;
		left += ours;
		if (kept != i)
			log_[kept] = log_[i];
		kept++;
	}
	log_count = kept;
	if (left == 0)
		forget(file);
}

void tg_unsynced_written_through(int fd, uint64_t offset, uint64_t bytes)
{
	int file = find(fd, false);
	size_t kept = 0;

	if (file < 0)
		return;
	for (size_t i = 0; i < log_count; i++) {
		uint64_t at = log_[i].number * SECTOR_BYTES;
		bool covered = log_[i].number != SIZE && at >= offset &&
			       at + SECTOR_BYTES <= offset + bytes;
		if (log_[i].file == (unsigned)file && covered)
			continue;
		log_[kept++] = log_[i];
	}
	log_count = kept;
}

/* --- the cut --- */

static int compare(const void *a, const void *b)
{
	const struct before *one = a, *two = b;

	if (one->file != two->file)
		return one->file < two->file ? -1 : 1;
	if (one->number != two->number)
		return one->number < two->number ? -1 : 1;
	return one->order < two->order ? -1 : 1;
}

/* Of every page of eight sectors: mostly all or nothing as one, sometimes torn. */
static bool page_survives(uint64_t number, unsigned file)
{
	static uint64_t page = UINT64_MAX;
	static unsigned page_file;
	static unsigned fate;

	if (page != number / 8 || page_file != file) {
		page = number / 8;
		page_file = file;
		fate = (unsigned)tg_fault_random(5);
	}
	return fate < 2 || (fate == 4 && tg_fault_random(2) == 0);
}

/* The `count` states of one sector before its changes; what is there now is one more. */
static void settle_sector(const struct before *states, size_t count)
{
	if (page_survives(states->number, states->file))
		return;
	const struct before *state = &states[tg_fault_random(count)];
	if (__real_pwrite(files[state->file].fd, state->bytes, SECTOR_BYTES,
			  (off_t)(state->number * SECTOR_BYTES)) != SECTOR_BYTES)
		fail("unsynced: pwrite");
}

static uint64_t settle_size(const struct before *states, size_t count, uint64_t now)
{
	uint64_t choice = tg_fault_random(count + 1);

	return choice == count ? now : states[choice].size;
}

void tg_unsynced_cut_files(void)
{
	uint64_t sizes[FILES_MAX] = { 0 };

	if (log_count > 0)
		qsort(log_, log_count, sizeof(*log_), compare);
	for (int i = 0; i < FILES_MAX; i++)
		if (files[i].used)
			sizes[i] = size_of(files[i].fd);
	for (size_t at = 0, count; at < log_count; at += count) {
		unsigned file = log_[at].file;
		for (count = 1; at + count < log_count; count++)
			if (log_[at + count].file != file ||
			    log_[at + count].number != log_[at].number)
				break;
		if (log_[at].number == SIZE)
			sizes[file] = settle_size(&log_[at], count, sizes[file]);
		else
			settle_sector(&log_[at], count);
	}
	/* Also where the size never changed: a whole sector written back may have stretched it. */
	for (int i = 0; i < FILES_MAX; i++)
		if (files[i].used && __real_ftruncate(files[i].fd, (off_t)sizes[i]) != 0)
			fail("unsynced: ftruncate");
}

void tg_unsynced_cut(void)
{
	tg_unsynced_cut_files();
	tg_unsynced_cut_folders();
}
