/* plant.h - a RethinkDB in the simulated network: two tables of numbered rows that the test
 * changes.
 *
 * It answers the queries that tidegate makes of a table in snapshot mode, in batches of a few rows,
 * to any number of connections. What a row holds follows from its number and its version, so that
 * an auditor needs no copy.
 *
 * A version from TG_PLANT_TIMED on is a time as well: its row has `modified_at`, which the tables
 * have an index on, and rows since a time are given in no order, as RethinkDB does.
 */
#ifndef TG_TESTS_SIM_PLANT_H
#define TG_TESTS_SIM_PLANT_H

#include "platform/sim/sim.h"

enum { TG_PLANT_TABLES = 2, TG_PLANT_ROWS_MAX = 400, TG_PLANT_TIMED = 1000000 };

struct tg_plant {
	uint32_t version[TG_PLANT_TABLES][TG_PLANT_ROWS_MAX]; /* 0: there is no such row */
	uint32_t newest; /* the highest of them: what the plant's clock says */
	uint32_t batch_rows;
	uint32_t reads;       /* batches answered */
	uint32_t reads_back;  /* of them from the table's end */
	uint32_t reads_since; /* and those of rows since a time, which come in no order */
};

/* Listens as plant.example:28015. */
void tg_plant_listen(struct tg_plant *plant);
/* The row as the wire has it: {"id":N,"pad":"..","v":VERSION}. Its length. */
size_t tg_plant_row(uint32_t table, uint32_t row, uint32_t version, char at[512]);

#endif
