/*
 * request.c - from a parsed HTTP request to a handler, and back to an answer.
 */
#include "daemon/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/civil.h"
#include "base/log.h"
#include "base/metrics.h"
#include "daemon/request_dialect.h"

static struct metric requests_total = {
    .name = "hotlined_requests_total",
    .help = "Requests that reached a use case.",
};
static struct metric requests_running = {
    .name = "hotlined_requests_running",
    .help = "Requests that are being worked on or wait.",
    .type = METRIC_GAUGE,
};
static struct metric requests_gone = {
    .name = "hotlined_requests_gone_total",
    .help = "Requests whose peer went before the answer.",
};
static struct metric_histogram request_seconds = {
    .name = "hotlined_request_seconds",
    .help = "From the first byte of a request to its answer.",
};

void request_register_metrics(void)
{
    metrics_register(&requests_total, 1);
    metrics_register(&requests_running, 1);
    metrics_register(&requests_gone, 1);
    metrics_register_histograms(&request_seconds, 1);
}

/* ---- matching a path ---------------------------------------------------------------------------
 */

struct segment {
    const char *at;
    size_t len;
};

static bool match_path(const char *pattern, const char *path, struct segment param[])
{
    size_t params = 0;

    while (*pattern && *path) {
        if (strncmp(pattern, "{}", 2) != 0) {
            if (*pattern++ != *path++)
                return false;
            continue;
        }
        size_t len = strcspn(path, "/");
        if (len == 0 || params == REQUEST_MAX_PARAMS)
            return false;
        param[params++] = (struct segment){path, len};
        path += len;
        pattern += 2;
    }
    return *pattern == *path;
}

/* HEAD is GET without its body; the HTTP layer drops it. */
static enum http_method effective_method(enum http_method method)
{
    return method == HTTP_HEAD ? HTTP_GET : method;
}

static const struct route_entry *find_route(const struct http1_request *head,
                                            struct segment param[], bool *path_known_r)
{
    enum http_method method = effective_method(head->method);

    *path_known_r = false;
    for (size_t i = 0; i < route_table_count; i++) {
        const struct route_entry *route = &route_table[i];
        if (!match_path(route->path, head->path, param))
            continue;
        *path_known_r = true;
        if (route->method == method)
            return route;
    }
    return NULL;
}

static void allow_header(struct http_request *http)
{
    const struct http1_request *head = http_request_head(http);
    struct segment param[REQUEST_MAX_PARAMS];
    struct sbuf allow;

    sbuf_init(&allow, 256);
    for (size_t i = 0; i < route_table_count; i++) {
        if (!match_path(route_table[i].path, head->path, param))
            continue;
        sbuf_addf(&allow, "%s%s", allow.len ? ", " : "", http_method_name(route_table[i].method));
        if (route_table[i].method == HTTP_GET)
            sbuf_adds(&allow, ", HEAD");
    }
    sbuf_adds(&allow, allow.len ? ", OPTIONS" : "OPTIONS");
    http_reply_header(http, "Allow", allow.data);
    sbuf_free(&allow);
}

/* NULL: JSON and problems. */
static const struct request_dialect *dialect_of(const struct http1_request *head)
{
    for (size_t i = 0; i < request_dialect_count; i++) {
        const struct request_dialect *dialect = request_dialects[i];
        if (strncmp(head->path, dialect->prefix, strlen(dialect->prefix)) == 0)
            return dialect;
    }
    return NULL;
}

/* Returns the content type. */
static const char *write_refusal(struct http_request *http, enum problem problem, int status,
                                 const char *detail, struct sbuf *out)
{
    const struct http1_request *head = http_request_head(http);
    const struct request_dialect *dialect = dialect_of(head);
    struct json_writer w;

    if (dialect && dialect->for_all_sites)
        http_reply_header(http, "Access-Control-Allow-Origin", "*");
    if (dialect && dialect->write_error)
        return dialect->write_error(head, status, problem_detail(problem, status, detail), out);
    jw_init(&w, out);
    problem_begin(&w, problem, status, detail);
    jw_object_end(&w);
    return "application/problem+json";
}

/* ---- admission: before the body is read
 * ------------------------------------------------------------ */

