/* micro.c - what one row costs in each pure function of the data path, in nanoseconds.
 *
 *      micro [ROWS]        best of seven rounds of ROWS rows each (default 200,000)
 *
 * The row is about 330 bytes with ten members and a UUID as its key; `nested` is that of
 * docs/benchmarks.md, with a TIME and an object in it. The functions run over rows that lie one
 * behind another in 1 MiB, as they do in a receive buffer, so that caches see what they see in the
 * program.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "app/crc32c.h"
#include "app/line.h"
#include "app/moment.h"
#include "app/source.h"
#include "drivers/json/scan.h"
#include "drivers/rethink/key.h"
#include "drivers/rethink/shape.h"
#include "platform/crypto.h"

enum { BYTES = 1 << 20, ROWS_MAX = 4096, ROUNDS = 7 };

/* Row number `n` at `at`; returns its length. */
static int put_plain(char *at, size_t cap, uint32_t n)
{
	return snprintf(at, cap,
			"{\"alarm\":false,\"batch\":\"A-2026-%07u\",\"device_id\":"
			"\"press-%06u\",\"id\":\"%08x-3c1f-4e8a-9b60-5d2f7a81c4e3\","
			"\"note\":\"routine sample of the night shift, nothing to see "
			"here\",\"pressure\":101.325,\"serial\":"
			"\"SN-8812-%06u-XQ\",\"site\":\"Werk Nord, Halle 3, Linie 12\","
			"\"temperature\":21.437,\"ts\":1700%06u.123}",
			n, n * 7, n * 2654435761u, n, n);
}

/* A row of tools/bench/plant.py: lengths differ from row to row, as a processor would guess them.
 */
static int put_nested(char *at, size_t cap, uint32_t n)
{
	uint32_t dice = n * 2654435761u;

	dice ^= dice >> 15;
	return snprintf(at, cap,
			"{\"alarm\":%s,\"batch\":\"A-2026-%07u\",\"device_id\":\"press-%03u\","
			"\"id\":\"%08x-3c1f-4e8a-9b60-5d2f7a81c4e3\",\"limits\":{\"high\":%u.5,"
			"\"low\":-10,\"unit\":\"C\"},\"pressure\":%u.%02u,\"serial\":"
			"\"SN-8812-%06u-XQ\",\"site\":\"Werk Nord, Halle %u\",\"temperature\":"
			"%u.%03u,\"turns\":%u,\"updated_at\":{\"$reql_type$\":\"TIME\","
			"\"epoch_time\":1700%06u.%u,\"timezone\":\"+00:00\"}}",
			dice % 50 == 0 ? "true" : "false", n * 7, dice % 1000, dice, dice % 90,
			dice / 7 % 200, dice / 11 % 100, dice % 1000000, dice / 13 % 12,
			dice / 17 % 80, dice / 19 % 1000, dice / 23 % 1000000, n, dice / 29 % 1000);
}

struct rows {
	uint8_t at[BYTES + 64];
	struct tg_record row[ROWS_MAX];
	uint32_t count;
	uint32_t bytes; /* of one row, on average */
};

static struct rows plain, nested;
static uint8_t out_at[2048];
static volatile uint64_t sink;

static void scan_start(struct tg_scan *scan)
{
	scan->watch[0].name = tg_view_str("id");
	scan->watch_count = 1;
	tg_scan_start(scan);
}

static void must(int rc)
{
	if (rc == TG_OK)
		return;
	fprintf(stderr, "micro: a function failed with %d\n", rc);
	exit(1);
}

static void fill(struct rows *rows, int (*put)(char *at, size_t cap, uint32_t n))
{
	size_t used = 0;
	uint32_t n = 0;

	while (n < ROWS_MAX && used + 512 < BYTES) {
		char *at = (char *)rows->at + used;
		struct tg_record *row = &rows->row[n];
		struct tg_scan scan;
		size_t bytes = (size_t)put(at, 512, n);
		scan_start(&scan);
		must(tg_scan_feed(&scan, (uint8_t *)at, bytes, 0));
		*row = (struct tg_record){ .op = TG_UPSERT,
					   .flags = scan.flags,
					   .seq = 1000000 + n,
					   .body = tg_view_of(at, bytes),
					   .key_at = (uint32_t)scan.watch[0].at,
					   .key_bytes = (uint32_t)scan.watch[0].bytes,
					   .time_ms = 1700000000123 + n * 7 };
		used += bytes;
		n++;
	}
	rows->count = n;
	rows->bytes = (uint32_t)(used / n);
}

static struct tg_out window(void)
{
	return (struct tg_out){ .at = out_at, .cap = sizeof(out_at) };
}

static void run_scan(const struct tg_record *row)
{
	struct tg_scan scan;

	scan_start(&scan);
	must(tg_scan_feed(&scan, row->body.at, row->body.bytes, 0));
	sink += scan.watch[0].at;
}

