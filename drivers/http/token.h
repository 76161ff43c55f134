/* token.h - the small words of HTTP's header lines (RFC 9110, section 5.6). Pure. */
#ifndef TG_DRIVERS_HTTP_TOKEN_H
#define TG_DRIVERS_HTTP_TOKEN_H

#include "platform/view.h"

bool tg_http_is_digit(char c);
/* The digit's value, or -1. */
int tg_http_hex(char c);
/* Reads decimal digits and moves on; false when there are none or the number is above 2^62. */
bool tg_http_number(const char **at, uint64_t *out);
/* A header's name: at least one byte, all of them tchar. */
bool tg_http_is_token(const char *at, size_t bytes);
/* Bytes that may stand in a header's value we send: visible ASCII, spaces and tabs within. */
bool tg_http_is_value(const char *text);
/* Whether the comma-separated list holds `token`; whether it is the last one. Case does not matter.
 */
bool tg_http_has_token(const char *list, const char *token);
bool tg_http_last_token(const char *list, const char *token);
/* Copies as much as fits into TG_HTTP_VALUE_BYTES_MAX bytes. */
void tg_http_keep(char *into, const char *value);

#endif
