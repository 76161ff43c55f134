/* refusal.h - a broken target is not a bad record: what a refused batch means.
 *
 *      refused --> more than one record --> halve, fix the row anew, send the first half
 *              `-> one record --> suspect --> the target took something since: set aside in full,
 * go on
 *                                         `-> it did not: try the records behind it; when those are
 * refused as well, or there are none, pause: the target is broken, nothing is lost
 */
#ifndef TG_APP_REFUSAL_H
#define TG_APP_REFUSAL_H

#include "app/sink.h"

struct tg_forwarder;

enum tg_refusal {
	TG_REFUSAL_RESEND, /* the in-flight row was rewritten: commit it, then send */
	TG_REFUSAL_DONE,   /* what was refused is settled: pick the next batch      */
	TG_REFUSAL_PAUSE,  /* the target as a whole is to blame                     */
};

enum tg_refusal tg_refusal_of_batch(struct tg_forwarder *fwd, int64_t wall_ms);

/* The record behind the suspects is tried next. Behind the last one: PAUSE, and the suspects are
 * tried again; when another stream waits, it comes first. */
enum tg_refusal tg_refusal_look_behind(struct tg_forwarder *fwd);

/* A batch was taken: its suspects and the sequences that the target named are set aside. */
TG_CHECKED int tg_refusal_settle(struct tg_forwarder *fwd, const struct tg_outcome *outcome,
				 int64_t wall_ms);

#endif
