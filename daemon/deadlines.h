/*
 * deadlines.h - the sweeper: warnings and breaches happen when they are due, once each, without
 * polling.
 *
 * One timer is armed for the earliest next_at of all clocks. When it fires, the tickets that are
 * due are ticked through the same store as every other change, many at once in bulk: at the close
 * of a working day thousands are due in the same instant. A new clock with an earlier date
 * moves the timer nearer (deadlines_hint). With several daemons on one database a look every minute
 * finds what others started; the version guard makes each event happen at most once.
 */
#ifndef DAEMON_DEADLINES_H
#define DAEMON_DEADLINES_H

#include "daemon/daemon.h"

struct sweeper *sweeper_new(struct daemon *d);
void sweeper_free(struct sweeper **sweeper);
/* Begins (database is up) or goes on after the clock or the configuration changed. */
void sweeper_kick(struct sweeper *sweeper);
/* The first thing to do for what was just stored (ticket_next_us), 0 = nothing. NULL sweeper is
 * fine. */
void deadlines_hint(struct sweeper *sweeper, int64_t first_us);
/*
 * Runs until nothing is due at the present clock, then calls done once, from the loop (also when
 * the database fails: false). For the test clock.
 */
void sweeper_settle(struct sweeper *sweeper, void (*done)(void *ctx, bool ok), void *ctx);
void sweeper_register_metrics(void);

#endif
