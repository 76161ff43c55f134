/* config_rig.h - a source's part of a configuration as JSON, and the problems that were told of it.
 *
 * Included once by a test program.
 */
#ifndef TG_TESTS_CONFIG_RIG_H
#define TG_TESTS_CONFIG_RIG_H

#include "app/arena.h"
#include "drivers/json/json.h"
#include "tests/check.h"

static struct tg_problems problems;

/* Stays until the next call, which also clears `problems`. */
static inline const struct tg_json *parse(const char *text)
{
	static max_align_t memory[4096];
	struct tg_arena arena;
	const struct tg_json *root = NULL;
	struct tg_why why;

	memset(&problems, 0, sizeof(problems));
	tg_arena_init(&arena, memory, sizeof(memory));
	if (tg_json_parse(tg_view_str(text), &arena, &root, &why) != TG_OK)
		TG_FAIL("%s", why.text);
	return root;
}

#endif
