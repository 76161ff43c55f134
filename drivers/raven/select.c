/* select.c - which documents of a walk are the present collection's, and which are handed over. */
#include "drivers/json/scan.h"
#include "drivers/raven/echo.h"
#include "drivers/raven/state.h"

static bool is_ours(const struct tg_raven *source, struct tg_view collection)
{
	struct tg_view name = tg_raven_name(source);
	uint8_t plain[512];

	if (collection.bytes == 0)
		return tg_raven_name_same(name, tg_view_str("@empty"));
	if (collection.bytes == name.bytes + 2 &&
	    memcmp(collection.at + 1, name.at, name.bytes) == 0)
		return true;
	int bytes = tg_json_unescape(collection, plain, sizeof(plain));
	return bytes >= 0 && tg_raven_name_same(name, tg_view_of(plain, (size_t)bytes));
}

bool tg_raven_is_ours(struct tg_raven *source, struct tg_view collection)
{
	bool ours = is_ours(source, collection);

	if (!ours)
		tg_raven_share_meet(source, collection);
	return ours;
}

static bool is_echo(const struct tg_raven_row *row, const struct tg_raven_meta *meta)
{
	return row->oversize || tg_raven_echo_same(row->body, row->metadata, meta);
}

bool tg_raven_is_skipped(const struct tg_raven *source, const struct tg_raven_row *row,
			 const struct tg_raven_meta *meta)
{
	bool keys_alone = source->step == TG_STEP_COMPARE;

	if (meta->replicated && !source->config.read_replicated &&
	    (keys_alone || is_echo(row, meta)))
		return true;
	return tg_raven_meta_has(meta->flags, "Artificial");
}
