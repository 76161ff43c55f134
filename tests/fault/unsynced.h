/* unsynced.h - what a power cut would take away: an undo log of all that no sync covers yet.
 *
 *      file:    sector 7: [before write 1] [before write 2] (now)    one of them survives the cut
 *      folder:  made a, renamed a b, removed c                       the first k of them survive
 *
 * A sync of a file forgets what is kept of that file, a sync of a folder what is kept of its
 * entries. A sync that failed covers nothing, and a later one only what was written again since
 * (Linux marks the pages clean). A file's size is as open as its sectors. Names need their
 * folder's sync: POSIX promises no less, and ext4's kindness is not relied upon.
 *
 * Memory:  from the heap, unbounded. Thread: one.
 */
#ifndef TG_TESTS_FAULT_UNSYNCED_H
#define TG_TESTS_FAULT_UNSYNCED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Before `bytes` bytes at `offset` of the file `fd` are overwritten. */
void tg_unsynced_write(int fd, uint64_t offset, uint64_t bytes);
/* Before the file is cut or stretched to `bytes`. */
void tg_unsynced_truncate(int fd, uint64_t bytes);
/* The file is synced; `done` false: the sync failed, which loses what it should have covered. */
void tg_unsynced_sync(int fd, bool done);
/* After an O_DSYNC write. */
void tg_unsynced_written_through(int fd, uint64_t offset, uint64_t bytes);

/* After a file or a folder was made. */
void tg_unsynced_made(const char *path);
/* Before `from` takes the name `to`, and before `path` is unlinked. */
void tg_unsynced_rename(const char *from, const char *to);
void tg_unsynced_unlink(const char *path);
/* The folder `fd` was synced. */
void tg_unsynced_sync_folder(int fd);

/* The power goes: leaves on the disk what may be left. The caller ends the process. */
void tg_unsynced_cut(void);
/* Its two halves: contents first, since names change under them. */
void tg_unsynced_cut_files(void);
void tg_unsynced_cut_folders(void);

/* The linker's names for the calls themselves, for use inside the shim. */
int __real_open(const char *path, int flags, ...);
int __real_close(int fd);
int __real_fsync(int fd);
int __real_rename(const char *from, const char *to);
int __real_unlink(const char *path);
int __real_ftruncate(int fd, off_t bytes);
ssize_t __real_pread(int fd, void *at, size_t bytes, off_t offset);
ssize_t __real_pwrite(int fd, const void *at, size_t bytes, off_t offset);

#endif
