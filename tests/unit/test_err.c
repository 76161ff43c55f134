#include "tests/check.h"

#include "platform/err.h"

TG_TEST(err_names_are_stable)
{
	TG_CHECK_STR(tg_err_name(0), "ok");
	TG_CHECK_STR(tg_err_name(7), "ok");
	TG_CHECK_STR(tg_err_name(TG_ERR_LOGIN_PASSWORD), "login_password");
	TG_CHECK_STR(tg_err_name(TG_ERR_STOPPED), "stopped");
	TG_CHECK_STR(tg_err_name(TG_ERR_STOPPED - 1), "unknown");
	TG_CHECK_STR(tg_err_name(INT32_MIN), "unknown");
}

TG_TEST(err_each_has_a_name_of_its_own)
{
	for (int err = 0; err >= TG_ERR_STOPPED; err--) {
		TG_CHECK(tg_err_name(err) != NULL);
		for (int other = err + 1; other <= 0; other++)
			TG_CHECK(strcmp(tg_err_name(err), tg_err_name(other)) != 0);
	}
}

TG_TEST(err_verdicts)
{
	TG_CHECK_INT(tg_err_verdict(TG_ERR_AGAIN), TG_VERDICT_WAIT);
	TG_CHECK_INT(tg_err_verdict(TG_ERR_FULL), TG_VERDICT_WAIT);
	TG_CHECK_INT(tg_err_verdict(TG_ERR_NOSPC), TG_VERDICT_RETRY);
	TG_CHECK_INT(tg_err_verdict(TG_ERR_RESET), TG_VERDICT_RETRY);
	TG_CHECK_INT(tg_err_verdict(TG_ERR_TARGET), TG_VERDICT_RETRY);
	TG_CHECK_INT(tg_err_verdict(TG_ERR_LIMIT), TG_VERDICT_SET_ASIDE);
	TG_CHECK_INT(tg_err_verdict(TG_ERR_CERT), TG_VERDICT_STOP);
	TG_CHECK_INT(tg_err_verdict(TG_ERR_LOGIN_USER), TG_VERDICT_STOP);
	TG_CHECK_INT(tg_err_verdict(-1000), TG_VERDICT_STOP);
}

TG_TEST(err_why_is_one_line_and_bounded)
{
	static char letters[2 * TG_WHY_BYTES_MAX];
	struct tg_why why;

	TG_CHECK_INT(tg_why_set(&why, TG_ERR_IO, "a\nb\t\"%s\"\x7f", "c\r"), TG_ERR_IO);
	TG_CHECK_STR(why.text, "a b \"c \" ");
	TG_CHECK_INT(why.err, TG_ERR_IO);
	TG_CHECK_INT(tg_why_set(NULL, TG_ERR_FULL, "%d", 1), TG_ERR_FULL);
	memset(letters, 'x', sizeof(letters) - 1);
	TG_CHECK_INT(tg_why_set(&why, TG_ERR_IO, "%s", letters), TG_ERR_IO);
	TG_CHECK_INT(strlen(why.text), TG_WHY_BYTES_MAX - 1);
}
