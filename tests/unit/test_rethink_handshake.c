/* The known answers of reference/rethinkdb.md 1.6 and every way in which a login can fail. */
#include "drivers/rethink/handshake.h"
#include "drivers/rethink/scram.h"
#include "tests/check.h"

static struct tg_handshake hs;
static struct tg_scram_cache cache;
static struct tg_why why;
static struct tg_login login = { .peer = "db:28015" };

#define VERSION                                                                                \
	"{\"max_protocol_version\":0,\"min_protocol_version\":0,\"server_version\":\"2.4.4\"," \
	"\"success\":true}"

static void begin(const char *user, const char *password, const char *nonce)
{
	memset(&cache, 0, sizeof(cache));
	login.user = user;
	login.password = password;
	login.nonce = nonce;
	TG_CHECK_INT(tg_handshake_start(&hs, &login, &cache, &why), TG_OK);
}

static void sends(const char *text, size_t bytes)
{
	struct tg_view out = tg_handshake_out(&hs);

	TG_CHECK_BYTES(out.at, out.bytes, text, bytes);
	tg_handshake_sent(&hs, out.bytes);
	TG_CHECK_INT(tg_handshake_out(&hs).bytes, 0);
}

/* Hands a message and its NUL over, then lets the key be derived. */
static int says(const char *text)
{
	size_t used = 0, bytes = strlen(text) + 1;
	int rc = tg_handshake_feed(&hs, tg_view_of(text, bytes), &used, &why);

	if (rc == TG_ERR_AGAIN)
		TG_CHECK_INT(used, bytes);
	for (int i = 0; tg_handshake_busy(&hs) && i < 10000; i++)
		tg_handshake_step(&hs);
	return rc;
}

TG_TEST(rethink_handshake_vector_1)
{
	static const char first[] = "\xC3\xBD\xC2\x34{\"protocol_version\":0,\"authentication_"
				    "method\":\"SCRAM-SHA-256\","
				    "\"authentication\":\"n,,n=admin,r=cGxhaW5ub25jZTAwMDAwMDAx\"}";
	static const char final[] =
		"{\"authentication\":\"c=biws,r=cGxhaW5ub25jZTAwMDAwMDAxc2VydmVybm9uY2UwMDEy,"
		"p=bU8sSxWJJz+DD8jpN2zo93GwaXLGxmTIiOn+Z6bpwhw=\"}";

	begin("admin", "", "cGxhaW5ub25jZTAwMDAwMDAx");
	sends(first, sizeof(first));
	TG_CHECK_INT(says(VERSION), TG_ERR_AGAIN);
	TG_CHECK_STR(hs.version, "2.4.4");
	TG_CHECK_INT(says("{\"authentication\":\"r=cGxhaW5ub25jZTAwMDAwMDAxc2VydmVybm9uY2UwMDEy,"
			  "s=AAECAwQFBgcICQoLDA0ODw==,i=1\",\"success\":true}"),
		     TG_ERR_AGAIN);
	sends(final, sizeof(final));
	TG_CHECK_INT(says("{\"authentication\":\"v=yZfHzHVvmYtCWTMY6NKjVFoqkpZZV/N7JI20QUTzhqM=\","
			  "\"success\":true}"),
		     TG_OK);
}

static const char first_2[] =
	"{\"authentication\":\"r=cGxhaW5ub25jZTAwMDAwMDAyc2VydmVybm9uY2UwMDM0,"
	"s=EBESExQVFhcYGRobHB0eHw==,i=4096\",\"success\":true}";
static const char final_2[] =
	"{\"authentication\":\"c=biws,r=cGxhaW5ub25jZTAwMDAwMDAyc2VydmVybm9uY2UwMDM0,"
	"p=VuLEfknLvqxqKFRIJbhhWDhs6/PsLQ22KH5QWVzh9YA=\"}";

