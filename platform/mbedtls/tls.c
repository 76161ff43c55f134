#include "platform/tls.h"

#include "platform/assert.h"
#include "platform/loop.h"
#include "platform/mbedtls/explain.h"
#include "platform/mbedtls/session.h"

#include <mbedtls/net_sockets.h>
#include <stdio.h>

static struct tg_tls slots[CONFIG_TG_TLS_CONNECTIONS_MAX];

/* A peer that refuses us in the handshake may close before it has read all of what we said, which
 * resets the connection under our next message. Its alert lies in the socket all the same: the
 * message counts as sent, so that mbedTLS comes to read. */
static int send_some(void *at, const unsigned char *bytes, size_t count)
{
	struct tg_tls *tls = at;
	int put = tls->deaf ? TG_ERR_RESET : tg_net_send(tls->net, bytes, count);

	if (put == TG_ERR_AGAIN)
		return MBEDTLS_ERR_SSL_WANT_WRITE;
	if (put >= 0)
		return put;
	if (tls->open)
		return MBEDTLS_ERR_NET_CONN_RESET;
	tls->deaf = true;
	return (int)count;
}

static void note_first(struct tg_tls *tls, const unsigned char *at, unsigned count)
{
	for (unsigned i = 0; i < count && tls->first_count < TG_TLS_FIRST_BYTES; i++)
		tls->first[tls->first_count++] = at[i];
}

/* mbedTLS asks for a record's head, then for its body. */
static int take_raw(struct tg_tls *tls, unsigned char *to, size_t cap)
{
	size_t bytes = tls->raw_bytes < cap ? tls->raw_bytes : cap;

	if (bytes == 0)
		return tls->raw_end;
	memcpy(to, tls->raw, bytes);
	tls->raw += bytes;
	tls->raw_bytes -= bytes;
	return (int)bytes;
}

static int recv_some(void *at, unsigned char *to, size_t cap)
{
	struct tg_tls *tls = at;
	int got = tls->at_once ? take_raw(tls, to, cap) : tg_net_recv(tls->net, to, cap);

	if (got == TG_ERR_AGAIN)
		return MBEDTLS_ERR_SSL_WANT_READ;
	if (got == TG_ERR_CLOSED && !tls->deaf)
		return 0;
	if (got < 0)
		return MBEDTLS_ERR_NET_CONN_RESET;
	note_first(tls, to, (unsigned)got);
	return got;
}

const char *tg_tls_peer_name(const struct tg_tls *tls)
{
	const char *name = tls->credentials->server_name;

	return name[0] != '\0' ? name : tg_net_host(tls->net);
}

static struct tg_tls *take_slot(void)
{
	for (size_t i = 0; i < CONFIG_TG_TLS_CONNECTIONS_MAX; i++) {
		if (!slots[i].taken)
			return &slots[i];
	}
	return NULL;
}

/* An address is never sent as SNI (RFC 6066, section 3). */
static int set_up(struct tg_tls *tls)
{
	const char *name = tg_tls_peer_name(tls);
	int failed = mbedtls_ssl_setup(&tls->ssl, &tls->credentials->config);

	if (failed == 0)
		failed = mbedtls_ssl_set_hostname(&tls->ssl,
						  tg_tls_name_is_address(name) ? NULL : name);
	if (failed != 0)
		return failed;
	mbedtls_ssl_set_verify(&tls->ssl, tg_tls_verify, tls);
	mbedtls_ssl_set_bio(&tls->ssl, tls, send_some, recv_some, NULL);
	tg_tls_session_offer(tls);
	return 0;
}

int tg_tls_open(struct tg_tls **out, struct tg_tls_credentials *credentials, struct tg_net *net,
		struct tg_why *why)
{
	struct tg_tls *tls = take_slot();

	*out = NULL;
	TG_ASSERT(credentials->taken);
	if (tls == NULL)
		return tg_why_set(why, TG_ERR_TLS,
				  "all %d TLS connections are in use: raise TG_TLS_CONNECTIONS_MAX",
				  CONFIG_TG_TLS_CONNECTIONS_MAX);
	memset(tls, 0, sizeof(*tls));
	tls->taken = true;
	tls->credentials = credentials;
	tls->net = net;
	mbedtls_ssl_init(&tls->ssl);
	if (set_up(tls) != 0) {
		tg_tls_close(tls);
		return tg_tls_explain_memory(why);
	}
	*out = tls;
	return 0;
}

