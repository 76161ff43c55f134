#include "drivers/file/sink.h"

#include <stdio.h>

#include "app/arena.h"
#include "drivers/file/state.h"
#include "platform/assert.h"
#include "platform/file.h"
#include "platform/loop.h"

enum { STANDARD_OUTPUT = 1, RECORDS_MAX = 1000000 };

_Static_assert(sizeof(struct tg_file_state) <= CONFIG_TG_SINK_BYTES_MAX,
	       "Raise TG_SINK_BYTES_MAX or lower TG_FILE_OPEN_MAX");
_Static_assert((int)TG_FILE_RECEIPT_BYTES_MAX <= (int)TG_RECEIPT_BYTES_MAX,
	       "The file sink's receipt must fit the outbox's row");

enum {
	SLOTS_MAX = CONFIG_TG_STREAMS_MAX + 1, /* and one for all */
	SLOTS_BYTES = SLOTS_MAX * sizeof(struct tg_file_slot),
	ALIGNMENT_BYTES = 32, /* what two takes may lose */
	BUFFER_BYTES = SLOTS_BYTES + CONFIG_TG_FILE_BUFFER_BYTES + ALIGNMENT_BYTES,
};
_Static_assert((int)BUFFER_BYTES <= CONFIG_TG_SINK_ARENA_BYTES,
	       "Raise TG_SINK_ARENA_BYTES or lower TG_FILE_BUFFER_BYTES or TG_STREAMS_MAX");

static void file_configure(void *state, const struct tg_json *config, struct tg_problems *problems)
{
	struct tg_file_state *sink = state;

	memset(sink, 0, sizeof(*sink));
	tg_file_options_read(&sink->options, config, problems);
	memcpy(sink->folder.path, sink->options.path, sizeof(sink->folder.path));
	sink->folder.mode = sink->options.mode;
}

static void file_limits(const void *state, struct tg_sink_limits *out)
{
	const struct tg_file_state *sink = state;

	*out = (struct tg_sink_limits){ .batch_records_max = RECORDS_MAX,
					.batch_bytes_max = CONFIG_TG_FILE_BATCH_BYTES,
					.in_flight_row = sink->options.standard,
					.framing = TG_FRAMING_NDJSON,
					.one_delivery_waits = !sink->options.standard };
	if (sink->options.rotate_bytes != 0 && sink->options.rotate_bytes < out->batch_bytes_max)
		out->batch_bytes_max = sink->options.rotate_bytes;
}

/* --- start --- */

static int make_folder(struct tg_file_state *sink, struct tg_why *why)
{
	/* Who may read the files may enter the folder. */
	unsigned mode = sink->folder.mode | (sink->folder.mode & 0444u) >> 2;
	int err = tg_file_make_folders(sink->folder.path, mode);

	if (err == TG_OK)
		return err;
	return tg_why_set(why, err,
			  "the folder %s cannot be made (%s): make it, or give this user the "
			  "right to",
			  sink->folder.path, tg_err_name(err));
}

static int file_start(void *state, struct tg_arena *arena, const struct tg_now *now,
		      struct tg_why *why)
{
	struct tg_file_state *sink = state;
	struct tg_file_slot *slots = tg_arena_take(arena, SLOTS_BYTES);

	sink->buffer = tg_arena_take(arena, CONFIG_TG_FILE_BUFFER_BYTES);
	TG_ASSERT(slots != NULL && sink->buffer != NULL);
	tg_folder_init(&sink->folder, slots, SLOTS_MAX);
	sink->step = TG_FILE_STEP_NONE;
	sink->serial_next = 1;
	sink->due_mono_ms = UINT64_MAX;
	sink->started = *now;
	return sink->options.standard ? TG_OK : make_folder(sink, why);
}

/* The monotonic moment of a wall time in the past; a wall clock that was set back makes it now. */
static uint64_t mono_of(const struct tg_now *now, int64_t wall_ms)
{
	uint64_t age = wall_ms < now->wall_ms ? (uint64_t)now->wall_ms - (uint64_t)wall_ms : 0;

	return age < now->mono_ms ? now->mono_ms - age : 0;
}

