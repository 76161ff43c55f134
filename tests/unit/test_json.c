#include "drivers/json/json.h"

#include "app/arena.h"
#include "tests/check.h"

static max_align_t memory[4096];
static struct tg_arena arena;
static struct tg_why why;
static struct tg_problems problems;

static int parse(const char *text, const struct tg_json **out)
{
	tg_arena_init(&arena, memory, sizeof(memory));
	memset(&problems, 0, sizeof(problems));
	memset(&why, 0, sizeof(why));
	return tg_json_parse(tg_view_str(text), &arena, out, &why);
}

static const struct tg_json *parsed(const char *text)
{
	const struct tg_json *root = NULL;
	int rc = parse(text, &root);

	if (rc != TG_OK)
		TG_FAIL("%s: %s", text, why.text);
	return root;
}

static void refused(const char *text, const char *sentence)
{
	const struct tg_json *root = NULL;

	TG_CHECK_INT(parse(text, &root), TG_ERR_PROTOCOL);
	TG_CHECK(root == NULL);
	TG_CHECK_STR(why.text, sentence);
	TG_CHECK_INT(tg_arena_mark(&arena), 0);
}

TG_TEST(json_reads_a_tree)
{
	const struct tg_json *root =
		parsed(" {\"a\": [1, -2, \"\\u00e9x\", {\"b\": null}],\n\"c\": true}\n");
	const struct tg_json *a = tg_json_member(root, "a");
	const struct tg_json *i = tg_json_first(a);

	TG_CHECK_INT(tg_json_kind(a), TG_JSON_ARRAY);
	TG_CHECK_INT(tg_json_int(i), 1);
	i = tg_json_next(i);
	TG_CHECK_INT(tg_json_int(i), -2);
	i = tg_json_next(i);
	TG_CHECK_STR(tg_json_text(i), "\xc3\xa9x");
	i = tg_json_next(i);
	TG_CHECK_INT(tg_json_kind(tg_json_member(i, "b")), TG_JSON_NULL);
	TG_CHECK(tg_json_next(i) == NULL);
	TG_CHECK(tg_json_true(tg_json_member(root, "c")));
	TG_CHECK(tg_json_member(root, "C") == NULL);
	TG_CHECK(tg_json_member(a, "x") == NULL);
}

TG_TEST(json_reads_lone_values)
{
	TG_CHECK_INT(tg_json_int(parsed("42")), 42);
	TG_CHECK_STR(tg_json_text(parsed("\"x\"")), "x");
	TG_CHECK_INT(tg_json_kind(parsed("[]")), TG_JSON_ARRAY);
	TG_CHECK_INT(tg_json_int(parsed("9007199254740992")), INT64_C(9007199254740992));
	TG_CHECK_INT(tg_json_int(parsed("1e300")), 0);
	TG_CHECK_INT(tg_json_int(parsed("1.5")), 0);
}

TG_TEST(json_refuses_with_line_and_column)
{
	refused("", "line 1, column 1: the text ends before its value does");
	refused("{\n \"a\": 1,\n}", "line 3, column 1: this is not JSON");
	refused("{\"a\":1} x", "line 1, column 9: something follows the value");
	refused("{\"a\":", "line 1, column 6: the text ends before its value does");
	refused("{\"a\\u0000\":1}", "line 1, column 4: a string holds the character U+0000");
	refused("{\"b\":{\"a\":1,\"a\":2}}", "the member a is there twice");
}

TG_TEST(json_refuses_deep_nesting)
{
	char text[128] = "";
	const struct tg_json *root = NULL;

	for (int i = 0; i < 32; i++)
		strcat(text, "[");
	for (int i = 0; i < 32; i++)
		strcat(text, "]");
	TG_CHECK_INT(parse(text, &root), TG_OK);
	memset(text, 0, sizeof(text));
	memset(text, '[', 33);
	memset(text + 33, ']', 33);
	refused(text, "line 1, column 33: nested deeper than 32 levels");
}

TG_TEST(json_says_when_the_arena_is_too_small)
{
	const struct tg_json *root = NULL;

	for (size_t cap = 0; cap < 600; cap += 16) {
		tg_arena_init(&arena, memory, cap);
		int rc = tg_json_parse(tg_view_str("[1,{\"a\":\"text\"}]"), &arena, &root, &why);
		TG_CHECK(rc == TG_OK || rc == TG_ERR_LIMIT);
		TG_CHECK((rc == TG_OK) == (root != NULL));
		if (rc == TG_OK)
			return;
	}
	TG_FAIL("600 bytes did not suffice");
}

TG_TEST(json_take_int_checks_bounds_and_kinds)
{
	const struct tg_json *root = parsed(
		"{\"s\":[{\"port\":70000,\"a\":\"28015\",\"b\":\"x\",\"c\":1.5,\"d\":true}]}");
	const struct tg_json *s = tg_json_first(tg_json_member(root, "s"));
	struct tg_json_rule rule = { .name = "port", .min = 1, .max = 65535 };
	int64_t out = -1;

	tg_json_take_int(s, &rule, &out, &problems);
	TG_CHECK_STR(problems.text[0], "s[0].port: 70000 is not allowed (1 to 65535)");
	rule.name = "a";
	tg_json_take_int(s, &rule, &out, &problems);
	TG_CHECK_STR(problems.text[1], "s[0].a: must be a whole number, not a text");
	TG_CHECK_INT(out, -1);
	rule.lenient = true;
	tg_json_take_int(s, &rule, &out, &problems);
	TG_CHECK_INT(out, 28015);
	rule.name = "b";
	tg_json_take_int(s, &rule, &out, &problems);
	TG_CHECK_STR(problems.text[2], "s[0].b: is not a whole number");
	rule.name = "c";
	tg_json_take_int(s, &rule, &out, &problems);
	rule.name = "d";
	tg_json_take_int(s, &rule, &out, &problems);
	TG_CHECK_INT(problems.count, 5);
	rule.name = "gone";
	tg_json_take_int(s, &rule, &out, &problems);
	TG_CHECK_INT(problems.count, 5);
	rule.required = true;
	tg_json_take_int(s, &rule, &out, &problems);
	TG_CHECK_STR(problems.text[5], "s[0].gone: is missing");
}

