#include "tests/fault/plan.h"

#include "tests/fault/unsynced.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct word {
	const char *name;
	int value;
};

static const struct word actions[] = {
	{ "fail", TG_FAULT_FAIL },
	{ "tear", TG_FAULT_TEAR },
	{ "exit", TG_FAULT_EXIT },
	{ "tearexit", TG_FAULT_TEAR_EXIT },
	{ "power", TG_FAULT_POWER },
	{ "tearpower", TG_FAULT_TEAR_POWER },
	{ NULL, 0 },
};

static const struct word errors[] = {
	{ "EIO", EIO },
	{ "ENOSPC", ENOSPC },
	{ "EINTR", EINTR },
	{ "EMFILE", EMFILE },
	{ "EACCES", EACCES },
	{ "EROFS", EROFS },
	{ "EDQUOT", EDQUOT },
	{ "ECONNRESET", ECONNRESET },
	{ "EPIPE", EPIPE },
	{ "ENETDOWN", ENETDOWN },
	{ "ETIMEDOUT", ETIMEDOUT },
	{ "ECONNREFUSED", ECONNREFUSED },
	{ "ENOMEM", ENOMEM },
	{ NULL, 0 },
};

static struct tg_fault_plan plan;
static pid_t owner;
static uint64_t calls_seen, random_state;
static FILE *trace;

static _Noreturn void refuse(const char *item)
{
	fprintf(stderr, "TG_FAULT: \"%s\" is not known; see tests/fault/plan.h\n", item);
	_exit(2);
}

static int word_of(const struct word *words, const char *name, const char *item)
{
	for (; words->name != NULL; words++)
		if (strcmp(words->name, name) == 0)
			return words->value;
	refuse(item);
}

static void keep(char *to, size_t cap, const char *value, const char *item)
{
	if ((size_t)snprintf(to, cap, "%s", value) >= cap)
		refuse(item);
}

static bool take_text(const char *name, const char *value, const char *item)
{
	if (strcmp(name, "calls") == 0)
		keep(plan.calls, sizeof(plan.calls), value, item);
	else if (strcmp(name, "nosync") == 0)
		keep(plan.nosync, sizeof(plan.nosync), value, item);
	else if (strcmp(name, "count") == 0)
		keep(plan.count_path, sizeof(plan.count_path), value, item);
	else if (strcmp(name, "trace") == 0)
		keep(plan.trace_path, sizeof(plan.trace_path), value, item);
	else if (strcmp(name, "do") == 0)
		plan.action = (enum tg_fault_action)word_of(actions, value, item);
	else if (strcmp(name, "errno") == 0)
		plan.error = word_of(errors, value, item);
	else
		return false;
	return true;
}

static void take(char *item)
{
	char *value = strchr(item, '='), *end;

	if (value == NULL)
		refuse(item);
	*value++ = '\0';
	if (take_text(item, value, item))
		return;
	uint64_t number = strtoull(value, &end, 10);
	if (*value == '\0' || *end != '\0')
		refuse(item);
	if (strcmp(item, "at") == 0)
		plan.at = number;
	else if (strcmp(item, "for") == 0)
		plan.span = number;
	else if (strcmp(item, "cut") == 0)
		plan.cut = number;
	else if (strcmp(item, "seed") == 0)
		plan.seed = number;
	else if (strcmp(item, "syncdelay") == 0)
		plan.sync_delay_ms = (unsigned)number;
	else
		refuse(item);
}

/* At exit: how far a walk has to go. A cut process says nothing. */
static void write_count(void)
{
	if (getpid() != owner)
		return;
	FILE *to = fopen(plan.count_path, "w");
	if (to == NULL || fprintf(to, "%llu\n", (unsigned long long)calls_seen) < 0 ||
	    fclose(to) != 0)
		fprintf(stderr, "TG_FAULT: %s cannot be written\n", plan.count_path);
}

