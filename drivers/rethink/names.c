#include "drivers/rethink/names.h"

#include "drivers/json/scan.h"

struct tg_view tg_rethink_name_at(const struct tg_rethink_names *names, uint32_t i)
{
	return tg_view_of(names->text + names->items[i].at, names->items[i].bytes);
}

void tg_rethink_names_renew(struct tg_rethink_names *names)
{
	for (uint32_t i = 0; i < names->count; i++)
		names->items[i].done = false;
}

static bool is_known(const struct tg_rethink_names *names, struct tg_view name)
{
	for (uint32_t i = 0; i < names->count; i++)
		if (tg_view_same(tg_rethink_name_at(names, i), name))
			return true;
	return false;
}

/* Appends the name that the JSON string `value` spells, unless it is known or not wanted. */
static int add(struct tg_rethink_names *names, struct tg_view value,
	       const struct tg_rethink_config *config)
{
	uint8_t *at = names->text + names->text_bytes;
	int bytes = tg_json_unescape(value, at, CONFIG_TG_RETHINK_NAMES_BYTES - names->text_bytes);

	if (bytes < 0)
		return bytes;
	struct tg_view name = tg_view_of(at, (size_t)bytes);
	if (bytes > UINT16_MAX || !tg_rethink_takes(config, name) || is_known(names, name))
		return TG_OK;
	if (names->count == CONFIG_TG_TABLES_MAX)
		return TG_ERR_LIMIT;
	names->items[names->count++] = (struct tg_rethink_name){
		.at = names->text_bytes,
		.bytes = (uint16_t)bytes,
	};
	names->text_bytes += (uint32_t)bytes;
	return TG_OK;
}

int tg_rethink_names_take(struct tg_rethink_names *names, struct tg_view list,
			  const struct tg_rethink_config *config, struct tg_why *why)
{
	struct tg_members members;
	struct tg_view name, value;
	int rc = tg_members_start(&members, list) && !members.object ? TG_OK : TG_ERR_PROTOCOL;

	while (rc == TG_OK && tg_members_next(&members, &name, &value))
		rc = add(names, value, config);
	if (rc == TG_ERR_LIMIT)
		return tg_why_set(
			why, rc,
			"database %s has more tables than we can hold (%d tables, %d bytes of "
			"names); choose some with \"tables\" or raise TG_TABLES_MAX and "
			"TG_RETHINK_NAMES_BYTES",
			config->database, CONFIG_TG_TABLES_MAX, CONFIG_TG_RETHINK_NAMES_BYTES);
	if (rc != TG_OK)
		return tg_why_set(why, rc,
				  "database %s: the list of tables is not an array of names",
				  config->database);
	return TG_OK;
}
