#include "drivers/raven/lead.h"

#include "platform/assert.h"

static void turn_to(struct tg_raven_lead *lead, uint64_t reach)
{
	lead->reach = reach;
	lead->first = 0;
	lead->repeats = 0;
}

void tg_raven_lead_page(struct tg_raven_lead *lead, uint64_t from)
{
	TG_ASSERT(lead->count == 0 && lead->rows > 0);
	turn_to(lead, from + lead->rows);
}

bool tg_raven_lead_row(struct tg_raven_lead *lead, uint64_t at, uint64_t etag)
{
	uint64_t end = etag + (at < lead->rows ? lead->rows - at : 1);

	if (lead->first == 0)
		lead->first = etag;
	if (end > lead->reach)
		lead->reach = end;
	if (etag <= lead->seen) {
		lead->repeats++;
		return true;
	}
	lead->seen = etag;
	return false;
}

uint64_t tg_raven_lead_next(const struct tg_raven_lead *lead)
{
	uint64_t next = lead->count == 0 ? 0 : lead->asked[lead->count - 1] + lead->rows;

	return next > lead->reach ? next : lead->reach;
}

void tg_raven_lead_ask(struct tg_raven_lead *lead, uint64_t etag)
{
	TG_ASSERT(lead->count < TG_RAVEN_AHEAD_MAX);
	lead->asked[lead->count++] = etag;
}

bool tg_raven_lead_turn(struct tg_raven_lead *lead)
{
	uint64_t from = lead->asked[0];

	if (lead->count == 0 || from > lead->reach)
		return false;
	lead->count--;
	for (uint32_t i = 0; i < lead->count; i++)
		lead->asked[i] = lead->asked[i + 1];
	turn_to(lead, from + lead->rows > lead->reach ? from + lead->rows : lead->reach);
	return true;
}

uint32_t tg_raven_lead_drop(struct tg_raven_lead *lead)
{
	uint32_t count = lead->count;

	lead->count = 0;
	return count;
}

/* A third more etags than rows, or a third of the rows for a second time, cost more than the wait
 * for a page. */
bool tg_raven_lead_is_dense(const struct tg_raven_lead *lead)
{
	return lead->first > 0 && lead->seen - lead->first <= lead->rows + lead->rows / 3 &&
	       lead->repeats <= lead->rows / 3;
}
