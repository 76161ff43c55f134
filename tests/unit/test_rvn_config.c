/* The seed's flat file and ours, and every fault at once. */
#include "drivers/raven/config.h"

#include "tests/unit/config_rig.h"

static struct tg_raven_config config;

static void read(const char *text)
{
	tg_raven_config_read(&config, parse(text), &problems);
}

static void told(const char *sentence)
{
	for (uint32_t i = 0; i < problems.count; i++)
		if (strstr(problems.text[i], sentence) != NULL)
			return;
	for (uint32_t i = 0; i < problems.count; i++)
		fprintf(stderr, "%s\n", problems.text[i]);
	TG_FAIL("not told: %s", sentence);
}

static bool takes(const char *collection)
{
	return tg_raven_takes(&config, tg_view_str(collection));
}

TG_TEST(raven_config_reads_the_seeds_flat_file)
{
	read("{\"ravendb_urls\":\"http://127.0.0.1:8080, http://localhost:8081,\","
	     "\"database_name\":\"Plant\",\"batch_size\":\"250\",\"certificate_base64\":\"\"}");
	TG_CHECK_INT(problems.count, 0);
	TG_CHECK_INT(config.link.url_count, 2);
	TG_CHECK_STR(config.link.urls[0].host, "127.0.0.1");
	TG_CHECK_INT(config.link.urls[0].port, 8080);
	TG_CHECK_STR(config.link.urls[1].host, "localhost");
	TG_CHECK_INT(config.link.urls[1].port, 8081);
	TG_CHECK(!config.link.tls && config.link.target.tls == NULL);
	TG_CHECK_STR(config.link.database, "Plant");
	TG_CHECK_INT(config.batch_size, 250);
	TG_CHECK(takes("Orders") && takes("ORDERS") && !takes("Items"));
	read("{\"ravendb_urls\":\"http://[::1]:8080/\",\"database_name\":\"d\"}");
	TG_CHECK_INT(problems.count, 0);
	TG_CHECK_INT(config.batch_size, 100);
	TG_CHECK_STR(config.link.urls[0].host, "::1");
}

TG_TEST(raven_config_reads_ours)
{
	read("{\"name\":\"r\",\"type\":\"ravendb\",\"ravendb_urls\":[\"http://a:80\",\"http://b\"],"
	     "\"allow_plain\":true,\"database_name\":\"\xc3\x84.b-c_1\",\"mode\":\"last_modified\","
	     "\"collection_name\":[\"*\",\"!tmp*\",\"TmpKeep\"],\"overlap_seconds\":7,"
	     "\"rows_per_second_max\":500,\"answer_seconds\":7,\"connect_seconds\":3,"
	     "\"read_replicated\":true,\"delete_when_empty\":true}");
	TG_CHECK_INT(problems.count, 0);
	TG_CHECK_INT(config.link.url_count, 2);
	TG_CHECK_INT(config.link.urls[1].port, 80);
	TG_CHECK_INT(config.batch_size, 1000);
	TG_CHECK_INT(config.mode, TG_RAVEN_LAST_MODIFIED);
	TG_CHECK_INT(config.overlap_ms, 7000);
	TG_CHECK_INT(config.rows_per_second_max, 500);
	TG_CHECK_INT(config.link.answer_ms_max, 7000);
	TG_CHECK_INT(config.link.target.connect_ms_max, 3000);
	TG_CHECK(config.read_replicated && config.delete_when_empty);
	TG_CHECK(!config.delete_when_recreated);
	TG_CHECK(takes("Orders") && takes("@empty") && takes("tmpkeep") && !takes("TMPx"));
}

