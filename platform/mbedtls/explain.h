/* explain.h - mbedTLS' error numbers and the peer's alerts as sentences. Private to
 * platform/mbedtls. */
#ifndef TG_PLATFORM_MBEDTLS_EXPLAIN_H
#define TG_PLATFORM_MBEDTLS_EXPLAIN_H

#include "platform/mbedtls/session.h"

/* Returns the tg_err that `failed` means, its sentence in `why`. */
int tg_tls_explain(const struct tg_tls *tls, int failed, struct tg_why *why);
/* The pool is used up: TG_ERR_TLS. */
int tg_tls_explain_memory(struct tg_why *why);

#endif
