/* Certificates and proxies as a configuration gives them. TLS itself is in test_tls.c. */
#include "drivers/http/identity.h"

#include "app/arena.h"
#include "platform/tls.h"
#include "tests/check.h"
#include "tests/unit/peer.h"

enum { ARENA_BYTES = 1 << 20, TEXT_BYTES = 16384 };

static uint8_t arena_bytes[ARENA_BYTES];
static struct tg_conn_target target;
static struct tg_problems problems;

static void read_members(const char *members, bool tls)
{
	static char text[ARENA_BYTES / 8];
	struct tg_identity_rules rules = {
		.certificate = "certificate_file", .key = "client_key", .address = "url", .tls = tls
	};
	const struct tg_json *config;
	struct tg_arena arena;
	struct tg_why why;

	TG_CHECK(snprintf(text, sizeof(text), "{\"ca_file\":\"%s/ca.pem\"%s}", peer_folder(),
			  members) < (int)sizeof(text));
	tg_arena_init(&arena, arena_bytes, sizeof(arena_bytes));
	memset(&problems, 0, sizeof(problems));
	memset(&target, 0, sizeof(target));
	if (tg_json_parse(tg_view_str(text), &arena, &config, &why) != 0)
		TG_FAIL("%s", why.text);
	tg_identity_read(&target, &rules, config, &problems);
}

static void accepts(const char *members)
{
	read_members(members, true);
	if (problems.count != 0)
		TG_FAIL("%.100s: %s", members, problems.text[0]);
	TG_CHECK(target.tls != NULL);
	tg_tls_unload(target.tls);
}

static void refuses(const char *members, const char *part)
{
	read_members(members, true);
	if (problems.count == 0)
		TG_FAIL("%.100s is taken", members);
	if (strstr(problems.text[0], part) == NULL)
		TG_FAIL("\"%s\" is not in: %s", part, problems.text[0]);
	TG_CHECK(strstr(problems.text[0], "s3cret") == NULL);
	TG_CHECK(target.tls == NULL);
}

/* What a shell command in the certificates' folder prints, as certificate_base64. */
static const char *printed(const char *command)
{
	static char members[TEXT_BYTES * 2];
	char line[512], text[TEXT_BYTES];
	size_t used, bytes;

	(void)snprintf(line, sizeof(line), "cd %s && %s", peer_folder(), command);
	FILE *shell = popen(line, "r");
	TG_CHECK(shell != NULL);
	bytes = fread(text, 1, sizeof(text), shell);
	TG_CHECK_INT(pclose(shell), 0);
	TG_CHECK(bytes > 0 && bytes < sizeof(text));
	used = (size_t)snprintf(members, sizeof(members), ",\"certificate_base64\":\"");
	for (size_t i = 0; i < bytes; i++) {
		if (text[i] == '\n')
			members[used++] = '\\';
		members[used++] = text[i] == '\n' ? 'n' : text[i];
	}
	(void)snprintf(members + used, sizeof(members) - used, "\"");
	return members;
}

static const char *file_member(const char *certificate, const char *key)
{
	static char members[1024];
	int used = snprintf(members, sizeof(members), ",\"certificate_file\":\"%s/%s\"",
			    peer_folder(), certificate);

	if (key != NULL)
		(void)snprintf(members + used, sizeof(members) - (size_t)used,
			       ",\"client_key\":\"%s/%s\"", peer_folder(), key);
	return members;
}

TG_TEST(identity_00_needs_openssl)
{
	if (!peer_has_openssl())
		exit(77);
}

TG_TEST(identity_takes_base64_as_people_make_it)
{
	accepts(printed("base64 -w0 client.both"));
	accepts(printed("base64 client.both")); /* with line ends */
	accepts(printed("(echo; base64 -w64 client.both | sed 's/^/  /; s/$/ /')"));
	accepts(printed("cat client.both"));
	/* certutil -encode */
	accepts(printed("(echo '-----BEGIN CERTIFICATE-----'; base64 -w64 client.both; "
			"echo '-----END CERTIFICATE-----')"));
	accepts(printed("cat client.key client.pem | base64 -w0"));
	accepts(file_member("client.both", NULL));
	accepts(file_member("client.pem", "client.key"));
	accepts("");
}

TG_TEST(identity_takes_a_secret_from_a_file)
{
	char command[512], members[512];

	(void)snprintf(command, sizeof(command), "base64 %s/client.both > %s/both.b64",
		       peer_folder(), peer_folder());
	TG_CHECK_INT(system(command), 0);
	(void)snprintf(members, sizeof(members),
		       ",\"certificate_base64\":{\"$file\":\"%s/both.b64\"}", peer_folder());
	accepts(members);
}

