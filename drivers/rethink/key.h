/* key.h - RethinkDB's primary keys as bytes that compare in the server's own order.
 *
 * Order (reference/rethinkdb.md 5.1): array < bool < number < BINARY < TIME < string. A tag byte
 * leads; strings are their UTF-8, a lower-case UUID string is packed into 16 bytes (and still
 * compares in its place among other strings), numbers are sign, decimal exponent and digits - never
 * a double -, BINARY and array elements are escaped so that no element is a prefix of another. What
 * identity ignores but the spelling needs (a TIME's zone, the sign of -0.0, a number's unusual
 * spelling) lies in the tail.
 *
 * Pure: no state, no allocation.
 */
#ifndef TG_DRIVERS_RETHINK_KEY_H
#define TG_DRIVERS_RETHINK_KEY_H

#include "app/record.h"
#include "platform/err.h"

/* Encodes the key's wire JSON into `at` (cap >= TG_KEY_BYTES_MAX suffices for every key the server
 * takes). TG_ERR_PROTOCOL: not a key (null, object, GEOMETRY, bad JSON). TG_ERR_LIMIT: too long. */
TG_CHECKED int tg_rethink_key_encode(struct tg_view json, uint8_t *at, size_t cap,
				     struct tg_key *out);

/* <0, 0, >0 as the server orders them; tails are ignored. */
int tg_rethink_key_compare(struct tg_key a, struct tg_key b);

/* The key's JSON exactly as the server wrote it. TG_ERR_DAMAGED when `key` is not an encoding. */
TG_CHECKED int tg_rethink_key_json(struct tg_view key, struct tg_out *out);

/* The key as a ReQL term for BETWEEN and GET: arrays become MAKE_ARRAY, the rest stands for itself.
 * A string that is no UTF-8 (the server can be made to hold one, but refuses to be sent it) ends
 * before the first byte that is none, and every array around it too: such a term stands before the
 * key, and `cut` is set. As the lower bound of a range it skips nothing, and what comes up to the
 * key itself must be dropped; as the upper bound it would leave rows out. */
TG_CHECKED int tg_rethink_key_term(struct tg_view key, struct tg_out *out, bool *cut);

#endif
