/* sink.h - writes batches into a RavenDB database, each exactly once.
 *
 *      POST /databases/DB/bulk_docs HTTP/1.1
 *      Content-Type: application/json
 *      Transfer-Encoding: chunked
 *
 *      {"Commands":[ MARKER, PUT, PUT, DELETE, ... ]}
 *
 * One request is one transaction. Its first command writes the stream's marker (marker.h) over the
 * version that we know, so that the batch is taken once or not at all, however often it is sent;
 * and whenever it is not certain what became of a batch (a new start, a lost answer, a 408) the
 * marker is read first, and says.
 *
 * What an answer means (answer.h has the classes):
 *
 *      201                          taken
 *      409                          the marker is another one: it is read, and tells
 *      500 by a type about data     this batch is refused: halved, down to one record
 *      500 collection mismatch      the same; the one record is deleted and put in one batch
 *      500 no such database, 403    an operator must act
 *      408, 410, 503, other 500     not now; another address is tried
 *
 * Of several addresses the first that answers is kept until it fails. A marker that is older than
 * what was acknowledged means a node that lags or a database that was restored: with several
 * addresses that is waited for (CONFIG_TG_RAVEN_LAG_SECONDS), then told, once, and gone on with.
 *
 * Owns:    one connection, kept between deliveries, and its certificates.
 * Memory:  buffers and 160 bytes a stream from the arena, at start; a body is never whole in
 * memory. Waits:   never.
 */
#ifndef TG_DRIVERS_RAVEN_SINK_H
#define TG_DRIVERS_RAVEN_SINK_H

#include "app/sink.h"

extern const struct tg_sink_ops tg_raven_sink_ops;

#endif
