#include "drivers/raven/vector.h"

#include "platform/assert.h"
#include "platform/crypto.h"

static bool is_separator(uint8_t byte)
{
	return byte == ',' || byte == '|';
}

static bool is_id_byte(uint8_t byte)
{
	uint8_t letter = byte | 0x20;

	return (letter >= 'a' && letter <= 'z') || (byte >= '0' && byte <= '9') || byte == '+' ||
	       byte == '/';
}

static struct tg_view trim(struct tg_view text)
{
	while (text.bytes > 0 && *text.at == ' ') {
		text.at++;
		text.bytes--;
	}
	while (text.bytes > 0 && text.at[text.bytes - 1] == ' ')
		text.bytes--;
	return text;
}

/* Splits at the first `byte`; false when there is none. */
static bool split(struct tg_view text, char byte, struct tg_view *head, struct tg_view *rest)
{
	const uint8_t *at = text.bytes == 0 ? NULL : memchr(text.at, byte, text.bytes);

	if (at == NULL)
		return false;
	*head = tg_view_of(text.at, (size_t)(at - text.at));
	*rest = tg_view_of(at + 1, text.bytes - head->bytes - 1);
	return true;
}

static bool read_etag(struct tg_view digits, uint64_t *etag)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < digits.bytes; i++) {
		uint64_t digit = (uint64_t)digits.at[i] - '0';
		if (digit > 9 || sum > ((uint64_t)INT64_MAX - digit) / 10)
			return false;
		sum = sum * 10 + digit;
	}
	*etag = sum;
	return digits.bytes > 0;
}

static bool is_id(struct tg_view id)
{
	for (size_t i = 0; i < id.bytes; i++)
		if (!is_id_byte(id.at[i]))
			return false;
	return id.bytes == TG_RAVEN_ID_TEXT_BYTES;
}

static bool read_entry(struct tg_view text, struct tg_raven_entry *entry)
{
	struct tg_view rest, digits;

	return split(text, ':', &entry->tag, &rest) && entry->tag.bytes > 0 &&
	       split(rest, '-', &digits, &entry->id) && read_etag(digits, &entry->etag) &&
	       is_id(entry->id);
}

struct tg_raven_vector tg_raven_vector_of(struct tg_view text)
{
	return (struct tg_raven_vector){ .at = text.at, .end = text.at + text.bytes };
}

bool tg_raven_vector_next(struct tg_raven_vector *vector, struct tg_raven_entry *entry)
{
	while (vector->at < vector->end) {
		const uint8_t *from = vector->at, *to = from;
		while (to < vector->end && !is_separator(*to))
			to++;
		vector->at = to < vector->end ? to + 1 : to;
		struct tg_view text = trim(tg_view_of(from, (size_t)(to - from)));
		if (text.bytes == 0)
			continue;
		if (read_entry(text, entry))
			return true;
		vector->strange = true;
	}
	return false;
}

bool tg_raven_vector_etag(struct tg_view text, struct tg_view id, uint64_t *etag)
{
	struct tg_raven_vector vector = tg_raven_vector_of(text);
	struct tg_raven_entry entry;
	bool found = false;

	while (tg_raven_vector_next(&vector, &entry)) {
		if (!tg_view_same(entry.id, id) || (found && entry.etag <= *etag))
			continue;
		*etag = entry.etag;
		found = true;
	}
	return found;
}

bool tg_raven_vector_covers(struct tg_view all, struct tg_view part)
{
	struct tg_raven_vector vector = tg_raven_vector_of(part);
	struct tg_raven_entry entry;
	uint64_t etag = 0;

	while (tg_raven_vector_next(&vector, &entry))
		if (!tg_raven_vector_etag(all, entry.id, &etag) || etag < entry.etag)
			return false;
	return !vector.strange;
}

int tg_raven_vector_of_header(struct tg_view header, struct tg_view *text)
{
	struct tg_view rest = trim(header);

	if (rest.bytes > 2 && rest.at[0] == 'W' && rest.at[1] == '/')
		rest = tg_view_of(rest.at + 2, rest.bytes - 2);
	if (rest.bytes < 2 || rest.at[0] != '"' || rest.at[rest.bytes - 1] != '"')
		return TG_ERR_PROTOCOL;
	*text = tg_view_of(rest.at + 1, rest.bytes - 2);
	return memchr(text->at, '"', text->bytes) == NULL ? TG_OK : TG_ERR_PROTOCOL;
}

/* --- ids --- */

void tg_raven_id_text(const uint8_t id[TG_RAVEN_ID_BYTES], char out[TG_RAVEN_ID_TEXT_BYTES])
{
	char text[TG_RAVEN_ID_TEXT_BYTES + 3]; /* two signs of padding and a NUL */
	int bytes = tg_base64_encode(tg_view_of(id, TG_RAVEN_ID_BYTES), text, sizeof(text));

	TG_ASSERT(bytes >= TG_RAVEN_ID_TEXT_BYTES);
	memcpy(out, text, TG_RAVEN_ID_TEXT_BYTES);
}

int tg_raven_id_bytes(struct tg_view text, uint8_t out[TG_RAVEN_ID_BYTES])
{
	char again[TG_RAVEN_ID_TEXT_BYTES];

	if (!is_id(text) || tg_base64_decode(text, out, TG_RAVEN_ID_BYTES) != TG_RAVEN_ID_BYTES)
		return TG_ERR_PROTOCOL;
	tg_raven_id_text(out, again);
	return memcmp(again, text.at, sizeof(again)) == 0 ? TG_OK : TG_ERR_PROTOCOL;
}
