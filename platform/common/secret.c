#include "platform/crypto.h"

#include <string.h>

bool tg_same_secret(const uint8_t *a, const uint8_t *b, size_t bytes)
{
	volatile uint8_t differing = 0;

	for (size_t i = 0; i < bytes; i++)
		differing = (uint8_t)(differing | (a[i] ^ b[i]));
	return differing == 0;
}

void tg_wipe(void *at, size_t bytes)
{
	explicit_bzero(at, bytes);
}
