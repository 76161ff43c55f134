#include "drivers/raven/page.h"

#include "platform/assert.h"

enum state {
	OPEN,
	NAME_FIRST,
	NAME,
	COLON,
	VALUE,
	ROW_FIRST,
	ROW,
	ROW_NEXT,
	NEXT,
	TAIL,
	ALONE,
	BROKEN,
};
enum name { NAME_OTHER, NAME_LIST, NAME_STALE, NAME_INDEX, NAME_ERROR };

void tg_raven_page_start(struct tg_raven_page *page, enum tg_raven_page_kind kind,
			 uint64_t doc_bytes_max)
{
	page->row = (struct tg_raven_row){ .oversize = false };
	page->rows = 0;
	page->stale = TG_RAVEN_STALE_UNSAID;
	page->index_named = false;
	page->index_name[0] = '\0';
	page->tail_bytes = 0;
	page->doc_bytes_max_ = doc_bytes_max;
	page->base_ = 0;
	page->state_ = kind == TG_RAVEN_PAGE_LIST ? OPEN : ALONE;
	page->name_ = NAME_OTHER;
	page->scanning_ = page->dropping_ = false;
	page->listed_ = kind == TG_RAVEN_PAGE_ALONE;
	page->metadata_bytes_ = 0;
}

int tg_raven_page_end(const struct tg_raven_page *page)
{
	/* An object without a list is no page: nothing says that it was the last one. */
	return page->state_ == TAIL && page->listed_ ? TG_OK : TG_ERR_PROTOCOL;
}

/* --- the end of what can be understood --- */

static void keep_tail(struct tg_raven_page *page, struct tg_view bytes)
{
	size_t room = sizeof(page->tail) - page->tail_bytes;
	size_t count = bytes.bytes < room ? bytes.bytes : room;

	if (count > 0)
		memcpy(page->tail + page->tail_bytes, bytes.at, count);
	page->tail_bytes += (uint32_t)count;
}

/* From window->from on nothing is understood any more. */
static int break_off(struct tg_raven_page *page)
{
	page->state_ = BROKEN;
	page->scanning_ = false;
	return 0;
}

static int swallow(struct tg_raven_page *page, struct tg_raven_window *window)
{
	keep_tail(page, tg_view_of(window->at + window->from, window->fill - window->from));
	window->from = window->fill;
	return TG_RAVEN_PAGE_MORE;
}

/* --- a value that may be longer than the window --- */

static bool is_row(const struct tg_raven_page *page)
{
	return page->state_ == ROW || page->state_ == ALONE;
}

static void start_value(struct tg_raven_page *page)
{
	struct tg_scan *scan = &page->scan_;

	scan->watch_count = 0;
	if (is_row(page))
		scan->watch[scan->watch_count++].name = tg_view_str("@metadata");
	tg_scan_start(scan);
	page->scanning_ = true;
	page->dropping_ = false;
	page->base_ = 0;
	page->metadata_bytes_ = 0;
}

/* Copies the metadata when it is complete, before its bytes are dropped. */
static void save_metadata(struct tg_raven_page *page, const uint8_t *at)
{
	const struct tg_scan_watch *seen = &page->scan_.watch[0];

	if (page->scan_.watch_count == 0 || page->metadata_bytes_ != 0 || seen->bytes == 0 ||
	    seen->at < page->base_ || seen->bytes > sizeof(page->metadata_))
		return;
	memcpy(page->metadata_, at + (seen->at - page->base_), (size_t)seen->bytes);
	page->metadata_bytes_ = (uint32_t)seen->bytes;
}

/* Lets go of the bytes that the scanner needs no more. */
static int drop(struct tg_raven_page *page, struct tg_raven_window *window)
{
	uint64_t keep = tg_scan_keep(&page->scan_);

	page->dropping_ = true;
	save_metadata(page, window->at + window->from);
	TG_ASSERT(keep >= page->base_ && keep <= page->scan_.pos);
	if (keep == page->base_) /* a name longer than a document may be */
		return break_off(page);
	window->from += (size_t)(keep - page->base_);
	page->base_ = keep;
	return TG_RAVEN_PAGE_MORE;
}