static const struct account *find_account(const struct daemon *d, const struct http1_request *head)
{
    return auth_find(d->auth, http1_header(head, "authorization"));
}

static int64_t on_head(void *ctx, struct http_request *http)
{
    const struct daemon *d = ctx;
    const struct http1_request *head = http_request_head(http);
    struct segment param[REQUEST_MAX_PARAMS];
    bool path_known;
    const struct route_entry *route = find_route(head, param, &path_known);

    if (!route && head->method == HTTP_OPTIONS && path_known)
        return 0;
    if (!route)
        return path_known ? -405 : -404;
    enum authz authz = authorise(find_account(d, head), route->roles, NULL);
    if (authz == AUTHZ_UNKNOWN)
        return -401;
    if (authz != AUTHZ_ALLOW)
        return -403;
    return (int64_t)route->body_max;
}

static enum problem problem_of_status(int status)
{
    static const enum problem known[] = {PROBLEM_UNAUTHORIZED, PROBLEM_FORBIDDEN, PROBLEM_NOT_FOUND,
                                         PROBLEM_METHOD};
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (problem_status(known[i]) == status)
            return known[i];
    }
    return PROBLEM_HTTP;
}

static void on_refuse(void *ctx, struct http_request *http, int status, const char *reason)
{
    enum problem problem = problem_of_status(status);
    const char *type;
    struct sbuf out;

    (void)ctx;
    sbuf_init(&out, 0);
    type = write_refusal(http, problem, status, problem == PROBLEM_HTTP ? reason : NULL, &out);
    problem_count(problem);
    if (status == 401)
        http_reply_header(http, "WWW-Authenticate", "Bearer");
    if (status == 405)
        allow_header(http);
    if (status == 503 || status == 429)
        http_reply_header(http, "Retry-After", "1");
    http_reply(http, status, type, out.data, out.len);
    sbuf_free(&out);
}

/* ---- life
 * ------------------------------------------------------------------------------------------------
 */

static void request_free(struct request *r)
{
    struct arena *arena = r->arena;

    pg_cancel(&r->op);
    throttle_end(r);
    json_doc_free(&r->body);
    metric_add(&requests_running, -1);
    arena_free(&arena);
}

static struct request *request_new(struct daemon *d, struct http_request *http)
{
    struct arena *arena = arena_new();
    struct request *r = arena_alloc(arena, sizeof(*r));

    r->d = d;
    r->http = http;
    r->arena = arena;
    r->now_us = daemon_now_us(d);
    faults_init(&r->faults, arena);
    metric_inc(&requests_total);
    metric_inc(&requests_running);
    http_request_set_user(http, r);
    return r;
}

static void reply_options(struct http_request *http)
{
    allow_header(http);
    http_reply(http, 204, NULL, NULL, 0);
}

static bool media_type_ok(const struct http1_request *head)
{
    const struct request_dialect *dialect = dialect_of(head);
    const char *type = http1_header(head, "content-type");
    const char *wanted = dialect ? dialect->media_type : "application/json";

    if (!type || !wanted)
        return true;
    size_t len = strcspn(type, "; \t");
    return len == strlen(wanted) && strncasecmp(type, wanted, len) == 0;
}

static void on_request(void *ctx, struct http_request *http)
{
    struct daemon *d = ctx;
    const struct http1_request *head = http_request_head(http);
    struct segment param[REQUEST_MAX_PARAMS] = {{0}};
    bool path_known;
    const struct route_entry *route = find_route(head, param, &path_known);

    if (!route) { /* admitted by on_head: OPTIONS of a known path */
        reply_options(http);
        return;
    }
    struct request *r = request_new(d, http);
    r->route = route;
    r->account = find_account(d, head);
    for (size_t i = 0; i < REQUEST_MAX_PARAMS && param[i].at; i++)
        r->param[i] = arena_strndup(r->arena, param[i].at, param[i].len);
    size_t body_len;
    (void)http_request_body(http, &body_len);
    if (authorise(r->account, route->roles, NULL) != AUTHZ_ALLOW) /* revoked while the body came */
        request_problem(r, PROBLEM_UNAUTHORIZED, NULL);
    else if (body_len && !media_type_ok(head))
        request_problem(r, PROBLEM_MEDIA_TYPE, NULL);
    else if (!query_parse(head->query, strlen(head->query), &r->query, r->arena, &r->faults))
        request_reply_faults(r);
    else
        route->handle(r);
}

