/*
 * device_matters.c - from what devices ask for to tickets: the rows without a number are the list
 * of what is to be done, whoever made them and whenever.
 *
 *   pending (read) -> intake of the lane -> done -> device_ticketed.sql -> whoever waits is told
 */
#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/log.h"
#include "base/metrics.h"
#include "daemon/device.h"
#include "daemon/intake.h"
#include "daemon/pii.h"
#include "daemon/push.h"
#include "daemon/push_event.h"
#include "hotline/ticket_number.h"
#include "sql_catalogue.h"

#define AT_ONCE 512         /* matters of presses under way */
#define MAINTENANCE_MOST 64 /* and of maintenance: so many tickets a press may have before it */
#define RETRY_US US_PER_SECOND
#define RECEIVED_BY "devices"

enum { METRIC_TICKETS, METRIC_FAILED, METRIC_OPEN };
static struct metric metrics[] = {
    [METRIC_TICKETS] = {"hotlined_device_tickets_total", NULL,
                        "Tickets made of presses, silence and low batteries.", METRIC_COUNTER, 0},
    [METRIC_FAILED] = {"hotlined_device_tickets_put_off_total", NULL,
                       "Times a ticket of a device could not be made and is tried again.",
                       METRIC_COUNTER, 0},
    [METRIC_OPEN] = {"hotlined_device_matters_running", NULL, "Matters on their way to a ticket.",
                     METRIC_GAUGE, 0},
};

enum job_step { JOB_INTAKE, JOB_TICKETED, JOB_TELLING };

struct job {
    struct job *next;
    struct device_matters *owner;
    int64_t id;
    bool is_maintenance;
    enum job_step step;
    struct intake_entry *entry;
    int64_t number;
    char state[24];
};

struct device_matters {
    struct daemon *d;
    struct event *turn, *retry;
    struct pg_op *look, *tell;
    int64_t tell_us; /* instant of the events that are being told */
    struct job *jobs;
    size_t job_count, maintenance_count; /* the second are part of the first */
    struct device_order *waiting;
    size_t maintenance_asked; /* of the look that is under way */
    bool again;               /* kicked while looking */
    bool more;                /* maintenance is left for when there is room */
    bool is_failed;           /* since the last time there was nothing to do */
    bool is_idle_due;
};

static void stir(struct device_matters *m)
{
    event_active(m->turn, EV_TIMEOUT, 0);
}

bool device_matters_busy(const struct device_matters *m)
{
    return m->look || m->tell || m->jobs || m->again || m->more;
}

static bool is_put_off(const struct device_matters *m)
{
    return event_pending(m->retry, EV_TIMEOUT, NULL);
}

static void put_off(struct device_matters *m)
{
    static const struct timeval delay = {RETRY_US / US_PER_SECOND, 0};

    metric_inc(&metrics[METRIC_FAILED]);
    m->is_failed = true;
    (void)event_add(m->retry, &delay);
}

/* ---- who waits ---------------------------------------------------------------------------------
 */

static void end_waiting(struct device_matters *m, int64_t id, const struct job *job)
{
    struct device_order **link = &m->waiting;

    while (*link) {
        struct device_order *order = *link;
        if (id && order->matter != id) {
            link = &order->next;
            continue;
        }
        *link = order->next;
        if (!job) {
            device_end(order, DEVICE_UNAVAILABLE, NULL);
            continue;
        }
        const struct device_answer answer = {job->number, job->state, order->stored_us};
        device_end(order, order->is_new ? DEVICE_STORED : DEVICE_REPEATED, &answer);
    }
}

void device_matters_wait(struct device_matters *m, struct device_order *order)
{
    order->next = m->waiting;
    m->waiting = order;
    device_matters_kick(m);
}

static void job_end(struct job *job, bool is_done)
{
    struct device_matters *m = job->owner;
    struct job **link = &m->jobs;

    while (*link != job)
        link = &(*link)->next;
    *link = job->next;
    m->job_count--;
    m->maintenance_count -= job->is_maintenance;
    metric_set(&metrics[METRIC_OPEN], (int64_t)m->job_count);
    end_waiting(m, job->id, is_done ? job : NULL);
    free(job);
    if (!is_done)
        put_off(m);
    stir(m);
}

/* ---- the tickets are there: once more into the database ----------------------------------------
 */

static struct job *job_find(const struct device_matters *m, int64_t id)
{
    struct job *job = m->jobs;

    while (job && job->id != id)
        job = job->next;
    return job;
}

