/*
 * ticket_list.c - many tickets: filtered, newest first, page by page.
 *
 * The keyset is the number, which sorts by time. Each statement has another index that drives it;
 * the most selective one that the question allows is taken (choose_way()).
 *
 * Words and places are looked for in two steps. First the newest tickets below the cursor are
 * looked at one by one: what is common fills its page here and need not be gathered from all the
 * years. What is rare is then found by its index below the last one looked at. So neither reads a
 * whole table, and no planner has to guess which of the two it is.
 */
#include <string.h>

#include "base/utf8.h"
#include "daemon/audit.h"
#include "daemon/cursor.h"
#include "daemon/pii.h"
#include "daemon/ticket_read.h"
#include "hotline/bigram.h"
#include "sql_catalogue.h"

#define LIST_LIMIT 50
#define LIST_LIMIT_MAX 200
#define QUERY_TEXT_MAX 100 /* code points */
/* Tickets looked at one by one in the first step: a few milliseconds. */
#define WALK_TICKETS 1000

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
#define COL_WALKED_TO 0 /* of the walk, whose other columns stand one further */

/* What a statement takes behind the parameters of all, in this order. */
enum extra { EXTRA_NONE, EXTRA_PHONE, EXTRA_NUMBER, EXTRA_WALK, EXTRA_GRAMS };

/* How a question is answered. */
struct way {
    const struct pg_stmt *stmt;
    enum extra extra;
};

struct list {
    int64_t below; /* 0 = from the newest */
    int64_t limit;
    const char *unit, *category, *region, *external; /* NULL = any */
    int state, kind, channel, overdue;               /* -1 = any */
    int64_t number;                                  /* asked for as q; 0 = none */
    bool by_words;
    const char *q;
    const char **likes; /* LIKE patterns of the folded words of q, like_count of them */
    size_t like_count;
    struct bigram_set grams; /* their pairs; none of a single character */
    bool by_phone;
    uint8_t phone_index[CRYPTO_SHA256_SIZE];
    const char *scope; /* of the cursor: the question, whatever the page */

    struct way second;  /* after the walk; stmt NULL = the walk goes on by itself */
    const char **items; /* JSON, found so far */
    int64_t *numbers;   /* theirs */
    int64_t found;
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

/* The folded words of q as patterns: a ticket has to hold each of them somewhere. What is between
 * words folds to a blank, so a pattern holds nothing that LIKE takes for a sign. */
static void split_words(struct request *r, struct list *list, const char *q)
{
    struct sbuf folded;

    sbuf_init(&folded, 0);
    bigram_fold(q, strlen(q), &folded);
    list->likes = arena_alloc(r->arena, (folded.len / 2 + 1) * sizeof(*list->likes));
    for (const char *at = folded.data; *at;) {
        size_t len = strcspn(at, " ");
        if (len)
            list->likes[list->like_count++] = arena_printf(r->arena, "%%%.*s%%", (int)len, at);
        at += len + (at[len] == ' ');
    }
    bigram_set_build(folded.data, folded.len, r->arena, &list->grams);
    sbuf_free(&folded);
}

static void read_words(struct request *r, struct list *list)
{
    const char *q = query_get(&r->query, "q");

    if (!q)
        return;
    if (utf8_length(q, strlen(q)) > QUERY_TEXT_MAX) {
        faults_add(&r->faults, "q", "too_long");
        return;
    }
    split_words(r, list, q);
    list->by_words = true;
    list->q = q;
    if (list->like_count == 0)
        faults_add(&r->faults, "q", "too_short");
    if (!ticket_number_parse(q, strlen(q), &list->number))
        list->number = 0;
}

static void read_external(struct request *r, struct list *list)
{
    const char *number = query_get(&r->query, "external_number");

    if (number && external_number_ok(number, "external_number", &r->faults))
        list->external = number;
}

static int read_flag(struct request *r, const char *name)
{
    static const struct word flags[] = {{"false", "否", "no"}, {"true", "是", "yes"}};

    return request_query_word(r, name, flags, ARRAY_LEN(flags));
}

/* The phone stands here as its keyed hash: scopes are not secret. */
static const char *make_scope(struct request *r, const struct list *list)
{
    static const char *const params[] = {"state",   "unit",    "category", "region",         "kind",
                                         "channel", "overdue", "q",        "external_number"};
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
    read_words(r, list);
    read_external(r, list);
    read_phone(r, list);
    read_cursor(r, list);
}

/* ---- the statement -----------------------------------------------------------------------------
 */

static void param_word(struct pg_params *params, const struct word *words, int index)
{
    pg_param_text(params, index < 0 ? NULL : words[index].code);
}

static void fill_common(const struct list *list, struct pg_params *params)
{
    if (list->below)
        pg_param_int(params, list->below);
    else
        pg_param_null(params);
    pg_param_int(params, list->limit + 1 - list->found);
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
}

static void fill_likes(const struct list *list, struct pg_params *params)
{
    struct pg_array likes;

    if (!list->by_words) {
        pg_param_null(params);
        return;
    }
    pg_array_init(&likes, params->arena);
    for (size_t i = 0; i < list->like_count; i++)
        pg_array_text(&likes, list->likes[i]);
    pg_param_array(params, &likes);
}

static void fill_grams(const struct list *list, struct pg_params *params)
{
    struct pg_array grams;

    pg_array_init(&grams, params->arena);
    for (size_t i = 0; i < list->grams.count; i++)
        pg_array_int(&grams, list->grams.grams[i]);
    pg_param_array(params, &grams);
}

static void fill_phone(const struct request *r, const struct list *list, struct pg_params *params)
{
    pg_param_bytea(params, list->phone_index, sizeof(list->phone_index));
    /* Below the desk a phone must not find whom a confidential ticket is from. */
    pg_param_bool(params, r->account->role != ROLE_UNIT);
    pg_param_text(params, list->external);
    fill_likes(list, params);
}

/* A number that was asked for as words is ours or another platform's. */
static void fill_number(const struct list *list, struct pg_params *params)
{
    if (list->external) {
        pg_param_text(params, list->external);
        fill_likes(list, params);
        pg_param_null(params);
    } else {
        pg_param_text(params, list->q);
        pg_param_null(params);
        pg_param_int(params, list->number);
    }
}

static void fill_extra(const struct request *r, const struct list *list, enum extra extra,
                       struct pg_params *params)
{
    switch (extra) {
    case EXTRA_NONE:
        break;
    case EXTRA_PHONE:
        fill_phone(r, list, params);
        break;
    case EXTRA_NUMBER:
        fill_number(list, params);
        break;
    case EXTRA_WALK:
        fill_likes(list, params);
        pg_param_int(params, WALK_TICKETS);
        break;
    case EXTRA_GRAMS:
        fill_likes(list, params);
        fill_grams(list, params);
        break;
    }
}

static struct way choose_way(struct list *list)
{
    static const struct way walk = {&SQL_TICKET_SEARCH_WALK, EXTRA_WALK};

