#include "tests/replay/raven_peer.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "platform/assert.h"
#include "tests/replay/socket.h"

/* --- the database --- */

static int find(const struct tg_raven_peer *peer, const char *id)
{
	for (uint32_t i = 0; i < peer->doc_count; i++)
		if (strcasecmp(peer->docs[i].id, id) == 0)
			return (int)i;
	return -1;
}

static struct tg_raven_peer_doc take_out(struct tg_raven_peer_doc *docs, uint32_t *count,
					 uint32_t at)
{
	struct tg_raven_peer_doc doc = docs[at];

	memmove(docs + at, docs + at + 1, (*count - at - 1) * sizeof(docs[0]));
	--*count;
	return doc;
}

static void add(struct tg_raven_peer *peer, const struct tg_raven_peer_doc *doc)
{
	int there = find(peer, doc->id);

	if (there >= 0)
		(void)take_out(peer->docs, &peer->doc_count, (uint32_t)there);
	for (uint32_t i = 0; i < peer->tomb_count; i++)
		if (strcasecmp(peer->tombs[i].id, doc->id) == 0)
			(void)take_out(peer->tombs, &peer->tomb_count, i--);
	TG_ASSERT(peer->doc_count < TG_RAVEN_PEER_DOCS);
	peer->docs[peer->doc_count++] = *doc;
}

void tg_raven_peer_put(struct tg_raven_peer *peer, const char *id, const char *collection,
		       unsigned value)
{
	struct tg_raven_peer_doc doc = { .value = value, .etag = ++peer->etag };

	peer->quiet = 0;
	snprintf(doc.id, sizeof(doc.id), "%s", id);
	snprintf(doc.collection, sizeof(doc.collection), "%s", collection);
	snprintf(doc.vector, sizeof(doc.vector), "%s:%" PRIu64 "-%s", peer->tag, doc.etag,
		 peer->database_id);
	add(peer, &doc);
}

void tg_raven_peer_put_from(struct tg_raven_peer *peer, const char *id, unsigned value,
			    const char *vector)
{
	struct tg_raven_peer_doc doc = { .value = value,
					 .etag = ++peer->etag,
					 .collection = "Orders" };

	snprintf(doc.id, sizeof(doc.id), "%s", id);
	snprintf(doc.vector, sizeof(doc.vector), "%s", vector);
	snprintf(peer->others, sizeof(peer->others), "%s", vector);
	add(peer, &doc);
}

void tg_raven_peer_conflict(struct tg_raven_peer *peer, const char *id)
{
	static const char others[] = "B:7-DATABASEB00000000000FA";
	int there = find(peer, id);
	char own[sizeof(peer->conflict.vector)];

	TG_ASSERT(there >= 0 && peer->conflicts == 0);
	peer->conflict = take_out(peer->docs, &peer->doc_count, (uint32_t)there);
	snprintf(own, sizeof(own), "%.80s", peer->conflict.vector);
	snprintf(peer->conflict.vector, sizeof(own), "%.80s, %.38s", own, others);
	snprintf(peer->others, sizeof(peer->others), "%s", others);
	peer->quiet = peer->quiet == 0 ? peer->etag : peer->quiet;
	peer->etag++;
	peer->conflicts = 1;
}

void tg_raven_peer_resolve(struct tg_raven_peer *peer, unsigned value)
{
	TG_ASSERT(peer->conflicts == 1);
	peer->conflicts = 0;
	peer->conflict.value = value;
	peer->conflict.etag = ++peer->etag;
	add(peer, &peer->conflict);
}

void tg_raven_peer_more(struct tg_raven_peer *peer, const char *more)
{
	struct tg_raven_peer_doc *doc = &peer->docs[peer->doc_count - 1];

	snprintf(doc->more, sizeof(doc->more), "%s", more);
}

