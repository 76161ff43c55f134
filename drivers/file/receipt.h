/* receipt.h - what is true of the file being written, committed with each acknowledgement.
 *
 *      | 1 | phase | number | last seq | length | opened | active name | rotated name | crc32c |
 *        1   1       8        8          8        8        2 + n         2 + n          4
 *
 * WRITING: the active file holds `length` acknowledged bytes; what lies behind them is not ours.
 * ROTATING: the same, and from now on the file's name is `rotated`: rename it unless that is done.
 *
 * Pure. The bytes are little-endian on every machine.
 */
#ifndef TG_DRIVERS_FILE_RECEIPT_H
#define TG_DRIVERS_FILE_RECEIPT_H

#include "drivers/file/name.h"
#include "platform/err.h"

enum tg_file_phase { TG_FILE_NONE = 0, TG_FILE_WRITING = 1, TG_FILE_ROTATING = 2 };

enum { TG_FILE_RECEIPT_BYTES_MAX = 2 + 4 * 8 + 2 * (2 + TG_FILE_NAME_BYTES_MAX) + 4 };

struct tg_file_receipt {
	enum tg_file_phase phase;
	uint64_t number;        /* the file's: its first sequence, or its serial */
	uint64_t last;          /* the last sequence in it; with a serial: of any stream */
	uint64_t length;        /* acknowledged bytes */
	int64_t opened_wall_ms; /* for rotation by age */
	char active[TG_FILE_NAME_BYTES_MAX];
	char rotated[TG_FILE_NAME_BYTES_MAX]; /* empty while WRITING */
};

/* Returns how many bytes were written. */
size_t tg_file_receipt_write(const struct tg_file_receipt *receipt,
			     uint8_t at[TG_FILE_RECEIPT_BYTES_MAX]);
/* TG_ERR_DAMAGED (checksum, form, a name with a slash in it) or TG_ERR_NEWER (another version). */
TG_CHECKED int tg_file_receipt_read(struct tg_view bytes, struct tg_file_receipt *out);

#endif
