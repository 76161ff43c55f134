#include "drivers/raven/tombs.h"

#include "drivers/json/scan.h"
#include "drivers/raven/meta.h"

static bool is(struct tg_view view, const char *text)
{
	return tg_view_same(view, tg_view_str(text));
}

int tg_raven_tomb_read(struct tg_view row, struct tg_raven_tomb *tomb)
{
	struct tg_members members;
	struct tg_view name, value, etag = { NULL, 0 }, time = { NULL, 0 };
	int64_t number = -1;

	*tomb = (struct tg_raven_tomb){ .time_ms = INT64_MIN };
	if (!tg_members_start(&members, row) || !members.object)
		return TG_ERR_PROTOCOL;
	while (tg_members_next(&members, &name, &value)) {
		if (is(name, "Id"))
			tomb->id = value;
		else if (is(name, "Etag"))
			etag = value;
		else if (is(name, "Type"))
			tomb->document = is(value, "\"Document\"");
		else if (is(name, "Collection"))
			tomb->collection = value;
		else if (is(name, "ChangeVector") && value.bytes >= 2)
			tomb->vector = tg_view_of(value.at + 1, value.bytes - 2);
		else if (is(name, "LastModified"))
			time = value;
	}
	if (tg_json_integer(etag, &number) != TG_OK || number < 0)
		return TG_ERR_PROTOCOL;
	tomb->etag = (uint64_t)number;
	if (tomb->document && (tomb->id.bytes < 2 || tomb->id.at[0] != '"'))
		return TG_ERR_PROTOCOL;
	if (time.bytes > 0 && tg_raven_time(time, &tomb->time_ms) != TG_OK)
		tomb->time_ms = INT64_MIN;
	return TG_OK;
}