static void finish(struct tg_tls *tls)
{
	const char *version = mbedtls_ssl_get_version(&tls->ssl);

	tls->open = true;
	tls->recv_needs = TG_WANT_READ;
	tls->send_needs = TG_WANT_WRITE;
	snprintf(tls->described, sizeof(tls->described), "%s %s%s", version,
		 mbedtls_ssl_get_ciphersuite(&tls->ssl), tls->verified ? "" : " (resumed)");
	/* A TLS 1.3 session is worth keeping only once its ticket came, behind the handshake. */
	if (strcmp(version, "TLSv1.3") != 0)
		tg_tls_session_keep(tls);
}

static void learn(struct tg_tls *tls, int failed)
{
#if defined(TG_MBEDTLS_2)
	(void)tls;
	(void)failed;
#else
	if (failed != MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER || tls->credentials->left_pss ||
	    mbedtls_ssl_get_version_number(&tls->ssl) != MBEDTLS_SSL_VERSION_TLS1_2)
		return;
	tg_tls_leave_pss(tls->credentials);
	tls->again = true;
#endif
}

bool tg_tls_again(const struct tg_tls *tls)
{
	return tls->again;
}

/* TLS 1.3 hands tickets on between the peer's bytes, and mbedTLS says so in whatever call comes
 * next, a write too; the call is repeated then. A bound keeps a flood of them from holding us. */
enum { TICKETS_MAX = 8 };

static bool took_ticket(struct tg_tls *tls, int result)
{
#if !defined(TG_MBEDTLS_2) && defined(MBEDTLS_SSL_PROTO_TLS1_3)
	if (result == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) {
		tg_tls_session_keep(tls);
		return true;
	}
#else
	(void)tls;
	(void)result;
#endif
	return false;
}

static int read_some(struct tg_tls *tls, uint8_t *at, size_t cap)
{
	int got = mbedtls_ssl_read(&tls->ssl, at, cap);

	for (unsigned turn = 0; turn < TICKETS_MAX && took_ticket(tls, got); turn++)
		got = mbedtls_ssl_read(&tls->ssl, at, cap);
	return got;
}

/* With TLS 1.3 our side may be done before the refusal is read. */
static int shake_hands(struct tg_tls *tls)
{
	uint8_t byte;
	int failed = mbedtls_ssl_handshake(&tls->ssl);

	if (failed == 0 && tls->deaf)
		failed = read_some(tls, &byte, sizeof(byte));
	return failed > 0 ? MBEDTLS_ERR_NET_CONN_RESET : failed;
}

int tg_tls_step(struct tg_tls *tls, struct tg_why *why)
{
	uint64_t refused = tg_tls_pool_now().refused_count;

	if (tls->open)
		return 0;
	tls->why = why;
	int failed = shake_hands(tls);
	tls->why = NULL;
	if (failed == 0) {
		finish(tls);
		return 0;
	}
	tls->recv_needs = failed == MBEDTLS_ERR_SSL_WANT_WRITE ? TG_WANT_WRITE : TG_WANT_READ;
	if (failed == MBEDTLS_ERR_SSL_WANT_READ || failed == MBEDTLS_ERR_SSL_WANT_WRITE)
		return TG_ERR_AGAIN;
	learn(tls, failed);
	if (tls->offered) /* perhaps the peer cannot bear it: the next attempt starts afresh */
		tg_tls_session_forget(tls->credentials);
	if (tg_tls_pool_now().refused_count != refused)
		return tg_tls_explain_memory(why);
	return tls->refused ? TG_ERR_CERT : tg_tls_explain(tls, failed, why);
}

static int write_some(struct tg_tls *tls, const uint8_t *at, size_t bytes)
{
	int put = mbedtls_ssl_write(&tls->ssl, at, bytes);

	for (unsigned turn = 0; turn < TICKETS_MAX && took_ticket(tls, put); turn++)
		put = mbedtls_ssl_write(&tls->ssl, at, bytes);
	return put;
}

static bool again(int result, unsigned *needs)
{
	*needs = result == MBEDTLS_ERR_SSL_WANT_WRITE ? TG_WANT_WRITE : TG_WANT_READ;
	return result == MBEDTLS_ERR_SSL_WANT_WRITE || result == MBEDTLS_ERR_SSL_WANT_READ;
}

/* Records are decrypted into the same buffer that they were received into, with one call of the
 * kernel for all of them instead of two for each:
 *
 *      at                filled ->      raw ->                       cap
 *      | decrypted             |        | not yet taken by mbedTLS    |
 *      |<------------ GAP ------------->|  when the call begins
 *
 * What mbedTLS holds of earlier calls gives GAP_BYTES less 512 at most, any record behind it gives
 * fewer bytes than it took: so what is decrypted never reaches what is not yet taken, and when
 * the call returns mbedTLS has taken all. */
