/*
 * queue.h - the work of a unit: look, claim under a lease, give back.
 *
 * A lease hides an unsigned assignment from the rest of the unit until it is signed, released or
 * the lease ends by the daemon's clock. A claim whose client is gone before the answer arrives
 * leaves its items leased: they come back when the lease ends, and `deliveries` tells of it.
 */
#ifndef DAEMON_QUEUE_H
#define DAEMON_QUEUE_H

#include "daemon/push.h"
#include "daemon/request.h"
#include "proto/queue_json.h"
#include "proto/ticket_json.h"

/* GET /v1/queue ?state= &wait= &limit= &after=; the desk names the unit: &unit= */
void queue_get(struct request *r);
/* POST /v1/queue/claim {limit, lease_seconds, wait} */
void queue_claim_post(struct request *r);
/* POST /v1/assignments/{}/release {lease} */
void assignment_release_post(struct request *r);
void queue_register_metrics(void);

#define QUEUE_WAIT_MAX_S 55
#define QUEUE_LEASE_BYTES 16

/* ---- queue_rows.c: what queue_list.sql and queue_claim.sql return
 * ----------------------------------- */

/* Items; 0 if there was nothing for the unit. */
int queue_rows_count(const struct pg_result *res);
/* If there was nothing: when the first lease of the unit ends; 0 = none is leased. */
int64_t queue_rows_free_us(const struct pg_result *res);
/* Strings are the result's or the request's arena's. */
struct queue_entry queue_rows_read(const struct request *r, const struct pg_result *res, int row);

/* ---- queue_wait.c: nothing there, ask again when there may be something
 * ------------------------------- */

struct queue_wait {
    struct request *r;
    const char *unit;
    int64_t until_us; /* monotonic */
    uint64_t mark;
    struct push_waiter *waiter;
    void (*again)(struct request *r);
};
/* Takes over r->on_abort and r->state: the caller's state has the wait as its first member. */
void queue_wait_begin(struct queue_wait *wait, struct request *r, const char *unit, int64_t seconds,
                      void (*again)(struct request *r));
/* Before each look into the database: what happens from here on wakes. */
void queue_wait_mark(struct queue_wait *wait);
/* After a look that found nothing. true: `again` will run, or the request is answered (too many
 * wait); false: the time is over. */
MUST_CHECK bool queue_wait_more(struct queue_wait *wait, int64_t free_us);
void queue_wait_register_metrics(void);
void queue_claim_register_metrics(void);
void queue_release_register_metrics(void);

#endif
