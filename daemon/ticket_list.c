/*
 * ticket_list.c - many tickets: filtered, newest first, page by page.
 *
 * The keyset is the number, which sorts by time. Four statements with the same parameters differ in
 * the index that drives them; the most selective one that the question allows is taken.
 */
#include <string.h>

#include "base/utf8.h"
#include "daemon/audit.h"
#include "daemon/cursor.h"
#include "daemon/pii.h"
#include "daemon/ticket_read.h"
#include "sql_catalogue.h"

#define LIST_LIMIT 50
#define LIST_LIMIT_MAX 200
#define QUERY_TEXT_MAX 100 /* code points */

enum column {
    COL_NUMBER,
    COL_STATE,
    COL_VERSION,
    COL_CHANNEL,
    COL_KIND,
    COL_URGENCY,
    COL_CATEGORY,
    COL_REGION,
    COL_TITLE,
    COL_RECEIVED,
    COL_LEAD_UNIT,
    COL_OVERDUE,
    COL_ROUND,
    COL_PROBLEM,
    COL_CLOSED,
    COL_CLOSED_TIER
};

struct list {
    int64_t below; /* 0 = from the newest */
    int64_t limit;
    const char *unit, *category, *region, *q; /* NULL = any */
    int state, kind, channel, overdue;        /* -1 = any */
    bool by_phone;
    uint8_t phone_index[CRYPTO_SHA256_SIZE];
    const char *scope; /* of the cursor: the question, whatever the page */
};

/* ---- the question ------------------------------------------------------------------------------
 */

static const char *own_unit(const struct request *r)
{
    return r->account->role == ROLE_UNIT ? r->account->unit : NULL;
}

/* A unit sees its own; asking for another's is not a question it may ask. */
static bool asks_for_others(struct request *r)
{
    const char *unit = query_get(&r->query, "unit"), *own = own_unit(r);

    return unit && own && strcmp(unit, own) != 0;
}

static const char *read_unit(struct request *r)
{
    const char *unit = query_get(&r->query, "unit"), *own = own_unit(r);

    if (unit && city_find_unit(r->d->city, unit) < 0)
        faults_add(&r->faults, "unit", "not_found");
    return own ? own : unit;
}

static const char *read_code(struct request *r, const char *name,
                             int (*find)(const struct city *city, const char *code))
{
    const char *code = query_get(&r->query, name);

    if (code && find(r->d->city, code) < 0)
        faults_add(&r->faults, name, "not_found");
    return code;
}

static void read_phone(struct request *r, struct list *list)
{
    const char *phone = query_get(&r->query, "phone");
    char canonical[PHONE_SIZE];

    if (!phone)
        return;
    if (phone_normalise(phone, canonical)) {
        pii_phone_index(r->d, canonical, list->phone_index);
        list->by_phone = true;
    } else {
        faults_add(&r->faults, "phone", "format");
    }
}

static const char *read_text(struct request *r)
{
    const char *q = query_get(&r->query, "q");

    if (q && !*q)
        faults_add(&r->faults, "q", "too_short");
    else if (q && utf8_length(q, strlen(q)) > QUERY_TEXT_MAX)
        faults_add(&r->faults, "q", "too_long");
    return q;
}

static int read_flag(struct request *r, const char *name)
{
    static const struct word flags[] = {{"false", "否", "no"}, {"true", "是", "yes"}};

    return request_query_word(r, name, flags, ARRAY_LEN(flags));
}

/* The phone stands here as its keyed hash: scopes are not secret. */
static const char *make_scope(struct request *r, const struct list *list)
{
    static const char *const params[] = {"state", "unit",    "category", "region",
                                         "kind",  "channel", "overdue",  "q"};
    char phone[2 * CRYPTO_SHA256_SIZE + 1] = "";
    struct sbuf scope;

    sbuf_init(&scope, 0);
    sbuf_adds(&scope, "tickets");
    for (size_t i = 0; i < ARRAY_LEN(params); i++) {
        const char *value = query_get(&r->query, params[i]);
        if (value)
            sbuf_addf(&scope, "|%s=%zu:%s", params[i], strlen(value), value);
    }
    if (list->by_phone)
        crypto_hex(list->phone_index, sizeof(list->phone_index), phone);
    sbuf_addf(&scope, "|phone=%s|own=%s", phone,
              r->account->role == ROLE_UNIT ? r->account->unit : "");
    const char *text = arena_strdup(r->arena, scope.data);
    sbuf_free(&scope);
    return text;
}

static void read_cursor(struct request *r, struct list *list)
{
    const char *after = query_get(&r->query, "after");

    list->scope = make_scope(r, list);
    if (after && !cursor_parse(r->d->index_key, list->scope, after, &list->below, 1))
        faults_add(&r->faults, "after", "format");
}

static void read_list(struct request *r, struct list *list)
{
    list->state = request_query_word(r, "state", ticket_state_words, TICKET_STATE_COUNT);
    list->kind = request_query_word(r, "kind", kind_words, KIND_COUNT);
    list->channel = request_query_word(r, "channel", channel_words, CHANNEL_COUNT);
    list->overdue = read_flag(r, "overdue");
    list->unit = read_unit(r);
    list->category = read_code(r, "category", city_find_category);
    list->region = read_code(r, "region", city_find_region);
    list->limit = request_query_int(r, "limit", LIST_LIMIT, 1, LIST_LIMIT_MAX);
    list->q = read_text(r);
    read_phone(r, list);
    read_cursor(r, list);
}

/* ---- the statement -----------------------------------------------------------------------------
 */