void tg_raven_peer_delete(struct tg_raven_peer *peer, const char *id)
{
	int there = find(peer, id);

	TG_ASSERT(there >= 0);
	struct tg_raven_peer_doc doc = take_out(peer->docs, &peer->doc_count, (uint32_t)there);
	doc.etag = ++peer->etag;
	peer->quiet = 0;
	for (char *at = doc.id; *at != '\0'; at++)
		*at = (char)(*at >= 'A' && *at <= 'Z' ? *at + 32 : *at);
	snprintf(doc.vector, sizeof(doc.vector), "%s:%" PRIu64 "-%s", peer->tag, doc.etag,
		 peer->database_id);
	peer->tombs[peer->tomb_count++] = doc;
}

void tg_raven_peer_wipe(struct tg_raven_peer *peer)
{
	peer->tomb_count = 0;
}

void tg_raven_peer_renew(struct tg_raven_peer *peer)
{
	peer->doc_count = peer->tomb_count = 0;
	peer->etag = peer->quiet = 0;
	peer->others[0] = '\0';
	peer->database_id[0]++;
	peer->cluster_id[0]++;
}

const char *tg_raven_peer_vector(const struct tg_raven_peer *peer)
{
	static char vector[400];

	vector[0] = '\0';
	if (peer->etag > 0)
		snprintf(vector, sizeof(vector), "%s%s%s:%" PRIu64 "-%s", peer->others,
			 peer->others[0] != '\0' ? ", " : "", peer->tag,
			 peer->quiet > 0 ? peer->quiet : peer->etag, peer->database_id);
	return vector;
}

/* --- answers --- */

static void send_text(struct tg_raven_peer *peer, const char *text, size_t bytes)
{
	TG_ASSERT(bytes <= sizeof(peer->out_) - peer->out_bytes_);
	memcpy(peer->out_ + peer->out_bytes_, text, bytes);
	peer->out_bytes_ += bytes;
}

static void send_head(struct tg_raven_peer *peer, unsigned status, bool bodied)
{
	char head[1024];
	int bytes = snprintf(head, sizeof(head),
			     "HTTP/1.1 %u X\r\nContent-Type: application/json; charset=utf-8\r\n%s"
			     "Raven-Server-Version: 6.2.4.62028\r\nDatabase-Cluster-Tx-Id: %s\r\n",
			     status, bodied ? "Transfer-Encoding: chunked\r\n" : "",
			     peer->cluster_id);

	send_text(peer, head, (size_t)bytes);
	if (status == 200) {
		bytes = snprintf(head, sizeof(head), "ETag: \"%s\"\r\n",
				 tg_raven_peer_vector(peer));
		send_text(peer, head, (size_t)bytes);
	}
	send_text(peer, "\r\n", 2);
}

void tg_raven_peer_answer(struct tg_raven_peer *peer, unsigned status, const char *body)
{
	char size[24];
	size_t left = strlen(body), piece = peer->piece_bytes;

	peer->calls++;
	peer->unchanged += status == 304;
	send_head(peer, status, status != 304 && status != 204);
	if (status == 304 || status == 204)
		return;
	while (left > 0) {
		size_t bytes = piece > 0 && piece < left ? piece : left;
		int head = snprintf(size, sizeof(size), "%zx\r\n", bytes);
		send_text(peer, size, (size_t)head);
		send_text(peer, body, bytes);
		send_text(peer, "\r\n", 2);
		body += bytes;
		left -= bytes;
	}
	send_text(peer, "0\r\n\r\n", 5);
}

static size_t put_metadata(char *at, size_t cap, const struct tg_raven_peer_doc *doc)
{
	char collection[sizeof(doc->collection) + 24] = "";

	/* One that has none is listed as @empty, and does not say so itself. */
	if (strcmp(doc->collection, "@empty") != 0)
		snprintf(collection, sizeof(collection), "\"@collection\":\"%s\",",
			 doc->collection);
	return (size_t)snprintf(at, cap,
				"\"@metadata\":{%s\"@change-vector\":\"%s\","
				"\"@id\":\"%s\",\"@last-modified\":"
				"\"2026-11-21T10:00:00.%07" PRIu64 "Z\"%s}",
				collection, doc->vector, doc->id, doc->etag, doc->more);
}

