/* file.h - the few file calls that drivers and the program need, with errors by name.
 *
 * Every write here is whole or an error; every sync is fdatasync or fsync on the thing named.
 * The calls reach the system through libc's names, so that the linker can replace them in tests.
 *
 * Waits:   for the disk.
 */
#ifndef TG_PLATFORM_FILE_H
#define TG_PLATFORM_FILE_H

#include "platform/err.h"

/* Maps errno to TG_ERR_NOSPC, IO, ACCESS, MISSING, LIMIT (too long, too many) ... */
int tg_file_err(int errno_value);

/* Opens for reading and writing, made with `mode` when missing. The descriptor, or an error. */
TG_CHECKED int tg_file_open(const char *path, unsigned mode);
/* Opens what exists, for reading only. The descriptor, or an error. */
TG_CHECKED int tg_file_open_read(const char *path);
TG_CHECKED int tg_file_write_at(int fd, const uint8_t *at, size_t bytes, uint64_t offset);
/* Writes all to a stream (a pipe, a terminal, standard output), waiting as long as its reader does.
 * TG_ERR_CLOSED when the reader is gone. */
TG_CHECKED int tg_file_write(int fd, const uint8_t *at, size_t bytes);
/* Bytes read (0 at the end), or an error. */
TG_CHECKED int tg_file_read_at(int fd, uint8_t *at, size_t cap, uint64_t offset);
TG_CHECKED int tg_file_sync(int fd);
/* What was synced of these bytes will not be read by us again: the kernel may take their pages for
 * what is written next. A hint; nothing is lost or told when it is not taken. */
void tg_file_give_back(int fd, uint64_t offset, uint64_t bytes);
TG_CHECKED int tg_file_truncate(int fd, uint64_t bytes);
/* 0 with the size, TG_ERR_MISSING or another error. */
TG_CHECKED int tg_file_size(const char *path, uint64_t *bytes);
/* Renames within one file system and syncs the folder that holds `to`. */
TG_CHECKED int tg_file_rename(const char *from, const char *to);
/* Takes the name away; TG_ERR_MISSING when there is none. */
TG_CHECKED int tg_file_remove(const char *path);
/* Makes, writes, syncs and removes a file of one byte: whether its folder takes files. */
TG_CHECKED int tg_file_try(const char *path, unsigned mode);
TG_CHECKED int tg_file_sync_folder(const char *folder);
/* Makes `folder` and its missing parents with `mode`. */
TG_CHECKED int tg_file_make_folders(const char *folder, unsigned mode);
/* Reads a whole small file, NUL-terminated; TG_ERR_LIMIT when it does not fit. */
TG_CHECKED int tg_file_read_whole(const char *path, char *at, size_t cap, size_t *bytes);
void tg_file_close(int fd);
/* 16 bytes that name this machine and the file at `path`: machine id, hardware serials, and the
 * file's inode and birth time. A cloned card, a copied or restored file gives other bytes. */
TG_CHECKED int tg_file_binding(const char *path, uint8_t binding[16]);

#endif
