#include "drivers/raven/stats.h"

#include "drivers/json/scan.h"
#include "drivers/raven/meta.h"

struct tg_view tg_raven_stats_vector(const struct tg_raven_stats *stats)
{
	return tg_view_of(stats->vector, stats->vector_bytes);
}

static bool take_number(struct tg_view value, uint64_t *out)
{
	int64_t number;

	if (tg_json_integer(value, &number) != TG_OK || number < 0)
		return false;
	*out = (uint64_t)number;
	return true;
}

/* A counter that is not there is 0: some are left out by some versions. */
static uint64_t count_of(struct tg_view answer, const char *name)
{
	uint64_t count = 0;

	(void)take_number(tg_member_of(answer, name), &count);
	return count;
}

static bool take_id(struct tg_view value, struct tg_raven_stats *stats)
{
	if (value.bytes != TG_RAVEN_ID_TEXT_BYTES + 2)
		return false;
	memcpy(stats->id_text, value.at + 1, TG_RAVEN_ID_TEXT_BYTES);
	return tg_raven_id_bytes(tg_view_of(value.at + 1, TG_RAVEN_ID_TEXT_BYTES), stats->id) ==
	       TG_OK;
}

static void take_vector(struct tg_view value, struct tg_raven_stats *stats)
{
	int bytes = 0;

	if (value.bytes > 2)
		bytes = tg_json_unescape(value, stats->vector, sizeof(stats->vector));
	stats->vector_known = bytes >= 0;
	stats->vector_bytes = bytes < 0 ? 0 : (uint32_t)bytes;
}

static void take_place(struct tg_view metadata, struct tg_raven_stats *stats)
{
	int bytes = tg_json_unescape(tg_member_of(metadata, "NodeTag"), (uint8_t *)stats->tag,
				     sizeof(stats->tag) - 1);

	stats->tag[bytes < 0 ? 0 : bytes] = '\0';
	if (tg_raven_time(tg_member_of(metadata, "DateTime"), &stats->server_ms) != TG_OK)
		stats->server_ms = INT64_MIN;
}

int tg_raven_stats_read(struct tg_view answer, struct tg_raven_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	take_place(tg_member_of(answer, "@metadata"), stats);
	take_vector(tg_member_of(answer, "DatabaseChangeVector"), stats);
	stats->documents = count_of(answer, "CountOfDocuments");
	stats->conflicts = count_of(answer, "CountOfDocumentsConflicts");
	stats->attachments = count_of(answer, "CountOfAttachments");
	stats->counters = count_of(answer, "CountOfCounterEntries");
	stats->series = count_of(answer, "CountOfTimeSeriesSegments");
	if (!take_number(tg_member_of(answer, "LastDatabaseEtag"), &stats->last) &&
	    !take_number(tg_member_of(answer, "LastDocEtag"), &stats->last))
		return TG_ERR_PROTOCOL;
	return take_id(tg_member_of(answer, "DatabaseId"), stats) ? TG_OK : TG_ERR_PROTOCOL;
}
