#include "app/cli/args.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/cli/options.h"
#include "drivers/json/json.h"

const char *const tg_log_levels[] = { "error", "warning", "info", "debug", NULL };
const char *const tg_log_formats[] = { "text", "json", NULL };

int tg_args_choice(const char *const *list, const char *text)
{
	for (int i = 0; list[i] != NULL; i++)
		if (strcmp(list[i], text) == 0)
			return i;
	return -1;
}

/* --- the command --- */

enum { COMMANDS_MAX = 40 };

/* The command whose name the words begin with; `taken` says how many words that was. */
static const struct tg_command *find_command(int count, const char *const *words, int *taken)
{
	for (const struct tg_command *i = tg_commands; i->name != NULL; i++) {
		size_t first = strcspn(i->name, " ");
		bool two = i->name[first] == ' ';
		if (strlen(words[0]) != first || memcmp(i->name, words[0], first) != 0)
			continue;
		if (two && (count < 2 || strcmp(i->name + first + 1, words[1]) != 0))
			continue;
		*taken = two ? 2 : 1;
		return i;
	}
	return NULL;
}

static const char *nearest_command(const char *text)
{
	const char *names[COMMANDS_MAX + 1];
	size_t count = 0;

	for (const struct tg_command *i = tg_commands; i->name != NULL; i++)
		if (!i->hidden && count < COMMANDS_MAX)
			names[count++] = i->name;
	names[count] = NULL;
	return tg_json_nearest(text, names);
}

/* "outbox" alone, or "outbox lst": says which words go with it. */
static bool tell_second_words(const char *first, struct tg_why *why)
{
	char list[160];
	struct tg_out out = { .at = (uint8_t *)list, .cap = sizeof(list) - 1 };
	size_t bytes = strlen(first);

	for (const struct tg_command *i = tg_commands; i->name != NULL; i++) {
		if (strncmp(i->name, first, bytes) != 0 || i->name[bytes] != ' ')
			continue;
		tg_out_str(&out, out.total == 0 ? " " : ", ");
		tg_out_str(&out, i->name + bytes + 1);
	}
	list[tg_out_filled(&out)] = '\0';
	if (out.total == 0)
		return false;
	(void)tg_why_set(why, TG_ERR_CONFIG, "`tidegate %s` wants one of these behind it:%s", first,
			 list);
	return true;
}

static int unknown_command(const char *const *words, struct tg_why *why)
{
	const char *meant = nearest_command(words[0]);

	if (tell_second_words(words[0], why))
		return TG_ERR_CONFIG;
	if (meant != NULL)
		return tg_why_set(why, TG_ERR_CONFIG, "there is no command %s; did you mean %s?",
				  words[0], meant);
	return tg_why_set(why, TG_ERR_CONFIG, "there is no command %s; `tidegate help` lists them",
			  words[0]);
}

/* --- options --- */

static int take_seconds(uint32_t *out, const char *text, struct tg_why *why)
{
	char *end = NULL;
	unsigned long seconds = 0;

	if (isdigit((unsigned char)text[0]))
		seconds = strtoul(text, &end, 10);
	if (end == NULL || *end != '\0' || seconds == 0 || seconds > TG_WAIT_SECONDS_MAX)
		return tg_why_set(why, TG_ERR_CONFIG, "--wait takes seconds, 1 to %d, not %s",
				  TG_WAIT_SECONDS_MAX, text);
	*out = (uint32_t)seconds;
	return TG_OK;
}

static int take_choice(const char **out, const struct tg_option_row *option, const char *text,
		       struct tg_why *why)
{
	if (tg_args_choice(option->choices, text) < 0)
		return tg_why_set(why, TG_ERR_CONFIG, "%s takes %s, not %s", option->name,
				  option->value, text);
	*out = text;
	return TG_OK;
}

/* `text` is the value of an option that wants one. */
static int take_value(struct tg_args *args, const struct tg_option_row *option, const char *text,
		      struct tg_why *why)
{
	char *field = (char *)args + option->at;

	if (option->kind == TG_OPTION_SECONDS)
		return take_seconds((uint32_t *)(void *)field, text, why);
	if (option->kind == TG_OPTION_CHOICE)
		return take_choice((const char **)(void *)field, option, text, why);
	if (text[0] == '\0')
		return tg_why_set(why, TG_ERR_CONFIG, "%s wants a %s, not nothing", option->name,
				  option->value);
	*(const char **)(void *)field = text;
	return TG_OK;
}

static int unknown_option(const struct tg_args *args, const char *word, struct tg_why *why)
{
	const char *names[TG_OPTION_COUNT_MAX + 1];
	size_t count = 0;

	for (const struct tg_option_row *i = tg_options; i->name != NULL; i++)
		if ((i->bit & args->command->options) != 0 || i->bit == 0)
			names[count++] = i->name;
	names[count] = NULL;
	const char *meant = tg_json_nearest(word, names);
	if (meant != NULL)
		return tg_why_set(why, TG_ERR_CONFIG, "`tidegate %s` takes no %s; did you mean %s?",
				  args->command->name, word, meant);
	return tg_why_set(why, TG_ERR_CONFIG,
			  "`tidegate %s` takes no %s; `tidegate help %s` lists what it takes",
			  args->command->name, word, args->command->name);
}

