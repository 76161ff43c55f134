#include "drivers/raven/rql.h"

#include "app/moment.h"
#include "drivers/json/scan.h"
#include "drivers/raven/path.h"

/* The byte that can stand round the name; 0: none. */
static char quote_for(struct tg_view name)
{
	bool single = memchr(name.at, '\'', name.bytes) != NULL;
	bool twice = memchr(name.at, '"', name.bytes) != NULL;

	if (memchr(name.at, '\\', name.bytes) != NULL || (single && twice))
		return 0;
	return single ? '"' : '\'';
}

int tg_raven_rql(const struct tg_raven_rql *rql, struct tg_out *query, struct tg_out *parameters)
{
	char quote = rql->collection.bytes > 0 ? quote_for(rql->collection) : 0;

	if (quote == 0)
		return TG_ERR_CONFIG;
	tg_out_str(query, "from ");
	tg_out_byte(query, quote);
	tg_out_view(query, rql->collection);
	tg_out_byte(query, quote);
	tg_out_str(query, " where @metadata.@last-modified >= $x");
	if (rql->round)
		tg_out_str(query, " and @metadata.@collection = $c");
	tg_out_str(query, " order by @metadata.@last-modified limit 0, ");
	tg_raven_number(rql->rows, query);
	tg_out_str(parameters, "{\"x\":\"");
	tg_out_view(parameters, rql->since);
	tg_out_byte(parameters, '"');
	if (rql->round) {
		tg_out_str(parameters, ",\"c\":");
		tg_json_quote(rql->collection, parameters);
	}
	tg_out_byte(parameters, '}');
	return TG_OK;
}

bool tg_raven_index_spoilt(const char *name)
{
	return strstr(name, "'@metadata") != NULL || strstr(name, "\\\"@metadata") != NULL ||
	       strstr(name, "\\u0027@metadata") != NULL;
}

void tg_raven_moment(int64_t ms, char out[TG_RAVEN_MOMENT_BYTES])
{
	static const char first[] = "0001-01-01T00:00:00.000Z", last[] = "9999-12-31T23:59:59.999Z";
	char iso[TG_MOMENT_ISO_BYTES];

	if (tg_moment_iso(ms, iso) != TG_OK)
		memcpy(iso, ms < 0 ? first : last, sizeof(iso));
	for (size_t i = 0; i < TG_RAVEN_MOMENT_BYTES; i++)
		out[i] = i < sizeof(iso) - 1 ? iso[i] : '0';
	out[TG_RAVEN_MOMENT_BYTES - 1] = 'Z';
}
