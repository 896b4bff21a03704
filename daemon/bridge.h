/*
 * bridge.h - what programs that send for us (a bridge: WeChat's messages, guardians' telephones)
 * do with an outbox: they claim a portion under leases, and report on each item with its lease.
 *
 *   queued -> claim -> taken -> result sent | failed | retry (queued again); a lease that ran out
 * is queued, and a report that comes with it later is refused. A claim of notices fails those that
 * are of no use any more (device_notice.c).
 */
#ifndef DAEMON_BRIDGE_H
#define DAEMON_BRIDGE_H

#include "daemon/request.h"

#define BRIDGE_LEASE_BYTES 16
#define BRIDGE_OUTCOME_MAX 500 /* bytes of what a bridge says of a result */

/* {"limit": 1..100, "lease_seconds": 5..3600}, 20 and 60 when absent. */
struct bridge_claim {
    int64_t limit, lease_seconds;
    struct pg_array leases; /* fresh ones, `limit` of them */
};
/* false: answered. */
MUST_CHECK bool bridge_claim_read(struct request *r, struct bridge_claim *claim_r);

enum bridge_result { BRIDGE_SENT, BRIDGE_RETRY, BRIDGE_FAILED };
extern const char *const bridge_result_names[];  /* of reports; NULL behind the last */
extern const char *const bridge_result_states[]; /* of items, by enum bridge_result */

/* The members that every report has. */
struct bridge_report {
    const char *lease, *outcome;
    int result; /* enum bridge_result */
    int64_t retry_seconds;
};
/* Rows of a field table for a struct whose member `report` is a bridge_report. */
#define BRIDGE_REPORT_FIELDS(owner)                                                                \
    {.name = "lease",                                                                              \
     .type = FIELD_STRING,                                                                         \
     .offset = offsetof(owner, report.lease),                                                      \
     .min = 2 * BRIDGE_LEASE_BYTES,                                                                \
     .max = 2 * BRIDGE_LEASE_BYTES,                                                                \
     .flags = FIELD_REQUIRED},                                                                     \
        {.name = "result",                                                                         \
         .type = FIELD_ENUM,                                                                       \
         .offset = offsetof(owner, report.result),                                                 \
         .names = bridge_result_names,                                                             \
         .flags = FIELD_REQUIRED},                                                                 \
        {.name = "outcome",                                                                        \
         .type = FIELD_STRING,                                                                     \
         .offset = offsetof(owner, report.outcome),                                                \
         .min = 1,                                                                                 \
         .max = BRIDGE_OUTCOME_MAX},                                                               \
    {                                                                                              \
        .name = "retry_seconds", .type = FIELD_INT,                                                \
        .offset = offsetof(owner, report.retry_seconds), .min = 0, .max = 86400                    \
    }
/* The lease as bytes; a wrong one is a fault of r. */
void bridge_report_check(struct request *r, const struct bridge_report *report,
                         uint8_t lease[BRIDGE_LEASE_BYTES]);

/* Number of an item in a path. false: it is none. */
MUST_CHECK bool bridge_id_read(const char *text, int64_t *id_r);
/* Answers a report: columns state, whether the lease was the present one; no row: 404. `id` is the
 * text of the path. */
void bridge_result_reply(struct request *r, const struct pg_result *res, const char *id);

#endif
