/*
 * ticket_store.h - load a ticket, decide, store the change: the one way in which a ticket changes.
 *
 *   load -> decide (pure) -> apply with the version it was planned on
 *
 * Jobs of one ticket go one after the other, so only another daemon can be faster: the ticket is
 * then loaded and decided again, a few times. If the outcome of the apply is unknown the very same
 * change is sent again: it can be stored only once, because the version has moved if it was;
 * whether that was us is told by the hash of the last event.
 */
#ifndef DAEMON_TICKET_STORE_H
#define DAEMON_TICKET_STORE_H

#include "daemon/daemon.h"
#include "proto/ticket_json.h"

enum store_outcome {
    STORE_DONE,        /* stored, or nothing was to be stored */
    STORE_READ,        /* the decision was only to look */
    STORE_ABSENT,      /* no such ticket */
    STORE_REFUSED,     /* the decision said no */
    STORE_UNAVAILABLE, /* database away or too slow; nothing stored */
    STORE_UNCERTAIN,   /* may be stored: the caller's client asks again */
    STORE_FAILED,      /* the database refused a change that we thought right: a bug, logged */
};

struct store_job {
    struct daemon *d;
    struct arena *arena; /* of this job; all below lives in it until the job ends */
    struct city *city;   /* snapshot of this job */
    int64_t number;
    struct ticket_record record;
    struct ticket_change change; /* after STORE_DONE: change.after is the ticket now */
    int64_t into;                /* the other ticket of a merge, loaded along; 0 = none */
    const char *lease;           /* set by decide: fences the apply (hex) */
    int lease_ordinal;
    void *ctx;
    /* internal */
    struct pg_op *op;
    enum store_verdict (*decide)(struct store_job *job);
    void (*done)(struct store_job *job,
                 enum store_outcome outcome); /* NULL: given up by the caller */
    struct store_job *next;                   /* of the same ticket */
    int64_t since_us;                         /* monotonic */
    int tries;
    bool is_resent, is_applying;
};

enum store_verdict { STORE_VERDICT_APPLY, STORE_VERDICT_READ, STORE_VERDICT_REFUSE };

/*
 * into: the ticket that a merge names, 0 = none; its state is in the view then. done runs once,
 * from the loop, unless store_cancel() came first; the job is freed after it. decide may run
 * several times, each time with a freshly loaded record; what it keeps in ctx must allow that.
 */
struct store_job *store_start(struct daemon *d, int64_t number, int64_t into,
                              enum store_verdict (*decide)(struct store_job *job),
                              void (*done)(struct store_job *job, enum store_outcome outcome),
                              void *ctx);
/* done will not run. What was sent may still be stored, and is then announced. NULL is fine. */
void store_cancel(struct store_job **job);
/* Somebody works on this ticket or waits for it. */
bool store_is_busy(const struct daemon *d, int64_t number);
/* For ticket_bulk: so many changes were stored, the earliest thing to do next is at next_us (0 =
 * nothing). */
void store_announce(struct daemon *d, size_t changes, int64_t next_us);
void store_register_metrics(void);
RETURNS_NONNULL struct store *store_new(void);
/* Ends what is left without a word. */
void store_free(struct store **store);
/* Context for plans of this job. */
struct plan_context store_plan_context(struct store_job *job);

#endif