/* id, alert_us, event, xid, detail. An emergency waits for no other transaction to end. */
static void told(struct device_matters *m, const struct pg_result *res, int row)
{
    const struct daemon *d = m->d;

    if (!job_find(m, pg_result_int(res, row, 0)))
        return;
    device_watch_hint(d->device_watch, pg_result_int(res, row, 1));
    if (pg_result_null(res, row, 2))
        return;
    int offset_min = d->city ? city_offset_min(d->city) : CIVIL_OFFSET_SHANGHAI_MIN;
    const struct desk_event_view view = {.id = pg_result_int(res, row, 2),
                                         .type = "device.pressed",
                                         .at_us = m->tell_us,
                                         .detail = pg_result_text(res, row, 4),
                                         .more = "{}"};
    push_urgent(d->push, push_event_new_desk(pg_result_int(res, row, 3), &view, NULL, offset_min));
}

static void on_told(void *ctx, const struct pg_result *res)
{
    struct device_matters *m = ctx;
    bool is_ok = pg_result_outcome(res) == PG_ROWS || pg_result_outcome(res) == PG_OK;
    struct job *next;

    m->tell = NULL;
    const struct pg_result *ticketed = is_ok ? pg_result_at(res, 1) : NULL;
    for (int row = 0; ticketed && row < pg_result_rows(ticketed); row++)
        told(m, ticketed, row);
    if (is_ok)
        push_hint(m->d->push);
    for (struct job *job = m->jobs; job; job = next) {
        next = job->next;
        if (job->step != JOB_TELLING)
            continue;
        metric_add(&metrics[METRIC_TICKETS], is_ok);
        job_end(job, is_ok); /* not noted, it is found again, and its ticket with it */
    }
    stir(m);
}

static void tell(struct device_matters *m)
{
    struct arena *arena = arena_new();
    struct pg_array ids, numbers, states;
    struct pg_params lock, params;
    const struct pg_call calls[] = {{&SQL_DEVICE_MATTER_LOCK, &lock},
                                    {&SQL_DEVICE_TICKETED, &params}};
    size_t count = 0;

    pg_array_init(&ids, arena);
    pg_array_init(&numbers, arena);
    pg_array_init(&states, arena);
    for (struct job *job = m->jobs; job; job = job->next) {
        if (job->step != JOB_TICKETED)
            continue;
        job->step = JOB_TELLING;
        pg_array_int(&ids, job->id);
        pg_array_int(&numbers, job->number);
        pg_array_text(&states, job->state);
        count++;
    }
    if (count) {
        pg_params_init(&lock, arena);
        pg_param_array(&lock, &ids);
        pg_params_init(&params, arena);
        pg_param_array(&params, &ids);
        pg_param_array(&params, &numbers);
        pg_param_array(&params, &states);
        m->tell_us = daemon_now_us(m->d);
        pg_param_instant(&params, m->tell_us);
        m->tell = pg_submit_group(m->d->device_pool, calls, ARRAY_LEN(calls),
                                  DAEMON_WRITE_TIMEOUT_US, on_told, m);
    }
    arena_free(&arena);
}

/* ---- a ticket ----------------------------------------------------------------------------------
 */

/* The first answer is ours, stored with the ticket. */
static bool read_first_answer(struct job *job, const char *text)
{
    struct arena *arena = arena_new();
    struct faults faults;

    faults_init(&faults, arena);
    struct json_doc *doc = json_parse(text, strlen(text), &faults);
    const char *number = doc ? json_string(json_get(json_root(doc), "number"), NULL) : NULL;
    const char *state = doc ? json_string(json_get(json_root(doc), "state"), NULL) : NULL;
    bool is_good = number && state && strlen(state) < sizeof(job->state) &&
                   ticket_number_parse(number, strlen(number), &job->number);
    if (is_good)
        memcpy(job->state, state, strlen(state) + 1);
    json_doc_free(&doc);
    arena_free(&arena);
    return is_good;
}

static void on_intake(struct intake_entry *entry, enum intake_end end, const char *first_answer)
{
    struct job *job = entry->ctx;
    struct device_matters *m = job->owner;
    const char *answer = end == INTAKE_STORED ? entry->answer : first_answer;

    job->entry = NULL;
    if ((end == INTAKE_STORED || end == INTAKE_REPLAY) && read_first_answer(job, answer)) {
        job->step = JOB_TICKETED;
        stir(m);
        return;
    }
    log_limited(LOG_LEVEL_ERROR, "device", "no ticket yet for matter=%" PRId64 " end=%d", job->id,
                (int)end);
    job_end(job, false);
}

