#include "drivers/json/json.h"

#include <cjson/cJSON.h>

#include "app/arena.h"
#include "drivers/json/node.h"
#include "drivers/json/scan.h"
#include "platform/assert.h"

/* --- cJSON's memory: the arena of the parse under way --- */

static struct tg_arena *parse_arena;
static bool parse_arena_full;

static void *hook_take(size_t bytes)
{
	TG_ASSERT(parse_arena != NULL);
	void *at = tg_arena_take(parse_arena, bytes);
	if (at == NULL)
		parse_arena_full = true;
	return at;
}

/* Memory comes back when the arena is rewound. */
static void hook_give(void *at)
{
	(void)at;
}

static cJSON *parse_by_cjson(struct tg_view text, struct tg_arena *arena)
{
	cJSON_Hooks hooks = { .malloc_fn = hook_take, .free_fn = hook_give };

	TG_ASSERT(parse_arena == NULL);
	parse_arena = arena;
	parse_arena_full = false;
	cJSON_InitHooks(&hooks);
	cJSON *root = cJSON_ParseWithLength((const char *)text.at, text.bytes);
	cJSON_InitHooks(NULL);
	parse_arena = NULL;
	return root;
}

/* --- the check before cJSON sees a byte --- */

static int refuse(struct tg_view text, size_t at, const char *what, struct tg_why *why)
{
	unsigned line = 1, column = 1;

	for (size_t i = 0; i < at && i < text.bytes; i++) {
		column++;
		if (text.at[i] == '\n') {
			line++;
			column = 1;
		}
	}
	return tg_why_set(why, TG_ERR_PROTOCOL, "line %u, column %u: %s", line, column, what);
}

/* Walks a text that the scanner found valid: depth, and the one escape that C strings cannot hold.
 */
static const char *find_unfit(struct tg_view text, size_t *at)
{
	unsigned depth = 0;
	bool quoted = false;

	for (size_t i = 0; i < text.bytes; i++) {
		uint8_t byte = text.at[i];
		*at = i;
		if (quoted && byte == '\\') {
			if (text.bytes - i > 5 && memcmp(text.at + i, "\\u0000", 6) == 0)
				return "a string holds the character U+0000";
			i++;
		} else if (byte == '"') {
			quoted = !quoted;
		} else if (!quoted && (byte == '{' || byte == '[')) {
			if (++depth > TG_JSON_LEVELS_MAX)
				return "nested deeper than 32 levels";
		} else if (!quoted && (byte == '}' || byte == ']')) {
			depth--;
		}
	}
	return NULL;
}

static int scan_value(struct tg_view text, size_t lead, size_t *end, struct tg_why *why)
{
	struct tg_scan scan = { .watch_count = 0 };

	tg_scan_start(&scan);
	int rc = tg_scan_feed(&scan, text.at + lead, text.bytes - lead, 0);
	*end = lead + (size_t)scan.pos;
	/* A number at the very end is complete, which the scanner cannot know. */
	if (rc == TG_ERR_AGAIN && text.bytes > lead) {
		uint8_t last = text.at[text.bytes - 1];
		uint8_t first = text.at[lead];
		if ((first == '-' || (first >= '0' && first <= '9')) && last >= '0' && last <= '9')
			return TG_OK;
	}
	if (rc == TG_ERR_AGAIN)
		return refuse(text, text.bytes, "the text ends before its value does", why);
	if (rc != TG_OK)
		return refuse(text, *end, "this is not JSON", why);
	/* The scanner lets foreign data's bytes pass and only tells. */
	if ((scan.flags & TG_SCAN_SURROGATE) != 0)
		return refuse(text, lead, "a string in it is not UTF-8", why);
	return TG_OK;
}

static int check_text(struct tg_view text, struct tg_why *why)
{
	size_t lead = 0, end = 0, at = 0;

	while (lead < text.bytes && tg_json_is_space(text.at[lead]))
		lead++;
	int rc = scan_value(text, lead, &end, why);
	if (rc != TG_OK)
		return rc;
	while (end < text.bytes && tg_json_is_space(text.at[end]))
		end++;
	if (end < text.bytes)
		return refuse(text, end, "something follows the value", why);
	const char *unfit = find_unfit(text, &at);
	return unfit == NULL ? TG_OK : refuse(text, at, unfit, why);
}

/* --- cJSON's tree into ours --- */

enum { EXACT_MAX = 53 };

static void fill_number(struct tg_json *node, double value)
{
	const double limit = (double)(INT64_C(1) << EXACT_MAX);

	node->kind_ = TG_JSON_NUMBER;
	if (value < -limit || value > limit)
		return;
	node->number_ = (int64_t)value;
	node->exact_ = !((double)node->number_ < value) && !((double)node->number_ > value);
}

static void fill_node(struct tg_json *node, const cJSON *from)
{
	node->name_ = from->string;
	if (cJSON_IsObject(from)) {
		node->kind_ = TG_JSON_OBJECT;
	} else if (cJSON_IsArray(from)) {
		node->kind_ = TG_JSON_ARRAY;
	} else if (cJSON_IsString(from)) {
		node->kind_ = TG_JSON_STRING;
		node->text_ = from->valuestring;
	} else if (cJSON_IsNumber(from)) {
		fill_number(node, from->valuedouble);
	} else if (cJSON_IsBool(from)) {
		node->kind_ = TG_JSON_BOOL;
		node->true_ = cJSON_IsTrue(from);
	} else {
		node->kind_ = TG_JSON_NULL;
	}
}

