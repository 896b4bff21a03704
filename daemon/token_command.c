/*
 * token_command.c - one account, one token, with an event loop of its own.
 */
#include "daemon/token_command.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "base/clk.h"
#include "base/crypto.h"
#include "daemon/account_names.h"
#include "hotline/vocabulary.h"
#include "pg/pg.h"
#include "sql_catalogue.h"

#define EXIT_FAILED 1
#define EXIT_USAGE 2
#define COMMAND_TIMEOUT_US (15 * US_PER_SECOND)
#define COMMAND_ACTOR "console"

struct command {
    struct event_base *base;
    struct pg_pool *pool;
    struct arena *arena;
    const char *role, *name, *unit; /* unit NULL = none */
    int64_t now_us;
    char token[CRYPTO_TOKEN_SIZE];
    uint8_t hash[CRYPTO_SHA256_SIZE];
    char *config_error; /* the last thing that kept the pool from working */
    int exit_code;
};

static void finish(struct command *c, int exit_code)
{
    c->exit_code = exit_code;
    (void)event_base_loopbreak(c->base);
}

static void fail(struct command *c, const char *why, const char *detail)
{
    (void)fprintf(stderr, "hotlined: token: %s%s%s\n", why, detail[0] ? ": " : "", detail);
    finish(c, EXIT_FAILED);
}

static void fail_result(struct command *c, const struct pg_result *res)
{
    if (strcmp(pg_result_sqlstate(res), "23503") == 0)
        fail(c, "no such unit", c->unit ? c->unit : "");
    else if (pg_result_message(res)[0] || !c->config_error)
        fail(c, "the database did not do it", pg_result_message(res));
    else
        fail(c, "the database cannot be used", c->config_error);
}

static bool is_rows(const struct pg_result *res)
{
    return pg_result_outcome(res) == PG_ROWS;
}

static void print_token(struct command *c)
{
    if (printf("%s\n", c->token) < 0 || fflush(stdout) != 0)
        fail(c, "cannot write to stdout", "");
    else
        finish(c, 0);
}

static void param_author(const struct command *c, struct pg_params *params)
{
    pg_param_instant(params, c->now_us);
    pg_param_text(params, COMMAND_ACTOR);
    pg_param_text(params, "");
}

static void on_created(void *ctx, const struct pg_result *res)
{
    struct command *c = ctx;

    if (!is_rows(res))
        fail_result(c, res);
    else if (pg_result_rows(res) == 0 || !pg_result_null(res, 0, 1))
        fail(c, "somebody made this account at the same moment; try again", c->name);
    else
        print_token(c);
}

static void create(struct command *c)
{
    const char *const texts[] = {c->name, c->role, c->unit};
    struct pg_params params;
    struct pg_array array;

    pg_params_init(&params, c->arena);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        pg_array_init(&array, c->arena);
        pg_array_text(&array, texts[i]);
        pg_param_array(&params, &array);
    }
    pg_array_init(&array, c->arena);
    pg_array_bytea(&array, c->hash, sizeof(c->hash));
    pg_param_array(&params, &array);
    param_author(c, &params);
    pg_array_init(&array, c->arena);
    pg_array_text(&array, NULL);
    pg_param_array(&params, &array);
    (void)pg_submit(c->pool, &SQL_ACCOUNT_CREATE, &params, COMMAND_TIMEOUT_US, on_created, c);
}

static void on_rotated(void *ctx, const struct pg_result *res)
{
    struct command *c = ctx;

    if (!is_rows(res))
        fail_result(c, res);
    else if (pg_result_rows(pg_result_at(res, 1)) == 0)
        fail(c, "the account was disabled at this moment", c->name);
    else
        print_token(c);
}

static void rotate(struct command *c)
{
    struct pg_params lock, change;

    pg_params_init(&lock, c->arena);
    pg_param_text(&lock, c->name);
    pg_params_init(&change, c->arena);
    pg_param_text(&change, c->name);
    pg_param_bytea(&change, c->hash, sizeof(c->hash));
    param_author(c, &change);
    const struct pg_call calls[] = {{&SQL_ACCOUNT_LOCK, &lock}, {&SQL_ACCOUNT_ROTATE, &change}};
    (void)pg_submit_group(c->pool, calls, ARRAY_LEN(calls), COMMAND_TIMEOUT_US, on_rotated, c);
}

/* What exists is only taken over if it is what was asked for: a role is never changed in passing.
 */
static void on_found(void *ctx, const struct pg_result *res)
{
    struct command *c = ctx;

    if (!is_rows(res)) {
        fail_result(c, res);
    } else if (pg_result_rows(res) == 0) {
        create(c);
    } else if (strcmp(pg_result_text(res, 0, 0), c->role) != 0 ||
               strcmp(pg_result_text(res, 0, 1), c->unit ? c->unit : "") != 0) {
        fail(c, "the account exists with another role or unit", c->name);
    } else if (pg_result_bool(res, 0, 2)) {
        fail(c, "the account is disabled", c->name);
    } else {
        rotate(c);
    }
}

static void on_config_error(void *ctx, const char *text)
{
    struct command *c = ctx;

    c->config_error = arena_strdup(c->arena, text);
}

static void run(struct command *c, const char *conninfo)
{
    static const struct pg_stmt *const stmts[] = {&SQL_ACCOUNT_LOCK, &SQL_ACCOUNT_CREATE,
                                                  &SQL_ACCOUNT_ROTATE};
    const struct pg_pool_events events = {.on_config_error = on_config_error, .ctx = c};
    struct pg_pool_config config;
    struct pg_params params;

    pg_pool_config_defaults(&config);
    config.name = "token";
    config.conninfo = conninfo;
    config.connections = 1;
    config.stmts = stmts;
    config.stmt_count = ARRAY_LEN(stmts);
    c->pool = pg_pool_new(c->base, &config, &events);
    pg_pool_start(c->pool);
    pg_params_init(&params, c->arena);
    pg_param_text(&params, c->name);
    (void)pg_submit(c->pool, &SQL_ACCOUNT_LOCK, &params, COMMAND_TIMEOUT_US, on_found, c);
    if (event_base_dispatch(c->base) < 0)
        fail(c, "the event loop does not run", "");
    pg_pool_free(&c->pool);
}

static const char *wrong_arguments(const char *role, const char *name, const char *unit)
{
    int index = word_find(role_words, ROLE_SYSTEM, role);

    if (index < 0)
        return "role: admin, desk, supervisor, gateway, web or unit";
    if (!account_name_valid(name))
        return "name: 1 to 64 of A-Z a-z 0-9 . _ @ -";
    if ((index == ROLE_UNIT) != (unit && unit[0]))
        return "a unit is given with role unit, and only then";
    return NULL;
}

int token_command(const char *conninfo, const char *role, const char *name, const char *unit,
                  int64_t now_us)
{
    struct command c = {.role = role, .name = name, .now_us = now_us, .exit_code = EXIT_FAILED};
    const char *wrong = wrong_arguments(role, name, unit);

    if (wrong) {
        (void)fprintf(stderr, "hotlined: token: %s\n", wrong);
        return EXIT_USAGE;
    }
    c.unit = unit && unit[0] ? unit : NULL;
    c.base = event_base_new();
    if (!c.base) {
        (void)fprintf(stderr, "hotlined: token: no event loop\n");
        return EXIT_FAILED;
    }
    c.arena = arena_new();
    crypto_token(c.token);
    crypto_sha256(c.token, strlen(c.token), c.hash);
    run(&c, conninfo);
    arena_free(&c.arena);
    event_base_free(c.base);
    return c.exit_code;
}
