/* test_crc32c.c - the answers of RFC 3720 B.4, and the fast way against the tables. */
#include "app/crc32c.h"
#include "tests/check.h"

struct known {
	const char *name;
	uint8_t bytes[48];
	size_t count;
	uint32_t crc;
};

/* RFC 3720 B.4 lists the bytes as sent, lowest first: aa 36 91 8a is 0x8a9136aa. */
static size_t known_answers(struct known out[5])
{
	static const uint8_t read_command[48] = {
		0x01, 0xc0, 0, 0, 0, 0, 0,    0, 0,    0, 0, 0,    0, 0, 0, 0,
		0x14, 0,    0, 0, 0, 0, 0x04, 0, 0,    0, 0, 0x14, 0, 0, 0, 0x18,
		0x28, 0,    0, 0, 0, 0, 0,    0, 0x02, 0, 0, 0,    0, 0, 0, 0,
	};
	out[0] = (struct known){ .name = "zeros", .count = 32, .crc = 0x8a9136aa };
	out[1] = (struct known){ .name = "ones", .count = 32, .crc = 0x62a8ab43 };
	memset(out[1].bytes, 0xff, 32);
	out[2] = (struct known){ .name = "rising", .count = 32, .crc = 0x46dd794e };
	for (unsigned i = 0; i < 32; i++)
		out[2].bytes[i] = (uint8_t)i;
	out[3] = (struct known){ .name = "read command", .count = 48, .crc = 0xd9963a56 };
	memcpy(out[3].bytes, read_command, 48);
	out[4] = (struct known){ .name = "digits", .count = 9, .crc = 0xe3069283 };
	memcpy(out[4].bytes, "123456789", 9);
	return 5;
}

TG_TEST(crc32c_gives_the_known_answers)
{
	struct known known[5];
	size_t count = known_answers(known);

	tg_crc32c_init();
	for (size_t i = 0; i < count; i++) {
		printf("%s by %s\n", known[i].name, tg_crc32c_way());
		TG_CHECK_INT(tg_crc32c(0, known[i].bytes, known[i].count), known[i].crc);
		TG_CHECK_INT(tg_crc32c_by_table(0, known[i].bytes, known[i].count), known[i].crc);
	}
}

TG_TEST(crc32c_of_nothing_changes_nothing)
{
	tg_crc32c_init();
	TG_CHECK_INT(tg_crc32c(0, "", 0), 0);
	TG_CHECK_INT(tg_crc32c(0x12345678, "", 0), 0x12345678);
}

static void fill(uint8_t *at, size_t bytes)
{
	uint32_t random = 2463534242u;

	for (size_t i = 0; i < bytes; i++) {
		random ^= random << 13;
		random ^= random >> 17;
		random ^= random << 5;
		at[i] = (uint8_t)random;
	}
}

/* Every length at every alignment, past the longest run that is cut into three, and the two ways
 * agree. */
TG_TEST(crc32c_ways_agree_at_any_length_and_alignment)
{
	static uint8_t bytes[1720];

	tg_crc32c_init();
	fill(bytes, sizeof(bytes));
	for (size_t from = 0; from < 16; from++)
		for (size_t count = 0; count <= 1700; count++)
			TG_CHECK_INT(tg_crc32c(7, bytes + from, count),
				     tg_crc32c_by_table(7, bytes + from, count));
}

TG_TEST(crc32c_continues_at_any_cut)
{
	uint8_t bytes[200];

	tg_crc32c_init();
	fill(bytes, sizeof(bytes));
	uint32_t whole = tg_crc32c(0, bytes, sizeof(bytes));
	for (size_t cut = 0; cut <= sizeof(bytes); cut++) {
		uint32_t crc = tg_crc32c(0, bytes, cut);
		TG_CHECK_INT(tg_crc32c(crc, bytes + cut, sizeof(bytes) - cut), whole);
		crc = tg_crc32c_by_table(0, bytes, cut);
		TG_CHECK_INT(tg_crc32c_by_table(crc, bytes + cut, sizeof(bytes) - cut), whole);
	}
}

TG_TEST(crc32c_sees_every_turned_bit)
{
	uint8_t bytes[64];

	tg_crc32c_init();
	fill(bytes, sizeof(bytes));
	uint32_t before = tg_crc32c(0, bytes, sizeof(bytes));
	for (size_t bit = 0; bit < 8 * sizeof(bytes); bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		TG_CHECK(tg_crc32c(0, bytes, sizeof(bytes)) != before);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}
