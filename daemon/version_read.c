/*
 * version_read.c - what is stored: versions, drafts, plans.
 */
#include <string.h>

#include "daemon/cursor.h"
#include "daemon/version.h"
#include "sql_catalogue.h"

#define LIST_DEFAULT 50
#define LIST_MAX 200

/* ---- lists -------------------------------------------------------------------------------------
 */

/* The first column of each is the number that the next page goes by. */
struct listing {
    enum city_part part;
    const struct pg_stmt *stmt;
    const char *scope;
    void (*write)(struct json_writer *w, const struct request *r, const struct pg_result *res,
                  int row);
    int64_t limit, below;
};

static void on_listed(struct request *r, const struct pg_result *res)
{
    const struct listing *l = r->state;
    int rows = pg_result_rows(res), shown = rows > (int)l->limit ? (int)l->limit : rows;
    char cursor[CURSOR_SIZE];
    struct json_writer w;
    struct sbuf out;

    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_string(&w, "part", city_part_words[l->part].code);
    jw_int(&w, "in_force", version_in_force(r->d, l->part));
    jw_array(&w, "items");
    for (int i = 0; i < shown; i++) {
        jw_object(&w, NULL);
        l->write(&w, r, res, i);
        jw_object_end(&w);
    }
    jw_array_end(&w);
    if (rows > shown) {
        int64_t last = pg_result_int(res, shown - 1, 0);
        cursor_format(r->d->index_key, l->scope, &last, 1, cursor);
    }
    jw_string(&w, "next", rows > shown ? cursor : NULL);
    jw_object_end(&w);
    request_reply(r, 200, &out);
}

static void list(struct request *r, const struct pg_stmt *stmt,
                 void (*write)(struct json_writer *w, const struct request *r,
                               const struct pg_result *res, int row))
{
    struct listing *l = arena_alloc(r->arena, sizeof(*l));
    const char *after = query_get(&r->query, "after");
    struct pg_params params;

    if (!version_part_read(r, &l->part))
        return;
    l->stmt = stmt;
    l->write = write;
    l->scope = arena_printf(r->arena, "%s/%s", stmt->name, city_part_words[l->part].code);
    l->limit = request_query_int(r, "limit", LIST_DEFAULT, 1, LIST_MAX);
    l->below = INT64_MAX;
    if (after && !cursor_parse(r->d->index_key, l->scope, after, &l->below, 1))
        faults_add(&r->faults, "after", "format");
    if (!request_query_ok(r))
        return;
    r->state = l;
    pg_params_init(&params, r->arena);
    pg_param_text(&params, city_part_words[l->part].code);
    pg_param_int(&params, l->below);
    pg_param_int(&params, l->limit + 1);
    request_submit(r, r->d->report_pool, stmt, &params, DAEMON_READ_TIMEOUT_US, on_listed);
}

static void write_optional_int(struct json_writer *w, const char *key, const struct pg_result *res,
                               int row, int col)
{
    if (pg_result_null(res, row, col))
        jw_null(w, key);
    else
        jw_int(w, key, pg_result_int(res, row, col));
}

static void write_text(struct json_writer *w, const char *key, const struct pg_result *res, int row,
                       int col)
{
    jw_string(w, key, pg_result_null(res, row, col) ? NULL : pg_result_text(res, row, col));
}

/* [[since, until], ...] in microseconds, as instants of the city. */
static void write_periods(struct json_writer *w, const struct request *r, const char *text,
                          size_t len)
{
    struct faults faults;
    int offset = version_offset_min(r->d);

    faults_init(&faults, r->arena);
    struct json_doc *doc = json_parse(text, len, &faults);
    const struct json_value *periods = json_root(doc);
    jw_array(w, "periods");
    for (size_t i = 0; i < json_array_length(periods); i++) {
        const struct json_value *period = json_at(periods, i);
        jw_object(w, NULL);
        jw_instant(w, "from", json_int(json_at(period, 0)), offset);
        jw_instant(w, "to", json_int(json_at(period, 1)), offset);
        jw_object_end(w);
    }
    jw_array_end(w);
    json_doc_free(&doc);
}

static void write_version(struct json_writer *w, const struct request *r,
                          const struct pg_result *res, int row)
{
    jw_int(w, "version", pg_result_int(res, row, 0));
    write_text(w, "name", res, row, 1);
    jw_int(w, "size", pg_result_int(res, row, 2));
    jw_instant(w, "created_at", pg_result_int(res, row, 3), version_offset_min(r->d));
    write_text(w, "created_by", res, row, 4);
    write_periods(w, r, pg_result_text(res, row, 5), pg_result_length(res, row, 5));
}

