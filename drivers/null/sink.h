/* sink.h - reads what is delivered and forgets it: for the bench and the tests.
 *
 * `read_body: false` leaves the bytes unread, so that only the way into the outbox is measured.
 */
#ifndef TG_DRIVERS_NULL_SINK_H
#define TG_DRIVERS_NULL_SINK_H

#include "app/sink.h"

extern const struct tg_sink_ops tg_null_sink;

#endif
