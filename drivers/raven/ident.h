/* ident.h - a record's name in RavenDB: an id that no other record ever gets.
 *
 * RavenDB compares ids without case, beyond ASCII too, takes 512 bytes of lower-cased UTF-8, and
 * makes up an id of its own for an empty or blank one and for one that ends in / or |. Other
 * databases' keys know none of that: `abc` and `ABC`, 1 and "1" are two keys, arrays and times are
 * keys too. So what is not safe is escaped:
 *
 *      a-z 0-9 and most signs, letters known to have no case      as they are
 *      A                                                          ~a
 *      ~ | controls, blanks at the ends, other bytes              ~0 and two hex digits
 *      / in a name, at the end, or where more follows             ~02f
 *      "42" "true" "" (strings that look like something else)     ~142 ~1true ~1
 *      42 -1.5 true                                               as they are
 *      ["site",7], a time, a binary                               ~2["site",7] ...
 *      more than 512 bytes                                        its beginning, ~4, 64 hex digits
 *
 * The digits are the SHA-256 of the whole: two ids could only meet by a collision of SHA-256, which
 * nobody has ever seen; all others are injective by construction, under RavenDB's own comparison.
 *
 * A key that is a RavenDB id already goes out as it is: its own database compared it the same way,
 * and a delete that spells it in lower case still means the same document.
 *
 * Pure. Memory: some 6 KiB of stack.
 */
#ifndef TG_DRIVERS_RAVEN_IDENT_H
#define TG_DRIVERS_RAVEN_IDENT_H

#include "app/line.h"
#include "app/source.h"

enum {
	TG_IDENT_BYTES_MAX = 512, /* as the server counts: lower-cased */
	TG_IDENT_ROOM = 1024,     /* a RavenDB id's own spelling may be longer */
};

struct tg_ident {
	uint8_t at[TG_IDENT_ROOM]; /* UTF-8, not JSON */
	size_t bytes;
};

/* The id of the record whose key is `key`, the source's JSON. `template` passed
 * tg_template_id_fault. TG_ERR_DAMAGED when the key is none of its source's. */
TG_CHECKED int tg_ident_make(const char *template, const struct tg_line *line, struct tg_view key,
			     struct tg_ident *out);

/* Appends a template without {key}, as plain text: a collection's name. */
void tg_ident_name(const char *template, const struct tg_line *line, struct tg_out *out);

/* Appends a name escaped as ids have it, with every slash. */
void tg_ident_escape(struct tg_view name, struct tg_out *out);

/* Whether the keys of this source are RavenDB ids. */
bool tg_ident_is_raven(const struct tg_source_ops *ops);

#endif
