/*
 * config.c - accounts and the city from the database into memory.
 */
#include "daemon/config.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/activation.h"
#include "daemon/auth.h"
#include "daemon/cloud.h"
#include "daemon/recalendar.h"
#include "daemon/wechat.h"
#include "sql_catalogue.h"

struct config_job {
    struct daemon *d;
    uint64_t accounts_asked, wechat_asked, clouds_asked, city_asked;
    struct arena *arena;
    void (*done)(void *ctx, bool ok);
    void *ctx;
};

enum column { CONFIG, RULE_SET, SLA_SET, CALENDAR_SET, BUNDLE, AT, IS_STORED };

/* ---- building ----------------------------------------------------------------------------------
 */

static void set_versions(struct city_spec *spec, const struct config_versions *versions)
{
    spec->rule_set_version = versions->rule_set;
    spec->sla_version = versions->sla_set;
    spec->calendar_version = versions->calendar_set;
    spec->older_sets = versions->older;
    spec->older_set_count = versions->older_count;
}

struct city *config_build(const char *text, size_t len, const struct config_versions *versions,
                          struct arena *arena, struct faults *faults,
                          struct city_faults *city_faults)
{
    struct city_bundle bundle;
    struct city *city = NULL;
    struct json_doc *doc = json_parse(text, len, faults);

    memset(city_faults, 0, sizeof(*city_faults));
    if (!doc)
        return NULL;
    if (city_json_decode(json_root(doc), arena, &bundle, faults)) {
        set_versions(&bundle.spec, versions);
        city = city_build(&bundle.spec, city_faults);
    }
    json_doc_free(&doc);
    return city;
}

/* Paths of a bundle become those of the draft; what lies outside of it keeps its name. */
static void faults_of_part(enum city_part part, struct city_faults *faults)
{
    for (size_t i = 0; i < faults->count; i++) {
        char *field = faults->list[i].field;
        const char *path = city_json_part_path(part, field);
        memmove(field, path, strlen(path) + 1);
    }
}

struct city *config_build_draft(const struct daemon *d, enum city_part part,
                                const struct json_value *body, struct arena *arena,
                                struct city_part_head *head_r, struct faults *faults,
                                struct city_faults *city_faults)
{
    const struct config_versions versions = {
        part == CITY_PART_RULES ? 0 : d->rule_set,
        part == CITY_PART_POLICIES ? 0 : d->sla_set,
        part == CITY_PART_CALENDARS ? 0 : d->calendar_set,
        NULL,
        0,
    };
    struct json_doc *doc = json_parse(d->city_bundle, strlen(d->city_bundle), faults);
    struct city_bundle bundle;
    struct city *city = NULL;

    INVARIANT(doc != NULL); /* it was built from this text */
    memset(city_faults, 0, sizeof(*city_faults));
    if (city_json_decode(json_root(doc), arena, &bundle, faults) &&
        city_json_decode_part(part, body, arena, &bundle.spec, head_r, faults)) {
        set_versions(&bundle.spec, &versions);
        city = city_build(&bundle.spec, city_faults);
        faults_of_part(part, city_faults);
    }
    json_doc_free(&doc);
    return city;
}

/* ---- what the database knows -------------------------------------------------------------------
 */

static bool read_older(struct arena *arena, const struct pg_result *res, int row,
                       struct sla_set_spec *set_r)
{
    const char *text =
        arena_printf(arena, "{\"name\":\"older\",\"policies\":%s}", pg_result_text(res, row, 1));
    struct city_spec spec = {0};
    struct city_part_head head;
    struct faults faults;

    faults_init(&faults, arena);
    struct json_doc *doc = json_parse(text, strlen(text), &faults);
    bool is_good = doc && city_json_decode_part(CITY_PART_POLICIES, json_root(doc), arena, &spec,
                                                &head, &faults);
    json_doc_free(&doc);
    *set_r = (struct sla_set_spec){pg_result_int(res, row, 0), spec.policies, spec.policy_count};
    return is_good;
}

static void read_older_sets(struct config_job *job, const struct pg_result *res,
                            struct config_versions *versions)
{
    struct sla_set_spec *older =
        arena_alloc(job->arena, (CITY_MAX_OLDER_SETS + 1) * sizeof(*older));

    versions->older = older;
    for (int i = 0; i < pg_result_rows(res) && i < CITY_MAX_OLDER_SETS; i++) {
        if (read_older(job->arena, res, i, &older[versions->older_count]))
            versions->older_count++;
        else
            log_warn("config", "policies of an older set cannot be read sla_set=%lld",
                     (long long)pg_result_int(res, i, 0));
    }
}

/* The first fault in words; of the arena. */
static const char *why_not(struct config_job *job, const struct faults *faults,
                           const struct city_faults *city_faults)
{
    const char *field = faults->count ? faults->list[0].field : city_faults->list[0].field;
    const char *reason = faults->count ? faults->list[0].reason : city_faults->list[0].reason;

    return arena_printf(job->arena, "%s: %s", field, reason);
}

static struct city *build_row(struct config_job *job, const struct pg_result *res, int row,
                              const struct config_versions *older, const char **why_r)
{
    struct city_faults *city_faults = arena_alloc(job->arena, sizeof(*city_faults));
    struct config_versions versions = *older;
    struct faults faults;

    versions.rule_set = pg_result_int(res, row, RULE_SET);
    versions.sla_set = pg_result_int(res, row, SLA_SET);
    versions.calendar_set = pg_result_int(res, row, CALENDAR_SET);
    faults_init(&faults, job->arena);
    struct city *city =
        config_build(pg_result_text(res, row, BUNDLE), pg_result_length(res, row, BUNDLE),
                     &versions, job->arena, &faults, city_faults);
    *why_r = city ? NULL : why_not(job, &faults, city_faults);
    return city;
}

