#include "base/metrics.h"
#include "pg/pg_private.h"

#define OPERATIONS "hotlined_pg_operations_total"
#define REFUSED "hotlined_pg_refused_total"
#define DEADLINE "hotlined_pg_deadline_total"
#define CONNECTIONS "hotlined_pg_connection_events_total"
#define GUARD "hotlined_pg_guard_total"

static struct metric pg_metrics[PG_METRIC_COUNT] = {
    [PG_METRIC_OK] = {OPERATIONS, "outcome=\"ok\"", "Operations that ended, by outcome",
                      METRIC_COUNTER, 0},
    [PG_METRIC_ROWS] = {OPERATIONS, "outcome=\"rows\"", "", METRIC_COUNTER, 0},
    [PG_METRIC_REJECTED] = {OPERATIONS, "outcome=\"rejected\"", "", METRIC_COUNTER, 0},
    [PG_METRIC_RETRYABLE] = {OPERATIONS, "outcome=\"retryable\"", "", METRIC_COUNTER, 0},
    [PG_METRIC_UNCERTAIN] = {OPERATIONS, "outcome=\"uncertain\"", "", METRIC_COUNTER, 0},
    [PG_METRIC_CANCELLED] = {OPERATIONS, "outcome=\"cancelled\"", "", METRIC_COUNTER, 0},
    [PG_METRIC_REFUSED_QUEUE_FULL] = {REFUSED, "reason=\"queue_full\"",
                                      "Operations refused without asking the server",
                                      METRIC_COUNTER, 0},
    [PG_METRIC_REFUSED_NUL_BYTE] = {REFUSED, "reason=\"nul_byte\"", "", METRIC_COUNTER, 0},
    [PG_METRIC_REFUSED_CLOSED] = {REFUSED, "reason=\"closed\"", "", METRIC_COUNTER, 0},
    [PG_METRIC_DEADLINE_QUEUED] = {DEADLINE, "phase=\"queued\"",
                                   "Operations whose deadline passed, by how far they had come",
                                   METRIC_COUNTER, 0},
    [PG_METRIC_DEADLINE_SENT] = {DEADLINE, "phase=\"sent\"", "", METRIC_COUNTER, 0},
    [PG_METRIC_CONNECTED] = {CONNECTIONS, "event=\"ready\"",
                             "Changes in the life of database connections", METRIC_COUNTER, 0},
    [PG_METRIC_CONNECT_FAILED] = {CONNECTIONS, "event=\"connect_failed\"", "", METRIC_COUNTER, 0},
    [PG_METRIC_SETUP_FAILED] = {CONNECTIONS, "event=\"setup_failed\"", "", METRIC_COUNTER, 0},
    [PG_METRIC_LOST] = {CONNECTIONS, "event=\"lost\"", "", METRIC_COUNTER, 0},
    [PG_METRIC_GUARD_FALSE_SUCCESS] = {GUARD, "guard=\"false_success\"",
                                       "Answers that a check on the client's side did not believe",
                                       METRIC_COUNTER, 0},
    [PG_METRIC_GUARD_PROTOCOL] = {GUARD, "guard=\"protocol\"", "", METRIC_COUNTER, 0},
    [PG_METRIC_GUARD_OPEN_TRANSACTION] = {GUARD, "guard=\"open_transaction\"", "", METRIC_COUNTER,
                                          0},
    [PG_METRIC_GUARD_UNREPLICATED] = {GUARD, "guard=\"unreplicated\"", "", METRIC_COUNTER, 0},
    [PG_METRIC_NOTIFICATIONS] = {"hotlined_pg_notifications_total", NULL, "Notifications received",
                                 METRIC_COUNTER, 0},
    [PG_METRIC_READY] = {"hotlined_pg_connections_ready", NULL,
                         "Database connections that take operations", METRIC_GAUGE, 0},
    [PG_METRIC_QUEUED] = {"hotlined_pg_queued", NULL, "Operations waiting for a connection",
                          METRIC_GAUGE, 0},
    [PG_METRIC_IN_FLIGHT] = {"hotlined_pg_in_flight", NULL, "Operations sent and not yet answered",
                             METRIC_GAUGE, 0},
};

static struct metric_histogram pg_histograms[] = {
    {.name = "hotlined_pg_operation_seconds",
     .help = "Time from submitting an operation to its outcome"},
};

void pg_metrics_register(void)
{
    static bool registered;

    if (registered)
        return;
    registered = true;
    metrics_register(pg_metrics, ARRAY_LEN(pg_metrics));
    metrics_register_histograms(pg_histograms, ARRAY_LEN(pg_histograms));
}

void pg_metric_add(enum pg_metric metric, int64_t n)
{
    metric_add(&pg_metrics[metric], n);
}

void pg_metric_outcome(enum pg_outcome outcome, int64_t duration_us)
{
    static const enum pg_metric counter[] = {
        [PG_OK] = PG_METRIC_OK,
        [PG_ROWS] = PG_METRIC_ROWS,
        [PG_REJECTED] = PG_METRIC_REJECTED,
        [PG_RETRYABLE] = PG_METRIC_RETRYABLE,
        [PG_UNCERTAIN] = PG_METRIC_UNCERTAIN,
    };

    metric_inc(&pg_metrics[counter[outcome]]);
    metric_observe_us(&pg_histograms[0], duration_us);
}
