#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "pg/migrate.h"
#include "sql_catalogue.h"
#include "unit/daemon/reports_rig.h"

static const struct pg_stmt *const stmts[] = {
    &SQL_TALLY_FOLD, &SQL_TALLY_STOCK_TIDY, &SQL_REPORT_TIERS, &SQL_REPORT_MEASURES, &SQL_RECOUNT};

static const char city_sql[] =
    "INSERT INTO category (code, name, parent, position) VALUES"
    " ('A', '城市管理', NULL, 1), ('A1', '噪声', 'A', 2), ('B', '公用事业', NULL, 3);"
    "INSERT INTO region (code, name, level, parent, position) VALUES"
    " ('320281000000', '江阴市', 'city', NULL, 1),"
    " ('320281001000', '澄江街道', 'town', '320281000000', 2),"
    " ('320281001001', '花园村', 'village', '320281001000', 3),"
    " ('320281002000', '璜土镇', 'town', '320281000000', 4);"
    "INSERT INTO unit (code, name, tier, kind, parent, position) VALUES"
    " ('ZJ', '住建局', 'city', 'department', NULL, 1),"
    " ('CG', '澄江街道城管', 'town', 'town', 'ZJ', 2),"
    " ('JW', '花园村村委会', 'village', 'village', 'CG', 3);";

void reports_start(struct reports *r)
{
    struct pg_pool_config config;
    char *error = NULL;

    rig_start(&r->rig);
    if (!migrate_run(rig_conninfo(&r->rig), NULL, NULL, &error))
        fail_msg("migrations: %s", error);
    reports_sql(r, city_sql);
    config = bench_config(&r->rig, stmts, ARRAY_LEN(stmts));
    bench_open(&r->bench, &config);
    bench_wait_up(&r->bench);
}

void reports_stop(struct reports *r)
{
    bench_close(&r->bench);
    rig_stop(&r->rig);
}

void reports_sql(const struct reports *r, const char *sql)
{
    rig_sql(&r->rig, sql);
}

int64_t reports_instant(const char *text)
{
    int64_t us;

    assert_true(civil_parse_instant(text, strlen(text), &us));
    return us;
}

struct asking {
    bool done;
    void (*read)(void *ctx, const struct pg_result *res);
    void *ctx;
};

static void on_answer(void *ctx, const struct pg_result *res)
{
    struct asking *asking = ctx;

    if (pg_result_outcome(res) != PG_ROWS)
        fail_msg("%s %s", pg_outcome_name(pg_result_outcome(res)), pg_result_message(res));
    asking->read(asking->ctx, pg_result_count(res) > 1 ? pg_result_at(res, 0) : res);
    asking->done = true;
}

void reports_ask(struct reports *r, const struct pg_stmt *stmt, const struct pg_params *params,
                 void (*read)(void *ctx, const struct pg_result *res), void *ctx)
{
    struct asking asking = {.read = read, .ctx = ctx};

    (void)pg_submit(r->bench.pool, stmt, params, RIG_WAIT_US, on_answer, &asking);
    rig_run_until(r->bench.base, &asking.done);
}

static void on_folded(void *ctx, const struct pg_result *res)
{
    struct asking *asking = ctx;

    if (pg_result_outcome(res) != PG_OK && pg_result_outcome(res) != PG_ROWS)
        fail_msg("fold: %s", pg_result_message(res));
    *(int64_t *)asking->ctx = pg_result_int(pg_result_at(res, 0), 0, 0);
    asking->done = true;
}

int64_t reports_fold(struct reports *r, int64_t most)
{
    struct arena *arena = arena_new();
    struct pg_params params;
    int64_t rows = -1;
    struct asking asking = {.ctx = &rows};

    pg_params_init(&params, arena);
    pg_param_int(&params, CIVIL_OFFSET_SHANGHAI_MIN);
    pg_param_int(&params, most);
    const struct pg_call calls[] = {{&SQL_TALLY_FOLD, &params}, {&SQL_TALLY_STOCK_TIDY, NULL}};
    (void)pg_submit_group(r->bench.pool, calls, ARRAY_LEN(calls), RIG_WAIT_US, on_folded, &asking);
    rig_run_until(r->bench.base, &asking.done);
    arena_free(&arena);
    return rows;
}

void reports_fold_all(struct reports *r, int64_t rows)
{
    int64_t deadline_us = clk_mono_us() + RIG_WAIT_US;
    int64_t sum = 0;

    while (sum < rows && clk_mono_us() < deadline_us)
        sum += reports_fold(r, 20000);
    assert_int_equal(sum, rows);
    assert_int_equal(reports_fold(r, 20000), 0);
}
