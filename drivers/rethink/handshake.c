#include "drivers/rethink/handshake.h"

#include "drivers/json/scan.h"
#include "drivers/rethink/scram.h"
#include "platform/assert.h"

enum state { WANT_VERSION, WANT_FIRST, DERIVING, WANT_FINAL, IN, OLD_TEXT, FAILED };

enum { OLD_TEXT_BYTES_MAX = 1024 };

static const uint8_t magic_v1_0[4] = { 0xC3, 0xBD, 0xC2, 0x34 };

/* --- what we send --- */

static struct tg_out start_out(struct tg_handshake *hs)
{
	TG_ASSERT(hs->out_sent_ == hs->out_bytes_);
	hs->out_sent_ = hs->out_bytes_ = 0;
	return (struct tg_out){ .at = hs->out_, .cap = sizeof(hs->out_) };
}

static int end_out(struct tg_handshake *hs, struct tg_out *out)
{
	tg_out_byte(out, '\0');
	/* The magic is no part of the message that the server bounds, so this is on the safe side.
	 */
	if (tg_out_overran(out))
		return TG_ERR_LIMIT;
	hs->out_bytes_ = (uint32_t)out->total;
	return TG_OK;
}

int tg_handshake_start(struct tg_handshake *hs, const struct tg_login *login,
		       struct tg_scram_cache *cache, struct tg_why *why)
{
	uint8_t bare[TG_HANDSHAKE_BYTES_MAX / 2];
	struct tg_out text = { .at = bare, .cap = sizeof(bare) };

	memset(hs, 0, sizeof(*hs));
	hs->login_ = login;
	hs->cache_ = cache;
	if (login->nonce != NULL)
		memcpy(hs->nonce_, login->nonce, strnlen(login->nonce, TG_HANDSHAKE_NONCE_BYTES));
	else
		tg_scram_nonce(hs->nonce_);
	tg_out_str(&text, "n,,");
	tg_scram_first_bare(login->user, hs->nonce_, &text);

	struct tg_out out = start_out(hs);
	tg_out_put(&out, magic_v1_0, sizeof(magic_v1_0));
	tg_out_str(&out, "{\"protocol_version\":0,\"authentication_method\":\"SCRAM-SHA-256\","
			 "\"authentication\":");
	tg_json_quote(tg_view_of(bare, tg_out_filled(&text)), &out);
	tg_out_byte(&out, '}');
	if (tg_out_overran(&text) || end_out(hs, &out) != TG_OK)
		return tg_why_set(
			why, TG_ERR_CONFIG,
			"the user name for %s is too long; RethinkDB takes about 2000 bytes",
			login->peer);
	return TG_OK;
}

struct tg_view tg_handshake_out(const struct tg_handshake *hs)
{
	return tg_view_of(hs->out_ + hs->out_sent_, hs->out_bytes_ - hs->out_sent_);
}

void tg_handshake_sent(struct tg_handshake *hs, size_t bytes)
{
	TG_ASSERT(bytes <= hs->out_bytes_ - hs->out_sent_);
	hs->out_sent_ += (uint32_t)bytes;
}

static int send_final(struct tg_handshake *hs)
{
	struct tg_scram_proof proof;
	char text[64];
	struct tg_view final = tg_view_of(hs->auth_ + hs->final_at_, hs->final_bytes_);

	tg_scram_prove(hs->cache_->key, tg_view_of(hs->auth_, hs->auth_bytes_), &proof);
	memcpy(hs->signature_, proof.server_signature, sizeof(hs->signature_));
	int bytes = tg_base64_encode(tg_view_of(proof.client_proof, sizeof(proof.client_proof)),
				     text, sizeof(text));
	TG_ASSERT(bytes > 0);
	struct tg_out out = start_out(hs);
	tg_out_str(&out, "{\"authentication\":\"");
	tg_out_view(&out, final);
	tg_out_str(&out, ",p=");
	tg_out_put(&out, text, (size_t)bytes);
	tg_out_str(&out, "\"}");
	tg_wipe(&proof, sizeof(proof));
	hs->state_ = WANT_FINAL;
	return end_out(hs, &out);
}

bool tg_handshake_busy(const struct tg_handshake *hs)
{
	return hs->state_ == DERIVING;
}

