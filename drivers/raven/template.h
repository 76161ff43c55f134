/* template.h - names made of a record's names: "{table}/{key}".
 *
 *      {gateway}     the configuration's name          {source}    the source's name
 *      {instance}    gateway-0123456789abcdef          {database}  {table}    the source's words
 *      {key}         the record's key, in ids only     all else stands for itself
 *
 * Checked once at boot so that an id can be taken apart again: two ids are the same only when all
 * that went into them is. For that, a slash stands between two placeholders, no name and no key but
 * the last ever brings one, and a tilde is the escape's alone (ident.h).
 *
 * Pure.
 */
#ifndef TG_DRIVERS_RAVEN_TEMPLATE_H
#define TG_DRIVERS_RAVEN_TEMPLATE_H

#include "platform/view.h"

enum { TG_TEMPLATE_BYTES_MAX = 128 };

enum tg_template_part {
	TG_PART_TEXT,
	TG_PART_GATEWAY,
	TG_PART_INSTANCE,
	TG_PART_SOURCE,
	TG_PART_DATABASE,
	TG_PART_TABLE,
	TG_PART_KEY,
};

/* The next part of the template from *at on, which moves behind it. `text` is the literal. False at
 * the end, and where a brace names nothing. */
bool tg_template_next(const char **at, enum tg_template_part *part, struct tg_view *text);
bool tg_template_has(const char *template, enum tg_template_part part);

/* NULL, or what is wrong with it as the end of a sentence ("must hold {key}"). */
const char *tg_template_id_fault(const char *template);
const char *tg_template_collection_fault(const char *template);

#endif
