#include "drivers/raven/template.h"

static const struct {
	const char *name;
	enum tg_template_part part;
} placeholders[] = {
	{ "{gateway}", TG_PART_GATEWAY }, { "{instance}", TG_PART_INSTANCE },
	{ "{source}", TG_PART_SOURCE },   { "{database}", TG_PART_DATABASE },
	{ "{table}", TG_PART_TABLE },     { "{key}", TG_PART_KEY },
};

bool tg_template_next(const char **at, enum tg_template_part *part, struct tg_view *text)
{
	const char *from = *at;

	if (*from == '\0')
		return false;
	*part = TG_PART_TEXT;
	*text = tg_view_of(from, strcspn(from, "{}"));
	*at = from + text->bytes;
	if (text->bytes > 0)
		return true;
	for (size_t i = 0; i < sizeof(placeholders) / sizeof(placeholders[0]); i++) {
		size_t bytes = strlen(placeholders[i].name);

		if (strncmp(from, placeholders[i].name, bytes) != 0)
			continue;
		*part = placeholders[i].part;
		*at = from + bytes;
		return true;
	}
	return false;
}

bool tg_template_has(const char *template, enum tg_template_part part)
{
	enum tg_template_part found;
	struct tg_view text;

	while (tg_template_next(&template, &found, &text))
		if (found == part)
			return true;
	return false;
}

/* What no literal may hold, or NULL. */
static const char *literal_fault(struct tg_view text)
{
	for (size_t i = 0; i < text.bytes; i++) {
		if (text.at[i] < 0x20 || text.at[i] == 0x7f)
			return "holds a control character";
		if (text.at[i] == '~')
			return "holds a tilde, which marks escaped characters";
	}
	return NULL;
}

/* What is wrong with the parts, whatever they are for. */
static const char *parts_fault(const char *at)
{
	enum tg_template_part part;
	struct tg_view text;
	const char *fault = NULL;

	if (*at == '\0')
		return "is empty";
	while (fault == NULL && tg_template_next(&at, &part, &text))
		if (part == TG_PART_TEXT)
			fault = literal_fault(text);
	if (fault == NULL && *at != '\0')
		return "has a brace that is none of {key} {table} {database} {source} {gateway} "
		       "{instance}";
	return fault;
}

/* Two placeholders without a slash between them: "a" "bc" and "ab" "c" would be one id. */
static bool has_run_together(const char *at)
{
	enum tg_template_part part;
	struct tg_view text;
	bool open = false;

	while (tg_template_next(&at, &part, &text)) {
		if (part != TG_PART_TEXT && open)
			return true;
		if (part != TG_PART_TEXT)
			open = true;
		else if (memchr(text.at, '/', text.bytes) != NULL)
			open = false;
	}
	return false;
}

static unsigned count_keys(const char *at)
{
	enum tg_template_part part;
	struct tg_view text;
	unsigned keys = 0;

	while (tg_template_next(&at, &part, &text))
		keys += part == TG_PART_KEY;
	return keys;
}

const char *tg_template_id_fault(const char *template)
{
	const char *fault = parts_fault(template);
	size_t bytes = strlen(template);

	if (fault != NULL)
		return fault;
	if (count_keys(template) != 1)
		return "must hold {key}, and once";
	if (has_run_together(template))
		return "needs a slash between two placeholders, so that no two keys meet in one id";
	if (template[bytes - 1] == '/' || template[bytes - 1] == '|')
		return "ends in / or |, which makes RavenDB invent an id of its own";
	return NULL;
}

const char *tg_template_collection_fault(const char *template)
{
	const char *fault = parts_fault(template);

	if (fault != NULL)
		return fault;
	if (count_keys(template) != 0)
		return "may not hold {key}";
	if (template[0] == '@')
		return "begins with @, which RavenDB keeps for itself";
	return NULL;
}
