#include "app/cli/exit.h"

const struct tg_exit_row tg_exit_rows[] = {
	{ TG_EXIT_OK, "everything was read and delivered", "nothing" },
	{ TG_EXIT_INTERNAL, "an error of tidegate's own, or too little memory for the task",
	  "report it with the log; nothing is lost" },
	{ TG_EXIT_USAGE,
	  "the command line or the configuration is wrong, or names a database that "
	  "does not exist",
	  "mend what is named; nothing was touched" },
	{ TG_EXIT_PARTIAL,
	  "one table or more could not be read to its end, records were set aside, "
	  "or a signal ended the run",
	  "see the log; run it again" },
	{ TG_EXIT_UNDELIVERED, "everything is stored, but a sink has not taken all of it",
	  "`tidegate check` says why; the next run delivers" },
	{ TG_EXIT_STORE, "the store is held by another process, or a newer tidegate wrote it",
	  "end the holder that is named, or update" },
	{ TG_EXIT_DISK, "the store's disk is full, failed or may not be written",
	  "make room, look at the disk, or give this user the right" },
	{ TG_EXIT_SOURCE_NETWORK, "source: no address, connection refused, or it broke",
	  "check host, port and network" },
	{ TG_EXIT_SOURCE_SILENT, "source: no answer in time",
	  "check the network and the server's load" },
	{ TG_EXIT_SOURCE_TLS, "source: TLS failed, or its certificate was refused",
	  "check ca_file, server_name and the clock" },
	{ TG_EXIT_SOURCE_PLAIN, "source: TLS was spoken to a port without TLS",
	  "set use_ssl to false, or give the server a certificate" },
	{ TG_EXIT_SOURCE_WANTS_TLS, "source: the port wants TLS", "set use_ssl to true" },
	{ TG_EXIT_SOURCE_OTHER, "source: the port speaks another protocol",
	  "use the driver port (28015), not the web (8080) or cluster (29015) port" },
	{ TG_EXIT_SOURCE_OLD, "source: the server is too old",
	  "update it: RethinkDB 2.3 or newer" },
	{ TG_EXIT_SOURCE_USER,
	  "source: unknown user, or a client certificate that the server does not take (none, "
	  "unknown, expired)",
	  "check username, or register the certificate" },
	{ TG_EXIT_SOURCE_PASSWORD,
	  "source: wrong password, no permission (403 of the proxy too), or the server could not "
	  "prove that it knows the password",
	  "check password, or give the permission" },
	{ TG_EXIT_SOURCE_EMPTY,
	  "source: the user has a password, or the proxy wants a user (407), and none was given",
	  "set password, or proxy_username" },
	{ TG_EXIT_SINK_NETWORK, "sink: no address, connection refused, or it broke",
	  "check url, network and proxy" },
	{ TG_EXIT_SINK_SILENT, "sink: no answer in time", "check the network and the target" },
	{ TG_EXIT_SINK_TLS, "sink: TLS failed, or its certificate was refused",
	  "check ca_file, server_name, client_certificate and the clock" },
	{ TG_EXIT_SINK_DENIED, "sink: not authorised (401, 403; 403 and 407 of the proxy)",
	  "check bearer, headers, client_certificate or proxy_username" },
	{ TG_EXIT_SINK_NO_ENDPOINT,
	  "sink: no endpoint for records there (404, 405, a redirect, a "
	  "web page), or no such database",
	  "check url, or ravendb_urls and database_name" },
	{ TG_EXIT_SINK_UNAVAILABLE, "sink: the target is not available now (429, 5xx)",
	  "wait, or look at the target" },
	{ TG_EXIT_SINK_BATCH, "sink: the target refuses what it is sent",
	  "look at the target's log" },
	{ TG_EXIT_SINK_FULL, "sink: the disk is full", "make room" },
	{ TG_EXIT_SINK_DISK, "sink: the disk failed, or the folder may not be written",
	  "look at the disk, or give this user the right" },
	{ TG_EXIT_SINK_PROTOCOL, "sink: the answer is not HTTP, or broken", "check url and proxy" },
	{ 0, NULL, NULL },
};

static int code_of_store(int err)
{
	switch (err) {
	case TG_ERR_BUSY:
	case TG_ERR_NEWER:
		return TG_EXIT_STORE;
	case TG_ERR_NOSPC:
	case TG_ERR_IO:
	case TG_ERR_DAMAGED:
	case TG_ERR_ACCESS:
		return TG_EXIT_DISK;
	case TG_ERR_FULL:
		return TG_EXIT_UNDELIVERED;
	case TG_ERR_CONFIG:
	case TG_ERR_MISSING: /* no store there, no stream or item of that name */
	case TG_ERR_LIMIT:   /* more streams or sinks than the build has room for */
		return TG_EXIT_USAGE;
	case TG_ERR_STOPPED:
		return TG_EXIT_PARTIAL;
	default:
		return TG_EXIT_INTERNAL;
	}
}

