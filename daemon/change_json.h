/*
 * change_json.h - a planned change as the JSON documents that ticket_apply.sql and
 * ticket_intake.sql take. Inside the daemon only: nothing of it goes outside.
 */
#ifndef DAEMON_CHANGE_JSON_H
#define DAEMON_CHANGE_JSON_H

#include "hotline/ticket_plan.h"
#include "proto/json.h"

/* The whole document of ticket_apply. `version` is the one the change was planned on. lease NULL =
 * no fence. */
void change_json_write_apply(struct sbuf *out, const struct ticket_change *change, int version,
                             const char *actor, const char *lease, int lease_ordinal);

/* Children of several new tickets, collected for one batch: call begin, add for each, end. */
struct change_children {
    struct sbuf assignments, clocks, events, tallies;
    struct json_writer w[4];
};
void change_children_begin(struct change_children *c);
void change_children_add(struct change_children *c, const struct ticket_change *change);
/* Joins them into one object and frees the parts. */
void change_children_end(struct change_children *c, struct sbuf *out);

#endif
