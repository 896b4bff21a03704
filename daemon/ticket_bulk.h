/*
 * ticket_bulk.h - the same decision about many tickets: load -> decide -> apply, hundreds in a
 * statement.
 *
 *   numbers -> slices -> pages loaded and decided (pure) -> one statement for the slice's changes
 *
 * Where only time passes (no decision of the caller's own) tickets go the narrow way
 * (ticket_tick.h), which neither reads nor writes what time leaves alone: less than half of the
 * work.
 *
 * A page is small, so that a turn of the loop stays short whatever the run has to do; a few slices
 * are under way at the same time, on connections of their own (bulk_pool), so that nobody who works
 * on a single ticket stands behind one. Tickets that a store job is busy with, that somebody
 * changed meanwhile, or whose statement was refused or went unanswered, take the single way
 * (ticket_store.h), which loads and decides again; whether an unanswered statement was ours after
 * all is told by the hash of its last event. A ticket is changed once, whatever happens.
 */
#ifndef DAEMON_TICKET_BULK_H
#define DAEMON_TICKET_BULK_H

#include "daemon/ticket_store.h"

struct bulk;

struct bulk_use {
    /*
     * As of a store job, with the run's ctx and the ticket's place in `numbers`. May run several
     * times for a ticket; no lease and no merge. It must not call the run. NULL: time passes, as
     * ticket_plan_tick() lets it.
     */
    enum store_verdict (*decide)(void *ctx, size_t index, struct store_job *job);
    /* What became of it, once for each ticket, in any order; may be NULL. is_changed: something
     * was stored. It must not call the run. */
    void (*one)(void *ctx, size_t index, enum store_outcome outcome, bool is_changed);
    /* After the last; the run is freed after it. Never inside bulk_start(). */
    void (*done)(void *ctx);
    void *ctx;
};

/* The numbers are copied; one that stands there twice is looked at twice. There has to be a city.
 */
RETURNS_NONNULL struct bulk *bulk_start(struct daemon *d, const int64_t *numbers, size_t count,
                                        const struct bulk_use *use);
/* Nothing is called any more. What was sent may still be stored; the sweeper finds its clocks.
 * NULL is fine. */
void bulk_cancel(struct bulk **bulk);
void bulk_register_metrics(void);

#endif