static void on_abort(void *ctx, struct http_request *http)
{
    struct request *r = http_request_user(http);

    (void)ctx;
    if (!r)
        return;
    metric_inc(&requests_gone);
    if (r->on_abort)
        r->on_abort(r);
    request_free(r);
}

struct http_handler request_handler(struct daemon *d)
{
    return (struct http_handler){
        .on_head = on_head,
        .on_refuse = on_refuse,
        .on_request = on_request,
        .on_abort = on_abort,
        .ctx = d,
    };
}

/* ---- input
 * -------------------------------------------------------------------------------------------------
 */

bool request_parse_body(struct request *r)
{
    size_t len;
    const char *text = http_request_body(r->http, &len);

    r->body = len ? json_parse(text, len, &r->faults) : json_parse("{}", 2, &r->faults);
    if (r->body)
        return true;
    request_reply_faults(r);
    return false;
}

bool request_param_number(struct request *r, int64_t *number_r)
{
    if (ticket_number_parse(r->param[0], strlen(r->param[0]), number_r))
        return true;
    struct request_problem_writer p;
    faults_add(&r->faults, "number", "format");
    request_problem_begin(r, &p, PROBLEM_NOT_FOUND,
                          "工单编号有误 / not a valid ticket number: a digit is wrong");
    problem_write_faults(&p.w, &r->faults);
    request_problem_end(r, &p);
    return false;
}

int64_t request_query_int(struct request *r, const char *name, int64_t fallback, int64_t min,
                          int64_t max)
{
    const char *text = query_get(&r->query, name);

    if (!text)
        return fallback;
    size_t digits = strspn(text, "0123456789");
    long long value = digits && digits <= 18 && !text[digits] ? strtoll(text, NULL, 10) : -1;
    if (value < min || value > max) {
        faults_add(&r->faults, name, value < 0 ? "format" : "range");
        return fallback;
    }
    return value;
}

int64_t request_query_instant(struct request *r, const char *name, int64_t fallback)
{
    const char *text = query_get(&r->query, name);
    int64_t instant;

    if (!text)
        return fallback;
    if (civil_parse_instant(text, strlen(text), &instant))
        return instant;
    faults_add(&r->faults, name, "format");
    return fallback;
}

int request_query_word(struct request *r, const char *name, const struct word *words, size_t count)
{
    const char *text = query_get(&r->query, name);

    if (!text)
        return -1;
    int index = word_find(words, count, text);
    if (index < 0)
        faults_add(&r->faults, name, "not_allowed");
    return index;
}

bool request_query_ok(struct request *r)
{
    query_reject_unused(&r->query, &r->faults);
    if (r->faults.count == 0)
        return true;
    request_reply_faults(r);
    return false;
}

/* ---- database
 * --------------------------------------------------------------------------------------------------
 */

static void fail_submit(struct request *r, const struct pg_result *res)
{
    if (pg_result_outcome(res) != PG_REJECTED) {
        request_problem(r, PROBLEM_UNAVAILABLE, NULL);
        return;
    }
    log_limited(LOG_LEVEL_ERROR, "request", "statement refused operation=%s sqlstate=%s %s",
                r->route->operation, pg_result_sqlstate(res), pg_result_message(res));
    request_problem(r, PROBLEM_INTERNAL, NULL);
}

static void on_result(void *ctx, const struct pg_result *res)
{
    struct request *r = ctx;

    r->op = NULL;
    if (pg_result_outcome(res) == PG_OK || pg_result_outcome(res) == PG_ROWS)
        r->done(r, res);
    else
        fail_submit(r, res);
}

void request_submit(struct request *r, struct pg_pool *pool, const struct pg_stmt *stmt,
                    const struct pg_params *params, int64_t timeout_us,
                    void (*done)(struct request *r, const struct pg_result *res))
{
    INVARIANT(r->op == NULL);
    r->done = done;
    r->op = pg_submit(pool, stmt, params, timeout_us, on_result, r);
}

