/* Goal: no text breaks the readers of moments, and what they read goes out and comes in the same.
 * Input: the text of a number or of a moment. */
#include "drivers/rethink/time.h"
#include "tests/fuzz/fuzz.h"

static void there_and_back(int64_t ms)
{
	char iso[TG_TIME_ISO_BYTES];
	uint8_t seconds[32];
	struct tg_out out = { .at = seconds, .cap = sizeof(seconds) };
	uint32_t zone_bytes;
	int64_t back = 0;

	tg_time_to_seconds(ms, &out);
	must(!tg_out_overran(&out));
	must(tg_time_from_number(tg_view_of(seconds, tg_out_filled(&out)), 1000, &back) == TG_OK);
	must(back == ms);
	if (tg_time_to_iso(ms, iso) != TG_OK)
		return;
	must(tg_time_from_iso(tg_view_of(iso, sizeof(iso)), &back, &zone_bytes) == TG_OK);
	must(back == ms && zone_bytes == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tg_view text = tg_view_of(data, size);
	uint32_t zone_bytes;
	int64_t ms = 0;

	if (tg_time_from_number(text, 1000, &ms) == TG_OK)
		there_and_back(ms);
	if (tg_time_from_number(text, 1, &ms) == TG_OK)
		there_and_back(ms);
	if (tg_time_from_iso(text, &ms, &zone_bytes) == TG_OK) {
		must(zone_bytes <= 6 && zone_bytes <= size);
		there_and_back(ms);
	}
	return 0;
}
