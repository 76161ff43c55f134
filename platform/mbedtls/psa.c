#include "platform/mbedtls/compat.h"

#include "platform/crypto.h"

#if defined(MBEDTLS_PSA_CRYPTO_EXTERNAL_RNG)
#include <psa/crypto.h>

/* TLS 1.3 asks PSA for randomness, and PSA, in our own build, asks here. */
psa_status_t mbedtls_psa_external_get_random(mbedtls_psa_external_random_context_t *unused,
					     uint8_t *at, size_t cap, size_t *bytes)
{
	(void)unused;
	tg_random(at, cap);
	*bytes = cap;
	return PSA_SUCCESS;
}
#endif
