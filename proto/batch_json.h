/*
 * batch_json.h - one action on many tickets. Pure.
 *
 *   {"action": "urge" | "supervise", "text": "...", "numbers": ["260213...", ...]}
 *   {"action": ..., "text": ..., "filter": {"state", "unit", "category", "region", "overdue"}}
 */
#ifndef PROTO_BATCH_JSON_H
#define PROTO_BATCH_JSON_H

#include "hotline/ticket_machine.h"
#include "proto/json.h"

#define BATCH_MAX_TICKETS 10000

/* NULL or -1 = any. Only open tickets are meant. */
struct batch_filter {
    int state; /* enum ticket_state */
    const char *unit, *category, *region;
    int overdue; /* 0, 1 */
};

struct batch_order {
    enum ticket_action action;
    const char *text;
    const int64_t *numbers; /* each once, in the order given */
    size_t count;           /* 0: by filter */
    struct batch_filter filter;
};

/* Of wrong numbers each is named: "numbers[17]". All memory is the arena's. */
MUST_CHECK bool batch_json_decode(const struct json_value *body, struct arena *arena,
                                  struct batch_order *order_r, struct faults *faults);

#endif
