/* What source.h promises without a server, for every source that is compiled in. */
#include "app/arena.h"
#include "app/source.h"
#include "drivers/json/json.h"
#include "drivers/registry.h"
#include "platform/loop.h"
#include "tests/check.h"

static max_align_t state[CONFIG_TG_SOURCE_BYTES_MAX / sizeof(max_align_t)];
static max_align_t json_memory[4096];

static void each(void (*test)(const struct tg_source_ops *ops))
{
	unsigned count = 0;

	for (const struct tg_source_ops *const *ops = tg_drivers.sources; *ops != NULL; ops++) {
		test(*ops);
		count++;
	}
	TG_CHECK(count >= 2);
}

static void check_entries(const struct tg_source_ops *ops)
{
	TG_CHECK(ops->type != NULL && ops->type[0] != '\0');
	TG_CHECK(ops->state_bytes > 0 && ops->state_bytes <= CONFIG_TG_SOURCE_BYTES_MAX);
	TG_CHECK(ops->configure != NULL && ops->rules != NULL && ops->start != NULL);
	TG_CHECK(ops->step != NULL && ops->begin != NULL && ops->want != NULL);
	TG_CHECK(ops->taken != NULL && ops->stop != NULL && ops->key_compare != NULL);
	TG_CHECK(ops->key_encode != NULL && ops->key_json != NULL && ops->shape != NULL);
}

TG_TEST(every_entry_is_there)
{
	each(check_entries);
}

static uint32_t configure(const struct tg_source_ops *ops, const char *text)
{
	static struct tg_problems problems;
	const struct tg_json *root = NULL;
	struct tg_arena json;
	struct tg_why why;

	memset(&problems, 0, sizeof(problems));
	memset(state, 0xa5, sizeof(state));
	tg_arena_init(&json, json_memory, sizeof(json_memory));
	TG_CHECK_INT(tg_json_parse(tg_view_str(text), &json, &root, &why), TG_OK);
	ops->configure(state, root, &problems);
	return problems.count;
}

/* An empty configuration names no server, and an unknown member is never passed over. */
static void check_configuration(const struct tg_source_ops *ops)
{
	struct tg_source_rules rules = { .delete_when_empty = true };
	struct tg_wants wants;

	uint32_t empty = configure(ops, "{}");
	TG_CHECK(empty > 0);
	TG_CHECK(configure(ops, "{\"no_such_member\":1}") > empty);
	ops->rules(state, &rules);
	TG_CHECK(!rules.delete_when_empty && !rules.delete_when_recreated);
	tg_wants_clear(&wants);
	ops->want(state, &wants);
	TG_CHECK_INT(wants.count, 0);
	TG_CHECK(wants.wake_mono_ms == UINT64_MAX);
}

TG_TEST(faults_of_the_configuration_are_told)
{
	each(check_configuration);
}

static struct tg_key encode(const struct tg_source_ops *ops, const char *json, uint8_t *at)
{
	struct tg_key key;

	TG_CHECK_INT(ops->key_encode(tg_view_str(json), at, TG_KEY_BYTES_MAX, &key), TG_OK);
	TG_CHECK(key.cmp_bytes > 0 && key.cmp_bytes <= key.bytes.bytes);
	return key;
}

static const char *const keys[] = { "\"a\"",   "\"a/1\"",  "\"a/10\"",    "\"a/2\"",
				    "\"b\"",   "\"\\n\"",  "\"\\\"\"",    "\"\xc3\xa4\"",
				    "\"z z\"", "\"01-A\"", "\"orders/7\"" };
enum { KEYS = sizeof(keys) / sizeof(keys[0]) };

static void check_keys(const struct tg_source_ops *ops)
{
	static uint8_t one[TG_KEY_BYTES_MAX], other[TG_KEY_BYTES_MAX], json[TG_KEY_JSON_BYTES_MAX];

	for (unsigned i = 0; i < KEYS; i++) {
		struct tg_key a = encode(ops, keys[i], one);
		struct tg_out out = { .at = json, .cap = sizeof(json) };
		TG_CHECK_INT(ops->key_json(a.bytes, &out), TG_OK);
		TG_CHECK(tg_view_same(tg_view_of(json, tg_out_filled(&out)), tg_view_str(keys[i])));
		for (unsigned k = 0; k < KEYS; k++) {
			struct tg_key b = encode(ops, keys[k], other);
			int order = ops->key_compare(a, b), back = ops->key_compare(b, a);
			TG_CHECK((order == 0) == (i == k));
			TG_CHECK((order < 0) == (back > 0));
		}
	}
}

TG_TEST(keys_come_back_and_compare)
{
	each(check_keys);
}

static void check_strange_keys(const struct tg_source_ops *ops)
{
	static uint8_t bytes[TG_KEY_BYTES_MAX], json[TG_KEY_JSON_BYTES_MAX];
	static char huge[4 * TG_KEY_BYTES_MAX];
	struct tg_key key;
	struct tg_out out = { .at = json, .cap = sizeof(json) };

	memset(huge, 'x', sizeof(huge) - 1);
	huge[0] = huge[sizeof(huge) - 2] = '"';
	TG_CHECK(ops->key_encode(tg_view_str(huge), bytes, sizeof(bytes), &key) < 0);
	TG_CHECK(ops->key_encode(tg_view_str(""), bytes, sizeof(bytes), &key) < 0);
	TG_CHECK_INT(ops->key_json(tg_view_of("", 0), &out), TG_ERR_DAMAGED);
}

TG_TEST(what_is_no_key_is_refused)
{
	each(check_strange_keys);
}
