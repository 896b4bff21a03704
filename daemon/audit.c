/*
 * audit.c - audit lines of readers: sent and not waited for, or written first.
 */
#include "daemon/audit.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/metrics.h"
#include "sql_catalogue.h"

static struct metric pending = {
    .name = "hotlined_audit_pending",
    .help = "Audit lines of views on their way to the database.",
    .type = METRIC_GAUGE,
};
static struct metric lost = {
    .name = "hotlined_audit_lost_total",
    .help = "Audit lines of views that could not be written.",
};

void audit_register_metrics(void)
{
    metrics_register(&pending, 1);
    metrics_register(&lost, 1);
}

struct audit_line {
    int64_t number;
    char *account;
};

static void line_lost(int64_t number, const char *account, const char *why)
{
    metric_inc(&lost);
    log_limited(LOG_LEVEL_ERROR, "audit", "view not recorded number=%" PRId64 " account=%s why=%s",
                number, account, why);
}

static void on_written(void *ctx, const struct pg_result *res)
{
    struct audit_line *line = ctx;

    metric_add(&pending, -1);
    if (pg_result_outcome(res) != PG_OK && pg_result_outcome(res) != PG_ROWS)
        line_lost(line->number, line->account, pg_outcome_name(pg_result_outcome(res)));
    free(line->account);
    free(line);
}

static void line_params(const struct request *r, struct pg_params *params, const char *action,
                        int64_t number, const char *detail)
{
    pg_params_init(params, r->arena);
    pg_param_instant(params, r->now_us);
    pg_param_text(params, r->account->name);
    pg_param_text(params, http_request_peer(r->http));
    pg_param_text(params, action);
    if (number)
        pg_param_int(params, number);
    else
        pg_param_null(params);
    pg_param_text(params, detail);
}

void audit_first(struct request *r, const char *action, int64_t number, const char *detail,
                 void (*done)(struct request *r, const struct pg_result *res))
{
    struct pg_params params;

    line_params(r, &params, action, number, detail);
    request_submit(r, r->d->work_pool, &SQL_AUDIT_ADD, &params, DAEMON_WRITE_TIMEOUT_US, done);
}

void audit_view(const struct request *r, const char *action, int64_t number, const char *detail)
{
    struct pg_params params;
    struct audit_line *line;

    INVARIANT(r->account != NULL);
    if (pending.value >= AUDIT_MAX_PENDING) {
        line_lost(number, r->account->name, "full");
        return;
    }
    line_params(r, &params, action, number, detail);
    line = xcalloc(1, sizeof(*line));
    line->number = number;
    line->account = xstrdup(r->account->name);
    metric_inc(&pending);
    (void)pg_submit(r->d->work_pool, &SQL_AUDIT_ADD, &params, DAEMON_WRITE_TIMEOUT_US, on_written,
                    line);
}