void tg_handshake_step(struct tg_handshake *hs)
{
	struct tg_scram_cache *cache = hs->cache_;

	if (hs->state_ != DERIVING)
		return;
	if (!tg_pbkdf2_step(&hs->kdf_, CONFIG_TG_RETHINK_ROUNDS_PER_STEP, cache->key))
		return;
	tg_wipe(&hs->kdf_, sizeof(hs->kdf_));
	cache->iterations = hs->iterations_;
	/* The message was measured before the key was asked for, see take_first(). */
	int rc = send_final(hs);
	TG_ASSERT(rc == TG_OK);
}

/* --- what the server says --- */

/* The server's own words, shortened; it never repeats a password. */
static void server_text(struct tg_view message, const char *member, char *at, size_t cap)
{
	int bytes = tg_json_unescape(tg_member_of(message, member), (uint8_t *)at, cap - 1);

	at[bytes < 0 ? 0 : bytes] = '\0';
}

static int broke_protocol(struct tg_handshake *hs, const char *what, struct tg_why *why)
{
	return tg_why_set(why, TG_ERR_PROTOCOL,
			  "%s broke RethinkDB's login protocol: %s; check that the address is that "
			  "of the driver port",
			  hs->login_->peer, what);
}

static int refused_password(struct tg_handshake *hs, struct tg_why *why)
{
	const struct tg_login *login = hs->login_;

	if (login->password[0] == '\0')
		return tg_why_set(
			why, TG_ERR_LOGIN_EMPTY,
			"%s wants a password for user %s and none is given; set \"password\"",
			login->peer, login->user);
	return tg_why_set(why, TG_ERR_LOGIN_PASSWORD,
			  "%s refused the password of user %s; correct \"password\"", login->peer,
			  login->user);
}

/* Codes of reference 1.4: 10 to 20 are all about the login. */
static int take_refusal(struct tg_handshake *hs, struct tg_view message, struct tg_why *why)
{
	int64_t code = 0;
	char text[160];

	server_text(message, "error", text, sizeof(text));
	if (tg_json_integer(tg_member_of(message, "error_code"), &code) != TG_OK)
		return broke_protocol(hs, "a refusal without a code", why);
	if (code == 12)
		return refused_password(hs, why);
	if (code == 17 || code == 18)
		return tg_why_set(why, TG_ERR_LOGIN_USER,
				  "%s knows no user %s; create it there or correct \"username\"",
				  hs->login_->peer, hs->login_->user);
	if (code >= 10 && code <= 20)
		return tg_why_set(why, TG_ERR_LOGIN_PASSWORD,
				  "%s refused the login of user %s (code %d: %s)", hs->login_->peer,
				  hs->login_->user, (int)code, text);
	if (code == 1 || code == 2)
		return tg_why_set(
			why, TG_ERR_PEER_OLD,
			"%s does not speak protocol V1_0 (%s); RethinkDB 2.3 or newer is needed",
			hs->login_->peer, text);
	return tg_why_set(why, TG_ERR_PROTOCOL, "%s refused the handshake (code %d: %s)",
			  hs->login_->peer, (int)code, text);
}

static int take_version(struct tg_handshake *hs, struct tg_view message, struct tg_why *why)
{
	int64_t min = 0, max = 0;

	server_text(message, "server_version", hs->version, sizeof(hs->version));
	if (tg_json_integer(tg_member_of(message, "min_protocol_version"), &min) != TG_OK ||
	    tg_json_integer(tg_member_of(message, "max_protocol_version"), &max) != TG_OK)
		return broke_protocol(hs, "its first message names no protocol version", why);
	if (min > 0 || max < 0)
		return tg_why_set(
			why, TG_ERR_PEER_OLD,
			"%s (%s) speaks protocol versions %d to %d, and we speak 0; a newer "
			"tidegate is needed",
			hs->login_->peer, hs->version, (int)min, (int)max);
	hs->state_ = WANT_FIRST;
	return TG_ERR_AGAIN;
}

static int read_authentication(struct tg_handshake *hs, struct tg_view message, struct tg_out *out)
{
	size_t room = out->cap - (size_t)out->total;
	int bytes = tg_json_unescape(tg_member_of(message, "authentication"), out->at + out->total,
				     room);

	(void)hs;
	if (bytes < 0)
		return TG_ERR_PROTOCOL;
	out->total += (uint64_t)bytes;
	return bytes;
}

