/* err.h - what the world may do to us, and what each of it means.
 *
 * A broken promise of our own code is TG_ASSERT. Everything the world may do is one of these: 0 is
 * done, positive is a count. Lower layers name what happened; only tg_err_verdict() says what to
 * do about it. A struct tg_why carries the operator's sentence up to where the verdict is taken.
 *
 * Thread:  any.
 */
#ifndef TG_PLATFORM_ERR_H
#define TG_PLATFORM_ERR_H

#include "platform/view.h"

enum tg_err {
	TG_OK = 0,
	TG_ERR_AGAIN = -1,           /* nothing now: wait for readiness or a timer               */
	TG_ERR_LIMIT = -2,           /* a size of ours (arena, pool, buffer) is too small for it  */
	TG_ERR_FULL = -3,            /* the store is at its byte cap: stop reading, a trim helps  */
	TG_ERR_NOSPC = -4,           /* the disk is full (ENOSPC, EDQUOT)                         */
	TG_ERR_IO = -5,              /* the disk failed (EIO, a short write)                      */
	TG_ERR_DAMAGED = -6,         /* bytes at rest fail their checksum or their format         */
	TG_ERR_NEWER = -7,           /* the store was written by a newer tidegate                 */
	TG_ERR_BUSY = -8,            /* another process holds the store                           */
	TG_ERR_CONFIG = -9,          /* the configuration is wrong                                */
	TG_ERR_ACCESS = -10,         /* the machine does not let us (EACCES, EPERM)               */
	TG_ERR_RESOLVE = -11,        /* the name has no address                                   */
	TG_ERR_CONNECT = -12,        /* refused, unreachable                                      */
	TG_ERR_TIMEOUT = -13,        /* a deadline passed in silence                              */
	TG_ERR_CLOSED = -14,         /* the peer ended the connection, orderly                    */
	TG_ERR_RESET = -15,          /* the connection broke                                      */
	TG_ERR_TLS = -16,            /* the TLS handshake or a record failed                      */
	TG_ERR_CERT = -17,           /* a certificate was refused: the peer's by us, ours by it   */
	TG_ERR_PEER_PLAIN = -18,     /* we spoke TLS, the peer does not                           */
	TG_ERR_PEER_TLS = -19,       /* we spoke plainly, the peer wants TLS                      */
	TG_ERR_PEER_OTHER = -20,     /* the port speaks another protocol (HTTP, a cluster port)   */
	TG_ERR_PEER_OLD = -21,       /* the peer is too old for our protocol version              */
	TG_ERR_PROTOCOL = -22,       /* the peer broke its own protocol                           */
	TG_ERR_LOGIN_USER = -23,     /* no such user                                              */
	TG_ERR_LOGIN_PASSWORD = -24, /* wrong password                                          */
	TG_ERR_LOGIN_EMPTY = -25,    /* no password given where one is needed                     */
	TG_ERR_PERMISSION = -26,     /* logged in, but this may not be read (or sent)             */
	TG_ERR_MISSING = -27,        /* no such database, table, index, document                  */
	TG_ERR_NOT_READY = -28,      /* it exists, but is not available now                       */
	TG_ERR_QUERY = -29,          /* the server refused or failed the query                    */
	TG_ERR_TARGET = -30,         /* the target is broken as a whole: 401, 404, 5xx, HTML ...  */
	TG_ERR_BATCH = -31,          /* the target refuses this batch: halve it                   */
	TG_ERR_SIGNATURE = -32,      /* the server could not prove that it knows the password     */
	TG_ERR_STOPPED = -33,        /* a signal asked us to stop                                 */
};

enum tg_verdict {
	TG_VERDICT_WAIT,      /* not now: no fault, ask again later                    */
	TG_VERDICT_RETRY,     /* back off, reconnect, try the same again               */
	TG_VERDICT_SET_ASIDE, /* this record is poison: keep it apart and go on        */
	TG_VERDICT_STOP,      /* an operator must act; what stays running asks rarely  */
};

/* What to do about `err`, the only place that says so. */
enum tg_verdict tg_err_verdict(int err);

/* The stable short name of `err` for log lines ("login_password"); never NULL. */
const char *tg_err_name(int err);

enum { TG_WHY_BYTES_MAX = 512 };

/* The operator's sentence: what happened, to what, what to do. Never a payload, never a secret. */
struct tg_why {
	int err;
	char text[TG_WHY_BYTES_MAX];
};

/* Fills `why` (which may be NULL) and returns `err`, so that a failing function ends with
 * `return tg_why_set(why, TG_ERR_X, "...")`. Control characters in the result become spaces. */
int tg_why_set(struct tg_why *why, int err, const char *fmt, ...) TG_PRINTF(3, 4);

#endif
