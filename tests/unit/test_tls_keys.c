/* Client certificates of every kind that RavenDB users have, against a server that demands one: the
 * pool of one connection must carry each of them. */
#include "tests/check.h"
#include "tests/unit/peer.h"

static const char making[] =
	"set -e; cd %s; exec 2>> log\n"
	"make() { openssl req -x509 -new $2 -nodes -keyout $1.key -days 30 -subj /CN=$1 \\\n"
	"  -addext extendedKeyUsage=clientAuth -out $1.pem; cat $1.pem $1.key > $1.both; }\n"
	"make p256 '-newkey ec -pkeyopt ec_paramgen_curve:P-256'\n"
	"make rsa2048 '-newkey rsa:2048'; make rsa4096 '-newkey rsa:4096'\n"
	"openssl rsa -in rsa4096.key -traditional -out old.key ||\n"
	" openssl rsa -in rsa4096.key -out old.key\n"
	"cat rsa4096.pem old.key > traditional.both\n"
	"openssl req -new -key rsa4096.key -subj /CN=r -out r.csr\n"
	"openssl ca -batch -notext -config ca.cnf -cert ca.pem -keyfile ca.key -in r.csr -days 30 "
	"\\\n"
	" -extfile good.ext -out rsaserver.pem\n";

static const char *const names[] = { "p256", "rsa2048", "rsa4096", "traditional" };

static void shake_hands(const char *name, const char *args)
{
	struct tg_tls_files files = { .ca_file = "" };
	struct tg_conn_target target = { .host = "localhost",
					 .connect_ms_max = 5000,
					 .handshake_ms_max = 20000 };
	static size_t at_rest = SIZE_MAX; /* PSA keeps some of its first handshake */
	struct peer peer;
	struct tg_conn conn;
	struct tg_why why;
	char got[PEER_BYTES];

	(void)snprintf(files.ca_file, sizeof(files.ca_file), "%s/ca.pem", peer_folder());
	(void)snprintf(files.certificate_file, sizeof(files.certificate_file), "%s/%s.both",
		       peer_folder(), name);
	if (tg_tls_load(&files, &target.tls, &why) != 0)
		TG_FAIL("%s: %s", name, why.text);
	peer_start_openssl(&peer, args);
	target.port = peer.port;
	if (peer_dial(&conn, &target) != 0)
		TG_FAIL("%s %s: %s", name, args, tg_conn_why(&conn)->text);
	TG_CHECK(peer_ask(&conn, "tide\n", "\n", got) > 0);
	TG_CHECK_STR(got, "edit\n");
	tg_conn_close(&conn);
	peer_stop(&peer);
	tg_tls_unload(target.tls);
	if (at_rest == SIZE_MAX)
		at_rest = tg_tls_pool_now().used_bytes;
	TG_CHECK_INT(tg_tls_pool_now().used_bytes, at_rest);
}

TG_TEST(tls_keys_00_are_made)
{
	char command[sizeof(making) + 256];

	if (!peer_has_openssl())
		exit(77);
	(void)snprintf(command, sizeof(command), making, peer_folder());
	TG_CHECK_INT(system(command), 0);
}

/* Chain faults of ours are the server's to judge: RavenDB takes them all, by thumbprint. */
TG_TEST(tls_shows_keys_of_every_kind)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		shake_hands(names[i], "-cert good.pem -key good.key -rev -tls1_2 -Verify 1");
		shake_hands(names[i], "-cert good.pem -key good.key -rev -Verify 1");
	}
}

TG_TEST(tls_server_with_an_rsa_key)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		shake_hands(names[i], "-cert rsaserver.pem -key rsa4096.key -rev -tls1_2 -Verify 1 "
				      "-alpn h2,http/1.1");
}

/* A server that goes by its own order signs with RSA-PSS in TLS 1.2 too. */
TG_TEST(tls_server_with_an_order_of_its_own)
{
	shake_hands("p256", "-cert rsaserver.pem -key rsa4096.key -rev -tls1_2 -serverpref");
	shake_hands("rsa4096",
		    "-cert rsaserver.pem -key rsa4096.key -rev -tls1_2 -serverpref -Verify 1");
	shake_hands("rsa4096", "-cert rsaserver.pem -key rsa4096.key -rev -serverpref -Verify 1");
}

/* One connection's share of the pool is enough for the largest key. */
TG_TEST(tls_keys_fit_the_pool)
{
	struct tg_tls_pool pool = tg_tls_pool_now();

	printf("pool: peak %zu of %d bytes a connection\n", pool.peak_bytes, CONFIG_TG_TLS_BYTES);
	TG_CHECK(pool.peak_bytes <= CONFIG_TG_TLS_BYTES);
	TG_CHECK_INT(pool.refused_count, 0);
}