TG_TEST(json_take_bool_and_text)
{
	const struct tg_json *root = parsed("{\"a\":\"True\",\"b\":\"\",\"c\":1,\"t\":\"hello\"}");
	struct tg_json_rule rule = { .name = "a", .lenient = true };
	bool out = false;
	char text[6] = "old";

	tg_json_take_bool(root, &rule, &out, &problems);
	TG_CHECK(out);
	rule.name = "b";
	tg_json_take_bool(root, &rule, &out, &problems);
	TG_CHECK(!out);
	rule.name = "c";
	tg_json_take_bool(root, &rule, &out, &problems);
	TG_CHECK_STR(problems.text[0], "c: must be true or false, not a number");
	rule = (struct tg_json_rule){ .name = "t", .min = 1 };
	rule.cap = 5;
	tg_json_take_text(root, &rule, text, &problems);
	TG_CHECK_STR(problems.text[1], "t: is longer than 4 bytes");
	TG_CHECK_STR(text, "old");
	rule.cap = sizeof(text);
	tg_json_take_text(root, &rule, text, &problems);
	TG_CHECK_STR(text, "hello");
	rule.name = "b";
	tg_json_take_text(root, &rule, text, &problems);
	TG_CHECK_STR(problems.text[2], "b: must not be empty");
}

TG_TEST(json_take_secret_three_ways)
{
	char path[] = "/tmp/tg_test_json_XXXXXX";
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");
	char text[256], secret[32] = "";
	struct tg_json_rule rule = { .name = "p" };

	fputs("s3cret\r\n", file);
	fclose(file);
	snprintf(text, sizeof(text), "{\"p\":{\"$file\":\"%s\"}}", path);
	rule.cap = sizeof(secret);
	tg_json_take_secret(parsed(text), &rule, secret, &problems);
	TG_CHECK_STR(secret, "s3cret");
	setenv("TG_TEST_SECRET", "from env", 1);
	tg_json_take_secret(parsed("{\"p\":{\"$env\":\"TG_TEST_SECRET\"}}"), &rule, secret,
			    &problems);
	TG_CHECK_STR(secret, "from env");
	setenv("CREDENTIALS_DIRECTORY", "/tmp", 1);
	snprintf(text, sizeof(text), "{\"p\":{\"$credential\":\"%s\"}}", path + 5);
	tg_json_take_secret(parsed(text), &rule, secret, &problems);
	TG_CHECK_STR(secret, "s3cret");
	remove(path);
	tg_json_take_secret(parsed(text), &rule, secret, &problems);
	TG_CHECK_INT(problems.count, 1);
	tg_json_take_secret(parsed("{\"p\":{\"$credential\":\"a/b\"}}"), &rule, secret, &problems);
	TG_CHECK_STR(problems.text[0], "p: a credential's name holds no slash");
	tg_json_take_secret(parsed("{\"p\":{\"$what\":\"b\"}}"), &rule, secret, &problems);
	TG_CHECK_STR(problems.text[0], "p.$what: is not $file, $env or $credential");
	tg_json_take_secret(parsed("{\"p\":\"a secret that is much too long for it\"}"), &rule,
			    secret, &problems);
	TG_CHECK_STR(problems.text[0], "p: is longer than 31 bytes");
}

TG_TEST(json_take_choice_lists_choices)
{
	static const char *const choices[] = { "stop", "fold", NULL };
	struct tg_json_rule rule = { .name = "when_full" };
	int out = 7;

	rule.choices = choices;
	tg_json_take_choice(parsed("{\"when_full\":\"fold\"}"), &rule, &out, &problems);
	TG_CHECK_INT(out, 1);
	tg_json_take_choice(parsed("{\"when_full\":\"drop\"}"), &rule, &out, &problems);
	TG_CHECK_STR(problems.text[0], "when_full: must be one of: stop, fold");
}

TG_TEST(json_only_suggests_the_nearest_name)
{
	static const char *const names[] = { "username", "password", NULL };

	tg_json_only(parsed("{\"user_name\":1,\"$comment\":2,\"zzzzzzzz\":3,\"password\":4}"),
		     names, &problems);
	TG_CHECK_INT(problems.count, 2);
	TG_CHECK_STR(problems.text[0], "user_name: unknown member; did you mean username?");
	TG_CHECK_STR(problems.text[1], "zzzzzzzz: unknown member");
}

TG_TEST(json_counts_problems_beyond_those_kept)
{
	const struct tg_json *root = parsed("{}");

	for (int i = 0; i < TG_PROBLEMS_MAX + 5; i++)
		tg_problem(&problems, root, NULL, "fault %d\n", i);
	TG_CHECK_INT(problems.count, TG_PROBLEMS_MAX + 5);
	TG_CHECK_STR(problems.text[31], "the configuration: fault 31 ");
	TG_CHECK_STR(problems.text[0], "the configuration: fault 0 ");
}
