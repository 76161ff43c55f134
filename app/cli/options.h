/* options.h - the table of options. */
#ifndef TG_APP_CLI_OPTIONS_H
#define TG_APP_CLI_OPTIONS_H

#include "app/cli/args.h"

enum tg_option_kind {
	TG_OPTION_SWITCH,  /* bool         */
	TG_OPTION_TEXT,    /* const char * */
	TG_OPTION_CHOICE,  /* const char * */
	TG_OPTION_SECONDS, /* uint32_t     */
};

struct tg_option_row {
	const char *name;  /* "--store"                             */
	const char *value; /* "DIR"; NULL: a switch                 */
	unsigned bit;      /* enum tg_option; 0: every command      */
	enum tg_option_kind kind;
	size_t at; /* where in struct tg_args               */
	const char *const *choices;
	const char *help;
};

enum { TG_OPTION_COUNT_MAX = 16 };

/* The last has a NULL name. */
extern const struct tg_option_row tg_options[];

#endif
