/* TLS against `openssl s_server`: what must work, and one sentence for each thing that must not. */
#include "tests/check.h"

#include "platform/loop.h"
#include "tests/unit/peer.h"

#include <unistd.h>

static struct tg_why why;

/* Credentials that trust `ca` of the folder. */
static struct tg_tls_credentials *load(const char *ca, const char *certificate, const char *name)
{
	struct tg_tls_credentials *credentials;
	struct tg_tls_files files = { .ca_file = "" };

	if (ca[0] != '\0')
		snprintf(files.ca_file, sizeof(files.ca_file), "%s/%s", peer_folder(), ca);
	if (certificate[0] != '\0')
		snprintf(files.certificate_file, sizeof(files.certificate_file), "%s/%s",
			 peer_folder(), certificate);
	snprintf(files.server_name, sizeof(files.server_name), "%s", name);
	if (tg_tls_load(&files, &credentials, &why) != 0)
		TG_FAIL("load: %s", why.text);
	return credentials;
}

static struct tg_conn_target target_of(const struct peer *peer, const char *host,
				       struct tg_tls_credentials *credentials)
{
	struct tg_conn_target target = {
		.port = peer->port,
		.tls = credentials,
		.connect_ms_max = 5000,
		.handshake_ms_max = 5000,
	};
	snprintf(target.host, sizeof(target.host), "%s", host);
	return target;
}

/* Dials `host` on a server of ARGS with `ca` trusted; what came of it, its sentence in `why`. */
static int outcome(const char *args, const char *host, struct tg_tls_credentials *credentials)
{
	struct peer peer;
	struct tg_conn conn;

	peer_start_openssl(&peer, args);
	struct tg_conn_target target = target_of(&peer, host, credentials);
	int err = peer_dial(&conn, &target);
	why = *tg_conn_why(&conn);
	tg_conn_close(&conn);
	peer_stop(&peer);
	tg_tls_unload(credentials);
	return err;
}

static void check_sentence(int err, int want, const char *part)
{
	if (err != want)
		TG_FAIL("%s, not %s: %s", tg_err_name(err), tg_err_name(want), why.text);
	if (strstr(why.text, part) == NULL)
		TG_FAIL("\"%s\" is not in: %s", part, why.text);
	TG_CHECK_INT(why.err, want);
}

#define GOOD "-cert good.pem -key good.key -rev"

TG_TEST(tls_00_needs_openssl)
{
	if (!peer_has_openssl())
		exit(77);
}

TG_TEST(tls_moves_bytes_both_ways)
{
	struct peer peer;
	struct tg_conn conn;
	char got[PEER_BYTES];

	peer_start_openssl(&peer, GOOD " -tls1_2");
	struct tg_conn_target target = target_of(&peer, "127.0.0.1", load("ca.pem", "", ""));
	if (peer_dial(&conn, &target) != 0)
		TG_FAIL("%s", tg_conn_why(&conn)->text);
	TG_CHECK(peer_ask(&conn, "tide\n", "\n", got) > 0);
	TG_CHECK_STR(got, "edit\n");
	tg_conn_close(&conn);
	tg_tls_unload(target.tls);
	peer_stop(&peer);
	TG_CHECK_INT(tg_tls_pool_now().refused_count, 0);
	printf("pool: peak %zu bytes\n", tg_tls_pool_now().peak_bytes);
}

enum { LONG_BYTES = 3 << 20, AT_ONCE_BYTES = 65536 };

static uint8_t long_byte(uint32_t i)
{
	return (uint8_t)((i * 2654435761u) >> 13);
}

static void write_long_file(void)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/long", peer_folder());
	FILE *file = fopen(path, "wb");
	TG_CHECK(file != NULL);
	for (uint32_t i = 0; i < LONG_BYTES; i++)
		TG_CHECK(fputc(long_byte(i), file) != EOF);
	TG_CHECK_INT(fclose(file), 0);
}

/* Where the file's bytes begin behind the head of the answer; its head fits into one record. */
static uint32_t body_at(const uint8_t *at, int bytes)
{
	for (int i = 0; i + 4 <= bytes; i++)
		if (memcmp(at + i, "\r\n\r\n", 4) == 0)
			return (uint32_t)i + 4;
	TG_FAIL("%d bytes have no head", bytes);
}