static size_t put_doc(char *at, size_t cap, const struct tg_raven_peer_doc *doc, bool metadata_only)
{
	size_t used = 0;

	used += (size_t)snprintf(at, cap, "{");
	if (!metadata_only)
		used += (size_t)snprintf(at + used, cap - used, "\"v\":%u,", doc->value);
	used += put_metadata(at + used, cap - used, doc);
	return used + (size_t)snprintf(at + used, cap - used, "}");
}

static uint64_t number(const char *path, const char *name)
{
	const char *at = strstr(path, name);

	return at == NULL ? UINT64_MAX : strtoull(at + strlen(name), NULL, 10);
}

static void answer_docs(struct tg_raven_peer *peer, const char *path)
{
	uint64_t from = number(path, "etag="), rows = number(path, "pageSize="), given = 0;
	size_t used = (size_t)sprintf(peer->body_, "{\"Results\":[");

	for (uint32_t i = 0; i < peer->doc_count && given < rows; i++) {
		if (peer->docs[i].etag < from)
			continue;
		if (given++ > 0)
			peer->body_[used++] = ',';
		used += put_doc(peer->body_ + used, sizeof(peer->body_) - used, &peer->docs[i],
				false);
	}
	sprintf(peer->body_ + used, "]}");
	tg_raven_peer_answer(peer, 200, peer->body_);
}

static void decode(const char *text, char *out)
{
	for (; *text != '\0' && *text != '&'; text++) {
		unsigned byte = (unsigned char)*text;
		if (*text == '%') {
			sscanf(text + 1, "%2x", &byte);
			text += 2;
		}
		*out++ = (char)byte;
	}
	*out = '\0';
}

/* The first document behind `after`, by id. */
static const struct tg_raven_peer_doc *behind(const struct tg_raven_peer *peer, const char *after)
{
	const struct tg_raven_peer_doc *best = NULL;

	for (uint32_t i = 0; i < peer->doc_count; i++) {
		const struct tg_raven_peer_doc *doc = &peer->docs[i];
		if (strcasecmp(doc->id, after) > 0 &&
		    (best == NULL || strcasecmp(doc->id, best->id) < 0))
			best = doc;
	}
	return best;
}

static void answer_keys(struct tg_raven_peer *peer, const char *path)
{
	uint64_t rows = number(path, "pageSize="), given = 0;
	size_t used = (size_t)sprintf(peer->body_, "{\"Results\":[");
	const struct tg_raven_peer_doc *doc;
	char after[256];

	decode(strstr(path, "startAfter=") + 11, after);
	while (given < rows && (doc = behind(peer, after)) != NULL) {
		if (given++ > 0)
			peer->body_[used++] = ',';
		used += put_doc(peer->body_ + used, sizeof(peer->body_) - used, doc, true);
		snprintf(after, sizeof(after), "%s", doc->id);
	}
	sprintf(peer->body_ + used, "]}");
	tg_raven_peer_answer(peer, 200, peer->body_);
}

static void answer_tombstones(struct tg_raven_peer *peer)
{
	size_t used = (size_t)sprintf(peer->body_, "{\"%s\":[",
				      peer->old_spelling ? "Results" : "Tombstones");

	for (uint32_t i = 0; i < peer->tomb_count; i++) {
		const struct tg_raven_peer_doc *tomb = &peer->tombs[i];
		used += (size_t)sprintf(peer->body_ + used,
					"%s{\"Id\":\"%s\",\"Etag\":%" PRIu64
					",\"DeletedEtag\":1,\"Type\":\"Document\","
					"\"ChangeVector\":\"%s\",%s\"Collection\":\"%s\"}",
					i > 0 ? "," : "", tomb->id, tomb->etag, tomb->vector,
					peer->old_spelling ? ""
							   : "\"LastModified\":"
							     "\"2026-11-21T10:00:00.0000000Z\",",
					tomb->collection);
	}
	sprintf(peer->body_ + used, peer->old_spelling ? "]}" : "],\"ContinuationToken\":null}");
	tg_raven_peer_answer(peer, 200, peer->body_);
}

