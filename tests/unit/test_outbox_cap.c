/* The store's cap lowered, raised and reached, and a store that a newer tidegate wrote. */
#include "tests/check.h"

#include <sys/wait.h>

#include "app/outbox/look.h"
#include "app/outbox/store.h"
#include "tests/unit/outbox_rig.h"

static uint32_t slot;

static void open_with_sink(uint64_t bytes_max)
{
	open_box(bytes_max);
	TG_CHECK_INT(tg_outbox_sink_open(&box, "up", "https", &slot), 0);
}

static struct tg_stream_open *start_filling(uint64_t bytes_max)
{
	start(bytes_max);
	TG_CHECK_INT(tg_outbox_sink_open(&box, "up", "https", &slot), 0);
	return stream("r/d/t");
}

/* Appends bodies of `bytes` until the cap is reached or there are `most`; returns how many are
 * committed. */
static uint64_t fill(struct tg_stream_open *open, size_t bytes, uint64_t most)
{
	static uint8_t body[1 << 20];
	struct tg_record record = { .body = tg_view_of(body, bytes), .key_bytes = 1 };
	uint64_t seq;
	int err = 0;

	for (uint64_t i = 0; err == 0 && i < most; i++) {
		if (!tg_outbox_has_room(&box, open, &record))
			err = tg_outbox_commit(&box, mono_ms(), &why);
		if (err < 0)
			break;
		TG_CHECK_INT(tg_outbox_append(&box, open, &record, &seq), 0);
		if (tg_outbox_must_commit(&box))
			err = tg_outbox_commit(&box, mono_ms(), &why);
	}
	if (err == 0)
		err = tg_outbox_commit(&box, mono_ms(), &why);
	TG_CHECK(err == 0 || err == TG_ERR_FULL);
	return open->stream->durable_next - 1;
}

static struct tg_stream *only_stream(void)
{
	return tg_outbox_stream_at(&box, 0);
}

static void drain(uint64_t step)
{
	struct tg_stream *drained = only_stream();
	uint64_t last = drained->durable_next - 1;

	while (drained->acked[slot] < last) {
		uint64_t next = drained->acked[slot] + step;
		tg_outbox_ack(&box, slot, drained, next < last ? next : last);
		int err = tg_outbox_commit(&box, mono_ms(), &why);
		TG_CHECK(err == 0 || err == TG_ERR_FULL);
		TG_CHECK(tg_outbox_sink_durable(&box, slot));
	}
}

TG_TEST(cap_lowered_below_what_is_stored_still_drains)
{
	struct tg_stream_open *open = start_filling(8 << 20);
	tg_outbox_sink_wants(&box, slot, open->stream, 0);
	uint64_t count = fill(open, 1000, UINT64_MAX);
	TG_CHECK(count > 5000 && tg_outbox_full(&box));
	tg_outbox_close(&box);
	open_with_sink(1 << 20);
	TG_CHECK_INT(only_stream()->durable_next, count + 1);
	open = stream("r/d/t");
	TG_CHECK_INT(fill(open, 1000, 100), count); /* nothing more is taken ... */
	TG_CHECK(tg_outbox_full(&box));
	drain(100); /* ... but all goes out */
	for (unsigned i = 0; i < 100 && tg_outbox_full(&box); i++)
		(void)!tg_outbox_commit(&box, mono_ms(), &why);
	TG_CHECK(!tg_outbox_full(&box)); /* and what waited finds room */
	TG_CHECK_INT(open->stream->durable_next, count + 101);
	finish();
}

TG_TEST(cap_raised_takes_more)
{
	struct tg_stream_open *open = start_filling(4 << 20);
	tg_outbox_sink_wants(&box, slot, open->stream, 0);
	uint64_t count = fill(open, 1000, UINT64_MAX);
	TG_CHECK(count > 1000);
	tg_outbox_close(&box);
	open_with_sink(16 << 20);
	open = stream("r/d/t");
	TG_CHECK(fill(open, 1000, UINT64_MAX) > 3 * count);
	finish();
}

