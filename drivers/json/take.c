#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "drivers/json/node.h"
#include "platform/assert.h"
#include "platform/crypto.h"
#include "platform/file.h"

static const char *const kind_names[] = {
	[TG_JSON_NULL] = "null",     [TG_JSON_BOOL] = "a boolean", [TG_JSON_NUMBER] = "a number",
	[TG_JSON_STRING] = "a text", [TG_JSON_ARRAY] = "an array", [TG_JSON_OBJECT] = "an object",
};

/* The member, or NULL: then a required one has been reported. */
static const struct tg_json *take(const struct tg_json *object, const struct tg_json_rule *rule,
				  struct tg_problems *problems)
{
	const struct tg_json *value = tg_json_member(object, rule->name);

	if (value == NULL && rule->required)
		tg_problem(problems, object, rule->name, "is missing");
	return value;
}

static void wrong_kind(const struct tg_json *value, const char *wanted,
		       struct tg_problems *problems)
{
	tg_problem(problems, value, NULL, "must be %s, not %s", wanted,
		   kind_names[tg_json_kind(value)]);
}

/* A whole text that is a decimal integer, as the seed's flat file writes numbers. */
static bool text_is_int(const char *text, int64_t *out)
{
	char *end = NULL;

	if (!isdigit((unsigned char)text[0]) && text[0] != '-')
		return false;
	if (strlen(text) > 18)
		return false;
	*out = strtoll(text, &end, 10);
	return *end == '\0' && end != text;
}

void tg_json_take_int(const struct tg_json *object, const struct tg_json_rule *rule, int64_t *out,
		      struct tg_problems *problems)
{
	const struct tg_json *value = take(object, rule, problems);
	int64_t number = 0;

	if (value == NULL)
		return;
	if (tg_json_kind(value) == TG_JSON_STRING && rule->lenient) {
		if (!text_is_int(value->text_, &number)) {
			tg_problem(problems, value, NULL, "is not a whole number");
			return;
		}
	} else if (tg_json_kind(value) != TG_JSON_NUMBER) {
		wrong_kind(value, "a whole number", problems);
		return;
	} else if (!value->exact_) {
		tg_problem(problems, value, NULL, "is not a whole number of at most 2^53");
		return;
	} else {
		number = value->number_;
	}
	if (number < rule->min || number > rule->max)
		tg_problem(problems, value, NULL,
			   "%" PRId64 " is not allowed (%" PRId64 " to %" PRId64 ")", number,
			   rule->min, rule->max);
	else
		*out = number;
}

void tg_json_take_bool(const struct tg_json *object, const struct tg_json_rule *rule, bool *out,
		       struct tg_problems *problems)
{
	const struct tg_json *value = take(object, rule, problems);

	if (value == NULL)
		return;
	if (tg_json_kind(value) == TG_JSON_BOOL) {
		*out = value->true_;
		return;
	}
	if (tg_json_kind(value) != TG_JSON_STRING || !rule->lenient)
		wrong_kind(value, "true or false", problems);
	else if (strcasecmp(value->text_, "true") == 0)
		*out = true;
	else if (strcasecmp(value->text_, "false") == 0 || value->text_[0] == '\0')
		*out = false;
	else
		tg_problem(problems, value, NULL, "must be \"true\" or \"false\"");
}

/* A text on its way into the caller's buffer. */
struct taking {
	const struct tg_json *value;
	const struct tg_json_rule *rule;
	char *at;
	struct tg_problems *problems;
};

/* Checks the length and copies; says what is wrong without showing the text. */
static void copy_text(const struct taking *to, struct tg_view text)
{
	const struct tg_json_rule *rule = to->rule;
	int64_t bytes = (int64_t)text.bytes;
	int64_t room = (int64_t)rule->cap - 1;
	int64_t max = rule->max != 0 && rule->max < room ? rule->max : room;

	TG_ASSERT(rule->cap > 0);
	if (bytes < rule->min && rule->min == 1) {
		tg_problem(to->problems, to->value, NULL, "must not be empty");
	} else if (bytes < rule->min) {
		tg_problem(to->problems, to->value, NULL, "must have at least %" PRId64 " bytes",
			   rule->min);
	} else if (bytes > max) {
		tg_problem(to->problems, to->value, NULL, "is longer than %" PRId64 " bytes", max);
	} else {
		memmove(to->at, text.at, text.bytes); /* it may lie there already */
		to->at[text.bytes] = '\0';
	}
}

void tg_json_take_text(const struct tg_json *object, const struct tg_json_rule *rule, char *at,
		       struct tg_problems *problems)
{
	const struct tg_json *value = take(object, rule, problems);
	struct taking to = { .value = value, .rule = rule, .at = at, .problems = problems };

