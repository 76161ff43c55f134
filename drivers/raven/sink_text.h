/* sink_text.h - JSON text as RavenDB keeps it: strings in raw, strict UTF-8.
 *
 *      \ud83d\ude00     F0 9F 98 80   the server would store two U+FFFD, without an error
 *      \ud83d alone     EF BF BD      U+FFFD, counted: there is no such letter
 *      C3 alone         EF BF BD      the same
 *      \n \u0001 \"     as they are
 *
 * A filter between a producer of JSON text and where it goes; it keeps what was cut between two
 * pieces and no more. Most texts need none: see tg_raven_text_needs().
 *
 * Pure. Memory: the struct.
 */
#ifndef TG_DRIVERS_RAVEN_SINK_TEXT_H
#define TG_DRIVERS_RAVEN_SINK_TEXT_H

#include "app/record.h"

struct tg_raven_text {
	struct tg_out out; /* hand this one to the producer */
	uint64_t replaced; /* letters that became U+FFFD    */
	/* sink_text.c's */
	struct tg_out *to_;
	uint8_t held_[8]; /* an escape or a sequence whose end has not come */
	uint32_t held_bytes_, high_;
};

/* Whether the record's text may hold what must not be sent as it is. */
bool tg_raven_text_needs(const struct tg_record *record);
/* What is written to text->out goes on to `to`. */
void tg_raven_text_start(struct tg_raven_text *text, struct tg_out *to);
/* Whatever is still held cannot be completed any more. */
void tg_raven_text_end(struct tg_raven_text *text);

#endif
