/*
 * change_json.h - a planned change as the JSON document that ticket_apply.sql takes. Inside the
 * daemon only: nothing of it goes outside.
 */
#ifndef DAEMON_CHANGE_JSON_H
#define DAEMON_CHANGE_JSON_H

#include "hotline/ticket_plan.h"
#include "proto/json.h"

/* The whole document of ticket_apply. `version` is the one the change was planned on. lease NULL =
 * no fence. */
void change_json_write_apply(struct sbuf *out, const struct ticket_change *change, int version,
                             const char *actor, const char *lease, int lease_ordinal);

#endif