static void write_draft(struct json_writer *w, const struct request *r, const struct pg_result *res,
                        int row)
{
    jw_int(w, "draft", pg_result_int(res, row, 0));
    write_text(w, "name", res, row, 1);
    jw_int(w, "size", pg_result_int(res, row, 2));
    jw_int(w, "warning_count", pg_result_int(res, row, 3));
    write_optional_int(w, "version", res, row, 4);
    jw_instant(w, "created_at", pg_result_int(res, row, 5), version_offset_min(r->d));
    write_text(w, "created_by", res, row, 6);
}

static void write_activation(struct json_writer *w, const struct request *r,
                             const struct pg_result *res, int row)
{
    int offset = version_offset_min(r->d);

    jw_int(w, "activation", pg_result_int(res, row, 0));
    jw_int(w, "draft", pg_result_int(res, row, 1));
    jw_int(w, "version", pg_result_int(res, row, 2));
    jw_instant(w, "at", pg_result_int(res, row, 3), offset);
    write_text(w, "by", res, row, 4);
    write_text(w, "state", res, row, 5);
    jw_instant(w, "ended_at", pg_result_int(res, row, 6), offset);
    write_text(w, "reason", res, row, 7);
}

void version_list_get(struct request *r)
{
    list(r, &SQL_VERSION_LIST, write_version);
}

void draft_list_get(struct request *r)
{
    list(r, &SQL_DRAFT_LIST, write_draft);
}

void activation_list_get(struct request *r)
{
    list(r, &SQL_ACTIVATION_LIST, write_activation);
}

/* ---- one ---------------------------------------------------------------------------------------
 */

struct showing {
    enum city_part part;
    int64_t id;
};

/* Body and text are as long as they are: up to a whole set of rules. */
static void show_begin(struct json_writer *w, struct sbuf *out, const struct showing *s,
                       const char *key)
{
    sbuf_init(out, SIZE_MAX / 2);
    jw_init(w, out);
    jw_object(w, NULL);
    jw_string(w, "part", city_part_words[s->part].code);
    jw_int(w, key, s->id);
}

static void on_version(struct request *r, const struct pg_result *res)
{
    const struct showing *s = r->state;
    struct json_writer w;
    struct sbuf out;

    if (pg_result_rows(res) == 0) {
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
        return;
    }
    show_begin(&w, &out, s, "version");
    write_text(&w, "name", res, 0, 0);
    jw_bool(&w, "is_in_force", s->id == version_in_force(r->d, s->part));
    jw_instant(&w, "created_at", pg_result_int(res, 0, 1), version_offset_min(r->d));
    write_text(&w, "created_by", res, 0, 2);
    jw_raw(&w, "body", pg_result_text(res, 0, 3), pg_result_length(res, 0, 3));
    jw_object_end(&w);
    request_reply(r, 200, &out);
}

static void on_draft(struct request *r, const struct pg_result *res)
{
    const struct showing *s = r->state;
    struct json_writer w;
    struct sbuf out;

    if (pg_result_rows(res) == 0) {
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
        return;
    }
    show_begin(&w, &out, s, "draft");
    write_text(&w, "name", res, 0, 0);
    write_optional_int(&w, "version", res, 0, 4);
    jw_instant(&w, "created_at", pg_result_int(res, 0, 5), version_offset_min(r->d));
    write_text(&w, "created_by", res, 0, 6);
    jw_raw(&w, "warnings", pg_result_text(res, 0, 2), pg_result_length(res, 0, 2));
    jw_int(&w, "warning_count", pg_result_int(res, 0, 3));
    jw_raw(&w, "body", pg_result_text(res, 0, 1), pg_result_length(res, 0, 1));
    jw_object_end(&w);
    request_reply(r, 200, &out);
}

static void show(struct request *r, struct showing *s, const struct pg_stmt *stmt,
                 void (*done)(struct request *r, const struct pg_result *res))
{
    struct pg_params params;

    r->state = s;
    pg_params_init(&params, r->arena);
    pg_param_text(&params, city_part_words[s->part].code);
    pg_param_int(&params, s->id);
    request_submit(r, r->d->report_pool, stmt, &params, DAEMON_READ_TIMEOUT_US, done);
}

void version_get(struct request *r)
{
    struct showing *s = arena_alloc(r->arena, sizeof(*s));

    if (!version_part_read(r, &s->part) || !request_query_ok(r))
        return;
    if (strcmp(r->param[1], "active") == 0)
        s->id = version_in_force(r->d, s->part);
    else if (!version_id_read(r, 1, &s->id))
        return;
    show(r, s, &SQL_VERSION_GET, on_version);
}

void draft_get(struct request *r)
{
    struct showing *s = arena_alloc(r->arena, sizeof(*s));

    if (version_part_read(r, &s->part) && request_query_ok(r) && version_id_read(r, 1, &s->id))
        show(r, s, &SQL_DRAFT_GET, on_draft);
}
