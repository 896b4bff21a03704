/*
 * verify.c - POST /v1/admin/verify: tickets in pages by number, so that the loop is never held for
 * more than a few milliseconds. It ends at its limit or its deadline and says where to go on.
 *
 * Deadlines were computed by the calendar of their time: versions that the history names and that
 * are not in force any more are loaded when a ticket first needs them.
 */
#include "daemon/verify.h"

#include <string.h>

#include "base/log.h"
#include "daemon/config.h"
#include "daemon/reports.h"
#include "proto/ticket_json.h"
#include "sql_catalogue.h"

#define LIMIT_DEFAULT 10000
#define LIMIT_MAX 1000000
#define MOST_SAMPLES 100
#define MOST_CALENDARS 32 /* each is a city; further versions are not known */
#define VERIFY_TIMEOUT_US (20 * US_PER_SECOND)

struct known_calendar {
    int64_t version;
    struct city *city; /* NULL: there is no such version, or it does not build */
};

struct verifying {
    const char *after; /* as asked */
    int64_t limit;
    int64_t until_us; /* monotonic */
    struct city *city;
    struct known_calendar calendars[MOST_CALENDARS];
    size_t calendar_count;
    int64_t wanted; /* version of a calendar that is missing; 0 = none */
    /* the page */
    struct arena *page;
    struct verify_ticket list[VERIFY_PAGE_TICKETS];
    size_t count, at;
    int64_t last; /* number of the last ticket checked */
    /* what was found */
    int64_t tickets, events, clocks, differing, broken_chains;
    struct verify_difference samples[MOST_SAMPLES];
    size_t sample_count;
};

/* ---- the end -----------------------------------------------------------------------------------
 */

static void let_go(struct request *r)
{
    struct verifying *v = r->state;

    r->d->is_verifying = false;
    arena_free(&v->page);
    city_unref(&v->city);
    for (size_t i = 0; i < v->calendar_count; i++)
        city_unref(&v->calendars[i].city);
    v->calendar_count = 0;
}

static void write_clock(struct json_writer *w, const char *key, bool is_there,
                        const struct ticket_clock *c, int offset_min)
{
    if (!is_there) {
        jw_null(w, key);
        return;
    }
    jw_object(w, key);
    jw_string(w, "clock", clock_words[c->clock].code);
    jw_int(w, "ordinal", c->ordinal);
    jw_int(w, "assignment", c->assignment);
    jw_int(w, "round", c->round);
    jw_string(w, "state", clock_state_words[c->state].code);
    jw_instant(w, "started_at", c->started_us, offset_min);
    jw_instant(w, "due_at", c->due_us, offset_min);
    jw_instant(w, "original_due_at", c->original_due_us, offset_min);
    jw_instant(w, "warn_at", c->warn_us, offset_min);
    jw_instant(w, "warned_at", c->warned_us, offset_min);
    jw_instant(w, "breached_at", c->breached_us, offset_min);
    jw_instant(w, "met_at", c->met_us, offset_min);
    jw_instant(w, "paused_at", c->paused_at_us, offset_min);
    jw_int(w, "paused_us", c->paused_us);
    jw_int(w, "step", c->step);
    jw_bool(w, "provisional", c->provisional);
    jw_object_end(w);
}

static void write_sample(struct json_writer *w, const struct verify_difference *d, int offset_min)
{
    char number[TICKET_NUMBER_SIZE];
    const struct ticket_clock *c = d->has_stored ? &d->stored : &d->recomputed;

    ticket_number_format(d->number, number);
    jw_object(w, NULL);
    jw_string(w, "number", number);
    jw_string(w, "field", d->field);
    if (d->has_stored || d->has_recomputed)
        jw_string(w, "clock", clock_words[c->clock].code);
    else
        jw_null(w, "clock");
    if (d->seq)
        jw_int(w, "seq", d->seq);
    else
        jw_null(w, "seq");
    write_clock(w, "stored", d->has_stored, &d->stored, offset_min);
    write_clock(w, "recomputed", d->has_recomputed, &d->recomputed, offset_min);
    jw_object_end(w);
}

