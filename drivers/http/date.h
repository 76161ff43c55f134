/* date.h - the moments that HTTP writes (RFC 9110, section 5.6.7). Pure. */
#ifndef TG_DRIVERS_HTTP_DATE_H
#define TG_DRIVERS_HTTP_DATE_H

#include "platform/view.h"

/* Seconds since 1970-01-01T00:00:00Z of any of the three forms:
 *      Sun, 06 Nov 1994 08:49:37 GMT
 *      Sunday, 06-Nov-94 08:49:37 GMT
 *      Sun Nov  6 08:49:37 1994
 * False when it is none. A year of two digits is 1970 to 2069. */
bool tg_http_date(const char *text, int64_t *seconds);

#endif