/* Asks a server of ARGS for the file and takes it in portions of all sizes. */
static void take_long_file(const char *args)
{
	static uint8_t at[AT_ONCE_BYTES];
	struct peer peer;
	struct tg_conn conn;
	uint32_t have = 0, calls = 0;
	bool headed = false;
	int got;

	peer_start_openssl(&peer, args);
	struct tg_conn_target target = target_of(&peer, "127.0.0.1", load("ca.pem", "", ""));
	if (peer_dial(&conn, &target) != 0)
		TG_FAIL("%s", tg_conn_why(&conn)->text);
	TG_CHECK_INT(tg_conn_send(&conn, (const uint8_t *)"GET /long HTTP/1.0\r\n\r\n", 22), 22);
	for (;;) {
		size_t cap = calls++ % 4 == 3 ? 1 + (calls * 7919u) % 20000 : AT_ONCE_BYTES;
		got = tg_conn_recv(&conn, at, cap);
		if (got == TG_ERR_AGAIN) {
			peer_await(&conn, TG_WANT_READ);
			continue;
		}
		if (got <= 0)
			break;
		for (uint32_t i = headed ? 0 : body_at(at, got); i < (uint32_t)got; i++, have++)
			if (at[i] != long_byte(have))
				TG_FAIL("%s: byte %u differs", args, have);
		headed = true;
	}
	TG_CHECK_INT(have, LONG_BYTES);
	TG_CHECK(got == TG_ERR_CLOSED || got == TG_ERR_RESET);
	tg_conn_close(&conn);
	tg_tls_unload(target.tls);
	peer_stop(&peer);
	printf("%s: %u calls\n", args, calls);
}

/* Goal: bytes that are received and decrypted in one buffer come as they were sent, whatever the
 * size of the records and of the portions. */
TG_TEST(tls_takes_many_records_at_once)
{
	write_long_file();
	take_long_file("-cert good.pem -key good.key -WWW -tls1_2 -max_send_frag 512");
	take_long_file("-cert good.pem -key good.key -WWW -tls1_2 -max_send_frag 4096");
	take_long_file("-cert good.pem -key good.key -WWW -tls1_2");
	take_long_file("-cert good.pem -key good.key -WWW");
}

TG_TEST(tls_accepts_names_and_addresses_of_the_certificate)
{
	TG_CHECK_INT(outcome(GOOD, "localhost", load("ca.pem", "", "")), 0);
	TG_CHECK_INT(outcome(GOOD, "127.0.0.1", load("ca.pem", "", "")), 0);
	TG_CHECK_INT(outcome(GOOD, "127.0.0.1", load("ca.pem", "", "DB.Plant.Example")), 0);
	TG_CHECK_INT(outcome(GOOD, "127.0.0.1", load("ca.pem", "", "db.plant.example.")), 0);
	TG_CHECK_INT(outcome(GOOD, "127.0.0.1", load("ca.pem", "", "::1")), 0);
}

TG_TEST(tls_accepts_an_intermediate_that_the_peer_sends)
{
	const char *args = "-cert chain.pem -cert_chain chain.pem -key chain.key -rev";

	TG_CHECK_INT(outcome(args, "localhost", load("ca.pem", "", "")), 0);
	check_sentence(outcome("-cert chain.pem -key chain.key -rev", "localhost",
			       load("ca.pem", "", "")),
		       TG_ERR_CERT, "is issued by \"CN=Middle CA\"");
}

TG_TEST(tls_refuses_other_names)
{
	check_sentence(outcome("-cert other.pem -key other.key -rev", "localhost",
			       load("ca.pem", "", "")),
		       TG_ERR_CERT, "is for other.example, not for localhost");
	check_sentence(outcome(GOOD, "127.0.0.1", load("ca.pem", "", "127.0.0.2")), TG_ERR_CERT,
		       "127.0.0.1, ::1, not for 127.0.0.2");
	check_sentence(outcome(GOOD, "127.0.0.1", load("ca.pem", "", "a.b.plant.example")),
		       TG_ERR_CERT, "not for a.b.plant.example");
	check_sentence(outcome(GOOD, "127.0.0.1", load("ca.pem", "", "plant.example")), TG_ERR_CERT,
		       "not for plant.example");
}

TG_TEST(tls_never_uses_the_common_name)
{
	check_sentence(outcome("-cert named.pem -key named.key -rev", "localhost",
			       load("ca.pem", "", "")),
		       TG_ERR_CERT, "no name in its subjectAltName");
}

TG_TEST(tls_refuses_certificates_out_of_their_time)
{
	check_sentence(outcome("-cert expired.pem -key expired.key -rev", "localhost",
			       load("ca.pem", "", "")),
		       TG_ERR_CERT, "expired on 2020-02-02 03:04:05 UTC");
	check_sentence(outcome("-cert future.pem -key future.key -rev", "localhost",
			       load("ca.pem", "", "")),
		       TG_ERR_CERT, "valid only from 2044-01-01");
}