static void run_key(const struct tg_record *row)
{
	uint8_t at[TG_KEY_BYTES_MAX];
	struct tg_key key;

	must(tg_rethink_key_encode(tg_view_of(row->body.at + row->key_at, row->key_bytes), at,
				   sizeof(at), &key));
	sink += key.cmp_bytes;
}

static void run_number_key(const struct tg_record *row)
{
	uint8_t at[TG_KEY_BYTES_MAX];
	struct tg_key key;

	(void)row;
	must(tg_rethink_key_encode(tg_view_str("1700000000123"), at, sizeof(at), &key));
	sink += key.cmp_bytes;
}

static void run_shape(const struct tg_record *row, enum tg_shape shape)
{
	const struct tg_columns columns = { .shape = shape };
	struct tg_out out = window();

	must(tg_rethink_shape(&columns, row, &out));
	sink += out.total;
}

static void run_document(const struct tg_record *row)
{
	run_shape(row, TG_SHAPE_DOCUMENT);
}

static void run_columns(const struct tg_record *row)
{
	run_shape(row, TG_SHAPE_COLUMNS);
}

static const struct tg_source_ops ops = { .type = "rethinkdb", .shape = tg_rethink_shape };

static void run_line(const struct tg_record *row, enum tg_shape shape)
{
	static struct tg_line_memo memo;
	const struct tg_line line = { .ops = &ops,
				      .columns = { .shape = shape },
				      .instance = tg_view_str("plant-7.0011223344556677"),
				      .stream = tg_view_str("rethinkdb/plant/readings"),
				      .memo = &memo };
	struct tg_out out = window();

	must(tg_line_write(&line, row, &out));
	sink += out.total;
}

static void run_line_document(const struct tg_record *row)
{
	run_line(row, TG_SHAPE_DOCUMENT);
}

static void run_line_columns(const struct tg_record *row)
{
	run_line(row, TG_SHAPE_COLUMNS);
}

static void run_iso(const struct tg_record *row)
{
	char at[TG_MOMENT_ISO_BYTES];

	must(tg_moment_iso(row->time_ms, at));
	sink += (uint64_t)at[20];
}

static void run_sha1(const struct tg_record *row)
{
	static const uint8_t name_space[16];
	uint8_t digest[TG_SHA1_BYTES];

	tg_sha1_two(tg_view_of(name_space, sizeof(name_space)), row->body, digest);
	sink += digest[0];
}

/* A row and itself. */
static void run_sha1_pair(const struct tg_record *row)
{
	static const uint8_t name_space[16];
	const struct tg_view body[2] = { row->body, row->body };
	uint8_t digest[2][TG_SHA1_BYTES];

	tg_sha1_pair(tg_view_of(name_space, sizeof(name_space)), body, digest);
	sink += digest[0][0] + digest[1][0];
}

static void run_crc32c(const struct tg_record *row)
{
	sink += tg_crc32c(0, row->body.at, row->body.bytes);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t round_ns(void (*run)(const struct tg_record *), const struct rows *rows,
			 uint32_t count)
{
	uint64_t began = now_ns();

	for (uint32_t i = 0, at = 0; i < count; i++, at = at + 1 < rows->count ? at + 1 : 0)
		run(&rows->row[at]);
	return now_ns() - began;
}

static void measure(const char *name, void (*run)(const struct tg_record *),
		    const struct rows *rows, uint32_t count)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t ns = round_ns(run, rows, count);
		best = ns < best ? ns : best;
	}
	printf("%-28s %7.1f ns/row\n", name, (double)best / count);
}

int main(int argc, char **argv)
{
	uint32_t count = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 200000;

	tg_crc32c_init();
	fill(&plain, put_plain);
	fill(&nested, put_nested);
	printf("rows of %u bytes (plain) and %u bytes (nested)\n", plain.bytes, nested.bytes);
	measure("scan, plain", run_scan, &plain, count);
	measure("scan, nested", run_scan, &nested, count);
	measure("key, UUID", run_key, &plain, count);
	measure("key, number", run_number_key, &plain, count);
	measure("shape document, plain", run_document, &plain, count);
	measure("shape document, nested", run_document, &nested, count);
	measure("shape columns, plain", run_columns, &plain, count);
	measure("shape columns, nested", run_columns, &nested, count);
	measure("line document, nested", run_line_document, &nested, count);
	measure("line columns, plain", run_line_columns, &plain, count);
	measure("line columns, nested", run_line_columns, &nested, count);
	measure("moment to ISO 8601", run_iso, &plain, count);
	measure("SHA-1 of the row", run_sha1, &plain, count);
	measure("SHA-1 of two rows at once", run_sha1_pair, &plain, count);
	measure("CRC32C of the row", run_crc32c, &plain, count);
	return 0;
}
