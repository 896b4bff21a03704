/*
 * recalendar.h - another calendar came into force: every open deadline that it moves is computed
 * again, with an event each; what it does not move stays as it is.
 *
 * What has to be done is state, not memory: any open deadline that the calendar in force would give
 * another date. So it goes on after kill -9 where it was, by simply looking again. A row of the
 * database says who does it and how far it is; if its beat stands still another daemon takes over,
 * and if two did it at once the version guard of each ticket would let only one change it.
 *
 * A single ticket that somebody works on meanwhile is computed with that work (ticket_plan.h), so
 * nobody sees a date of the old calendar and a decision by the new one.
 */
#ifndef DAEMON_RECALENDAR_H
#define DAEMON_RECALENDAR_H

#include "daemon/daemon.h"
#include "daemon/request.h"

RETURNS_NONNULL struct recalendar *recalendar_new(struct daemon *d);
void recalendar_free(struct recalendar **recalendar);
/* The configuration may have changed. NULL is fine. */
void recalendar_look(struct recalendar *recalendar);
/* Calls done once, from the loop, when all open deadlines follow from the calendar in force; false:
 * the database fails. For the test clock. */
void recalendar_settle(struct recalendar *recalendar, void (*done)(void *ctx, bool ok), void *ctx);
/* GET /v1/admin/calendars/recompute */
void recalendar_get(struct request *r);
void recalendar_register_metrics(void);

#endif
