/* crc32c.h - CRC32C (Castagnoli), the checksum of every byte we keep at rest.
 *
 * LMDB's pages carry none, so blocks, their records and index pages carry this one. It is the
 * checksum of RFC 3720 (iSCSI), which x86 with SSE4.2 and ARMv8 with the CRC extension compute in
 * one instruction per 8 bytes; elsewhere 8 tables of 1 KiB each do 8 bytes a step.
 *
 * Memory:  8 KiB of tables, filled at boot where the processor has no such instruction.
 * Waits:   never.
 * Thread:  any, once tg_crc32c_init() has returned.
 */
#ifndef TG_APP_CRC32C_H
#define TG_APP_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Picks the fastest way this processor has. Called once at boot, before the first tg_crc32c();
 * calling it again changes nothing. */
void tg_crc32c_init(void);

/* Continues `crc` (0 at the start) over `bytes` bytes at `at`, so that
 * crc(crc(0, a), b) == crc(0, a followed by b). No alignment is needed. */
uint32_t tg_crc32c(uint32_t crc, const void *at, size_t bytes);

/* The same by tables, on every machine: the reference the fast ways are tested against. */
uint32_t tg_crc32c_by_table(uint32_t crc, const void *at, size_t bytes);

/* How tg_crc32c() works here: "sse4.2", "armv8" or "table". */
const char *tg_crc32c_way(void);

#endif
