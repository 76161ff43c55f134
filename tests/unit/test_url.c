#include "drivers/http/url.h"
#include "tests/check.h"

static struct tg_url url;

static void takes(const char *text)
{
	const char *fault = tg_url_parse(text, &url);

	if (fault != NULL)
		TG_FAIL("%s %s", text, fault);
}

TG_TEST(url_is_taken_apart)
{
	takes("https://plant.example/ingest");
	TG_CHECK(url.tls);
	TG_CHECK_INT(url.port, 443);
	TG_CHECK_STR(url.host, "plant.example");
	TG_CHECK_STR(url.authority, "plant.example");
	TG_CHECK_STR(url.target, "/ingest");
	takes("HTTP://127.0.0.1:8080");
	TG_CHECK(!url.tls);
	TG_CHECK_INT(url.port, 8080);
	TG_CHECK_STR(url.authority, "127.0.0.1:8080");
	TG_CHECK_STR(url.target, "/");
	takes("https://h?query=INSERT%20INTO%20t");
	TG_CHECK_STR(url.target, "/?query=INSERT%20INTO%20t");
	takes("https://h:443/a:b@c?d/e?f");
	TG_CHECK_STR(url.authority, "h");
	TG_CHECK_STR(url.target, "/a:b@c?d/e?f");
	takes("http://h:443/");
	TG_CHECK_STR(url.authority, "h:443");
}

TG_TEST(url_takes_ipv6)
{
	takes("https://[2001:db8::1]:8443/x");
	TG_CHECK_STR(url.host, "2001:db8::1");
	TG_CHECK_STR(url.authority, "[2001:db8::1]:8443");
	takes("http://[::ffff:127.0.0.1]/");
	TG_CHECK_STR(url.authority, "[::ffff:127.0.0.1]");
}

TG_TEST(url_refuses)
{
	static const char *const bad[] = {
		"",
		"h/x",
		"ftp://h/",
		"https:/h",
		"https://",
		"https:///x",
		"https://:443/",
		"https://h:/",
		"https://h:0/",
		"https://h:65536/",
		"https://h:99999999999999/",
		"https://h:44x/",
		"https://user:secret@h/",
		"https://user@h/",
		"https://h/#x",
		"https://h/a b",
		"https://h/a\tb",
		"https://h/\r\nX: y",
		"https://h/\xc3\xa9",
		"https://h/%",
		"https://h/%4",
		"https://h/%zz",
		"https://h\\x/",
		"https://[::1/",
		"https://[::g]/",
		"https://[]/",
		"https://[::1]x/",
		"https://h_\xc3\xa9/",
		"https://h/{x}",
		"https://h/\"",
		"https://h h/",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (tg_url_parse(bad[i], &url) == NULL)
			TG_FAIL("%s was taken", bad[i]);
}

TG_TEST(url_lengths_are_bounded)
{
	char text[3000];

	memset(text, 'a', sizeof(text));
	memcpy(text, "https://", 8);
	text[8 + 253] = '\0';
	takes(text);
	text[8 + 253] = 'a';
	text[8 + 254] = '\0';
	TG_CHECK(tg_url_parse(text, &url) != NULL);
	text[8 + 254] = 'a';
	text[9] = '/';
	text[9 + 1023] = '\0';
	takes(text);
	text[9 + 1023] = 'a';
	text[9 + 1024] = '\0';
	TG_CHECK(tg_url_parse(text, &url) != NULL);
}

TG_TEST(url_knows_loopback)
{
	static const char *const here[] = { "http://localhost/", "http://LOCALHOST:1/",
					    "http://127.0.0.1/", "http://127.9.8.7/",
					    "http://[::1]/" };
	static const char *const there[] = {
		"http://localhost.example/", "http://127.example.com/", "http://127.0.0.1.example/",
		"http://128.0.0.1/",         "http://[::2]/",           "http://127.1/",
		"http://127..1.1/",          "http://127.0.0.1./"
	};

	for (size_t i = 0; i < sizeof(here) / sizeof(here[0]); i++) {
		takes(here[i]);
		TG_CHECK(tg_url_is_loopback(&url));
	}
	for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++) {
		takes(there[i]);
		TG_CHECK(!tg_url_is_loopback(&url));
	}
}
