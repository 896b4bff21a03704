/*
 * open311_read.c - requests that anybody may read: a list, one, and the number that a token stands
 * for.
 *
 * Without dates a list has the last 90 days; two dates may be 90 days apart. Asked for what has
 * changed (updated_after, updated_before) it is in the order of the changes, however old the
 * requests are. Never more than 1,000, then pages, and those not without end. All of it is asked
 * for on a connection of its own, since anybody may ask: however many do, no report waits for them.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/open311.h"
#include "hotline/ticket_number.h"
#include "sql_catalogue.h"

#define SPAN_US (90 * 24 * 3600 * US_PER_SECOND)
#define PAGE_SIZE_MAX 1000
#define PAGE_MAX 1000
/* Requests before a page are walked over for it: whoever wants more says dates. */
#define SKIP_MAX 20000

enum column {
    COL_NUMBER,
    COL_REQUESTED,
    COL_UPDATED,
    COL_EXPECTED,
    COL_CATEGORY,
    COL_OPEN,
    COL_NOTES,
    COL_UNIT,
    COL_ADDRESS,
    COL_DESCRIPTION,
    COL_LAT,
    COL_LONG,
    COL_ADDRESS_ID,
    COL_MEDIA
};

struct question {
    enum open311_format format;
    bool is_one; /* a single request or token: none is 404 */
    bool is_token;
    int64_t from_us, until_us;                   /* 0 = not said */
    int64_t updated_after_us, updated_before_us; /* 0 = not said */
    const char *categories[OPEN311_LIST_MAX];
    size_t category_count;
    int is_open; /* -1 = either */
    int64_t page, page_size;
};

/* ---- answers -----------------------------------------------------------------------------------
 */

static const char *text_or_null(const struct pg_result *res, int row, int col)
{
    return pg_result_null(res, row, col) ? NULL : pg_result_text(res, row, col);
}

static void add_request(struct open311_list *list, const struct city *city,
                        const struct pg_result *res, int row)
{
    const char *unit_code = text_or_null(res, row, COL_UNIT);
    int category = city_find_category(city, pg_result_text(res, row, COL_CATEGORY));
    int unit = unit_code ? city_find_unit(city, unit_code) : -1;
    bool has_place = !pg_result_null(res, row, COL_LAT);
    char id[TICKET_NUMBER_SIZE];

    ticket_number_format(pg_result_int(res, row, COL_NUMBER), id);
    const struct open311_request request = {
        .id = id,
        .is_open = pg_result_bool(res, row, COL_OPEN),
        .status_notes = text_or_null(res, row, COL_NOTES),
        .service_name = category < 0 ? NULL : city_category(city, category)->name,
        .service_code = pg_result_text(res, row, COL_CATEGORY),
        .description = text_or_null(res, row, COL_DESCRIPTION),
        .agency = unit < 0 ? NULL : city_unit(city, unit)->name,
        .requested_us = pg_result_instant(res, row, COL_REQUESTED),
        .updated_us = pg_result_instant(res, row, COL_UPDATED),
        .expected_us = pg_result_instant(res, row, COL_EXPECTED),
        .address = text_or_null(res, row, COL_ADDRESS),
        .address_id = text_or_null(res, row, COL_ADDRESS_ID),
        .has_place = has_place,
        .lat = has_place ? strtod(pg_result_text(res, row, COL_LAT), NULL) : 0,
        .lon = has_place ? strtod(pg_result_text(res, row, COL_LONG), NULL) : 0,
        .media_url = text_or_null(res, row, COL_MEDIA),
    };
    open311_requests_add(list, &request, city_offset_min(city));
}

static void reply_token(struct request *r, enum open311_format format, const struct pg_result *res)
{
    char id[TICKET_NUMBER_SIZE];
    struct sbuf out;

    ticket_number_format(pg_result_int(res, 0, COL_NUMBER), id);
    sbuf_init(&out, 0);
    open311_write_token(&out, format, id, id);
    open311_reply(r, format, &out);
}

