/* pem.h - walks the blocks of a PEM file (RFC 7468) of any size, or of a text, one block in memory.
 *
 * Memory:  two static buffers: CONFIG_TG_TLS_PEM_BYTES_MAX and three quarters of it. So only one
 *          walk can be under way.
 * Waits:   for the disk.
 */
#ifndef TG_PLATFORM_MBEDTLS_PEM_H
#define TG_PLATFORM_MBEDTLS_PEM_H

#include "platform/err.h"

struct tg_pem {
	int fd_;             /* -1: the text */
	struct tg_view all_; /* the text, which is the caller's */
	uint64_t offset_;
	struct tg_view label; /* "CERTIFICATE", "EC PRIVATE KEY" ...                     */
	struct tg_view text;  /* the whole block; a NUL stands behind its last byte      */
};

/* A file's error (TG_ERR_MISSING, TG_ERR_ACCESS ...); tg_pem_close() is owed when it is 0. */
TG_CHECKED int tg_pem_open(struct tg_pem *pem, const char *path);
/* The same of a text, which must outlive the walk. */
void tg_pem_open_text(struct tg_pem *pem, struct tg_view text);
/* 1 with the next block (valid until the next call), 0 at the end, TG_ERR_LIMIT when a block is
 * longer than the buffer, or the file's error. */
TG_CHECKED int tg_pem_next(struct tg_pem *pem);
/* The block's bytes, valid until the next call; TG_ERR_PROTOCOL when it is not base64. */
TG_CHECKED int tg_pem_der(const struct tg_pem *pem, struct tg_view *der);
bool tg_pem_is(const struct tg_pem *pem, const char *label);
/* Wipes the buffers: a key may have been in them. */
void tg_pem_close(struct tg_pem *pem);

/* True when the file, or these bytes, begin as PKCS #12 (RFC 7292: a SEQUENCE that starts with
 * INTEGER 3). */
bool tg_pem_file_is_pfx(const char *path);
bool tg_pem_is_pfx(struct tg_view head);

/* What somebody gave us as a PEM text: itself, or base64 of it, with the line ends and the frame
 * that tools put around; it is decoded in place. The PEM text, or what was found instead of it (the
 * bytes decoded, which may be PKCS #12; none when it is not base64 either). */
struct tg_view tg_pem_unwrap(uint8_t *text, size_t bytes);

#endif
