/*
 * admin_accounts.c - who may come in: accounts and their tokens.
 *
 * A token is shown once, in the answer that made it; the database and our memory have its SHA-256.
 * After a change the accounts are loaded anew before the answer goes out, so the token in it works
 * at once; other daemons are told by a notification of the same transaction.
 */
#include <string.h>

#include "base/crypto.h"
#include "base/log.h"
#include "base/map.h"
#include "daemon/account_names.h"
#include "daemon/admin.h"
#include "daemon/signing.h"
#include "sql_catalogue.h"

/* One account of an answer that makes accounts. */
struct fresh {
    const char *name, *unit, *agent;
    int role;
    char token[CRYPTO_TOKEN_SIZE];
    bool is_made;
};

struct fresh_list {
    size_t count;
    struct fresh *list;
};

static void make_token(struct fresh *fresh, struct arena *arena, struct pg_array *hashes)
{
    uint8_t *hash = arena_alloc(arena, CRYPTO_SHA256_SIZE);

    crypto_token(fresh->token);
    crypto_sha256(fresh->token, strlen(fresh->token), hash);
    pg_array_bytea(hashes, hash, CRYPTO_SHA256_SIZE);
}

static void param_author(struct request *r, struct pg_params *params)
{
    pg_param_instant(params, r->now_us);
    pg_param_text(params, r->account->name);
    pg_param_text(params, http_request_peer(r->http));
}

/* Our own memory first, then the answer: what it says must be true when it arrives. */
static void reload(struct request *r,
                   void (*answer)(struct request *r, const struct pg_result *res))
{
    struct pg_params none;

    pg_params_init(&none, r->arena);
    r->asked = auth_ask(r->d->auth);
    request_submit(r, r->d->work_pool, &SQL_ACCOUNT_LOAD, &none, DAEMON_READ_TIMEOUT_US, answer);
}

/* For actions without arguments: an object without members, or nothing. */
static bool body_is_empty(struct request *r)
{
    char nothing;

    if (!request_query_ok(r) || !request_parse_body(r))
        return false;
    if (json_decode(json_root(r->body), NULL, 0, &nothing, r->arena, &r->faults))
        return true;
    request_reply_faults(r);
    return false;
}

/* ---- list --------------------------------------------------------------------------------------
 */

static void write_account(struct request *r, struct json_writer *w, const struct pg_result *res,
                          int row)
{
    bool has_unit = !pg_result_null(res, row, 2);

    (void)r;
    jw_object(w, NULL);
    jw_string(w, "name", pg_result_text(res, row, 0));
    jw_string(w, "role", pg_result_text(res, row, 1));
    jw_string(w, "unit", has_unit ? pg_result_text(res, row, 2) : NULL);
    jw_bool(w, "disabled", pg_result_bool(res, row, 3));
    jw_int(w, "tokens", pg_result_int(res, row, 4));
    jw_string(w, "agent", pg_result_null(res, row, 5) ? NULL : pg_result_text(res, row, 5));
    jw_object_end(w);
}

static void on_listed(struct request *r, const struct pg_result *res)
{
    request_reply_rows(r, res, write_account);
}

void admin_accounts_get(struct request *r)
{
    struct pg_params none;

    if (!request_query_ok(r))
        return;
    pg_params_init(&none, r->arena);
    request_submit(r, r->d->work_pool, &SQL_ACCOUNT_LIST, &none, DAEMON_READ_TIMEOUT_US, on_listed);
}

/* ---- create ------------------------------------------------------------------------------------
 */

static const char *const role_names[] = {"admin", "desk", "supervisor", "gateway",
                                         "web",   "unit", NULL};
static const struct field account_fields[] = {
    {.name = "name",
     .type = FIELD_STRING,
     .offset = offsetof(struct fresh, name),
     .min = 1,
     .max = ACCOUNT_NAME_MAX,
     .flags = FIELD_REQUIRED},
    {.name = "role",
     .type = FIELD_ENUM,
     .offset = offsetof(struct fresh, role),
     .flags = FIELD_REQUIRED,
     .names = role_names},
    {.name = "unit",
     .type = FIELD_STRING,
     .offset = offsetof(struct fresh, unit),
     .min = 1,
     .max = TICKET_CODE_MAX},
    {.name = "agent",
     .type = FIELD_STRING,
     .offset = offsetof(struct fresh, agent),
     .min = 1,
     .max = ACCOUNT_NAME_MAX},
};

