/*
 * audit.h - who looked at what (DOMAIN 7).
 *
 * Reading does not wait for its audit line: it is sent behind the answer on the work pool. What is
 * under way is bounded; a line that could not be written is counted and told in the log. What
 * changes something writes its line in its own transaction instead (see daemon/sql).
 */
#ifndef DAEMON_AUDIT_H
#define DAEMON_AUDIT_H

#include "daemon/request.h"

#define AUDIT_MAX_PENDING 2000

/* number 0 = of no ticket; detail: JSON text or NULL. The account must be known. */
void audit_view(const struct request *r, const char *action, int64_t number, const char *detail);
void audit_register_metrics(void);

#endif
