#include "drivers/raven/answer.h"

#include <stdio.h>

#include "drivers/json/scan.h"

enum { LINE_BYTES = 200, PAUSE_LOADING_MS = 1000, PAUSE_BUSY_MS = 3000, PAUSE_LONG_MS = 15000 };

/* --- what the body says --- */

/* The first line of a JSON string that may be cut, without its quotes, escapes as they are. */
static void first_line(struct tg_view text, char at[LINE_BYTES])
{
	size_t bytes = 0;

	for (size_t i = 1; i < text.bytes && bytes < LINE_BYTES - 1; i++) {
		uint8_t byte = text.at[i];
		bool line_end = byte == '\\' && i + 1 < text.bytes &&
				(text.at[i + 1] == 'n' || text.at[i + 1] == 'r');
		if (byte == '"' || line_end)
			break;
		if (byte == '\\' && i + 1 < text.bytes)
			byte = text.at[++i];
		at[bytes++] = byte < 0x20 ? ' ' : (char)byte;
	}
	at[bytes] = '\0';
}

/* The value of a top-level member even where the body was cut inside it. */
static struct tg_view member(struct tg_view body, const char *name)
{
	struct tg_members members;
	struct tg_view found, value, wanted = tg_view_str(name);

	if (!tg_members_start(&members, body) || !members.object)
		return tg_view_of(NULL, 0);
	for (;;) {
		const uint8_t *from = members.at;
		if (tg_members_next(&members, &found, &value)) {
			if (tg_view_same(found, wanted))
				return value;
			continue;
		}
		/* The last one, cut: `"Name":"...` */
		size_t rest = (size_t)(body.at + body.bytes - from), head = wanted.bytes + 3;
		if (rest > head && from[0] == '"' &&
		    memcmp(from + 1, wanted.at, wanted.bytes) == 0 && from[head - 2] == '"' &&
		    from[head - 1] == ':')
			return tg_view_of(from + head, rest - head);
		return tg_view_of(NULL, 0);
	}
}

/* "Raven.Client.Exceptions.Documents.X+YException" -> "YException". */
static void last_part(struct tg_view body, char type[TG_RAVEN_TYPE_BYTES])
{
	char line[LINE_BYTES];
	const char *from = line;

	first_line(member(body, "Type"), line);
	for (const char *at = line; *at != '\0'; at++)
		if (*at == '.' || *at == '+')
			from = at + 1;
	snprintf(type, TG_RAVEN_TYPE_BYTES, "%.*s", TG_RAVEN_TYPE_BYTES - 1, from);
}

/* --- classes --- */

static const struct {
	const char *type;
	enum tg_raven_fault fault;
} by_type[] = {
	{ "DatabaseDoesNotExistException", TG_RAVEN_FAULT_NO_DATABASE },
	{ "DatabaseDisabledException", TG_RAVEN_FAULT_DISABLED },
	{ "DatabaseLoadTimeoutException", TG_RAVEN_FAULT_LOADING },
	{ "DatabaseConcurrentLoadTimeoutException", TG_RAVEN_FAULT_LOADING },
	{ "DatabaseRestoringException", TG_RAVEN_FAULT_LOADING },
	{ "DatabaseIdleException", TG_RAVEN_FAULT_LOADING },
	{ "DatabaseNotRelevantException", TG_RAVEN_FAULT_ELSEWHERE },
	{ "IndexDoesNotExistException", TG_RAVEN_FAULT_MISSING },
	{ "RouteNotFoundException", TG_RAVEN_FAULT_ROUTE },
	{ "LicenseLimitException", TG_RAVEN_FAULT_LICENSE },
	{ "InvalidAuth", TG_RAVEN_FAULT_FORBIDDEN },
	{ "AuthorizationException", TG_RAVEN_FAULT_FORBIDDEN },
	{ "ConcurrencyException", TG_RAVEN_FAULT_CONFLICT },
	{ "DocumentConflictException", TG_RAVEN_FAULT_CONFLICT },
	{ "DocumentCollectionMismatchException", TG_RAVEN_FAULT_COLLECTION },
	{ "NotSupportedInShardingException", TG_RAVEN_FAULT_SHARDED },
	{ "NotSupportedException", TG_RAVEN_FAULT_SHARDED },
	{ "ParseException", TG_RAVEN_FAULT_QUERY },
	{ "InvalidQueryException", TG_RAVEN_FAULT_QUERY },
	{ "ArgumentException", TG_RAVEN_FAULT_DATA },
	{ "InvalidDataException", TG_RAVEN_FAULT_DATA },
	{ "EndOfStreamException", TG_RAVEN_FAULT_DATA },
	{ "FormatException", TG_RAVEN_FAULT_DATA },
};

static enum tg_raven_fault fault_of_type(const char *type)
{
	for (size_t i = 0; i < sizeof(by_type) / sizeof(by_type[0]); i++)
		if (strcmp(type, by_type[i].type) == 0)
			return by_type[i].fault;
	return TG_RAVEN_FAULT_NONE;
}