/* Builds AuthMessage: client-first-bare , server-first , client-final-without-proof. */
static int build_auth(struct tg_handshake *hs, struct tg_view message, struct tg_scram_first *first)
{
	struct tg_out auth = { .at = hs->auth_, .cap = sizeof(hs->auth_) };

	tg_scram_first_bare(hs->login_->user, hs->nonce_, &auth);
	tg_out_byte(&auth, ',');
	size_t at = (size_t)auth.total;
	int bytes = read_authentication(hs, message, &auth);
	if (bytes < 0 || tg_scram_read_first(tg_view_of(hs->auth_ + at, (size_t)bytes), hs->nonce_,
					     first) != TG_OK)
		return TG_ERR_PROTOCOL;
	/* What we send back must fit: magic-less message of nonce, 64 bytes of proof and names. */
	if (first->nonce.bytes > TG_HANDSHAKE_BYTES_MAX / 2)
		return TG_ERR_PROTOCOL;
	tg_out_byte(&auth, ',');
	hs->final_at_ = (uint32_t)auth.total;
	tg_out_str(&auth, "c=biws,r=");
	tg_out_view(&auth, first->nonce);
	hs->auth_bytes_ = (uint32_t)auth.total;
	hs->final_bytes_ = hs->auth_bytes_ - hs->final_at_;
	return tg_out_overran(&auth) ? TG_ERR_PROTOCOL : TG_OK;
}

static bool is_cached(const struct tg_scram_cache *cache, const struct tg_scram_first *first)
{
	return cache->iterations == first->iterations &&
	       tg_view_same(tg_view_of(cache->salt, cache->salt_bytes),
			    tg_view_of(first->salt, first->salt_bytes));
}

static int take_first(struct tg_handshake *hs, struct tg_view message, struct tg_why *why)
{
	struct tg_scram_cache *cache = hs->cache_;
	struct tg_scram_first first;

	if (build_auth(hs, message, &first) != TG_OK)
		return broke_protocol(hs, "its SCRAM challenge is wrong", why);
	if (first.iterations > CONFIG_TG_RETHINK_ITERATIONS_MAX)
		return tg_why_set(
			why, TG_ERR_PROTOCOL,
			"%s asks for %u rounds of PBKDF2 for user %s, more than the %u that we "
			"do; set the user's password again with fewer",
			hs->login_->peer, first.iterations, hs->login_->user,
			(unsigned)CONFIG_TG_RETHINK_ITERATIONS_MAX);
	if (is_cached(cache, &first))
		return send_final(hs) == TG_OK ? TG_ERR_AGAIN
					       : broke_protocol(hs, "its nonce is too long", why);
	memcpy(cache->salt, first.salt, sizeof(cache->salt));
	cache->salt_bytes = first.salt_bytes;
	cache->iterations = 0; /* until the key is there */
	hs->iterations_ = first.iterations;
	tg_pbkdf2_start(&hs->kdf_, tg_view_str(hs->login_->password),
			tg_view_of(first.salt, first.salt_bytes), first.iterations);
	hs->state_ = DERIVING;
	return TG_ERR_AGAIN;
}

static int take_final(struct tg_handshake *hs, struct tg_view message, struct tg_why *why)
{
	struct tg_out text = { .at = hs->auth_, .cap = sizeof(hs->auth_) };
	int bytes = read_authentication(hs, message, &text);

	if (bytes < 0 ||
	    !tg_scram_signature_fits(tg_view_of(hs->auth_, (size_t)bytes), hs->signature_))
		return tg_why_set(
			why, TG_ERR_SIGNATURE,
			"%s could not prove that it knows the password of user %s; this may "
			"not be your server, nothing was read",
			hs->login_->peer, hs->login_->user);
	hs->state_ = IN;
	return TG_OK;
}

static bool is_json(struct tg_view message)
{
	struct tg_scan scan = { .watch_count = 0 };

	tg_scan_start(&scan);
	return message.bytes > 0 && message.at[0] == '{' &&
	       tg_scan_feed(&scan, message.at, message.bytes, 0) == TG_OK;
}

static int take_message(struct tg_handshake *hs, struct tg_why *why)
{
	struct tg_view message = tg_view_of(hs->in_, hs->in_bytes_);

	hs->in_bytes_ = 0;
	if (!is_json(message))
		return broke_protocol(hs, "a message is not JSON", why);
	struct tg_view success = tg_member_of(message, "success");
	if (!tg_view_same(success, tg_view_str("true"))) {
		/* A wrong password must not leave its key behind for the next try. */
		hs->cache_->iterations = 0;
		return take_refusal(hs, message, why);
	}
	switch ((enum state)hs->state_) {
	case WANT_VERSION:
		return take_version(hs, message, why);
	case WANT_FIRST:
		return take_first(hs, message, why);
	case WANT_FINAL:
		return take_final(hs, message, why);
	default:
		return broke_protocol(hs, "it spoke out of turn", why);
	}
}

