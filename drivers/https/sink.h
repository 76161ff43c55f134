/* sink.h - delivers batches to an HTTPS endpoint.
 *
 *      POST /ingest HTTP/1.1
 *      Content-Type: application/x-ndjson              or application/json: an array
 *      Idempotency-Key: "plant-7-0123456789abcdef/rethinkdb/plant/readings/1-5000"
 *      Content-Length: 1048213                          known before the first byte goes out
 *
 *      {"_tidegate":{...},"temperature":21.5}
 *
 * A batch that is sent again, months later too, is the same request byte for byte under the same
 * key: exactly once where the receiver drops keys that it has seen. What an answer means:
 *
 *      2xx                       taken. Its body may name records that were not: {"refused":[7,9]},
 *                                or the list alone, of numbers or of {"seq":7,"reason":".."}; all
 *                                others are taken
 *      2xx as text/html          a captive portal, not the endpoint: nothing is taken
 *      413, 422                  this batch is refused: halved, down to one record
 *      400                       the same once this target took another batch, else its own fault
 *      401, 403, 407             not allowed
 *      408, 409, 425, 429, 5xx   not now; Retry-After is obeyed
 *      3xx, 404, 405, others     not an endpoint for records. Redirects are never followed
 *
 * Owns:    one connection, kept between deliveries, and its certificates.
 * Memory:  buffers from the arena, at start; a body is never whole in memory.
 * Waits:   never; compressing is done in steps of TG_HTTPS_ANSWER_BYTES of output.
 */
#ifndef TG_DRIVERS_HTTPS_SINK_H
#define TG_DRIVERS_HTTPS_SINK_H

#include "app/sink.h"

extern const struct tg_sink_ops tg_https_sink;

#endif
