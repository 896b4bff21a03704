/*
 * ticket_get.c - one ticket, whole, for those who may see it.
 */
#include <stdio.h>

#include "daemon/audit.h"
#include "daemon/ticket_read.h"
#include "daemon/ticket_record.h"
#include "sql_catalogue.h"

struct viewing {
    const char *action;
    void (*show)(struct request *r, const struct ticket_record *record);
};

static void on_loaded(struct request *r, const struct pg_result *res)
{
    struct ticket_record *record = arena_alloc(r->arena, sizeof(*record));
    const struct viewing *viewing = r->state;

    if (pg_result_rows(res) == 0 || !r->d->city) {
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
        return;
    }
    ticket_record_read(r->d, res, 0, r->arena, record);
    if (authorise(r->account, r->route->roles, &record->view) != AUTHZ_ALLOW) {
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
        return;
    }
    audit_view(r, viewing->action, record->view.number, NULL);
    viewing->show(r, record);
}

void ticket_view_one(struct request *r, const char *action,
                     void (*show)(struct request *r, const struct ticket_record *record))
{
    struct viewing *viewing = arena_alloc(r->arena, sizeof(*viewing));
    struct pg_params params;
    int64_t number;

    if (!request_query_ok(r) || !request_param_number(r, &number))
        return;
    viewing->action = action;
    viewing->show = show;
    r->state = viewing;
    ticket_record_params(&params, r->arena, &number, 1, 0);
    request_submit(r, r->d->work_pool, &SQL_TICKET_LOAD, &params, DAEMON_READ_TIMEOUT_US,
                   on_loaded);
}

static void show(struct request *r, const struct ticket_record *record)
{
    const struct ticket_sight sight = auth_sight(r->account, record);
    struct json_writer w;
    struct sbuf out;
    char etag[16];

    (void)snprintf(etag, sizeof(etag), "\"%d\"", record->view.version);
    http_reply_header(r->http, "ETag", etag);
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    ticket_json_write(&w, record, r->d->city, &sight);
    jw_object_end(&w);
    request_reply(r, 200, &out);
}

void ticket_get(struct request *r)
{
    ticket_view_one(r, "ticket.view", show);
}
