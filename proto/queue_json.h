/*
 * queue_json.h - a unit's work as it looks outside (CONTRACT 4): an assignment with what must be
 * known of its ticket.
 */
#ifndef PROTO_QUEUE_JSON_H
#define PROTO_QUEUE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "hotline/city.h"
#include "proto/json.h"

struct queue_entry {
    int64_t number;
    int ordinal;
    const char *state, *role; /* code words as stored */
    int round;
    int64_t due_us; /* 0 = no deadline runs */
    int deliveries;
    const char *lease; /* hex; NULL = none of the reader's */
    int64_t lease_until_us;
    /* of the ticket */
    const char *title, *text, *kind, *urgency, *category;
    const char *region, *address; /* NULL = not known */
    int64_t received_us;
    const char *ticket_state;
    int version;
    bool is_confidential, is_anonymous;
    bool sees_identity;
    const char *name, *phone; /* opened; NULL = none or not to be seen */
};

/* One object of `items`. */
void queue_json_write(struct json_writer *w, const struct queue_entry *entry,
                      const struct city *city);

#endif
