/* options.h - the file sink's part of the configuration. */
#ifndef TG_DRIVERS_FILE_OPTIONS_H
#define TG_DRIVERS_FILE_OPTIONS_H

#include "drivers/file/folder.h"

struct tg_json;
struct tg_problems;

struct tg_file_options {
	char path[TG_FOLDER_PATH_BYTES_MAX];
	unsigned mode;
	bool standard; /* the path is "-" */
	bool one;      /* one file for all streams */
	bool rotate_at_end;
	uint64_t rotate_bytes; /* 0: never */
	uint64_t rotate_ms;    /* 0: never */
};

void tg_file_options_read(struct tg_file_options *options, const struct tg_json *config,
			  struct tg_problems *problems);

#endif
