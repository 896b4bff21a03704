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

enum intake_end {
    INTAKE_STORED,
    INTAKE_REPLAY,      /* that key has a ticket: first_answer is what was answered then */
    INTAKE_KEY_REUSED,  /* that key, another matter (fingerprint) */
    INTAKE_IN_PROGRESS, /* that key is under way */
    INTAKE_REFUSED,     /* the role may not bring tickets in */
    INTAKE_BUSY,        /* the queue is full */
    INTAKE_UNAVAILABLE, /* not stored, not in time */
    INTAKE_BROKEN
};

/* A ticket on its way into the database. It outlives its request: what was begun is finished. */
struct intake_entry {
    struct intake_entry *next;
    struct daemon *d;
    struct arena *arena; /* owns everything below */
    /* NULL: whoever brought it is gone. Runs once, from the loop; the entry is freed after it. */
    void (*done)(struct intake_entry *entry, enum intake_end end, const char *first_answer);
    void *ctx;
    enum actor_role role;
    struct ticket_draft draft;
    int64_t now_us;
    bool is_region_from_address;
    const char *query_code;
    const char *received_by;
    const char *rule, *route_reason;
    int64_t rule_set, sla_set, calendar_set;
    const uint8_t *name, *phone, *phone_index; /* sealed; NULL = none */
    size_t name_len, phone_len;
    const char *key;     /* idempotency key; NULL = none */
    const char *open311; /* what only that door brings, see ticket_intake.sql; NULL = none */
    uint8_t fingerprint[32];
    const char *answer;          /* the 201's body */
    int sends;                   /* how often it went to the database */
    struct ticket_change change; /* last: large, and set as a whole by the plan */
};

/* One of several: each has its queue, its pool, and so many batches under way. */
struct intake *intake_new(struct daemon *d, struct pg_pool *pool, int batches);
/* Entries that are not stored yet are given up: their requests are gone by then. */
void intake_free(struct intake **intake);
void intake_register_metrics(void);

/* What a door brings. The strings of the draft and the key live in `arena`, which the entry takes
 * over. The city must be there, and category and region known to it. */
struct intake_order {
    struct arena *arena;
    struct intake *intake; /* NULL: the daemon's ordinary one */
    const struct ticket_draft *draft;
    enum actor_role role;
    const char *received_by; /* account, or the door's own name */
    const char *key;         /* natural key of the door within received_by; NULL = none */
    const void *matter; /* what the key stands for: another one under the same key is refused */
    size_t matter_len;
    const char *open311; /* JSON object, see ticket_intake.sql; NULL = not from there */
    int64_t now_us;
    void (*done)(struct intake_entry *entry, enum intake_end end, const char *first_answer);
    void *ctx;
};
/*
 * Routes, plans and queues a ticket. NULL: it was not begun, *refused_r says why, and done will not
 * run. Otherwise the entry lives until done has run; whoever goes away before sets entry->done =
 * NULL, and the ticket is stored all the same. The arena is taken over in both cases.
 */
MUST_CHECK struct intake_entry *intake_submit(struct daemon *d, const struct intake_order *order,
                                              enum intake_end *refused_r);
/* Faults of codes that the city does not know. */
void intake_check_codes(const struct city *city, const struct ticket_draft *draft,
                        struct faults *faults);

/* ticket_create.c: POST /v1/tickets */
void ticket_create_post(struct request *r);

/* intake_batch.c: takes over the entry; false if the queue is full (the entry is still the
 * caller's). */
MUST_CHECK bool intake_add(struct intake *intake, struct intake_entry *entry);
/* Is this account's key under way? */
bool intake_key_running(const struct intake *intake, const char *account, const char *key);
/* intake.c: ends an entry, telling whoever brought it if he is still there. */
void intake_entry_end(struct intake_entry *entry, enum intake_end end, const char *first_answer);

#endif
