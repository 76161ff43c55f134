/* Where the next pages of a RavenDB walk are asked for: every document is read, whatever holes lie
 * around the borders of pages, whoever wrote it, and whatever moves meanwhile. */
#include "drivers/raven/lead.h"

#include "tests/check.h"

enum { ETAGS_MAX = 24, PAGES_MAX = 400, OLDER_BY = 3 };

/* What a document tells of its etag. */
enum tells { ABSENT, TRUE_ETAG, NOTHING, OLDER_ETAG };

struct document {
	uint64_t etag, told; /* told 0: another node wrote it */
	bool single;         /* its vector has this node's entry alone */
	uint64_t taken;      /* the etag of the version that was handed over last */
	unsigned times;      /* of the present version */
};

static struct {
	struct document docs[ETAGS_MAX];
	unsigned count;
	uint64_t last;
} base;

static struct {
	struct tg_raven_lead lead;
	uint64_t next, rows;
	unsigned ahead, pages, refused, guessed_pages;
	bool guessed, heedless; /* asks ahead however sparse it is */
	bool dense;
	/* One document moves to the end before this page is answered. */
	unsigned move_page, move_document;
} walk;

/* --- the server --- */

/* The present document behind `etag` or with it; NULL: none. */
static struct document *first_from(uint64_t etag)
{
	struct document *best = NULL;

	for (unsigned i = 0; i < base.count; i++) {
		struct document *doc = &base.docs[i];

		if (doc->etag >= etag && doc->etag > 0 && (best == NULL || doc->etag < best->etag))
			best = doc;
	}
	return best;
}

static void move(void)
{
	struct document *doc = &base.docs[walk.move_document];

	if (walk.pages != walk.move_page || doc->etag == 0)
		return;
	doc->etag = doc->told = ++base.last;
	doc->single = true;
	doc->times = 0;
}

/* `kinds`: two bits an etag, the first one lowest. */
static void fill(uint32_t kinds, unsigned etags)
{
	memset(&base, 0, sizeof(base));
	base.count = etags;
	for (unsigned i = 0; i < etags; i++) {
		enum tells tells = (enum tells)(kinds >> (2 * i) & 3u);
		uint64_t etag = i + 1;
		uint64_t older = etag > OLDER_BY ? etag - OLDER_BY : 1;

		if (tells == ABSENT)
			continue;
		base.docs[i].etag = base.last = etag;
		base.docs[i].told = tells == TRUE_ETAG ? etag : tells == OLDER_ETAG ? older : 0;
		base.docs[i].single = tells == TRUE_ETAG;
	}
}

/* --- the walk, as walk.c does it --- */

static void ask_ahead(void)
{
	while (walk.dense && walk.lead.count < walk.ahead &&
	       tg_raven_lead_next(&walk.lead) <= base.last)
		tg_raven_lead_ask(&walk.lead, tg_raven_lead_next(&walk.lead));
}

static void take(struct document *doc, uint64_t at)
{
	bool again = false;

	if (doc->told > 0) {
		again = tg_raven_lead_row(&walk.lead, at, doc->told);
		ask_ahead();
	}
	if (again && walk.guessed && doc->single)
		return;
	doc->taken = doc->etag;
	doc->times++;
}

/* How many rows it had. */
static uint64_t read_page(uint64_t from)
{
	struct document *doc;
	uint64_t rows = 0;

	TG_CHECK(++walk.pages < PAGES_MAX);
	move();
	while (rows < walk.lead.rows && (doc = first_from(from)) != NULL) {
		take(doc, rows++);
		from = doc->etag + 1;
	}
	return rows;
}

static void advance(void)
{
	bool told = walk.lead.seen >= walk.next;
	bool guessed = walk.guessed;

	walk.dense = walk.heedless || tg_raven_lead_is_dense(&walk.lead);
	walk.guessed = false;
	if (walk.lead.reach > walk.next)
		walk.next = walk.lead.reach;
	if (!told && !guessed && walk.lead.count == 0)
		walk.lead.rows *= 2;
	else if (told && walk.lead.count == 0)
		walk.lead.rows = walk.rows;
}

static void walk_once(void)
{
	uint64_t from;

	walk.lead = (struct tg_raven_lead){ .rows = walk.rows };
	walk.dense = true;
	walk.guessed = false;
	tg_raven_lead_page(&walk.lead, from = walk.next);
	while (read_page(from) == walk.lead.rows) {
		uint64_t asked = walk.lead.asked[0];

		advance();
		if (walk.lead.count > 0 && tg_raven_lead_turn(&walk.lead)) {
			from = asked;
			walk.guessed = true;
			walk.guessed_pages++;
			continue;
		}
		walk.refused += tg_raven_lead_drop(&walk.lead);
		tg_raven_lead_page(&walk.lead, from = walk.next);
	}
	(void)tg_raven_lead_drop(&walk.lead);
	walk.next = walk.next > base.last ? walk.next : base.last + 1;
}

