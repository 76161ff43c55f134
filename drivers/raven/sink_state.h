/* sink_state.h - a RavenDB sink's state, and the pieces that sink*.c share. Private to them.
 *
 *      deliver -> known? --yes--> SEND --201--------------------------------> taken
 *                   | no            | 409: another version of the marker
 *                   v               v
 *                 LOOK <------------+      (three times, then a pause)
 *                   | the marker says it is in -----------------------------> taken
 *                   `- it does not -> SEND
 */
#ifndef TG_DRIVERS_RAVEN_SINK_STATE_H
#define TG_DRIVERS_RAVEN_SINK_STATE_H

#include "drivers/http/client.h"
#include "drivers/raven/answer.h"
#include "drivers/raven/marker.h"
#include "drivers/raven/sink_frame.h"
#include "drivers/raven/sink_options.h"

enum tg_raven_sink_step {
	TG_RAVEN_SINK_REST,
	TG_RAVEN_SINK_LOOK, /* GET the marker  */
	TG_RAVEN_SINK_SEND, /* POST the batch  */
	TG_RAVEN_SINK_WHO,  /* check: whoami ... */
	TG_RAVEN_SINK_TRY,  /* ... an empty batch ... */
	TG_RAVEN_SINK_LIST, /* ... and a marker of this sink, whoever's it is */
};

/* Where the body under way stands. */
enum tg_raven_sink_piece {
	TG_RAVEN_PIECE_HEAD,
	TG_RAVEN_PIECE_RECORDS,
	TG_RAVEN_PIECE_TAIL,
	TG_RAVEN_PIECE_END,
	TG_RAVEN_PIECE_OVER,
};

enum { TG_RAVEN_RECEIPT_BYTES = 17, TG_RAVEN_AUTHORITY_BYTES = TG_NET_HOST_BYTES_MAX + 9 };

struct tg_raven_sink {
	struct tg_raven_sink_options options;
	struct tg_http_client client;
	struct tg_raven_frame frame;
	uint8_t *answer;
	struct tg_marker *markers; /* CONFIG_TG_STREAMS_MAX of them, one a stream met so far */
	uint32_t node;             /* the address in use */
	char authority[TG_RAVEN_AUTHORITY_BYTES];
	enum tg_raven_sink_step step;
	/* The delivery under way. */
	const struct tg_delivery *delivery;
	struct tg_marker *marker;
	struct tg_marker_next next;
	struct tg_marker_room room;
	unsigned tries;
	enum tg_raven_sink_piece piece;
	uint64_t piece_sent;
	uint8_t receipt[TG_RAVEN_RECEIPT_BYTES];
	uint64_t behind_since_ms; /* this or another address answers with an older marker; 0: no */
	/* Whether node `unsure_node` took the batch that begins with `unsure_first` is not known
	 * since then; 0: it is, or there is none. */
	uint64_t unsure_since_ms, unsure_first;
	uint32_t unsure_node, unsure_stream;
	/* check */
	uint32_t nodes_tried;
	char who[320];
};

/* --- sink_request.c: what goes out --- */

/* Takes the address number sink->node. */
void tg_raven_sink_address(struct tg_raven_sink *sink);
/* Begins the request of `step`. */
void tg_raven_sink_begin(struct tg_raven_sink *sink, enum tg_raven_sink_step step,
			 const struct tg_now *now);
struct tg_marker_of tg_raven_sink_marker_of(struct tg_raven_sink *sink);
/* Whether the request under way writes; the others ask. */
bool tg_raven_sink_writes(const struct tg_raven_sink *sink);

/* --- sink_judge.c: what came back --- */

/* The answer to LOOK or SEND: TG_OK, the batch is in; TG_ERR_AGAIN: the next request has begun; or
 * what went wrong. */
TG_CHECKED int tg_raven_sink_judge(struct tg_raven_sink *sink, const struct tg_now *now,
				   struct tg_outcome *outcome, struct tg_why *why);
/* Whether the marker, as far as it is known, vouches for the delivery under way. */
bool tg_raven_sink_is_in(const struct tg_raven_sink *sink);
/* No answer came. */
TG_CHECKED int tg_raven_sink_failed(struct tg_raven_sink *sink, int err, const struct tg_now *now);
/* What the server's refusal means to a sink, never TG_OK: a success that is none of those asked for
 * comes from another server. TG_ERR_BATCH only of what was sent. */
TG_CHECKED int tg_raven_sink_refused(struct tg_raven_sink *sink, struct tg_outcome *outcome,
				     struct tg_raven_judgement *judgement, struct tg_why *why);

/* --- sink_probe.c --- */
TG_CHECKED int tg_raven_sink_probe(void *state, const struct tg_now *now, struct tg_why *why);

#endif
