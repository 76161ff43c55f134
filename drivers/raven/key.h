/* key.h - RavenDB's document ids as bytes that compare in the server's own order.
 *
 *      "Orders/1-A"   ->   orders/1-a  FF  00 08        lowered, stop, what was upper case
 *      "orders/1"     ->   orders/1                     nothing was: no stop, no tail
 *
 * The server compares ids without case and lists them by the UTF-8 of their lower case (fold.h), so
 * that is what a key compares by. The tail says how the id was spelled in the newest version: for
 * each letter that differs, the letters before it that do not (0..126; 127 means 127 of them and
 * none that differs), and in the top bit which of two upper cases it is (K and the Kelvin sign are
 * both k). So the key of an id of 512 bytes, the server's limit, has at most 1,025 bytes, and a
 * usual one costs two bytes for its spelling.
 *
 * Ids are text: what is no UTF-8 is kept as it is, but for a byte FF, which no text has.
 *
 * Pure: no state, no allocation.
 */
#ifndef TG_DRIVERS_RAVEN_KEY_H
#define TG_DRIVERS_RAVEN_KEY_H

#include "app/record.h"
#include "platform/err.h"

/* Encodes an id, a JSON string, into `at` (cap >= TG_KEY_BYTES_MAX suffices for every id that the
 * server takes). TG_ERR_PROTOCOL: not a string, an empty one, or one with a byte FF. TG_ERR_LIMIT:
 * too long. */
TG_CHECKED int tg_raven_key_encode(struct tg_view json, uint8_t *at, size_t cap,
				   struct tg_key *out);
/* The same from the id's plain bytes. */
TG_CHECKED int tg_raven_key_of_id(struct tg_view id, uint8_t *at, size_t cap, struct tg_key *out);

/* <0, 0, >0 as the server lists them; tails are ignored. */
int tg_raven_key_compare(struct tg_key a, struct tg_key b);

/* The id as it was spelled, as JSON, byte for byte as the server writes it. TG_ERR_DAMAGED when
 * `key` is not an encoding. */
TG_CHECKED int tg_raven_key_json(struct tg_view key, struct tg_out *out);
/* The same as plain bytes; returns their length, TG_ERR_LIMIT or TG_ERR_DAMAGED. */
TG_CHECKED int tg_raven_key_id(struct tg_view key, uint8_t *at, size_t cap);

#endif
