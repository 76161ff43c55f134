/* plan.h - what the environment's TG_FAULT asks of the wrapped system calls.
 *
 *      TG_FAULT="at=37,do=power,seed=5"     the 37th counted call: power goes
 *      TG_FAULT="count=FILE"                writes the number of counted calls to FILE at exit
 *
 * Counted are calls on regular files, folders and sockets, made by the process that was started,
 * not by its children; descriptors 0-2, /dev, /proc, /sys and pipes are never touched.
 *
 *      at=N          the N-th counted call, from 1; without it, power goes at the program's end
 *      for=M         and M - 1 more after it
 *      do=fail       the call is not made, `errno` says why
 *         tear       half is written, then as fail (a socket says how much it took)
 *         exit       the process ends before the call
 *         tearexit   half is written, then as exit
 *         power      as exit, and what is not synced is undone
 *         tearpower  half is written, then as power
 *      cut=N         besides, power goes before the N-th call (a sync that failed, then a cut)
 *      errno=NAME    default: one that fits the call, by `seed`
 *      calls=A+B     counts only these calls, or `disk`, or `net`
 *      seed=S        which errors, which sectors and names survive
 *      syncdelay=MS  every sync, O_DSYNC writes too, takes so much longer
 *      nosync=GLOB   a sync of a file whose path matches does nothing and says that it is done
 *      count=FILE    trace=FILE (each counted call, a line)
 *
 * A word that is not known ends the process: a test must not run without its fault.
 */
#ifndef TG_TESTS_FAULT_PLAN_H
#define TG_TESTS_FAULT_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tg_fault_action {
	TG_FAULT_NONE,
	TG_FAULT_FAIL,
	TG_FAULT_TEAR,
	TG_FAULT_EXIT,
	TG_FAULT_TEAR_EXIT,
	TG_FAULT_POWER,
	TG_FAULT_TEAR_POWER,
};

enum { TG_FAULT_EXIT_CODE = 86, TG_FAULT_POWER_CODE = 87 };

struct tg_fault_plan {
	uint64_t at, span, cut;
	enum tg_fault_action action;
	int error; /* 0: chosen by the call */
	uint64_t seed;
	unsigned sync_delay_ms;
	char calls[128], nosync[256], count_path[512], trace_path[512];
};

/* The plan, read from the environment at the first call. */
const struct tg_fault_plan *tg_fault_plan(void);
/* Counts one call and says what becomes of it. `net`: the descriptor is a socket. */
enum tg_fault_action tg_fault_next(const char *call, bool net, const char *what);
/* The errno for a failing `call`. */
int tg_fault_errno(const char *call, bool net);
/* Whether the power will go: only then is an undo log kept. */
bool tg_fault_tracks(void);
/* Evenly from 0 to `below` - 1, from the plan's seed. */
uint64_t tg_fault_random(uint64_t below);

#endif