static void fault_at(struct request *r, size_t index, const char *field, const char *reason)
{
    faults_add(&r->faults,
               arena_printf(r->arena, "accounts[%zu]%s%s", index, *field ? "." : "", field),
               reason);
}

static void check_unit(struct request *r, const struct fresh *fresh, size_t index)
{
    const struct city *city = r->d->city;

    if (fresh->role == ROLE_UNIT && !fresh->unit)
        fault_at(r, index, "unit", "required");
    else if (fresh->role != ROLE_UNIT && fresh->unit)
        fault_at(r, index, "unit", "not_allowed");
    else if (fresh->unit && (!city || city_find_unit(city, fresh->unit) < 0))
        fault_at(r, index, "unit", "not_found");
}

static bool may_have_agent(int role)
{
    return role == ROLE_DESK || role == ROLE_SUPERVISOR;
}

static void check_agent(struct request *r, const struct fresh *fresh, size_t index,
                        struct map *agents)
{
    if (!fresh->agent)
        return;
    if (!may_have_agent(fresh->role))
        fault_at(r, index, "agent", "not_allowed");
    else if (!account_name_valid(fresh->agent))
        fault_at(r, index, "agent", "format");
    else if (map_puts(agents, fresh->agent, (void *)r))
        fault_at(r, index, "agent", "duplicate");
}

static void decode_account(struct request *r, const struct json_value *v, size_t index,
                           struct map *names, struct map *agents, struct fresh *fresh)
{
    struct faults faults;

    faults_init(&faults, r->arena);
    if (!json_decode(v, account_fields, ARRAY_LEN(account_fields), fresh, r->arena, &faults)) {
        for (size_t i = 0; i < faults.count; i++)
            fault_at(r, index, faults.list[i].field, faults.list[i].reason);
        return;
    }
    if (!account_name_valid(fresh->name))
        fault_at(r, index, "name", "format");
    else if (map_puts(names, fresh->name, fresh))
        fault_at(r, index, "name", "duplicate");
    check_unit(r, fresh, index);
    check_agent(r, fresh, index, agents);
}

/* NULL: answered. */
static struct fresh_list *decode_accounts(struct request *r)
{
    struct body {
        const struct json_value *accounts;
    } body = {NULL};
    static const struct field fields[] = {
        {.name = "accounts", .type = FIELD_VALUE, .flags = FIELD_REQUIRED},
    };
    struct fresh_list *made = arena_alloc(r->arena, sizeof(*made));

    if (!request_query_ok(r) || !request_parse_body(r))
        return NULL;
    if (json_decode(json_root(r->body), fields, ARRAY_LEN(fields), &body, r->arena, &r->faults)) {
        made->count = json_array_length(body.accounts);
        if (json_type(body.accounts) != JSON_ARRAY)
            faults_add(&r->faults, "accounts", "wrong_type");
        else if (made->count < 1 || made->count > ADMIN_ACCOUNTS_MAX)
            faults_add(&r->faults, "accounts", "range");
    }
    if (r->faults.count == 0) {
        struct map *names = map_new(), *agents = map_new();
        made->list = arena_alloc(r->arena, made->count * sizeof(*made->list));
        for (size_t i = 0; i < made->count; i++)
            decode_account(r, json_at(body.accounts, i), i, names, agents, &made->list[i]);
        map_free(&names);
        map_free(&agents);
    }
    if (r->faults.count == 0)
        return made;
    request_reply_faults(r);
    return NULL;
}

/* Gateways may sign instead of showing the token. */
static void write_secret(const struct request *r, struct json_writer *w, int role,
                         const char *token)
{
    uint8_t hash[CRYPTO_SHA256_SIZE];
    char secret[SIGNING_SECRET_SIZE];

    if (role != ROLE_GATEWAY)
        return;
    crypto_sha256(token, strlen(token), hash);
    signing_secret(r->d, hash, secret);
    jw_string(w, "signing_secret", secret);
}

