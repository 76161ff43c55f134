#include "app/cli/exit.h"

#include "tests/check.h"

static const struct tg_exit_row *row_of(int code)
{
	for (const struct tg_exit_row *i = tg_exit_rows; i->meaning != NULL; i++)
		if (i->code == code)
			return i;
	return NULL;
}

TG_TEST(exit_every_error_of_every_origin_has_a_row)
{
	for (int origin = TG_ORIGIN_SELF; origin <= TG_ORIGIN_SINK; origin++)
		for (int err = TG_ERR_AGAIN; err >= TG_ERR_STOPPED; err--) {
			int code = tg_exit_code((enum tg_origin)origin, err);
			TG_CHECK(code != 0);
			TG_CHECK(row_of(code) != NULL);
			if (code >= 10 && code < 20)
				TG_CHECK_INT(origin, TG_ORIGIN_SOURCE);
			if (code >= 20)
				TG_CHECK_INT(origin, TG_ORIGIN_SINK);
		}
	TG_CHECK_INT(tg_exit_code(TG_ORIGIN_SOURCE, TG_OK), 0);
}

TG_TEST(exit_every_row_can_happen)
{
	bool seen[30] = { [0] = true, [TG_EXIT_PARTIAL] = true, [TG_EXIT_UNDELIVERED] = true };

	for (int origin = TG_ORIGIN_SELF; origin <= TG_ORIGIN_SINK; origin++)
		for (int err = TG_ERR_AGAIN; err >= TG_ERR_STOPPED; err--)
			seen[tg_exit_code((enum tg_origin)origin, err)] = true;
	for (const struct tg_exit_row *i = tg_exit_rows; i->meaning != NULL; i++)
		if (!seen[i->code])
			TG_FAIL("code %d is never used", i->code);
}

TG_TEST(exit_codes_rise_and_are_unique)
{
	for (const struct tg_exit_row *i = tg_exit_rows; i[1].meaning != NULL; i++)
		TG_CHECK(i[0].code < i[1].code);
}

TG_TEST(exit_operators_codes_are_as_agreed)
{
	static const struct {
		enum tg_origin origin;
		int err, code;
	} agreed[] = {
		{ TG_ORIGIN_STORE, TG_ERR_BUSY, 5 },
		{ TG_ORIGIN_STORE, TG_ERR_NEWER, 5 },
		{ TG_ORIGIN_STORE, TG_ERR_NOSPC, 6 },
		{ TG_ORIGIN_SOURCE, TG_ERR_MISSING, 2 },
		{ TG_ORIGIN_SOURCE, TG_ERR_CONNECT, 10 },
		{ TG_ORIGIN_SOURCE, TG_ERR_TIMEOUT, 11 },
		{ TG_ORIGIN_SOURCE, TG_ERR_CERT, 12 },
		{ TG_ORIGIN_SOURCE, TG_ERR_PEER_PLAIN, 13 },
		{ TG_ORIGIN_SOURCE, TG_ERR_PEER_TLS, 14 },
		{ TG_ORIGIN_SOURCE, TG_ERR_PEER_OTHER, 15 },
		{ TG_ORIGIN_SOURCE, TG_ERR_PEER_OLD, 16 },
		{ TG_ORIGIN_SOURCE, TG_ERR_LOGIN_USER, 17 },
		{ TG_ORIGIN_SOURCE, TG_ERR_LOGIN_PASSWORD, 18 },
		{ TG_ORIGIN_SOURCE, TG_ERR_SIGNATURE, 18 },
		{ TG_ORIGIN_SOURCE, TG_ERR_PERMISSION, 18 },
		{ TG_ORIGIN_SOURCE, TG_ERR_LOGIN_EMPTY, 19 },
		{ TG_ORIGIN_SINK, TG_ERR_CONNECT, 20 },
		{ TG_ORIGIN_SINK, TG_ERR_TIMEOUT, 21 },
		{ TG_ORIGIN_SINK, TG_ERR_CERT, 22 },
		{ TG_ORIGIN_SINK, TG_ERR_PERMISSION, 23 },
		{ TG_ORIGIN_SINK, TG_ERR_TARGET, 24 },
		{ TG_ORIGIN_SINK, TG_ERR_NOT_READY, 25 },
		{ TG_ORIGIN_SINK, TG_ERR_BATCH, 26 },
		{ TG_ORIGIN_SINK, TG_ERR_NOSPC, 27 },
		{ TG_ORIGIN_SINK, TG_ERR_ACCESS, 28 },
		{ TG_ORIGIN_SINK, TG_ERR_PROTOCOL, 29 },
	};

	for (size_t i = 0; i < sizeof(agreed) / sizeof(agreed[0]); i++)
		TG_CHECK_INT(tg_exit_code(agreed[i].origin, agreed[i].err), agreed[i].code);
}
