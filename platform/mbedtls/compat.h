/* compat.h - the names that differ between mbedTLS 2.28 (Debian 12) and 3.6.
 *
 * Private to platform/mbedtls. The list of differences: mbedTLS' own docs/3.0-migration-guide.
 */
#ifndef TG_PLATFORM_MBEDTLS_COMPAT_H
#define TG_PLATFORM_MBEDTLS_COMPAT_H

/* The alert that a peer sent is kept in a field without a getter, in 3.6 too. */
#define MBEDTLS_ALLOW_PRIVATE_ACCESS

#include <mbedtls/version.h>

#if MBEDTLS_VERSION_NUMBER < 0x03000000
#define TG_MBEDTLS_2 1
#include <mbedtls/sha1.h>
#include <mbedtls/sha256.h>
#define mbedtls_sha1_starts                  mbedtls_sha1_starts_ret
#define mbedtls_sha1_update                  mbedtls_sha1_update_ret
#define mbedtls_sha1_finish                  mbedtls_sha1_finish_ret
#define mbedtls_sha256_starts                mbedtls_sha256_starts_ret
#define mbedtls_sha256_update                mbedtls_sha256_update_ret
#define mbedtls_sha256_finish                mbedtls_sha256_finish_ret
#define MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION MBEDTLS_ERR_SSL_BAD_HS_PROTOCOL_VERSION
#else
#include <mbedtls/build_info.h>
#include <mbedtls/sha1.h>
#include <mbedtls/sha256.h>
#endif

#endif
