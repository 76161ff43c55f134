/* raven_double.h - as much of a RavenDB as a sink needs: one marker, written only over its own
 * version, and bulk_docs all or nothing, answered as the recordings do.
 *
 * For http_server.h's `choose`. Included once by a test program, after http_server.h.
 */
#ifndef TG_TESTS_RAVEN_DOUBLE_H
#define TG_TESTS_RAVEN_DOUBLE_H

#include "drivers/json/scan.h"
#include "tests/unit/http_server.h"

enum { DOUBLE_BODY_BYTES = SERVER_REQUEST_BYTES, DOUBLE_VALUE_BYTES = 4096 };

static struct {
	unsigned version, applied, looks, conflicts;
	char vector[2048];            /* of the marker; "": there is none */
	unsigned others;              /* nodes that wrote there as well   */
	char id[512], marker[2048];   /* its JSON string, its members      */
	char body[DOUBLE_BODY_BYTES]; /* the last batch, without its chunks */
	size_t body_bytes;
	const char *refuse;  /* a batch that holds this text is refused ... */
	const char *refusal; /* ... with this answer                         */
	char answer[16384];
} raven;

static inline void double_unchunk(const char *request)
{
	const char *at = strstr(request, "\r\n\r\n") + 4;

	raven.body_bytes = 0;
	if (strstr(request, "Transfer-Encoding: chunked") == NULL) {
		raven.body_bytes = strlen(at);
		memcpy(raven.body, at, raven.body_bytes + 1);
		return;
	}
	for (;;) {
		size_t chunk = strtoul(at, NULL, 16);

		at = strstr(at, "\r\n") + 2;
		if (chunk == 0)
			break;
		memcpy(raven.body + raven.body_bytes, at, chunk);
		raven.body_bytes += chunk;
		at += chunk + 2;
	}
	raven.body[raven.body_bytes] = '\0';
}

static inline const char *double_answer(const char *status, const char *body)
{
	(void)snprintf(raven.answer, sizeof(raven.answer),
		       "HTTP/1.1 %s\r\nContent-Type: application/json; charset=utf-8\r\n"
		       "Content-Length: %zu\r\n\r\n%s",
		       status, strlen(body), body);
	return raven.answer;
}

static inline const char *double_look(void)
{
	char body[8192];

	raven.looks++;
	if (raven.vector[0] == '\0')
		return double_answer("404 Not Found", "");
	(void)snprintf(body, sizeof(body),
		       "{\"Results\":[{%s,\"@metadata\":{\"@collection\":\"Tidegate\","
		       "\"@change-vector\":\"%s\",\"@id\":%s,\"@last-modified\":"
		       "\"2026-11-21T10:01:45.5053822Z\"}}],\"Includes\":{}}",
		       raven.marker, raven.vector, raven.id);
	return double_answer("200 OK", body);
}

static inline void double_copy(char *at, size_t cap, struct tg_view view)
{
	if (view.bytes >= cap)
		abort();
	memcpy(at, view.at, view.bytes);
	at[view.bytes] = '\0';
}

static inline const char *double_conflict(void)
{
	raven.conflicts++;
	return double_answer("409 Conflict",
			     "{\"Url\":\"/databases/db/bulk_docs\",\"Type\":"
			     "\"Raven.Client.Exceptions.ConcurrencyException\",\"Message\":\"..\","
			     "\"Error\":\"..\"}");
}

/* The marker's members are those of its document but the metadata, which comes last. */
static inline const char *double_apply(struct tg_view marker)
{
	struct tg_view document = tg_member_of(marker, "Document");
	struct tg_view metadata = tg_member_of(document, "@metadata");
	char body[8192];

	raven.applied++;
	raven.version++;
	double_copy(raven.id, sizeof(raven.id), tg_member_of(marker, "Id"));
	double_copy(raven.marker, sizeof(raven.marker),
		    tg_view_of(document.at + 1, (size_t)(metadata.at - document.at) - 1 -
							sizeof(",\"@metadata\":") + 1));
	int used = snprintf(raven.vector, sizeof(raven.vector), "A:%u-r/Jh5unACUG/3qmitO9bAQ",
			    raven.version);
	for (unsigned i = 0; i < raven.others; i++)
		used += snprintf(raven.vector + used, sizeof(raven.vector) - (size_t)used,
				 ", B:%u-r/Jh5unACUG/3qmitO9bAQ", 1000 + i);
	(void)snprintf(body, sizeof(body),
		       "{\"Results\":[{\"Type\":\"PUT\",\"@id\":%s,\"@collection\":\"Tidegate\","
		       "\"@change-vector\":\"%s\",\"@last-modified\":"
		       "\"2026-11-21T10:01:45.5053822Z\"}]}",
		       raven.id, raven.vector);
	return double_answer("201 Created", body);
}

static inline const char *double_batch(const char *request)
{
	char vector[sizeof(raven.vector) + 2];
	struct tg_members members;
	struct tg_view name, marker;

	double_unchunk(request);
	struct tg_view list = tg_member_of(tg_view_of(raven.body, raven.body_bytes), "Commands");
	if (!tg_members_start(&members, list))
		abort();
	if (!tg_members_next(&members, &name, &marker))
		return double_answer("201 Created", "{\"Results\":[]}");
	double_copy(vector, sizeof(vector), tg_member_of(marker, "ChangeVector"));
	if (strcmp(vector, "null") != 0 &&
	    (strlen(vector) - 2 != strlen(raven.vector) ||
	     strncmp(vector + 1, raven.vector, strlen(raven.vector)) != 0))
		return double_conflict();
	if (raven.refuse != NULL && strstr(raven.body, raven.refuse) != NULL)
		return raven.refusal;
	return double_apply(marker);
}

static inline const char *double_choose(const char *request)
{
	if (strncmp(request, "GET /certificates/whoami", 24) == 0)
		return "HTTP/1.1 204 No Content\r\n\r\n";
	if (strncmp(request, "POST ", 5) == 0)
		return double_batch(request);
	if (strstr(request, "/docs?startsWith=") != NULL && raven.vector[0] == '\0')
		return double_answer("200 OK", "{\"Results\":[]}");
	return double_look();
}

static inline void double_start(void)
{
	memset(&raven, 0, sizeof(raven));
	server.choose = double_choose;
}

#endif
