/*
 * calendar_preview.c - POST /v1/admin/calendars/drafts/{}/preview: which open deadlines a draft of
 * calendars would move, and how. Nothing is stored.
 *
 * Deadlines are computed by the function that the plan of a new calendar computes them by
 * (clock_compute), so that what is shown is what happens.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clk.h"
#include "daemon/calendar_scan.h"
#include "daemon/version.h"
#include "hotline/ticket_number.h"

#define PREVIEW_TIMEOUT_US (25 * US_PER_SECOND)
#define SAMPLES_DEFAULT 20
#define SAMPLES_MOST 1000
#define UNITS_SHOWN 50

struct tally {
    int64_t clocks, changed, earlier, later;
};

struct sample {
    int64_t number;
    enum clock_kind clock;
    int64_t before_us, after_us;
};

struct previewing {
    struct version_draft draft; /* first: version_draft_load() keeps it in r->state */
    struct calendar_scan scan;
    struct city *now; /* NULL: not begun */
    int64_t samples_wanted;
    int64_t until_us; /* monotonic */
    int64_t tickets_changed, last_changed;
    int64_t provisional_resolved, provisional_new;
    struct tally all, by_clock[CLOCK_COUNT];
    int64_t *by_unit; /* changed, by the unit's index */
    struct sample *samples;
    size_t sample_count;
};

struct preview_body {
    int64_t samples;
};
static const struct field fields[] = {
    {.name = "samples",
     .type = FIELD_INT,
     .offset = offsetof(struct preview_body, samples),
     .min = 0,
     .max = SAMPLES_MOST},
};

static void let_go(struct request *r)
{
    struct previewing *p = r->state;

    if (!p->now)
        return;
    calendar_scan_clear(&p->scan);
    r->d->replays_running--;
    city_unref(&p->now);
    city_unref(&p->draft.city);
}

/* ---- counting ----------------------------------------------------------------------------------
 */

static void count(struct tally *t, const struct scanned_clock *c)
{
    t->clocks++;
    t->changed += c->is_changed;
    t->earlier += c->after.due_us < c->due_us;
    t->later += c->after.due_us > c->due_us;
}

static void on_clock(void *ctx, const struct scanned_clock *c)
{
    struct request *r = ctx;
    struct previewing *p = r->state;

    count(&p->all, c);
    count(&p->by_clock[c->clock], c);
    if (!c->is_changed)
        return;
    p->tickets_changed += c->number != p->last_changed;
    p->last_changed = c->number;
    p->provisional_resolved += c->provisional && !c->after.provisional;
    p->provisional_new += !c->provisional && c->after.provisional;
    int unit = c->unit ? city_find_unit(p->now, c->unit) : -1;
    if (unit >= 0)
        p->by_unit[unit]++;
    if (p->sample_count < (size_t)p->samples_wanted)
        p->samples[p->sample_count++] =
            (struct sample){c->number, c->clock, c->due_us, c->after.due_us};
}

/* ---- the answer --------------------------------------------------------------------------------
 */

static void write_tally(struct json_writer *w, const struct tally *t)
{
    jw_int(w, "clocks", t->clocks);
    jw_int(w, "changed", t->changed);
    jw_int(w, "earlier", t->earlier);
    jw_int(w, "later", t->later);
}

static void write_clocks(struct json_writer *w, const struct previewing *p)
{
    jw_array(w, "by_clock");
    for (int k = 0; k < CLOCK_COUNT; k++) {
        if (p->by_clock[k].clocks == 0)
            continue;
        jw_object(w, NULL);
        jw_string(w, "clock", clock_words[k].code);
        write_tally(w, &p->by_clock[k]);
        jw_object_end(w);
    }
    jw_array_end(w);
}

struct unit_row {
    int unit;
    int64_t changed;
};

static int most_first(const void *a, const void *b)
{
    const struct unit_row *x = a, *y = b;

    if (x->changed != y->changed)
        return x->changed > y->changed ? -1 : 1;
    return x->unit - y->unit;
}

