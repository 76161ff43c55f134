#include "platform/assert.h"
#include "platform/crypto.h"
#include "platform/file.h"
#include "platform/mbedtls/pem.h"
#include "platform/mbedtls/pool.h"
#include "platform/mbedtls/session.h"

#if !defined(TG_MBEDTLS_2) && defined(MBEDTLS_PSA_CRYPTO_C)
#include <psa/crypto.h>
#endif
#include <stdio.h>
#include <stdlib.h>

static struct tg_tls_credentials slots[CONFIG_TG_TLS_CREDENTIALS_MAX];

/* The kernel's generator needs no state of ours, so no ctr_drbg and no 38 KB entropy context. */
static int random_bytes(void *unused, unsigned char *at, size_t bytes)
{
	(void)unused;
	tg_random(at, bytes);
	return 0;
}

/* RethinkDB offers P-256 only; the big curves that mbedTLS puts first cost two thirds more. */
static void set_curves(mbedtls_ssl_config *config)
{
#if defined(TG_MBEDTLS_2)
	static const mbedtls_ecp_group_id curves[] = {
		MBEDTLS_ECP_DP_SECP256R1, MBEDTLS_ECP_DP_CURVE25519, MBEDTLS_ECP_DP_SECP384R1,
		MBEDTLS_ECP_DP_SECP521R1, MBEDTLS_ECP_DP_NONE,
	};
	mbedtls_ssl_conf_curves(config, curves);
#else
	static const uint16_t groups[] = {
		MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1, MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
		MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1, MBEDTLS_SSL_IANA_TLS_GROUP_SECP521R1,
		MBEDTLS_SSL_IANA_TLS_GROUP_NONE,
	};
	mbedtls_ssl_conf_groups(config, groups);
#endif
}

#if !defined(TG_MBEDTLS_2)
#define SIGNATURES_BUT_PSS                                                                      \
	MBEDTLS_TLS1_3_SIG_ECDSA_SECP256R1_SHA256, MBEDTLS_TLS1_3_SIG_ECDSA_SECP384R1_SHA384,   \
		MBEDTLS_TLS1_3_SIG_ECDSA_SECP521R1_SHA512, MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA256, \
		MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA384, MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA512

/* mbedTLS 3.6 offers RSA-PSS for TLS 1.3 and then fails in TLS 1.2 when the server takes it there.
 * A server that goes by our order, as OpenSSL does, finds PKCS #1 first, which TLS 1.3 passes over;
 * one that goes by its own makes us begin again without PSS.
 */
static void set_signatures(mbedtls_ssl_config *config)
{
	static const uint16_t signatures[] = {
		SIGNATURES_BUT_PSS,
		MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA256,
		MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA384,
		MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA512,
		MBEDTLS_TLS1_3_SIG_NONE,
	};
	mbedtls_ssl_conf_sig_algs(config, signatures);
}

void tg_tls_leave_pss(struct tg_tls_credentials *credentials)
{
	static const uint16_t signatures[] = {
		SIGNATURES_BUT_PSS,
		MBEDTLS_TLS1_3_SIG_NONE,
	};
	credentials->left_pss = true;
	mbedtls_ssl_conf_sig_algs(&credentials->config, signatures);
	mbedtls_ssl_conf_max_tls_version(&credentials->config, MBEDTLS_SSL_VERSION_TLS1_2);
}
#endif

static int set_config(struct tg_tls_credentials *credentials)
{
	mbedtls_ssl_config *config = &credentials->config;
	int failed = mbedtls_ssl_config_defaults(config, MBEDTLS_SSL_IS_CLIENT,
						 MBEDTLS_SSL_TRANSPORT_STREAM,
						 MBEDTLS_SSL_PRESET_DEFAULT);
	if (failed != 0)
		return failed;
#if defined(TG_MBEDTLS_2)
	mbedtls_ssl_conf_min_version(config, MBEDTLS_SSL_MAJOR_VERSION_3,
				     MBEDTLS_SSL_MINOR_VERSION_3);
#else
	mbedtls_ssl_conf_min_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_2);
	set_signatures(config);
#if defined(MBEDTLS_SSL_PROTO_TLS1_3) && defined(MBEDTLS_SSL_SESSION_TICKETS)
	mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
		config, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
#endif
#endif
	set_curves(config);
	mbedtls_ssl_conf_authmode(config, MBEDTLS_SSL_VERIFY_REQUIRED);
	mbedtls_ssl_conf_ca_chain(config, &credentials->nobody, NULL);
	mbedtls_ssl_conf_rng(config, random_bytes, NULL);
	if (!credentials->has_certificate)
		return 0;
	return mbedtls_ssl_conf_own_cert(config, &credentials->chain, &credentials->key);
}

