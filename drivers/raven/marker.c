#include "drivers/raven/marker.h"

#include <inttypes.h>
#include <stdio.h>

#include "app/moment.h"
#include "drivers/json/scan.h"

void tg_marker_id(const struct tg_marker_of *of, struct tg_ident *out)
{
	struct tg_out text = { .at = out->at, .cap = sizeof(out->at) };
	char number[16];

	(void)snprintf(number, sizeof(number), "/%" PRIu32, of->number);
	tg_out_str(&text, "Tidegate/");
	tg_ident_escape(of->instance, &text);
	tg_out_byte(&text, '/');
	tg_ident_escape(tg_view_str(of->sink), &text);
	tg_out_str(&text, number);
	out->bytes = tg_out_filled(&text);
}

static void put_number(struct tg_out *out, const char *name, uint64_t number)
{
	char text[48];

	(void)snprintf(text, sizeof(text), ",\"%s\":%" PRIu64, name, number);
	tg_out_str(out, text);
}

static void put_text(struct tg_out *out, const char *name, struct tg_view text)
{
	tg_out_str(out, name);
	tg_json_quote(text, out);
}

static struct tg_view vector_of(const struct tg_marker_of *of, const struct tg_marker *marker)
{
	return tg_view_str(marker->roomy ? of->room->vector : marker->vector);
}

static void put_vector(const struct tg_marker_of *of, const struct tg_marker *marker,
		       struct tg_out *out)
{
	if (marker->unchecked)
		tg_out_str(out, ",\"ChangeVector\":null");
	else
		put_text(out, ",\"ChangeVector\":", vector_of(of, marker));
}

void tg_marker_put(const struct tg_marker_of *of, const struct tg_marker *marker,
		   const struct tg_marker_next *next, struct tg_out *out)
{
	char iso[TG_MOMENT_ISO_BYTES];
	bool has_time = tg_moment_iso(next->time_ms, iso) == TG_OK;
	struct tg_ident id;

	tg_marker_id(of, &id);
	put_text(out, "{\"Type\":\"PUT\",\"Id\":", tg_view_of(id.at, id.bytes));
	put_vector(of, marker, out);
	put_text(out, ",\"Document\":{\"instance\":", of->instance);
	put_text(out, ",\"stream\":", of->stream);
	put_number(out, "first", next->first);
	put_number(out, "last", next->last);
	put_number(out, "replayed", next->replayed);
	put_text(out, ",\"time\":", tg_view_of(iso, has_time ? sizeof(iso) : 0));
	put_text(out, ",\"@metadata\":{\"@collection\":\"Tidegate\",\"Tidegate-Instance\":",
		 of->instance);
	put_text(out, ",\"Tidegate-Stream\":", of->stream);
	tg_out_str(out, "}}}");
}

/* --- answers --- */

static bool is_text(struct tg_view value, struct tg_view want)
{
	uint8_t text[TG_STREAM_NAME_BYTES_MAX + 1];
	int bytes = value.bytes > 0 && value.at[0] == '"'
			    ? tg_json_unescape(value, text, sizeof(text))
			    : TG_ERR_PROTOCOL;

	return bytes >= 0 && tg_view_same(tg_view_of(text, (size_t)bytes), want);
}

static uint64_t number_of(struct tg_view object, const char *name)
{
	int64_t number;

	if (tg_json_integer(tg_member_of(object, name), &number) != TG_OK || number < 0)
		return 0;
	return (uint64_t)number;
}

/* The vector without its quotes; it holds no escapes. Empty when there is none. */
static struct tg_view vector_in(struct tg_view value)
{
	if (value.bytes <= 2 || value.at[0] != '"')
		return tg_view_of(value.at, 0);
	return tg_view_of(value.at + 1, value.bytes - 2);
}

/* False when there is none. */
static bool take_vector(struct tg_view vector, const struct tg_marker_of *of,
			struct tg_marker *marker)
{
	char *into = marker->vector;

	marker->known = vector.bytes > 0 && vector.bytes < sizeof(marker->vector);
	marker->roomy = !marker->known && vector.bytes > 0 &&
			vector.bytes < sizeof(of->room->vector);
	marker->unchecked = !marker->known && !marker->roomy;
	if (marker->roomy)
		into = of->room->vector;
	if (!marker->unchecked)
		memcpy(into, vector.at, vector.bytes);
	into[marker->unchecked ? 0 : vector.bytes] = '\0';
	return vector.bytes > 0;
}

/* The first element of the list called Results, in a text that may be cut behind it. */
static struct tg_view first_result(struct tg_view answer)
{
	static const char head[] = "{\"Results\":[";
	struct tg_members members;
	struct tg_view name, value;

	if (answer.bytes < sizeof(head) || memcmp(answer.at, head, sizeof(head) - 1) != 0 ||
	    !tg_members_start(&members, tg_view_of(answer.at + sizeof(head) - 2,
						   answer.bytes - sizeof(head) + 2)) ||
	    !tg_members_next(&members, &name, &value))
		return tg_view_of(answer.at, 0);
	return value;
}

int tg_marker_read(struct tg_view answer, const struct tg_marker_of *of, struct tg_marker *marker)
{
	struct tg_view document = first_result(answer);
	struct tg_view metadata = tg_member_of(document, "@metadata");

	if (!take_vector(vector_in(tg_member_of(metadata, "@change-vector")), of, marker))
		return TG_ERR_PROTOCOL;
	bool ours = is_text(tg_member_of(document, "instance"), of->instance) &&
		    is_text(tg_member_of(document, "stream"), of->stream);
	marker->first = ours ? number_of(document, "first") : 0;
	marker->last = ours ? number_of(document, "last") : 0;
	marker->replayed = ours ? number_of(document, "replayed") : 0;
	return TG_OK;
}

bool tg_marker_written(struct tg_view answer, const struct tg_marker_of *of,
		       const struct tg_marker_next *next, struct tg_marker *marker)
{
	struct tg_view result = first_result(answer);
	struct tg_view vector = vector_in(tg_member_of(result, "@change-vector"));
	struct tg_ident id;

	tg_marker_id(of, &id);
	if (!is_text(tg_member_of(result, "@id"), tg_view_of(id.at, id.bytes)) ||
	    (!marker->unchecked && tg_view_same(vector, vector_of(of, marker))) ||
	    !take_vector(vector, of, marker))
		return false;
	marker->first = next->first;
	marker->last = next->last;
	marker->replayed = next->replayed;
	return true;
}
