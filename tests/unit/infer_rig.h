/* infer_rig.h - the columns that a sample of rows gave. Included once by a test program. */
#ifndef TG_TESTS_INFER_RIG_H
#define TG_TESTS_INFER_RIG_H

#include "drivers/json/infer.h"
#include "tests/check.h"

static struct tg_infer infer;

static inline const struct tg_column_report *column(const char *name)
{
	for (uint32_t i = 0; i < infer.count; i++)
		if (tg_view_same(infer.reports[i].name, tg_view_str(name)))
			return &infer.reports[i];
	TG_FAIL("no column %s", name);
}

#endif