/* res NULL: an empty list. */
static void reply_list(struct request *r, enum open311_format format, const struct pg_result *res)
{
    struct open311_list list;
    struct sbuf out;

    sbuf_init(&out, 0);
    open311_requests_begin(&list, format, &out);
    for (int i = 0; res && i < pg_result_rows(res); i++)
        add_request(&list, r->d->city, res, i);
    open311_list_end(&list);
    open311_reply(r, format, &out);
}

static void on_found(struct request *r, const struct pg_result *res)
{
    const struct question *q = r->state;

    if (q->is_one && pg_result_rows(res) == 0)
        open311_not_found(r, "没有找到 / no such request, or it is not published");
    else if (q->is_token)
        reply_token(r, q->format, res);
    else
        reply_list(r, q->format, res);
}

/* ---- by number ---------------------------------------------------------------------------------
 */

static void ask_numbers(struct request *r, struct pg_array *numbers)
{
    struct pg_params params;

    pg_params_init(&params, r->arena);
    pg_param_array(&params, numbers);
    request_submit(r, r->d->public_pool, &SQL_OPEN311_GET, &params, DAEMON_READ_TIMEOUT_US,
                   on_found);
}

static void get_one(struct request *r, bool is_token)
{
    struct question *q = arena_alloc(r->arena, sizeof(*q));
    struct pg_array numbers;
    int64_t number;

    if (!open311_begin(r, &q->format))
        return;
    if (!ticket_number_parse(r->param[0], strlen(r->param[0]), &number)) {
        open311_not_found(r, "没有找到 / no such request, or it is not published");
        return;
    }
    q->is_one = true;
    q->is_token = is_token;
    r->state = q;
    pg_array_init(&numbers, r->arena);
    pg_array_int(&numbers, number);
    ask_numbers(r, &numbers);
}

void open311_request_get(struct request *r)
{
    get_one(r, false);
}

/* We give out no tokens, so a request's number stands for itself. */
void open311_token_get(struct request *r)
{
    get_one(r, true);
}

/* "overrides all other arguments"; what is no number of ours is not found, like any other. */
static void get_many(struct request *r, const struct question *q, const char *ids)
{
    const char *items[OPEN311_LIST_MAX];
    struct pg_array numbers;
    size_t count, found = 0;
    int64_t number;

    if (!open311_read_list(ids, r->arena, items, &count)) {
        faults_add(&r->faults, "service_request_id", "too_long");
        request_reply_faults(r);
        return;
    }
    pg_array_init(&numbers, r->arena);
    for (size_t i = 0; i < count; i++) {
        if (ticket_number_parse(items[i], strlen(items[i]), &number)) {
            pg_array_int(&numbers, number);
            found++;
        }
    }
    if (found)
        ask_numbers(r, &numbers);
    else
        reply_list(r, q->format, NULL);
}

/* ---- by time -----------------------------------------------------------------------------------
 */

static int64_t read_instant(struct request *r, const char *name)
{
    const char *text = query_get(&r->query, name);
    int64_t instant_us = 0;

    if (text && *text && !open311_read_instant(text, &instant_us))
        faults_add(&r->faults, name, "format");
    return instant_us;
}

/* One date stands for the 90 days on its other side. */
static void read_span(struct request *r, struct question *q)
{
    q->from_us = read_instant(r, "start_date");
    q->until_us = read_instant(r, "end_date");
    q->updated_after_us = read_instant(r, "updated_after");
    q->updated_before_us = read_instant(r, "updated_before");
    if (!q->from_us && !q->until_us) {
        if (q->updated_after_us || q->updated_before_us)
            return;
        q->until_us = r->now_us;
    }
    if (!q->from_us)
        q->from_us = q->until_us - SPAN_US;
    if (!q->until_us)
        q->until_us = q->from_us + SPAN_US;
    if (q->until_us < q->from_us || q->until_us - q->from_us > SPAN_US)
        faults_add(&r->faults, "end_date", "range");
}

