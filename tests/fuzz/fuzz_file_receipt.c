/* Goal: no receipt, however damaged, names a file outside the folder, and a sound one is written
 * again as it was. Input: the receipt's bytes without their checksum; it is added, so that the
 * fuzzer gets behind it. */
#include "app/crc32c.h"
#include "app/pack.h"
#include "drivers/file/receipt.h"
#include "tests/fuzz/fuzz.h"

static void check_sound(const struct tg_file_receipt *receipt)
{
	struct tg_file_receipt again;
	uint8_t at[TG_FILE_RECEIPT_BYTES_MAX];
	size_t bytes = tg_file_receipt_write(receipt, at);

	must(strchr(receipt->active, '/') == NULL && strchr(receipt->rotated, '/') == NULL);
	must(receipt->active[0] != '.' && receipt->rotated[0] != '.');
	must((receipt->rotated[0] != '\0') == (receipt->phase == TG_FILE_ROTATING));
	must(tg_file_receipt_read(tg_view_of(at, bytes), &again) == TG_OK);
	must(strcmp(again.active, receipt->active) == 0 &&
	     strcmp(again.rotated, receipt->rotated) == 0);
	must(again.length == receipt->length && again.number == receipt->number);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t bytes[1024 + 4];
	struct tg_file_receipt receipt;

	tg_crc32c_init();
	if (size > sizeof(bytes) - 4)
		return 0;
	if (size != 0)
		memcpy(bytes, data, size);
	must(tg_file_receipt_read(tg_view_of(bytes, size), &receipt) != TG_OK || size >= 4);
	tg_store_u32(bytes + size, tg_crc32c(0, bytes, size));
	if (tg_file_receipt_read(tg_view_of(bytes, size + 4), &receipt) == TG_OK)
		check_sound(&receipt);
	return 0;
}
