#include "app/cli/options.h"

#define AT(field) offsetof(struct tg_args, field)

const struct tg_option_row tg_options[] = {
	{ "--config", "FILE", TG_OPT_CONFIG, TG_OPTION_TEXT, AT(config), NULL,
	  "tidegate.json; docs/configuration.md describes it" },
	{ "--rethinkdb", "FILE", TG_OPT_FLAT, TG_OPTION_TEXT, AT(rethinkdb), NULL,
	  "the flat configuration.json of host, port, database ..." },
	{ "--ravendb", "FILE", TG_OPT_FLAT, TG_OPTION_TEXT, AT(ravendb), NULL,
	  "the flat configuration.json of ravendb_urls, database_name ..." },
	{ "--to", "TARGET", TG_OPT_TO, TG_OPTION_TEXT, AT(to), NULL,
	  "with --rethinkdb or --ravendb: a folder, - for standard output, or https://..." },
	{ "--store", "DIR", TG_OPT_STORE, TG_OPTION_TEXT, AT(store), NULL,
	  "the store's folder, whatever the file says (with --to: TARGET/.tidegate)" },
	{ "--sink", "NAME", TG_OPT_SINK, TG_OPTION_TEXT, AT(sink), NULL, "for this sink alone" },
	{ "--wait", "SECONDS", TG_OPT_WAIT, TG_OPTION_SECONDS, AT(wait_s), NULL,
	  "how long to try a sink without progress before giving up (60)" },
	{ "--all", NULL, TG_OPT_ALL, TG_OPTION_SWITCH, AT(all), NULL, "every item" },
	{ "--json", NULL, TG_OPT_JSON, TG_OPTION_SWITCH, AT(json), NULL,
	  "one JSON object instead of text" },
	{ "--config-only", NULL, TG_OPT_CONFIG_ONLY, TG_OPTION_SWITCH, AT(config_only), NULL,
	  "check the file and touch nothing else" },
	{ "--log-level", "error|warning|info|debug", TG_OPT_LOG, TG_OPTION_CHOICE, AT(log_level),
	  tg_log_levels, "what is logged to standard error" },
	{ "--log-format", "text|json", TG_OPT_LOG, TG_OPTION_CHOICE, AT(log_format), tg_log_formats,
	  "how it is logged" },
	{ "--help", NULL, 0, TG_OPTION_SWITCH, AT(help), NULL, "this page" },
	{ NULL, NULL, 0, TG_OPTION_SWITCH, 0, NULL, NULL },
};