static int explain_file(const char *path, int err, struct tg_why *why)
{
	if (err == TG_ERR_MISSING)
		return tg_why_set(why, TG_ERR_CONFIG, "%s does not exist: correct the path", path);
	if (err == TG_ERR_ACCESS)
		return tg_why_set(why, TG_ERR_CONFIG,
				  "%s may not be read by this user: correct its "
				  "owner or mode",
				  path);
	if (err == TG_ERR_LIMIT)
		return tg_why_set(
			why, TG_ERR_CONFIG,
			"%s holds a PEM block longer than TG_TLS_PEM_BYTES_MAX (%d bytes): "
			"raise it and build again",
			path, CONFIG_TG_TLS_PEM_BYTES_MAX);
	return tg_why_set(why, TG_ERR_CONFIG, "%s cannot be read (%s)", path, tg_err_name(err));
}

struct wanted {
	const char *path;        /* or what sentences call the text                          */
	struct tg_view text;     /* bytes of NULL: the file at `path`                        */
	mbedtls_x509_crt *chain; /* NULL: certificates are passed over */
	mbedtls_pk_context *key; /* NULL: keys are passed over         */
	bool any_is_enough;      /* only whether there is one          */
};

static int explain_pfx(const struct wanted *want, struct tg_why *why)
{
	if (want->text.at != NULL)
		return tg_why_set(
			why, TG_ERR_CONFIG,
			"%s holds a PFX (PKCS #12), PEM is needed: openssl pkcs12 -in c.pfx "
			"-nodes -out c.pem, then base64 -w0 c.pem",
			want->path);
	return tg_why_set(why, TG_ERR_CONFIG,
			  "%s is a PFX (PKCS #12) file, a PEM file is needed: openssl pkcs12 "
			  "-in %s -nodes -out %s.pem",
			  want->path, want->path, want->path);
}

static int explain_empty(const struct wanted *want, const char *what, struct tg_why *why)
{
	const char *path = want->path;

	if (want->text.at != NULL ? tg_pem_is_pfx(want->text) : tg_pem_file_is_pfx(path))
		return explain_pfx(want, why);
	if (want->text.at != NULL && tg_view_same(want->text, tg_view_of("", 0)))
		return tg_why_set(why, TG_ERR_CONFIG,
				  "%s is neither PEM nor base64 of it: base64 -w0 c.pem makes it",
				  path);
	if (want->text.at != NULL && want->text.at[0] == 0x30)
		return tg_why_set(why, TG_ERR_CONFIG,
				  "%s holds DER, which has a certificate or a key, not both: give "
				  "base64 of a PEM with both",
				  path);
	return tg_why_set(why, TG_ERR_CONFIG,
			  "%s holds no %s in PEM form (-----BEGIN ...): give a PEM file", path,
			  what);
}

static int parse_key(mbedtls_pk_context *key, struct tg_view text)
{
#if defined(TG_MBEDTLS_2)
	return mbedtls_pk_parse_key(key, text.at, text.bytes + 1, NULL, 0);
#else
	return mbedtls_pk_parse_key(key, text.at, text.bytes + 1, NULL, 0, random_bytes, NULL);
#endif
}

static int check_pair(mbedtls_x509_crt *chain, mbedtls_pk_context *key)
{
#if defined(TG_MBEDTLS_2)
	return mbedtls_pk_check_pair(&chain->pk, key);
#else
	return mbedtls_pk_check_pair(&chain->pk, key, random_bytes, NULL);
#endif
}

static bool is_key(const struct tg_pem *pem)
{
	static const char *const labels[] = { "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY",
					      "ENCRYPTED PRIVATE KEY" };
	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
		if (tg_pem_is(pem, labels[i]))
			return true;
	}
	return false;
}

static int take_certificate(const struct wanted *want, const struct tg_pem *pem, struct tg_why *why)
{
	struct tg_view der;
	int failed = tg_pem_der(pem, &der);

	if (failed == 0)
		failed = mbedtls_x509_crt_parse_der(want->chain, der.at, der.bytes);
	if (failed == 0 || want->any_is_enough)
		return 0;
	return tg_why_set(why, TG_ERR_CONFIG, "a certificate in %s cannot be used (-0x%04x)",
			  want->path, (unsigned)-failed);
}

/* The two ways to say so are in RFC 7468, section 11, and RFC 1421. An mbedTLS that cannot decrypt
 * keys only finds that this one is broken, so we look ourselves. */
static bool is_encrypted(const struct tg_pem *pem)
{
	return tg_pem_is(pem, "ENCRYPTED PRIVATE KEY") ||
	       strstr((const char *)pem->text.at, "Proc-Type: 4,ENCRYPTED") != NULL;
}

