#include "drivers/rethink/fault.h"

#include "drivers/json/scan.h"
#include "drivers/rethink/response.h"

enum {
	E_RESOURCE_LIMIT = 2000000,
	E_OP_FAILED = 4100000,
	E_OP_INDETERMINATE = 4200000,
	E_PERMISSION = 6000000,
};

enum { TEXT_BYTES_MAX = 1024, SHOWN_BYTES_MAX = 160 };

/* Messages of a shard or replica that is not there now; "unshard" ends a cursor whose shard moved.
 */
static const char *const passing[] = {
	"not available",        "lost contact", "no replica is available",
	"unreachable",          "unshard",      "construction was finished",
	"Did you just reshard", "not ready",    NULL,
};
static const char *const missing[] = { "does not exist", "was not found", NULL };

static bool says_one(const char *text, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strstr(text, *words) != NULL)
			return true;
	return false;
}

static void read_text(struct tg_view json, char *at, size_t cap)
{
	struct tg_view text = json;

	/* A very long message is cut inside its string; the rest of it is not needed. */
	int bytes = tg_json_unescape(text, (uint8_t *)at, cap - 1);
	at[bytes < 0 ? 0 : bytes] = '\0';
}

static int told(const struct tg_fault *fault, char *text, struct tg_why *why)
{
	int err = fault->type == TG_RESPONSE_RUNTIME_ERROR ? TG_ERR_QUERY : TG_ERR_PROTOCOL;

	/* Behind the first line the server quotes rows and stack traces. */
	text[strcspn(text, "\r\n{[")] = '\0';
	return tg_why_set(why, err, "%s: the server failed the query (type %d, code %d): %.*s",
			  fault->what, (int)fault->type, (int)fault->error, SHOWN_BYTES_MAX, text);
}

int tg_rethink_fault(const struct tg_fault *fault, struct tg_why *why)
{
	char text[TEXT_BYTES_MAX];

	read_text(fault->text, text, sizeof(text));
	/* A missing permission may come as an internal error: match the words too. */
	if (fault->error == E_PERMISSION || strstr(text, "does not have the required") != NULL)
		return tg_why_set(why, TG_ERR_PERMISSION,
				  "%s: user %s may not read it; grant the read permission there",
				  fault->what, fault->user);
	if (fault->error == E_OP_INDETERMINATE)
		return tg_why_set(why, TG_ERR_NOT_READY,
				  "%s: the query was interrupted on the server; it is retried",
				  fault->what);
	if (fault->error != E_OP_FAILED)
		return told(fault, text, why);
	if (strncmp(text, "Database", 8) == 0 && says_one(text, missing))
		return tg_why_set(why, TG_ERR_MISSING,
				  "%s does not exist on the server; correct \"database\"",
				  fault->what);
	if (says_one(text, missing))
		return tg_why_set(why, TG_ERR_MISSING, "%s: %.*s", fault->what, SHOWN_BYTES_MAX,
				  text);
	if (says_one(text, passing))
		return tg_why_set(
			why, TG_ERR_NOT_READY,
			"%s is not available now: a shard or replica is missing or an index "
			"is being built; it is retried",
			fault->what);
	return told(fault, text, why);
}
