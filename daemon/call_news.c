/*
 * call_news.c - what a gateway tells, into the table, and onto the screen of whom it concerns.
 *
 * Two statements: the first keeps the news and says whether a screen is to pop and what belongs on
 * it; the second puts the event there, once, and the desks' streams get it at once, ahead of the
 * order of events (push_urgent). The gateway is answered after both. If the second does
 * not happen the gateway hears 503 and asks again, and then the pop is still due.
 */
#include <inttypes.h>
#include <string.h>

#include "base/civil.h"
#include "base/log.h"
#include "base/metrics.h"
#include "daemon/calls.h"
#include "daemon/desk_event.h"
#include "daemon/pii.h"
#include "daemon/push.h"
#include "hotline/ticket_machine.h"
#include "proto/ticket_json.h"
#include "sql_catalogue.h"

#define NUMBERS_AAD "call.numbers"

static struct metric repeats = {.name = "hotlined_call_repeats_total",
                                .help = "Events of calls that were known already."};
static struct metric conflicts = {
    .name = "hotlined_call_conflicts_total",
    .help = "Event ids of phone gateways that came again with another call or type."};
static struct metric pops = {.name = "hotlined_call_pops_total",
                             .help = "Screen pops at the desk that was named."};
static struct metric pops_everywhere = {
    .name = "hotlined_call_pops_everywhere_total",
    .help = "Screen pops at every desk: the gateway named none that we know."};

void calls_register_metrics(void)
{
    call_door_register_metrics();
    metrics_register(&repeats, 1);
    metrics_register(&conflicts, 1);
    metrics_register(&pops, 1);
    metrics_register(&pops_everywhere, 1);
}

struct taking {
    const char *gateway;
    const struct call_news *news;
    void (*answer)(struct request *r, const struct call_news *news, enum call_state state,
                   bool is_repeat);
    enum call_state state;
    bool is_repeat;
    const char *agent, *detail, *more; /* of the pop; agent NULL = every desk */
};

enum column {
    COL_STATE,
    COL_IS_REPEAT,
    COL_IS_OTHER,
    COL_POPS,
    COL_AGENT,
    COL_NUMBERS,
    COL_NAME,
    COL_OPEN,
    COL_RECENT,
    COL_DEVICE,
    COL_DEVICE_NAME,
    COL_DEVICE_PERSON,
    COL_DEVICE_REGION,
    COL_DEVICE_ADDRESS
};

enum call_state call_state_read(const struct pg_result *res, int row, int col)
{
    int64_t state = pg_result_int(res, row, col);

    INVARIANT(state >= 0 && state < CALL_STATE_COUNT);
    return (enum call_state)state;
}

/* ---- numbers -----------------------------------------------------------------------------------
 */

static const char *numbers_json(const struct call_news *news, struct arena *arena)
{
    struct json_writer w;
    struct sbuf out;

    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_string(&w, "ani", news->ani);
    jw_string(&w, "dnis", news->dnis);
    jw_object_end(&w);
    const char *text = arena_strdup(arena, out.data);
    sbuf_free(&out);
    return text;
}

const char *call_numbers_open(const struct daemon *d, const struct pg_result *res, int row, int col,
                              struct arena *arena)
{
    size_t len;
    const uint8_t *sealed = pg_result_bytea(res, row, col, arena, &len);
    const char *text = pii_open(d, NUMBERS_AAD, sealed, len, arena);

    return text ? text : "{}";
}

/* ---- the pop -----------------------------------------------------------------------------------
 */

static void finish(struct request *r)
{
    const struct taking *t = r->state;

    t->answer(r, t->news, t->state, t->is_repeat);
}

static void tell_at_once(struct request *r, const struct pg_result *res)
{
    const struct taking *t = r->state;
    int offset_min = r->d->city ? city_offset_min(r->d->city) : CIVIL_OFFSET_SHANGHAI_MIN;
    const struct desk_event_view view = {.id = pg_result_int(res, 0, 0),
                                         .type = "call.popped",
                                         .at_us = r->now_us,
                                         .detail = t->detail,
                                         .more = t->more};

    push_urgent(r->d->push,
                push_event_new_desk(pg_result_int(res, 0, 1), &view, t->agent, offset_min));
}

static void on_popped(struct request *r, const struct pg_result *res)
{
    const struct taking *t = r->state;

    if (pg_result_rows(res) > 0) {
        metric_inc(t->agent ? &pops : &pops_everywhere);
        tell_at_once(r, res);
        push_hint(r->d->push);
    }
    finish(r);
}