static int take_key(const struct wanted *want, const struct tg_pem *pem, struct tg_why *why)
{
	const char *path = want->path;

	if (mbedtls_pk_get_type(want->key) != MBEDTLS_PK_NONE)
		return 0; /* the first key counts */
	if (is_encrypted(pem))
		return tg_why_set(
			why, TG_ERR_CONFIG,
			"the key in %s is encrypted: openssl pkey -in %s -out %s.key, and "
			"protect that file by its mode",
			path, path, path);
	int failed = parse_key(want->key, pem->text);
	if (failed == 0)
		return 0;
	return tg_why_set(why, TG_ERR_CONFIG, "the key in %s cannot be used (mbedTLS -0x%04x)",
			  path, (unsigned)-failed);
}

static int take_block(const struct wanted *want, const struct tg_pem *pem, struct tg_why *why)
{
	if (want->chain != NULL && tg_pem_is(pem, "CERTIFICATE"))
		return take_certificate(want, pem, why);
	if (want->key == NULL || !is_key(pem))
		return 0;
	return take_key(want, pem, why);
}

static int read_pem(const struct wanted *want, struct tg_why *why)
{
	struct tg_pem pem;
	int err = 0;
	int more = 0;

	if (want->text.at != NULL)
		tg_pem_open_text(&pem, want->text);
	else
		err = tg_pem_open(&pem, want->path);
	if (err != 0)
		return explain_file(want->path, err, why);
	while (err == 0 && (more = tg_pem_next(&pem)) == 1) {
		err = take_block(want, &pem, why);
		if (want->any_is_enough && want->chain->raw.len > 0)
			break;
	}
	tg_pem_close(&pem);
	return err == 0 && more < 0 ? explain_file(want->path, more, why) : err;
}

/* At least one certificate must be there; which one is needed only a handshake tells. */
static int check_ca_file(const char *path, struct tg_why *why)
{
	mbedtls_x509_crt first;
	struct wanted want = { .path = path, .chain = &first, .any_is_enough = true };

	mbedtls_x509_crt_init(&first);
	int err = read_pem(&want, why);
	if (err == 0 && first.raw.len == 0)
		err = explain_empty(&want, "certificate", why);
	mbedtls_x509_crt_free(&first);
	return err;
}

static int check_time(const struct wanted *want, const mbedtls_x509_crt *crt, struct tg_why *why)
{
	char when[TG_TLS_TIME_BYTES];

	if (mbedtls_x509_time_is_past(&crt->valid_to)) {
		tg_tls_time_text(&crt->valid_to, when);
		return tg_why_set(why, TG_ERR_CONFIG,
				  "the client certificate in %s expired on %s: renew it",
				  want->path, when);
	}
	if (mbedtls_x509_time_is_future(&crt->valid_from)) {
		tg_tls_time_text(&crt->valid_from, when);
		return tg_why_set(why, TG_ERR_CONFIG,
				  "the client certificate in %s is valid only from %s: set this "
				  "machine's clock, or wait",
				  want->path, when);
	}
	return 0;
}

static int read_certificate(const struct wanted *want, struct tg_why *why)
{
	int err = read_pem(want, why);

	if (err != 0)
		return err;
	if (want->chain->raw.len == 0)
		return explain_empty(want, "certificate", why);
	return check_time(want, want->chain, why);
}

static int read_key(const struct wanted *want, struct tg_why *why)
{
	int err = read_pem(want, why);

	if (err == 0 && mbedtls_pk_get_type(want->key) == MBEDTLS_PK_NONE)
		err = explain_empty(want, "private key", why);
	return err;
}

static int read_pair(struct tg_tls_credentials *credentials, const struct wanted *certificate,
		     const struct wanted *key, struct tg_why *why)
{
	int err = read_certificate(certificate, why);

	if (err == 0)
		err = read_key(key, why);
	if (err != 0)
		return err;
	if (check_pair(&credentials->chain, &credentials->key) != 0)
		return tg_why_set(why, TG_ERR_CONFIG,
				  "the key in %s does not belong to the certificate in %s",
				  key->path, certificate->path);
	credentials->has_certificate = true;
	return 0;
}

static int read_own(struct tg_tls_credentials *credentials, const struct tg_tls_files *files,
		    struct tg_why *why)
{
	struct wanted certificate = { .path = files->certificate_file,
				      .chain = &credentials->chain };
	struct wanted key = { .path = files->key_file, .key = &credentials->key };

	if (files->text_bytes > 0) {
		certificate.path = key.path = files->text_name;
		certificate.text = key.text = tg_pem_unwrap(files->text, files->text_bytes);
	} else if (files->certificate_file[0] == '\0') {
		if (files->key_file[0] == '\0')
			return 0;
		return tg_why_set(
			why, TG_ERR_CONFIG,
			"a client key is given without a certificate: set client_certificate");
	} else if (files->key_file[0] == '\0') {
		key.path = files->certificate_file;
	}
	return read_pair(credentials, &certificate, &key, why);
}