static void answer_stats(struct tg_raven_peer *peer)
{
	snprintf(
		peer->body_, sizeof(peer->body_),
		"{\"@metadata\":{\"DateTime\":\"2026-11-21T10:00:00.0000000Z\",\"NodeTag\":\"%s\"},"
		"\"CountOfDocuments\":%u,\"CountOfDocumentsConflicts\":%u,\"Indexes\":[],"
		"\"DatabaseChangeVector\":\"%s\",\"DatabaseId\":\"%s\",\"LastDocEtag\":%" PRIu64
		",\"LastDatabaseEtag\":%" PRIu64 "}",
		peer->tag, peer->doc_count, peer->conflicts, tg_raven_peer_vector(peer),
		peer->database_id, peer->etag, peer->etag);
	tg_raven_peer_answer(peer, 200, peer->body_);
}

static void answer_collections(struct tg_raven_peer *peer)
{
	size_t used = (size_t)sprintf(peer->body_, "{\"CountOfDocuments\":%u,\"Collections\":{",
				      peer->doc_count);
	bool first = true;

	for (uint32_t i = 0; i < peer->doc_count; i++) {
		const char *name = peer->docs[i].collection;
		uint32_t count = 0, before = 0;
		for (uint32_t k = 0; k < peer->doc_count; k++) {
			bool same = strcasecmp(peer->docs[k].collection, name) == 0;
			count += same;
			before += same && k < i;
		}
		if (before > 0)
			continue;
		used += (size_t)sprintf(peer->body_ + used, "%s\"%s\":%u", first ? "" : ",", name,
					count);
		first = false;
	}
	sprintf(peer->body_ + used, "}}");
	tg_raven_peer_answer(peer, 200, peer->body_);
}

static void answer_topology(struct tg_raven_peer *peer)
{
	if (peer->topology[0] == '\0')
		snprintf(peer->topology, sizeof(peer->topology),
			 "{\"Nodes\":[{\"Url\":\"http://127.0.0.1:%u\",\"ClusterTag\":\"%s\","
			 "\"ServerRole\":\"Member\"}],\"Etag\":1}",
			 peer->port, peer->tag);
	tg_raven_peer_answer(peer, 200, peer->topology);
}

static void answer(struct tg_raven_peer *peer, const char *path)
{
	size_t used = strlen(peer->log);
	const char *call = strncmp(path, "/databases/seed", 15) == 0 ? path + 15 : path;

	snprintf(peer->log + used, sizeof(peer->log) - used, "%s\n", call);
	if (peer->hook != NULL && peer->hook(peer, call))
		return;
	if (strncmp(call, "/topology", 9) == 0)
		answer_topology(peer);
	else if (strcmp(call, "/stats") == 0)
		answer_stats(peer);
	else if (strcmp(call, "/collections/stats") == 0)
		answer_collections(peer);
	else if (strcmp(call, "/replication/tombstones") == 0)
		answer_tombstones(peer);
	else if (peer->match_[0] != '\0' && strcmp(peer->match_, tg_raven_peer_vector(peer)) == 0)
		tg_raven_peer_answer(peer, 304, "");
	else if (strncmp(call, "/docs?etag=", 11) == 0)
		answer_docs(peer, call);
	else if (strncmp(call, "/docs?startsWith=", 17) == 0)
		answer_keys(peer, call);
	else
		tg_raven_peer_answer(peer, 400,
				     "{\"Url\":\"/\",\"Type\":\"X.RouteNotFoundException\","
				     "\"Message\":\"no\"}");
}