static void write_units(struct json_writer *w, const struct previewing *p, struct arena *arena)
{
    size_t units = city_unit_count(p->now), rows = 0;
    struct unit_row *list = arena_alloc(arena, (units + 1) * sizeof(*list));

    for (size_t i = 0; i < units; i++) {
        if (p->by_unit[i])
            list[rows++] = (struct unit_row){(int)i, p->by_unit[i]};
    }
    qsort(list, rows, sizeof(*list), most_first);
    jw_array(w, "by_unit");
    for (size_t i = 0; i < rows && i < UNITS_SHOWN; i++) {
        const struct unit *unit = city_unit(p->now, list[i].unit);
        jw_object(w, NULL);
        jw_string(w, "unit", unit->code);
        jw_string(w, "name", unit->name);
        jw_int(w, "changed", list[i].changed);
        jw_object_end(w);
    }
    jw_array_end(w);
    jw_int(w, "units_left_off", rows > UNITS_SHOWN ? (int64_t)(rows - UNITS_SHOWN) : 0);
}

static void write_samples(struct json_writer *w, const struct previewing *p)
{
    int offset = city_offset_min(p->now);
    char digits[TICKET_NUMBER_SIZE];

    jw_array(w, "samples");
    for (size_t i = 0; i < p->sample_count; i++) {
        const struct sample *s = &p->samples[i];
        ticket_number_format(s->number, digits);
        jw_object(w, NULL);
        jw_string(w, "number", digits);
        jw_string(w, "clock", clock_words[s->clock].code);
        jw_instant(w, "due_before", s->before_us, offset);
        jw_instant(w, "due_after", s->after_us, offset);
        jw_object_end(w);
    }
    jw_array_end(w);
}

static void reply(struct request *r, bool is_complete)
{
    struct previewing *p = r->state;
    struct json_writer w;
    struct sbuf out;

    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_int(&w, "draft", p->draft.id);
    jw_int(&w, "against", city_calendar_version(p->now));
    jw_bool(&w, "is_complete", is_complete);
    jw_int(&w, "open_tickets", (int64_t)p->scan.tickets);
    jw_int(&w, "tickets_changed", p->tickets_changed);
    write_tally(&w, &p->all);
    jw_int(&w, "provisional_resolved", p->provisional_resolved);
    jw_int(&w, "provisional_new", p->provisional_new);
    write_clocks(&w, p);
    write_units(&w, p, r->arena);
    write_samples(&w, p);
    jw_object_end(&w);
    r->on_abort = NULL;
    let_go(r);
    request_reply(r, 200, &out);
}

/* ---- the scan ----------------------------------------------------------------------------------
 */

static void on_scan(void *ctx, enum scan_event event)
{
    struct request *r = ctx;
    struct previewing *p = r->state;

    if (event == SCAN_FAILED) {
        r->on_abort = NULL;
        let_go(r);
        request_problem(r, PROBLEM_UNAVAILABLE, NULL);
    } else if (event == SCAN_END || clk_mono_us() >= p->until_us) {
        reply(r, event == SCAN_END);
    } else {
        calendar_scan_next(&p->scan);
    }
}

static void begin(struct request *r, struct version_draft *draft)
{
    struct previewing *p = r->state;

    if (r->d->replays_running == REPLAY_AT_ONCE) {
        city_unref(&draft->city);
        request_problem(r, PROBLEM_BUSY, NULL);
        return;
    }
    r->d->replays_running++;
    p->now = city_ref(r->d->city);
    r->on_abort = let_go;
    p->by_unit = arena_alloc(r->arena, (city_unit_count(p->now) + 1) * sizeof(*p->by_unit));
    p->samples = arena_alloc(r->arena, (size_t)(p->samples_wanted + 1) * sizeof(*p->samples));
    p->until_us = clk_mono_us() + PREVIEW_TIMEOUT_US;
    p->scan = (struct calendar_scan){
        .d = r->d,
        .city = draft->city,
        .pool = r->d->report_pool,
        .clock = on_clock,
        .event = on_scan,
        .ctx = r,
    };
    calendar_scan_begin(&p->scan);
}

void draft_preview_post(struct request *r)
{
    struct previewing *p = arena_alloc(r->arena, sizeof(*p));
    struct preview_body body = {SAMPLES_DEFAULT};

    if (!version_part_read(r, &p->draft.part))
        return;
    if (p->draft.part != CITY_PART_CALENDARS) {
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
        return;
    }
    if (!version_id_read(r, 1, &p->draft.id) || !request_query_ok(r))
        return;
    if (!r->d->city) {
        request_problem(r, PROBLEM_NO_CITY, NULL);
        return;
    }
    if (!request_parse_body(r))
        return;
    if (!json_decode(json_root(r->body), fields, ARRAY_LEN(fields), &body, r->arena, &r->faults)) {
        request_reply_faults(r);
        return;
    }
    p->samples_wanted = body.samples;
    p->draft.go = begin;
    version_draft_load(r, &p->draft);
}