/* Days since 1970 of a date of the proleptic Gregorian calendar: years begin in March, so that the
 * leap day is the last one. */
static int64_t days_of(const mbedtls_x509_time *time)
{
	int64_t year = time->year - (time->mon <= 2), month = (time->mon + 9) % 12;
	int64_t days = 365 * year + year / 4 - year / 100 + year / 400;

	return days + (153 * month + 2) / 5 + time->day - 1 - 719468;
}

bool tg_tls_expires(const struct tg_tls_credentials *credentials, int64_t *wall_ms)
{
	const mbedtls_x509_time *to = &credentials->chain.valid_to;

	if (!credentials->has_certificate)
		return false;
	*wall_ms = (((days_of(to) * 24 + to->hour) * 60 + to->min) * 60 + to->sec) * 1000;
	return true;
}

/* Where the system keeps its certificates: what OpenSSL is told, else the usual places. */
static const char *system_store(void)
{
	static const char *const places[] = {
		"/etc/ssl/certs/ca-certificates.crt", /* Debian, Alpine, OpenWrt, Yocto */
		"/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora                         */
		"/etc/ssl/cert.pem",
	};
	const char *told = getenv("SSL_CERT_FILE");
	uint64_t bytes;

	if (told != NULL && told[0] != '\0')
		return told;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (tg_file_size(places[i], &bytes) == 0)
			return places[i];
	}
	return places[0];
}

static struct tg_tls_credentials *take_slot(void)
{
	for (size_t i = 0; i < CONFIG_TG_TLS_CREDENTIALS_MAX; i++) {
		if (!slots[i].taken)
			return &slots[i];
	}
	return NULL;
}

static int start_library(void)
{
	tg_tls_pool_start();
#if !defined(TG_MBEDTLS_2) && defined(MBEDTLS_PSA_CRYPTO_C)
	return psa_crypto_init() == PSA_SUCCESS ? 0 : -1; /* TLS 1.3 computes through PSA */
#else
	return 0;
#endif
}

static void init(struct tg_tls_credentials *credentials)
{
	memset(credentials, 0, sizeof(*credentials));
	mbedtls_ssl_config_init(&credentials->config);
	mbedtls_x509_crt_init(&credentials->nobody);
	mbedtls_x509_crt_init(&credentials->chain);
	mbedtls_pk_init(&credentials->key);
	mbedtls_ssl_session_init(&credentials->session);
	credentials->taken = true;
}

static int read_all(struct tg_tls_credentials *credentials, const struct tg_tls_files *files,
		    struct tg_why *why)
{
	uint64_t refused = tg_tls_pool_now().refused_count;
	int err = read_own(credentials, files, why);

	if (err == 0)
		err = check_ca_file(credentials->ca_file, why);
	if (err == 0 && set_config(credentials) == 0)
		return 0;
	if (err != 0 && tg_tls_pool_now().refused_count == refused)
		return err;
	/* Whatever it was taken for, no file is to blame. */
	return tg_why_set(why, TG_ERR_LIMIT, "no memory for TLS settings: raise TG_TLS_BYTES");
}

int tg_tls_load(const struct tg_tls_files *files, struct tg_tls_credentials **out,
		struct tg_why *why)
{
	struct tg_tls_credentials *credentials = take_slot();

	*out = NULL;
	if (credentials == NULL)
		return tg_why_set(why, TG_ERR_LIMIT,
				  "more than %d sources and sinks have TLS settings: raise "
				  "TG_TLS_CREDENTIALS_MAX and build again",
				  CONFIG_TG_TLS_CREDENTIALS_MAX);
	if (start_library() != 0)
		return tg_why_set(why, TG_ERR_LIMIT,
				  "the TLS library cannot start: raise TG_TLS_BYTES");
	init(credentials);
	snprintf(credentials->ca_file, sizeof(credentials->ca_file), "%s",
		 files->ca_file[0] != '\0' ? files->ca_file : system_store());
	snprintf(credentials->server_name, sizeof(credentials->server_name), "%s",
		 files->server_name);
	int err = read_all(credentials, files, why);
	if (err != 0)
		tg_tls_unload(credentials);
	else
		*out = credentials;
	return err;
}

void tg_tls_unload(struct tg_tls_credentials *credentials)
{
	if (credentials == NULL)
		return;
	TG_ASSERT(credentials->taken);
	mbedtls_ssl_config_free(&credentials->config);
	mbedtls_x509_crt_free(&credentials->nobody);
	mbedtls_x509_crt_free(&credentials->chain);
	mbedtls_pk_free(&credentials->key);
	mbedtls_ssl_session_free(&credentials->session);
	credentials->taken = false;
}
