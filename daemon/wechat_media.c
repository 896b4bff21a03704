/*
 * wechat_media.c - GET /v1/tickets/{}/attachments: what came with a ticket besides words.
 *
 * Pictures, voices and videos of a WeChat conversation are fetched by the bridge, which keeps them
 * and says where; here is only that.
 */
#include <string.h>

#include "base/civil.h"
#include "daemon/ticket_read.h"
#include "daemon/ticket_record.h"
#include "daemon/wechat_private.h"
#include "sql_catalogue.h"

enum { ID, TYPE, AT, URL, SHA256, BYTES, CONTENT_TYPE, STORED, STATE };

static const char *text_or_null(const struct pg_result *res, int row, int col)
{
    return pg_result_null(res, row, col) ? NULL : pg_result_text(res, row, col);
}

static void write_one(struct json_writer *w, const struct pg_result *res, int row, int offset_min)
{
    bool is_failed = strcmp(pg_result_text(res, row, STATE), "failed") == 0;
    bool is_stored = !pg_result_null(res, row, URL);

    jw_object(w, NULL);
    jw_string(w, "id", pg_result_text(res, row, ID));
    jw_string(w, "type", pg_result_text(res, row, TYPE));
    jw_instant(w, "at", pg_result_int(res, row, AT), offset_min);
    jw_string(w, "state", is_stored ? "stored" : is_failed ? "failed" : "waiting");
    jw_string(w, "url", text_or_null(res, row, URL));
    jw_string(w, "sha256", text_or_null(res, row, SHA256));
    if (pg_result_null(res, row, BYTES))
        jw_null(w, "bytes");
    else
        jw_int(w, "bytes", pg_result_int(res, row, BYTES));
    jw_string(w, "content_type", text_or_null(res, row, CONTENT_TYPE));
    jw_instant(w, "stored_at", is_stored ? pg_result_int(res, row, STORED) : 0, offset_min);
    jw_object_end(w);
}

static void on_listed(struct request *r, const struct pg_result *res)
{
    int offset = r->d->city ? city_offset_min(r->d->city) : CIVIL_OFFSET_SHANGHAI_MIN;
    struct json_writer w;
    struct sbuf out;

    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_array(&w, "items");
    for (int i = 0; i < pg_result_rows(res); i++)
        write_one(&w, res, i, offset);
    jw_array_end(&w);
    jw_object_end(&w);
    request_reply(r, 200, &out);
}

static void ask(struct request *r, const struct ticket_record *record)
{
    struct pg_params p;

    pg_params_init(&p, r->arena);
    pg_param_int(&p, record->view.number);
    request_submit(r, r->d->work_pool, &SQL_WECHAT_MEDIA_LIST, &p, DAEMON_READ_TIMEOUT_US,
                   on_listed);
}

void ticket_media_get(struct request *r)
{
    ticket_view_one(r, "ticket.attachments", ask);
}
