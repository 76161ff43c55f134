/* intake_part.h - what intake.c asks of intake_rows.c. Private to the two. */
#ifndef TG_APP_INTAKE_PART_H
#define TG_APP_INTAKE_PART_H

#include "app/intake.h"

/* Enters one row when it differs from what the index knows. TG_ERR_FULL: commit and repeat. */
int tg_intake_record(struct tg_intake *intake, const struct tg_record *given);
/* Turns keys flagged MISSING into deletes. 0 when none is left, TG_ERR_AGAIN, TG_ERR_FULL. */
int tg_intake_sweep(struct tg_intake *intake);
/* Sends again the deletes that lay in damaged blocks. */
int tg_intake_repair(struct tg_intake *intake);
/* Deletes up to this sequence may leave the index: every sink has them. */
uint64_t tg_intake_trimmed_bound(const struct tg_intake *intake);

#endif
