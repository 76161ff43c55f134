#include "drivers/raven/talk.h"

#include <stdio.h>

#include "platform/assert.h"

enum { HEADER_ETAG, HEADER_CLUSTER, HEADER_VERSION, HEADER_MISSING };

void tg_raven_talk_init(struct tg_raven_talk *talk, const struct tg_raven_link *link,
			uint8_t *buffers)
{
	struct tg_http_buffers places = { .send = buffers,
					  .answer = buffers + TG_RAVEN_HEAD_BYTES,
					  .recv = buffers + TG_RAVEN_HEAD_BYTES +
						  TG_RAVEN_ERROR_BYTES,
					  .send_cap = TG_RAVEN_HEAD_BYTES,
					  .answer_cap = TG_RAVEN_ERROR_BYTES,
					  .recv_cap = TG_RAVEN_WINDOW_BYTES };
	struct tg_http_wanted wanted[] = {
		{ .name = "ETag", .into = talk->etag_, .cap = sizeof(talk->etag_) },
		{ .name = "Database-Cluster-Tx-Id",
		  .into = talk->cluster_id,
		  .cap = sizeof(talk->cluster_id) },
		{ .name = "Raven-Server-Version",
		  .into = talk->version,
		  .cap = sizeof(talk->version) },
		{ .name = "Database-Missing",
		  .into = talk->missing_,
		  .cap = sizeof(talk->missing_) },
	};

	memset(talk, 0, sizeof(*talk));
	talk->link_ = link;
	memcpy(talk->wanted_, wanted, sizeof(wanted));
	tg_http_place(&talk->client_, &places);
	talk->client_.wanted = talk->wanted_;
	talk->client_.wanted_count = sizeof(wanted) / sizeof(wanted[0]);
	for (uint32_t i = 0; i < TG_RAVEN_ASKED_MAX; i++)
		talk->asked_[i].talk = talk;
}

void tg_raven_talk_open(struct tg_raven_talk *talk, const struct tg_raven_url *url)
{
	TG_ASSERT(talk->count_ == 0);
	talk->client_.target = talk->link_->target;
	memcpy(talk->client_.target.host, url->host, sizeof(url->host));
	talk->client_.target.port = url->port;
	talk->client_.answer_ms_max = talk->link_->answer_ms_max;
	snprintf(talk->peer, sizeof(talk->peer), "%s:%u", url->host, url->port);
}

/* --- asking --- */

static void put_head(void *context, struct tg_out *out)
{
	const struct tg_raven_asked *asked = context;
	const struct tg_conn_target *target = &asked->talk->client_.target;
	bool v6 = strchr(target->host, ':') != NULL;
	bool usual = target->port == (asked->talk->link_->tls ? 443 : 80);

	tg_out_str(out, "GET ");
	tg_raven_path(&asked->call, out);
	tg_out_str(out, " HTTP/1.1\r\nHost: ");
	tg_out_str(out, v6 ? "[" : "");
	tg_out_str(out, target->host);
	tg_out_str(out, v6 ? "]" : "");
	if (!usual) {
		tg_out_byte(out, ':');
		tg_raven_number(target->port, out);
	}
	/* A proxy must not answer in the server's place. */
	tg_out_str(out, "\r\nUser-Agent: tidegate/" TG_VERSION "\r\nAccept: application/json\r\n"
			"Cache-Control: no-cache\r\n");
	if (asked->match_bytes > 0) {
		tg_out_str(out, "If-None-Match: \"");
		tg_out_put(out, asked->match, asked->match_bytes);
		tg_out_str(out, "\"\r\n");
	}
	tg_out_str(out, "\r\n");
}

static bool copy(struct tg_view *text, uint8_t *at, size_t cap)
{
	if (text->bytes > cap)
		return false;
	if (text->bytes > 0)
		memcpy(at, text->at, text->bytes);
	text->at = at;
	return true;
}

static enum tg_raven_page_kind kind_of(enum tg_raven_call_kind kind)
{
	return kind <= TG_RAVEN_COLLECTIONS ? TG_RAVEN_PAGE_ALONE : TG_RAVEN_PAGE_LIST;
}

int tg_raven_talk_ask(struct tg_raven_talk *talk, const struct tg_raven_call *call,
		      struct tg_view match, const struct tg_now *now)
{
	struct tg_raven_asked *asked =
		&talk->asked_[(talk->first_ + talk->count_) % TG_RAVEN_ASKED_MAX];
	struct tg_http_request request = { .head = put_head, .context = asked };

	TG_ASSERT(talk->count_ < TG_RAVEN_ASKED_MAX);
	asked->call = *call;
	if (!copy(&asked->call.text, asked->text, sizeof(asked->text)) ||
	    !copy(&asked->call.parameters, asked->parameters, sizeof(asked->parameters)) ||
	    !copy(&match, asked->match, sizeof(asked->match)))
		return TG_ERR_LIMIT;
	asked->match_bytes = (uint32_t)match.bytes;
	asked->kind = kind_of(call->kind);
	talk->count_++;
	tg_http_ask(&talk->client_, &request, now);
	return TG_OK;
}

