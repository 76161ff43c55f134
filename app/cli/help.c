#include <stdio.h>

#include "app/cli/cli.h"
#include "app/cli/options.h"

static void print_usage(const struct tg_command *command)
{
	printf("usage: tidegate %s", command->name);
	if (command->operand != NULL)
		printf(command->need == TG_NEED_NOTHING ? " [%s]" : " %s", command->operand);
	if ((command->options & TG_OPT_ALL) != 0)
		printf("|--all");
	if ((command->options & TG_OPT_FLAT) != 0)
		printf(" --config FILE | --rethinkdb FILE --to TARGET | --ravendb FILE --to "
		       "TARGET");
	else if (command->need == TG_NEED_STORE)
		printf(" --store DIR | --config FILE");
	printf("%s\n\n", command->options != 0 ? " [options]" : "");
}

static void print_option(const struct tg_option_row *option)
{
	char left[64];

	snprintf(left, sizeof(left), "%s%s%s", option->name, option->value != NULL ? " " : "",
		 option->value != NULL ? option->value : "");
	if (strlen(left) > 20)
		printf("  %s\n  %-20s  %s\n", left, "", option->help);
	else
		printf("  %-20s  %s\n", left, option->help);
}

void tg_help_command(const struct tg_command *command)
{
	print_usage(command);
	printf("%s.\n", command->summary);
	if (command->detail[0] != '\0')
		printf("%s\n", command->detail);
	printf("\n");
	for (const struct tg_option_row *i = tg_options; i->name != NULL; i++)
		if (i->bit == 0 || (i->bit & command->options) != 0)
			print_option(i);
}

void tg_help_overview(void)
{
	printf("tidegate reads a database, keeps what it read, and forwards it when the link "
	       "allows.\n\n"
	       "usage: tidegate COMMAND [options]\n\n");
	for (const struct tg_command *i = tg_commands; i->name != NULL; i++)
		if (!i->hidden)
			printf("  %-19s %s\n", i->name, i->summary);
	printf("\nfirst steps:\n"
	       "  tidegate sync --rethinkdb configuration.json --to FOLDER\n"
	       "  tidegate sync --ravendb configuration.json --to FOLDER\n"
	       "  tidegate check --config tidegate.json\n"
	       "  tidegate help COMMAND\n");
}

static void print_exit_codes(void)
{
	printf("| code | what happened | what to do |\n| ---: | --- | --- |\n");
	for (const struct tg_exit_row *i = tg_exit_rows; i->meaning != NULL; i++)
		printf("| %d | %s | %s |\n", i->code, i->meaning, i->action);
}

/* "outbox" is a page too: those of all commands that begin so. */
static int print_pages(const char *name)
{
	size_t bytes = strlen(name);
	int count = 0;

	for (const struct tg_command *i = tg_commands; i->name != NULL; i++) {
		if (i->hidden || strncmp(i->name, name, bytes) != 0 ||
		    (i->name[bytes] != '\0' && i->name[bytes] != ' '))
			continue;
		if (count++ > 0)
			printf("\n");
		tg_help_command(i);
	}
	return count;
}

int tg_cmd_help(struct tg_cli *cli)
{
	const char *name = cli->args.operand;

	if (name == NULL) {
		tg_help_overview();
	} else if (strcmp(name, "exit-codes") == 0) {
		print_exit_codes();
	} else if (print_pages(name) == 0) {
		fprintf(stderr, "tidegate: there is no command %s; `tidegate help` lists them\n",
			name);
		return TG_EXIT_USAGE;
	}
	return tg_cli_done(TG_EXIT_OK);
}
