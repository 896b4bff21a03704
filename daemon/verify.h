/*
 * verify.h - do the stored clocks follow from the stored history, and is the history unbroken?
 */
#ifndef DAEMON_VERIFY_H
#define DAEMON_VERIFY_H

#include "hotline/ticket_recompute.h"
#include "pg/pg.h"

#define VERIFY_PAGE_TICKETS 50 /* checked in one turn of the loop */

/* One row of verify_page.sql. */
struct verify_ticket {
    int64_t number;
    struct recompute_facts facts; /* without policy and calendar */
    const char *region;           /* NULL = not known */
    const char *policy;
    int64_t sla_set;
    struct recompute_event *events;
    size_t event_count;
    bool is_readable; /* all events have known words and details */
    bool chain_holds; /* to the last link, and as many as the ticket says */
    struct ticket_clock *clocks;
    size_t clock_count;
};
/* Everything in the ticket is the arena's. */
void verify_ticket_read(const struct pg_result *res, int row, struct arena *arena,
                        struct verify_ticket *ticket_r);

/* What differs first in a ticket; field NULL = nothing. */
struct verify_difference {
    int64_t number;
    const char *field; /* of the clock; "history": event `seq` does not fit; "chain"; "clocks": one
                        * is stored or recomputed that the other side does not have */
    int seq;
    bool has_stored, has_recomputed;
    struct ticket_clock stored, recomputed;
};
/* The recompute, given policy and calendar. Counts the clocks that differ. */
size_t verify_ticket_compare(const struct verify_ticket *ticket,
                             const struct recompute_facts *facts, struct arena *arena,
                             struct verify_difference *first_r);

#endif