unsigned tg_raven_talk_asked(const struct tg_raven_talk *talk)
{
	return talk->count_;
}

/* --- the head --- */

static struct tg_raven_refusal refusal_of(const struct tg_raven_talk *talk)
{
	return (struct tg_raven_refusal){
		.status = talk->client_.response.status,
		.body = tg_view_of(talk->client_.response.body, talk->client_.response.body_bytes),
		.database_missing = talk->missing_[0] != '\0',
		.secured = talk->link_->tls,
		.peer = talk->peer,
		.database = talk->link_->database,
	};
}

/* The connection is of no more use, and nothing is asked any more. */
static int give_up(struct tg_raven_talk *talk, int err)
{
	tg_http_close(&talk->client_);
	talk->count_ = 0;
	talk->headed_ = talk->failed_ = false;
	return err;
}

static int broke(struct tg_raven_talk *talk, int err)
{
	talk->judged = (struct tg_raven_judgement){ .fault = TG_RAVEN_FAULT_NONE,
						    .err = err,
						    .other_node = true };
	return give_up(talk, err);
}

static int read_error(struct tg_raven_talk *talk, const struct tg_now *now, struct tg_why *why)
{
	int rc = tg_http_drain(&talk->client_, now, why);

	if (rc == TG_ERR_AGAIN)
		return rc;
	if (rc != TG_OK)
		return broke(talk, rc);
	struct tg_raven_refusal refusal = refusal_of(talk);
	return give_up(talk, tg_raven_judge(&refusal, &talk->judged, why));
}

static void take_head(struct tg_raven_talk *talk)
{
	struct tg_view etag = tg_view_str(talk->etag_);

	talk->status = talk->client_.response.status;
	talk->headed_ = true;
	talk->failed_ = talk->status != 200 && talk->status != 204 && talk->status != 304;
	talk->read_ = 0;
	talk->window_ = (struct tg_raven_window){ .from = 0 };
	talk->vector = tg_view_of(talk->etag_, 0);
	talk->vector_told = talk->wanted_[HEADER_ETAG].bytes < sizeof(talk->etag_) &&
			    tg_raven_vector_of_header(etag, &talk->vector) == TG_OK;
	tg_raven_page_start(&talk->page, talk->asked_[talk->first_].kind, CONFIG_TG_DOC_BYTES_MAX);
}

int tg_raven_talk_head(struct tg_raven_talk *talk, const struct tg_now *now, struct tg_why *why)
{
	TG_ASSERT(talk->count_ > 0);
	if (!talk->headed_) {
		int rc = tg_http_answer(&talk->client_, now, why);
		if (rc == TG_ERR_AGAIN)
			return rc;
		if (rc != TG_OK)
			return broke(talk, rc);
		take_head(talk);
	}
	return talk->failed_ ? read_error(talk, now, why) : TG_OK;
}

/* --- the body --- */

int tg_raven_talk_scan(struct tg_raven_talk *talk)
{
	TG_ASSERT(talk->headed_);
	return tg_raven_page_next(&talk->page, &talk->window_);
}

/* All was received and scanned. */
static int finish(struct tg_raven_talk *talk, struct tg_why *why)
{
	bool bodied = talk->status == 200;

	if (bodied && tg_raven_page_end(&talk->page) != TG_OK) {
		struct tg_raven_refusal refusal = refusal_of(talk);
		struct tg_view tail = tg_view_of(talk->page.tail, talk->page.tail_bytes);
		return give_up(talk, tg_raven_judge_break(&refusal, tail, &talk->judged, why));
	}
	talk->headed_ = false;
	talk->first_ = (talk->first_ + 1) % TG_RAVEN_ASKED_MAX;
	talk->count_--;
	return TG_OK;
}

static void count_read(struct tg_raven_talk *talk)
{
	uint64_t read = talk->client_.response.read_bytes;

	talk->bytes_read += read - talk->read_;
	talk->read_ = read;
}

int tg_raven_talk_pull(struct tg_raven_talk *talk, const struct tg_now *now, struct tg_why *why)
{
	struct tg_view view;

	tg_http_taken(&talk->client_, talk->window_.from);
	/* What was not used comes with the next bytes, and may lie elsewhere by then. */
	talk->window_ = (struct tg_raven_window){ .from = 0 };
	int rc = tg_http_pull(&talk->client_, now, &view, why);
	if (rc == TG_ERR_AGAIN)
		return rc;
	if (rc < 0)
		return broke(talk, rc == TG_ERR_LIMIT ? TG_ERR_PROTOCOL : rc);
	count_read(talk);
	if (rc == 0)
		return finish(talk, why);
	talk->window_ = (struct tg_raven_window){ .at = view.at, .fill = view.bytes };
	return 1;
}

void tg_raven_talk_want(const struct tg_raven_talk *talk, struct tg_wants *wants)
{
	if (talk->count_ > 0)
		tg_http_want(&talk->client_, wants);
}

void tg_raven_talk_close(struct tg_raven_talk *talk)
{
	(void)give_up(talk, TG_OK);
}

const char *tg_raven_talk_secured(const struct tg_raven_talk *talk)
{
	return tg_conn_describe(&talk->client_.conn_);
}
