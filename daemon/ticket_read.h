/*
 * ticket_read.h - looking at tickets: one, many, from outside, and why they are as they are.
 */
#ifndef DAEMON_TICKET_READ_H
#define DAEMON_TICKET_READ_H

#include "daemon/request.h"

void ticket_get(struct request *r);         /* GET /v1/tickets/{} */
void ticket_explain_get(struct request *r); /* GET /v1/tickets/{}/explain */
void ticket_list_get(struct request *r);    /* GET /v1/tickets */
void ticket_public_get(struct request *r);  /* GET /v1/public/tickets/{}, for everybody */
void ticket_reveal_post(struct request *r); /* POST /v1/tickets/{}/reveal */
void explain_post(struct request *r);       /* POST /v1/explain */

/*
 * Loads the ticket of the path and calls `show` if the caller may see it; everything else is
 * answered here. The view is written to the audit as `action`.
 */
void ticket_view_one(struct request *r, const char *action,
                     void (*show)(struct request *r, const struct ticket_record *record));

#endif