static struct tg_json *make_node(const cJSON *from, struct tg_json *parent, struct tg_arena *arena)
{
	struct tg_json *node = tg_arena_take(arena, sizeof(*node));

	if (node == NULL)
		return NULL;
	*node = (struct tg_json){ .parent_ = parent };
	fill_node(node, from);
	return node;
}

static const char *find_double_name(const struct tg_json *node)
{
	if (node->name_ == NULL)
		return NULL;
	for (const struct tg_json *i = node->parent_->first_; i != node; i = i->next_)
		if (strcmp(i->name_, node->name_) == 0)
			return node->name_;
	return NULL;
}

/* Children of one container; the deeper ones follow when the walk reaches them. */
static int make_children(const cJSON *from, struct tg_json *node, struct tg_arena *arena,
			 struct tg_why *why)
{
	struct tg_json **link = &node->first_;
	uint32_t index = 0;

	for (const cJSON *i = from->child; i != NULL; i = i->next) {
		struct tg_json *child = make_node(i, node, arena);
		if (child == NULL)
			return tg_why_set(why, TG_ERR_LIMIT, "larger than we can hold");
		child->index_ = index++;
		*link = child;
		link = &child->next_;
		if (find_double_name(child) != NULL)
			return tg_why_set(why, TG_ERR_PROTOCOL, "the member %s is there twice",
					  child->name_);
	}
	return TG_OK;
}

/* Depth first without recursion; the path back is the stack of at most 32 levels. */
static int copy_tree(const cJSON *from, struct tg_json *root, struct tg_arena *arena,
		     struct tg_why *why)
{
	const cJSON *from_at[TG_JSON_LEVELS_MAX + 1];
	struct tg_json *at[TG_JSON_LEVELS_MAX + 1];
	unsigned depth = 1;
	int rc = make_children(from, root, arena, why);

	from_at[0] = from->child;
	at[0] = root->first_;
	while (rc == TG_OK && depth > 0) {
		const cJSON *source = from_at[depth - 1];
		struct tg_json *node = at[depth - 1];
		if (node == NULL) {
			depth--;
			continue;
		}
		from_at[depth - 1] = source->next;
		at[depth - 1] = node->next_;
		if (source->child == NULL)
			continue;
		TG_ASSERT(depth <= TG_JSON_LEVELS_MAX);
		rc = make_children(source, node, arena, why);
		from_at[depth] = source->child;
		at[depth++] = node->first_;
	}
	return rc;
}

int tg_json_parse(struct tg_view text, struct tg_arena *arena, const struct tg_json **out,
		  struct tg_why *why)
{
	size_t mark = tg_arena_mark(arena);
	int rc = check_text(text, why);

	*out = NULL;
	if (rc != TG_OK)
		return rc;
	cJSON *tree = parse_by_cjson(text, arena);
	if (tree == NULL) {
		rc = parse_arena_full ? tg_why_set(why, TG_ERR_LIMIT, "larger than we can hold")
				      : tg_why_set(why, TG_ERR_PROTOCOL, "this is not JSON");
		goto out;
	}
	struct tg_json *root = make_node(tree, NULL, arena);
	if (root == NULL) {
		rc = tg_why_set(why, TG_ERR_LIMIT, "larger than we can hold");
		goto out;
	}
	rc = copy_tree(tree, root, arena, why);
	if (rc == TG_OK)
		*out = root;
out:
	if (rc != TG_OK)
		tg_arena_rewind(arena, mark);
	return rc;
}

/* --- reading the tree --- */

enum tg_json_kind tg_json_kind(const struct tg_json *value)
{
	return value == NULL ? TG_JSON_NULL : (enum tg_json_kind)value->kind_;
}

const struct tg_json *tg_json_member(const struct tg_json *object, const char *name)
{
	if (tg_json_kind(object) != TG_JSON_OBJECT)
		return NULL;
	for (const struct tg_json *i = object->first_; i != NULL; i = i->next_)
		if (strcmp(i->name_, name) == 0)
			return i;
	return NULL;
}

const struct tg_json *tg_json_first(const struct tg_json *parent)
{
	return parent == NULL ? NULL : parent->first_;
}

const struct tg_json *tg_json_next(const struct tg_json *child)
{
	return child->next_;
}

const char *tg_json_name(const struct tg_json *child)
{
	return child->name_;
}

const char *tg_json_text(const struct tg_json *value)
{
	return tg_json_kind(value) == TG_JSON_STRING ? value->text_ : "";
}

int64_t tg_json_int(const struct tg_json *value)
{
	return tg_json_kind(value) == TG_JSON_NUMBER && value->exact_ ? value->number_ : 0;
}

bool tg_json_true(const struct tg_json *value)
{
	return tg_json_kind(value) == TG_JSON_BOOL && value->true_;
}
