/* state.h - the file sink's state, shared by its own files alone. */
#ifndef TG_DRIVERS_FILE_STATE_H
#define TG_DRIVERS_FILE_STATE_H

#include "app/sink.h"
#include "drivers/file/folder.h"
#include "drivers/file/options.h"

enum tg_file_step {
	TG_FILE_STEP_NONE,
	TG_FILE_STEP_WRITE, /* bytes of the delivery go out            */
	TG_FILE_STEP_SYNC,  /* all are written; one fdatasync is owed  */
};

/* What a delivery makes of its file, once it is acknowledged. */
struct tg_file_pending {
	struct tg_file_slot *slot; /* NULL: nothing waits for an acknowledgement */
	uint64_t length, last;
	enum tg_file_phase phase;
};

struct tg_file_state {
	struct tg_folder folder;
	struct tg_file_options options;

	uint8_t *buffer;
	enum tg_file_step step;
	const struct tg_delivery *delivery;
	struct tg_file_slot *slot; /* of the delivery */
	int fd;
	uint64_t written;     /* how long the file is now */
	uint64_t cut_at;      /* where `rotate_bytes` cuts the delivery; UINT64_MAX: nowhere */
	uint64_t cut_last, cut_lines; /* what of it lies before that */
	uint64_t serial_next; /* layout "one" */
	struct tg_file_pending pending;
	struct tg_file_slot *closing; /* its ROTATING receipt went out, not yet known durable */
	bool close_all;       /* not only what is too old */
	uint64_t due_mono_ms; /* the next rotation by age; UINT64_MAX: none */
	struct tg_now started;
	uint8_t receipt[TG_FILE_RECEIPT_BYTES_MAX];
};

/* The next rotation by age, from all slots. */
void tg_file_find_due(struct tg_file_state *sink);
bool tg_file_too_old(const struct tg_file_state *sink, const struct tg_file_slot *slot,
		     const struct tg_now *now);
/* Writes the receipt of `slot` in `phase` into the outcome. */
void tg_file_give_receipt(struct tg_file_state *sink, const struct tg_file_slot *slot,
			  enum tg_file_phase phase, struct tg_outcome *outcome);

/* What hangs on a commit: the operations of the same names. */
TG_CHECKED int tg_file_acked(void *state, const struct tg_now *now, struct tg_outcome *outcome,
			     struct tg_why *why);
TG_CHECKED int tg_file_idle(void *state, const struct tg_now *now, struct tg_outcome *outcome,
			    struct tg_why *why);
TG_CHECKED int tg_file_finish(void *state, const struct tg_now *now, struct tg_outcome *outcome,
			      struct tg_why *why);

#endif
