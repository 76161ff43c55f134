#include "platform/file.h"

#include "platform/assert.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_PATH_BYTES_MAX = 4096 }; /* Linux' PATH_MAX, its NUL included */

int tg_file_err(int errno_value)
{
	switch (errno_value) {
	case ENOSPC:
	case EDQUOT:
		return TG_ERR_NOSPC;
	case EACCES:
	case EPERM:
	case EROFS:
		return TG_ERR_ACCESS;
	case ENOENT:
	case ENOTDIR:
		return TG_ERR_MISSING;
	case ENAMETOOLONG:
	case EMFILE:
	case ENFILE:
	case EFBIG:
	case ELOOP:
		return TG_ERR_LIMIT;
	case EAGAIN:
		return TG_ERR_AGAIN;
	default:
		return TG_ERR_IO;
	}
}

int tg_file_open(const char *path, unsigned mode)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, (mode_t)mode);

	return fd >= 0 ? fd : tg_file_err(errno);
}

int tg_file_open_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 ? fd : tg_file_err(errno);
}

void tg_file_close(int fd)
{
	TG_ASSERT(fd >= 0);
	(void)close(fd); /* What must last was synced before; close() can only repeat its news. */
}

int tg_file_write_at(int fd, const uint8_t *at, size_t bytes, uint64_t offset)
{
	while (bytes > 0) {
		ssize_t done = pwrite(fd, at, bytes, (off_t)offset);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done < 0 ? tg_file_err(errno) : TG_ERR_IO;
		at += done;
		bytes -= (size_t)done;
		offset += (uint64_t)done;
	}
	return 0;
}

int tg_file_read_at(int fd, uint8_t *at, size_t cap, uint64_t offset)
{
	size_t want = cap > (size_t)INT32_MAX ? (size_t)INT32_MAX : cap;
	size_t have = 0;

	while (have < want) {
		ssize_t got = pread(fd, at + have, want - have, (off_t)(offset + have));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return tg_file_err(errno);
		if (got == 0)
			break;
		have += (size_t)got;
	}
	return (int)have;
}

int tg_file_sync(int fd)
{
	return fdatasync(fd) == 0 ? 0 : tg_file_err(errno);
}

void tg_file_give_back(int fd, uint64_t offset, uint64_t bytes)
{
	(void)posix_fadvise(fd, (off_t)offset, (off_t)bytes, POSIX_FADV_DONTNEED);
}

int tg_file_truncate(int fd, uint64_t bytes)
{
	return ftruncate(fd, (off_t)bytes) == 0 ? 0 : tg_file_err(errno);
}

int tg_file_size(const char *path, uint64_t *bytes)
{
	struct stat about;

	if (stat(path, &about) != 0)
		return tg_file_err(errno);
	*bytes = (uint64_t)about.st_size;
	return 0;
}

int tg_file_sync_folder(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return tg_file_err(errno);
	int err = fsync(fd) == 0 ? 0 : tg_file_err(errno);
	tg_file_close(fd);
	return err;
}

/* Syncs the folder that holds `path`. */
static int sync_parent(const char *path)
{
	char folder[FILE_PATH_BYTES_MAX];
	const char *slash = strrchr(path, '/');
	size_t bytes = slash == NULL ? 0 : (size_t)(slash - path);

	if (slash == NULL)
		return tg_file_sync_folder(".");
	if (bytes == 0)
		return tg_file_sync_folder("/");
	if (bytes >= sizeof(folder))
		return TG_ERR_LIMIT;
	memcpy(folder, path, bytes);
	folder[bytes] = '\0';
	return tg_file_sync_folder(folder);
}

int tg_file_rename(const char *from, const char *to)
{
	if (rename(from, to) != 0)
		return tg_file_err(errno);
	return sync_parent(to);
}

static int make_folder(const char *folder, unsigned mode)
{
	struct stat about;

	if (mkdir(folder, (mode_t)mode) == 0)
		return sync_parent(folder);
	if (errno != EEXIST)
		return tg_file_err(errno);
	if (stat(folder, &about) != 0)
		return tg_file_err(errno);
	return S_ISDIR(about.st_mode) ? 0 : TG_ERR_MISSING;
}

int tg_file_make_folders(const char *folder, unsigned mode)
{
	char path[FILE_PATH_BYTES_MAX];
	size_t bytes = strlen(folder);
	int err = 0;

	if (bytes >= sizeof(path))
		return TG_ERR_LIMIT;
	memcpy(path, folder, bytes + 1);
	while (bytes > 1 && path[bytes - 1] == '/')
		path[--bytes] = '\0'; /* `a/b/` is `a/b`: its parent is to be synced */
	for (size_t i = 1; i < bytes && err == 0; i++) {
		if (path[i] != '/')
			continue;
		path[i] = '\0';
		err = make_folder(path, mode);
		path[i] = '/';
	}
	return err == 0 && bytes > 0 ? make_folder(path, mode) : err;
}

int tg_file_read_whole(const char *path, char *at, size_t cap, size_t *bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int got = 0;
	size_t have = 0;

	if (fd < 0)
		return tg_file_err(errno);
	/* read, not pread: a secret may come through a pipe. */
	while (have < cap) {
		ssize_t part = read(fd, at + have, cap - have);
		if (part < 0 && errno == EINTR)
			continue;
		if (part < 0)
			got = tg_file_err(errno);
		if (part <= 0)
			break;
		have += (size_t)part;
	}
	tg_file_close(fd);
	if (got < 0)
		return got;
	if (have == cap)
		return TG_ERR_LIMIT;
	at[have] = '\0';
	*bytes = have;
	return 0;
}

int tg_file_try(const char *path, unsigned mode)
{
	int fd = tg_file_open(path, mode);
	int err, gone;

	if (fd < 0)
		return fd;
	err = tg_file_write_at(fd, (const uint8_t *)"\n", 1, 0);
	if (err == TG_OK)
		err = tg_file_sync(fd);
	tg_file_close(fd);
	gone = tg_file_remove(path);
	return err == TG_OK ? gone : err;
}
