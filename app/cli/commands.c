#include "app/cli/cli.h"

#define EXIT_NOTE "Exit codes: `tidegate help exit-codes`."

const struct tg_command tg_commands[] = {
	{ "check", NULL, TG_OPTS_PATH | TG_OPT_CONFIG_ONLY, TG_NEED_SOURCES, false,
	  "try everything a sync needs, and say of each what to do",
	  "Configuration, addresses, TLS, login, permissions, clock and disk: one line each. Reads "
	  "no\n"
	  "row and delivers nothing. " EXIT_NOTE,
	  tg_cmd_check },
	{ "discover", NULL, TG_OPTS_PATH | TG_OPT_JSON, TG_NEED_SOURCES, false,
	  "show tables, keys, column types and how each would be read",
	  "Types are inferred from a sample of rows. Where a mode cannot see every change, that is "
	  "said.",
	  tg_cmd_discover },
	{ "sync", NULL, TG_OPTS_PATH | TG_OPT_WAIT | TG_OPT_JSON, TG_NEED_ALL, false,
	  "read every table once, deliver all of it, and end",
	  "Unchanged rows are not sent again. It may be killed at any time: the next run goes on. "
	  "While a\n"
	  "sink is away the rows are stored, and the run ends with 4. With --json a summary is "
	  "written to\n"
	  "standard output at the end (to standard error when the rows go to standard "
	  "output).\n" EXIT_NOTE,
	  tg_cmd_sync },
	{ "resync", "STREAM", TG_OPTS_LOOK | TG_OPT_SINK, TG_NEED_STORE, false,
	  "have the next sync read a stream in full and send it again",
	  "STREAM is SOURCE/DATABASE/TABLE, as `tidegate status` lists it. Rows that a sink "
	  "already has\n"
	  "arrive once more, with new sequence numbers.",
	  tg_cmd_resync },
	{ "status", NULL, TG_OPTS_LOOK | TG_OPT_JSON, TG_NEED_STORE, false,
	  "show how far each stream is read and each sink is supplied",
	  "May be run while a sync runs.", tg_cmd_status },
	{ "outbox stat", NULL, TG_OPTS_LOOK | TG_OPT_JSON, TG_NEED_STORE, false,
	  "show how full the store is", "", tg_cmd_outbox_stat },
	{ "outbox list", "STREAM", TG_OPTS_LOOK | TG_OPT_ALL, TG_NEED_STORE, false,
	  "list what is stored and not yet delivered: sequence, operation, size",
	  "No row's content is shown: that is `outbox show`.", tg_cmd_outbox_list },
	{ "outbox show", "STREAM:SEQ", TG_OPTS_LOOK, TG_NEED_STORE, false,
	  "print one stored record, content and all",
	  "The record as its source wrote it, on standard output.", tg_cmd_outbox_show },
	{ "outbox verify", NULL, TG_OPTS_LOOK, TG_NEED_STORE, false,
	  "read the whole store and check every checksum", "", tg_cmd_outbox_verify },
	{ "quarantine list", NULL, TG_OPTS_LOOK | TG_OPT_JSON, TG_NEED_STORE, false,
	  "list the records that were set aside, and why", "", tg_cmd_quarantine_list },
	{ "quarantine replay", "ID", TG_OPTS_LOOK | TG_OPT_ALL, TG_NEED_STORE, false,
	  "have the next sync try a record that was set aside once more",
	  "A record that a newer version has overtaken is dropped instead of sent.",
	  tg_cmd_quarantine_replay },
	{ "quarantine discard", "ID", TG_OPTS_LOOK | TG_OPT_ALL, TG_NEED_STORE, false,
	  "drop a record that was set aside, for good", "", tg_cmd_quarantine_discard },
	{ "sink forget", "NAME", TG_OPTS_LOOK, TG_NEED_STORE, false,
	  "stop holding records for a sink that was taken out of the configuration", "",
	  tg_cmd_sink_forget },
	{ "budget", NULL, 0, TG_NEED_NOTHING, false, "show every pool of memory and their sum",
	  "The numbers are fixed when the program is built: Kconfig and board/.", tg_cmd_budget },
	{ "version", NULL, 0, TG_NEED_NOTHING, false, "show what was built", "", tg_cmd_version },
	{ "help", "COMMAND", 0, TG_NEED_NOTHING, false, "this list, or a command's page",
	  "`tidegate help exit-codes` lists the codes.", tg_cmd_help },
	{ "config-members", NULL, TG_OPT_CONFIG, TG_NEED_NOTHING, true,
	  "list the members that each object of a configuration may have",
	  "For the test that holds docs/tidegate.schema.json to the code.", tg_cmd_config_members },
	{ NULL, NULL, 0, TG_NEED_NOTHING, false, NULL, NULL, NULL },
};