static void reply(struct request *r, bool is_complete)
{
    struct verifying *v = r->state;
    char number[TICKET_NUMBER_SIZE];
    struct json_writer w;
    struct sbuf out;

    ticket_number_format(v->last, number);
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_int(&w, "tickets", v->tickets);
    jw_int(&w, "events", v->events);
    jw_int(&w, "clocks", v->clocks);
    jw_int(&w, "differing", v->differing);
    jw_int(&w, "broken_chains", v->broken_chains);
    jw_array(&w, "samples");
    for (size_t i = 0; i < v->sample_count; i++)
        write_sample(&w, &v->samples[i], city_offset_min(v->city));
    jw_array_end(&w);
    jw_string(&w, "next", is_complete ? NULL : number);
    jw_object_end(&w);
    r->on_abort = NULL;
    let_go(r);
    request_reply(r, 200, &out);
}

static void give_up(struct request *r)
{
    r->on_abort = NULL;
    let_go(r);
    request_problem(r, PROBLEM_UNAVAILABLE, NULL);
}

/* ---- calendars of other times ------------------------------------------------------------------
 */

struct place {
    struct verifying *verifying;
    const char *region;
};

static const struct city *find_city(struct verifying *v, int64_t version)
{
    if (version == city_calendar_version(v->city))
        return v->city;
    for (size_t i = 0; i < v->calendar_count; i++) {
        if (v->calendars[i].version == version)
            return v->calendars[i].city;
    }
    if (v->calendar_count < MOST_CALENDARS)
        v->wanted = version;
    return NULL;
}

static const struct calendar *calendar_at(void *ctx, int64_t version)
{
    const struct place *place = ctx;
    const struct city *city = find_city(place->verifying, version);

    if (!city)
        return NULL;
    return city_calendar(city, place->region ? city_find_region(city, place->region) : -1);
}

static void proceed(struct request *r);

/* The body of a version, whose name may be missing, as that of a draft. */
static struct city *build(const struct daemon *d, const char *body, size_t len)
{
    struct arena *arena = arena_new();
    struct city_faults *city_faults = arena_alloc(arena, sizeof(*city_faults));
    struct city_part_head head;
    struct faults faults;
    struct sbuf named;

    faults_init(&faults, arena);
    struct json_doc *doc = json_parse(body, len, &faults);
    INVARIANT(doc != NULL); /* PostgreSQL wrote it */
    sbuf_init(&named, 0);
    sbuf_adds(&named, "{\"name\":\"older\",\"calendars\":");
    json_write_value(&named, json_get(json_root(doc), "calendars"));
    sbuf_addc(&named, '}');
    json_doc_free(&doc);
    doc = json_parse(named.data, named.len, &faults);
    INVARIANT(doc != NULL); /* we wrote it */
    struct city *city = config_build_draft(d, CITY_PART_CALENDARS, json_root(doc), arena, &head,
                                           &faults, city_faults);
    json_doc_free(&doc);
    sbuf_free(&named);
    arena_free(&arena);
    return city;
}

static void on_calendar(void *ctx, const struct pg_result *res)
{
    struct request *r = ctx;
    struct verifying *v = r->state;
    struct known_calendar *known = &v->calendars[v->calendar_count];

    r->op = NULL;
    if (pg_result_outcome(res) != PG_ROWS || !r->d->city) {
        give_up(r);
        return;
    }
    v->calendar_count++;
    *known = (struct known_calendar){v->wanted, NULL};
    v->wanted = 0;
    if (pg_result_rows(res) == 1)
        known->city = build(r->d, pg_result_text(res, 0, 3), pg_result_length(res, 0, 3));
    if (!known->city)
        log_warn("verify", "an old calendar cannot be built calendar_set=%lld",
                 (long long)known->version);
    proceed(r);
}

static void load_calendar(struct request *r)
{
    const struct verifying *v = r->state;
    struct arena *arena = arena_new();
    struct pg_params params;

    pg_params_init(&params, arena);
    pg_param_text(&params, city_part_words[CITY_PART_CALENDARS].code);
    pg_param_int(&params, v->wanted);
    r->op = pg_submit(r->d->report_pool, &SQL_VERSION_GET, &params, DAEMON_READ_TIMEOUT_US,
                      on_calendar, r);
    arena_free(&arena);
}

/* ---- pages -------------------------------------------------------------------------------------
 */