/* Scans on. TG_OK: complete; TG_RAVEN_PAGE_MORE; or TG_ERR_PROTOCOL: broken off. */
static int scan_value(struct tg_raven_page *page, struct tg_raven_window *window)
{
	struct tg_scan *scan = &page->scan_;

	if (!page->scanning_)
		start_value(page);
	size_t bytes = window->fill - window->from;
	int rc = tg_scan_feed(scan, window->at + window->from, bytes, page->base_);
	if (rc == TG_OK) {
		page->scanning_ = false;
		return TG_OK;
	}
	if (rc == TG_ERR_AGAIN && bytes < page->doc_bytes_max_)
		return TG_RAVEN_PAGE_MORE;
	if (rc == TG_ERR_AGAIN && drop(page, window) != 0)
		return TG_RAVEN_PAGE_MORE;
	if (rc != TG_ERR_AGAIN) /* the break is where the scanner stumbled */
		window->from += (size_t)(scan->pos - page->base_);
	(void)break_off(page);
	return TG_ERR_PROTOCOL;
}

/* --- rows --- */

static int give_row(struct tg_raven_page *page, struct tg_raven_window *window)
{
	struct tg_raven_row *row = &page->row;
	const struct tg_scan *scan = &page->scan_;
	const uint8_t *at = window->at + window->from;
	size_t bytes = (size_t)(scan->pos - page->base_);

	row->bytes = scan->pos;
	row->flags = scan->flags;
	row->metadata = tg_view_of(at, 0);
	if (page->dropping_) {
		save_metadata(page, at);
		row->oversize = true;
		row->body = tg_view_of(at, 0);
		row->metadata = tg_view_of(page->metadata_, page->metadata_bytes_);
	} else {
		row->body = tg_view_of(at, bytes);
		if (scan->watch[0].bytes > 0)
			row->metadata =
				tg_view_of(at + scan->watch[0].at, (size_t)scan->watch[0].bytes);
		/* The window holds a little more than a document may have. */
		row->oversize = bytes > page->doc_bytes_max_ || (scan->flags & TG_SCAN_DEEP);
		if (row->oversize && row->metadata.bytes > sizeof(page->metadata_))
			row->metadata.bytes = 0; /* as if the row had been dropped */
	}
	window->from += bytes;
	page->rows++;
	page->state_ = page->state_ == ROW ? ROW_NEXT : TAIL;
	return TG_RAVEN_PAGE_ROW;
}

static int take_row(struct tg_raven_page *page, struct tg_raven_window *window)
{
	int rc = scan_value(page, window);

	if (rc == TG_OK)
		return give_row(page, window);
	return rc == TG_RAVEN_PAGE_MORE ? rc : 0;
}

/* --- what stands round the rows --- */

