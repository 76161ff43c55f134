#include "tests/check.h"

#include "platform/crypto.h"
#include "platform/mbedtls/sha1.h"

static const char *hex(const uint8_t *at, size_t bytes)
{
	static char text[2][80];
	static unsigned turn;
	char *to = text[turn++ % 2];

	for (size_t i = 0; i < bytes; i++)
		snprintf(to + 2 * i, 3, "%02x", at[i]);
	return to;
}

/* RFC 3174, section 7.3. */
TG_TEST(sha1_vectors)
{
	uint8_t digest[TG_SHA1_BYTES];

	tg_sha1_two(tg_view_str("a"), tg_view_str("bc"), digest);
	TG_CHECK_STR(hex(digest, sizeof(digest)), "a9993e364706816aba3e25717850c26c9cd0d89d");
	tg_sha1_two(tg_view_str("abcdbcdecdefdefgefghfghighijhijkijkljklm"),
		    tg_view_str("klmnlmnomnopnopq"), digest);
	TG_CHECK_STR(hex(digest, sizeof(digest)), "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
}

TG_TEST(sha1_streams_through_every_split)
{
	struct tg_sha1 sha;
	uint8_t bytes[200], whole[TG_SHA1_BYTES], digest[TG_SHA1_BYTES];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	tg_sha1_two(tg_view_of(NULL, 0), tg_view_of(bytes, sizeof(bytes)), whole);
	for (size_t cut = 0; cut <= sizeof(bytes); cut++) {
		tg_sha1_start(&sha);
		tg_sha1_add(&sha, tg_view_of(bytes, cut));
		tg_sha1_add(&sha, tg_view_of(bytes + cut, sizeof(bytes) - cut));
		tg_sha1_end(&sha, digest);
		TG_CHECK_BYTES(digest, sizeof(digest), whole, sizeof(whole));
	}
}

/* FIPS 180-4's third example, through the length's second byte. */
TG_TEST(sha1_of_a_million_letters)
{
	static uint8_t letters[1000000];
	uint8_t digest[TG_SHA1_BYTES];

	memset(letters, 'a', sizeof(letters));
	tg_sha1_two(tg_view_of(letters, 1), tg_view_of(letters, sizeof(letters) - 1), digest);
	TG_CHECK_STR(hex(digest, sizeof(digest)), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

TG_TEST(sha1_instructions_agree_with_the_portable_loop)
{
	uint32_t a[5] = { 1, 2, 3, 4, 5 }, b[5] = { 1, 2, 3, 4, 5 };
	uint8_t bytes[8 * TG_SHA1_BLOCK_BYTES];
	uint32_t seed = 1;

	if (!tg_sha1_has_x86()) {
		printf("this processor has no SHA instructions\n");
		return;
	}
	for (unsigned turn = 0; turn < 2000; turn++) {
		for (size_t i = 0; i < sizeof(bytes); i++) {
			seed = seed * 1664525u + 1013904223u;
			bytes[i] = (uint8_t)(seed >> 24);
		}
		tg_sha1_blocks_portable(a, bytes, 1 + turn % 8);
		tg_sha1_blocks_x86(b, bytes, 1 + turn % 8);
		TG_CHECK_BYTES((uint8_t *)b, sizeof(b), (uint8_t *)a, sizeof(a));
	}
}

/* Lengths around each border of a block, and beyond what is hashed in one piece. */
TG_TEST(sha1_of_two_at_once_is_that_of_each)
{
	static const size_t lengths[] = { 0,   1,   39,  40,  47,  48,  49,  64,  103, 104,  111,
					  112, 330, 400, 871, 872, 879, 880, 881, 944, 1024, 3000 };
	enum { COUNT = sizeof(lengths) / sizeof(lengths[0]) };
	static uint8_t bytes[3100];
	struct tg_view head = tg_view_of(bytes + 3050, 16);

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + i / 256);
	for (size_t i = 0; i < COUNT * COUNT; i++) {
		uint8_t want[TG_SHA1_BYTES], got[2][TG_SHA1_BYTES];
		const struct tg_view body[2] = { tg_view_of(bytes + 3, lengths[i / COUNT]),
						 tg_view_of(bytes, lengths[i % COUNT]) };
		tg_sha1_pair(head, body, got);
		for (int k = 0; k < 2; k++) {
			tg_sha1_two(head, body[k], want);
			TG_CHECK_BYTES(got[k], sizeof(got[k]), want, sizeof(want));
		}
	}
}

/* FIPS 180-4's examples. */
TG_TEST(sha256_vectors)
{
	uint8_t digest[TG_SHA256_BYTES];

	tg_sha256(tg_view_of(NULL, 0), digest);
	TG_CHECK_STR(hex(digest, sizeof(digest)),
		     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	tg_sha256(tg_view_str("abc"), digest);
	TG_CHECK_STR(hex(digest, sizeof(digest)),
		     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* RFC 4231, test cases 1, 2 and 6 (a key longer than a block). */
TG_TEST(hmac_vectors)
{
	uint8_t digest[TG_SHA256_BYTES], key[131];

	memset(key, 0x0b, 20);
	tg_hmac_sha256(tg_view_of(key, 20), tg_view_str("Hi There"), digest);
	TG_CHECK_STR(hex(digest, sizeof(digest)),
		     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	tg_hmac_sha256(tg_view_str("Jefe"), tg_view_str("what do ya want for nothing?"), digest);
	TG_CHECK_STR(hex(digest, sizeof(digest)),
		     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	tg_hmac_sha256(tg_view_of(key, sizeof(key)),
		       tg_view_str("Test Using Larger Than Block-Size Key - Hash Key First"),
		       digest);
	TG_CHECK_STR(hex(digest, sizeof(digest)),
		     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

/* One of the reference's SCRAM-SHA-256 conversations (rethinkdb.md, 1.6). */
struct scram {
	const char *password, *salt_base64;
	uint32_t iterations;
	const char *salted, *message, *proof, *server_signature;
};

static const struct scram scrams[] = {
	{ "", "AAECAwQFBgcICQoLDA0ODw==", 1,
	  "c6b7413bebb763bda962e5d94e24327e07d4daa9e97c14ea4126ba4b7ccb0d16",
	  "n=admin,r=cGxhaW5ub25jZTAwMDAwMDAx,"
	  "r=cGxhaW5ub25jZTAwMDAwMDAxc2VydmVybm9uY2UwMDEy,s=AAECAwQFBgcICQoLDA0ODw==,i=1,"
	  "c=biws,r=cGxhaW5ub25jZTAwMDAwMDAxc2VydmVybm9uY2UwMDEy",
	  "bU8sSxWJJz+DD8jpN2zo93GwaXLGxmTIiOn+Z6bpwhw=",
	  "yZfHzHVvmYtCWTMY6NKjVFoqkpZZV/N7JI20QUTzhqM=" },
	{ "p\xc3\xa4ssw\xc3\xb6rd", "EBESExQVFhcYGRobHB0eHw==", 4096,
	  "73950fa16bdb35af7bb1e705acac052d1d09327fe6fc266120caed048d74b2c7",
	  "n=repl=3Da=2Cb,r=cGxhaW5ub25jZTAwMDAwMDAy,"
	  "r=cGxhaW5ub25jZTAwMDAwMDAyc2VydmVybm9uY2UwMDM0,s=EBESExQVFhcYGRobHB0eHw==,i=4096,"
	  "c=biws,r=cGxhaW5ub25jZTAwMDAwMDAyc2VydmVybm9uY2UwMDM0",
	  "VuLEfknLvqxqKFRIJbhhWDhs6/PsLQ22KH5QWVzh9YA=",
	  "Q8ZDU++OswfEys8s8MSkb7N3MNiBALmRq4QWEJ2288A=" },
	{ "pencil", "W22ZaJ0SNY7soEsUEjb6gQ==", 4096,
	  "c4a49510323ab4f952cac1fa99441939e78ea74d6be81ddf7096e87513dc615d",
	  "n=user,r=rOprNGfwEbeRWgbNEkqO,"
	  "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
	  "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
	  "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
	  "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=" },
};

static void derive(const struct scram *scram, uint32_t rounds, uint8_t key[TG_SHA256_BYTES])
{
	struct tg_pbkdf2 kdf;
	uint8_t salt[32];
	int bytes = tg_base64_decode(tg_view_str(scram->salt_base64), salt, sizeof(salt));

	TG_CHECK(bytes > 0);
	tg_pbkdf2_start(&kdf, tg_view_str(scram->password), tg_view_of(salt, (size_t)bytes),
			scram->iterations);
	unsigned turns = 0;
	while (!tg_pbkdf2_step(&kdf, rounds, key))
		turns++;
	TG_CHECK(turns <= scram->iterations / rounds);
}

static void check_base64(const uint8_t digest[TG_SHA256_BYTES], const char *want)
{
	char text[64];
	int bytes = tg_base64_encode(tg_view_of(digest, TG_SHA256_BYTES), text, sizeof(text));

	TG_CHECK(bytes > 0);
	TG_CHECK_BYTES(text, (size_t)bytes, want, strlen(want));
}

TG_TEST(scram_vectors)
{
	for (size_t i = 0; i < sizeof(scrams) / sizeof(scrams[0]); i++) {
		const struct scram *scram = &scrams[i];
		struct tg_view message = tg_view_str(scram->message);
		uint8_t salted[32], key[32], stored[32], signature[32];
		derive(scram, 100, salted);
		TG_CHECK_STR(hex(salted, sizeof(salted)), scram->salted);
		tg_hmac_sha256(tg_view_of(salted, 32), tg_view_str("Client Key"), key);
		tg_sha256(tg_view_of(key, 32), stored);
		tg_hmac_sha256(tg_view_of(stored, 32), message, signature);
		for (size_t at = 0; at < 32; at++)
			key[at] ^= signature[at];
		check_base64(key, scram->proof);
		tg_hmac_sha256(tg_view_of(salted, 32), tg_view_str("Server Key"), key);
		tg_hmac_sha256(tg_view_of(key, 32), message, signature);
		check_base64(signature, scram->server_signature);
	}
}

TG_TEST(pbkdf2_slices_do_not_matter)
{
	uint8_t whole[32], sliced[32];

	derive(&scrams[1], 100000, whole);
	for (uint32_t rounds = 1; rounds < 5000; rounds = rounds * 3 + 1) {
		derive(&scrams[1], rounds, sliced);
		TG_CHECK_BYTES(sliced, sizeof(sliced), whole, sizeof(whole));
	}
}

TG_TEST(secrets_compare_and_wipe)
{
	uint8_t a[8] = "1234567", b[8] = "1234567";

	TG_CHECK(tg_same_secret(a, b, sizeof(a)));
	b[7] = 1;
	TG_CHECK(!tg_same_secret(a, b, sizeof(a)));
	TG_CHECK(tg_same_secret(a, b, 7));
	tg_wipe(a, sizeof(a));
	for (size_t i = 0; i < sizeof(a); i++)
		TG_CHECK_INT(a[i], 0);
}

TG_TEST(random_bytes_differ)
{
	uint8_t a[32] = { 0 }, b[32] = { 0 };

	tg_random(a, sizeof(a));
	tg_random(b, sizeof(b));
	TG_CHECK(!tg_same_secret(a, b, sizeof(a)));
}