enum { RECORD_BYTES_MAX = 16384, GAP_BYTES = RECORD_BYTES_MAX + 512 };

/* Bytes decrypted, or what mbedtls_ssl_read() said. */
static int read_many(struct tg_tls *tls, uint8_t *at, size_t cap)
{
	size_t filled = 0;
	int got = tg_net_recv(tls->net, at + GAP_BYTES, cap - GAP_BYTES);

	tls->at_once = true;
	tls->raw = at + GAP_BYTES;
	tls->raw_bytes = got > 0 ? (size_t)got : 0;
	tls->raw_end = got > 0 ? TG_ERR_AGAIN : got;
	do {
		size_t taken = (size_t)(tls->raw - at);
		size_t room = (tls->raw_bytes > 0 ? taken : cap) - filled;

		TG_ASSERT(taken >= filled && room > 0);
		got = read_some(tls, at + filled, room);
		if (got > 0)
			filled += (size_t)got;
		if (got == MBEDTLS_ERR_SSL_WANT_WRITE && tls->raw_bytes > 0)
			got = MBEDTLS_ERR_NET_CONN_RESET; /* the rest would be lost: start anew */
	} while (filled < cap &&
		 (got > 0 || (got == MBEDTLS_ERR_SSL_WANT_READ && tls->raw_bytes > 0)));
	tls->at_once = false;
	if (filled == 0)
		return got;
	if (got <= 0 && got != MBEDTLS_ERR_SSL_WANT_READ && got != MBEDTLS_ERR_SSL_WANT_WRITE)
		tls->late = got == 0 ? MBEDTLS_ERR_SSL_CONN_EOF : got;
	return (int)filled;
}

int tg_tls_recv(struct tg_tls *tls, uint8_t *at, size_t cap, struct tg_why *why)
{
	TG_ASSERT(tls->open && cap > 0);
	int got = tls->late != 0        ? tls->late
		  : cap > 2 * GAP_BYTES ? read_many(tls, at, cap)
					: read_some(tls, at, cap);
	if (got > 0) {
		tls->recv_needs = TG_WANT_READ;
		return got;
	}
	if (again(got, &tls->recv_needs))
		return TG_ERR_AGAIN;
	if (got == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
		return TG_ERR_CLOSED;
	return tg_tls_explain(tls, got == 0 ? MBEDTLS_ERR_SSL_CONN_EOF : got, why);
}

int tg_tls_send(struct tg_tls *tls, const uint8_t *at, size_t bytes, struct tg_why *why)
{
	TG_ASSERT(tls->open && bytes > 0 && bytes >= tls->send_bytes);
	/* mbedTLS believes the length of the repeated call, whatever it has encrypted before. */
	size_t offer = tls->send_bytes != 0 ? tls->send_bytes : bytes;
	int put = write_some(tls, at, offer);
	if (put > 0) {
		tls->send_bytes = 0;
		tls->send_needs = TG_WANT_WRITE;
		return put;
	}
	if (put == 0 || again(put, &tls->send_needs)) {
		tls->send_bytes = offer;
		return TG_ERR_AGAIN;
	}
	return tg_tls_explain(tls, put, why);
}

bool tg_tls_pending(const struct tg_tls *tls)
{
	return tls->open && mbedtls_ssl_check_pending(&tls->ssl) != 0;
}

unsigned tg_tls_wants(const struct tg_tls *tls, unsigned events)
{
	unsigned needs = 0;

	if (!tls->open)
		return tls->recv_needs != 0 ? tls->recv_needs : TG_WANT_WRITE;
	if (events & TG_WANT_READ)
		needs |= tls->recv_needs;
	if (events & TG_WANT_WRITE)
		needs |= tls->send_needs;
	return needs;
}

void tg_tls_close(struct tg_tls *tls)
{
	if (tls == NULL)
		return;
	TG_ASSERT(tls->taken);
	if (tls->open) /* a courtesy: a full socket or a dead peer goes without */
		(void)mbedtls_ssl_close_notify(&tls->ssl);
	mbedtls_ssl_free(&tls->ssl);
	tls->taken = false;
}

const char *tg_tls_describe(const struct tg_tls *tls)
{
	return tls->described;
}

bool tg_tls_resumed(const struct tg_tls *tls)
{
	return tls->open && !tls->verified;
}