struct cause {
    const char *key, *title, *text;
    enum ticket_urgency urgency;
    bool is_maintenance;
};
static const struct cause causes[] = {
    {"emergency", "一键通紧急求助", "按下“紧急求助”键", URGENCY_CRITICAL, false},
    {"fall", "一键通跌倒报警", "报告跌倒", URGENCY_CRITICAL, false},
    {"health", "一键通健康求助", "按下“健康”键", URGENCY_URGENT, false},
    {"service", "一键通生活服务", "按下“生活服务”键", URGENCY_NORMAL, false},
    {"family", "一键通联系家人", "按下“联系家人”键", URGENCY_NORMAL, false},
    {"low_battery", "一键通电量低", "电量低，请安排维护", URGENCY_NORMAL, true},
    {"silence", "一键通失联", "已超过三个周期没有心跳，请安排维护", URGENCY_NORMAL, true},
};

static const struct cause *find_cause(const char *key)
{
    for (size_t i = 0; i < ARRAY_LEN(causes); i++) {
        if (strcmp(causes[i].key, key) == 0)
            return &causes[i];
    }
    return &causes[0]; /* what we do not know is no less urgent */
}

/* A city without the category of the settings still gets its presses. */
static const char *category_for(const struct daemon *d, const struct cause *cause)
{
    const char *code = cause->is_maintenance ? d->settings.device_maintenance_category
                                             : d->settings.device_category;

    if (city_find_category(d->city, code) >= 0)
        return code;
    log_limited(LOG_LEVEL_WARN, "device", "the city has no category %s for tickets of devices",
                code);
    return city_category(d->city, 0)->code;
}

enum {
    C_ID,
    C_DEVICE,
    C_KEY,
    C_OPENED,
    C_COUNT,
    C_NAME,
    C_REGION,
    C_ADDRESS,
    C_PERSON,
    C_PHONE,
    C_NOTE,
    C_PLACE
};

static const char *text_or_null(const struct pg_result *res, int row, int col, struct arena *arena)
{
    const char *text = pg_result_text(res, row, col);
    return *text ? arena_strdup(arena, text) : NULL;
}

static const char *opened(const struct daemon *d, const struct pg_result *res, int row, int col,
                          const char *aad, struct arena *arena)
{
    size_t len = 0;
    const uint8_t *sealed = pg_result_bytea(res, row, col, arena, &len);
    return pii_open(d, aad, sealed, len, arena);
}

static void make_draft(const struct daemon *d, const struct pg_result *res, int row,
                       struct arena *arena, struct ticket_draft *draft)
{
    const struct cause *cause = find_cause(pg_result_text(res, row, C_KEY));
    const char *region = text_or_null(res, row, C_REGION, arena);
    const char *note = text_or_null(res, row, C_NOTE, arena);
    const char *place = text_or_null(res, row, C_PLACE, arena);

    *draft = (struct ticket_draft){
        .channel = CHANNEL_DEVICE,
        .kind = KIND_HELP,
        .urgency = (int)cause->urgency,
        .category = arena_strdup(arena, category_for(d, cause)),
        .region = region && city_find_region(d->city, region) >= 0 ? region : NULL,
        .address = text_or_null(res, row, C_ADDRESS, arena),
        .title = arena_printf(arena, "%s：%.60s", cause->title, pg_result_text(res, row, C_DEVICE)),
        .text = arena_printf(arena, "设备 %s（%s）%s。%s%s%s%s", pg_result_text(res, row, C_DEVICE),
                             pg_result_text(res, row, C_NAME), cause->text, note ? "附言：" : "",
                             note ? note : "", place ? " 位置：" : "", place ? place : ""),
        .name = opened(d, res, row, C_PERSON, "device.person", arena),
        .phone = opened(d, res, row, C_PHONE, "device.phone", arena),
    };
    draft->has_requester = draft->name || draft->phone;
}

/* Was it one of maintenance? */
static bool start_job(struct device_matters *m, const struct pg_result *res, int row)
{
    bool is_maintenance = find_cause(pg_result_text(res, row, C_KEY))->is_maintenance;
    struct job *job = xcalloc(1, sizeof(*job));
    struct arena *arena = arena_new();
    struct ticket_draft draft;
    enum intake_end refused;

    job->owner = m;
    job->id = pg_result_int(res, row, C_ID);
    job->next = m->jobs;
    m->jobs = job;
    m->job_count++;
    job->is_maintenance = is_maintenance;
    m->maintenance_count += is_maintenance;
    metric_set(&metrics[METRIC_OPEN], (int64_t)m->job_count);
    make_draft(m->d, res, row, arena, &draft);
    const char *key = arena_printf(arena, "matter-%" PRId64, job->id);
    const struct intake_order order = {
        .arena = arena,
        .intake = m->d->device_intake,
        .draft = &draft,
        .role = ROLE_GATEWAY,
        .received_by = RECEIVED_BY,
        .key = key,
        .matter = key,
        .matter_len = strlen(key),
        .now_us = daemon_now_us(m->d),
        .done = on_intake,
        .ctx = job,
    };
    job->entry = intake_submit(m->d, &order, &refused);
    if (!job->entry) {
        log_limited(LOG_LEVEL_ERROR, "device", "no ticket for matter=%" PRId64 " end=%d", job->id,
                    (int)refused);
        job_end(job, false);
    }
    return is_maintenance;
}

