/*
 * indexer.h - keeps the index of words (ticket_text) behind the stream of events.
 *
 * Searches are complete with any amount indexed: what lies beyond the cursor they read from the
 * tickets themselves. Indexing only keeps them fast, so it may be late, stop and fail without
 * anybody missing a ticket, and intake pays nothing for it. Several daemons on one database take
 * turns: a batch is stored only if the cursor stands where the batch was read.
 */
#ifndef DAEMON_INDEXER_H
#define DAEMON_INDEXER_H

#include "daemon/daemon.h"

struct indexer *indexer_new(struct daemon *d);
/* Begins: at once, then every second; with more than a batch to do, half of the time. */
void indexer_start(struct indexer *indexer);
void indexer_free(struct indexer **indexer);
void indexer_register_metrics(void);

#endif
