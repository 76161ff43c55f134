/* meta.h - what a document's @metadata says, found in one walk.
 *
 * Views are the values as JSON writes them (strings with their quotes), empty where there is none.
 * Members that the server makes anew with each write are known by name; all others are the user's.
 *
 * Pure: views onto the document.
 */
#ifndef TG_DRIVERS_RAVEN_META_H
#define TG_DRIVERS_RAVEN_META_H

#include "platform/err.h"

enum { TG_RAVEN_META_OWN_MAX = 32 };

struct tg_raven_member {
	struct tg_view name, value;
};

struct tg_raven_meta {
	struct tg_view id, collection, change_vector, last_modified, flags;
	struct tg_view sum; /* Tidegate-Hash: see echo.h */
	bool replicated;    /* it carries Tidegate-Instance: a tidegate wrote it */
	/* The user's members, sorted by their names' bytes; those beyond OWN_MAX as they come. */
	struct tg_raven_member own[TG_RAVEN_META_OWN_MAX];
	uint32_t own_count, own_more;
};

/* `metadata` is the value of @metadata. TG_ERR_PROTOCOL: it is no object, or has no @id. */
TG_CHECKED int tg_raven_meta_read(struct tg_raven_meta *meta, struct tg_view metadata);

/* Whether `flags` (the JSON string) lists `flag`: "HasRevisions, Artificial". */
bool tg_raven_meta_has(struct tg_view flags, const char *flag);

/* "2026-11-21T10:01:45.5820723Z" with its quotes, as milliseconds since 1970; the Z may be missing
 * (some 4.x answers), decimals too. TG_ERR_PROTOCOL when it is no such moment. */
TG_CHECKED int tg_raven_time(struct tg_view json, int64_t *ms);
/* Whether a string is such a moment with its Z. */
bool tg_raven_is_moment(struct tg_view json);

#endif
