/* args.h - the command line: one table of commands, one of options; help is made of the same two.
 *
 *      tidegate COMMAND [OPERAND] [--option [VALUE]]...
 *
 * Memory:  views onto argv. Thread: any.
 */
#ifndef TG_APP_CLI_ARGS_H
#define TG_APP_CLI_ARGS_H

#include "platform/err.h"

struct tg_cli;

/* Which options a command takes. */
enum tg_option {
	TG_OPT_CONFIG = 1,        /* --config FILE                    */
	TG_OPT_FLAT = 2,          /* --rethinkdb, --ravendb FILE      */
	TG_OPT_TO = 4,            /* --to TARGET                      */
	TG_OPT_STORE = 8,         /* --store DIR                      */
	TG_OPT_WAIT = 16,         /* --wait SECONDS                   */
	TG_OPT_JSON = 32,         /* --json                           */
	TG_OPT_LOG = 64,          /* --log-level, --log-format        */
	TG_OPT_CONFIG_ONLY = 128, /* --config-only                   */
	TG_OPT_SINK = 256,        /* --sink NAME                      */
	TG_OPT_ALL = 512,         /* --all: in place of the operand   */

	TG_OPTS_PATH = TG_OPT_CONFIG | TG_OPT_FLAT | TG_OPT_TO | TG_OPT_STORE | TG_OPT_LOG,
	TG_OPTS_LOOK = TG_OPT_CONFIG | TG_OPT_STORE | TG_OPT_LOG,
};

/* What a command needs before it runs; main.c sees to it. */
enum tg_need {
	TG_NEED_NOTHING,
	TG_NEED_STORE,   /* where the store lies                         */
	TG_NEED_SOURCES, /* the whole configuration; sinks may be missing */
	TG_NEED_ALL,     /* the whole configuration                      */
};

struct tg_command {
	const char *name;    /* one word or two: "outbox stat"         */
	const char *operand; /* "STREAM", or NULL                      */
	unsigned options;    /* enum tg_option                         */
	enum tg_need need;
	bool hidden;                    /* for the tests: not listed by help      */
	const char *summary;            /* one line                               */
	const char *detail;             /* what `help COMMAND` adds, or ""        */
	int (*run)(struct tg_cli *cli); /* returns the exit code       */
};

/* All commands; the last has a NULL name. */
extern const struct tg_command tg_commands[];

enum { TG_WAIT_SECONDS_DEFAULT = 60, TG_WAIT_SECONDS_MAX = 86400 };

struct tg_args {
	const struct tg_command *command;
	const char *operand;
	const char *config, *to, *store, *sink;
	const char *rethinkdb, *ravendb;    /* the flat file, at most one of them */
	const char *log_level, *log_format; /* NULL: as the configuration says */
	uint32_t wait_s;
	bool json, config_only, all, help;
};

/* TG_ERR_CONFIG with a sentence that names the nearest command or option. */
TG_CHECKED int tg_args_parse(struct tg_args *args, int count, const char *const *words,
			     struct tg_why *why);

/* The place of `text` in the NULL-terminated list, or -1. */
int tg_args_choice(const char *const *list, const char *text);
extern const char *const tg_log_levels[], *const tg_log_formats[];

/* The overview, or one command's page. */
void tg_help_overview(void);
void tg_help_command(const struct tg_command *command);

#endif
