/* answer.h - what a RavenDB server's refusal means: its class, what to do, and the sentence.
 *
 *      status + "Type" of the body (its last part) + a header  ->  enum tg_raven_fault, err, pause
 *
 * The status alone says little: 500 is also "no such database", 503 both "disabled for days" and
 * "loading, ask again in a second". Bodies are kilobytes long, may be cut, and may be no JSON at
 * all (reference/ravendb.md 1.2, 1.4). Of a server's own words only the first line is told, and
 * only where it cannot hold a document.
 *
 * Pure.
 */
#ifndef TG_DRIVERS_RAVEN_ANSWER_H
#define TG_DRIVERS_RAVEN_ANSWER_H

#include "platform/err.h"

enum tg_raven_fault {
	TG_RAVEN_FAULT_NONE,           /* 2xx, 304                                               */
	TG_RAVEN_FAULT_ROUTE,          /* the server does not know the call                      */
	TG_RAVEN_FAULT_LICENSE,        /* 402                                                    */
	TG_RAVEN_FAULT_NO_CERTIFICATE, /* 403: none was sent ...                                 */
	TG_RAVEN_FAULT_UNKNOWN,        /* ... it is not registered ...                           */
	TG_RAVEN_FAULT_EXPIRED,        /* ... it is over, by the server's clock ...              */
	TG_RAVEN_FAULT_FORBIDDEN,      /* ... or does not have this right                        */
	TG_RAVEN_FAULT_MISSING,        /* 404: the document, the index                           */
	TG_RAVEN_FAULT_NO_DATABASE,    /* 500 by type, or 503 with Database-Missing              */
	TG_RAVEN_FAULT_TIMEOUT,        /* 408: what was written may be in                        */
	TG_RAVEN_FAULT_CONFLICT,       /* 409                                                    */
	TG_RAVEN_FAULT_ELSEWHERE,      /* 410, 425: another node has it                          */
	TG_RAVEN_FAULT_DISABLED,       /* 503: an operator switched the database off             */
	TG_RAVEN_FAULT_LOADING,        /* 503: the database is being loaded, or rests            */
	TG_RAVEN_FAULT_BUSY,           /* 429, 502, 503, 504: anything else that may pass        */
	TG_RAVEN_FAULT_QUERY,          /* 500: the query, id or parameter is refused             */
	TG_RAVEN_FAULT_SHARDED,        /* 500: not supported on a sharded database               */
	TG_RAVEN_FAULT_COLLECTION,     /* 500: a document's collection cannot change             */
	TG_RAVEN_FAULT_DATA,           /* 500: what was sent is no JSON that it takes            */
	TG_RAVEN_FAULT_SERVER,         /* 500 and the rest                                       */
	TG_RAVEN_FAULT_ALIEN,          /* nothing that RavenDB answers: another server, a portal */
};

enum { TG_RAVEN_TYPE_BYTES = 80 };

struct tg_raven_refusal {
	unsigned status;
	struct tg_view body;   /* its first bytes                     */
	bool database_missing; /* the header Database-Missing was there */
	bool secured;          /* the connection is TLS               */
	const char *peer;      /* for the sentence: "db.example:443"  */
	const char *database;
};

struct tg_raven_judgement {
	enum tg_raven_fault fault;
	int err;                        /* enum tg_err; TG_OK with NONE                        */
	uint32_t pause_ms;              /* not before then is it worth asking again            */
	bool other_node;                /* another node of the cluster may answer               */
	char type[TG_RAVEN_TYPE_BYTES]; /* the last part of "Type": "DatabaseDisabledException"; ""
					 */
};

/* Fills both; returns out->err. */
int tg_raven_judge(const struct tg_raven_refusal *refusal, struct tg_raven_judgement *out,
		   struct tg_why *why);

/* An answer that began well and broke off: `tail` is what stood at the break (tg_raven_page). */
int tg_raven_judge_break(const struct tg_raven_refusal *refusal, struct tg_view tail,
			 struct tg_raven_judgement *out, struct tg_why *why);

#endif