static void begin_2(void)
{
	static const char first[] =
		"\xC3\xBD\xC2\x34{\"protocol_version\":0,\"authentication_method\":\"SCRAM-SHA-"
		"256\","
		"\"authentication\":\"n,,n=repl=3Da=2Cb,r=cGxhaW5ub25jZTAwMDAwMDAy\"}";

	begin("repl=a,b", "p\xc3\xa4ssw\xc3\xb6rd", "cGxhaW5ub25jZTAwMDAwMDAy");
	sends(first, sizeof(first));
}

/* The same conversation cut at each byte, both answers in one run. Where a tool makes each step
 * slow it goes on to the key, the same 4,096 steps each time, from a few of the cuts only. */
TG_TEST(rethink_handshake_vector_2_at_every_split)
{
	char both[600];
	size_t total = sizeof(VERSION) + sizeof(first_2);

	memcpy(both, VERSION, sizeof(VERSION));
	memcpy(both + sizeof(VERSION), first_2, sizeof(first_2));
	for (size_t split = 0; split <= total; split++) {
		size_t used = 0, more = 0;
		begin_2();
		int rc = tg_handshake_feed(&hs, tg_view_of(both, split), &used, &why);
		TG_CHECK(rc == TG_ERR_AGAIN && used == split);
		rc = tg_handshake_feed(&hs, tg_view_of(both + split, total - split), &more, &why);
		TG_CHECK(rc == TG_ERR_AGAIN && more == total - split);
		if (split % tg_turns(1, 40) != 0)
			continue;
		while (tg_handshake_busy(&hs))
			tg_handshake_step(&hs);
		sends(final_2, sizeof(final_2));
		TG_CHECK_INT(says("{\"authentication\":\"v=Q8ZDU++"
				  "OswfEys8s8MSkb7N3MNiBALmRq4QWEJ2288A=\","
				  "\"success\":true}"),
			     TG_OK);
	}
}

TG_TEST(rethink_handshake_keeps_the_key_for_the_next_login)
{
	begin_2();
	TG_CHECK_INT(says(VERSION), TG_ERR_AGAIN);
	TG_CHECK_INT(says(first_2), TG_ERR_AGAIN);
	struct tg_scram_cache kept = cache;
	TG_CHECK_INT(tg_handshake_start(&hs, &login, &kept, &why), TG_OK);
	tg_handshake_sent(&hs, tg_handshake_out(&hs).bytes);
	size_t used = 0;
	int rc = tg_handshake_feed(&hs, tg_view_of(VERSION, sizeof(VERSION)), &used, &why);
	TG_CHECK_INT(rc, TG_ERR_AGAIN);
	rc = tg_handshake_feed(&hs, tg_view_of(first_2, sizeof(first_2)), &used, &why);
	TG_CHECK_INT(rc, TG_ERR_AGAIN);
	TG_CHECK(!tg_handshake_busy(&hs));
	sends(final_2, sizeof(final_2));
}

TG_TEST(rethink_scram_vector_3_of_rfc_7677)
{
	static const char server_first[] = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s="
					   "W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
	struct tg_scram_first got;
	struct tg_scram_proof proof;
	struct tg_pbkdf2 kdf;
	uint8_t key[TG_SHA256_BYTES];
	char auth[512], text[64] = "";

	TG_CHECK_INT(tg_scram_read_first(tg_view_str(server_first), "rOprNGfwEbeRWgbNEkqO", &got),
		     TG_OK);
	tg_pbkdf2_start(&kdf, tg_view_str("pencil"), tg_view_of(got.salt, got.salt_bytes),
			got.iterations);
	while (!tg_pbkdf2_step(&kdf, 100, key))
		continue;
	snprintf(auth, sizeof(auth), "n=user,r=rOprNGfwEbeRWgbNEkqO,%s,c=biws,r=%.*s", server_first,
		 (int)got.nonce.bytes, (const char *)got.nonce.at);
	tg_scram_prove(key, tg_view_str(auth), &proof);
	TG_CHECK(tg_base64_encode(tg_view_of(proof.client_proof, 32), text, sizeof(text)) > 0);
	TG_CHECK_BYTES(text, 44, "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", 44);
	TG_CHECK(tg_scram_signature_fits(
		tg_view_str("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="),
		proof.server_signature));
}

