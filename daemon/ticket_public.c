/*
 * ticket_public.c - what a citizen sees of the own ticket, with its number and query code.
 *
 * Numbers are guessable, so everything that does not fit has one and the same answer: a number that
 * cannot be, one that is nobody's, no code, a wrong code. Each of them costs the address that asks
 * (throttle.h).
 */
#include <ctype.h>
#include <string.h>

#include "base/civil.h"
#include "daemon/ticket_read.h"
#include "sql_catalogue.h"

/* Steps that are told outside, in the citizen's words; what is not here stays inside. */
static const struct public_step {
    enum ticket_event_type type;
    const char *text;
} public_steps[] = {
    {EVENT_RECEIVED, "您的诉求已受理"},
    {EVENT_DISPATCHED, "已派发承办单位"},
    {EVENT_ANSWERED, "已直接答复"},
    {EVENT_INCOMPLETE, "信息待补充"},
    {EVENT_COMPLETED, "补充信息已收到"},
    {EVENT_REJECTED, "不予受理"},
    {EVENT_REFERRED, "已转交有关部门"},
    {EVENT_WITHDRAWN, "诉求已撤销"},
    {EVENT_SIGNED, "承办单位已签收"},
    {EVENT_CONTACTED, "承办单位已与您联系"},
    {EVENT_REPORTED, "承办单位已反馈办理结果"},
    {EVENT_REVIEW_PASSED, "办理结果已通过审核"},
    {EVENT_CALLED_BACK, "已回访"},
    {EVENT_REDO, "已退回承办单位重新办理"},
    {EVENT_MERGED, "已与同一事项合并办理"},
    {EVENT_UNMERGED, "已恢复单独办理"},
    {EVENT_EXTENDED, "办理时限已延长"},
    {EVENT_SUSPENDED, "因故暂缓办理"},
    {EVENT_RESUMED, "已恢复办理"},
    {EVENT_FALSE_ALARM, "误触"},
    {EVENT_CLOSED, "已办结"},
    {EVENT_REOPENED, "已重新办理"},
};

struct look_up {
    int64_t number;
    char code[TICKET_QUERY_CODE_SIZE];
};

static const struct public_step *find_step(const char *type)
{
    for (size_t i = 0; type && i < ARRAY_LEN(public_steps); i++) {
        if (strcmp(event_words[public_steps[i].type].code, type) == 0)
            return &public_steps[i];
    }
    return NULL;
}

static void write_progress(struct json_writer *w, const struct json_value *events, int offset_min)
{
    jw_array(w, "progress");
    for (size_t i = 0; i < json_array_length(events); i++) {
        const struct json_value *event = json_at(events, i);
        const struct public_step *step = find_step(json_string(json_at(event, 0), NULL));
        if (!step)
            continue;
        jw_object(w, NULL);
        jw_string(w, "type", event_words[step->type].code);
        jw_instant(w, "at", json_int(json_at(event, 1)), offset_min);
        jw_string(w, "text", step->text);
        jw_object_end(w);
    }
    jw_array_end(w);
}

static const char *text_or_null(const struct pg_result *res, int col)
{
    return pg_result_null(res, 0, col) ? NULL : pg_result_text(res, 0, col);
}

static void reply_ticket(struct request *r, const struct pg_result *res)
{
    const struct look_up *look_up = r->state;
    int offset = r->d->city ? city_offset_min(r->d->city) : CIVIL_OFFSET_SHANGHAI_MIN;
    int state = word_find(ticket_state_words, TICKET_STATE_COUNT, pg_result_text(res, 0, 0));
    char digits[TICKET_NUMBER_SIZE];
    struct json_doc *events = NULL;
    struct json_writer w;
    struct sbuf out;

    INVARIANT(state >= 0);
    if (!pg_result_null(res, 0, 5))
        events = json_parse(pg_result_text(res, 0, 5), pg_result_length(res, 0, 5), &r->faults);
    ticket_number_format(look_up->number, digits);
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_string(&w, "number", digits);
    jw_string(&w, "state", ticket_state_words[state].code);
    jw_string(&w, "state_name", ticket_state_words[state].zh);
    jw_instant(&w, "received_at", pg_result_instant(res, 0, 2), offset);
    write_progress(&w, events ? json_root(events) : NULL, offset);
    jw_string(&w, "public_reply", text_or_null(res, 3));
    if (text_or_null(res, 4))
        jw_string(&w, "ground", text_or_null(res, 4));
    jw_object_end(&w);
    json_doc_free(&events);
    http_reply_header(r->http, "Cache-Control", "no-store");
    request_reply(r, 200, &out);
}

/* Whatever did not fit; only this costs. */
static void refuse(struct request *r)
{
    throttle_keep(r);
    request_problem(r, PROBLEM_NOT_FOUND, NULL);
}

static void on_loaded(struct request *r, const struct pg_result *res)
{
    static const char nobodys[TICKET_QUERY_CODE_SIZE] = "        ";
    const struct look_up *look_up = r->state;
    bool is_found =
        pg_result_rows(res) == 1 && pg_result_length(res, 0, 1) == TICKET_QUERY_CODE_SIZE - 1;
    const char *code = is_found ? pg_result_text(res, 0, 1) : nobodys;

    if (!crypto_equal(code, look_up->code, TICKET_QUERY_CODE_SIZE - 1) || !is_found) {
        refuse(r);
        return;
    }
    reply_ticket(r, res);
}

/* People type codes in lower case and with blanks around them. */
static bool take_code(const char *text, char code[TICKET_QUERY_CODE_SIZE])
{
    size_t len = 0;

    for (; text && *text; text++) {
        if (*text == ' ' || *text == '-')
            continue;
        if (len == TICKET_QUERY_CODE_SIZE - 1)
            return false;
        code[len++] = (char)toupper((unsigned char)*text);
    }
    code[len] = '\0';
    return len == TICKET_QUERY_CODE_SIZE - 1;
}

static void param_types(struct pg_params *params, struct arena *arena)
{
    struct pg_array types;

    pg_array_init(&types, arena);
    for (size_t i = 0; i < ARRAY_LEN(public_steps); i++)
        pg_array_text(&types, event_words[public_steps[i].type].code);
    pg_param_array(params, &types);
}

void ticket_public_get(struct request *r)
{
    struct look_up *look_up = arena_alloc(r->arena, sizeof(*look_up));
    bool has_code = take_code(query_get(&r->query, "code"), look_up->code);
    struct pg_params params;

    if (!request_query_ok(r) || !throttle_take(r, THROTTLE_PUBLIC))
        return;
    if (!ticket_number_parse(r->param[0], strlen(r->param[0]), &look_up->number) || !has_code) {
        refuse(r);
        return;
    }
    r->state = look_up;
    pg_params_init(&params, r->arena);
    pg_param_int(&params, look_up->number);
    param_types(&params, r->arena);
    request_submit(r, r->d->work_pool, &SQL_TICKET_PUBLIC, &params, DAEMON_READ_TIMEOUT_US,
                   on_loaded);
}
