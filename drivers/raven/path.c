#include "drivers/raven/path.h"

#include <inttypes.h>
#include <stdio.h>

void tg_raven_percent(struct tg_view text, struct tg_out *out)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < text.bytes; i++) {
		uint8_t byte = text.at[i], lower = byte | 0x20;
		bool plain = (lower >= 'a' && lower <= 'z') || (byte >= '0' && byte <= '9') ||
			     byte == '-' || byte == '.' || byte == '_' || byte == '~';
		if (plain) {
			tg_out_byte(out, (char)byte);
			continue;
		}
		tg_out_byte(out, '%');
		tg_out_byte(out, hex[byte >> 4]);
		tg_out_byte(out, hex[byte & 15]);
	}
}

void tg_raven_number(uint64_t number, struct tg_out *out)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	tg_out_str(out, text);
}

static void put_number(const char *name, uint64_t number, struct tg_out *out)
{
	tg_out_str(out, name);
	tg_raven_number(number, out);
}

static void put_text(const char *name, struct tg_view text, struct tg_out *out)
{
	tg_out_str(out, name);
	tg_raven_percent(text, out);
}

static void put_database(const struct tg_raven_call *call, struct tg_out *out)
{
	put_text("/databases/", tg_view_str(call->database), out);
}

static void put_query(const struct tg_raven_call *call, struct tg_out *out)
{
	put_text("/queries?query=", call->text, out);
	if (call->parameters.bytes > 0)
		put_text("&parameters=", call->parameters, out);
	put_number("&waitForNonStaleResults=true&waitForNonStaleResultsTimeoutInMs=", call->wait_ms,
		   out);
}

static void put_call(const struct tg_raven_call *call, struct tg_out *out)
{
	put_database(call, out);
	switch (call->kind) {
	case TG_RAVEN_STATS:
		tg_out_str(out, "/stats");
		break;
	case TG_RAVEN_COLLECTIONS:
		tg_out_str(out, "/collections/stats");
		break;
	case TG_RAVEN_DOCS:
		put_number("/docs?etag=", call->etag, out);
		put_number("&pageSize=", call->rows, out);
		break;
	case TG_RAVEN_KEYS:
		put_text("/docs?startsWith=&startAfter=", call->text, out);
		put_number("&metadataOnly=true&pageSize=", call->rows, out);
		break;
	case TG_RAVEN_TOMBSTONES:
		tg_out_str(out, "/replication/tombstones");
		break;
	case TG_RAVEN_SAMPLE:
		put_text("/collections/docs?name=", call->text, out);
		put_number("&start=0&pageSize=", call->rows, out);
		break;
	default:
		put_query(call, out);
		break;
	}
}

void tg_raven_path(const struct tg_raven_call *call, struct tg_out *out)
{
	if (call->kind == TG_RAVEN_WHOAMI)
		tg_out_str(out, "/certificates/whoami");
	else if (call->kind == TG_RAVEN_TOPOLOGY)
		put_text("/topology?name=", tg_view_str(call->database), out);
	else
		put_call(call, out);
}