/* --- the connection --- */

void tg_raven_peer_start(struct tg_raven_peer *peer, const char *tag)
{
	memset(peer, 0, offsetof(struct tg_raven_peer, in_));
	snprintf(peer->tag, sizeof(peer->tag), "%s", tag);
	snprintf(peer->database_id, sizeof(peer->database_id), "%s", "DATABASE0000000000000A");
	peer->database_id[8] = tag[0];
	snprintf(peer->cluster_id, sizeof(peer->cluster_id), "%s", "CLUSTER00000000000000A");
	peer->fd_ = -1;
	peer->listener_ = tg_peer_socket(&peer->port);
}

void tg_raven_peer_drop(struct tg_raven_peer *peer)
{
	tg_peer_close(&peer->fd_);
}

void tg_raven_peer_stop(struct tg_raven_peer *peer)
{
	tg_raven_peer_drop(peer);
	tg_peer_close(&peer->listener_);
}

static void welcome(struct tg_raven_peer *peer)
{
	int fd = tg_peer_accept(peer->listener_);

	if (fd < 0)
		return;
	tg_raven_peer_drop(peer);
	if (peer->deaf) {
		tg_peer_close(&fd);
		return;
	}
	peer->fd_ = fd;
	peer->in_bytes_ = peer->out_bytes_ = peer->out_sent_ = 0;
}

static bool receive(struct tg_raven_peer *peer)
{
	if (!tg_peer_receive(&peer->fd_, peer->in_, sizeof(peer->in_) - 1, &peer->in_bytes_))
		return false;
	peer->in_[peer->in_bytes_] = '\0';
	return true;
}

static bool take(struct tg_raven_peer *peer)
{
	char path[16384];
	char *end = strstr(peer->in_, "\r\n\r\n");

	if (peer->in_bytes_ == 0 || end == NULL)
		return false;
	*end = '\0';
	TG_ASSERT(sscanf(peer->in_, "GET %16383s HTTP/1.1", path) == 1);
	TG_ASSERT(strstr(peer->in_, "\r\nHost: 127.0.0.1:") != NULL);
	peer->match_[0] = '\0';
	char *match = strstr(peer->in_, "If-None-Match: \"");
	if (match != NULL)
		TG_ASSERT(sscanf(match + 16, "%255[^\"]", peer->match_) == 1);
	size_t bytes = (size_t)(end + 4 - peer->in_);
	peer->in_bytes_ -= bytes;
	memmove(peer->in_, peer->in_ + bytes, peer->in_bytes_ + 1);
	answer(peer, path);
	return true;
}

static bool send_some(struct tg_raven_peer *peer)
{
	size_t bytes = peer->out_bytes_ - peer->out_sent_;

	if (bytes == 0)
		return false;
	if (peer->drop_after > 0 && bytes > peer->drop_after)
		bytes = (size_t)peer->drop_after;
	ssize_t sent = send(peer->fd_, peer->out_ + peer->out_sent_, bytes, MSG_NOSIGNAL);
	if (sent <= 0)
		return false;
	peer->out_sent_ += (size_t)sent;
	if (peer->out_sent_ == peer->out_bytes_)
		peer->out_sent_ = peer->out_bytes_ = 0;
	if (peer->drop_after > 0 && (peer->drop_after -= (uint64_t)sent) == 0)
		tg_raven_peer_drop(peer);
	return true;
}

bool tg_raven_peer_step(struct tg_raven_peer *peer)
{
	bool moved = false;

	welcome(peer);
	if (peer->fd_ >= 0)
		moved = receive(peer);
	while (peer->fd_ >= 0 && take(peer))
		moved = true;
	if (peer->fd_ >= 0)
		moved = send_some(peer) || moved;
	return moved;
}