/* The row of the option that `word` begins with, its value being behind `=` or the next word. */
static const struct tg_option_row *find_option(const struct tg_args *args, const char *word)
{
	size_t bytes = strcspn(word, "=");

	for (const struct tg_option_row *i = tg_options; i->name != NULL; i++)
		if (strlen(i->name) == bytes && memcmp(i->name, word, bytes) == 0 &&
		    (i->bit == 0 || (i->bit & args->command->options) != 0))
			return i;
	return NULL;
}

/* Takes words[0] and, if it wants one, its value. Returns how many words that was. */
static int take_word(struct tg_args *args, int count, const char *const *words, struct tg_why *why)
{
	const char *word = words[0], *value = strchr(word, '=');
	const struct tg_option_row *option = find_option(args, word);

	if (option == NULL)
		return unknown_option(args, word, why);
	if (option->kind == TG_OPTION_SWITCH) {
		if (value != NULL)
			return tg_why_set(why, TG_ERR_CONFIG, "%s takes no value", option->name);
		*(bool *)((char *)args + option->at) = true;
		return 1;
	}
	if (value == NULL && count < 2)
		return tg_why_set(why, TG_ERR_CONFIG, "%s wants a %s behind it", option->name,
				  option->value);
	int rc = take_value(args, option, value != NULL ? value + 1 : words[1], why);
	if (rc != TG_OK)
		return rc;
	return value != NULL ? 1 : 2;
}

/* --- what belongs together --- */

static int check_files(const struct tg_args *args, struct tg_why *why)
{
	const char *name = args->command->name;
	bool look = args->command->need == TG_NEED_STORE;
	bool flat = args->rethinkdb != NULL || args->ravendb != NULL;

	if (args->config != NULL && (flat || args->to != NULL))
		return tg_why_set(why, TG_ERR_CONFIG,
				  "--config stands alone: it names the source and the sinks");
	if (args->config != NULL || (look && args->store != NULL))
		return TG_OK;
	if (look)
		return tg_why_set(why, TG_ERR_CONFIG,
				  "`tidegate %s` wants --store DIR or --config FILE", name);
	if (!flat)
		return tg_why_set(why, TG_ERR_CONFIG,
				  "`tidegate %s` wants --config FILE, or --rethinkdb FILE and --to "
				  "TARGET, or --ravendb FILE and --to TARGET",
				  name);
	if (args->rethinkdb != NULL && args->ravendb != NULL)
		return tg_why_set(why, TG_ERR_CONFIG,
				  "either --rethinkdb or --ravendb: for both at once write a "
				  "configuration of two sources");
	if (args->to == NULL && args->command->need == TG_NEED_ALL)
		return tg_why_set(
			why, TG_ERR_CONFIG,
			"%s says where from; --to says where to: a folder, - or an address",
			args->ravendb != NULL ? "--ravendb" : "--rethinkdb");
	return TG_OK;
}

static int check_operand(const struct tg_args *args, struct tg_why *why)
{
	const struct tg_command *command = args->command;
	bool optional = (command->options & TG_OPT_ALL) != 0 || command->need == TG_NEED_NOTHING;

	if (args->all && args->operand != NULL)
		return tg_why_set(why, TG_ERR_CONFIG, "either %s or --all, not both",
				  args->operand);
	if (command->operand != NULL && args->operand == NULL && !args->all && !optional)
		return tg_why_set(why, TG_ERR_CONFIG, "`tidegate %s` wants a %s", command->name,
				  command->operand);
	if (command->operand != NULL && args->operand == NULL && !args->all &&
	    (command->options & TG_OPT_ALL) != 0)
		return tg_why_set(why, TG_ERR_CONFIG, "`tidegate %s` wants an %s, or --all",
				  command->name, command->operand);
	return TG_OK;
}

static int take_operand(struct tg_args *args, const char *word, struct tg_why *why)
{
	if (args->command->operand == NULL)
		return tg_why_set(why, TG_ERR_CONFIG, "`tidegate %s` takes no %s",
				  args->command->name, word);
	if (args->operand != NULL)
		return tg_why_set(why, TG_ERR_CONFIG, "`tidegate %s` takes one %s, not %s as well",
				  args->command->name, args->command->operand, word);
	args->operand = word;
	return TG_OK;
}

static int take_words(struct tg_args *args, int count, const char *const *words, struct tg_why *why)
{
	int at = 0;

	while (at < count) {
		const char *word = words[at];
		int rc = word[0] == '-' && word[1] != '\0'
				 ? take_word(args, count - at, words + at, why)
				 : take_operand(args, word, why);
		if (rc < 0)
			return rc;
		at += rc > 0 ? rc : 1;
	}
	return TG_OK;
}

int tg_args_parse(struct tg_args *args, int count, const char *const *words, struct tg_why *why)
{
	int taken = 0;

	*args = (struct tg_args){ .wait_s = TG_WAIT_SECONDS_DEFAULT };
	if (count == 0 || strcmp(words[0], "--help") == 0 || strcmp(words[0], "-h") == 0) {
		args->command = find_command(1, (const char *const[]){ "help" }, &taken);
		return TG_OK;
	}
	args->command = find_command(count, words, &taken);
	if (args->command == NULL)
		return unknown_command(words, why);
	int rc = take_words(args, count - taken, words + taken, why);
	if (rc == TG_OK && !args->help && args->command->need != TG_NEED_NOTHING)
		rc = check_files(args, why);
	if (rc == TG_OK && !args->help)
		rc = check_operand(args, why);
	return rc;
}