/* {call_id, gateway, agent, open_tickets, recent_tickets} for the eyes of the database. */
static const char *pop_detail(const struct taking *t, const struct pg_result *res,
                              const char *agent, struct arena *arena)
{
    const char *open = pg_result_text(res, 0, COL_OPEN);
    const char *recent = pg_result_text(res, 0, COL_RECENT);
    struct json_writer w;
    struct sbuf out;

    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_string(&w, "call_id", t->news->call_id);
    jw_string(&w, "gateway_id", t->gateway);
    jw_string(&w, "agent_id", agent);
    jw_string(&w, "state", call_state_words[t->state].code);
    jw_raw(&w, "open_tickets", open, strlen(open));
    jw_raw(&w, "recent_tickets", recent, strlen(recent));
    jw_object_end(&w);
    const char *text = arena_strdup(arena, out.data);
    sbuf_free(&out);
    return text;
}

static void write_device(const struct request *r, struct json_writer *w,
                         const struct pg_result *res)
{
    size_t len;
    const uint8_t *sealed = pg_result_bytea(res, 0, COL_DEVICE_PERSON, r->arena, &len);

    jw_object(w, "device");
    jw_string(w, "id", pg_result_text(res, 0, COL_DEVICE));
    jw_string(w, "name", pg_result_text(res, 0, COL_DEVICE_NAME));
    jw_string(w, "person", pii_open(r->d, "device.person", sealed, len, r->arena));
    jw_string(w, "region", pg_result_text(res, 0, COL_DEVICE_REGION));
    jw_string(w, "address", pg_result_text(res, 0, COL_DEVICE_ADDRESS));
    jw_object_end(w);
}

/* {ani, dnis, requester, device}; the last two only if they are known by that number. */
static const char *pop_sealed(const struct request *r, const struct pg_result *res)
{
    const char *numbers = call_numbers_open(r->d, res, 0, COL_NUMBERS, r->arena);
    size_t name_len, numbers_len = strlen(numbers);
    const uint8_t *sealed = pg_result_bytea(res, 0, COL_NAME, r->arena, &name_len);
    const char *name = pii_open(r->d, "requester.name", sealed, name_len, r->arena);
    struct faults faults;
    struct json_writer w;
    struct sbuf out;

    faults_init(&faults, r->arena);
    struct json_doc *doc = json_parse(numbers, numbers_len, &faults);
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    const char *ani = json_string(json_get(json_root(doc), "ani"), NULL);
    jw_string(&w, "ani", ani);
    jw_string(&w, "dnis", json_string(json_get(json_root(doc), "dnis"), NULL));
    if (name) {
        jw_object(&w, "requester");
        jw_string(&w, "name", name);
        jw_string(&w, "phone", ani);
        jw_object_end(&w);
    }
    if (!pg_result_null(res, 0, COL_DEVICE))
        write_device(r, &w, res);
    jw_object_end(&w);
    json_doc_free(&doc);
    const char *text = arena_strdup(r->arena, out.data);
    sbuf_free(&out);
    return text;
}

static void pop(struct request *r, const struct pg_result *res)
{
    struct taking *t = r->state;
    const char *agent =
        pg_result_null(res, 0, COL_AGENT) ? NULL : pg_result_text(res, 0, COL_AGENT);
    struct pg_params params;
    size_t len;

    t->agent = agent ? arena_strdup(r->arena, agent) : NULL;
    t->detail = pop_detail(t, res, agent, r->arena);
    t->more = pop_sealed(r, res);
    const uint8_t *sealed = desk_event_seal(r->d, t->more, r->arena, &len);
    pg_params_init(&params, r->arena);
    pg_param_text(&params, t->gateway);
    pg_param_text(&params, t->news->call_id);
    pg_param_text(&params, t->agent);
    pg_param_instant(&params, r->now_us);
    pg_param_text(&params, t->detail);
    pg_param_bytea(&params, sealed, len);
    request_submit(r, r->d->work_pool, &SQL_CALL_POPPED, &params, DAEMON_WRITE_TIMEOUT_US,
                   on_popped);
}

/* ---- the news ----------------------------------------------------------------------------------
 */

static void on_stored(struct request *r, const struct pg_result *res)
{
    struct taking *t = r->state;

    if (pg_result_rows(res) == 0) { /* the same event is being stored by somebody else: ask again */
        request_problem(r, PROBLEM_UNAVAILABLE, NULL);
        return;
    }
    if (pg_result_bool(res, 0, COL_IS_OTHER)) {
        metric_inc(&conflicts);
        request_problem(r, PROBLEM_CONFLICT,
                        "该event_id已用于另一来电或另一类事件 / this event_id is that of another "
                        "call or of another type");
        return;
    }
    t->state = call_state_read(res, 0, COL_STATE);
    t->is_repeat = pg_result_bool(res, 0, COL_IS_REPEAT);
    if (t->is_repeat)
        metric_inc(&repeats);
    if (pg_result_bool(res, 0, COL_POPS))
        pop(r, res);
    else
        finish(r);
}