/* Twice: what moved behind the end comes in the second round. */
static void walk_all(uint64_t rows, unsigned ahead)
{
	walk.rows = rows;
	walk.ahead = ahead;
	walk.pages = walk.refused = walk.guessed_pages = 0;
	walk.next = 0;
	walk_once();
	walk_once();
}

static void check(uint32_t kinds, bool once)
{
	TG_CHECK_SEED(kinds, walk.refused == 0);
	for (unsigned i = 0; i < base.count; i++) {
		const struct document *doc = &base.docs[i];

		TG_CHECK_SEED(kinds, doc->taken == doc->etag);
		TG_CHECK_SEED(kinds, !once || doc->etag == 0 || doc->times == 1);
	}
}

/* --- tests --- */

/* Spreads a bit an etag to two. */
static uint32_t own_only(uint32_t bits)
{
	uint32_t kinds = 0;

	for (unsigned i = 0; i < 16; i++)
		kinds |= (bits >> i & 1u) << (2 * i);
	return kinds;
}

TG_TEST(every_document_once_whatever_the_holes)
{
	unsigned guessed = 0;

	walk.move_page = 0;
	for (uint32_t bits = 0; bits < 1u << 12; bits++)
		for (uint64_t rows = 1; rows <= 4; rows++)
			for (unsigned ahead = 0; ahead <= TG_RAVEN_AHEAD_MAX; ahead++) {
				walk.heedless = (bits + rows + ahead) % 2 == 0;
				fill(own_only(bits), 12);
				walk_all(rows, ahead);
				check(bits, true);
				guessed += walk.guessed_pages;
			}
	TG_CHECK(guessed > 4096);
}

TG_TEST(documents_of_other_nodes_are_never_skipped)
{
	walk.move_page = 0;
	walk.heedless = true;
	for (uint32_t kinds = 0; kinds < 1u << 16; kinds++)
		for (uint64_t rows = 1; rows <= 3; rows++) {
			fill(kinds, 8);
			walk_all(rows, 1 + (unsigned)(kinds + rows) % 3);
			check(kinds, false);
		}
}

/* Any one document is written again before any page. */
TG_TEST(what_moves_meanwhile_is_read_in_its_last_state)
{
	walk.heedless = true;
	for (uint32_t bits = 0; bits < 1u << 8; bits++)
		for (unsigned draw = 0; draw < 8 * 6; draw++)
			for (unsigned ahead = 0; ahead <= 3; ahead++) {
				fill(own_only(bits), 8);
				walk.move_page = 1 + draw / 8;
				walk.move_document = draw % 8;
				walk_all(2, ahead);
				check(bits, true);
			}
}

/* What is known by then makes up for a hole: the pages on their way are in vain, no others. */
TG_TEST(a_hole_costs_the_pages_on_their_way)
{
	struct tg_raven_lead lead = { .rows = 10 };

	tg_raven_lead_page(&lead, 0);
	for (uint64_t i = 0; i < 5; i++)
		TG_CHECK(!tg_raven_lead_row(&lead, i, 1 + i));
	TG_CHECK_INT(tg_raven_lead_next(&lead), 11);
	tg_raven_lead_ask(&lead, 11);
	TG_CHECK_INT(tg_raven_lead_next(&lead), 21);
	for (uint64_t i = 5; i < 10; i++)
		TG_CHECK(!tg_raven_lead_row(&lead, i, 1000 + i));
	TG_CHECK(!tg_raven_lead_is_dense(&lead));
	TG_CHECK_INT(tg_raven_lead_next(&lead), 1010);
	TG_CHECK(tg_raven_lead_turn(&lead));
	for (uint64_t i = 0; i < 5; i++)
		TG_CHECK(tg_raven_lead_row(&lead, i, 1005 + i));
	TG_CHECK_INT(tg_raven_lead_next(&lead), 1015);
	for (uint64_t i = 5; i < 10; i++)
		TG_CHECK(!tg_raven_lead_row(&lead, i, 1005 + i));
	TG_CHECK(!tg_raven_lead_is_dense(&lead)); /* half of it came twice */
	TG_CHECK(!tg_raven_lead_turn(&lead));
}

TG_TEST(a_page_behind_what_was_read_is_refused)
{
	struct tg_raven_lead lead = { .rows = 10 };

	tg_raven_lead_page(&lead, 1);
	TG_CHECK(!tg_raven_lead_row(&lead, 0, 1));
	tg_raven_lead_ask(&lead, tg_raven_lead_next(&lead) + 1);
	tg_raven_lead_ask(&lead, tg_raven_lead_next(&lead));
	TG_CHECK(!tg_raven_lead_turn(&lead));
	TG_CHECK_INT(tg_raven_lead_drop(&lead), 2);
	TG_CHECK_INT(tg_raven_lead_drop(&lead), 0);
}

TG_TEST(more_rows_than_asked_for_are_no_longer_reach)
{
	struct tg_raven_lead lead = { .rows = 2 };

	tg_raven_lead_page(&lead, 5);
	TG_CHECK(!tg_raven_lead_row(&lead, 7, 6));
	TG_CHECK_INT(tg_raven_lead_next(&lead), 7);
}
