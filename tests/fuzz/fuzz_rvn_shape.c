/* Goal: a document that is JSON goes out as JSON in both shapes, strictly UTF-8, whole or in
 * slices; in `columns` no value is an object or an array. One that is none is never read beyond its
 * end. Input: one byte that chooses slices and columns, then the document. */
#include "drivers/raven/hash.h"
#include "drivers/raven/infer.h"
#include "drivers/raven/shape.h"
#include "tests/fuzz/shape.h"

/* What else reads documents; the same document gives the same hash. */
static void look(const struct tg_record *record)
{
	static struct tg_infer infer;
	struct tg_view metadata = tg_member_of(record->body, "@metadata");
	struct tg_raven_meta meta;

	tg_infer_start(&infer);
	tg_raven_infer_row(&infer, record);
	tg_infer_end(&infer);
	if (metadata.bytes > 0 && tg_raven_meta_read(&meta, metadata) == TG_OK)
		must(tg_raven_hash(record->body, metadata, &meta) ==
		     tg_raven_hash(record->body, metadata, &meta));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char specs[][9] = { "", "-a\0*b\0", "+a\0*b\0+t", "*a_b" };
	uint32_t flags;

	if (size < 2)
		return 0;
	struct tg_columns columns = { .spec = tg_view_of(specs[data[0] % 4], 0) };
	struct tg_record record = { .op = TG_UPSERT, .body = tg_view_of(data + 1, size - 1) };
	struct tg_view id = tg_member_of(tg_member_of(record.body, "@metadata"), "@id");
	columns.spec.bytes = data[0] % 4 == 0 ? 0 : sizeof(specs[0]);
	record.key_at = id.bytes == 0 ? 1 : (uint32_t)(id.at - record.body.at);
	record.key_bytes = id.bytes == 0 ? data[0] : (uint32_t)id.bytes;
	bool valid = scan_whole(record.body, &flags);
	look(&record);
	for (int shape = TG_SHAPE_COLUMNS; shape <= TG_SHAPE_DOCUMENT; shape++) {
		struct tg_out out = { .at = line, .cap = sizeof(line) };
		columns.shape = (enum tg_shape)shape;
		record.flags = 15;
		int rc = tg_raven_shape(&columns, &record, &out);
		must(rc == TG_OK || rc == TG_ERR_DAMAGED);
		record.flags = flags & 15;
		if (valid && (flags & TG_SCAN_DEEP) == 0 && id.bytes > 0)
			(void)shape_valid(tg_raven_shape, &columns, &record, data[0]);
	}
	return 0;
}
