/* infer.h - what type a RethinkDB value has as a column, for `discover`.
 *
 * Pure.
 */
#ifndef TG_DRIVERS_RETHINK_INFER_H
#define TG_DRIVERS_RETHINK_INFER_H

#include "drivers/json/infer.h"

enum tg_column_type tg_rethink_type_of(struct tg_view value);
void tg_rethink_infer_row(struct tg_infer *infer, struct tg_view row);

#endif
