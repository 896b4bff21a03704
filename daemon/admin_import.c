/*
 * admin_import.c - a city comes in, is checked, goes out again.
 *
 * What is stored is the bundle itself, after the very same build that the daemon does when it
 * loads it; then it is loaded from the database, so that what is in force in memory is what is
 * stored. Building takes up to about a hundred milliseconds for the largest cities, in the loop:
 * imports are rare.
 */
#include <stdlib.h>

#include "daemon/admin.h"
#include "daemon/config.h"
#include "daemon/import_report.h"
#include "sql_catalogue.h"

/* What the answer to an import says; of the request. */
struct import {
    size_t regions, units, categories, rules, devices;
    int64_t rule_set, sla_set, calendar_set;
    struct city_faults *faults;
    struct loading *loading;
};

/* Loading the city cannot be called off, so this outlives a request whose peer has gone. */
struct loading {
    struct request *r; /* NULL then */
};

static void count_city(const struct city *city, struct import *import)
{
    import->regions = city_region_count(city);
    import->units = city_unit_count(city);
    import->categories = city_category_count(city);
    import->rules = city_rule_count(city);
}

/* Fills in the counts and the faults; true if there are no errors. */
static bool check(struct request *r, struct import *import)
{
    size_t len;
    const char *text = http_request_body(r->http, &len);

    import->faults = arena_alloc(r->arena, sizeof(*import->faults));
    const struct config_versions not_stored = {0};
    struct city *city = config_build(text, len, &not_stored, r->arena, &r->faults, import->faults);
    if (!city)
        return false;
    struct json_doc *doc = json_parse(text, len, &r->faults);
    INVARIANT(doc != NULL); /* config_build read it */
    import_check_devices(json_root(doc), city, &r->faults);
    import->devices = json_array_length(json_get(json_root(doc), "devices"));
    json_doc_free(&doc);
    count_city(city, import);
    city_unref(&city);
    return r->faults.count == 0;
}

/* ---- validate ----------------------------------------------------------------------------------
 */

void admin_validate_post(struct request *r)
{
    struct import import = {0};
    struct json_writer w;
    struct sbuf out;

    if (!request_query_ok(r))
        return;
    (void)check(r, &import);
    const struct import_report report = {&r->faults, import.faults};
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    import_report_write_errors(&w, &report);
    import_report_write_warnings(&w, &report);
    jw_object_end(&w);
    request_reply(r, 200, &out);
}

/* ---- import ------------------------------------------------------------------------------------
 */

static void reply_imported(struct request *r)
{
    const struct import *import = r->state;
    const struct import_report report = {NULL, import->faults};
    struct json_writer w;
    struct sbuf out;

    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_int(&w, "rule_set_version", import->rule_set);
    jw_int(&w, "sla_version", import->sla_set);
    jw_int(&w, "calendar_version", import->calendar_set);
    jw_int(&w, "regions", (int64_t)import->regions);
    jw_int(&w, "units", (int64_t)import->units);
    jw_int(&w, "categories", (int64_t)import->categories);
    jw_int(&w, "rules", (int64_t)import->rules);
    jw_int(&w, "devices", (int64_t)import->devices);
    import_report_write_warnings(&w, &report);
    jw_object_end(&w);
    request_reply(r, 200, &out);
}

static void on_loaded(void *ctx, bool ok)
{
    struct loading *loading = ctx;
    struct request *r = loading->r;

    free(loading);
    if (!r)
        return;
    r->on_abort = NULL;
    if (ok)
        reply_imported(r);
    else
        request_problem(
            r, PROBLEM_UNAVAILABLE,
            "配置已保存，但尚未生效 / stored, but not in force yet: it could not be loaded");
}

static void abort_loading(struct request *r)
{
    struct import *import = r->state;

    import->loading->r = NULL;
}

static void on_stored(struct request *r, const struct pg_result *res)
{
    struct import *import = r->state;

    INVARIANT(pg_result_rows(res) == 1);
    import->rule_set = pg_result_int(res, 0, 1);
    import->sla_set = pg_result_int(res, 0, 2);
    import->calendar_set = pg_result_int(res, 0, 3);
    import->loading = xcalloc(1, sizeof(*import->loading));
    import->loading->r = r;
    r->on_abort = abort_loading;
    config_load(r->d, on_loaded, import->loading);
}

static void store(struct request *r)
{
    struct pg_params params;
    size_t len;
    const char *text = http_request_body(r->http, &len);

    /* What json_parse() accepts PostgreSQL takes as it stands. */
    pg_params_init(&params, r->arena);
    pg_param_text_n(&params, text, len);
    pg_param_instant(&params, r->now_us);
    pg_param_text(&params, r->account->name);
    pg_param_text(&params, http_request_peer(r->http));
    /* If the peer goes now it may be stored all the same: the notification makes us load it. */
    request_submit(r, r->d->work_pool, &SQL_CONFIG_IMPORT, &params, DAEMON_REPORT_TIMEOUT_US,
                   on_stored);
}

void admin_import_post(struct request *r)
{
    if (!request_query_ok(r))
        return;
    struct import *import = arena_alloc(r->arena, sizeof(*import));
    r->state = import;
    if (check(r, import)) {
        store(r);
        return;
    }
    const struct import_report report = {&r->faults, import->faults};
    struct request_problem_writer p;
    request_problem_begin(r, &p, PROBLEM_INVALID, NULL);
    import_report_write_errors(&p.w, &report);
    request_problem_end(r, &p);
}

/* ---- export ------------------------------------------------------------------------------------
 */

void admin_export_get(struct request *r)
{
    struct sbuf out;

    if (!request_query_ok(r))
        return;
    if (!r->d->city_bundle) {
        request_problem(r, PROBLEM_NO_CITY, NULL);
        return;
    }
    sbuf_init(&out, SIZE_MAX / 2); /* our own text: as long as it is */
    sbuf_adds(&out, r->d->city_bundle);
    request_reply(r, 200, &out);
}