static void param_numbers(struct request *r, struct pg_params *params, const struct call_news *news)
{
    char canonical[2 * PHONE_SIZE];
    uint8_t *index = arena_alloc(r->arena, CRYPTO_SHA256_SIZE);
    size_t len = 0;
    const uint8_t *sealed = NULL;
    bool has_any = news->ani || news->dnis;
    bool is_matched = call_number_normalise(call_citizen(news), r->d->settings.area_code, canonical,
                                            sizeof(canonical));

    if (has_any)
        sealed = pii_seal(r->d, NUMBERS_AAD, numbers_json(news, r->arena), r->arena, &len);
    if (is_matched)
        pii_phone_index(r->d, canonical, index);
    pg_param_bytea(params, sealed, len);
    pg_param_bytea(params, is_matched ? index : NULL, CRYPTO_SHA256_SIZE);
    /* the earliest that names the citizen and whom he called, else the citizen, else anybody */
    int rank = (is_matched ? 0 : 2) + (news->ani && news->dnis ? 0 : 1);
    pg_param_text(params, has_any ? arena_printf(r->arena, "%d|%020" PRId64 "|%s", rank,
                                                 news->occurred_at_us, news->event_id)
                                  : NULL);
}

static void param_recording(struct pg_params *params, const struct call_recording *recording)
{
    pg_param_text(params, recording->ref);
    pg_param_text(params, recording->url);
    pg_param_text(params, recording->sha256);
    if (recording->duration_ms >= 0)
        pg_param_int(params, recording->duration_ms);
    else
        pg_param_null(params);
}

static void param_zone(struct request *r, struct pg_params *params)
{
    int offset = r->d->city ? city_offset_min(r->d->city) : 0, size = offset < 0 ? -offset : offset;

    pg_param_int(params, offset);
    pg_param_text(params, arena_printf(r->arena, "%c%02d:%02d", offset < 0 ? '-' : '+', size / 60,
                                       size % 60));
}

static void param_open_states(struct request *r, struct pg_params *params)
{
    struct pg_array states;

    pg_array_init(&states, r->arena);
    for (int i = 0; i < TICKET_STATE_COUNT; i++) {
        if (ticket_state_is_open((enum ticket_state)i))
            pg_array_text(&states, ticket_state_words[i].code);
    }
    pg_param_array(params, &states);
}

static void call_news_params(struct request *r, struct pg_params *params, const char *gateway,
                             const struct call_news *news)
{
    struct pg_array reached;

    pg_params_init(params, r->arena);
    pg_param_text(params, gateway);
    pg_param_text(params, news->event_id);
    pg_param_text(params, news->call_id);
    pg_param_text(params, news->leg_id);
    pg_param_text(params, news->type);
    pg_param_instant(params, news->occurred_at_us);
    pg_param_instant(params, r->now_us);
    pg_param_int(params, news->state);
    pg_param_text(params, news->direction < 0 ? NULL : call_direction_codes[news->direction]);
    param_numbers(r, params, news);
    pg_param_text(params, news->queue);
    pg_param_text(params, news->agent);
    pg_param_text(params, news->extension);
    pg_param_text(params, arena_printf(r->arena, "%020" PRId64 "|%d|%s", news->occurred_at_us,
                                       news->state + 1, news->event_id));
    pg_param_text(params, news->cause);
    pg_array_init(&reached, r->arena);
    for (size_t i = 0; i < CALL_STATE_COUNT; i++)
        pg_array_instant(&reached, news->at_us[i]);
    pg_param_array(params, &reached);
    param_recording(params, &news->recording);
    param_zone(r, params);
    param_open_states(r, params);
}

void call_news_take(struct request *r, const char *gateway, const struct call_news *news,
                    void (*answer)(struct request *r, const struct call_news *news,
                                   enum call_state state, bool is_repeat))
{
    struct taking *t = arena_alloc(r->arena, sizeof(*t));
    struct call_news *kept = arena_alloc(r->arena, sizeof(*kept));
    struct pg_params params;

    *kept = *news;
    *t =
        (struct taking){.gateway = arena_strdup(r->arena, gateway), .news = kept, .answer = answer};
    r->state = t;
    call_news_params(r, &params, t->gateway, kept);
    request_submit(r, r->d->work_pool, &SQL_CALL_NEWS, &params, DAEMON_WRITE_TIMEOUT_US, on_stored);
}
