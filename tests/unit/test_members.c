#include "drivers/json/scan.h"

#include "tests/check.h"

/* Writes the members of `text` as name=value; name=value; so that one string compares them. */
static const char *walk(struct tg_view text)
{
	static char at[4096];
	struct tg_members members;
	struct tg_view name, value;
	int used = 0;

	at[0] = 0;
	if (!tg_members_start(&members, text))
		return "none";
	while (tg_members_next(&members, &name, &value))
		used += snprintf(at + used, sizeof(at) - (size_t)used, "%.*s=%.*s;",
				 (int)name.bytes, (const char *)name.at, (int)value.bytes,
				 (const char *)value.at);
	return at;
}

static const char *walk_str(const char *text)
{
	return walk(tg_view_str(text));
}

TG_TEST(members_come_one_by_one)
{
	TG_CHECK_STR(walk_str("{}"), "");
	TG_CHECK_STR(walk_str("[ ]"), "");
	TG_CHECK_STR(walk_str("{\"a\":1}"), "a=1;");
	TG_CHECK_STR(walk_str("{ \"a\" : 1 , \"b\" :\n[ ] }"), "a=1;b=[ ];");
	TG_CHECK_STR(walk_str("{\"a\\\"b\":\"x\\\\\",\"\":{\"c\":[1,{\"d\":\"]}\"}]},\"e\":null}"),
		     "a\\\"b=\"x\\\\\";={\"c\":[1,{\"d\":\"]}\"}]};e=null;");
	TG_CHECK_STR(walk_str("[1,-2.5e3,true,\"x,y\",[[],[2]],{}]"),
		     "=1;=-2.5e3;=true;=\"x,y\";=[[],[2]];={};");
	TG_CHECK_STR(walk_str("{\"caf\xc3\xa9\":\"\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\"}"),
		     "caf\xc3\xa9=\"\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\";");
}

TG_TEST(members_of_scalars_and_of_nothing_are_none)
{
	TG_CHECK_STR(walk_str("12"), "none");
	TG_CHECK_STR(walk_str("\"[1]\""), "none");
	TG_CHECK_STR(walk_str(""), "none");
	TG_CHECK_STR(walk_str("{"), "none");
}

TG_TEST(members_stop_at_what_is_broken)
{
	TG_CHECK_STR(walk_str("{\"a\":1,b:2}"), "a=1;");
	TG_CHECK_STR(walk_str("{\"a\":1,\"b\"2}"), "a=1;");
	TG_CHECK_STR(walk_str("{\"a\":1,\"b\":}"), "a=1;");
	TG_CHECK_STR(walk_str("[1,[2,3"), "=1;");
	TG_CHECK_STR(walk_str("[1,\"abc\\"), "=1;");
	TG_CHECK_STR(walk_str("[1 2]"), "=1;");
}

/* Every prefix of a text, at the end of its memory, so that the sanitizer sees a byte too many. */
TG_TEST(members_never_read_beyond_the_view)
{
	static const char text[] =
		"{\"abcdefgh\":\"a\\u0041\\\\\",\"n\":[{\"x\":\"]\"},12],\"t\":true}";
	static uint8_t memory[sizeof(text)];

	for (size_t bytes = 0; bytes < sizeof(text); bytes++) {
		uint8_t *at = memory + sizeof(memory) - bytes;
		memcpy(at, text, bytes);
		TG_CHECK(strlen(walk(tg_view_of(at, bytes))) < 100);
	}
}

TG_TEST(member_of_finds_by_name)
{
	struct tg_view object = tg_view_str("{\"t\":3,\"r\":[{\"t\":9}],\"n\":[ 1 ]}");
	struct tg_view r = tg_member_of(object, "r"), n = tg_member_of(object, "n");

	TG_CHECK_BYTES(r.at, r.bytes, "[{\"t\":9}]", 9);
	TG_CHECK_BYTES(n.at, n.bytes, "[ 1 ]", 5);
	TG_CHECK_INT(tg_member_of(object, "x").bytes, 0);
	TG_CHECK_INT(tg_member_of(tg_view_str("[1,2]"), "").bytes, 0);
}
