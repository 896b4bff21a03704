/*
 * duplicates.h - tickets that are likely about the same matter, offered to the operator with a
 * score and its reasons (hotline/similar.h). Nothing here changes a ticket: merging is an act of
 * the desk.
 *
 * Looked for among the tickets of settings.duplicate_days before (of a stored one: also after), by
 * words, caller, and place with category, each through an index and with a bound of its own;
 * offered from settings.duplicate_score on.
 */
#ifndef DAEMON_DUPLICATES_H
#define DAEMON_DUPLICATES_H

#include "daemon/request.h"

void duplicates_post(struct request *r);       /* POST /v1/duplicates: of a draft */
void ticket_duplicates_get(struct request *r); /* GET /v1/tickets/{}/duplicates */

#endif
