#include "tests/replay/peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "platform/assert.h"
#include "tests/replay/socket.h"

enum state { MAGIC, FIRST, FINAL, FRAMES };

void tg_peer_start(struct tg_peer *peer, tg_peer_answer *answer, void *context)
{
	memset(peer, 0, sizeof(*peer));
	peer->answer = answer;
	peer->context = context;
	peer->fd_ = -1;
	peer->listener_ = tg_peer_socket(&peer->port);
}

void tg_peer_drop(struct tg_peer *peer)
{
	tg_peer_close(&peer->fd_);
}

void tg_peer_stop(struct tg_peer *peer)
{
	tg_peer_drop(peer);
	tg_peer_close(&peer->listener_);
}

void tg_peer_send(struct tg_peer *peer, const void *at, size_t bytes)
{
	TG_ASSERT(bytes <= sizeof(peer->out_) - peer->out_bytes_);
	memcpy(peer->out_ + peer->out_bytes_, at, bytes);
	peer->out_bytes_ += bytes;
}

void tg_peer_say(struct tg_peer *peer, uint64_t token, const char *body)
{
	uint8_t head[12];
	size_t bytes = strlen(body);

	tg_peer_frame_head(token, bytes, head);
	tg_peer_send(peer, head, sizeof(head));
	tg_peer_send(peer, body, bytes);
}

/* --- what arrives --- */

static void eat(struct tg_peer *peer, size_t bytes)
{
	peer->in_bytes_ -= bytes;
	memmove(peer->in_, peer->in_ + bytes, peer->in_bytes_);
}

static bool take_message(struct tg_peer *peer)
{
	const char *end = memchr(peer->in_, '\0', peer->in_bytes_);
	char answer[TG_LOGIN_ANSWER_BYTES];

	if (end == NULL)
		return false;
	size_t bytes = peer->state_ == FIRST
			       ? tg_peer_login_first(&peer->login_, peer->in_, answer)
			       : tg_peer_login_final(&peer->login_, peer->in_, answer);
	tg_peer_send(peer, answer, bytes);
	peer->state_++;
	eat(peer, (size_t)(end - peer->in_) + 1);
	return true;
}

static bool take_frame(struct tg_peer *peer)
{
	char query[TG_PEER_IN_BYTES];
	uint64_t token = 0;
	uint32_t bytes = 0;

	if (peer->in_bytes_ < 12)
		return false;
	memcpy(&token, peer->in_, 8);
	memcpy(&bytes, peer->in_ + 8, 4);
	TG_ASSERT(bytes < TG_PEER_IN_BYTES - 12);
	if (peer->in_bytes_ < 12 + bytes)
		return false;
	memcpy(query, peer->in_ + 12, bytes);
	query[bytes] = '\0';
	eat(peer, 12 + bytes);
	peer->answer(peer, token, query);
	return true;
}

static bool take(struct tg_peer *peer)
{
	if (peer->state_ == MAGIC) {
		if (peer->in_bytes_ < 4)
			return false;
		TG_ASSERT(memcmp(peer->in_, "\xC3\xBD\xC2\x34", 4) == 0);
		eat(peer, 4);
		peer->state_ = FIRST;
		return true;
	}
	return peer->state_ == FRAMES ? take_frame(peer) : take_message(peer);
}

static void welcome(struct tg_peer *peer)
{
	int fd = tg_peer_accept(peer->listener_);

	if (fd < 0)
		return;
	tg_peer_drop(peer);
	peer->fd_ = fd;
	peer->state_ = MAGIC;
	peer->in_bytes_ = peer->out_bytes_ = peer->out_sent_ = 0;
	peer->sent = 0;
	peer->connections++;
}

static bool send_some(struct tg_peer *peer)
{
	size_t bytes = peer->out_bytes_ - peer->out_sent_;

	if (peer->mute || bytes == 0)
		return false;
	if (peer->send_bytes_max > 0 && bytes > peer->send_bytes_max)
		bytes = peer->send_bytes_max;
	if (peer->drop_after > 0 && bytes > peer->drop_after - peer->sent)
		bytes = (size_t)(peer->drop_after - peer->sent);
	ssize_t sent = send(peer->fd_, peer->out_ + peer->out_sent_, bytes, MSG_NOSIGNAL);
	if (sent <= 0)
		return false;
	peer->out_sent_ += (size_t)sent;
	peer->sent += (uint64_t)sent;
	if (peer->out_sent_ == peer->out_bytes_)
		peer->out_sent_ = peer->out_bytes_ = 0;
	if (peer->drop_after > 0 && peer->sent == peer->drop_after) {
		peer->drop_after = 0;
		tg_peer_drop(peer);
	}
	return true;
}

bool tg_peer_step(struct tg_peer *peer)
{
	bool moved = false;

	welcome(peer);
	if (peer->fd_ >= 0)
		moved = tg_peer_receive(&peer->fd_, peer->in_, sizeof(peer->in_), &peer->in_bytes_);
	while (peer->fd_ >= 0 && take(peer))
		moved = true;
	if (peer->fd_ >= 0)
		moved = send_some(peer) || moved;
	return moved;
}