static int file_restore(void *state, uint32_t scope, struct tg_view receipt, struct tg_why *why)
{
	struct tg_file_state *sink = state;
	struct tg_file_receipt read;
	struct tg_file_slot *slot;
	int err;

	if (sink->options.standard)
		return TG_OK;
	err = tg_file_receipt_read(receipt, &read);
	if (err == TG_ERR_NEWER)
		return tg_why_set(why, err,
				  "a newer tidegate wrote the file sink's receipt: use that one");
	if (err != TG_OK)
		return tg_why_set(why, err,
				  "the file sink's receipt in the store is damaged: run "
				  "`tidegate outbox verify`");
	err = tg_folder_restore(&sink->folder, scope, &read, why);
	if (err != TG_OK)
		return err;
	if (scope == 0 && sink->serial_next <= read.number)
		sink->serial_next = read.number + (read.phase == TG_FILE_ROTATING);
	slot = tg_folder_find(&sink->folder, scope);
	if (slot != NULL)
		slot->opened_mono_ms = mono_of(&sink->started, slot->opened_wall_ms);
	tg_file_find_due(sink);
	return TG_OK;
}

/* --- a delivery --- */

static struct tg_file_slot *new_slot(struct tg_file_state *sink, const struct tg_delivery *delivery,
				     const struct tg_now *now)
{
	bool one = sink->options.one;
	struct tg_file_slot *slot = tg_folder_add(&sink->folder, one ? 0 : delivery->stream_number);

	if (slot == NULL)
		return NULL;
	slot->number = one ? sink->serial_next : delivery->first;
	slot->with_last = !one;
	slot->opened_wall_ms = now->wall_ms;
	slot->opened_mono_ms = now->mono_ms;
	if (one)
		memcpy(slot->stem, "all", sizeof("all"));
	else
		tg_file_stem(delivery->stream, delivery->stream_number, slot->stem);
	return slot;
}

static int begin_file(struct tg_file_state *sink, const struct tg_now *now, struct tg_why *why)
{
	const struct tg_delivery *delivery = sink->delivery;
	uint32_t scope = sink->options.one ? 0 : delivery->stream_number;

	sink->slot = tg_folder_find(&sink->folder, scope);
	if (sink->slot == NULL)
		sink->slot = new_slot(sink, delivery, now);
	if (sink->slot == NULL)
		return tg_why_set(why, TG_ERR_LIMIT,
				  "%d files of this sink are open for writing and "
				  "another stream comes: raise CONFIG_TG_STREAMS_MAX, lower "
				  "rotate_seconds, or use layout \"one\"",
				  SLOTS_MAX);
	sink->fd = tg_folder_open(&sink->folder, sink->slot, delivery->instance, why);
	sink->written = sink->slot->length;
	sink->cut_at = UINT64_MAX;
	return sink->fd < 0 ? sink->fd : TG_OK;
}

static int file_deliver(void *state, const struct tg_delivery *delivery, const struct tg_now *now,
			struct tg_why *why)
{
	struct tg_file_state *sink = state;
	int err = TG_OK;

	TG_ASSERT(sink->step == TG_FILE_STEP_NONE);
	sink->pending.slot = NULL; /* as in close_files() */
	sink->closing = NULL;
	sink->delivery = delivery;
	tg_body_rewind(delivery->body);
	if (!sink->options.standard) {
		err = tg_folder_rotate_all(&sink->folder, why);
		if (err == TG_OK)
			err = begin_file(sink, now, why);
	}
	if (err == TG_OK)
		sink->step = TG_FILE_STEP_WRITE;
	return err;
}

/* How much one write takes: up to the next multiple of the buffer's size in the file. A kernel
 * keeps what is written so in few large pages; writes that straddle those borders cost it a third
 * more. */
static size_t wanted(const struct tg_file_state *sink)
{
	if (sink->options.standard)
		return CONFIG_TG_FILE_BUFFER_BYTES;
	return CONFIG_TG_FILE_BUFFER_BYTES - (size_t)(sink->written % CONFIG_TG_FILE_BUFFER_BYTES);
}

/* Fills `cap` bytes of the buffer as far as the body goes. */
static int fill(struct tg_file_state *sink, size_t cap, struct tg_why *why)
{
	size_t used = 0;

	while (used < cap) {
		int bytes = tg_body_read(sink->delivery->body, sink->buffer + used, cap - used);

		if (bytes < 0)
			return tg_why_set(why, bytes,
					  "a record could not be read from the store (%s): run "
					  "`tidegate outbox verify`",
					  tg_err_name(bytes));
		if (bytes == 0)
			break;
		used += (size_t)bytes;
	}
	return (int)used;
}