static void write_fresh(const struct request *r, struct json_writer *w, const struct fresh *fresh)
{
    jw_object(w, NULL);
    jw_string(w, "name", fresh->name);
    jw_string(w, "role", role_words[fresh->role].code);
    jw_string(w, "unit", fresh->unit);
    if (fresh->agent)
        jw_string(w, "agent", fresh->agent);
    jw_string(w, "token", fresh->token);
    write_secret(r, w, fresh->role, fresh->token);
    jw_object_end(w);
}

static void reply_fresh(struct request *r, int status)
{
    const struct fresh_list *made = r->state;
    struct json_writer w;
    struct sbuf out;

    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_array(&w, "items");
    for (size_t i = 0; i < made->count; i++) {
        if (made->list[i].is_made)
            write_fresh(r, &w, &made->list[i]);
    }
    jw_array_end(&w);
    jw_object_end(&w);
    request_reply(r, status, &out);
}

static void on_created_loaded(struct request *r, const struct pg_result *res)
{
    auth_take(r->d->auth, r->asked, res);
    reply_fresh(r, 201);
}

static void reply_taken(struct request *r, const struct pg_result *res)
{
    const struct fresh_list *made = r->state;
    struct request_problem_writer p;

    for (int row = 0; row < pg_result_rows(res); row++) {
        for (size_t i = 0; i < made->count; i++) {
            if (strcmp(made->list[i].name, pg_result_text(res, row, 0)) == 0)
                fault_at(r, i, pg_result_text(res, row, 1), "duplicate");
        }
    }
    request_problem_begin(r, &p, PROBLEM_CONFLICT,
                          arena_printf(r->arena, "账号已存在 / account exists already: %s",
                                       pg_result_text(res, 0, 0)));
    problem_write_faults(&p.w, &r->faults);
    request_problem_end(r, &p);
}

static void take_created(struct request *r, const struct pg_result *res)
{
    struct fresh_list *made = r->state;

    INVARIANT(pg_result_rows(res) > 0);
    if (!pg_result_null(res, 0, 1)) {
        reply_taken(r, res);
        return;
    }
    for (size_t i = 0; i < made->count; i++)
        made->list[i].is_made = true;
    reload(r, on_created_loaded);
}

/* Outcomes of statements that request_submit() does not fit. */
static void reply_failed(struct request *r, const struct pg_result *res)
{
    if (pg_result_outcome(res) != PG_REJECTED) {
        request_problem(r, PROBLEM_UNAVAILABLE, NULL);
        return;
    }
    log_limited(LOG_LEVEL_ERROR, "accounts", "statement refused sqlstate=%s %s",
                pg_result_sqlstate(res), pg_result_message(res));
    request_problem(r, PROBLEM_INTERNAL, NULL);
}

static void on_created(void *ctx, const struct pg_result *res)
{
    struct request *r = ctx;

    r->op = NULL;
    if (pg_result_outcome(res) == PG_ROWS)
        take_created(r, res);
    else if (strcmp(pg_result_sqlstate(res), "23505") == 0) /* by somebody else, this moment */
        request_problem(r, PROBLEM_CONFLICT, "账号已存在 / one of the accounts exists already");
    else
        reply_failed(r, res);
}

void admin_accounts_post(struct request *r)
{
    struct fresh_list *made = decode_accounts(r);
    struct pg_array names, roles, units, hashes, agents;
    struct pg_params params;

    if (!made)
        return;
    pg_array_init(&names, r->arena);
    pg_array_init(&roles, r->arena);
    pg_array_init(&units, r->arena);
    pg_array_init(&hashes, r->arena);
    pg_array_init(&agents, r->arena);
    for (size_t i = 0; i < made->count; i++) {
        pg_array_text(&names, made->list[i].name);
        pg_array_text(&roles, role_words[made->list[i].role].code);
        pg_array_text(&units, made->list[i].unit);
        pg_array_text(&agents, made->list[i].agent);
        make_token(&made->list[i], r->arena, &hashes);
    }
    pg_params_init(&params, r->arena);
    pg_param_array(&params, &names);
    pg_param_array(&params, &roles);
    pg_param_array(&params, &units);
    pg_param_array(&params, &hashes);
    param_author(r, &params);
    pg_param_array(&params, &agents);
    r->state = made;
    r->op = pg_submit(r->d->work_pool, &SQL_ACCOUNT_CREATE, &params, DAEMON_WRITE_TIMEOUT_US,
                      on_created, r);
}