    if (list->by_phone)
        return (struct way){&SQL_TICKET_LIST_PHONE, EXTRA_PHONE};
    if (list->external || list->number)
        return (struct way){&SQL_TICKET_LIST_NUMBER, EXTRA_NUMBER};
    if (list->by_words) {
        if (list->grams.count)
            list->second = (struct way){&SQL_TICKET_SEARCH, EXTRA_GRAMS};
        return walk;
    }
    if (list->unit)
        return (struct way){&SQL_TICKET_LIST_UNIT, EXTRA_NONE};
    if (list->overdue == 1)
        return (struct way){&SQL_TICKET_LIST_OVERDUE, EXTRA_NONE};
    if (list->state >= 0)
        return (struct way){&SQL_TICKET_LIST_STATE, EXTRA_NONE};
    if (list->region) {
        list->second = (struct way){&SQL_TICKET_LIST_REGION, EXTRA_NONE};
        return walk;
    }
    return (struct way){&SQL_TICKET_LIST, EXTRA_NONE};
}

static void ask(struct request *r, const struct list *list, struct way way,
                void (*done)(struct request *r, const struct pg_result *res))
{
    struct pg_params params;

    pg_params_init(&params, r->arena);
    fill_common(list, &params);
    fill_extra(r, list, way.extra, &params);
    request_submit(r, r->d->report_pool, way.stmt, &params, DAEMON_READ_TIMEOUT_US, done);
}

/* ---- the answer --------------------------------------------------------------------------------
 */

static const char *text_of(const struct pg_result *res, int row, int col)
{
    return pg_result_null(res, row, col) ? NULL : pg_result_text(res, row, col);
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

/* first: where the columns of a ticket begin */
static void write_item(struct json_writer *w, const struct city *city, const struct pg_result *res,
                       int row, int first)
{
    int offset = city_offset_min(city);
    char digits[TICKET_NUMBER_SIZE];

    ticket_number_format(pg_result_int(res, row, first + COL_NUMBER), digits);
    jw_object(w, NULL);
    jw_string(w, "number", digits);
    jw_string(w, "state", text_of(res, row, first + COL_STATE));
    jw_int(w, "version", pg_result_int(res, row, first + COL_VERSION));
    jw_string(w, "channel", text_of(res, row, first + COL_CHANNEL));
    jw_string(w, "kind", text_of(res, row, first + COL_KIND));
    jw_string(w, "urgency", text_of(res, row, first + COL_URGENCY));
    jw_string(w, "category", text_of(res, row, first + COL_CATEGORY));
    jw_string(w, "category_name", category_name(city, text_of(res, row, first + COL_CATEGORY)));
    jw_string(w, "region", text_of(res, row, first + COL_REGION));
    jw_string(w, "region_name", region_name(city, text_of(res, row, first + COL_REGION)));
    jw_string(w, "title", text_of(res, row, first + COL_TITLE));
    jw_instant(w, "received_at", pg_result_instant(res, row, first + COL_RECEIVED), offset);
    jw_string(w, "lead_unit", text_of(res, row, first + COL_LEAD_UNIT));
    jw_bool(w, "overdue", pg_result_bool(res, row, first + COL_OVERDUE));
    jw_int(w, "round", pg_result_int(res, row, first + COL_ROUND));
    jw_bool(w, "problem", pg_result_bool(res, row, first + COL_PROBLEM));
    jw_instant(w, "closed_at", pg_result_instant(res, row, first + COL_CLOSED), offset);
    jw_string(w, "closed_tier", text_of(res, row, first + COL_CLOSED_TIER));
    jw_object_end(w);
}

/* Where the next page begins: below the last of this one, or of a walk that found too few below the
 * last ticket it looked at. 0 = there is none. */
static int64_t next_below(const struct list *list, int64_t walked_to)
{
    return list->found > list->limit ? list->numbers[list->limit - 1] : walked_to;
}

static void reply_page(struct request *r, const struct list *list, int64_t walked_to)
{
    int64_t below = next_below(list, walked_to);
    char cursor[CURSOR_SIZE];
    struct json_writer w;
    struct sbuf out;

    if (below)
        cursor_format(r->d->index_key, list->scope, &below, 1, cursor);
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_array(&w, "items");
    for (int64_t i = 0; i < list->found && i < list->limit; i++)
        jw_raw(&w, NULL, list->items[i], strlen(list->items[i]));
    jw_array_end(&w);
    jw_string(&w, "next", below ? cursor : NULL);
    jw_object_end(&w);
    request_reply(r, 200, &out);
}

static void take_rows(struct request *r, struct list *list, const struct pg_result *res, int first)
{
    struct json_writer w;
    struct sbuf out;

    sbuf_init(&out, 0);
    for (int row = 0; row < pg_result_rows(res) && list->found <= list->limit; row++) {
        if (pg_result_null(res, row, first + COL_NUMBER))
            continue; /* the row of a walk that found nothing */
        sbuf_clear(&out);
        jw_init(&w, &out);
        write_item(&w, r->d->city, res, row, first);
        list->items[list->found] = arena_strndup(r->arena, out.data, out.len);
        list->numbers[list->found++] = pg_result_int(res, row, first + COL_NUMBER);
    }
    sbuf_free(&out);
}

static void on_listed(struct request *r, const struct pg_result *res)
{
    struct list *list = r->state;

    take_rows(r, list, res, 0);
    reply_page(r, list, 0);
}

static void on_walked(struct request *r, const struct pg_result *res)
{
    struct list *list = r->state;
    int64_t walked_to = pg_result_int(res, 0, COL_WALKED_TO);

    take_rows(r, list, res, COL_WALKED_TO + 1);
    if (list->found > list->limit || walked_to == 0 || !list->second.stmt) {
        reply_page(r, list, walked_to);
        return;
    }
    list->below = walked_to;
    ask(r, list, list->second, on_listed);
}

/* Digits that look like a number of ours and are of no ticket may stand in somebody's text. */
static void on_numbered(struct request *r, const struct pg_result *res)
{
    struct list *list = r->state;

    if (pg_result_rows(res) || list->external) {
        on_listed(r, res);
        return;
    }
    list->number = 0;
    ask(r, list, choose_way(list), on_walked);
}

static void begin(struct request *r, struct list *list)
{
    struct way way = choose_way(list);
    size_t most = (size_t)list->limit + 1;

    list->items = arena_alloc(r->arena, most * sizeof(*list->items));
    list->numbers = arena_alloc(r->arena, most * sizeof(*list->numbers));
    r->state = list;
    ask(r, list, way,
        way.extra == EXTRA_WALK     ? on_walked
        : way.extra == EXTRA_NUMBER ? on_numbered
                                    : on_listed);
}

void ticket_list_get(struct request *r)
{
    struct list *list = arena_alloc(r->arena, sizeof(*list));

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
    begin(r, list);
}