TG_TEST(tls_refuses_unknown_issuers)
{
	check_sentence(outcome(GOOD, "localhost", load("ca2.pem", "", "")), TG_ERR_CERT,
		       "is issued by \"CN=Plant CA\", which is not in");
	check_sentence(outcome(GOOD, "localhost", load("ca3.pem", "", "")), TG_ERR_CERT,
		       "is not signed by the key of \"CN=Plant CA\"");
	check_sentence(outcome("-cert self.pem -key self.key -rev", "localhost",
			       load("ca.pem", "", "")),
		       TG_ERR_CERT, "is self-signed");
	TG_CHECK_INT(outcome("-cert self.pem -key self.key -rev", "localhost",
			     load("self.pem", "", "")),
		     0);
}

TG_TEST(tls_uses_the_system_store)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/ca.pem", peer_folder());
	TG_CHECK(setenv("SSL_CERT_FILE", path, 1) == 0);
	TG_CHECK_INT(outcome(GOOD, "localhost", load("", "", "")), 0);
	TG_CHECK(unsetenv("SSL_CERT_FILE") == 0);
	if (access("/etc/ssl/certs/ca-certificates.crt", R_OK) != 0)
		return;
	check_sentence(outcome(GOOD, "localhost", load("", "", "")), TG_ERR_CERT,
		       "which is not in /etc/ssl/certs/ca-certificates.crt");
}

TG_TEST(tls_reads_a_replaced_ca_file_at_the_next_handshake)
{
	struct tg_tls_credentials *credentials;
	struct tg_tls_files files = { .ca_file = "" };
	char command[600];

	snprintf(files.ca_file, sizeof(files.ca_file), "%s/turn.pem", peer_folder());
	snprintf(command, sizeof(command), "cp %s/ca2.pem %s", peer_folder(), files.ca_file);
	TG_CHECK_INT(system(command), 0);
	TG_CHECK_INT(tg_tls_load(&files, &credentials, &why), 0);
	snprintf(command, sizeof(command), "cat %s/ca.pem >> %s", peer_folder(), files.ca_file);
	TG_CHECK_INT(system(command), 0);
	TG_CHECK_INT(outcome(GOOD, "localhost", credentials), 0);
}

TG_TEST(tls_shows_a_client_certificate)
{
	const char *args = GOOD " -tls1_2 -Verify 1 -CAfile ca.pem -verify_return_error";

	TG_CHECK_INT(outcome(args, "localhost", load("ca.pem", "client.both", "")), 0);
	check_sentence(outcome(args, "localhost", load("ca.pem", "", "")), TG_ERR_TLS,
		       "client certificate");
	args = GOOD " -tls1_2 -Verify 1 -CAfile ca2.pem -verify_return_error";
	check_sentence(outcome(args, "localhost", load("ca.pem", "client.both", "")), TG_ERR_CERT,
		       "(unknown_ca)");
}

/* TLS 1.3 lets the handshake succeed; the refusal comes with the first bytes. */
TG_TEST(tls_hears_a_refusal_behind_the_handshake)
{
	struct peer peer;
	struct tg_conn conn;
	char got[PEER_BYTES];

	peer_start_openssl(&peer, GOOD " -Verify 1 -CAfile ca.pem -verify_return_error");
	struct tg_conn_target target = target_of(&peer, "localhost", load("ca.pem", "", ""));
	int err = peer_dial(&conn, &target);
	if (err == 0)
		err = peer_ask(&conn, "", "never", got);
	why = *tg_conn_why(&conn);
	check_sentence(err, err == TG_ERR_CERT ? TG_ERR_CERT : TG_ERR_TLS, "client certificate");
	tg_conn_close(&conn);
	tg_tls_unload(target.tls);
	peer_stop(&peer);
}

TG_TEST(tls_refuses_old_versions)
{
	check_sentence(outcome(GOOD " -tls1_1 -cipher DEFAULT:@SECLEVEL=0", "localhost",
			       load("ca.pem", "", "")),
		       TG_ERR_TLS, "TLS version from 1.2 on");
}

TG_TEST(tls_offers_the_curve_of_rethinkdb)
{
	TG_CHECK_INT(outcome(GOOD " -tls1_2 -named_curve P-256 -cipher EECDH+AESGCM", "localhost",
			     load("ca.pem", "", "")),
		     0);
}