static int write_failed(const struct tg_file_state *sink, int err, struct tg_why *why)
{
	if (sink->options.standard && err == TG_ERR_CLOSED)
		return tg_why_set(why, TG_ERR_STOPPED, "whoever read standard output has gone");
	if (sink->options.standard)
		return tg_why_set(why, err, "standard output takes nothing (%s)", tg_err_name(err));
	return tg_why_set(why, err,
			  err == TG_ERR_NOSPC
				  ? "the disk of %s is full: free space, delivery goes on by itself"
				  : "writing into %s failed: check the disk and the kernel's log",
			  sink->folder.path);
}

/* One bufferful. 0 once the body has ended, TG_ERR_AGAIN before that. */
static int write_some(struct tg_file_state *sink, struct tg_why *why)
{
	size_t cap = wanted(sink);
	int bytes = fill(sink, cap, why);
	int err;

	if (bytes <= 0)
		return bytes;
	err = sink->options.standard
		      ? tg_file_write(STANDARD_OUTPUT, sink->buffer, (size_t)bytes)
		      : tg_file_write_at(sink->fd, sink->buffer, (size_t)bytes, sink->written);
	if (err != TG_OK)
		return write_failed(sink, err, why);
	sink->written += (uint64_t)bytes;
	return (size_t)bytes < cap ? TG_OK : TG_ERR_AGAIN;
}

/* The file has outgrown rotate_bytes: it ends behind the last whole line within them, or behind
 * its only line. The rest of the delivery goes into the next file. */
static int find_cut(struct tg_file_state *sink)
{
	uint64_t length = sink->slot->length, most = sink->options.rotate_bytes;
	struct tg_body_fit fit = { .bytes_max = length < most ? most - length : 0,
				   .lines_max = UINT64_MAX };
	int err = tg_body_fit(sink->delivery->body, &fit);

	if (err == TG_OK && fit.lines == 0 && length == 0) {
		fit.bytes_max = UINT64_MAX;
		fit.lines_max = 1;
		err = tg_body_fit(sink->delivery->body, &fit);
	}
	sink->cut_at = length + fit.bytes;
	sink->cut_last = fit.last;
	sink->cut_lines = fit.lines;
	return err;
}

/* After a bufferful, whose outcome is `err`: ends the delivery where it is to be cut. */
static int keep_size(struct tg_file_state *sink, int err, struct tg_why *why)
{
	bool over = sink->options.rotate_bytes != 0 && sink->written > sink->options.rotate_bytes;

	if (!over || (err != TG_OK && err != TG_ERR_AGAIN))
		return err;
	int found = sink->cut_at == UINT64_MAX ? find_cut(sink) : TG_OK;
	if (found != TG_OK)
		return tg_why_set(why, found, "a record could not be read from the store (%s)",
				  tg_err_name(found));
	if (sink->written < sink->cut_at)
		return err;
	found = tg_file_truncate(sink->fd, sink->cut_at);
	if (found != TG_OK)
		return write_failed(sink, found, why);
	sink->written = sink->cut_at;
	return TG_OK;
}

/* A turn reads twice before it steps a sink. With one bufferful a step the sink falls behind while
 * there is something to read, and has a fifth of it all left to write when the source is over. */
enum { BUFFERS_A_STEP = 4 };

static int write_on(struct tg_file_state *sink, struct tg_why *why)
{
	int err = write_some(sink, why);

	if (sink->options.standard)
		return err;
	err = keep_size(sink, err, why);
	for (int i = 1; err == TG_ERR_AGAIN && i < BUFFERS_A_STEP; i++)
		err = keep_size(sink, write_some(sink, why), why);
	return err;
}

/* Pages that were written a moment ago take the next delivery faster than fresh ones, and leave the
 * others to the gateway's database. From a border of the buffer on: the kernel keeps a buffer's
 * pages together, and together they go. */
static void give_back(const struct tg_file_state *sink)
{
#if defined(CONFIG_TG_FILE_GIVE_BACK)
	uint64_t from = sink->slot->length - sink->slot->length % CONFIG_TG_FILE_BUFFER_BYTES;

	tg_file_give_back(sink->fd, from, sink->written - from);
#else
	(void)sink;
#endif
}

static int end_delivery(struct tg_file_state *sink, const struct tg_now *now,
			struct tg_outcome *outcome, struct tg_why *why)
{
	struct tg_file_slot after = *sink->slot;
	bool cut = sink->cut_at != UINT64_MAX;
	int err = tg_folder_sync(&sink->folder, sink->slot, sink->written, why);

