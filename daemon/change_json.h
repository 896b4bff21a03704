/*
 * change_json.h - a planned change as the JSON document that ticket_apply.sql takes. Inside the
 * daemon only: nothing of it goes outside.
 */
#ifndef DAEMON_CHANGE_JSON_H
#define DAEMON_CHANGE_JSON_H

#include "hotline/ticket_plan.h"
#include "proto/json.h"

/* What must still hold when the change is stored. */
struct change_guard {
    int version;       /* the one the change was planned on */
    const char *lease; /* of a signature: the present lease of the item; NULL = no fence */
    int lease_ordinal;
    int64_t into; /* of a merge: the master, which must still be open; 0 = none */
};

/* One item of the array that ticket_apply takes. city: the snapshot it was planned with. */
void change_json_write(struct json_writer *w, const struct ticket_change *change,
                       const struct change_guard *guard, const struct city *city);

#endif
