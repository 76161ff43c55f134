#include "tests/sim/raven.h"

#include <stdio.h>
#include <stdlib.h>

#include "drivers/json/scan.h"
#include "drivers/raven/echo.h"
#include "platform/assert.h"

enum { ID_BYTES = 128 };

struct marker {
	char id[ID_BYTES], document[512]; /* as JSON, the document without its metadata */
	unsigned version;                 /* 0: there is none */
};

static struct marker markers[TG_PLANT_TABLES];

static void copy(char *at, size_t cap, struct tg_view view)
{
	TG_ASSERT(view.bytes < cap);
	memcpy(at, view.at, view.bytes);
	at[view.bytes] = '\0';
}

static uint64_t number_of(struct tg_view object, const char *name)
{
	int64_t number;

	TG_ASSERT(tg_json_integer(tg_member_of(object, name), &number) == TG_OK && number >= 0);
	return (uint64_t)number;
}

/* --- markers --- */

/* Its place; a free one when it was never seen. The id ends in the stream's number. */
static struct marker *marker_of(struct tg_view id)
{
	for (unsigned i = 0; i < TG_PLANT_TABLES; i++)
		if (markers[i].version == 0 || tg_view_same(tg_view_str(markers[i].id), id))
			return &markers[i];
	TG_ASSERT(false);
	return NULL;
}

static void vector_of(const struct marker *marker, char at[40])
{
	snprintf(at, 40, marker->version == 0 ? "\"\"" : "\"A:%u-r/Jh5unACUG/3qmitO9bAQ\"",
		 marker->version);
}

/* "...docs?id=Tidegate%2Fsim-..%2Fup%2F1 HTTP/1.1" as a JSON string. */
static void asked_id(const char *request, char id[ID_BYTES])
{
	const char *at = strstr(request, "?id=");
	size_t used = 0;

	TG_ASSERT(at != NULL);
	id[used++] = '"';
	for (at += 4; *at != ' ' && used < ID_BYTES - 2; at++) {
		bool slash = strncmp(at, "%2F", 3) == 0;

		id[used++] = slash ? '/' : *at;
		at += slash ? 2 : 0;
	}
	id[used++] = '"';
	id[used] = '\0';
}

/* --- rows --- */

static uint32_t table_of(struct tg_view stream)
{
	TG_ASSERT(stream.bytes == 12 && memcmp(stream.at, "\"r/plant/t", 10) == 0);
	return (uint32_t)(stream.at[10] - '0');
}

/* A source that reads it will know it for what it is. */
static void check_sum(struct tg_view command, struct tg_view members, struct tg_view metadata)
{
	struct tg_raven_echo echo;
	char text[TG_RAVEN_ECHO_BYTES];

	tg_raven_echo_start(&echo);
	tg_raven_echo_put(&echo, tg_member_of(command, "Id"));
	tg_raven_echo_put(&echo, tg_member_of(metadata, "@collection"));
	tg_raven_echo_put(&echo, tg_view_str(","));
	tg_raven_echo_put(&echo, members);
	tg_raven_echo_write(tg_raven_echo_end(&echo), text);
	TG_ASSERT(memcmp(tg_member_of(metadata, "Tidegate-Hash").at + 1, text, sizeof(text)) == 0);
}

/* {"id":7,"pad":"..","v":3,"@metadata":{...}}: the row that its version says. */
static void take_put(struct tg_target *target, uint32_t table, struct tg_view command)
{
	struct tg_view document = tg_member_of(command, "Document");
	struct tg_view metadata = tg_member_of(document, "@metadata");
	uint32_t key = (uint32_t)number_of(document, "id");
	uint32_t version = (uint32_t)number_of(document, "v");
	const size_t name_bytes = sizeof(",\"@metadata\":") - 1;
	size_t members = (size_t)(metadata.at - document.at) - name_bytes;
	char row[512];

	TG_ASSERT(key < TG_PLANT_ROWS_MAX &&
		  number_of(metadata, "Tidegate-Seq") == target->seq[table]);
	size_t bytes = tg_plant_row(table, key, version, row);
	TG_ASSERT(members == bytes - 1 && memcmp(document.at, row, members) == 0);
	check_sum(command, tg_view_of(document.at + 1, members - 1), metadata);
	target->version[table][key] = version;
}

static void take_delete(struct tg_target *target, uint32_t table, struct tg_view id)
{
	char text[32];

	copy(text, sizeof(text), id);
	TG_ASSERT(text[1] == 't' && (uint32_t)(text[2] - '0') == table);
	target->version[table][strtoul(text + 4, NULL, 10)] = 0;
}

/* Behind the marker, one command a sequence. */
static void take_commands(struct tg_target *target, struct tg_members *members,
			  struct tg_view marker)
{
	struct tg_view document = tg_member_of(marker, "Document"), name, command;
	uint32_t table = table_of(tg_member_of(document, "stream"));

