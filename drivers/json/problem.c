#include <stdarg.h>
#include <stdio.h>

#include "drivers/json/node.h"

static void put_step(struct tg_out *out, const struct tg_json *node)
{
	char index[16];

	if (node->name_ != NULL) {
		if (out->total > 0)
			tg_out_byte(out, '.');
		tg_out_str(out, node->name_);
		return;
	}
	snprintf(index, sizeof(index), "[%u]", node->index_);
	tg_out_str(out, index);
}

void tg_json_path(const struct tg_json *at, const char *member, char *text, size_t cap)
{
	const struct tg_json *steps[TG_JSON_LEVELS_MAX + 1];
	unsigned count = 0;
	struct tg_out out = { .at = (uint8_t *)text, .cap = cap - 1 };

	for (; at != NULL && at->parent_ != NULL && count <= TG_JSON_LEVELS_MAX; at = at->parent_)
		steps[count++] = at;
	while (count > 0)
		put_step(&out, steps[--count]);
	if (member != NULL && out.total > 0)
		tg_out_byte(&out, '.');
	if (member != NULL)
		tg_out_str(&out, member);
	if (out.total == 0)
		tg_out_str(&out, "the configuration");
	text[tg_out_filled(&out)] = '\0';
}

/* Control characters of a foreign name must not reach a terminal. */
static void blank_controls(char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = ' ';
}

void tg_problem(struct tg_problems *problems, const struct tg_json *at, const char *member,
		const char *fmt, ...)
{
	char *text = problems->text[problems->count < TG_PROBLEMS_MAX ? problems->count : 0];
	va_list args;

	if (problems->count++ >= TG_PROBLEMS_MAX)
		return;
	tg_json_path(at, member, text, TG_PROBLEM_BYTES_MAX / 2);
	size_t used = strlen(text);
	text[used++] = ':';
	text[used++] = ' ';
	va_start(args, fmt);
	vsnprintf(text + used, TG_PROBLEM_BYTES_MAX - used, fmt, args);
	va_end(args);
	blank_controls(text);
}

/* --- which known name was meant --- */

enum { NAME_BYTES_MAX = 40 };

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* How many letters must be added, dropped or changed (Levenshtein). */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[NAME_BYTES_MAX + 1];
	size_t columns = strlen(b);

	for (unsigned j = 0; j <= columns; j++)
		row[j] = j;
	for (unsigned i = 1; a[i - 1] != '\0'; i++) {
		unsigned diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= columns; j++) {
			unsigned above = row[j];
			unsigned changed = diagonal + (a[i - 1] != b[j - 1]);
			row[j] = least(above + 1, row[j - 1] + 1, changed);
			diagonal = above;
		}
	}
	return row[columns];
}

const char *tg_json_nearest(const char *name, const char *const *names)
{
	const char *best = NULL;
	unsigned best_distance = 4;

	if (strlen(name) > NAME_BYTES_MAX)
		return NULL;
	for (; *names != NULL; names++) {
		if (strlen(*names) > NAME_BYTES_MAX)
			continue;
		unsigned far = distance(name, *names);
		if (far < best_distance && far < strlen(*names)) {
			best = *names;
			best_distance = far;
		}
	}
	return best;
}

static bool is_known(const char *name, const char *const *names)
{
	for (; *names != NULL; names++)
		if (strcmp(name, *names) == 0)
			return true;
	return name[0] == '$';
}

/* One line: the object's path, then every name. */
static void list_members(const struct tg_json *object, const char *const *names,
			 struct tg_out *members)
{
	char path[TG_PROBLEM_BYTES_MAX];

	tg_json_path(object, NULL, path, sizeof(path));
	tg_out_str(members, path);
	tg_out_byte(members, ':');
	for (; *names != NULL; names++) {
		tg_out_byte(members, ' ');
		tg_out_str(members, *names);
	}
	tg_out_byte(members, '\n');
}

void tg_json_only(const struct tg_json *object, const char *const *names,
		  struct tg_problems *problems)
{
	if (problems->members != NULL)
		list_members(object, names, problems->members);
	for (const struct tg_json *i = tg_json_first(object); i != NULL; i = i->next_) {
		if (i->name_ == NULL || is_known(i->name_, names))
			continue;
		const char *meant = tg_json_nearest(i->name_, names);
		if (meant != NULL)
			tg_problem(problems, object, i->name_, "unknown member; did you mean %s?",
				   meant);
		else
			tg_problem(problems, object, i->name_, "unknown member");
	}
}