	if (value == NULL)
		return;
	if (tg_json_kind(value) != TG_JSON_STRING)
		wrong_kind(value, "a text", problems);
	else
		copy_text(&to, tg_view_str(value->text_));
}

/* --- secrets --- */

enum { SECRET_FILE_BYTES_MAX = 4096, SECRET_PATH_BYTES_MAX = 512 };

static void secret_from_file(const struct taking *to, const char *path)
{
	char own[SECRET_FILE_BYTES_MAX];
	/* A secret as long as a certificate has no room on the stack, and its buffer has some. */
	bool large = to->rule->cap > sizeof(own);
	char *text = large ? to->at : own;
	size_t bytes = 0;
	int rc = tg_file_read_whole(path, text, large ? to->rule->cap : sizeof(own), &bytes);

	if (rc != TG_OK) {
		to->at[0] = '\0';
		tg_problem(to->problems, to->value, NULL,
			   "the secret's file %s cannot be read (%s)", path, tg_err_name(rc));
		return;
	}
	if (bytes > 0 && text[bytes - 1] == '\n')
		bytes--;
	if (bytes > 0 && text[bytes - 1] == '\r')
		bytes--;
	if (memchr(text, '\0', bytes) == NULL) {
		copy_text(to, tg_view_of(text, bytes));
	} else {
		tg_problem(to->problems, to->value, NULL, "the secret's file %s holds a NUL byte",
			   path);
		to->at[0] = '\0';
	}
	tg_wipe(own, sizeof(own));
}

static void secret_from_credential(const struct taking *to, const char *name)
{
	char path[SECRET_PATH_BYTES_MAX];
	const char *folder = getenv("CREDENTIALS_DIRECTORY");

	if (folder == NULL)
		tg_problem(to->problems, to->value, NULL,
			   "$credential needs systemd's CREDENTIALS_DIRECTORY, which is not set");
	else if (strchr(name, '/') != NULL)
		tg_problem(to->problems, to->value, NULL, "a credential's name holds no slash");
	else if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
		tg_problem(to->problems, to->value, NULL, "the credential's path is too long");
	else
		secret_from_file(to, path);
}

static void secret_from_env(const struct taking *to, const char *name)
{
	const char *text = getenv(name);

	if (text == NULL)
		tg_problem(to->problems, to->value, NULL, "the environment variable %s is not set",
			   name);
	else
		copy_text(to, tg_view_str(text));
}

static void secret_from_object(const struct taking *to)
{
	const struct tg_json *way = tg_json_first(to->value);

	if (way == NULL || way->next_ != NULL || tg_json_kind(way) != TG_JSON_STRING)
		tg_problem(to->problems, to->value, NULL,
			   "must be a text, {\"$file\": PATH}, {\"$env\": NAME} or "
			   "{\"$credential\": NAME}");
	else if (strcmp(way->name_, "$file") == 0)
		secret_from_file(to, way->text_);
	else if (strcmp(way->name_, "$env") == 0)
		secret_from_env(to, way->text_);
	else if (strcmp(way->name_, "$credential") == 0)
		secret_from_credential(to, way->text_);
	else
		tg_problem(to->problems, to->value, way->name_,
			   "is not $file, $env or $credential");
}

void tg_json_take_secret(const struct tg_json *object, const struct tg_json_rule *rule, char *at,
			 struct tg_problems *problems)
{
	const struct tg_json *value = take(object, rule, problems);
	struct taking to = { .value = value, .rule = rule, .at = at, .problems = problems };

	if (value == NULL)
		return;
	if (tg_json_kind(value) == TG_JSON_STRING)
		copy_text(&to, tg_view_str(value->text_));
	else if (tg_json_kind(value) == TG_JSON_OBJECT)
		secret_from_object(&to);
	else
		wrong_kind(value, "a text or {\"$file\": PATH}", problems);
}

/* --- choices --- */

void tg_json_take_choice(const struct tg_json *object, const struct tg_json_rule *rule, int *out,
			 struct tg_problems *problems)
{
	const struct tg_json *value = take(object, rule, problems);
	char list[128] = "";
	struct tg_out text = { .at = (uint8_t *)list, .cap = sizeof(list) - 1 };

	TG_ASSERT(rule->choices != NULL);
	if (value == NULL)
		return;
	for (int i = 0; rule->choices[i] != NULL; i++) {
		if (tg_json_kind(value) == TG_JSON_STRING &&
		    strcmp(rule->choices[i], value->text_) == 0) {
			*out = i;
			return;
		}
		tg_out_str(&text, i == 0 ? "" : ", ");
		tg_out_str(&text, rule->choices[i]);
	}
	list[tg_out_filled(&text)] = '\0';
	tg_problem(problems, value, NULL, "must be one of: %s", list);
}