TG_TEST(rethink_scram_refuses_wrong_challenges)
{
	static const char *const wrong[] = {
		"",
		"r=abcdX,s=AAECAwQFBgcICQoLDA0ODw==,i=0",
		"r=abcd,s=AAECAwQFBgcICQoLDA0ODw==,i=1",
		"r=Xabcd,s=AAECAwQFBgcICQoLDA0ODw==,i=1",
		"r=abcdX,s=,i=1",
		"r=abcdX,s=A!,i=1",
		"r=abcdX,i=1",
		"r=abcdX,s=AAEC,i=4294967296",
		"r=abcdX,s=AAEC,i=12x",
		"m=1,r=abcdX,s=AAEC,i=1",
		"r=abcdX,s=AAEC,i=1,,",
		"r",
	};
	struct tg_scram_first got;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (tg_scram_read_first(tg_view_str(wrong[i]), "abcd", &got) != TG_ERR_PROTOCOL)
			TG_FAIL("%s was taken", wrong[i]);
	TG_CHECK_INT(tg_scram_read_first(tg_view_str("r=abcdX,s=AAEC,i=1"), "abcd", &got), TG_OK);
}

static int refused(const char *password, const char *text)
{
	begin("agent", password, "cGxhaW5ub25jZTAwMDAwMDAx");
	tg_handshake_sent(&hs, tg_handshake_out(&hs).bytes);
	TG_CHECK_INT(says(VERSION), TG_ERR_AGAIN);
	TG_CHECK_INT(says("{\"authentication\":\"r=cGxhaW5ub25jZTAwMDAwMDAxc2VydmVybm9uY2UwMDEy,"
			  "s=AAECAwQFBgcICQoLDA0ODw==,i=1\",\"success\":true}"),
		     TG_ERR_AGAIN);
	tg_handshake_sent(&hs, tg_handshake_out(&hs).bytes);
	int rc = says(text);
	TG_CHECK_INT(rc, why.err);
	/* Nobody's password may be part of a sentence. */
	TG_CHECK(strstr(why.text, "s3cret") == NULL && strstr(why.text, "db:28015") != NULL);
	return rc;
}

TG_TEST(rethink_handshake_tells_refusals_apart)
{
	static const char wrong[] =
		"{\"error\":\"Wrong password\",\"error_code\":12,\"success\":false}";

	TG_CHECK_INT(refused("s3cret", wrong), TG_ERR_LOGIN_PASSWORD);
	TG_CHECK_STR(why.text, "db:28015 refused the password of user agent; correct \"password\"");
	TG_CHECK_INT(cache.iterations, 0);
	TG_CHECK_INT(refused("", wrong), TG_ERR_LOGIN_EMPTY);
	TG_CHECK_INT(refused("s3cret",
			     "{\"error\":\"Unknown user\",\"error_code\":17,\"success\":false}"),
		     TG_ERR_LOGIN_USER);
	TG_CHECK_INT(refused("s3cret", "{\"error\":\"x\",\"error_code\":20,\"success\":false}"),
		     TG_ERR_LOGIN_PASSWORD);
	TG_CHECK_INT(refused("s3cret", "{\"error\":\"x\",\"error_code\":21,\"success\":false}"),
		     TG_ERR_PROTOCOL);
	TG_CHECK_INT(refused("s3cret", "{\"success\":false}"), TG_ERR_PROTOCOL);
	TG_CHECK_INT(refused("s3cret", "[]"), TG_ERR_PROTOCOL);
	TG_CHECK_INT(refused("s3cret",
			     "{\"authentication\":\"v=yZfHzHVvmYtCWTMY6NKjVFoqkpZZV/N7JI20QU"
			     "TzhqM=\",\"success\":true}"),
		     TG_ERR_SIGNATURE);
	TG_CHECK_INT(refused("s3cret", "{\"authentication\":7,\"success\":true}"),
		     TG_ERR_SIGNATURE);
}

static int first_bytes(const char *text, size_t bytes)
{
	size_t used = 0;

	begin("agent", "s3cret", NULL);
	return tg_handshake_feed(&hs, tg_view_of(text, bytes), &used, &why);
}

