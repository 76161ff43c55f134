/* shape.h - a RavenDB document as a delivered line carries it.
 *
 * `columns`: `Id` and `LastModified` first, from @metadata, which itself is left away. Members of
 * nested objects become columns of their own, names joined with `_` (Address_City); arrays, empty
 * objects and what lies deeper than CONFIG_TG_RAVEN_FLATTEN_LEVELS_MAX become JSON strings of their
 * text. Where two columns have one name, shape_names.h says which keeps it. A rule of `columns`
 * that names an object holds for all of its columns; one that names a column holds for it also when
 * it was renamed.
 *
 * `document`: as it is, @metadata included; rules name the document's own members.
 *
 * In both, a member called `_tidegate` is renamed `_tidegate_` (an underscore more while that name
 * exists too), numbers are carried as their characters, and what is no UTF-8 becomes escapes.
 *
 * Pure: no state, no allocation, no stack that grows with the document.
 */
#ifndef TG_DRIVERS_RAVEN_SHAPE_H
#define TG_DRIVERS_RAVEN_SHAPE_H

#include "app/line.h"
#include "app/record.h"

/* ops->shape of source.h: `,"a":1,"b":"x"` without braces. TG_ERR_DAMAGED when the body is no
 * object. */
TG_CHECKED int tg_raven_shape(const struct tg_columns *columns, const struct tg_record *record,
			      struct tg_out *out);

#endif
