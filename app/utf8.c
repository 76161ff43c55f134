#include "app/utf8.h"

#include "app/swar.h"

void tg_utf8_put(struct tg_view text, struct tg_out *out)
{
	const uint8_t *from = text.at, *at = from, *end = text.at + text.bytes;
	char escape[TG_UTF8_ESCAPE_BYTES];

	while ((at = tg_swar_plain(at, end)) < end) {
		bool escaped = false;
		unsigned bytes = *at < 0x80 ? 1 : tg_utf8_take(at, end, &escaped, escape);
		if (escaped) {
			tg_out_put(out, from, (size_t)(at - from));
			tg_out_put(out, escape, sizeof(escape));
			from = at + bytes;
		}
		at += bytes;
	}
	tg_out_put(out, from, (size_t)(end - from));
}