/* ---- an account for every unit -----------------------------------------------------------------
 */

static void on_units_loaded(struct request *r, const struct pg_result *res)
{
    auth_take(r->d->auth, r->asked, res);
    reply_fresh(r, 200);
}

static void on_units_created(struct request *r, const struct pg_result *res)
{
    struct fresh_list *made = r->state;
    struct map *by_name = map_new();

    for (size_t i = 0; i < made->count; i++)
        map_puts(by_name, made->list[i].name, &made->list[i]);
    for (int row = 0; row < pg_result_rows(res); row++) {
        struct fresh *fresh = map_gets(by_name, pg_result_text(res, row, 0));
        INVARIANT(fresh != NULL);
        fresh->is_made = true;
    }
    map_free(&by_name);
    reload(r, on_units_loaded);
}

static struct fresh_list *all_units(struct request *r)
{
    const struct city *city = r->d->city;
    struct fresh_list *made = arena_alloc(r->arena, sizeof(*made));
    struct map *taken = map_new();

    made->count = city_unit_count(city);
    made->list = arena_alloc(r->arena, made->count * sizeof(*made->list));
    for (size_t i = 0; i < made->count; i++) {
        struct fresh *fresh = &made->list[i];
        fresh->role = ROLE_UNIT;
        fresh->unit = arena_strdup(r->arena, city_unit(city, (int)i)->code);
        fresh->name = account_unit_name(fresh->unit, taken, r->arena);
    }
    map_free(&taken);
    return made;
}

void admin_accounts_units_post(struct request *r)
{
    struct pg_array names, units, hashes;
    struct pg_params params;

    if (!body_is_empty(r))
        return;
    if (!r->d->city) {
        request_problem(r, PROBLEM_NO_CITY, NULL);
        return;
    }
    struct fresh_list *made = all_units(r);
    pg_array_init(&names, r->arena);
    pg_array_init(&units, r->arena);
    pg_array_init(&hashes, r->arena);
    for (size_t i = 0; i < made->count; i++) {
        pg_array_text(&names, made->list[i].name);
        pg_array_text(&units, made->list[i].unit);
        make_token(&made->list[i], r->arena, &hashes);
    }
    pg_params_init(&params, r->arena);
    pg_param_array(&params, &names);
    pg_param_array(&params, &units);
    pg_param_array(&params, &hashes);
    param_author(r, &params);
    r->state = made;
    request_submit(r, r->d->work_pool, &SQL_ACCOUNT_CREATE_UNITS, &params, DAEMON_WRITE_TIMEOUT_US,
                   on_units_created);
}

/* ---- rotate ------------------------------------------------------------------------------------
 */

static void on_rotated_loaded(struct request *r, const struct pg_result *res)
{
    const struct fresh *fresh = r->state;
    struct json_writer w;
    struct sbuf out;

    auth_take(r->d->auth, r->asked, res);
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_string(&w, "name", fresh->name);
    jw_string(&w, "token", fresh->token);
    write_secret(r, &w, fresh->role, fresh->token);
    jw_object_end(&w);
    request_reply(r, 200, &out);
}

/* Of the group: the lock, then the rotation. */
static void on_rotated(void *ctx, const struct pg_result *res)
{
    struct request *r = ctx;
    struct fresh *fresh = r->state;

    r->op = NULL;
    if (pg_result_outcome(res) == PG_ROWS && pg_result_rows(pg_result_at(res, 0)) > 0)
        fresh->role = word_find(role_words, ROLE_COUNT, pg_result_text(pg_result_at(res, 0), 0, 0));
    if (pg_result_outcome(res) != PG_ROWS)
        reply_failed(r, res);
    else if (pg_result_rows(pg_result_at(res, 0)) == 0)
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
    else if (pg_result_rows(pg_result_at(res, 1)) == 0)
        request_problem(r, PROBLEM_CONFLICT, "账号已停用 / the account is disabled");
    else
        reload(r, on_rotated_loaded);
}

