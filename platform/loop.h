/* loop.h - one poll a turn: each stage says what it waits for, then all wait together.
 *
 *      wants = {}  ->  every stage adds its sockets and its next moment  ->  tg_loop_wait()
 *
 * The list is rebuilt each turn (a handful of sockets), so no stage can leave a stale watch.
 *
 * Memory:  the struct itself.
 * Waits:   tg_loop_wait, nothing else.
 */
#ifndef TG_PLATFORM_LOOP_H
#define TG_PLATFORM_LOOP_H

#include "platform/clock.h"
#include "platform/view.h"

enum { TG_WANT_READ = 1, TG_WANT_WRITE = 2 };
enum { TG_WANTS_MAX = 64 };

struct tg_wants {
	struct {
		int fd;
		unsigned events; /* TG_WANT_READ | TG_WANT_WRITE */
	} items[TG_WANTS_MAX];
	unsigned count;
	uint64_t wake_mono_ms; /* the earliest moment anyone asked for; UINT64_MAX: none */
};

void tg_wants_clear(struct tg_wants *wants);
void tg_wants_fd(struct tg_wants *wants, int fd, unsigned events);
/* Asks to be stepped at `mono_ms` at the latest; 0 means: at once, do not sleep. */
void tg_wants_at(struct tg_wants *wants, uint64_t mono_ms);
/* How long poll() may sleep: -1 for ever, 0 not at all. */
int tg_wants_wait_ms(const struct tg_wants *wants, const struct tg_now *now);

/* Sleeps until a socket is ready, the moment comes or a signal arrives. Returns 0, or
 * TG_ERR_STOPPED once SIGINT or SIGTERM was received (it stays so). */
int tg_loop_wait(const struct tg_wants *wants, const struct tg_now *now);

/* Catches SIGINT and SIGTERM (ending the wait) and ignores SIGPIPE. Once, at boot. */
void tg_loop_signals(void);

/* True once SIGINT or SIGTERM was received. */
bool tg_loop_stopped(void);

/* For tg_loop_wait alone: becomes readable, and stays so, with the first signal; -1 before
 * tg_loop_signals(). */
int tg_loop_wake_fd(void);

#endif