/* Forgetting a sink frees everything at once: many large bodies, in a full store. */
TG_TEST(cap_a_full_store_of_large_bodies_is_freed_in_steps)
{
	unsigned mebibytes = tg_turns(48, 16);
	struct tg_stream_open *open = start_filling((uint64_t)mebibytes << 20);
	uint32_t gone;
	TG_CHECK_INT(tg_outbox_sink_open(&box, "gone", "https", &gone), 0);
	tg_outbox_sink_wants(&box, slot, open->stream, 0);
	tg_outbox_sink_wants(&box, gone, open->stream, 0);
	uint64_t count = fill(open, 60000, UINT64_MAX);
	TG_CHECK(count > 12 * mebibytes);
	tg_outbox_ack(&box, slot, open->stream, count);
	TG_CHECK_INT(tg_outbox_commit(&box, mono_ms(), &why), TG_ERR_FULL);
	TG_CHECK_INT(tg_outbox_sink_forget(&box, "gone"), 0);
	unsigned steps = 0;
	while (tg_outbox_full(&box)) {
		TG_CHECK(++steps < 1000);
		(void)!tg_outbox_commit(&box, mono_ms(), &why);
	}
	while (tg_trim_wanted(&box)) {
		TG_CHECK(++steps < 1000);
		TG_CHECK_INT(tg_outbox_commit(&box, mono_ms(), &why), 0);
	}
	TG_CHECK(steps > 1);
	/* No chunk of what was trimmed stayed behind. */
	struct tg_store_walk walk;
	MDB_txn *txn;
	TG_CHECK_INT(tg_store_read_begin(&box, &txn), 0);
	TG_CHECK_INT(tg_store_walk_begin(&box, txn, 'L', &walk), 0);
	while (tg_store_walk_next(&walk) > 0)
		TG_CHECK(tg_load_be64(walk.key.at + 5) > count);
	tg_store_walk_end(&walk);
	tg_store_read_end(&box);
	finish();
}

/* Refused records are large too: setting them aside must not eat what deleting needs. */
TG_TEST(cap_the_quarantine_leaves_room_to_delete)
{
	static uint8_t body[600000];
	struct tg_aside item = { .kind = TG_ASIDE_REFUSED,
				 .stream = 1,
				 .body = tg_view_of(body, sizeof(body)) };
	int err = 0;

	struct tg_stream_open *open = start_filling(4 << 20);
	tg_outbox_sink_wants(&box, slot, open->stream, 0);
	(void)fill(open, 1000, UINT64_MAX);
	for (item.seq = 1; err == 0; item.seq++) {
		TG_CHECK(item.seq < 100);
		err = tg_outbox_aside_put(&box, &item, 0, &why);
	}
	TG_CHECK_INT(err, TG_ERR_FULL);
	TG_CHECK(item.seq > 2); /* one at least found room */
	drain(50);
	TG_CHECK_INT(tg_outbox_aside_put(&box, &item, 0, &why), 0);
	finish();
}

/* --- versions --- */

/* The stream's row as format 1 wrote it: one root without the count of its pages, no young ones,
 * nothing about a mending. */
static void put_old_row(MDB_txn *txn, struct tg_store_key key)
{
	enum { ROOT_AT = 33, ROOT_BYTES = 36, MEND_BYTES = 20 };
	enum { YOUNG_BYTES = 4 + TG_INDEX_YOUNG * (36 + 4) + MEND_BYTES };
	uint8_t old[TG_ROW_BYTES_MAX];
	struct tg_view row;

	TG_CHECK_INT(tg_row_get(&box, txn, &key, &row), 0);
	size_t head = ROOT_AT + ROOT_BYTES, rest = row.bytes - head - YOUNG_BYTES;
	memcpy(old, row.at, head);
	memcpy(old + head, row.at + head + YOUNG_BYTES, rest);
	old[0] = 1;
	TG_CHECK_INT(tg_row_put(&box, txn, &key, tg_view_of(old, head + rest)), 0);
}