void admin_account_rotate_post(struct request *r)
{
    struct fresh *fresh = arena_alloc(r->arena, sizeof(*fresh));
    uint8_t hash[CRYPTO_SHA256_SIZE];
    struct pg_params lock, rotate;

    if (!body_is_empty(r))
        return;
    fresh->name = r->param[0];
    crypto_token(fresh->token);
    crypto_sha256(fresh->token, strlen(fresh->token), hash);
    pg_params_init(&lock, r->arena);
    pg_param_text(&lock, fresh->name);
    pg_params_init(&rotate, r->arena);
    pg_param_text(&rotate, fresh->name);
    pg_param_bytea(&rotate, hash, sizeof(hash));
    param_author(r, &rotate);
    const struct pg_call calls[] = {{&SQL_ACCOUNT_LOCK, &lock}, {&SQL_ACCOUNT_ROTATE, &rotate}};
    r->state = fresh;
    r->op = pg_submit_group(r->d->work_pool, calls, ARRAY_LEN(calls), DAEMON_WRITE_TIMEOUT_US,
                            on_rotated, r);
}

/* ---- disable -----------------------------------------------------------------------------------
 */

static void on_disabled_loaded(struct request *r, const struct pg_result *res)
{
    struct json_writer w;
    struct sbuf out;

    auth_take(r->d->auth, r->asked, res);
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_string(&w, "name", r->param[0]);
    jw_bool(&w, "disabled", true);
    jw_object_end(&w);
    request_reply(r, 200, &out);
}

static void on_disabled(struct request *r, const struct pg_result *res)
{
    if (pg_result_rows(res) == 0)
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
    else
        reload(r, on_disabled_loaded);
}

void admin_account_disable_post(struct request *r)
{
    struct pg_params params;

    if (!body_is_empty(r))
        return;
    pg_params_init(&params, r->arena);
    pg_param_text(&params, r->param[0]);
    param_author(r, &params);
    request_submit(r, r->d->work_pool, &SQL_ACCOUNT_DISABLE, &params, DAEMON_WRITE_TIMEOUT_US,
                   on_disabled);
}

/* ---- whose screen pops -------------------------------------------------------------------------
 */

static void on_agent_loaded(struct request *r, const struct pg_result *res)
{
    struct json_writer w;
    struct sbuf out;

    auth_take(r->d->auth, r->asked, res);
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_string(&w, "name", r->param[0]);
    jw_string(&w, "agent", r->state);
    jw_object_end(&w);
    request_reply(r, 200, &out);
}

static void on_agent(struct request *r, const struct pg_result *res)
{
    if (pg_result_rows(res) == 0)
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
    else if (!pg_result_bool(res, 0, 1))
        request_problem(r, PROBLEM_CONFLICT,
                        "只有坐席账号有工号 / only desks and supervisors have an agent id");
    else
        reload(r, on_agent_loaded);
}

void admin_account_agent_post(struct request *r)
{
    struct body {
        const char *agent;
    } body = {NULL};
    static const struct field fields[] = {
        {.name = "agent", .type = FIELD_STRING, .min = 1, .max = ACCOUNT_NAME_MAX},
    };
    struct pg_params params;

    if (!request_query_ok(r) || !request_parse_body(r))
        return;
    if (json_decode(json_root(r->body), fields, ARRAY_LEN(fields), &body, r->arena, &r->faults) &&
        body.agent && !account_name_valid(body.agent))
        faults_add(&r->faults, "agent", "format");
    if (r->faults.count) {
        request_reply_faults(r);
        return;
    }
    r->state = body.agent ? arena_strdup(r->arena, body.agent) : NULL;
    pg_params_init(&params, r->arena);
    pg_param_text(&params, r->param[0]);
    pg_param_text(&params, body.agent);
    param_author(r, &params);
    request_submit(r, r->d->work_pool, &SQL_ACCOUNT_AGENT, &params, DAEMON_WRITE_TIMEOUT_US,
                   on_agent);
}