	TG_ASSERT(number_of(document, "first") == target->seq[table] + 1);
	while (tg_members_next(members, &name, &command)) {
		struct tg_view type = tg_member_of(command, "Type");

		target->seq[table]++;
		target->lines++;
		if (tg_view_same(type, tg_view_str("\"PUT\"")))
			take_put(target, table, command);
		else
			take_delete(target, table, tg_member_of(command, "Id"));
	}
	TG_ASSERT(number_of(document, "last") == target->seq[table]);
}

/* --- answers --- */

static void say(struct tg_sim_conn *conn, const char *status, const char *body)
{
	char text[2048];

	snprintf(text, sizeof(text), "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", status,
		 strlen(body), body);
	tg_sim_send(conn, tg_view_str(text));
}

static void look(struct tg_sim_conn *conn, const char *request)
{
	char id[ID_BYTES], vector[40], body[1500];

	asked_id(request, id);
	const struct marker *marker = marker_of(tg_view_str(id));
	if (marker->version == 0) {
		say(conn, "404 Not Found", "");
		return;
	}
	vector_of(marker, vector);
	snprintf(body, sizeof(body),
		 "{\"Results\":[{%s,\"@metadata\":{\"@change-vector\":%s,\"@id\":%s}}],"
		 "\"Includes\":{}}",
		 marker->document, vector, marker->id);
	say(conn, "200 OK", body);
}

static void apply(struct tg_target *target, struct marker *marker, struct tg_members *members,
		  struct tg_view command)
{
	struct tg_view document = tg_member_of(command, "Document");
	struct tg_view metadata = tg_member_of(document, "@metadata");
	size_t bytes = (size_t)(metadata.at - document.at) - sizeof(",\"@metadata\":");

	copy(marker->id, sizeof(marker->id), tg_member_of(command, "Id"));
	copy(marker->document, sizeof(marker->document), tg_view_of(document.at + 1, bytes));
	marker->version++;
	take_commands(target, members, command);
}

static void batch(struct tg_target *target, struct tg_sim_conn *conn, struct tg_view body)
{
	struct tg_members members;
	struct tg_view name, command;
	char vector[40], answer[512];

	bool list = tg_members_start(&members, tg_member_of(body, "Commands"));
	TG_ASSERT(list && tg_members_next(&members, &name, &command));
	struct marker *marker = marker_of(tg_member_of(command, "Id"));
	if (tg_sim_draw(1000) < target->busy_chance) {
		say(conn, "503 Service Unavailable", "");
		return;
	}
	vector_of(marker, vector);
	if (!tg_view_same(tg_member_of(command, "ChangeVector"), tg_view_str(vector))) {
		target->repeats++;
		say(conn, "409 Conflict", "{\"Type\":\"X.ConcurrencyException\"}");
		return;
	}
	apply(target, marker, &members, command);
	vector_of(marker, vector);
	snprintf(answer, sizeof(answer),
		 "{\"Results\":[{\"Type\":\"PUT\",\"@id\":%s,\"@change-vector\":%s}]}", marker->id,
		 vector);
	if (tg_sim_draw(1000) < target->mute_chance)
		tg_sim_reset(conn);
	else
		say(conn, "201 Created", answer);
}

/* --- the connection --- */

/* The bytes of the chunked body, its end included; 0: it is not whole. */
static size_t chunked_bytes(const char *body, size_t bytes)
{
	size_t at = 0;

	for (;;) {
		const char *end = memchr(body + at, '\n', bytes - at);
		if (end == NULL)
			return 0;
		size_t chunk = strtoul(body + at, NULL, 16), from = (size_t)(end + 1 - body);
		if (bytes < from + chunk + 2)
			return 0;
		at = from + chunk + 2;
		if (chunk == 0)
			return at;
	}
}

/* Joins the chunks in place; returns how much they hold. */
static size_t join(char *body)
{
	size_t at = 0, to = 0, chunk;

	while ((chunk = strtoul(body + at, NULL, 16)) != 0) {
		size_t from = (size_t)(strchr(body + at, '\n') + 1 - body);

		memmove(body + to, body + from, chunk);
		to += chunk;
		at = from + chunk + 2;
	}
	return to;
}

static size_t take(struct tg_target *target, struct tg_sim_conn *conn, char *in, size_t bytes)
{
	char *body = strstr(in, "\r\n\r\n");

	if (body == NULL)
		return 0;
	body += 4;
	size_t head = (size_t)(body - in);
	if (strncmp(in, "POST ", 5) != 0) {
		look(conn, in);
		return head;
	}
	size_t body_bytes = chunked_bytes(body, bytes - head);
	if (body_bytes == 0)
		return 0;
	batch(target, conn, tg_view_of(body, join(body)));
	return head + body_bytes;
}

void tg_raven_listen(struct tg_target *target)
{
	memset(markers, 0, sizeof(markers));
	tg_target_listen_by(target, take);
}