static void count_ticket(struct verifying *v, const struct verify_ticket *t, size_t differing,
                         const struct verify_difference *first)
{
    v->tickets++;
    v->events += (int64_t)t->event_count;
    v->clocks += (int64_t)t->clock_count;
    v->differing += (int64_t)differing;
    v->broken_chains += !t->chain_holds;
    if (first->field && v->sample_count < MOST_SAMPLES)
        v->samples[v->sample_count++] = *first;
    if (first->field)
        log_error("verify", "a ticket does not follow from its history number=%lld field=%s",
                  (long long)t->number, first->field);
    v->last = t->number;
}

/* false: a calendar has to be loaded first. */
static bool check_ticket(struct verifying *v, const struct verify_ticket *t)
{
    struct place place = {v, t->region};
    struct recompute_facts facts = t->facts;
    struct verify_difference first;

    facts.policy = city_policy_of(v->city, t->sla_set, t->policy);
    facts.calendar = calendar_at;
    facts.ctx = &place;
    size_t differing = verify_ticket_compare(t, &facts, v->page, &first);
    if (v->wanted)
        return false;
    count_ticket(v, t, differing, &first);
    return true;
}

static void next_page(struct request *r);

static void proceed(struct request *r)
{
    struct verifying *v = r->state;

    for (; v->at < v->count; v->at++) {
        if (v->tickets == v->limit) {
            reply(r, false);
            return;
        }
        if (!check_ticket(v, &v->list[v->at])) {
            load_calendar(r);
            return;
        }
    }
    if (v->count < VERIFY_PAGE_TICKETS)
        reply(r, true);
    else if (clk_mono_us() >= v->until_us || v->tickets == v->limit)
        reply(r, false);
    else
        next_page(r);
}

static void on_page(void *ctx, const struct pg_result *res)
{
    struct request *r = ctx;
    struct verifying *v = r->state;

    r->op = NULL;
    if (pg_result_outcome(res) != PG_ROWS) {
        give_up(r);
        return;
    }
    arena_free(&v->page);
    v->page = arena_new();
    v->at = 0;
    v->count = (size_t)pg_result_rows(res);
    for (size_t i = 0; i < v->count; i++)
        verify_ticket_read(res, (int)i, v->page, &v->list[i]);
    proceed(r);
}

static void next_page(struct request *r)
{
    const struct verifying *v = r->state;
    struct arena *arena = arena_new();
    struct pg_params params;

    pg_params_init(&params, arena);
    pg_param_int(&params, v->last);
    pg_param_int(&params, VERIFY_PAGE_TICKETS);
    r->op =
        pg_submit(r->d->report_pool, &SQL_VERIFY_PAGE, &params, DAEMON_READ_TIMEOUT_US, on_page, r);
    arena_free(&arena);
}

/* ---- the beginning -----------------------------------------------------------------------------
 */

static bool read_body(struct request *r, struct verifying *v)
{
    static const struct field fields[] = {
        {.name = "after",
         .type = FIELD_STRING,
         .offset = offsetof(struct verifying, after),
         .min = 1,
         .max = TICKET_NUMBER_SIZE},
        {.name = "limit",
         .type = FIELD_INT,
         .offset = offsetof(struct verifying, limit),
         .min = 1,
         .max = LIMIT_MAX},
    };

    v->limit = LIMIT_DEFAULT;
    if (!json_decode(json_root(r->body), fields, ARRAY_LEN(fields), v, r->arena, &r->faults))
        return false;
    if (v->after && !ticket_number_parse(v->after, strlen(v->after), &v->last))
        faults_add(&r->faults, "after", "format");
    return r->faults.count == 0;
}

void admin_verify_post(struct request *r)
{
    struct verifying *v = arena_alloc(r->arena, sizeof(*v));

    if (!request_parse_body(r) || !request_query_ok(r))
        return;
    if (!read_body(r, v)) {
        request_reply_faults(r);
        return;
    }
    if (!r->d->city || r->d->is_verifying) {
        request_problem(r, r->d->city ? PROBLEM_BUSY : PROBLEM_NO_CITY, NULL);
        return;
    }
    r->d->is_verifying = true;
    r->state = v;
    r->on_abort = let_go;
    v->city = city_ref(r->d->city);
    v->until_us = clk_mono_us() + VERIFY_TIMEOUT_US;
    next_page(r);
}