	if (err != TG_OK)
		return err;
	give_back(sink);
	after.length = sink->written;
	if (!cut)
		after.last = sink->delivery->last;
	else if (sink->cut_lines > 0)
		after.last = sink->cut_last;
	after.phase = TG_FILE_WRITING;
	uint64_t most = sink->options.rotate_bytes;
	if (cut || (most != 0 && after.length >= most) || tg_file_too_old(sink, &after, now)) {
		err = tg_folder_choose(&sink->folder, &after, why);
		if (err != TG_OK)
			return err;
		after.phase = TG_FILE_ROTATING;
	}
	tg_file_give_receipt(sink, &after, (enum tg_file_phase)after.phase, outcome);
	outcome->cut = cut;
	outcome->last = sink->cut_last;
	outcome->lines = sink->cut_lines;
	sink->slot->copy = after.copy;
	sink->pending = (struct tg_file_pending){ .slot = sink->slot,
						  .length = after.length,
						  .last = after.last,
						  .phase = (enum tg_file_phase)after.phase };
	return TG_OK;
}

static int step_once(struct tg_file_state *sink, const struct tg_now *now,
		     struct tg_outcome *outcome, struct tg_why *why)
{
	if (sink->step == TG_FILE_STEP_WRITE) {
		int err = write_on(sink, why);

		if (err != TG_OK || sink->options.standard ||
		    (sink->written == sink->slot->length && sink->cut_at == UINT64_MAX))
			return err;
		sink->step = TG_FILE_STEP_SYNC;
		return TG_ERR_AGAIN;
	}
	TG_ASSERT(sink->step == TG_FILE_STEP_SYNC);
	return end_delivery(sink, now, outcome, why);
}

static int file_step(void *state, const struct tg_now *now, struct tg_outcome *outcome,
		     struct tg_why *why)
{
	struct tg_file_state *sink = state;
	int err;

	memset(outcome, 0, sizeof(*outcome));
	err = step_once(sink, now, outcome, why);
	if (err == TG_ERR_AGAIN)
		return err;
	if (err != TG_OK && !sink->options.standard)
		tg_folder_undo(&sink->folder, sink->slot);
	sink->step = TG_FILE_STEP_NONE;
	sink->delivery = NULL;
	return err;
}

static void file_want(const void *state, struct tg_wants *wants)
{
	const struct tg_file_state *sink = state;

	if (sink->step != TG_FILE_STEP_NONE)
		tg_wants_at(wants, 0);
	else if (sink->due_mono_ms != UINT64_MAX)
		tg_wants_at(wants, sink->due_mono_ms);
}

static void file_stop(void *state)
{
	struct tg_file_state *sink = state;

	if (sink->buffer != NULL && !sink->options.standard)
		tg_folder_close(&sink->folder);
	sink->step = TG_FILE_STEP_NONE;
}

static int file_probe(void *state, const struct tg_now *now, struct tg_why *why)
{
	struct tg_file_state *sink = state;
	char path[TG_FOLDER_PATH_BYTES_MAX + 32];
	int err;

	(void)now;
	if (sink->options.standard)
		return tg_why_set(why, TG_OK, "standard output, at least once");
	err = make_folder(sink, why);
	if (err != TG_OK)
		return err;
	(void)snprintf(path, sizeof(path), "%s/tidegate-check.tmp", sink->folder.path);
	err = tg_file_try(path, sink->folder.mode);
	if (err != TG_OK)
		return write_failed(sink, err, why);
	return tg_why_set(why, TG_OK, "%s can be written and synced", sink->folder.path);
}

const struct tg_sink_ops tg_file_sink = {
	.type = "file",
	.state_bytes = sizeof(struct tg_file_state),
	.buffer_bytes = BUFFER_BYTES,
	.guarantee =
		"exactly once: a file's length is committed with the acknowledgement, finished "
		"files are renamed once (standard output: at least once)",
	.configure = file_configure,
	.limits = file_limits,
	.start = file_start,
	.restore = file_restore,
	.deliver = file_deliver,
	.step = file_step,
	.acked = tg_file_acked,
	.idle = tg_file_idle,
	.finish = tg_file_finish,
	.want = file_want,
	.stop = file_stop,
	.probe = file_probe,
};