static void cut_at_end(void)
{
	if (getpid() != owner)
		return;
	tg_unsynced_cut();
	_exit(TG_FAULT_POWER_CODE);
}

static void read_plan(void)
{
	static char text[2048];
	const char *asked = getenv("TG_FAULT");

	owner = getpid();
	plan.span = 1;
	keep(text, sizeof(text), asked == NULL ? "" : asked, "TG_FAULT");
	for (char *item = strtok(text, ","); item != NULL; item = strtok(NULL, ","))
		take(item);
	random_state = plan.seed * 0x9E3779B97F4A7C15u + 1;
	if (plan.trace_path[0] != '\0')
		trace = fopen(plan.trace_path, "we");
	if (plan.count_path[0] != '\0')
		atexit(write_count);
	if (plan.action == TG_FAULT_POWER && plan.at == 0)
		atexit(cut_at_end);
}

const struct tg_fault_plan *tg_fault_plan(void)
{
	static bool ready;

	if (!ready) {
		ready = true; /* first: what read_plan() opens comes back here */
		read_plan();
	}
	return &plan;
}

static bool counted(const char *call, bool net)
{
	size_t bytes = strlen(call);

	if (plan.calls[0] == '\0')
		return true;
	for (const char *at = plan.calls; *at != '\0'; at += strcspn(at, "+"), at += *at == '+') {
		size_t word = strcspn(at, "+");
		if (word == bytes && memcmp(at, call, word) == 0)
			return true;
		if (word == 4 && memcmp(at, "disk", word) == 0 && !net)
			return true;
		if (word == 3 && memcmp(at, "net", word) == 0 && net)
			return true;
	}
	return false;
}

enum tg_fault_action tg_fault_next(const char *call, bool net, const char *what)
{
	(void)tg_fault_plan();
	if (getpid() != owner || !counted(call, net))
		return TG_FAULT_NONE;
	calls_seen++;
	if (trace != NULL) {
		fprintf(trace, "%llu %s %s\n", (unsigned long long)calls_seen, call, what);
		fflush(trace);
	}
	bool cut = plan.cut != 0 && calls_seen == plan.cut;
	bool hit = plan.at != 0 && calls_seen >= plan.at && calls_seen < plan.at + plan.span;
	if (!cut && !hit)
		return TG_FAULT_NONE;
	fprintf(stderr, "TG_FAULT: call %llu, %s %s\n", (unsigned long long)calls_seen, call, what);
	return cut ? TG_FAULT_POWER : plan.action;
}

static int pick(const int *from, size_t count)
{
	return from[plan.seed % count];
}

int tg_fault_errno(const char *call, bool net)
{
	static const int disk[] = { EIO, ENOSPC }, wire[] = { ECONNRESET, EPIPE, ETIMEDOUT },
			 opening[] = { EMFILE, EIO, ENOSPC };

	if (plan.error != 0)
		return plan.error;
	if (strcmp(call, "connect") == 0)
		return ECONNREFUSED;
	if (strcmp(call, "poll") == 0)
		return EINTR;
	if (net)
		return pick(wire, sizeof(wire) / sizeof(wire[0]));
	if (strcmp(call, "open") == 0 || strcmp(call, "mkdir") == 0)
		return pick(opening, sizeof(opening) / sizeof(opening[0]));
	if (strcmp(call, "read") == 0 || strcmp(call, "pread") == 0 || strcmp(call, "close") == 0)
		return EIO;
	return pick(disk, sizeof(disk) / sizeof(disk[0]));
}

bool tg_fault_tracks(void)
{
	const struct tg_fault_plan *asked = tg_fault_plan();
	bool cuts = asked->cut != 0 || asked->action == TG_FAULT_POWER ||
		    asked->action == TG_FAULT_TEAR_POWER;

	return cuts && getpid() == owner;
}

uint64_t tg_fault_random(uint64_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % below;
}
