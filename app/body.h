/* body.h - the bytes of a delivery, rebuilt from the outbox piece by piece.
 *
 *      outbox cursor --record--> line --window--> the sink's buffer
 *
 * The body is a pure function of the records, the columns and the framing, so that it can be
 * measured, sent, and sent again months later, byte for byte the same, without ever being whole in
 * memory. What is left out is left out each time: records for another sink, suspects, records lost
 * to damage.
 *
 * Memory:  the struct. Waits: for the disk. No transaction is open between two reads.
 */
#ifndef TG_APP_BODY_H
#define TG_APP_BODY_H

#include "app/outbox/outbox.h"
#include "app/sink.h"

struct tg_body {
	struct tg_outbox *box;
	struct tg_stream *stream;
	uint64_t first, last;
	uint16_t sink; /* records addressed to another one are left out */
	enum tg_framing framing;
	const struct tg_sink_ops *ops; /* with TG_FRAMING_OWN: whose frame() writes the records */
	void *state;
	struct tg_line line;
	const uint64_t *suspects; /* left out as well */
	uint32_t suspect_count;
	uint64_t aside_id; /* not 0: the body is this one quarantined item */
	/* body.c's */
	struct tg_line_memo memo_;
	uint64_t next_,
		skip_;   /* the record whose line is under way, and how much of it was given */
	uint64_t given_; /* lines given whole */
	uint64_t lost_told_;
	bool ended_;
};

/* Whether it has any line: 1, 0, or TG_ERR_IO. Stands before the first byte afterwards. */
TG_CHECKED int tg_body_any(struct tg_body *body);
/* Puts a body made of the fields above before its first byte. */
void tg_body_start(struct tg_body *body);

#endif
