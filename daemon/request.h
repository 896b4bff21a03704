/*
 * request.h - one HTTP request on its way through a use case.
 *
 * A use case is a handler in the route table: it decodes, submits to the database, and answers from
 * a callback. A request lives until it is answered or its peer is gone. When the peer goes, the
 * pending database operation is cancelled (its callback will not run), on_abort runs if set, and
 * the request is freed: a use case never sees a dead request.
 */
#ifndef DAEMON_REQUEST_H
#define DAEMON_REQUEST_H

#include <stdbool.h>

#include "daemon/auth.h"
#include "daemon/daemon.h"
#include "daemon/problem.h"
#include "daemon/throttle.h"
#include "net/http_server.h"
#include "proto/query.h"

struct request;

struct route_entry {
    enum http_method method;
    const char *path; /* "/v1/tickets/{}/{}": {} is one segment */
    unsigned roles;   /* ROLES_PUBLIC or bits */
    size_t body_max;  /* bytes; 0 = no body */
    void (*handle)(struct request *r);
    const char *operation; /* operationId in proto/openapi.yaml */
};
extern const struct route_entry route_table[];
extern const size_t route_table_count;

#define REQUEST_MAX_PARAMS 2

struct request {
    struct daemon *d;
    struct http_request *http;
    const struct route_entry *route;
    const struct account *account; /* NULL on public routes without a token */
    struct arena *arena;           /* everything of this request */
    const char *param[REQUEST_MAX_PARAMS];
    struct query query;
    struct faults faults;
    struct json_doc *body;
    int64_t now_us; /* the daemon's clock when the request began */
    struct pg_op *op;
    uint64_t asked; /* of an account_load that is under way, see auth_ask() */
    void (*done)(struct request *r, const struct pg_result *res);
    /* Set by use cases that hold the request elsewhere (batches, waiting lists, ticket jobs). */
    void (*on_abort)(struct request *r);
    void *state;
    struct throttle_hold hold;
    int64_t retry_after_s; /* with 429 and 503; 0 = 1 */
};

/* The http_server's handler for a daemon. */
struct http_handler request_handler(struct daemon *d);
void request_register_metrics(void);

/* Parses the body into r->body ({} if empty). false: answered with a problem already. */
MUST_CHECK bool request_parse_body(struct request *r);
/* Answers 400 with r->faults. */
void request_reply_faults(struct request *r);
/* For path parameters. false: answered 404 (bad numbers are told as not found, with the field
 * named). */
MUST_CHECK bool request_param_number(struct request *r, int64_t *number_r);
/* Reads ?limit= (1..max, default given) and other integers; faults are collected. */
int64_t request_query_int(struct request *r, const char *name, int64_t fallback, int64_t min,
                          int64_t max);
int64_t request_query_instant(struct request *r, const char *name, int64_t fallback);
/* Index of a word, or -1 if not given; unknown words are faults. */
int request_query_word(struct request *r, const char *name, const struct word *words, size_t count);
/* false: unknown parameters or other faults; answered 400. */
MUST_CHECK bool request_query_ok(struct request *r);

/* One statement; `done` gets its result only if it is OK or ROWS, everything else is answered here.
 */
void request_submit(struct request *r, struct pg_pool *pool, const struct pg_stmt *stmt,
                    const struct pg_params *params, int64_t timeout_us,
                    void (*done)(struct request *r, const struct pg_result *res));
/* Several as one transaction; pg_result_at() of the result has each of them. */
void request_submit_group(struct request *r, struct pg_pool *pool, const struct pg_call *calls,
                          int count, int64_t timeout_us,
                          void (*done)(struct request *r, const struct pg_result *res));

/* Answers end the request: it must not be touched afterwards. */
void request_reply(struct request *r, int status, struct sbuf *json); /* frees json's memory */
/* 200 with a list that is whole: an item for each row, no next page. */
void request_reply_rows(struct request *r, const struct pg_result *res,
                        void (*write)(struct request *r, struct json_writer *w,
                                      const struct pg_result *res, int row));
/* The same with 200 and another type of content than JSON. */
void request_reply_content(struct request *r, const char *type, struct sbuf *content);
void request_reply_as(struct request *r, int status, const char *type, struct sbuf *content);
void request_problem(struct request *r, enum problem problem, const char *detail);
/* A problem with more members: begin, write them, end. */
struct request_problem_writer {
    const char *detail; /* for those who do not speak problems (request_dialect.h) */
    struct sbuf out;
    struct json_writer w;
    enum problem problem;
};
void request_problem_begin(struct request *r, struct request_problem_writer *p,
                           enum problem problem, const char *detail);
void request_problem_end(struct request *r, struct request_problem_writer *p);
/* Of those that wait: false once the token they came with has ended. */
MUST_CHECK bool request_is_allowed(const struct request *r);
/* Frees a request that became a stream (the http part lives on). */
void request_forget(struct request *r);

#endif