TG_TEST(store_of_an_older_tidegate_is_taken_over)
{
	uint8_t meta[256];
	struct tg_store_key key = tg_key_meta();
	struct tg_stream_row row;
	struct tg_view view;
	MDB_txn *txn;

	struct tg_stream_open *open = start_filling(4 << 20);
	TG_CHECK_INT(fill(open, 100, 10), 10);
	TG_CHECK_INT(tg_outbox_bookmark(&box, open, tg_view_str("here")), 0);
	open->row.index.next_page = 7;
	tg_outbox_touch(&box, open);
	TG_CHECK_INT(tg_outbox_commit(&box, 0, &why), 0);
	TG_CHECK_INT(tg_store_write_begin(&box, &txn), 0);
	TG_CHECK_INT(tg_row_get(&box, txn, &key, &view), 0);
	TG_CHECK(view.bytes <= sizeof(meta));
	memcpy(meta, view.at, view.bytes);
	tg_store_u32(meta, 1);
	TG_CHECK_INT(tg_row_put(&box, txn, &key, tg_view_of(meta, view.bytes)), 0);
	put_old_row(txn, tg_key_stream(open->row.number));
	TG_CHECK_INT(tg_store_err(mdb_txn_commit(txn)), 0);
	char instance[TG_INSTANCE_BYTES_MAX];
	snprintf(instance, sizeof(instance), "%s", box.instance_);
	tg_outbox_close(&box);
	open_with_sink(4 << 20);
	TG_CHECK_STR(box.instance_, instance);
	open = stream("r/d/t");
	TG_CHECK(tg_view_same(tg_view_of(open->bookmark, open->bookmark_bytes),
			      tg_view_str("here")));
	TG_CHECK_INT(open->row.next_seq, 11);
	TG_CHECK_INT(open->row.index.pages, 7); /* as many as were ever made */
	TG_CHECK_INT(open->row.young[0].pages + open->row.young[1].pages, 0);
	TG_CHECK_INT(tg_store_read_begin(&box, &txn), 0);
	TG_CHECK_INT(tg_row_get(&box, txn, &key, &view), 0);
	TG_CHECK_INT(tg_load_u32(view.at), TG_FORMAT_VERSION);
	tg_store_read_end(&box);
	tg_outbox_touch(&box, open);
	TG_CHECK_INT(tg_outbox_commit(&box, 0, &why), 0);
	TG_CHECK_INT(tg_outbox_stream_row(&box, open->row.number, &row), 0);
	TG_CHECK_STR(row.name, "r/d/t");
	finish();
}

/* Every file of the store with its checksum, but for the lock of those who look. */
static void files(char *at, size_t cap)
{
	char command[160];

	snprintf(command, sizeof(command), "cd %s && sha256sum $(ls | grep -v lock.mdb)", folder);
	FILE *shell = popen(command, "r");
	TG_CHECK(shell != NULL);
	at[fread(at, 1, cap - 1, shell)] = '\0';
	TG_CHECK_INT(pclose(shell), 0);
}

/* As a tidegate of the next format may leave it: a longer meta row, and a kind of row that we do
 * not know, which would be damage in a store of our own format. */
static void make_newer(void)
{
	uint8_t row[64] = { 0 };
	struct tg_store_key key = tg_key_meta();
	MDB_txn *txn;

	tg_store_u32(row, TG_FORMAT_VERSION + 1);
	TG_CHECK_INT(tg_store_write_begin(&box, &txn), 0);
	TG_CHECK_INT(tg_row_put(&box, txn, &key, tg_view_of(row, sizeof(row))), 0);
	key.at[0] = 'Z';
	TG_CHECK_INT(tg_row_put(&box, txn, &key, tg_view_of(row, sizeof(row))), 0);
	TG_CHECK_INT(tg_store_err(mdb_txn_commit(txn)), 0);
}

static void check_newer(int err)
{
	char formats[80];

	TG_CHECK_INT(err, TG_ERR_NEWER);
	snprintf(formats, sizeof(formats),
		 "has format %d, this tidegate knows formats up to %d:", TG_FORMAT_VERSION + 1,
		 TG_FORMAT_VERSION);
	if (strstr(why.text, formats) == NULL || strstr(why.text, "install the newer") == NULL)
		TG_FAIL("%s", why.text);
}

TG_TEST(store_of_a_newer_tidegate_is_left_alone)
{
	static char before[1024], after[1024];
	static struct tg_arena place;

	struct tg_stream_open *open = start_filling(4 << 20);
	TG_CHECK_INT(fill(open, 100, 10), 10);
	make_newer();
	tg_outbox_close(&box);
	files(before, sizeof(before));
	check_newer(try_open(4 << 20));
	files(after, sizeof(after));
	TG_CHECK_STR(before, after);
	/* Who looks says the same. */
	tg_arena_init(&place, memory, sizeof(memory));
	check_newer(tg_outbox_look(&box, folder, &place, &why));
	finish();
}