TG_TEST(rethink_handshake_names_foreign_ports)
{
	TG_CHECK_INT(first_bytes("HTTP/ 400 Bad Request\r\n\r\n", 25), TG_ERR_PEER_OTHER);
	TG_CHECK(strstr(why.text, "HTTP") != NULL);
	TG_CHECK_INT(first_bytes("RethinkDB cluster\n", 18), TG_ERR_PEER_OTHER);
	TG_CHECK(strstr(why.text, "cluster port") != NULL);
	TG_CHECK_INT(first_bytes("\x15\x03\x01", 3), TG_ERR_PEER_TLS);
	TG_CHECK_INT(first_bytes("SSH-2.0", 7), TG_ERR_PEER_OTHER);
	TG_CHECK_INT(first_bytes("ERROR: Received an unsupported protocol version.\n", 49),
		     TG_ERR_PEER_OLD);
	TG_CHECK(strstr(why.text, "unsupported protocol version") != NULL);
	TG_CHECK_INT(first_bytes("ERROR: cut", 10), TG_ERR_AGAIN);
	TG_CHECK_INT(tg_handshake_ended(&hs, TG_ERR_CLOSED, &why), TG_ERR_PEER_OLD);
}

TG_TEST(rethink_handshake_bounds_what_it_takes)
{
	static char endless[3000];

	memset(endless, 'x', sizeof(endless));
	endless[0] = '{';
	TG_CHECK_INT(first_bytes(endless, sizeof(endless)), TG_ERR_PROTOCOL);
	endless[0] = 'E';
	TG_CHECK_INT(first_bytes(endless, sizeof(endless)), TG_ERR_PEER_OLD);
	char name[1500];
	memset(name, 'u', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	login.user = name;
	TG_CHECK_INT(tg_handshake_start(&hs, &login, &cache, &why), TG_ERR_CONFIG);
	begin("agent", "", "cGxhaW5ub25jZTAwMDAwMDAx");
	TG_CHECK_INT(
		says("{\"max_protocol_version\":9,\"min_protocol_version\":7,\"success\":true}"),
		TG_ERR_PEER_OLD);
	begin("agent", "", "cGxhaW5ub25jZTAwMDAwMDAx");
	tg_handshake_sent(&hs, tg_handshake_out(&hs).bytes);
	TG_CHECK_INT(says(VERSION), TG_ERR_AGAIN);
	TG_CHECK_INT(says("{\"authentication\":\"r=cGxhaW5ub25jZTAwMDAwMDAxc2VydmVybm9uY2UwMDEy,"
			  "s=AAECAwQFBgcICQoLDA0ODw==,i=4294967295\",\"success\":true}"),
		     TG_ERR_PROTOCOL);
}

TG_TEST(rethink_handshake_explains_silence_and_ends)
{
	begin("agent", "", NULL);
	TG_CHECK_INT(tg_handshake_silent(&hs, 10000, &why), TG_ERR_TIMEOUT);
	TG_CHECK(strstr(why.text, "said nothing for 10 s") != NULL);
	TG_CHECK_INT(tg_handshake_ended(&hs, TG_ERR_RESET, &why), TG_ERR_PEER_TLS);
	tg_handshake_sent(&hs, tg_handshake_out(&hs).bytes);
	TG_CHECK_INT(says(VERSION), TG_ERR_AGAIN);
	TG_CHECK_INT(tg_handshake_ended(&hs, TG_ERR_RESET, &why), TG_ERR_RESET);
	TG_CHECK_INT(tg_handshake_silent(&hs, 10000, &why), TG_ERR_TIMEOUT);
	TG_CHECK(strstr(why.text, "during the login") != NULL);
}

TG_TEST(rethink_handshake_makes_fresh_nonces)
{
	char a[25], b[25];

	tg_scram_nonce(a);
	tg_scram_nonce(b);
	TG_CHECK_INT(strlen(a), 24);
	TG_CHECK(strcmp(a, b) != 0 && strchr(a, ',') == NULL);
}
