/* settle.c - what the file sink does once a commit is durable: renames, closing what is too old. */
#include "drivers/file/state.h"

/* The earliest moment at which a file is too old. */
void tg_file_find_due(struct tg_file_state *sink)
{
	sink->due_mono_ms = UINT64_MAX;
	for (uint32_t i = 0; sink->options.rotate_ms != 0 && i < sink->folder.slot_count; i++) {
		const struct tg_file_slot *slot = &sink->folder.slots[i];
		uint64_t due = slot->opened_mono_ms + sink->options.rotate_ms;

		if (slot->phase != TG_FILE_NONE && slot->length != 0 && due < sink->due_mono_ms)
			sink->due_mono_ms = due;
	}
}

bool tg_file_too_old(const struct tg_file_state *sink, const struct tg_file_slot *slot,
		     const struct tg_now *now)
{
	return sink->options.rotate_ms != 0 &&
	       now->mono_ms >= slot->opened_mono_ms + sink->options.rotate_ms;
}

/* The receipt of `slot` as it will be, without touching what it is now. */
void tg_file_give_receipt(struct tg_file_state *sink, const struct tg_file_slot *slot,
			  enum tg_file_phase phase, struct tg_outcome *outcome)
{
	struct tg_file_receipt receipt;

	tg_folder_receipt(slot, phase, &receipt);
	outcome->scope = slot->scope;
	outcome->receipt =
		tg_view_of(sink->receipt, tg_file_receipt_write(&receipt, sink->receipt));
}

/* The receipt that says ROTATING is durable: from now on the file's name is the other one. */
static void set_rotating(struct tg_file_state *sink, struct tg_file_slot *slot)
{
	slot->phase = TG_FILE_ROTATING;
	sink->folder.rotating_count++;
	if (slot->scope == 0)
		sink->serial_next = slot->number + 1;
}

int tg_file_acked(void *state, const struct tg_now *now, struct tg_outcome *outcome,
		  struct tg_why *why)
{
	struct tg_file_state *sink = state;
	struct tg_file_slot *slot = sink->pending.slot;
	int err;

	(void)now;
	memset(outcome, 0, sizeof(*outcome));
	if (slot != NULL) {
		slot->length = sink->pending.length;
		slot->last = sink->pending.last;
		if (sink->pending.phase == TG_FILE_ROTATING)
			set_rotating(sink, slot);
		sink->pending.slot = NULL;
	}
	if (sink->closing != NULL) /* the commit held what idle() or finish() gave out */
		set_rotating(sink, sink->closing);
	sink->closing = NULL;
	if (sink->options.standard)
		return TG_OK;
	err = tg_folder_rotate_all(&sink->folder, why);
	tg_file_find_due(sink);
	return err;
}

/* One file a call: its ROTATING receipt goes out (1), the next call renames it. */
static int close_files(struct tg_file_state *sink, const struct tg_now *now,
		       struct tg_outcome *outcome, struct tg_why *why)
{
	int err;

	memset(outcome, 0, sizeof(*outcome));
	sink->pending.slot = NULL; /* never acknowledged: that delivery counts as not made */
	if (sink->options.standard)
		return TG_OK;
	if (sink->closing != NULL)
		set_rotating(sink, sink->closing);
	sink->closing = NULL;
	err = tg_folder_rotate_all(&sink->folder, why);
	for (uint32_t i = 0; err == TG_OK && i < sink->folder.slot_count; i++) {
		struct tg_file_slot *slot = &sink->folder.slots[i];

		if (slot->phase != TG_FILE_WRITING || slot->length == 0 ||
		    !(sink->close_all || tg_file_too_old(sink, slot, now)))
			continue;
		err = tg_folder_choose(&sink->folder, slot, why);
		if (err != TG_OK)
			break;
		tg_file_give_receipt(sink, slot, TG_FILE_ROTATING, outcome);
		sink->closing = slot;
		return 1;
	}
	tg_file_find_due(sink);
	return err;
}

int tg_file_idle(void *state, const struct tg_now *now, struct tg_outcome *outcome,
		 struct tg_why *why)
{
	struct tg_file_state *sink = state;

	if (sink->closing == NULL && sink->folder.rotating_count == 0 &&
	    now->mono_ms < sink->due_mono_ms) {
		memset(outcome, 0, sizeof(*outcome));
		return TG_OK; /* asked at every turn of the loop */
	}
	sink->close_all = false;
	return close_files(sink, now, outcome, why);
}

int tg_file_finish(void *state, const struct tg_now *now, struct tg_outcome *outcome,
		   struct tg_why *why)
{
	struct tg_file_state *sink = state;

	sink->close_all = sink->options.rotate_at_end;
	return close_files(sink, now, outcome, why);
}