static void read_status(struct request *r, struct question *q)
{
    const char *text = query_get(&r->query, "status");
    const char *items[OPEN311_LIST_MAX];
    bool open = false, closed = false;
    size_t count;

    q->is_open = -1;
    if (!text || !open311_read_list(text, r->arena, items, &count))
        return;
    for (size_t i = 0; i < count; i++) {
        open |= strcmp(items[i], "open") == 0;
        closed |= strcmp(items[i], "closed") == 0;
        if (strcmp(items[i], "open") != 0 && strcmp(items[i], "closed") != 0)
            faults_add(&r->faults, "status", "not_allowed");
    }
    if (open != closed)
        q->is_open = open;
}

/* false: answered, one of them is not a service. */
static bool read_services(struct request *r, struct question *q)
{
    const char *text = query_get(&r->query, "service_code");

    if (!text)
        return true;
    if (!open311_read_list(text, r->arena, q->categories, &q->category_count)) {
        faults_add(&r->faults, "service_code", "too_long");
        return true;
    }
    for (size_t i = 0; i < q->category_count; i++) {
        if (open311_find_service(r->d, q->categories[i]) < 0) {
            open311_not_found(r, "没有此服务 / service_code was not found");
            return false;
        }
    }
    return true;
}

static void param_instant(struct pg_params *params, int64_t instant_us)
{
    if (instant_us)
        pg_param_instant(params, instant_us);
    else
        pg_param_null(params);
}

static void param_rest(struct pg_params *params, const struct question *q)
{
    struct pg_array categories;

    pg_array_init(&categories, params->arena);
    for (size_t i = 0; i < q->category_count; i++)
        pg_array_text(&categories, q->categories[i]);
    if (q->category_count)
        pg_param_array(params, &categories);
    else
        pg_param_null(params);
    if (q->is_open < 0)
        pg_param_null(params);
    else
        pg_param_bool(params, q->is_open == 1);
    pg_param_int(params, (q->page - 1) * q->page_size);
    pg_param_int(params, q->page_size);
}

static void ask(struct request *r, const struct question *q)
{
    bool by_change = q->from_us == 0;
    struct pg_params params;

    pg_params_init(&params, r->arena);
    if (by_change) {
        pg_param_instant(&params, q->updated_after_us ? q->updated_after_us : 1);
        pg_param_instant(&params, q->updated_before_us ? q->updated_before_us : r->now_us);
    } else {
        pg_param_instant(&params, q->from_us);
        pg_param_instant(&params, q->until_us);
        param_instant(&params, q->updated_after_us);
        param_instant(&params, q->updated_before_us);
    }
    param_rest(&params, q);
    request_submit(r, r->d->public_pool, by_change ? &SQL_OPEN311_UPDATED : &SQL_OPEN311_LIST,
                   &params, DAEMON_READ_TIMEOUT_US, on_found);
}

void open311_requests_get(struct request *r)
{
    struct question *q = arena_alloc(r->arena, sizeof(*q));
    const char *ids = query_get(&r->query, "service_request_id");

    if (!open311_begin_list(r, &q->format))
        return;
    r->state = q;
    if (ids && *ids) {
        get_many(r, q, ids);
        return;
    }
    read_span(r, q);
    read_status(r, q);
    q->page = request_query_int(r, "page", 1, 1, PAGE_MAX);
    q->page_size = request_query_int(r, "page_size", PAGE_SIZE_MAX, 1, PAGE_SIZE_MAX);
    if (!r->faults.count && (q->page - 1) * q->page_size > SKIP_MAX)
        faults_add(&r->faults, "page", "range");
    if (!read_services(r, q))
        return;
    if (r->faults.count)
        request_reply_faults(r);
    else
        ask(r, q);
}
