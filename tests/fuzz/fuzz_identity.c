/* Goal: whatever is pasted as certificate_base64 is a client certificate or one sentence, and no
 * memory is lost on the way. Input: the member's text. */
#include <stdio.h>
#include <stdlib.h>

#include "platform/tls.h"
#include "tests/fuzz/fuzz.h"

enum { TEXT_BYTES = 16384 };

/* What the library itself takes with its first use is not the input's. */
static size_t used_by_library(void)
{
	struct tg_tls_credentials *credentials = NULL;
	struct tg_tls_files files = { .ca_file = "/dev/null" };
	struct tg_why why;

	must(tg_tls_load(&files, &credentials, &why) == TG_ERR_CONFIG);
	return tg_tls_pool_now().used_bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tg_tls_credentials *credentials = NULL;
	struct tg_why why = { .err = TG_OK };
	static size_t before = SIZE_MAX;
	uint8_t *text;

	if (size == 0 || size > TEXT_BYTES)
		return 0;
	if (before == SIZE_MAX)
		before = used_by_library();
	text = malloc(size); /* of exactly its size, so that a read past its end is seen */
	must(text != NULL);
	memcpy(text, data, size);
	struct tg_tls_files files = {
		/* No authority in it: the pair is read whole, and then this is what is refused. */
		.ca_file = "/dev/null",
		.text = text,
		.text_bytes = size,
		.text_name = "certificate_base64",
	};
	int err = tg_tls_load(&files, &credentials, &why);
	must(err == TG_ERR_CONFIG && credentials == NULL);
	must(why.text[0] != '\0' && why.err == err);
	free(text);
	must(tg_tls_pool_now().used_bytes == before);
	return 0;
}
