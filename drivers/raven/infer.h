/* infer.h - what columns RavenDB documents have and of which type, for `discover`.
 *
 * Columns are those of shape `columns`, renamed ones included. A text is UTC_DATETIME when it is an
 * ISO 8601 moment that ends in Z. Numbers that a LONG or a DOUBLE of 17 digits cannot hold are
 * DECIMAL: they are carried as their characters, and only a reader with decimals keeps them.
 *
 * Pure.
 */
#ifndef TG_DRIVERS_RAVEN_INFER_H
#define TG_DRIVERS_RAVEN_INFER_H

#include "app/record.h"
#include "drivers/json/infer.h"

enum tg_column_type tg_raven_type_of(struct tg_view value);
/* Names longer than 512 bytes are counted as left out. */
void tg_raven_infer_row(struct tg_infer *infer, const struct tg_record *record);

#endif
