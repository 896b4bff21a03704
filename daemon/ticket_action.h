/*
 * ticket_action.h - everything that is done to a ticket by one POST: the desk's actions and the
 * units'.
 */
#ifndef DAEMON_TICKET_ACTION_H
#define DAEMON_TICKET_ACTION_H

#include "daemon/request.h"

void ticket_action_post(struct request *r);     /* POST /v1/tickets/{number}/{action} */
void assignment_action_post(struct request *r); /* POST /v1/assignments/{id}/{action} */

#endif
