#include "drivers/rethink/term.h"

#include <stdio.h>

#include "drivers/json/scan.h"

static void put_table(const struct tg_term_table *table, struct tg_out *out)
{
	tg_out_str(out, "[15,[[14,[");
	tg_json_quote(tg_view_str(table->database), out);
	tg_out_str(out, "]],");
	tg_json_quote(table->table, out);
	tg_out_str(out, "]]");
}

static void put_number(uint64_t number, struct tg_out *out)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	tg_out_str(out, text);
}

void tg_query_table_list(const char *database, struct tg_out *out)
{
	tg_out_str(out, "[1,[62,[[14,[");
	tg_json_quote(tg_view_str(database), out);
	tg_out_str(out, "]]]]]");
}

void tg_query_now(struct tg_out *out)
{
	tg_out_str(out, "[1,[103,[]]]");
}

void tg_query_of_table(const struct tg_term_table *table, enum tg_term term, struct tg_out *out)
{
	tg_out_str(out, "[1,[");
	put_number((uint64_t)term, out);
	tg_out_str(out, ",[");
	put_table(table, out);
	tg_out_str(out, "]]]");
}

void tg_query_wait(const struct tg_term_table *table, unsigned timeout_s, struct tg_out *out)
{
	tg_out_str(out, "[1,[177,[");
	put_table(table, out);
	tg_out_str(out, "],{\"wait_for\":\"ready_for_reads\",\"timeout\":");
	put_number(timeout_s, out);
	tg_out_str(out, "}]]");
}

void tg_query_sample(const struct tg_query_sample *sample, struct tg_out *out)
{
	tg_out_str(out, sample->count > 0 ? "[1,[33,[[71,[" : "[1,[71,[");
	put_table(&sample->table, out);
	tg_out_byte(out, ',');
	put_number(sample->limit, out);
	tg_out_str(out, "]]");
	for (unsigned i = 0; i < sample->count; i++) {
		tg_out_byte(out, ',');
		tg_out_view(out, tg_member_json(&sample->members[i]));
	}
	tg_out_str(out, sample->count > 0 ? "]]]" : "]");
}

/* All rows behind a key, or from a time on by an index. */
static void put_range(const struct tg_query_rows *rows, struct tg_out *out)
{
	bool by_index = rows->index.bytes > 0;
	struct tg_view from = by_index ? rows->lower : rows->after;
	struct tg_view order = by_index ? rows->index : rows->key;

	tg_out_str(out, "[182,[");
	put_table(&rows->table, out);
	tg_out_byte(out, ',');
	if (from.bytes > 0)
		tg_out_view(out, from);
	else
		tg_out_str(out, "[180,[]]");
	tg_out_byte(out, ',');
	if (rows->before.bytes > 0)
		tg_out_view(out, rows->before);
	else
		tg_out_str(out, "[181,[]]");
	tg_out_str(out, "],{\"index\":");
	tg_out_view(out, order);
	tg_out_str(out, by_index ? ",\"left_bound\":\"closed\"}]" : ",\"left_bound\":\"open\"}]");
}

/* The same in order, or the first few in none. */
static void put_selection(const struct tg_query_rows *rows, struct tg_out *out)
{
	tg_out_str(out, rows->first > 0 ? "[71,[" : "[41,[");
	put_range(rows, out);
	if (rows->first > 0) {
		tg_out_byte(out, ',');
		put_number(rows->first, out);
		tg_out_str(out, "]]");
		return;
	}
	tg_out_str(out, "],{\"index\":");
	if (rows->back)
		tg_out_str(out, "[74,[");
	tg_out_view(out, rows->index.bytes > 0 ? rows->index : rows->key);
	tg_out_str(out, rows->back ? "]]}]" : "}]");
}

void tg_query_rows(const struct tg_query_rows *rows, struct tg_out *out)
{
	bool filter = rows->field.bytes > 0 && rows->index.bytes == 0;

	tg_out_str(out, filter ? "[1,[39,[" : "[1,");
	put_selection(rows, out);
	if (filter) {
		tg_out_str(out, ",[69,[[2,[1]],[22,[[170,[[10,[1]],");
		tg_out_view(out, rows->field);
		tg_out_str(out, "]],");
		tg_out_view(out, rows->lower);
		tg_out_str(out, "]]]]]]");
	}
	tg_out_str(out, ",{\"max_batch_bytes\":");
	put_number(rows->batch_bytes, out);
	/* Else the server makes the first batch a quarter as large, and few rows come in two. */
	if (rows->first > 0)
		tg_out_str(out, ",\"first_batch_scaledown_factor\":1");
	tg_out_str(out, "}]");
}
