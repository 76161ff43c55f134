/* json.h - configuration and control messages: a checked tree by cJSON, read by path.
 *
 * Only json.c includes cJSON.h. cJSON's memory comes from an arena that the caller hands in, so a
 * tree is dropped by rewinding it and nothing is allocated from the system. Before cJSON sees a
 * text, our own scanner has checked it (grammar, depth of at most 32, no trailing bytes, no
 * duplicate member names, no NUL in strings).
 *
 * Data never comes this way: cJSON's numbers are doubles. Integers are read from doubles that are
 * exact (|n| <= 2^53) or refused.
 *
 * Memory:  the arena. Thread: the loop's.
 */
#ifndef TG_DRIVERS_JSON_JSON_H
#define TG_DRIVERS_JSON_JSON_H

#include "platform/err.h"

struct tg_arena; /* app/arena.h */
struct tg_json;  /* one value of the tree; dies with the arena's rewind */

/* Parses `text` into `arena`. TG_ERR_PROTOCOL (with line and column in `why`), TG_ERR_LIMIT when
 * the arena is too small. */
TG_CHECKED int tg_json_parse(struct tg_view text, struct tg_arena *arena,
			     const struct tg_json **out, struct tg_why *why);

enum tg_json_kind {
	TG_JSON_NULL,
	TG_JSON_BOOL,
	TG_JSON_NUMBER,
	TG_JSON_STRING,
	TG_JSON_ARRAY,
	TG_JSON_OBJECT,
};
enum tg_json_kind tg_json_kind(const struct tg_json *value);
/* NULL when missing or when `object` is none. Names are compared with their case. */
const struct tg_json *tg_json_member(const struct tg_json *object, const char *name);
/* Children of an object or array in order; NULL at the end. `name` may be NULL. */
const struct tg_json *tg_json_first(const struct tg_json *parent);
const struct tg_json *tg_json_next(const struct tg_json *child);
const char *tg_json_name(const struct tg_json *child);
/* "" / 0 / false where the kind does not fit. */
const char *tg_json_text(const struct tg_json *value);
int64_t tg_json_int(const struct tg_json *value);
bool tg_json_true(const struct tg_json *value);

/* --- a configuration is read and checked at once: every fault is kept with its path --- */

enum { TG_PROBLEMS_MAX = 32, TG_PROBLEM_BYTES_MAX = 240 };
struct tg_problems {
	uint32_t count;         /* all found, also those beyond what is kept */
	struct tg_out *members; /* NULL, or where tg_json_only lists its names: "PATH: NAME ..." */
	/* "sources[0].port: 70000 is not a port (1 to 65535)" */
	char text[TG_PROBLEMS_MAX][TG_PROBLEM_BYTES_MAX];
};
/* `at` gives the path of the member; `member` may be NULL (the fault is `at` itself). */
void tg_problem(struct tg_problems *problems, const struct tg_json *at, const char *member,
		const char *fmt, ...) TG_PRINTF(4, 5);

/* One member's value with its rules. `lenient` takes numbers and booleans also as strings, as the
 * seed's flat file writes them ("28015", "true"). A missing optional member leaves `*out` as it is.
 */
struct tg_json_rule {
	const char *name;
	bool required;
	bool lenient;
	int64_t min, max;           /* integers: bounds; strings: bounds of their length in bytes */
	size_t cap;                 /* strings: the buffer's bytes, with the NUL */
	const char *const *choices; /* choices: NULL-terminated */
};
void tg_json_take_int(const struct tg_json *object, const struct tg_json_rule *rule, int64_t *out,
		      struct tg_problems *problems);
void tg_json_take_bool(const struct tg_json *object, const struct tg_json_rule *rule, bool *out,
		       struct tg_problems *problems);
/* Copies into `at`, which has rule->cap bytes (NUL-terminated). */
void tg_json_take_text(const struct tg_json *object, const struct tg_json_rule *rule, char *at,
		       struct tg_problems *problems);
/* A secret: a string, {"$file": path}, {"$env": name} or {"$credential": name} (systemd's
 * $CREDENTIALS_DIRECTORY). One trailing line end of a file is dropped. Never shown in a problem. */
void tg_json_take_secret(const struct tg_json *object, const struct tg_json_rule *rule, char *at,
			 struct tg_problems *problems);
/* The index of the string among rule->choices, or a problem that lists them. */
void tg_json_take_choice(const struct tg_json *object, const struct tg_json_rule *rule, int *out,
			 struct tg_problems *problems);
/* A problem for every member of `object` whose name is not in the NULL-terminated list (with the
 * nearest known name suggested); members starting with "$" (comments, "$schema") pass. */
void tg_json_only(const struct tg_json *object, const char *const *names,
		  struct tg_problems *problems);
/* The name that was probably meant: of the NULL-terminated list, at most three letters away; or
 * NULL. */
const char *tg_json_nearest(const char *name, const char *const *names);

#endif
