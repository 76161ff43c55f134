/* folder.h - the files being written in one folder, and what is durable of each.
 *
 *      slots[]    scope -> stem, number, length      one a stream (or one for all)
 *      handles[]  the descriptors used last          at most CONFIG_TG_FILE_OPEN_MAX
 *
 * An active file holds `length` acknowledged bytes. Whatever lies behind them (a delivery that
 * failed or was never acknowledged) is cut before the next byte is written.
 *
 * Owns:    the descriptors.
 * Memory:  the struct; the slots are the caller's.
 * Waits:   for the disk.
 */
#ifndef TG_DRIVERS_FILE_FOLDER_H
#define TG_DRIVERS_FILE_FOLDER_H

#include "drivers/file/receipt.h"
#include "platform/clock.h"

enum { TG_FOLDER_PATH_BYTES_MAX = 256 };

struct tg_file_slot {
	uint64_t number, last, length; /* as in the receipt */
	int64_t opened_wall_ms;
	uint64_t opened_mono_ms;
	uint32_t scope; /* the stream's number; 0: all streams */
	uint8_t phase;  /* enum tg_file_phase */
	uint8_t copy;   /* ROTATING: which free name was chosen */
	bool named;     /* the folder's entry is durable */
	bool with_last; /* the rotated name carries the last sequence */
	char stem[TG_FILE_STEM_BYTES_MAX];
};

struct tg_folder {
	char path[TG_FOLDER_PATH_BYTES_MAX];
	unsigned mode; /* of new files */
	struct tg_file_slot *slots;
	uint32_t slot_count; /* how many were ever used; those behind were never touched */
	uint32_t slot_count_max;
	uint32_t rotating_count; /* slots in phase ROTATING */
	uint64_t uses_;
	struct {
		int fd; /* -1: free */
		uint64_t used;
		const struct tg_file_slot *slot;
	} handles_[CONFIG_TG_FILE_OPEN_MAX];
};

/* `folder->path` and `mode` are set by the caller. All slots become free. */
void tg_folder_init(struct tg_folder *folder, struct tg_file_slot *slots, uint32_t slot_count_max);
void tg_folder_close(struct tg_folder *folder);

/* The slot of `scope`, or NULL. */
struct tg_file_slot *tg_folder_find(struct tg_folder *folder, uint32_t scope);
/* A free slot (all zero but `scope`), or NULL when all are used. */
struct tg_file_slot *tg_folder_add(struct tg_folder *folder, uint32_t scope);

/* The descriptor of the slot's file, which then is exactly `length` bytes long. A slot of length 0
 * gets a new file: one that lies there already under this name is cut to nothing when it is
 * our own (made and never acknowledged), put aside when another `instance` wrote it.
 * TG_ERR_DAMAGED with a sentence when acknowledged bytes are gone; NOSPC, IO, ACCESS. */
TG_CHECKED int tg_folder_open(struct tg_folder *folder, struct tg_file_slot *slot,
			      struct tg_view instance, struct tg_why *why);
/* Makes `bytes` bytes of the slot's file durable, its name too, and sees that the name still leads
 * to them. */
TG_CHECKED int tg_folder_sync(struct tg_folder *folder, struct tg_file_slot *slot, uint64_t bytes,
			      struct tg_why *why);
/* After a failed delivery: gives its space back as far as the disk lets us, and forgets the
 * descriptor. */
void tg_folder_undo(struct tg_folder *folder, struct tg_file_slot *slot);

/* Sets slot->copy so that the rotated name is free now. */
TG_CHECKED int tg_folder_choose(struct tg_folder *folder, struct tg_file_slot *slot,
				struct tg_why *why);
/* A slot in phase ROTATING: renames the file, syncs the folder and frees the slot. */
TG_CHECKED int tg_folder_rotate(struct tg_folder *folder, struct tg_file_slot *slot,
				struct tg_why *why);
/* All slots in phase ROTATING; stops at the first error. */
TG_CHECKED int tg_folder_rotate_all(struct tg_folder *folder, struct tg_why *why);

/* The receipt of the slot in `phase`, with these numbers. */
void tg_folder_receipt(const struct tg_file_slot *slot, enum tg_file_phase phase,
		       struct tg_file_receipt *out);
/* Brings the disk to what `receipt` says, and takes the file over while it is WRITING. */
TG_CHECKED int tg_folder_restore(struct tg_folder *folder, uint32_t scope,
				 const struct tg_file_receipt *receipt, struct tg_why *why);

#endif
