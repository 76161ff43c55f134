/* shape.h - a RethinkDB row as a delivered line carries it.
 *
 * `document`: as it is; `columns`: nested objects and arrays become JSON strings of their text. In
 * both, TIME becomes ISO 8601 UTC by decimal text (outside years 0001-9999 the number goes on as
 * text in a string), BINARY its base64 without line breaks, GEOMETRY GeoJSON (the same members
 * without $reql_type$; in `columns` a JSON string, as every object), at any depth. An encoded
 * surrogate becomes a \udxxx escape, any other byte that is no UTF-8 \ufffd. A member called
 * `_tidegate` is renamed `_tidegate_` (and so on, an underscore more, while that name exists too).
 * A row in which nothing of this occurs is copied as it is (record flags say so). Numbers are
 * carried as their characters. What only resembles a pseudo-type goes out as the object it is.
 *
 * Pure: no state, no allocation, no stack that grows with the row's depth.
 */
#ifndef TG_DRIVERS_RETHINK_SHAPE_H
#define TG_DRIVERS_RETHINK_SHAPE_H

#include "app/line.h"
#include "app/record.h"

/* ops->shape of source.h: `,"a":1,"b":"x"` without braces. TG_ERR_DAMAGED when the body is not
 * JSON. */
TG_CHECKED int tg_rethink_shape(const struct tg_columns *columns, const struct tg_record *record,
				struct tg_out *out);

#endif
