/*
 * audit.h - who looked at what (DOMAIN 7).
 *
 * Reading does not wait for its audit line: it is sent behind the answer on the work pool. What is
 * under way is bounded; a line that could not be written is counted and told in the log. What
 * reveals something is answered after its line is written. What changes something writes its line
 * in its own transaction instead (see daemon/sql).
 */
#ifndef DAEMON_AUDIT_H
#define DAEMON_AUDIT_H

#include "daemon/request.h"

#define AUDIT_MAX_PENDING 2000

/* number 0 = of no ticket; detail: JSON text or NULL. The account must be known. */
void audit_view(const struct request *r, const char *action, int64_t number, const char *detail);
/* As request_submit: `done` once the line is in the database, else the request is answered. */
void audit_first(struct request *r, const char *action, int64_t number, const char *detail,
                 void (*done)(struct request *r, const struct pg_result *res));
void audit_register_metrics(void);

#endif