/* ---- looking -----------------------------------------------------------------------------------
 */

static void look(struct device_matters *m);

/* Orders whose matter got its ticket meanwhile, or gets it from another daemon: asked again. */
static void ask_again(struct device_matters *m)
{
    struct device_order *order = m->waiting;

    m->waiting = NULL;
    while (order) {
        struct device_order *next = order->next;
        if (job_find(m, order->matter)) {
            order->next = m->waiting;
            m->waiting = order;
        } else {
            device_again(order);
        }
        order = next;
    }
}

static void on_pending(void *ctx, const struct pg_result *res)
{
    struct device_matters *m = ctx;

    m->look = NULL;
    if (pg_result_outcome(res) != PG_ROWS && pg_result_outcome(res) != PG_OK) {
        end_waiting(m, 0, NULL);
        put_off(m);
        stir(m);
        return;
    }
    size_t maintenance = 0, rows = (size_t)pg_result_rows(res);
    for (size_t row = 0; row < rows; row++)
        maintenance += start_job(m, res, (int)row);
    m->more = maintenance == m->maintenance_asked;
    m->again |= rows - maintenance == AT_ONCE && !is_put_off(m);
    if (rows - maintenance < AT_ONCE) /* all that is owed to those who wait has a job now */
        ask_again(m);
    stir(m);
}

static void look(struct device_matters *m)
{
    struct arena *arena = arena_new();
    struct pg_array running;
    struct pg_params params;

    m->again = false;
    m->more = false;
    m->maintenance_asked =
        m->maintenance_count < MAINTENANCE_MOST ? MAINTENANCE_MOST - m->maintenance_count : 0;
    pg_array_init(&running, arena);
    pg_array_int(&running, 0);
    for (const struct job *job = m->jobs; job; job = job->next)
        pg_array_int(&running, job->id);
    pg_params_init(&params, arena);
    pg_param_array(&params, &running);
    pg_param_int(&params, AT_ONCE);
    pg_param_int(&params, (int64_t)m->maintenance_asked);
    m->look = pg_submit(m->d->device_pool, &SQL_DEVICE_PENDING, &params, DAEMON_READ_TIMEOUT_US,
                        on_pending, m);
    arena_free(&arena);
}

static bool should_look(const struct device_matters *m)
{
    bool has_room = m->maintenance_count <= MAINTENANCE_MOST / 2;

    return (m->again || (m->more && has_room && !is_put_off(m))) && !m->look && m->d->city &&
           m->job_count - m->maintenance_count < AT_ONCE;
}

static void on_turn(evutil_socket_t fd, short what, void *ctx)
{
    struct device_matters *m = ctx;

    (void)fd;
    (void)what;
    if (m->d->is_stopping)
        return;
    if (!m->tell)
        tell(m);
    if (should_look(m))
        look(m);
    if (!device_matters_busy(m))
        ask_again(m);
    if (!device_matters_busy(m)) {
        device_watch_idle(m->d->device_watch, !m->is_failed);
        m->is_failed = false;
    }
}

static void on_retry(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    device_matters_kick(ctx);
}

void device_matters_kick(struct device_matters *m)
{
    if (!m)
        return;
    m->again = true;
    stir(m);
}

/* ---- life --------------------------------------------------------------------------------------
 */

struct device_matters *device_matters_new(struct daemon *d)
{
    static bool is_registered;
    struct device_matters *m = xcalloc(1, sizeof(*m));

    if (!is_registered)
        metrics_register(metrics, ARRAY_LEN(metrics));
    is_registered = true;
    m->d = d;
    m->turn = event_new(d->base, -1, 0, on_turn, m);
    m->retry = evtimer_new(d->base, on_retry, m);
    INVARIANT(m->turn && m->retry);
    return m;
}

void device_matters_free(struct device_matters **matters)
{
    struct device_matters *m = *matters;

    if (!m)
        return;
    pg_cancel(&m->look);
    pg_cancel(&m->tell);
    end_waiting(m, 0, NULL);
    while (m->jobs) {
        struct job *job = m->jobs;
        m->jobs = job->next;
        if (job->entry)
            job->entry->done = NULL; /* the ticket is stored all the same */
        free(job);
    }
    event_free(m->turn);
    event_free(m->retry);
    free(m);
    *matters = NULL;
}