TG_TEST(identity_names_the_fault_of_a_certificate)
{
	refuses(printed("base64 -w0 client.pfx"), "openssl pkcs12 -in");
	refuses(printed("base64 -w0 client.pfx"), "base64 -w0 c.pem");
	refuses(file_member("client.pfx", NULL), "openssl pkcs12 -in");
	refuses(printed("openssl x509 -in client.pem -outform DER | base64 -w0"), "holds DER");
	refuses(printed("base64 -w0 client.pem"), "holds no private key");
	refuses(printed("base64 -w0 client.key"), "holds no certificate");
	refuses(printed("cat client.pem good.key | base64 -w0"), "does not belong to");
	refuses(printed("cat client.pem client.locked | base64 -w0"), "encrypted");
	refuses(printed("cat stale.pem stale.key | base64 -w0"), "expired on 2020-02-02");
	refuses(printed("cat future.pem future.key | base64 -w0"), "valid only from 2044-01-01");
	refuses(file_member("future.pem", "future.key"), "valid only from 2044-01-01");
	refuses(",\"certificate_base64\":\"<YOUR_CERTIFICATE>\"", "neither PEM nor base64");
	refuses(",\"certificate_base64\":\"c29tZSB0ZXh0\"", "holds no certificate");
	refuses(",\"certificate_base64\":\"x\",\"certificate_file\":\"y\"",
		"is given beside certificate_file");
	read_members(printed("base64 -w0 client.both"), false);
	TG_CHECK_INT(problems.count, 1);
	TG_CHECK(strstr(problems.text[0], "plain http carries no certificate") != NULL);
}

TG_TEST(identity_counts_the_days)
{
	struct tg_now now = { .wall_ms = INT64_C(2366841600000) }; /* 2045-01-01 */
	char text[TG_IDENTITY_TEXT_BYTES];

	read_members(file_member("client.both", NULL), true);
	TG_CHECK_INT(tg_identity_days_left(&target, &now, text), 0);
	now.wall_ms -= INT64_C(12) * 86400000;
	TG_CHECK_INT(tg_identity_days_left(&target, &now, text), 12);
	TG_CHECK_STR(text, "our certificate expires in 12 days");
	now.wall_ms -= INT64_C(7671) * 86400000; /* 2023-12-20: over six leap days */
	TG_CHECK_INT(tg_identity_days_left(&target, &now, text), 7683);
	tg_tls_unload(target.tls);
	read_members("", true);
	TG_CHECK(tg_identity_days_left(&target, &now, text) > 100000 && text[0] == '\0');
	tg_tls_unload(target.tls);
}

static void proxied(const char *members, const char *host, unsigned port, const char *login)
{
	accepts(members);
	TG_CHECK_STR(target.proxy.host, host);
	TG_CHECK_INT(target.proxy.port, port);
	TG_CHECK_STR(target.proxy.login, login);
}

TG_TEST(identity_reads_a_proxy)
{
	proxied(",\"proxy\":\"http://proxy.plant.example:3128\"", "proxy.plant.example", 3128, "");
	proxied(",\"proxy\":\"10.0.0.1:80\",\"proxy_username\":\"u\",\"proxy_password\":\"a:b\"",
		"10.0.0.1", 80, "u:a:b");
	proxied(",\"proxy\":\"http://[fe80::1]:8080/\",\"proxy_username\":\"u\"", "fe80::1", 8080,
		"u:");
	proxied("", "", 0, "");
	refuses(",\"proxy\":\"http://proxy\"", "has no port");
	refuses(",\"proxy\":\"http://[fe80::80]\"", "has no port");
	refuses(",\"proxy\":\"https://proxy:3128\"", "without TLS");
	refuses(",\"proxy\":\"http://u:s3cret@proxy:3128\"", "proxy_username");
	refuses(",\"proxy\":\"http://proxy:3128/x\"", "must end behind the port");
	refuses(",\"proxy\":\"proxy:0\"", "has no port between");
	refuses(",\"proxy_username\":\"u\"", "the proxy is missing");
	refuses(",\"proxy\":\"p:1\",\"proxy_password\":\"s3cret\"", "is missing, though");
	refuses(",\"proxy\":\"p:1\",\"proxy_username\":\"u:v\"", "colon");
}
