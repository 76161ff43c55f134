/* raven_peer.h - a small RavenDB on a loopback port: one database, one node, answering what the
 * source asks (reference/ravendb.md, and the recordings beside this file).
 *
 * Tests put and delete documents at any moment, and may answer a call themselves. It is stepped by
 * the test beside the driver: nothing here waits.
 */
#ifndef TG_TESTS_REPLAY_RAVEN_PEER_H
#define TG_TESTS_REPLAY_RAVEN_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TG_RAVEN_PEER_DOCS = 3000,
	TG_RAVEN_PEER_OUT_BYTES = 4 << 20,
	TG_RAVEN_PEER_LOG_BYTES = 65536,
};

struct tg_raven_peer_doc {
	char id[48], collection[24], vector[120], more[96];
	unsigned value;
	uint64_t etag;
};

struct tg_raven_peer;
typedef bool tg_raven_peer_hook(struct tg_raven_peer *peer, const char *path);

struct tg_raven_peer {
	char tag[4], database_id[23], cluster_id[23];
	uint64_t etag; /* the last one given */
	/* In the order of their etags. */
	struct tg_raven_peer_doc docs[TG_RAVEN_PEER_DOCS], tombs[TG_RAVEN_PEER_DOCS];
	uint32_t doc_count, tomb_count, conflicts;
	struct tg_raven_peer_doc conflict; /* the document that is in conflict */
	uint64_t quiet;      /* the vector's own entry stays there: what came since is others' */
	char others[128];    /* entries of other nodes in the database's vector: "B:7-..." */
	char topology[512];  /* instead of this node alone */
	bool old_spelling;   /* tombstones as 5.4 lists them */
	size_t piece_bytes;  /* chunks of what is sent; 0: all at once */
	uint64_t drop_after; /* the connection ends after so many bytes sent; 0: not */
	tg_raven_peer_hook *hook; /* true: it answered */
	void *context;
	unsigned calls, unchanged;         /* answered; of these with 304 */
	char log[TG_RAVEN_PEER_LOG_BYTES]; /* paths, a line each, without /databases/seed */
	uint16_t port;
	bool deaf; /* accepts nobody */
	int listener_, fd_;
	size_t in_bytes_, out_bytes_, out_sent_;
	char match_[256];
	/* Not cleared at the start. */
	char in_[32768], out_[TG_RAVEN_PEER_OUT_BYTES], body_[TG_RAVEN_PEER_OUT_BYTES / 2];
};

void tg_raven_peer_start(struct tg_raven_peer *peer, const char *tag);
bool tg_raven_peer_step(struct tg_raven_peer *peer);
void tg_raven_peer_drop(struct tg_raven_peer *peer);
void tg_raven_peer_stop(struct tg_raven_peer *peer);

void tg_raven_peer_put(struct tg_raven_peer *peer, const char *id, const char *collection,
		       unsigned value);
/* As replication brings it: the vector is another node's. */
void tg_raven_peer_put_from(struct tg_raven_peer *peer, const char *id, unsigned value,
			    const char *vector);
/* Another node's version of a document comes: until it is resolved, neither can be read. Resolved,
 * the document has both versions' vectors and nothing of this node's, though a new etag. */
void tg_raven_peer_conflict(struct tg_raven_peer *peer, const char *id);
void tg_raven_peer_resolve(struct tg_raven_peer *peer, unsigned value);
/* More metadata of the newest document: ",\"@flags\":\"...\"". */
void tg_raven_peer_more(struct tg_raven_peer *peer, const char *more);
void tg_raven_peer_delete(struct tg_raven_peer *peer, const char *id);
/* The server's cleaner. */
void tg_raven_peer_wipe(struct tg_raven_peer *peer);
/* Another, empty database under the same name. */
void tg_raven_peer_renew(struct tg_raven_peer *peer);

/* Sends an answer with `body` in chunks, and the usual headers. */
void tg_raven_peer_answer(struct tg_raven_peer *peer, unsigned status, const char *body);
/* The database's change vector. */
const char *tg_raven_peer_vector(const struct tg_raven_peer *peer);

#endif
