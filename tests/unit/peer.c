#define _GNU_SOURCE /* memmem, pipe2 */
#include "tests/unit/peer.h"

#include "platform/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/tidegate-peer-XXXXXX";
static bool made;
static pid_t maker;

static void die(const char *what)
{
	fprintf(stderr, "peer: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int run(const char *command)
{
	int status = system(command);

	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool peer_has_openssl(void)
{
	if (run("command -v openssl > /dev/null 2>&1") == 0)
		return true;
	printf("SKIP: openssl is not installed\n");
	return false;
}

static void remove_folder(void)
{
	char command[128];

	if (getpid() != maker)
		return;
	snprintf(command, sizeof(command), "rm -rf -- %s", folder);
	(void)run(command);
}

/* One request and its certificate: `make NAME SUBJECT ISSUER FROM TO EXTENSIONS`. */
static const char script[] =
	"set -e; cd %s; exec 2> log\n"
	"key() { openssl ecparam -name prime256v1 -genkey -noout -out $1.key; }\n"
	"root() { key $1; openssl req -x509 -new -key $1.key -days 30 -subj \"$2\" -out $1.pem; }\n"
	"printf '%%s\\n' '[ca]' 'default_ca=c' '[c]' 'database=index' 'new_certs_dir=.' \\\n"
	" 'default_md=sha256' 'policy=p' 'rand_serial=yes' 'unique_subject=no' \\\n"
	" '[p]' 'commonName=supplied' > ca.cnf; : > index\n"
	"make() { key $1; openssl req -new -key $1.key -subj \"/CN=$2\" -out $1.csr\n"
	" printf '%%s\\n' \"$6\" > $1.ext\n"
	" openssl ca -batch -notext -config ca.cnf -cert $3.pem -keyfile $3.key -in $1.csr \\\n"
	"  -startdate $4 -enddate $5 -extfile $1.ext -out $1.pem; }\n"
	"old=20200101000000Z; past=20200202030405Z; now=20250101000000Z; then=20450101000000Z\n"
	"san='subjectAltName=DNS:localhost,DNS:*.plant.example,IP:127.0.0.1,IP:::1'\n"
	"root ca '/CN=Plant CA'; root ca2 '/CN=Other CA'; root ca3 '/CN=Plant CA'\n"
	"make good good ca $now $then \"$san\"\n"
	"make middle 'Middle CA' ca $now $then 'basicConstraints=critical,CA:true'\n"
	"make chain leaf middle $now $then \"$san\"; cat middle.pem >> chain.pem\n"
	"make other other ca $now $then 'subjectAltName=DNS:other.example'\n"
	"make named localhost ca $now $then 'basicConstraints=CA:false'\n"
	"make expired e ca $old $past \"$san\"\n"
	"make future f ca 20440101000000Z $then \"$san\"\n"
	"make client plant-7 ca $now $then 'extendedKeyUsage=clientAuth'\n"
	"make stale plant-7 ca $old $past 'extendedKeyUsage=clientAuth'\n"
	"cat client.pem client.key > client.both\n"
	"openssl pkcs12 -export -in client.pem -inkey client.key -passout pass: -out client.pfx\n"
	"openssl pkcs8 -topk8 -in client.key -passout pass:secret -out client.locked\n"
	"openssl pkey -traditional -aes128 -in client.key -passout pass:secret -out client.1421\n"
	"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout self.key \\\n"
	" -days 30 -subj /CN=self -addext subjectAltName=DNS:localhost -out self.pem\n";

const char *peer_folder(void)
{
	char command[sizeof(script) + sizeof(folder)];

	if (made)
		return folder;
	if (mkdtemp(folder) == NULL)
		die("mkdtemp");
	made = true;
	maker = getpid();
	atexit(remove_folder);
	snprintf(command, sizeof(command), script, folder);
	if (run(command) != 0) {
		snprintf(command, sizeof(command), "cat %s/log >&2", folder);
		(void)run(command);
		die("openssl could not make the certificates");
	}
	return folder;
}

static void exec_server(const char *args, int in, int out)
{
	char command[1024];

	snprintf(command, sizeof(command), "exec openssl s_server -accept 127.0.0.1:0 %s 2>&1",
		 args);
	if (chdir(peer_folder()) != 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0)
		_exit(126);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

/* Reads what the peer prints until `word` came; what was read is left in `seen`. */
static bool await_word(const struct peer *peer, const char *word, char seen[8192])
{
	size_t have = 0;

	for (;;) {
		struct pollfd watch = { .fd = peer->out, .events = POLLIN };
		seen[have] = '\0';
		if (strstr(seen, word) != NULL)
			return true;
		if (have == 8191 || poll(&watch, 1, 10000) <= 0)
			return false;
		ssize_t got = read(peer->out, seen + have, 1);
		if (got <= 0)
			return false;
		have += (size_t)got;
	}
}

bool peer_printed(struct peer *peer, const char *word)
{
	char seen[8192];

	return await_word(peer, word, seen);
}

void peer_forget_printed(struct peer *peer)
{
	struct pollfd watch = { .fd = peer->out, .events = POLLIN };
	char seen[8192];

	while (poll(&watch, 1, 0) > 0 && read(peer->out, seen, sizeof(seen)) > 0)
		continue;
}

void peer_start_openssl(struct peer *peer, const char *args)
{
	int in[2], out[2];
	char seen[8192];
	unsigned port = 0;

	(void)peer_folder();
	if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
		die("pipe");
	peer->pid = fork();
	if (peer->pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		exec_server(args, in[0], out[1]);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	peer->in = in[1];
	peer->out = out[0];
	if (!await_word(peer, "ACCEPT 127.0.0.1:", seen) || !await_word(peer, "\n", seen) ||
	    sscanf(seen, "%u", &port) != 1)
		die(seen);
	peer->port = (uint16_t)port;
}

static void answer_plainly(int listener, const char *text)
{
	char bytes[512];

	for (;;) {
		int fd = accept(listener, NULL, NULL);
		if (fd < 0)
			_exit(1);
		if (text == NULL)
			continue;
		if (text[0] != '\0' && read(fd, bytes, sizeof(bytes)) > 0 &&
		    write(fd, text, strlen(text)) < 0)
			_exit(1);
		(void)close(fd);
	}
}

void peer_start_plain(struct peer *peer, const char *text)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t bytes = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)&address, bytes) != 0 || listen(listener, 8) != 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &bytes) != 0)
		die("listen");
	*peer = (struct peer){ .in = -1, .out = -1, .port = ntohs(address.sin_port) };
	peer->pid = fork();
	if (peer->pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		answer_plainly(listener, text);
	}
	(void)close(listener);
}