TG_TEST(raven_config_leaves_what_is_internal_unless_it_is_named)
{
	read("{\"ravendb_urls\":\"http://localhost\",\"database_name\":\"d\","
	     "\"collection_name\":\"*\"}");
	TG_CHECK_INT(problems.count, 0);
	TG_CHECK(takes("Orders") && !takes("@hilo") && !takes("@HiLo") && !takes("Tidegate"));
	read("{\"ravendb_urls\":\"http://localhost\",\"database_name\":\"d\","
	     "\"collection_name\":[\"@HILO\",\"tideGate\"]}");
	TG_CHECK(takes("@hilo") && takes("Tidegate") && !takes("Orders"));
}

TG_TEST(raven_config_tells_every_fault_at_once)
{
	read("{\"name\":\"r\",\"type\":\"ravendb\",\"ravendb_url\":\"x\",\"mode\":\"fast\","
	     "\"database_name\":\"a..b\",\"collection_name\":[\"\",7],\"batch_size\":0,"
	     "\"overlap_seconds\":-1,\"proxy\":\"https://p:1\"}");
	told("ravendb_url: unknown member; did you mean ravendb_urls?");
	told("ravendb_urls: is missing");
	told("mode: ");
	told("database_name: a database's name is");
	told("collection_name[0]: must be a collection's name");
	told("collection_name[1]: must be a collection's name");
	told("batch_size: 0 is not allowed");
	told("overlap_seconds: -1 is not allowed");
	told("proxy: the proxy begins with https://");
}

TG_TEST(raven_config_refuses_addresses_that_cannot_be_meant)
{
	read("{\"ravendb_urls\":\"http://db.plant\",\"database_name\":\"d\"}");
	told("ravendb_urls: the address http://db.plant is plain http");
	read("{\"ravendb_urls\":\"http://localhost,https://localhost\",\"database_name\":\"d\"}");
	told("ravendb_urls: mixes http and https");
	read("{\"ravendb_urls\":[\"http://localhost/databases/d\",7,\"ftp://x\"],"
	     "\"database_name\":\"d\"}");
	told("ravendb_urls[0]: the address http://localhost/databases/d must end behind the port");
	told("ravendb_urls[1]: must be an address, a text");
	told("ravendb_urls[2]: the address ftp://x ");
	read("{\"ravendb_urls\":\" , \",\"database_name\":\"d\"}");
	told("ravendb_urls: must name an address");
	read("{\"ravendb_urls\":{},\"database_name\":\"\"}");
	told("ravendb_urls: must be a text of addresses");
	told("database_name: must not be empty");
}

TG_TEST(raven_config_counts_addresses)
{
	char text[128 * (CONFIG_TG_RAVEN_URLS_MAX + 2)];
	size_t used = (size_t)snprintf(text, sizeof(text),
				       "{\"database_name\":\"d\",\"ravendb_urls\":\"");

	for (int i = 0; i <= CONFIG_TG_RAVEN_URLS_MAX; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "http://127.0.0.%d,",
					 i + 1);
	(void)snprintf(text + used, sizeof(text) - used, "\"}");
	read(text);
	told("ravendb_urls: this build takes ");
	TG_CHECK_INT(config.link.url_count, CONFIG_TG_RAVEN_URLS_MAX);
}

TG_TEST(raven_config_wants_a_certificate_for_https)
{
	read("{\"ravendb_urls\":\"https://db.plant\",\"database_name\":\"d\","
	     "\"certificate_base64\":\"\"}");
	TG_CHECK_INT(problems.count, 1);
	told("certificate_file: is missing: over https the server knows us by a certificate");
	read("{\"ravendb_urls\":\"https://db.plant\",\"database_name\":\"d\","
	     "\"certificate_base64\":\"bm8gUEVN\"}");
	TG_CHECK_INT(problems.count, 1);
	TG_CHECK(strstr(problems.text[0], "bm8") == NULL);
	told("certificate_base64");
	read("{\"ravendb_urls\":\"http://localhost\",\"database_name\":\"d\","
	     "\"certificate_base64\":\"bm8gUEVN\"}");
	told("ravendb_urls: plain http carries no certificate: use https");
}
