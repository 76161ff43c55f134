/* replay.h - quarantined records that an operator wants sent again.
 *
 * A replay is a delivery of one record with the identity it always had, taken from the quarantine.
 * It never overwrites a newer version: when the index knows a newer one (or a delete), the item is
 * dropped as superseded.
 */
#ifndef TG_APP_REPLAY_H
#define TG_APP_REPLAY_H

#include "platform/view.h"

struct tg_forwarder;

/* The next item that is to be sent to this sink again: its id in fwd->replay_id_, fwd->body_ made.
 * False: none. */
bool tg_replay_pick(struct tg_forwarder *fwd);
/* Items were set aside that are to be tried once more: looks from the first one on again. */
void tg_replay_again(struct tg_forwarder *fwd);
/* The target took it: it leaves the quarantine. */
void tg_replay_done(struct tg_forwarder *fwd);
/* The target refused it again: it stays, and is not tried again unless asked for. */
void tg_replay_refused(struct tg_forwarder *fwd);

#endif
