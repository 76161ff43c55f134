/* Goal: whatever a server refuses with is judged without harm, has a sentence, and a cut body never
 * reads beyond itself. Input: two bytes of status, then the body. */
#include "drivers/raven/answer.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tg_raven_judgement got;
	struct tg_why why = { .err = 1 };

	if (size < 2)
		return 0;
	struct tg_raven_refusal refusal = { .status = (unsigned)data[0] * 4 + (data[1] & 3),
					    .body = tg_view_of(data + 2, size - 2),
					    .database_missing = (data[1] & 4) != 0,
					    .secured = (data[1] & 8) != 0,
					    .peer = "peer",
					    .database = "db" };
	int err = tg_raven_judge(&refusal, &got, &why);
	must(err == got.err && (err == TG_OK) == (got.fault == TG_RAVEN_FAULT_NONE));
	must(err == TG_OK || why.err == err);
	err = tg_raven_judge_break(&refusal, refusal.body, &got, &why);
	must(err < 0 && why.err == err);
	return 0;
}
