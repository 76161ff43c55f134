#include "drivers/raven/names.h"

#include "drivers/json/scan.h"
#include "drivers/raven/fold.h"
#include "drivers/raven/hash.h"
#include "platform/crypto.h"

enum { NAME_BYTES_MAX = 512 };

struct tg_view tg_raven_name_at(const struct tg_raven_names *names, uint32_t at)
{
	return tg_view_of(names->text + names->items[at].at, names->items[at].bytes);
}

void tg_raven_names_renew(struct tg_raven_names *names)
{
	for (uint32_t i = 0; i < names->count; i++)
		names->items[i].done = false;
}

bool tg_raven_name_same(struct tg_view a, struct tg_view b)
{
	uint8_t folded_a[NAME_BYTES_MAX], folded_b[NAME_BYTES_MAX];

	if (tg_view_same(a, b))
		return true;
	int bytes_a = tg_fold(a, folded_a, sizeof(folded_a));
	int bytes_b = tg_fold(b, folded_b, sizeof(folded_b));
	return bytes_a >= 0 && bytes_a == bytes_b &&
	       memcmp(folded_a, folded_b, (size_t)bytes_a) == 0;
}

static struct tg_raven_name *find(const struct tg_raven_names *names, struct tg_view name)
{
	for (uint32_t i = 0; i < names->count; i++)
		if (tg_raven_name_same(tg_raven_name_at(names, i), name))
			return &names->items[i];
	return NULL;
}

static uint64_t digest_of(const char *what, struct tg_view text)
{
	uint8_t digest[TG_SHA1_BYTES];

	tg_sha1_two(tg_view_str(what), text, digest);
	return tg_raven_hash_of_digest(digest);
}

/* As it is spelled: it names a stream. */
static int add(struct tg_raven_names *names, struct tg_view name, uint64_t count)
{
	struct tg_raven_name *there = find(names, name);

	if (there != NULL) {
		there->count += count;
		return TG_OK;
	}
	if (names->count == CONFIG_TG_RAVEN_COLLECTIONS_MAX ||
	    name.bytes > CONFIG_TG_RAVEN_NAMES_BYTES - names->used)
		return TG_ERR_LIMIT;
	names->items[names->count++] = (struct tg_raven_name){ .at = names->used,
							       .bytes = (uint32_t)name.bytes,
							       .count = count };
	memcpy(names->text + names->used, name.at, name.bytes);
	names->used += (uint32_t)name.bytes;
	names->digest_ ^= digest_of("collection ", name);
	return TG_OK;
}

/* `name` is as JSON writes it, without quotes: they stand round it in the answer. */
static int unquote(struct tg_view name, uint8_t at[NAME_BYTES_MAX])
{
	return tg_json_unescape(tg_view_of(name.at - 1, name.bytes + 2), at, NAME_BYTES_MAX);
}

static int add_listed(struct tg_raven_names *names, const struct tg_raven_config *config,
		      struct tg_view list)
{
	uint8_t plain[NAME_BYTES_MAX];
	struct tg_members members;
	struct tg_view name, value;
	int64_t count;
	int rc = TG_OK;

	if (!tg_members_start(&members, list) || !members.object)
		return TG_ERR_PROTOCOL;
	while (rc == TG_OK && tg_members_next(&members, &name, &value)) {
		int bytes = unquote(name, plain);
		if (bytes < 0 || tg_json_integer(value, &count) != TG_OK || count < 0)
			return bytes == TG_ERR_LIMIT ? TG_ERR_LIMIT : TG_ERR_PROTOCOL;
		if (tg_raven_takes(config, tg_view_of(plain, (size_t)bytes)))
			rc = add(names, tg_view_of(plain, (size_t)bytes), (uint64_t)count);
	}
	return rc;
}

static bool is_pattern(const char *text)
{
	return strpbrk(text, "*?") != NULL || text[0] == '!';
}

/* Those that the configuration names without a pattern. */
static int add_named(struct tg_raven_names *names, const struct tg_raven_config *config)
{
	const char *at = config->collections, *end = at + config->collections_bytes;
	int rc = TG_OK;

	for (; rc == TG_OK && at < end; at += strlen(at) + 1)
		if (!is_pattern(at) && tg_raven_takes(config, tg_view_str(at)))
			rc = add(names, tg_view_str(at), 0);
	return rc;
}

int tg_raven_names_known(struct tg_raven_names *names, const struct tg_raven_config *config,
			 struct tg_view name)
{
	return tg_raven_takes(config, name) ? add(names, name, 0) : TG_OK;
}

bool tg_raven_names_complete(const struct tg_raven_names *names,
			     const struct tg_raven_config *config)
{
	const char *at = config->collections, *end = at + config->collections_bytes;

	for (; at < end; at += strlen(at) + 1)
		if (!is_pattern(at) && tg_raven_takes(config, tg_view_str(at)) &&
		    find(names, tg_view_str(at)) == NULL)
			return false;
	return true;
}

uint64_t tg_raven_names_set(const struct tg_raven_names *names,
			    const struct tg_raven_config *config)
{
	struct tg_view patterns = tg_view_of(config->collections, config->collections_bytes);
	uint64_t set = names->digest_ ^ digest_of("patterns ", patterns);

	return set != 0 ? set : 1;
}

int tg_raven_names_take(struct tg_raven_names *names, const struct tg_raven_config *config,
			struct tg_view answer)
{
	for (uint32_t i = 0; i < names->count; i++)
		names->items[i].count = 0;
	int rc = add_listed(names, config, tg_member_of(answer, "Collections"));
	return rc == TG_OK ? add_named(names, config) : rc;
}

uint64_t tg_raven_names_count(struct tg_view answer, struct tg_view name)
{
	uint8_t plain[NAME_BYTES_MAX];
	struct tg_members members;
	struct tg_view listed, value, list = tg_member_of(answer, "Collections");
	uint64_t sum = 0;
	int64_t count;

	if (!tg_members_start(&members, list) || !members.object)
		return 0;
	while (tg_members_next(&members, &listed, &value)) {
		int bytes = unquote(listed, plain);
		if (bytes >= 0 && tg_json_integer(value, &count) == TG_OK && count > 0 &&
		    tg_raven_name_same(tg_view_of(plain, (size_t)bytes), name))
			sum += (uint64_t)count;
	}
	return sum;
}
