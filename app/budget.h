/* budget.h - every pool of memory, and the assertion that the board has room for their sum.
 *
 * A size is a sum of reasons, each a number of Kconfig's. `tidegate budget` prints this very list.
 *
 *      boot memory (one array, carved once) | agent | TLS pool | LMDB's heap in a commit
 *
 * Not in the sum: the program's text, the stack (some 100 KiB at most), small statics (some
 * 150 KiB) and the kernel's pages of the store's file, which it takes back when it needs them.
 */
#ifndef TG_APP_BUDGET_H
#define TG_APP_BUDGET_H

#include "app/agent.h"

/* What tg_arena_take may lose to alignment, a piece. */
enum { TG_BUDGET_PAD = 64 };

#define TG_BUDGET_EACH(count, bytes) ((uint64_t)(count) * (uint64_t)(bytes))
#define TG_BUDGET_SOURCE_BYTES       (CONFIG_TG_SOURCE_BYTES_MAX + TG_BUDGET_PAD)
#define TG_BUDGET_SINK_BYTES         (CONFIG_TG_SINK_BYTES_MAX + TG_BUDGET_PAD)

/* POOL(name, what it is, the numbers it is made of, bytes) */
#define TG_BUDGET_BOOT(POOL)                                                                      \
	POOL(RULES, "patterns and column rules", "TG_CONFIG_BYTES_MAX",                           \
	     TG_BUDGET_EACH(1, CONFIG_TG_CONFIG_BYTES_MAX))                                       \
	POOL(SOURCES, "states of the sources", "TG_SOURCES_MAX x TG_SOURCE_BYTES_MAX",            \
	     TG_BUDGET_EACH(CONFIG_TG_SOURCES_MAX, TG_BUDGET_SOURCE_BYTES))                       \
	POOL(SOURCE_BUFFERS, "receive buffers: one document each",                                \
	     "TG_SOURCES_MAX x TG_SOURCE_ARENA_BYTES",                                            \
	     TG_BUDGET_EACH(CONFIG_TG_SOURCES_MAX, CONFIG_TG_SOURCE_ARENA_BYTES + TG_BUDGET_PAD)) \
	POOL(SINKS, "states of the sinks", "TG_SINKS_MAX x TG_SINK_BYTES_MAX",                    \
	     TG_BUDGET_EACH(CONFIG_TG_SINKS_MAX, TG_BUDGET_SINK_BYTES))                           \
	POOL(SINK_BUFFERS, "send buffers", "TG_SINKS_MAX x TG_SINK_ARENA_BYTES",                  \
	     TG_BUDGET_EACH(CONFIG_TG_SINKS_MAX, CONFIG_TG_SINK_ARENA_BYTES + TG_BUDGET_PAD))     \
	POOL(STREAMS, "what is known of each stream", "TG_STREAMS_MAX",                           \
	     TG_BUDGET_EACH(CONFIG_TG_STREAMS_MAX, sizeof(struct tg_stream)))                     \
	POOL(OPEN, "streams being read, with their bookmarks", "TG_SOURCES_MAX",                  \
	     TG_BUDGET_EACH(CONFIG_TG_SOURCES_MAX, sizeof(struct tg_stream_open)))                \
	POOL(COMMIT, "blocks waiting for a commit", "TG_COMMIT_BLOCKS_MAX x 16 KiB",              \
	     TG_BUDGET_EACH(CONFIG_TG_COMMIT_BLOCKS_MAX, sizeof(struct tg_block) + 1))            \
	POOL(INDEX, "index pages", "TG_INDEX_PAGES x 4 KiB",                                      \
	     TG_BUDGET_EACH(CONFIG_TG_INDEX_PAGES, sizeof(struct tg_index_page)))                 \
	POOL(LARGE, "one large record read back", "TG_DOC_BYTES_MAX",                             \
	     TG_BUDGET_EACH(1, CONFIG_TG_DOC_BYTES_MAX + 1024))

#define TG_BUDGET_BESIDE(POOL)                                                      \
	POOL(AGENT, "the agent: one of each stage", "TG_SOURCES_MAX, TG_SINKS_MAX", \
	     TG_BUDGET_EACH(1, sizeof(struct tg_agent)))                            \
	POOL(TLS, "TLS", "TG_TLS_CONNECTIONS_MAX x TG_TLS_BYTES",                   \
	     TG_BUDGET_EACH(CONFIG_TG_TLS_CONNECTIONS_MAX, CONFIG_TG_TLS_BYTES))    \
	POOL(NET, "the network stack's pools", "TG_NET_POOL_BYTES",                 \
	     TG_BUDGET_EACH(1, CONFIG_TG_NET_POOL_BYTES))                           \
	POOL(PEM, "certificates while they are read",                               \
	     "TG_TLS_PEM_BYTES_MAX, TG_CERTIFICATE_BASE64_BYTES_MAX",               \
	     TG_BUDGET_EACH(2, CONFIG_TG_TLS_PEM_BYTES_MAX) +                       \
		     CONFIG_TG_CERTIFICATE_BASE64_BYTES_MAX)                        \
	POOL(SUMMARY, "streams of one sync, for its summary", "TG_SUMMARY_BYTES",   \
	     TG_BUDGET_EACH(1, CONFIG_TG_SUMMARY_BYTES))                            \
	POOL(LMDB, "LMDB's own heap in a commit", "TG_COMMIT_BLOCKS_MAX x 16 KiB",  \
	     TG_BUDGET_EACH(CONFIG_TG_COMMIT_BLOCKS_MAX, sizeof(struct tg_block)))

#define TG_BUDGET_ADD(name, what, numbers, bytes) +(bytes)
#define TG_RAM_BOOT                               (0 TG_BUDGET_BOOT(TG_BUDGET_ADD))
#define TG_RAM_BESIDE                             (0 TG_BUDGET_BESIDE(TG_BUDGET_ADD))
#define TG_RAM_TOTAL                              (TG_RAM_BOOT + TG_RAM_BESIDE)

_Static_assert(TG_RAM_TOTAL <= CONFIG_TG_RAM_BYTES_MAX,
	       "The pools are more than TG_RAM_BYTES_MAX: lower TG_SOURCES_MAX, TG_SINKS_MAX, "
	       "TG_DOC_BYTES_MAX, TG_COMMIT_BLOCKS_MAX or TG_SINK_ARENA_BYTES");

#endif