static enum tg_raven_fault fault_of_status(unsigned status, bool typed)
{
	switch (status) {
	case 402:
		return TG_RAVEN_FAULT_LICENSE;
	case 403:
		return TG_RAVEN_FAULT_FORBIDDEN;
	case 404:
		return TG_RAVEN_FAULT_MISSING;
	case 408:
		return TG_RAVEN_FAULT_TIMEOUT;
	case 409:
		return TG_RAVEN_FAULT_CONFLICT;
	case 410:
	case 425:
		return TG_RAVEN_FAULT_ELSEWHERE;
	case 429:
	case 502:
	case 503:
	case 504:
		return TG_RAVEN_FAULT_BUSY;
	default:
		break;
	}
	if (!typed)
		return status == 500 ? TG_RAVEN_FAULT_SERVER : TG_RAVEN_FAULT_ALIEN;
	return status >= 500 ? TG_RAVEN_FAULT_SERVER : TG_RAVEN_FAULT_ROUTE;
}

/* The four refusals of a certificate differ by their text alone (1.2). */
static enum tg_raven_fault fault_of_identity(const char *line)
{
	if (strstr(line, "none was provided") != NULL)
		return TG_RAVEN_FAULT_NO_CERTIFICATE;
	if (strstr(line, "is unknown to the server") != NULL)
		return TG_RAVEN_FAULT_UNKNOWN;
	if (strstr(line, "has expired") != NULL)
		return TG_RAVEN_FAULT_EXPIRED;
	return TG_RAVEN_FAULT_FORBIDDEN;
}

/* A proxy's answer, or another server's: RavenDB's 403 has a type, its 404 no body, or one that
 * begins like JSON. */
static bool is_alien(const struct tg_raven_refusal *refusal)
{
	bool json = refusal->body.bytes > 0 &&
		    (refusal->body.at[0] == '{' || refusal->body.at[0] == '"');

	return refusal->status == 403 ||
	       (refusal->status == 404 && refusal->body.bytes > 0 && !json);
}

static enum tg_raven_fault fault_of(const struct tg_raven_refusal *refusal, const char *type,
				    const char *line)
{
	enum tg_raven_fault fault = fault_of_type(type);

	if (refusal->status == 304 || (refusal->status >= 200 && refusal->status < 300))
		return TG_RAVEN_FAULT_NONE;
	if (refusal->database_missing)
		return TG_RAVEN_FAULT_NO_DATABASE;
	if (type[0] == '\0' && is_alien(refusal))
		return TG_RAVEN_FAULT_ALIEN;
	if (fault == TG_RAVEN_FAULT_NONE)
		fault = fault_of_status(refusal->status, type[0] != '\0');
	return fault == TG_RAVEN_FAULT_FORBIDDEN ? fault_of_identity(line) : fault;
}

/* --- what each class means --- */

struct meaning {
	int err;
	uint32_t pause_ms;
	bool other_node;
	const char *text; /* "DATABASE on PEER: " stands before it */
};

static const struct meaning meanings[] = {
	[TG_RAVEN_FAULT_ROUTE] = { TG_ERR_PEER_OLD, 0, false,
				   "the server does not know a call that tidegate needs; RavenDB "
				   "4.2 or newer is needed" },
	[TG_RAVEN_FAULT_LICENSE] = { TG_ERR_PERMISSION, 0, false,
				     "the server's licence does not allow it" },
	[TG_RAVEN_FAULT_NO_CERTIFICATE] = { TG_ERR_LOGIN_USER, 0, false,
					    "the server wants a client certificate and got none: "
					    "set "
					    "certificate_file or certificate_base64" },
	[TG_RAVEN_FAULT_UNKNOWN] = { TG_ERR_LOGIN_USER, 0, false,
				     "the client certificate is not registered on the server: "
				     "register it there, or give another one" },
	[TG_RAVEN_FAULT_EXPIRED] = { TG_ERR_LOGIN_USER, 0, false,
				     "the client certificate has expired by the server's clock: "
				     "register a new one" },
	[TG_RAVEN_FAULT_FORBIDDEN] = { TG_ERR_PERMISSION, 0, false,
				       "the client certificate does not have the permission for "
				       "this: give it access to the database on the server" },
	[TG_RAVEN_FAULT_MISSING] = { TG_ERR_QUERY, 0, false,
				     "what was asked for does not exist there" },
	[TG_RAVEN_FAULT_NO_DATABASE] = { TG_ERR_MISSING, 0, false,
					 "there is no such database: correct database_name, or "
					 "make "
					 "it" },
	[TG_RAVEN_FAULT_TIMEOUT] = { TG_ERR_NOT_READY, PAUSE_LOADING_MS, true,
				     "the server did not finish in time" },
	[TG_RAVEN_FAULT_CONFLICT] = { TG_ERR_NOT_READY, PAUSE_BUSY_MS, false,
				      "there is a conflict with what is there already" },
	[TG_RAVEN_FAULT_ELSEWHERE] = { TG_ERR_NOT_READY, 0, true,
				       "this node does not have it now; another one has" },
	[TG_RAVEN_FAULT_DISABLED] = { TG_ERR_NOT_READY, PAUSE_LONG_MS, true,
				      "the database is disabled: enable it on the server" },
	[TG_RAVEN_FAULT_LOADING] = { TG_ERR_NOT_READY, PAUSE_LOADING_MS, true,
				     "the database is being loaded or restored" },
	[TG_RAVEN_FAULT_BUSY] = { TG_ERR_NOT_READY, PAUSE_BUSY_MS, true,
				  "the server cannot answer now" },
	[TG_RAVEN_FAULT_QUERY] = { TG_ERR_QUERY, 0, false, "the server refuses the query" },
	[TG_RAVEN_FAULT_SHARDED] = { TG_ERR_QUERY, 0, false,
				     "the server does not support this reading, as on a sharded "
				     "database" },
	[TG_RAVEN_FAULT_COLLECTION] = { TG_ERR_QUERY, 0, false,
					"a document is in another collection there" },
	[TG_RAVEN_FAULT_DATA] = { TG_ERR_QUERY, 0, false, "the server refuses what was sent" },
	[TG_RAVEN_FAULT_SERVER] = { TG_ERR_NOT_READY, PAUSE_BUSY_MS, true,
				    "the server failed; its log says why" },
	[TG_RAVEN_FAULT_ALIEN] = { TG_ERR_PEER_OTHER, 0, true,
				   "this is no answer of RavenDB: check the url" },
};

