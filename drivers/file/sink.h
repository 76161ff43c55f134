/* sink.h - delivers into NDJSON files, exactly once.
 *
 *      DIR/STREAM.FIRST.open           being written; belongs to tidegate
 *      DIR/STREAM.FIRST-LAST.ndjson    finished: whoever wants it may take it, at any time
 *      (layout "one": DIR/all.SERIAL.open and DIR/all.SERIAL.ndjson)
 *
 * Why no kill and no power cut loses or doubles a line:
 *
 *      write -> fdatasync (a new name's folder too) -> commit {acknowledgement, receipt: length}
 *      cut here: the receipt knows a shorter file, the tail is cut at the next start
 *
 *      ... -> commit {acknowledgement, receipt: ROTATING to NAME} -> rename, fsync the folder
 *      cut here: the next start renames, unless the old name is gone: then that was done
 *
 * An active name carries the file's first sequence (or serial) and is therefore never used again.
 * A finished file that another store left under the wanted name is not overwritten: `~2` is added.
 * `-` as the path writes to standard output, which cannot be synced: at least once.
 *
 * Owns:    at most CONFIG_TG_FILE_OPEN_MAX descriptors.
 * Memory:  buffer and slots from the arena, at start.
 * Waits:   for the disk; a step writes at most CONFIG_TG_FILE_BUFFER_BYTES or syncs once.
 */
#ifndef TG_DRIVERS_FILE_SINK_H
#define TG_DRIVERS_FILE_SINK_H

#include "app/sink.h"

extern const struct tg_sink_ops tg_file_sink;

#endif