static int code_of_source(int err)
{
	switch (err) {
	case TG_ERR_RESOLVE:
	case TG_ERR_CONNECT:
	case TG_ERR_CLOSED:
	case TG_ERR_RESET:
		return TG_EXIT_SOURCE_NETWORK;
	case TG_ERR_TIMEOUT:
		return TG_EXIT_SOURCE_SILENT;
	case TG_ERR_TLS:
	case TG_ERR_CERT:
		return TG_EXIT_SOURCE_TLS;
	case TG_ERR_PEER_PLAIN:
		return TG_EXIT_SOURCE_PLAIN;
	case TG_ERR_PEER_TLS:
		return TG_EXIT_SOURCE_WANTS_TLS;
	case TG_ERR_PEER_OTHER:
	case TG_ERR_PROTOCOL:
		return TG_EXIT_SOURCE_OTHER;
	case TG_ERR_PEER_OLD:
		return TG_EXIT_SOURCE_OLD;
	case TG_ERR_LOGIN_USER:
		return TG_EXIT_SOURCE_USER;
	case TG_ERR_LOGIN_PASSWORD:
	case TG_ERR_SIGNATURE:
	case TG_ERR_PERMISSION:
		return TG_EXIT_SOURCE_PASSWORD;
	case TG_ERR_LOGIN_EMPTY:
		return TG_EXIT_SOURCE_EMPTY;
	case TG_ERR_CONFIG:
	case TG_ERR_MISSING: /* the database */
		return TG_EXIT_USAGE;
	case TG_ERR_NOT_READY: /* a table's troubles: the others go on */
	case TG_ERR_QUERY:
	case TG_ERR_STOPPED:
		return TG_EXIT_PARTIAL;
	default:
		return TG_EXIT_INTERNAL;
	}
}

static int code_of_sink(int err)
{
	switch (err) {
	case TG_ERR_RESOLVE:
	case TG_ERR_CONNECT:
	case TG_ERR_CLOSED:
	case TG_ERR_RESET:
		return TG_EXIT_SINK_NETWORK;
	case TG_ERR_TIMEOUT:
		return TG_EXIT_SINK_SILENT;
	case TG_ERR_TLS:
	case TG_ERR_CERT:
	case TG_ERR_PEER_PLAIN:
	case TG_ERR_PEER_TLS:
		return TG_EXIT_SINK_TLS;
	case TG_ERR_PERMISSION:
	case TG_ERR_LOGIN_USER:
	case TG_ERR_LOGIN_PASSWORD:
	case TG_ERR_LOGIN_EMPTY:
		return TG_EXIT_SINK_DENIED;
	case TG_ERR_TARGET:
	case TG_ERR_MISSING:
		return TG_EXIT_SINK_NO_ENDPOINT;
	case TG_ERR_NOT_READY:
		return TG_EXIT_SINK_UNAVAILABLE;
	case TG_ERR_BATCH:
		return TG_EXIT_SINK_BATCH;
	case TG_ERR_NOSPC:
		return TG_EXIT_SINK_FULL;
	case TG_ERR_IO:
	case TG_ERR_ACCESS:
	case TG_ERR_DAMAGED:
		return TG_EXIT_SINK_DISK;
	case TG_ERR_PROTOCOL:
	case TG_ERR_PEER_OTHER:
		return TG_EXIT_SINK_PROTOCOL;
	case TG_ERR_CONFIG:
		return TG_EXIT_USAGE;
	case TG_ERR_STOPPED:
		return TG_EXIT_PARTIAL;
	default:
		return TG_EXIT_INTERNAL;
	}
}

static int code_of_self(int err)
{
	switch (err) {
	case TG_ERR_CONFIG:
	case TG_ERR_MISSING:
		return TG_EXIT_USAGE;
	case TG_ERR_STOPPED:
		return TG_EXIT_PARTIAL;
	case TG_ERR_NOSPC:
	case TG_ERR_IO:
	case TG_ERR_ACCESS:
		return TG_EXIT_DISK;
	default:
		return TG_EXIT_INTERNAL;
	}
}

int tg_exit_code(enum tg_origin origin, int err)
{
	if (err >= 0)
		return TG_EXIT_OK;
	switch (origin) {
	case TG_ORIGIN_STORE:
		return code_of_store(err);
	case TG_ORIGIN_SOURCE:
		return code_of_source(err);
	case TG_ORIGIN_SINK:
		return code_of_sink(err);
	case TG_ORIGIN_SELF:
		break;
	}
	return code_of_self(err);
}