/* ---- putting in force --------------------------------------------------------------------------
 */

/* Takes over city and bundle. */
static void put_in_force(struct daemon *d, struct city *city, char *bundle)
{
    city_unref(&d->city);
    d->city = city;
    d->rule_set = city_rule_set_version(city);
    d->sla_set = city_sla_version(city);
    d->calendar_set = city_calendar_version(city);
    d->numbers.offset_min = city_offset_min(city);
    free(d->city_bundle);
    d->city_bundle = bundle;
    log_info("config", "city=%s rule_set=%lld sla_set=%lld calendar_set=%lld units=%zu",
             city_code(city), (long long)d->rule_set, (long long)d->sla_set,
             (long long)d->calendar_set, city_unit_count(city));
}

void config_advance(struct daemon *d, int64_t now_us)
{
    struct config_next *next = &d->next;

    if (next->at_us == 0 || next->is_taken || !next->city || now_us < next->at_us)
        return;
    next->is_taken = true;
    put_in_force(d, next->city, next->bundle);
    next->city = NULL;
    next->bundle = NULL;
}

void config_next_clear(struct config_next *next)
{
    city_unref(&next->city);
    free(next->why);
    free(next->bundle);
    *next = (struct config_next){0};
}

static void take_next(struct config_job *job, const struct pg_result *res,
                      const struct config_versions *older)
{
    struct config_next *next = &job->d->next;
    const char *why;

    config_next_clear(next);
    if (pg_result_rows(res) < 2)
        return;
    next->at_us = pg_result_int(res, 1, AT);
    next->is_stored = pg_result_bool(res, 1, IS_STORED);
    next->base = pg_result_int(res, 1, CONFIG);
    next->city = build_row(job, res, 1, older, &why);
    if (next->city) {
        next->bundle = xstrdup(pg_result_text(res, 1, BUNDLE));
        return;
    }
    next->why = xstrdup(why);
    log_error("config", "what is planned next does not build: %s", why);
}

static bool take_city(struct config_job *job, const struct pg_result *rows,
                      const struct pg_result *sets)
{
    struct daemon *d = job->d;
    struct config_versions older = {0};
    const char *why;

    if (job->city_asked < d->city_taken || pg_result_rows(rows) == 0)
        return true;
    read_older_sets(job, sets, &older);
    struct city *city = build_row(job, rows, 0, &older, &why);
    if (!city) {
        log_error("config", "the stored city does not build, the old one stays: %s", why);
        return false;
    }
    d->city_taken = job->city_asked;
    put_in_force(d, city, xstrdup(pg_result_text(rows, 0, BUNDLE)));
    take_next(job, rows, &older);
    /* It may be due, and in force here already, before the database has noted it. */
    config_advance(d, daemon_now_us(d));
    return true;
}

/* ---- loading -----------------------------------------------------------------------------------
 */

static void finish(struct config_job *job, bool ok)
{
    if (ok) {
        activation_look(job->d->activation);
        recalendar_look(job->d->recalendar);
    }
    job->done(job->ctx, ok);
    arena_free(&job->arena);
    free(job);
}

static void on_city(void *ctx, const struct pg_result *res)
{
    struct config_job *job = ctx;
    enum pg_outcome outcome = pg_result_outcome(res);

    if (outcome != PG_ROWS && outcome != PG_OK)
        finish(job, false);
    else
        finish(job, take_city(job, pg_result_at(res, 0), pg_result_at(res, 1)));
}

static void load_city(struct config_job *job)
{
    struct pg_params now, most;
    const struct pg_call calls[] = {{&SQL_CONFIG_LOAD, &now}, {&SQL_SLA_SET_LOAD, &most}};

    job->city_asked = ++job->d->city_asked;
    pg_params_init(&now, job->arena);
    pg_param_instant(&now, daemon_now_us(job->d));
    pg_params_init(&most, job->arena);
    pg_param_int(&most, CITY_MAX_OLDER_SETS);
    (void)pg_submit_group(job->d->work_pool, calls, ARRAY_LEN(calls), DAEMON_REPORT_TIMEOUT_US,
                          on_city, job);
}

static void on_clouds(void *ctx, const struct pg_result *res)
{
    struct config_job *job = ctx;

    if (pg_result_outcome(res) != PG_ROWS) {
        finish(job, false);
        return;
    }
    clouds_take(job->d->clouds, job->clouds_asked, res);
    load_city(job);
}

static void on_wechat(void *ctx, const struct pg_result *res)
{
    struct config_job *job = ctx;

    if (pg_result_outcome(res) != PG_ROWS) {
        finish(job, false);
        return;
    }
    wechat_take(job->d->wechat, job->wechat_asked, res);
    job->clouds_asked = clouds_ask(job->d->clouds);
    (void)pg_submit(job->d->work_pool, &SQL_CLOUD_LOAD, NULL, DAEMON_READ_TIMEOUT_US, on_clouds,
                    job);
}

static void on_accounts(void *ctx, const struct pg_result *res)
{
    struct config_job *job = ctx;

    if (pg_result_outcome(res) != PG_ROWS) {
        finish(job, false);
        return;
    }
    auth_take(job->d->auth, job->accounts_asked, res);
    job->wechat_asked = wechat_ask(job->d->wechat);
    (void)pg_submit(job->d->work_pool, &SQL_WECHAT_ACCOUNT_LOAD, NULL, DAEMON_READ_TIMEOUT_US,
                    on_wechat, job);
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
