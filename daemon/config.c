/*
 * config.c - accounts and the city from the database into memory.
 */
#include "daemon/config.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/auth.h"
#include "proto/city_json.h"
#include "sql_catalogue.h"

struct config_job {
    struct daemon *d;
    uint64_t accounts_asked, city_asked;
    struct arena *arena;
    void (*done)(void *ctx, bool ok);
    void *ctx;
};

struct city *config_build(const char *text, size_t len, struct arena *arena, struct faults *faults,
                          struct city_faults *city_faults, int64_t rule_set, int64_t sla_set,
                          int64_t calendar_set)
{
    struct city_bundle bundle;
    struct city *city = NULL;
    struct json_doc *doc = json_parse(text, len, faults);

    memset(city_faults, 0, sizeof(*city_faults));
    if (!doc)
        return NULL;
    if (city_json_decode(json_root(doc), arena, &bundle, faults)) {
        bundle.spec.rule_set_version = rule_set;
        bundle.spec.sla_version = sla_set;
        bundle.spec.calendar_version = calendar_set;
        city = city_build(&bundle.spec, city_faults);
    }
    json_doc_free(&doc);
    return city;
}

static void finish(struct config_job *job, bool ok)
{
    job->done(job->ctx, ok);
    arena_free(&job->arena);
    free(job);
}

static bool take_city(struct config_job *job, const struct pg_result *res)
{
    struct daemon *d = job->d;

    if (job->city_asked < d->city_taken)
        return true;
    struct city_faults *city_faults = arena_alloc(job->arena, sizeof(*city_faults));
    struct faults faults;
    int64_t rule_set = pg_result_int(res, 0, 1);
    int64_t sla_set = pg_result_int(res, 0, 2);
    int64_t calendar_set = pg_result_int(res, 0, 3);

    faults_init(&faults, job->arena);
    struct city *city =
        config_build(pg_result_text(res, 0, 4), pg_result_length(res, 0, 4), job->arena, &faults,
                     city_faults, rule_set, sla_set, calendar_set);
    if (!city) {
        log_error("config", "the stored city does not build, the old one stays: %s %s",
                  faults.count ? faults.list[0].field : city_faults->list[0].field,
                  faults.count ? faults.list[0].reason : city_faults->list[0].reason);
        return false;
    }
    city_unref(&d->city);
    d->city = city;
    d->city_taken = job->city_asked;
    d->rule_set = rule_set;
    d->sla_set = sla_set;
    d->calendar_set = calendar_set;
    d->numbers.offset_min = city_offset_min(city);
    free(d->city_bundle);
    d->city_bundle = xstrdup(pg_result_text(res, 0, 4));
    log_info("config", "city=%s rule_set=%lld sla_set=%lld calendar_set=%lld units=%zu",
             city_code(city), (long long)rule_set, (long long)sla_set, (long long)calendar_set,
             city_unit_count(city));
    return true;
}

static void on_city(void *ctx, const struct pg_result *res)
{
    struct config_job *job = ctx;

    if (pg_result_outcome(res) != PG_ROWS)
        finish(job, false);
    else
        finish(job, pg_result_rows(res) == 0 || take_city(job, res));
}

static void on_accounts(void *ctx, const struct pg_result *res)
{
    struct config_job *job = ctx;

    if (pg_result_outcome(res) != PG_ROWS) {
        finish(job, false);
        return;
    }
    auth_take(job->d->auth, job->accounts_asked, res);
    job->city_asked = ++job->d->city_asked;
    (void)pg_submit(job->d->work_pool, &SQL_CONFIG_LOAD, NULL, DAEMON_REPORT_TIMEOUT_US, on_city,
                    job);
}

void config_load(struct daemon *d, void (*done)(void *ctx, bool ok), void *ctx)
{
    struct config_job *job = xcalloc(1, sizeof(*job));

    job->d = d;
    job->arena = arena_new();
    job->done = done;
    job->ctx = ctx;
    job->accounts_asked = auth_ask(d->auth);
    (void)pg_submit(d->work_pool, &SQL_ACCOUNT_LOAD, NULL, DAEMON_READ_TIMEOUT_US, on_accounts,
                    job);
}
