/*
 * activation.h - rules, policies and calendars come into force at their instant.
 *
 * The next change is in memory, built (config.h). When the daemon's clock reaches the instant the
 * city is swapped at once, so a ticket is judged by what is in force at the moment it is received;
 * then the database notes it, once for all daemons (activation_apply.sql), and the change after
 * that is loaded. If the database is away this is tried again each second. A daemon that comes back
 * after the instant finds it still planned and does the same.
 *
 * With several daemons each goes by its own clock. A plan that is called off in the very moment it
 * falls due may route the tickets of a few milliseconds on a daemon that has not heard of it.
 */
#ifndef DAEMON_ACTIVATION_H
#define DAEMON_ACTIVATION_H

#include "daemon/daemon.h"

RETURNS_NONNULL struct activation *activation_new(struct daemon *d);
void activation_free(struct activation **activation);
/* After the configuration was loaded: arms the timer, or begins with what is due. Never calls back
 * at once; NULL is fine. */
void activation_look(struct activation *activation);
/*
 * Lets everything that is due at the present clock come into force and be noted, then calls done
 * once, from the loop; false if the database fails. For the test clock, and for who asked for now.
 */
void activation_settle(struct activation *activation, void (*done)(void *ctx, bool ok), void *ctx);
void activation_register_metrics(void);

#endif
