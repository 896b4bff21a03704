/*
 * intake.h - new tickets: validated, routed, planned, stored in batches, acknowledged after COMMIT.
 *
 * Group commit: whatever arrived while the last batch was in flight goes as one transaction.
 * Nothing waits when the daemon is idle. A batch that the database refuses is split until the bad
 * ticket stands alone: neighbours never suffer. A batch whose outcome is unknown is sent again; its
 * numbers are unique, so it is stored once.
 */
#ifndef DAEMON_INTAKE_H
#define DAEMON_INTAKE_H

#include "daemon/request.h"
#include "hotline/ticket_plan.h"
#include "proto/ticket_json.h"

/* A ticket on its way into the database. It outlives its request: what was begun is finished. */
struct intake_entry {
    struct intake_entry *next;
    struct request *r;   /* NULL: the peer is gone */
    struct arena *arena; /* owns everything below */
    struct ticket_draft draft;
    int64_t now_us;
    bool is_region_from_address;
    const char *query_code;
    const char *received_by;
    const char *rule, *route_reason;
    int64_t rule_set, sla_set, calendar_set;
    const uint8_t *name, *phone, *phone_index; /* sealed; NULL = none */
    size_t name_len, phone_len;
    const char *key; /* idempotency key; NULL = none */
    uint8_t fingerprint[32];
    const char *answer;          /* the 201's body */
    int sends;                   /* how often it went to the database */
    struct ticket_change change; /* last: large, and set as a whole by the plan */
};

struct intake *intake_new(struct daemon *d);
/* Entries that are not stored yet are given up: their requests are gone by then. */
void intake_free(struct intake **intake);
void intake_register_metrics(void);

/* POST /v1/tickets */
void ticket_create_post(struct request *r);

/* intake_batch.c: takes over the entry; false if the queue is full (the entry is still the
 * caller's). */
MUST_CHECK bool intake_add(struct intake *intake, struct intake_entry *entry);
/* Is this account's key under way? */
bool intake_key_running(const struct intake *intake, const char *account, const char *key);
/* intake.c: ends an entry, answering its request if it is still there. */
enum intake_end {
    INTAKE_STORED,
    INTAKE_REPLAY,
    INTAKE_KEY_REUSED,
    INTAKE_UNAVAILABLE,
    INTAKE_BROKEN
};
void intake_entry_end(struct intake_entry *entry, enum intake_end end, const char *first_answer);

#endif
