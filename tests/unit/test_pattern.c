#include "app/pattern.h"

#include "tests/check.h"

static bool match(const char *pattern, const char *text)
{
	return tg_pattern_match(pattern, tg_view_str(text));
}

TG_TEST(pattern_matches_all_of_a_text_or_nothing)
{
	TG_CHECK(match("readings", "readings"));
	TG_CHECK(!match("readings", "readings2"));
	TG_CHECK(!match("readings", "reading"));
	TG_CHECK(!match("readings", "Readings"));
	TG_CHECK(match("", ""));
	TG_CHECK(!match("", "a"));
	TG_CHECK(!match("?", ""));
}

TG_TEST(pattern_stars_take_any_run_and_slashes)
{
	TG_CHECK(match("*", ""));
	TG_CHECK(match("*", "rethinkdb/plant/readings"));
	TG_CHECK(match("rethinkdb/*/readings", "rethinkdb/plant/readings"));
	TG_CHECK(match("**a**b", "xxaxxb"));
	TG_CHECK(match("*ab*ab", "ababxab"));
	TG_CHECK(!match("*ab*ab", "abxa"));
	TG_CHECK(!match("a*b", "a"));
}

TG_TEST(pattern_question_mark_takes_one_character_not_one_byte)
{
	TG_CHECK(match("m?rz", "m\xc3\xa4rz"));
	TG_CHECK(!match("m??rz", "m\xc3\xa4rz"));
	TG_CHECK(!match("*??", "\xe2\x82\xac"));
	TG_CHECK(match("*?", "\xe2\x82\xac"));
	TG_CHECK(match("??", "ab"));
}

TG_TEST(pattern_many_stars_stay_affordable)
{
	char text[400];

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	TG_CHECK(!match("*a*a*a*a*a*a*a*a*a*a*a*a*b", text));
}

#define TAKES(list, text) tg_patterns_take(tg_view_of(list, sizeof(list)), tg_view_str(text))

TG_TEST(patterns_last_match_decides)
{
	TG_CHECK(TAKES("*\0!tmp_*\0tmp_keep", "readings"));
	TG_CHECK(!TAKES("*\0!tmp_*\0tmp_keep", "tmp_1"));
	TG_CHECK(TAKES("*\0!tmp_*\0tmp_keep", "tmp_keep"));
	TG_CHECK(!TAKES("*\0!*", "readings"));
}

TG_TEST(patterns_take_nothing_unasked_unless_they_begin_by_excluding)
{
	TG_CHECK(!TAKES("readings", "alarms"));
	TG_CHECK(TAKES("!tmp_*", "alarms"));
	TG_CHECK(!TAKES("!tmp_*", "tmp_1"));
	TG_CHECK(!tg_patterns_take(tg_view_of("", 0), tg_view_str("alarms")));
}