static int outcome_plain(const char *text, uint32_t handshake_ms_max)
{
	struct peer peer;
	struct tg_conn conn;

	peer_start_plain(&peer, text);
	struct tg_conn_target target = target_of(&peer, "127.0.0.1", load("ca.pem", "", ""));
	target.handshake_ms_max = handshake_ms_max;
	int err = peer_dial(&conn, &target);
	why = *tg_conn_why(&conn);
	tg_conn_close(&conn);
	peer_stop(&peer);
	tg_tls_unload(target.tls);
	return err;
}

TG_TEST(tls_recognises_peers_without_tls)
{
	check_sentence(outcome_plain("HTTP/1.1 400 Bad Request\r\n\r\n", 5000), TG_ERR_PEER_PLAIN,
		       "plain HTTP");
	check_sentence(outcome_plain("ERROR: Received an unsupported protocol version.\n", 5000),
		       TG_ERR_PEER_PLAIN, "RethinkDB");
	check_sentence(outcome_plain("hm", 5000), TG_ERR_PEER_PLAIN, "without TLS");
}

TG_TEST(tls_gives_up_on_silence_and_on_a_closed_door)
{
	check_sentence(outcome_plain(NULL, 200), TG_ERR_TIMEOUT, "TLS handshake within 200 ms");
	int err = outcome_plain("", 5000);
	check_sentence(err, err == TG_ERR_RESET ? TG_ERR_RESET : TG_ERR_CLOSED, "a TLS port?");
}

/* The server's own page says whether it took up an earlier session. */
static void ask_page(struct tg_conn_target *target, const char *want)
{
	struct tg_conn conn;
	char page[PEER_BYTES];

	if (peer_dial(&conn, target) != 0)
		TG_FAIL("%s", tg_conn_why(&conn)->text);
	TG_CHECK(strncmp(tg_conn_describe(&conn), "TLSv1.", 6) == 0);
	TG_CHECK((strstr(tg_conn_describe(&conn), " (resumed)") != NULL) == (want[0] == 'R'));
	TG_CHECK(peer_ask(&conn, "GET / HTTP/1.0\r\n\r\n", "Session-ID:", page) > 0);
	if (strstr(page, want) == NULL)
		TG_FAIL("no \"%s\" in: %s", want, page);
	tg_conn_close(&conn);
}

TG_TEST(tls_resumes_sessions)
{
	struct peer peer;

	peer_start_openssl(&peer, "-cert good.pem -key good.key -www -tls1_2");
	struct tg_conn_target target = target_of(&peer, "localhost", load("ca.pem", "", ""));
	ask_page(&target, "New, TLSv1.2");
	ask_page(&target, "Reused, TLSv1.2");
	ask_page(&target, "Reused, TLSv1.2");
	snprintf(target.host, sizeof(target.host), "127.0.0.1"); /* another peer: another session */
	ask_page(&target, "New, TLSv1.2");
	tg_tls_unload(target.tls);
	peer_stop(&peer);
}

TG_TEST(tls_resumes_sessions_of_its_best_version)
{
	struct peer peer;

	peer_start_openssl(&peer, "-cert good.pem -key good.key -www");
	struct tg_conn_target target = target_of(&peer, "localhost", load("ca.pem", "", ""));
	ask_page(&target, "New, TLSv1.");
	ask_page(&target, "Reused, TLSv1.");
	ask_page(&target, "Reused, TLSv1.");
	tg_tls_unload(target.tls);
	peer_stop(&peer);
}

/* Goal: with TLS 1.3 tickets may come while a request is still being sent.
 * Method: the first call looks for bytes, as a sender does between two parts, and meets a ticket;
 * the request goes out behind it. */
TG_TEST(tls_sends_behind_a_ticket)
{
	struct peer peer;
	struct tg_conn conn;
	char page[PEER_BYTES];

	peer_start_openssl(&peer, "-cert good.pem -key good.key -www");
	struct tg_conn_target target = target_of(&peer, "localhost", load("ca.pem", "", ""));
	TG_CHECK(peer_dial(&conn, &target) == 0);
	if (strncmp(tg_conn_describe(&conn), "TLSv1.3", 7) == 0)
		peer_await(&conn, TG_WANT_READ);
	TG_CHECK(tg_conn_recv(&conn, (uint8_t *)page, 1) == TG_ERR_AGAIN);
	if (peer_ask(&conn, "GET / HTTP/1.0\r\n\r\n", "Session-ID:", page) <= 0)
		TG_FAIL("%s", tg_conn_why(&conn)->text);
	tg_conn_close(&conn);
	tg_tls_unload(target.tls);
	peer_stop(&peer);
}