static void param_word(struct pg_params *params, const struct word *words, int index)
{
    pg_param_text(params, index < 0 ? NULL : words[index].code);
}

static void fill_params(const struct request *r, const struct list *list, struct pg_params *params)
{
    if (list->below)
        pg_param_int(params, list->below);
    else
        pg_param_null(params);
    pg_param_int(params, list->limit + 1);
    param_word(params, ticket_state_words, list->state);
    pg_param_text(params, list->unit);
    pg_param_text(params, list->category);
    pg_param_text(params, list->region);
    param_word(params, kind_words, list->kind);
    param_word(params, channel_words, list->channel);
    if (list->overdue < 0)
        pg_param_null(params);
    else
        pg_param_bool(params, list->overdue == 1);
    pg_param_text(params, list->q);
    pg_param_bytea(params, list->by_phone ? list->phone_index : NULL, sizeof(list->phone_index));
    /* Below the desk a phone must not find whom a confidential ticket is from. */
    pg_param_bool(params, r->account->role != ROLE_UNIT);
}

static const struct pg_stmt *choose_statement(const struct list *list)
{
    if (list->by_phone)
        return &SQL_TICKET_LIST_PHONE;
    if (list->unit)
        return &SQL_TICKET_LIST_UNIT;
    return list->state < 0 ? &SQL_TICKET_LIST : &SQL_TICKET_LIST_STATE;
}

/* ---- the answer --------------------------------------------------------------------------------
 */

static const char *text_of(const struct pg_result *res, int row, enum column col)
{
    return pg_result_null(res, row, (int)col) ? NULL : pg_result_text(res, row, (int)col);
}

static const char *category_name(const struct city *city, const char *code)
{
    int index = code ? city_find_category(city, code) : -1;
    return index < 0 ? NULL : city_category(city, index)->name;
}

static const char *region_name(const struct city *city, const char *code)
{
    int index = code ? city_find_region(city, code) : -1;
    return index < 0 ? NULL : city_region(city, index)->name;
}

static void write_item(struct json_writer *w, const struct city *city, const struct pg_result *res,
                       int row)
{
    int offset = city_offset_min(city);
    char digits[TICKET_NUMBER_SIZE];

    ticket_number_format(pg_result_int(res, row, COL_NUMBER), digits);
    jw_object(w, NULL);
    jw_string(w, "number", digits);
    jw_string(w, "state", text_of(res, row, COL_STATE));
    jw_int(w, "version", pg_result_int(res, row, COL_VERSION));
    jw_string(w, "channel", text_of(res, row, COL_CHANNEL));
    jw_string(w, "kind", text_of(res, row, COL_KIND));
    jw_string(w, "urgency", text_of(res, row, COL_URGENCY));
    jw_string(w, "category", text_of(res, row, COL_CATEGORY));
    jw_string(w, "category_name", category_name(city, text_of(res, row, COL_CATEGORY)));
    jw_string(w, "region", text_of(res, row, COL_REGION));
    jw_string(w, "region_name", region_name(city, text_of(res, row, COL_REGION)));
    jw_string(w, "title", text_of(res, row, COL_TITLE));
    jw_instant(w, "received_at", pg_result_instant(res, row, COL_RECEIVED), offset);
    jw_string(w, "lead_unit", text_of(res, row, COL_LEAD_UNIT));
    jw_bool(w, "overdue", pg_result_bool(res, row, COL_OVERDUE));
    jw_int(w, "round", pg_result_int(res, row, COL_ROUND));
    jw_bool(w, "problem", pg_result_bool(res, row, COL_PROBLEM));
    jw_instant(w, "closed_at", pg_result_instant(res, row, COL_CLOSED), offset);
    jw_string(w, "closed_tier", text_of(res, row, COL_CLOSED_TIER));
    jw_object_end(w);
}

static void write_next(struct json_writer *w, const struct request *r, const struct list *list,
                       const struct pg_result *res)
{
    char cursor[CURSOR_SIZE];

    if (pg_result_rows(res) <= list->limit) {
        jw_null(w, "next");
        return;
    }
    int64_t last = pg_result_int(res, (int)list->limit - 1, COL_NUMBER);
    cursor_format(r->d->index_key, list->scope, &last, 1, cursor);
    jw_string(w, "next", cursor);
}

static void on_listed(struct request *r, const struct pg_result *res)
{
    const struct list *list = r->state;
    struct json_writer w;
    struct sbuf out;

    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_array(&w, "items");
    for (int i = 0; i < pg_result_rows(res) && i < list->limit; i++)
        write_item(&w, r->d->city, res, i);
    jw_array_end(&w);
    write_next(&w, r, list, res);
    jw_object_end(&w);
    request_reply(r, 200, &out);
}

void ticket_list_get(struct request *r)
{
    struct list *list = arena_alloc(r->arena, sizeof(*list));
    struct pg_params params;

    if (!r->d->city) {
        request_problem(r, PROBLEM_NO_CITY, NULL);
        return;
    }
    read_list(r, list);
    if (!request_query_ok(r))
        return;
    if (asks_for_others(r)) {
        request_problem(r, PROBLEM_FORBIDDEN, NULL);
        return;
    }
    if (list->by_phone) /* tells who asked what: as good as a view */
        audit_view(r, "ticket.search", 0, "{\"by\":\"phone\"}");
    r->state = list;
    pg_params_init(&params, r->arena);
    fill_params(r, list, &params);
    request_submit(r, r->d->report_pool, choose_statement(list), &params, DAEMON_READ_TIMEOUT_US,
                   on_listed);
}
