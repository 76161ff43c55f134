/* answer.h - what an endpoint's answer means for a delivery. Pure. */
#ifndef TG_DRIVERS_HTTPS_ANSWER_H
#define TG_DRIVERS_HTTPS_ANSWER_H

#include "app/sink.h"
#include "drivers/http/response.h"

struct tg_https_context {
	const char *authority; /* "host:port", for sentences            */
	bool took_some;        /* this target accepted a batch before   */
	bool plain;            /* http, not https                       */
	int64_t wall_ms;
};

/* 0: taken. TG_ERR_BATCH, PERMISSION, NOT_READY, TARGET, PEER_TLS with a sentence. */
TG_CHECKED int tg_https_verdict(const struct tg_http_response *response,
				const struct tg_https_context *context, struct tg_why *why);

/* Reads the sequences between `first` and `last` that the body of a taken batch names as refused.
 * 0, or TG_ERR_BATCH when there are more than can be kept: halve the batch. A body that is no such
 * answer names none. */
TG_CHECKED int tg_https_refused(const struct tg_http_response *response,
				const struct tg_delivery *delivery, struct tg_outcome *outcome,
				struct tg_why *why);

#endif
