#include "drivers/file/receipt.h"

#include "app/crc32c.h"
#include "app/pack.h"
#include "platform/assert.h"

enum { VERSION = 1, CRC_BYTES = 4 };

size_t tg_file_receipt_write(const struct tg_file_receipt *receipt,
			     uint8_t at[TG_FILE_RECEIPT_BYTES_MAX])
{
	struct tg_writer out = { .at = at, .cap = TG_FILE_RECEIPT_BYTES_MAX };

	tg_write_u8(&out, VERSION);
	tg_write_u8(&out, (uint32_t)receipt->phase);
	tg_write_u64(&out, receipt->number);
	tg_write_u64(&out, receipt->last);
	tg_write_u64(&out, receipt->length);
	tg_write_u64(&out, (uint64_t)receipt->opened_wall_ms);
	tg_write_view(&out, tg_view_str(receipt->active));
	tg_write_view(&out, tg_view_str(receipt->rotated));
	tg_write_u32(&out, tg_crc32c(0, at, out.used));
	TG_ASSERT(!out.overran);
	return out.used;
}

static bool base_name(const char *name)
{
	return name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL;
}

/* The active name follows from its stem and the number, so that no other file can be meant. */
static bool sound(const struct tg_file_receipt *receipt)
{
	char stem[TG_FILE_STEM_BYTES_MAX], name[TG_FILE_NAME_BYTES_MAX];

	if (!base_name(receipt->active) || !tg_file_stem_of(receipt->active, stem))
		return false;
	tg_file_name(&(struct tg_file_parts){ .stem = stem, .first = receipt->number }, "open",
		     name);
	if (strcmp(name, receipt->active) != 0)
		return false;
	if (receipt->phase == TG_FILE_WRITING)
		return receipt->rotated[0] == '\0';
	return receipt->phase == TG_FILE_ROTATING && base_name(receipt->rotated);
}

int tg_file_receipt_read(struct tg_view bytes, struct tg_file_receipt *out)
{
	struct tg_reader in = tg_reader_of(bytes);
	uint32_t version;

	memset(out, 0, sizeof(*out));
	if (bytes.bytes < CRC_BYTES)
		return TG_ERR_DAMAGED;
	in.end -= CRC_BYTES;
	if (tg_load_u32(in.end) != tg_crc32c(0, bytes.at, bytes.bytes - CRC_BYTES))
		return TG_ERR_DAMAGED;
	version = tg_read_u8(&in);
	if (version > VERSION)
		return TG_ERR_NEWER;
	out->phase = (enum tg_file_phase)tg_read_u8(&in);
	out->number = tg_read_u64(&in);
	out->last = tg_read_u64(&in);
	out->length = tg_read_u64(&in);
	out->opened_wall_ms = (int64_t)tg_read_u64(&in);
	tg_read_text(&in, out->active, sizeof(out->active));
	tg_read_text(&in, out->rotated, sizeof(out->rotated));
	if (in.ran_dry || in.at != in.end || version != VERSION || !sound(out))
		return TG_ERR_DAMAGED;
	return TG_OK;
}