/* Where the server's own words cannot hold a document. */
static bool may_be_told(enum tg_raven_fault fault)
{
	return fault == TG_RAVEN_FAULT_LICENSE || fault == TG_RAVEN_FAULT_FORBIDDEN ||
	       fault == TG_RAVEN_FAULT_UNKNOWN || fault == TG_RAVEN_FAULT_EXPIRED ||
	       fault == TG_RAVEN_FAULT_LOADING || fault == TG_RAVEN_FAULT_BUSY;
}

static void say(const struct tg_raven_refusal *refusal, const struct tg_raven_judgement *out,
		const char *line, struct tg_why *why)
{
	const char *text = meanings[out->fault].text;
	bool told = line[0] != '\0' && may_be_told(out->fault);

	if (out->fault == TG_RAVEN_FAULT_NO_CERTIFICATE && !refusal->secured)
		text = "the server wants a client certificate: use https:// and give one";
	tg_why_set(why, out->err, "database %s on %s: %s (status %u%s%s)%s%s", refusal->database,
		   refusal->peer, text, refusal->status, out->type[0] != '\0' ? " " : "", out->type,
		   told ? ": " : "", told ? line : "");
}

int tg_raven_judge(const struct tg_raven_refusal *refusal, struct tg_raven_judgement *out,
		   struct tg_why *why)
{
	char line[LINE_BYTES];

	last_part(refusal->body, out->type);
	first_line(member(refusal->body, "Message"), line);
	out->fault = fault_of(refusal, out->type, line);
	if (out->fault == TG_RAVEN_FAULT_NONE) {
		out->err = TG_OK;
		out->pause_ms = 0;
		out->other_node = false;
		return TG_OK;
	}
	const struct meaning *meaning = &meanings[out->fault];
	out->err = meaning->err;
	out->pause_ms = meaning->pause_ms;
	out->other_node = meaning->other_node;
	say(refusal, out, line, why);
	return out->err;
}

/* The error object in `tail`, which follows a cut-off row or a text. */
static struct tg_view glued(struct tg_view tail)
{
	static const char mark[] = "{\"Url\":";

	for (size_t i = 0; i + sizeof(mark) - 1 <= tail.bytes; i++)
		if (memcmp(tail.at + i, mark, sizeof(mark) - 1) == 0)
			return tg_view_of(tail.at + i, tail.bytes - i);
	return tg_view_of(NULL, 0);
}

int tg_raven_judge_break(const struct tg_raven_refusal *refusal, struct tg_view tail,
			 struct tg_raven_judgement *out, struct tg_why *why)
{
	struct tg_raven_refusal error = *refusal;

	error.body = glued(tail);
	error.status = 500;
	error.database_missing = false;
	if (error.body.bytes > 0)
		return tg_raven_judge(&error, out, why);
	*out = (struct tg_raven_judgement){ .fault = TG_RAVEN_FAULT_SERVER,
					    .err = TG_ERR_PROTOCOL,
					    .pause_ms = PAUSE_LOADING_MS,
					    .other_node = false };
	return tg_why_set(why, TG_ERR_PROTOCOL,
			  "database %s on %s: the answer broke off in its middle; it is asked "
			  "for again",
			  refusal->database, refusal->peer);
}