void request_submit_group(struct request *r, struct pg_pool *pool, const struct pg_call *calls,
                          int count, int64_t timeout_us,
                          void (*done)(struct request *r, const struct pg_result *res))
{
    INVARIANT(r->op == NULL);
    r->done = done;
    r->op = pg_submit_group(pool, calls, count, timeout_us, on_result, r);
}

/* ---- answers
 * ---------------------------------------------------------------------------------------------------
 */

static void reply(struct request *r, int status, const char *type, struct sbuf *content)
{
    int64_t us = clk_mono_us() - http_request_started_us(r->http);

    INVARIANT(!content->overflow);
    metric_observe_us(&request_seconds, us);
    http_request_set_user(r->http, NULL);
    http_reply(r->http, status, type, content->data, content->len);
    sbuf_free(content);
    request_free(r);
}

void request_reply(struct request *r, int status, struct sbuf *json)
{
    reply(r, status, status >= 400 ? "application/problem+json" : "application/json; charset=utf-8",
          json);
}

void request_reply_rows(struct request *r, const struct pg_result *res,
                        void (*write)(struct request *r, struct json_writer *w,
                                      const struct pg_result *res, int row))
{
    struct json_writer w;
    struct sbuf out;

    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_array(&w, "items");
    for (int row = 0; row < pg_result_rows(res); row++)
        write(r, &w, res, row);
    jw_array_end(&w);
    jw_null(&w, "next");
    jw_object_end(&w);
    request_reply(r, 200, &out);
}

void request_reply_content(struct request *r, const char *type, struct sbuf *content)
{
    reply(r, 200, type, content);
}

bool request_is_allowed(const struct request *r)
{
    const struct account *account = find_account(r->d, http_request_head(r->http));

    return authorise(account, r->route->roles, NULL) == AUTHZ_ALLOW && account == r->account;
}

void request_forget(struct request *r)
{
    http_request_set_user(r->http, NULL);
    request_free(r);
}

void request_reply_as(struct request *r, int status, const char *type, struct sbuf *content)
{
    reply(r, status, type, content);
}

void request_problem_begin(struct request *r, struct request_problem_writer *p,
                           enum problem problem, const char *detail)
{
    p->problem = problem;
    p->detail = detail ? arena_strdup(r->arena, detail) : NULL;
    sbuf_init(&p->out, 0);
    jw_init(&p->w, &p->out);
    problem_begin(&p->w, problem, problem_status(problem), detail);
}

void request_problem_end(struct request *r, struct request_problem_writer *p)
{
    int status = problem_status(p->problem);

    jw_object_end(&p->w);
    problem_count(p->problem);
    if (status == 503 || status == 429)
        http_reply_header(
            r->http, "Retry-After",
            arena_printf(r->arena, "%lld", (long long)(r->retry_after_s ? r->retry_after_s : 1)));
    if (status == 401)
        http_reply_header(r->http, "WWW-Authenticate", "Bearer");
    const struct request_dialect *dialect = dialect_of(http_request_head(r->http));
    if (!dialect || !dialect->write_error) {
        request_reply(r, status, &p->out);
        return;
    }
    sbuf_clear(&p->out);
    const char *type = write_refusal(r->http, p->problem, status, p->detail, &p->out);
    request_reply_as(r, status, type, &p->out);
}

/* "service_code: required; lat: range", for those who are told in words only. */
static const char *faults_text(const struct faults *faults)
{
    struct sbuf out;

    sbuf_init(&out, 0);
    for (size_t i = 0; i < faults->count; i++)
        sbuf_addf(&out, "%s%s%s%s", i ? "; " : "", faults->list[i].field,
                  *faults->list[i].field ? ": " : "", faults->list[i].reason);
    const char *text = arena_strdup(faults->arena, out.data);
    sbuf_free(&out);
    return text;
}

void request_problem(struct request *r, enum problem problem, const char *detail)
{
    struct request_problem_writer p;

    request_problem_begin(r, &p, problem, detail);
    request_problem_end(r, &p);
}

void request_reply_faults(struct request *r)
{
    struct request_problem_writer p;

    request_problem_begin(r, &p, PROBLEM_INVALID, NULL);
    p.detail = faults_text(&r->faults);
    problem_write_faults(&p.w, &r->faults);
    request_problem_end(r, &p);
}
