/* sink_frame.h - what stands for a record in bulk_docs' list of commands, behind its comma.
 *
 *      ,{"Type":"PUT","Id":"readings/7","ChangeVector":null,"Document":{"temperature":21.5,
 *       "@metadata":{"@collection":"readings","Tidegate-Instance":"plant-7-..",
 *       "Tidegate-Stream":"r/d/readings","Tidegate-Seq":7,"Source-Modified":"2026-11-21T..",
 *       "Tidegate-Hash":"00f1e2d3c4b5a697"}}}
 *
 *      ,{"Type":"DELETE","Id":"readings/7","ChangeVector":null}
 *
 * A row's own "@metadata" (a RavenDB document has one) is merged into it: what the server makes by
 * itself is left out, and what would expire or refresh the document here too, unless asked for.
 *
 * Where the id does not hold the table, two streams can mean one document (one that moved between
 * two collections of the source). A delete then only takes what its own stream wrote last.
 *
 * Pure, but for the count of letters replaced.
 */
#ifndef TG_DRIVERS_RAVEN_SINK_FRAME_H
#define TG_DRIVERS_RAVEN_SINK_FRAME_H

#include "app/line.h"

struct tg_raven_frame {
	const char *id;         /* template; "": {key} for RavenDB's own ids, else {table}/{key} */
	const char *collection; /* template */
	bool keep_expires;      /* @expires, @refresh and @archive-at go along                   */
	bool replace;           /* each document is deleted before it is put                     */
	uint64_t counted;       /* letters were counted up to this sequence                      */
	uint64_t replaced;      /* letters that became U+FFFD in what was written since deliver  */
};

/* As tg_sink_ops.frame. */
TG_CHECKED int tg_raven_frame_write(struct tg_raven_frame *frame, const struct tg_line *line,
				    const struct tg_record *record, struct tg_out *out);

#endif
