/* forwarder.h - outbox -> sink: choose, fix, send, await, acknowledge, trim. One for each sink.
 *
 *                     +------------------------- acked, next batch fixed in the same commit
 * --------------+ v | IDLE --pick--> FIXED --row durable--> SENDING --0--> ACKED --receipt
 * durable--> SETTLING --0-------+--> IDLE ^                       |  \-- error --> PAUSED --over-->
 * SENDING (the same bytes)
 *                       +---- halved, row ------+
 *
 * A batch's boundaries are written before its first byte goes out and are only moved by a refusal
 * of the batch itself. One refused record is a suspect until the target has taken another one: then
 * it is set aside in full. A target that refuses everything is broken, and loses nothing.
 *
 * Memory:  the struct. Waits: for the disk. Thread: the loop's.
 */
#ifndef TG_APP_FORWARDER_H
#define TG_APP_FORWARDER_H

#include "app/backoff.h"
#include "app/body.h"
#include "app/config.h"

enum tg_forwarder_state {
	TG_FWD_IDLE,
	TG_FWD_FIXED, /* the in-flight row waits for its commit                    */
	TG_FWD_SENDING,
	TG_FWD_ACKED,    /* acknowledgement and receipt wait for their commit         */
	TG_FWD_SETTLING, /* they are durable: the sink finishes what hangs on that    */
	TG_FWD_PAUSED,
	TG_FWD_CLOSED, /* finish() is through: nothing will be delivered any more   */
};

struct tg_forwarder {
	/* Set by tg_forwarder_init. */
	struct tg_outbox *box;
	const struct tg_config_sink *config;
	const struct tg_registry *registry;
	uint64_t (*random)(void);
	uint32_t slot;
	struct tg_sink_limits limits;
	/* Read by whoever shows progress. */
	uint64_t delivered_count, set_aside_count, delivered_bytes;
	uint64_t progress; /* rises when more of a batch was given than ever before */
	struct tg_why why; /* what went wrong last; err 0: nothing */
	/* forwarder.c's */
	enum tg_forwarder_state state_;
	uint64_t entered_ms_;
	struct tg_stream *stream_;
	struct tg_body body_;
	struct tg_delivery delivery_;
	struct tg_outcome outcome_;
	struct tg_backoff backoff_;
	struct tg_stream_row row_; /* of the stream under way: its name and type */
	uint64_t batch_limit_;     /* records; shrinks with a refusal, grows with success */
	uint64_t committed_at_pick_;
	uint64_t most_lines_, most_bytes_; /* how far the batch under way ever got */
	uint32_t next_stream_; /* where the next pick begins: no stream starves another */
	bool credit_;          /* the target took something since the last set-aside */
	bool flush_, finishing_, deliver_after_settling_, idle_due_;
	uint64_t replay_id_,
		replay_from_; /* a quarantined item under way (0: none), where to look next */
	bool replayed_all_;
	uint8_t replay_spec_[TG_COLUMNS_SPEC_BYTES_MAX];
};

/* Finds the sink's row. TG_ERR_LIMIT when the store holds too many. */
TG_CHECKED int tg_forwarder_init(struct tg_forwarder *fwd, struct tg_outbox *box,
				 const struct tg_config_sink *config,
				 const struct tg_registry *registry);
/* Replays the receipts into the sink, which was started. */
TG_CHECKED int tg_forwarder_restore(struct tg_forwarder *fwd, struct tg_why *why);
/* Whether this sink takes the stream called `name`; makes its position when it has none. Returns
 * true when the stream's present rows must be sent to this sink again from the source (a new sink,
 * "from": "full"). */
bool tg_forwarder_adopt(struct tg_forwarder *fwd, struct tg_stream *stream, struct tg_view name,
			bool has_rows);

/* One bounded step. Returns true when something moved. */
bool tg_forwarder_step(struct tg_forwarder *fwd, const struct tg_now *now, uint64_t mono_ms,
		       int64_t wall_ms);
/* Send what there is, also a small batch: nothing more comes for now. */
void tg_forwarder_flush(struct tg_forwarder *fwd, bool flush);
/* Ask the sink to close what is open once all is delivered. */
void tg_forwarder_finish(struct tg_forwarder *fwd);
bool tg_forwarder_closed(const struct tg_forwarder *fwd);
/* It waits for a commit. */
bool tg_forwarder_wants_commit(const struct tg_forwarder *fwd);
/* Nothing undelivered that is committed. */
bool tg_forwarder_drained(const struct tg_forwarder *fwd);
void tg_forwarder_want(const struct tg_forwarder *fwd, struct tg_wants *wants);
/* The moment its pause ends, or UINT64_MAX. */
uint64_t tg_forwarder_wake_ms(const struct tg_forwarder *fwd);

#endif