/* --- whose port this is, by its first byte --- */

static int old_text(struct tg_handshake *hs, struct tg_why *why)
{
	hs->in_[hs->in_bytes_] = '\0';
	return tg_why_set(
		why, TG_ERR_PEER_OLD,
		"%s does not know protocol V1_0 and says \"%.200s\"; RethinkDB 2.3 or newer is "
		"needed",
		hs->login_->peer, (const char *)hs->in_);
}

static int judge_first_byte(struct tg_handshake *hs, uint8_t byte, struct tg_why *why)
{
	const char *peer = hs->login_->peer;

	if (byte == '{')
		return TG_OK;
	if (byte == 'E') {
		hs->state_ = OLD_TEXT;
		return TG_OK;
	}
	if (byte == 'H')
		return tg_why_set(
			why, TG_ERR_PEER_OTHER,
			"%s speaks HTTP, which is RethinkDB's web port or another service; "
			"give the driver port (usually 28015)",
			peer);
	if (byte == 'R')
		return tg_why_set(
			why, TG_ERR_PEER_OTHER,
			"%s is RethinkDB's cluster port; give the driver port (usually 28015)",
			peer);
	if (byte == 0x15 || byte == 0x16)
		return tg_why_set(why, TG_ERR_PEER_TLS, "%s wants TLS; set \"use_ssl\" to true",
				  peer);
	return tg_why_set(
		why, TG_ERR_PEER_OTHER,
		"%s answers with something that is not RethinkDB; correct \"host\" and \"port\"",
		peer);
}

static int take_byte(struct tg_handshake *hs, uint8_t byte, struct tg_why *why)
{
	if (hs->state_ == WANT_VERSION && hs->in_bytes_ == 0) {
		int rc = judge_first_byte(hs, byte, why);
		if (rc != TG_OK)
			return rc;
	}
	if (hs->state_ == OLD_TEXT &&
	    (byte == '\0' || byte == '\n' || hs->in_bytes_ >= OLD_TEXT_BYTES_MAX))
		return old_text(hs, why);
	if (byte == '\0')
		return take_message(hs, why);
	if (hs->in_bytes_ == sizeof(hs->in_) - 1)
		return broke_protocol(hs, "a message has no end", why);
	hs->in_[hs->in_bytes_++] = byte;
	return TG_ERR_AGAIN;
}

int tg_handshake_feed(struct tg_handshake *hs, struct tg_view bytes, size_t *used,
		      struct tg_why *why)
{
	int rc = TG_ERR_AGAIN;

	*used = 0;
	/* While a key is derived the server has nothing to say; what comes waits in the socket. */
	while (*used < bytes.bytes && rc == TG_ERR_AGAIN && hs->state_ != DERIVING)
		rc = take_byte(hs, bytes.at[(*used)++], why);
	if (rc != TG_OK && rc != TG_ERR_AGAIN)
		hs->state_ = FAILED;
	return rc;
}

int tg_handshake_ended(struct tg_handshake *hs, int err, struct tg_why *why)
{
	const char *peer = hs->login_->peer;

	if (hs->state_ == OLD_TEXT)
		return old_text(hs, why);
	if (hs->state_ == WANT_VERSION && hs->in_bytes_ == 0)
		return tg_why_set(why, TG_ERR_PEER_TLS,
				  "%s ended the connection without a word, as a TLS port does; set "
				  "\"use_ssl\" to true, or correct \"host\" and \"port\"",
				  peer);
	return tg_why_set(why, err,
			  "%s ended the connection during the login of user %s; it is retried",
			  peer, hs->login_->user);
}

int tg_handshake_silent(struct tg_handshake *hs, uint32_t waited_ms, struct tg_why *why)
{
	if (hs->state_ == WANT_VERSION && hs->in_bytes_ == 0)
		return tg_why_set(
			why, TG_ERR_TIMEOUT,
			"%s took the connection and said nothing for %u s; check that it is "
			"RethinkDB's driver port, and whether it wants TLS (\"use_ssl\")",
			hs->login_->peer, waited_ms / 1000);
	return tg_why_set(why, TG_ERR_TIMEOUT,
			  "%s fell silent for %u s during the login of user %s; it is retried",
			  hs->login_->peer, waited_ms / 1000, hs->login_->user);
}