static uint32_t name_of(struct tg_view text, bool listed)
{
	static const struct {
		const char *text;
		enum name name;
	} names[] = {
		{ "\"Results\"", NAME_LIST },  { "\"Tombstones\"", NAME_LIST },
		{ "\"IsStale\"", NAME_STALE }, { "\"IndexName\"", NAME_INDEX },
		{ "\"Error\"", NAME_ERROR },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (tg_view_same(text, tg_view_str(names[i].text)))
			return names[i].name == NAME_LIST && listed ? NAME_OTHER : names[i].name;
	return NAME_OTHER;
}

static int take_name(struct tg_raven_page *page, struct tg_raven_window *window)
{
	const uint8_t *at = window->at + window->from;

	if (!page->scanning_ && at[0] != '"')
		return break_off(page);
	int rc = scan_value(page, window);
	if (rc != TG_OK)
		return rc == TG_RAVEN_PAGE_MORE ? rc : 0;
	size_t bytes = (size_t)(page->scan_.pos - page->base_);
	page->name_ = page->dropping_ ? (uint32_t)NAME_OTHER
				      : name_of(tg_view_of(at, bytes), page->listed_);
	window->from += bytes;
	page->state_ = COLON;
	return 0;
}

static void keep_index(struct tg_raven_page *page, struct tg_view value)
{
	size_t bytes = value.bytes;

	if (bytes < 2 || value.at[0] != '"')
		return;
	bytes = bytes - 2 < sizeof(page->index_name) ? bytes - 2 : sizeof(page->index_name) - 1;
	memcpy(page->index_name, value.at + 1, bytes);
	page->index_name[bytes] = '\0';
	page->index_named = true;
}

static int take_value(struct tg_raven_page *page, struct tg_raven_window *window)
{
	struct tg_view value = tg_view_of(window->at + window->from, 0);
	int rc = scan_value(page, window);

	if (rc != TG_OK)
		return rc == TG_RAVEN_PAGE_MORE ? rc : 0;
	value.bytes = page->dropping_ ? 0 : (size_t)page->scan_.pos;
	if (page->name_ == NAME_ERROR && !tg_view_same(value, tg_view_str("null"))) {
		(void)break_off(page); /* an error object without a list, or rows cut off by it */
		keep_tail(page, value);
	}
	if (page->name_ == NAME_STALE)
		page->stale = tg_view_same(value, tg_view_str("false")) ? TG_RAVEN_STALE_NO
									: TG_RAVEN_STALE_YES;
	if (page->name_ == NAME_INDEX)
		keep_index(page, value);
	window->from += (size_t)(page->scan_.pos - page->base_);
	if (page->state_ != BROKEN)
		page->state_ = NEXT;
	return 0;
}

/* What a byte outside of names, values and rows leads to; -1: it may not stand here. */
static int after_byte(const struct tg_raven_page *page, uint8_t byte)
{
	switch ((enum state)page->state_) {
	case OPEN:
		return byte == '{' ? NAME_FIRST : -1;
	case NAME_FIRST:
		return byte == '}' ? TAIL : NAME;
	case COLON:
		return byte == ':' ? VALUE : -1;
	case VALUE:
		return ROW_FIRST; /* the list's bracket: see is_value */
	case ROW_FIRST:
		return byte == ']' ? NEXT : ROW;
	case ROW_NEXT:
		return byte == ',' ? ROW : byte == ']' ? NEXT : -1;
	case NEXT:
		return byte == ',' ? NAME : byte == '}' ? TAIL : -1;
	default:
		return -1;
	}
}

static int take_mark(struct tg_raven_page *page, struct tg_raven_window *window)
{
	enum state was = (enum state)page->state_;
	uint8_t byte = window->at[window->from];

	if (tg_json_is_space(byte)) {
		window->from++;
		return 0;
	}
	int next = after_byte(page, byte);
	if (next < 0)
		return break_off(page);
	page->state_ = (uint32_t)next;
	page->listed_ = page->listed_ || was == VALUE;
	/* The first byte of a row or a name belongs to it. */
	if ((was != ROW_FIRST || next != ROW) && (was != NAME_FIRST || next != NAME))
		window->from++;
	return 0;
}

/* Whether the byte at hand begins what the scanner takes. */
static bool is_value(const struct tg_raven_page *page, uint8_t byte)
{
	if (tg_json_is_space(byte))
		return false;
	if (page->state_ == VALUE)
		return byte != '[' || page->name_ != NAME_LIST;
	return page->state_ == NAME || is_row(page);
}

static int step(struct tg_raven_page *page, struct tg_raven_window *window)
{
	if (!page->scanning_ && !is_value(page, window->at[window->from]))
		return take_mark(page, window);
	if (is_row(page))
		return take_row(page, window);
	return page->state_ == NAME ? take_name(page, window) : take_value(page, window);
}

int tg_raven_page_next(struct tg_raven_page *page, struct tg_raven_window *window)
{
	int rc = 0;

	while (rc == 0) {
		if (window->from == window->fill)
			return TG_RAVEN_PAGE_MORE;
		rc = page->state_ == BROKEN ? swallow(page, window) : step(page, window);
	}
	return rc;
}
