/* rows.h - the records of one step, made of rows that lie in the receive window.
 *
 * Rows that are read backwards fill the records from the end, so that they rise too.
 *
 * Memory:  CONFIG_TG_BATCH_RECORDS_MAX records and CONFIG_TG_RETHINK_KEYS_BYTES of keys, from the
 *          source's arena. Waits: never.
 */
#ifndef TG_DRIVERS_RETHINK_ROWS_H
#define TG_DRIVERS_RETHINK_ROWS_H

#include "drivers/rethink/response.h"

struct tg_rows {
	struct tg_record *records;
	uint8_t *keys;
	uint32_t count, keys_bytes;
	bool full; /* take no more: out of room, or the last row's key lies in the scanner */
	bool back; /* read backwards */
};

void tg_rows_clear(struct tg_rows *rows);
/* The one that was added `i`th, from 0. */
struct tg_record *tg_rows_at(const struct tg_rows *rows, uint32_t i);
/* All of them, with rising keys. */
struct tg_record *tg_rows_rising(const struct tg_rows *rows);
/* Adds a row, its hash apart; `time_ms` is its change time. TG_ERR_PROTOCOL: its key is missing or
 * is none. */
TG_CHECKED int tg_rows_add(struct tg_rows *rows, const struct tg_row *row, int64_t time_ms);
/* Takes the last one back. */
void tg_rows_undo(struct tg_rows *rows);

/* Takes the hashes of all that were added: of two rows at once, which is nearly twice as fast. */
void tg_rows_hash(struct tg_rows *rows);

#endif
