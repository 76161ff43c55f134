/* print.h - text and JSON on standard output, never a control character of somebody else's.
 *
 * Memory:  a small buffer on the stack. Waits: for standard output.
 */
#ifndef TG_APP_CLI_PRINT_H
#define TG_APP_CLI_PRINT_H

#include <stdio.h>

#include "platform/view.h"

/* `text` as a JSON string with its quotes; cut at 4 KiB of JSON, which no name of ours reaches. */
void tg_print_string(FILE *to, struct tg_view text);
/* `,"name":` without the comma when *first, which is cleared. */
void tg_print_member(FILE *to, bool *first, const char *name);
void tg_print_member_text(FILE *to, bool *first, const char *name, const char *text);
void tg_print_member_number(FILE *to, bool *first, const char *name, uint64_t number);
/* `text` as it is, control characters as spaces. */
void tg_print_plain(FILE *to, struct tg_view text);
/* The same, but line ends stay. */
void tg_print_plain_lines(FILE *to, struct tg_view text);
/* "12.3 MB" of bytes, decimal units. */
enum { TG_PRINT_SIZE_BYTES = 32 };
const char *tg_print_size(char at[TG_PRINT_SIZE_BYTES], uint64_t bytes);
/* "2026-11-21T12:00:00.000Z", or "never" for 0. */
const char *tg_print_moment(char at[TG_PRINT_SIZE_BYTES], int64_t ms);

#endif
