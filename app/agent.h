/* agent.h - one of each stage, by value: the whole program's state, and the loop that turns them.
 *
 *      turn:  sources step -> intake -> forwarders step -> one commit when it is worth it -> wait
 * for all together
 *
 * The agent reads no clock and no socket: main.c hands in a `struct tg_host`. It is the only place
 * where stages meet.
 *
 * Memory:  the struct and what it carves from the boot arena; nothing afterwards. Thread: the
 * loop's.
 */
#ifndef TG_APP_AGENT_H
#define TG_APP_AGENT_H

#include "app/forwarder.h"
#include "app/intake.h"

/* One turn's view of time: `now` is the same moment as platform/clock.h has it, for the drivers. */
struct tg_turn {
	uint64_t mono_ms;
	int64_t wall_ms;
	const struct tg_now *now;
};

/* What the machine does for the agent. */
struct tg_host {
	void (*turn)(struct tg_turn *turn);
	struct tg_wants *(*wants)(void); /* an empty list */
	void (*wake_at)(struct tg_wants *wants, uint64_t mono_ms);
	int (*wait)(const struct tg_wants *wants,
		    const struct tg_now *now); /* 0 or TG_ERR_STOPPED */
	void (*random)(void *at, size_t bytes);
	uint64_t (*random64)(void);
	uint64_t (*mono_ms)(void);
	int (*binding)(const char *path, uint8_t binding[16]);
	int (*make_folder)(const char *path);
};

enum tg_source_phase {
	TG_SOURCE_START,
	TG_SOURCE_RUN,
	TG_SOURCE_BEGINNING, /* the stream is being opened         */
	TG_SOURCE_TAKING,    /* a batch is being entered            */
	TG_SOURCE_LEAVING,   /* an error: the open stream is closed */
	TG_SOURCE_PAUSED,
	TG_SOURCE_DONE,
	TG_SOURCE_FAILED,
};

/* How a stream's pass ended, for the summary. */
struct tg_stream_result {
	const char *name;
	bool complete;
	uint64_t rows_read, changed, deleted, set_aside;
	const struct tg_why *why; /* NULL when complete */
};

struct tg_agent_source {
	const struct tg_config_source *config;
	struct tg_intake intake;
	struct tg_arena arena;
	struct tg_batch batch;
	struct tg_backoff backoff;
	struct tg_why why;
	enum tg_source_phase phase;
	bool reached; /* it answered in this run: a broken connection is worth another try */
	uint32_t failed_streams, done_streams;
	struct tg_why stream_why; /* why a stream that the source read whole is not complete */
	/* The stream under way, for the progress shown. */
	char stream[TG_STREAM_NAME_BYTES_MAX];
	uint64_t rows_estimate;
	struct tg_intake_counts at_begin;
};

struct tg_sync_options;

struct tg_agent {
	const struct tg_config *config;
	const struct tg_registry *registry;
	const struct tg_host *host;
	struct tg_outbox box;
	struct tg_agent_source sources[CONFIG_TG_SOURCES_MAX];
	struct tg_forwarder forwarders[CONFIG_TG_SINKS_MAX];
	/* agent.c's */
	const struct tg_sync_options *options_;
	uint64_t progress_ms_, progress_mark_;
	uint64_t commit_retry_ms_, waited_ms_;
	bool must_commit_, stopping_;
	struct tg_why store_why_; /* err 0: the store is well */
};

struct tg_sync_options {
	uint64_t wait_ms; /* without progress: give up */
	void *context;
	/* After every turn; may be NULL. */
	void (*progress)(void *context, const struct tg_agent *agent, const struct tg_turn *turn);
	/* When a stream's pass has ended; may be NULL. */
	void (*stream)(void *context, const struct tg_stream_result *result);
};

/* What a sync came to. */
struct tg_sync_summary {
	uint64_t rows_read, changed, deleted, bytes_read;
	uint64_t delivered, set_aside;
	uint32_t streams_done, streams_failed;
	bool undelivered;         /* records are stored that a sink does not have yet        */
	bool stopped;             /* a signal ended it                                       */
	struct tg_why source_why; /* the first source that failed as a whole; err 0: none    */
	struct tg_why sink_why;   /* the first sink that would not take all                  */
	struct tg_why store_why;  /* the store could not be written, or is full              */
};

/* All that boot needs; each outlives the agent. */
struct tg_agent_parts {
	const struct tg_config *config;
	const struct tg_registry *registry;
	const struct tg_host *host;
	struct tg_arena *arena;
};

/* How much the agent carves at boot, drivers' buffers included. */
size_t tg_agent_memory_bytes(const struct tg_config *config);

/* Opens the store, starts the sinks, replays their receipts. Errors with a sentence. */
TG_CHECKED int tg_agent_boot(struct tg_agent *agent, const struct tg_agent_parts *parts,
			     struct tg_why *why);
/* One pass over every source, delivered as far as the sinks take it. */
void tg_agent_sync(struct tg_agent *agent, const struct tg_sync_options *options,
		   struct tg_sync_summary *summary);
void tg_agent_close(struct tg_agent *agent);

#endif
