/* pick.h - which records a sink gets next: a range of one stream, fixed in its in-flight row.
 *
 * Private to forwarder.c and refusal.c. Waits: for the disk. Thread: the loop's.
 */
#ifndef TG_APP_PICK_H
#define TG_APP_PICK_H

#include <stdbool.h>

struct tg_forwarder;

/* Fixes the next batch; false when there is none, or none worth it yet. */
bool tg_pick(struct tg_forwarder *fwd);
/* Whether another stream than the one in flight has something for this sink. */
bool tg_pick_other_waits(const struct tg_forwarder *fwd);

#endif