TG_TEST(tls_survives_a_server_that_forgot_the_session)
{
	struct peer peer;

	peer_start_openssl(&peer, "-cert good.pem -key good.key -www -tls1_2");
	struct tg_conn_target target = target_of(&peer, "localhost", load("ca.pem", "", ""));
	ask_page(&target, "New, TLSv1.2");
	peer_stop(&peer);
	peer_start_openssl(&peer, "-cert good.pem -key good.key -www -tls1_2");
	uint16_t old_port = target.port;
	target.port = peer.port;
	ask_page(&target, "New, TLSv1.2");
	TG_CHECK(old_port != 0);
	tg_tls_unload(target.tls);
	peer_stop(&peer);
}

TG_TEST(tls_tells_a_cut_from_an_end)
{
	struct peer peer;
	struct tg_conn conn;
	char got[PEER_BYTES];

	peer_start_openssl(&peer, GOOD " -tls1_2");
	struct tg_conn_target target = target_of(&peer, "localhost", load("ca.pem", "", ""));
	TG_CHECK_INT(peer_dial(&conn, &target), 0);
	peer_stop(&peer);
	TG_CHECK_INT(peer_ask(&conn, "", "never", got), TG_ERR_RESET);
	TG_CHECK(strstr(tg_conn_why(&conn)->text, "broke") != NULL);
	tg_conn_close(&conn);
	tg_tls_unload(target.tls);

	peer_start_openssl(&peer, "-cert good.pem -key good.key -www -tls1_2");
	target = target_of(&peer, "localhost", load("ca.pem", "", ""));
	TG_CHECK_INT(peer_dial(&conn, &target), 0);
	TG_CHECK_INT(peer_ask(&conn, "GET / HTTP/1.0\r\n\r\n", "never", got), TG_ERR_CLOSED);
	tg_conn_close(&conn);
	tg_tls_unload(target.tls);
	peer_stop(&peer);
}

static int load_own(const char *ca, const char *certificate, const char *key)
{
	struct tg_tls_credentials *credentials;
	struct tg_tls_files files = { .ca_file = "" };

	snprintf(files.ca_file, sizeof(files.ca_file), "%s/%s", peer_folder(), ca);
	if (certificate[0] != '\0')
		snprintf(files.certificate_file, sizeof(files.certificate_file), "%s/%s",
			 peer_folder(), certificate);
	if (key[0] != '\0')
		snprintf(files.key_file, sizeof(files.key_file), "%s/%s", peer_folder(), key);
	int err = tg_tls_load(&files, &credentials, &why);
	tg_tls_unload(credentials);
	return err;
}

TG_TEST(tls_names_the_fault_of_a_file)
{
	TG_CHECK_INT(load_own("ca.pem", "client.pem", "client.key"), 0);
	check_sentence(load_own("none.pem", "", ""), TG_ERR_CONFIG, "does not exist");
	check_sentence(load_own("client.pfx", "", ""), TG_ERR_CONFIG, "openssl pkcs12 -in");
	check_sentence(load_own("ca.cnf", "", ""), TG_ERR_CONFIG, "holds no certificate");
	check_sentence(load_own("ca.pem", "client.pfx", ""), TG_ERR_CONFIG, "PFX");
	check_sentence(load_own("ca.pem", "client.pem", ""), TG_ERR_CONFIG, "no private key");
	check_sentence(load_own("ca.pem", "client.pem", "good.key"), TG_ERR_CONFIG,
		       "does not belong to");
	check_sentence(load_own("ca.pem", "client.pem", "client.locked"), TG_ERR_CONFIG,
		       "encrypted");
	check_sentence(load_own("ca.pem", "client.pem", "client.1421"), TG_ERR_CONFIG, "encrypted");
	check_sentence(load_own("ca.pem", "stale.pem", "stale.key"), TG_ERR_CONFIG,
		       "expired on 2020-02-02");
	check_sentence(load_own("ca.pem", "", "client.key"), TG_ERR_CONFIG,
		       "without a certificate");
}

TG_TEST(tls_gives_all_memory_back)
{
	size_t before = tg_tls_pool_now().used_bytes;

	TG_CHECK_INT(outcome(GOOD, "localhost", load("ca.pem", "client.both", "")), 0);
	TG_CHECK_INT(tg_tls_pool_now().used_bytes, before);
	printf("pool: peak %zu bytes, left in use %zu\n", tg_tls_pool_now().peak_bytes, before);
}
