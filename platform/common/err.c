#include "platform/err.h"

#include <stdarg.h>
#include <stdio.h>

enum tg_verdict tg_err_verdict(int err)
{
	if (err >= 0)
		return TG_VERDICT_WAIT;
	switch ((enum tg_err)err) {
	case TG_OK:
	case TG_ERR_AGAIN:
	case TG_ERR_FULL:
		return TG_VERDICT_WAIT;
	case TG_ERR_NOSPC: /* A disk is emptied and a cable is plugged in without us. */
	case TG_ERR_IO:
	case TG_ERR_RESOLVE:
	case TG_ERR_CONNECT:
	case TG_ERR_TIMEOUT:
	case TG_ERR_CLOSED:
	case TG_ERR_RESET:
	case TG_ERR_TLS:
	case TG_ERR_PROTOCOL:
	case TG_ERR_NOT_READY:
	case TG_ERR_TARGET:
		return TG_VERDICT_RETRY;
	case TG_ERR_LIMIT:
	case TG_ERR_BATCH:
		return TG_VERDICT_SET_ASIDE;
	case TG_ERR_DAMAGED:
	case TG_ERR_NEWER:
	case TG_ERR_BUSY:
	case TG_ERR_CONFIG:
	case TG_ERR_ACCESS:
	case TG_ERR_CERT:
	case TG_ERR_PEER_PLAIN:
	case TG_ERR_PEER_TLS:
	case TG_ERR_PEER_OTHER:
	case TG_ERR_PEER_OLD:
	case TG_ERR_LOGIN_USER:
	case TG_ERR_LOGIN_PASSWORD:
	case TG_ERR_LOGIN_EMPTY:
	case TG_ERR_PERMISSION:
	case TG_ERR_MISSING:
	case TG_ERR_QUERY:
	case TG_ERR_SIGNATURE:
	case TG_ERR_STOPPED:
		return TG_VERDICT_STOP;
	}
	return TG_VERDICT_STOP;
}

const char *tg_err_name(int err)
{
	static const char *const names[] = {
		[0] = "ok",
		[-TG_ERR_AGAIN] = "again",
		[-TG_ERR_LIMIT] = "limit",
		[-TG_ERR_FULL] = "full",
		[-TG_ERR_NOSPC] = "nospc",
		[-TG_ERR_IO] = "io",
		[-TG_ERR_DAMAGED] = "damaged",
		[-TG_ERR_NEWER] = "newer",
		[-TG_ERR_BUSY] = "busy",
		[-TG_ERR_CONFIG] = "config",
		[-TG_ERR_ACCESS] = "access",
		[-TG_ERR_RESOLVE] = "resolve",
		[-TG_ERR_CONNECT] = "connect",
		[-TG_ERR_TIMEOUT] = "timeout",
		[-TG_ERR_CLOSED] = "closed",
		[-TG_ERR_RESET] = "reset",
		[-TG_ERR_TLS] = "tls",
		[-TG_ERR_CERT] = "cert",
		[-TG_ERR_PEER_PLAIN] = "peer_plain",
		[-TG_ERR_PEER_TLS] = "peer_tls",
		[-TG_ERR_PEER_OTHER] = "peer_other",
		[-TG_ERR_PEER_OLD] = "peer_old",
		[-TG_ERR_PROTOCOL] = "protocol",
		[-TG_ERR_LOGIN_USER] = "login_user",
		[-TG_ERR_LOGIN_PASSWORD] = "login_password",
		[-TG_ERR_LOGIN_EMPTY] = "login_empty",
		[-TG_ERR_PERMISSION] = "permission",
		[-TG_ERR_MISSING] = "missing",
		[-TG_ERR_NOT_READY] = "not_ready",
		[-TG_ERR_QUERY] = "query",
		[-TG_ERR_TARGET] = "target",
		[-TG_ERR_BATCH] = "batch",
		[-TG_ERR_SIGNATURE] = "signature",
		[-TG_ERR_STOPPED] = "stopped",
	};
	if (err > 0)
		return "ok";
	if (err < -(int)(sizeof(names) / sizeof(names[0])) + 1)
		return "unknown";
	return names[-err];
}

int tg_why_set(struct tg_why *why, int err, const char *fmt, ...)
{
	va_list args;

	if (why == NULL)
		return err;
	why->err = err;
	va_start(args, fmt);
	if (vsnprintf(why->text, sizeof(why->text), fmt, args) < 0)
		why->text[0] = '\0';
	va_end(args);
	for (char *at = why->text; *at != '\0'; at++) {
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			*at = ' ';
	}
	return err;
}