void peer_stop(struct peer *peer)
{
	(void)kill(peer->pid, SIGKILL);
	(void)waitpid(peer->pid, NULL, 0);
	if (peer->in >= 0)
		(void)close(peer->in);
	if (peer->out >= 0)
		(void)close(peer->out);
}

void peer_await(const struct tg_conn *conn, unsigned events)
{
	struct tg_now now = tg_clock_now();
	struct tg_wants wants;

	tg_wants_clear(&wants);
	tg_wants_at(&wants, now.mono_ms + 10000);
	tg_conn_want(conn, &wants, events);
	(void)tg_loop_wait(&wants, &now);
}

int peer_dial(struct tg_conn *conn, const struct tg_conn_target *target)
{
	struct tg_now now = tg_clock_now();
	int err = tg_conn_open(conn, target, &now);

	if (err != 0)
		return err;
	while ((err = tg_conn_step(conn, &now)) == TG_ERR_AGAIN) {
		peer_await(conn, 0);
		now = tg_clock_now();
	}
	return err;
}

static int send_all(struct tg_conn *conn, const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		int put = tg_conn_send(conn, (const uint8_t *)text, left);
		if (put == TG_ERR_AGAIN) {
			peer_await(conn, TG_WANT_WRITE);
			continue;
		}
		if (put < 0)
			return put;
		text += put;
		left -= (size_t)put;
	}
	return 0;
}

int peer_ask(struct tg_conn *conn, const char *text, const char *end, char at[PEER_BYTES])
{
	int have = 0;
	int err = send_all(conn, text);

	at[0] = '\0';
	while (err == 0 && strstr(at, end) == NULL && have < PEER_BYTES - 1) {
		int got = tg_conn_recv(conn, (uint8_t *)at + have, PEER_BYTES - 1 - (size_t)have);
		if (got == TG_ERR_AGAIN) {
			peer_await(conn, TG_WANT_READ);
			continue;
		}
		if (got < 0)
			return got;
		have += got;
		at[have] = '\0';
	}
	return err == 0 ? have : err;
}
