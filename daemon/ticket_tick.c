/*
 * ticket_tick.c - columns by name of position; the lists are those of the statements tick_*.sql.
 */
#include "daemon/ticket_tick.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/sbuf.h"
#include "daemon/ticket_record.h"
#include "sql_catalogue.h"

/* ---- reading -----------------------------------------------------------------------------------
 */

enum ticket_column {
    COL_TICKET_NUMBER,
    COL_TICKET_VERSION,
    COL_TICKET_KIND,
    COL_TICKET_URGENCY,
    COL_TICKET_REGION,
    COL_TICKET_IS_OVERDUE,
    COL_TICKET_WAS_LATE,
    COL_TICKET_LEAD_UNIT,
    COL_TICKET_POLICY,
    COL_TICKET_SLA_SET,
    COL_TICKET_EVENT_COUNT,
    COL_TICKET_EVENT_HASH,
    COL_TICKET_LAST,
};

/* The first column of all three. */
enum { NUMBER };

enum clock_column {
    COL_CLOCK_NUMBER,
    COL_CLOCK_ORDINAL,
    COL_CLOCK_ASSIGNMENT,
    COL_CLOCK_CLOCK,
    COL_CLOCK_ROUND,
    COL_CLOCK_STATE,
    COL_CLOCK_STOP,
    COL_CLOCK_UNIT,
    COL_CLOCK_AMOUNT,
    COL_CLOCK_WARN_PERCENT,
    COL_CLOCK_IS_PAUSABLE,
    COL_CLOCK_IS_PROVISIONAL,
    COL_CLOCK_CALENDAR_SET,
    COL_CLOCK_STARTED,
    COL_CLOCK_DUE,
    COL_CLOCK_WARN,
    COL_CLOCK_ORIGINAL_DUE,
    COL_CLOCK_WARNED,
    COL_CLOCK_BREACHED,
    COL_CLOCK_PAUSED_AT,
    COL_CLOCK_PAUSED,
    COL_CLOCK_STEP,
    COL_CLOCK_STEP_AT,
    COL_CLOCK_ADJUSTMENTS,
};

enum assignment_column {
    COL_ASSIGNMENT_NUMBER,
    COL_ASSIGNMENT_ORDINAL,
    COL_ASSIGNMENT_UNIT,
    COL_ASSIGNMENT_ROLE,
    COL_ASSIGNMENT_ROUND,
    COL_ASSIGNMENT_STATE,
    COL_ASSIGNMENT_SUSPENDED_UNTIL,
};

static const char *text_of(const struct pg_result *res, int row, int col)
{
    return pg_result_null(res, row, col) ? NULL : pg_result_text(res, row, col);
}

static int int_of(const struct pg_result *res, int row, int col)
{
    return (int)pg_result_int(res, row, col);
}

/* The schema allows only our words. */
static int word_of(const struct pg_result *res, int row, int col, const struct word *words,
                   size_t count)
{
    int index = word_find(words, count, pg_result_text(res, row, col));

    INVARIANT(index >= 0);
    return index;
}

static void read_clock(const struct pg_result *res, int row, struct arena *arena,
                       struct ticket_clock *c)
{
    *c = (struct ticket_clock){
        .ordinal = int_of(res, row, COL_CLOCK_ORDINAL),
        .assignment = int_of(res, row, COL_CLOCK_ASSIGNMENT),
        .clock = (enum clock_kind)word_of(res, row, COL_CLOCK_CLOCK, clock_words, CLOCK_COUNT),
        .round = int_of(res, row, COL_CLOCK_ROUND),
        .state = (enum clock_state)word_of(res, row, COL_CLOCK_STATE, clock_state_words,
                                           CLOCK_STATE_COUNT),
        .stop = (enum sla_event)word_of(res, row, COL_CLOCK_STOP, sla_event_words, SLA_EVENT_COUNT),
        .limit = {pg_result_int(res, row, COL_CLOCK_AMOUNT),
                  (enum limit_unit)word_of(res, row, COL_CLOCK_UNIT, limit_unit_words,
                                           LIMIT_UNIT_COUNT)},
        .warn_percent = int_of(res, row, COL_CLOCK_WARN_PERCENT),
        .pausable = pg_result_bool(res, row, COL_CLOCK_IS_PAUSABLE),
        .provisional = pg_result_bool(res, row, COL_CLOCK_IS_PROVISIONAL),
        .calendar_set = pg_result_int(res, row, COL_CLOCK_CALENDAR_SET),
        .started_us = pg_result_instant(res, row, COL_CLOCK_STARTED),
        .due_us = pg_result_instant(res, row, COL_CLOCK_DUE),
        .warn_us = pg_result_instant(res, row, COL_CLOCK_WARN),
        .warned_us = pg_result_instant(res, row, COL_CLOCK_WARNED),
        .breached_us = pg_result_instant(res, row, COL_CLOCK_BREACHED),
        .paused_at_us = pg_result_instant(res, row, COL_CLOCK_PAUSED_AT),
        .paused_us = pg_result_int(res, row, COL_CLOCK_PAUSED),
        .step = int_of(res, row, COL_CLOCK_STEP),
        .step_us = pg_result_instant(res, row, COL_CLOCK_STEP_AT),
    };
    int64_t original_us = pg_result_instant(res, row, COL_CLOCK_ORIGINAL_DUE);
    c->original_due_us = original_us ? original_us : c->due_us;
    if (!pg_result_null(res, row, COL_CLOCK_ADJUSTMENTS))
        c->adjustments = ticket_record_adjustments(
            pg_result_text(res, row, COL_CLOCK_ADJUSTMENTS),
            pg_result_length(res, row, COL_CLOCK_ADJUSTMENTS), arena, &c->adjustment_count);
}

static void read_assignment(const struct pg_result *res, int row, struct assignment *a)
{
    *a = (struct assignment){
        .ordinal = int_of(res, row, COL_ASSIGNMENT_ORDINAL),
        .unit = pg_result_text(res, row, COL_ASSIGNMENT_UNIT),
        .role = (enum assignment_role)word_of(res, row, COL_ASSIGNMENT_ROLE, assignment_role_words,
                                              ASSIGNMENT_ROLE_COUNT),
        .round = int_of(res, row, COL_ASSIGNMENT_ROUND),
        .state = (enum assignment_state)word_of(res, row, COL_ASSIGNMENT_STATE,
                                                assignment_state_words, ASSIGNMENT_STATE_COUNT),
        .suspended_until_us = pg_result_instant(res, row, COL_ASSIGNMENT_SUSPENDED_UNTIL),
        .solved = -1,
    };
}

/* Where the ticket's rows begin, and how many there are. The cursor only moves on. */
static size_t rows_of(const struct pg_result *res, int64_t number, int *at)
{
    int rows = pg_result_rows(res), end;

    while (*at < rows && pg_result_int(res, *at, NUMBER) < number)
        ++*at;
    for (end = *at; end < rows && pg_result_int(res, end, NUMBER) == number; end++)
        ;
    return (size_t)(end - *at);
}

void tick_rows_init(struct tick_rows *rows, const struct pg_result *res)
{
    *rows = (struct tick_rows){
        .tickets = pg_result_at(res, 0),
        .clocks = pg_result_at(res, 1),
        .assignments = pg_result_at(res, 2),
    };
}

static void read_children(struct tick_rows *rows, struct arena *arena, struct ticket_view *v)
{
    v->clock_count = rows_of(rows->clocks, v->number, &rows->clock_at);
    v->clocks = arena_alloc_raw(arena, (v->clock_count + 1) * sizeof(*v->clocks));
    for (size_t i = 0; i < v->clock_count; i++)
        read_clock(rows->clocks, rows->clock_at++, arena, &v->clocks[i]);
    v->assignment_count = rows_of(rows->assignments, v->number, &rows->assignment_at);
    v->assignments = arena_alloc_raw(arena, (v->assignment_count + 1) * sizeof(*v->assignments));
    for (size_t i = 0; i < v->assignment_count; i++)
        read_assignment(rows->assignments, rows->assignment_at++, &v->assignments[i]);
}

void tick_rows_read(struct tick_rows *rows, int row, struct arena *arena, struct ticket_view *v)
{
    const struct pg_result *res = rows->tickets;
    size_t hash_len;

    *v = (struct ticket_view){
        .number = pg_result_int(res, row, COL_TICKET_NUMBER),
        .version = int_of(res, row, COL_TICKET_VERSION),
        .kind = (enum ticket_kind)word_of(res, row, COL_TICKET_KIND, kind_words, KIND_COUNT),
        .urgency = (enum ticket_urgency)word_of(res, row, COL_TICKET_URGENCY, urgency_words,
                                                URGENCY_COUNT),
        .region = text_of(res, row, COL_TICKET_REGION),
        .is_overdue = pg_result_bool(res, row, COL_TICKET_IS_OVERDUE),
        .was_late = pg_result_bool(res, row, COL_TICKET_WAS_LATE),
        .lead_unit = text_of(res, row, COL_TICKET_LEAD_UNIT),
        .policy = pg_result_text(res, row, COL_TICKET_POLICY),
        .sla_set = pg_result_int(res, row, COL_TICKET_SLA_SET),
        .event_count = int_of(res, row, COL_TICKET_EVENT_COUNT),
        .last_at_us = pg_result_instant(res, row, COL_TICKET_LAST),
    };
    const uint8_t *hash = pg_result_bytea(res, row, COL_TICKET_EVENT_HASH, arena, &hash_len);
    INVARIANT(hash && hash_len == sizeof(v->event_hash));
    memcpy(v->event_hash, hash, sizeof(v->event_hash));
    read_children(rows, arena, v);
}

void tick_load_calls(struct pg_params *params, struct arena *arena, const int64_t *numbers,
                     size_t count, struct pg_call calls_r[TICK_LOAD_CALLS])
{
    struct pg_array list;

    pg_params_init(params, arena);
    pg_array_init(&list, arena);
    for (size_t i = 0; i < count; i++)
        pg_array_int(&list, numbers[i]);
    pg_param_array(params, &list);
    calls_r[0] = (struct pg_call){&SQL_TICK_TICKETS, params};
    calls_r[1] = (struct pg_call){&SQL_TICK_CLOCKS, params};
    calls_r[2] = (struct pg_call){&SQL_TICK_ASSIGNMENTS, params};
}

/* ---- storing -----------------------------------------------------------------------------------
 */

enum {
    TICKET_COLUMNS = 6,
    CLOCK_COLUMNS = 13,
    QUEUE_COLUMNS = 3,
    EVENT_COLUMNS = 9,
    TALLY_COLUMNS = 4,
    ALL_COLUMNS = TICKET_COLUMNS + CLOCK_COLUMNS + QUEUE_COLUMNS + EVENT_COLUMNS + TALLY_COLUMNS,
};

struct tick_batch {
    struct arena *arena;
    size_t count;
    struct pg_array all[ALL_COLUMNS];
    struct pg_array *ticket, *clock, *queue, *event, *tally; /* parts of it */
};

struct tick_batch *tick_batch_new(void)
{
    struct tick_batch *b = xcalloc(1, sizeof(*b));

    b->arena = arena_new();
    for (size_t i = 0; i < ALL_COLUMNS; i++)
        pg_array_init(&b->all[i], b->arena);
    b->ticket = b->all;
    b->clock = b->ticket + TICKET_COLUMNS;
    b->queue = b->clock + CLOCK_COLUMNS;
    b->event = b->queue + QUEUE_COLUMNS;
    b->tally = b->event + EVENT_COLUMNS;
    return b;
}

void tick_batch_free(struct tick_batch **batch)
{
    if (!*batch)
        return;
    arena_free(&(*batch)->arena);
    free(*batch);
    *batch = NULL;
}

void tick_batch_params(struct tick_batch *batch, struct pg_params *params)
{
    pg_params_init(params, batch->arena);
    for (size_t i = 0; i < ALL_COLUMNS; i++)
        pg_param_array(params, &batch->all[i]);
}

static void add_ticket(struct tick_batch *b, const struct ticket_view *before,
                       const struct ticket_view *t)
{
    struct pg_array *a = b->ticket;

    pg_array_int(a++, t->number);
    pg_array_int(a++, before->version);
    pg_array_int(a++, t->event_count);
    pg_array_bytea(a++, t->event_hash, sizeof(t->event_hash));
    pg_array_bool(a++, t->is_overdue);
    pg_array_bool(a, t->was_late);
}

static void add_clock(struct tick_batch *b, int64_t number, const struct ticket_clock *c)
{
    struct pg_array *a = b->clock;

    pg_array_int(a++, number);
    pg_array_int(a++, c->ordinal);
    pg_array_instant(a++, c->due_us);
    pg_array_instant(a++, c->warn_us);
    pg_array_instant(a++, c->original_due_us);
    pg_array_instant(a++, c->warned_us);
    pg_array_instant(a++, c->breached_us);
    pg_array_int(a++, c->paused_us);
    pg_array_int(a++, c->step);
    pg_array_instant(a++, c->step_us);
    pg_array_bool(a++, c->provisional);
    pg_array_int(a++, c->calendar_set);
    pg_array_instant(a, ticket_clock_next_us(c));
}

static void add_queue(struct tick_batch *b, int64_t number, int ordinal, int64_t due_us)
{
    struct pg_array *a = b->queue;

    pg_array_int(a++, number);
    pg_array_int(a++, ordinal);
    pg_array_instant(a, due_us);
}

static void add_unit(struct sbuf *out, const char *unit)
{
    if (out->len)
        sbuf_addc(out, '\x1f');
    sbuf_adds(out, unit);
}

static bool has_unit(const struct ticket_view *t, size_t count, const char *unit)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(t->assignments[i].unit, unit) == 0)
            return true;
    }
    return false;
}

/* Every unit that has or had an assignment hears of the ticket, and the one that is told. */
static void add_audience(struct sbuf *out, const struct ticket_view *t, const char *tell)
{
    sbuf_clear(out);
    for (size_t i = 0; i < t->assignment_count; i++) {
        if (!has_unit(t, i, t->assignments[i].unit))
            add_unit(out, t->assignments[i].unit);
    }
    if (tell && !has_unit(t, t->assignment_count, tell))
        add_unit(out, tell);
}

static void add_event(struct tick_batch *b, const struct ticket_view *t,
                      const struct ticket_event *e, const char *audience)
{
    struct pg_array *a = b->event;

    pg_array_int(a++, t->number);
    pg_array_int(a++, e->seq);
    pg_array_text(a++, event_words[e->type].code);
    pg_array_instant(a++, e->at_us);
    pg_array_int(a++, e->assignment);
    pg_array_text(a++, e->unit);
    pg_array_text(a++, audience);
    pg_array_text(a++, e->detail);
    pg_array_bytea(a, e->hash, sizeof(e->hash));
}

static void add_tally(struct tick_batch *b, int64_t number, const struct ticket_tally *y)
{
    struct pg_array *a = b->tally;

    pg_array_int(a++, number);
    pg_array_instant(a++, y->at_us);
    pg_array_text(a++, y->unit);
    pg_array_int(a, y->overdue);
}

/* What the statement leaves alone is as it was. */
static bool is_same_clock(const struct ticket_clock *a, const struct ticket_clock *b)
{
    return !b->is_new && a->state == b->state && a->met_us == b->met_us &&
           a->paused_at_us == b->paused_at_us && a->adjustment_count == b->adjustment_count;
}

static bool is_lateness(const struct ticket_tally *y)
{
    return !y->is_closing && !y->category && !y->region && y->kind < 0 && !y->received &&
           !y->desk && !y->dispatched && !y->open && !y->closed && !y->on_time;
}

/* Of a tick all the rest is as it was. */
static bool is_clocks_alone(const struct ticket_view *before, const struct ticket_change *change)
{
    const struct ticket_view *t = &change->after;

    if (t->clock_count != before->clock_count || t->assignment_count != before->assignment_count)
        return false;
    for (size_t i = 0; i < t->assignment_count; i++) {
        if (t->assignments[i].is_changed || t->assignments[i].is_new)
            return false;
    }
    for (size_t i = 0; i < t->clock_count; i++) {
        if (!is_same_clock(&before->clocks[i], &t->clocks[i]))
            return false;
    }
    for (size_t i = 0; i < change->tally_count; i++) {
        if (!is_lateness(&change->tallies[i]))
            return false;
    }
    return true;
}

static void add_queues(struct tick_batch *b, const struct ticket_view *before,
                       const struct ticket_view *t)
{
    for (size_t i = 0; i < t->assignment_count; i++) {
        const struct assignment *a = &t->assignments[i];
        if (!assignment_state_is_live(a->state))
            continue;
        int64_t due_us = ticket_queue_due_us(t, a);
        if (due_us != ticket_queue_due_us(before, a))
            add_queue(b, t->number, a->ordinal, due_us);
    }
}

static void add_events(struct tick_batch *b, const struct ticket_change *change)
{
    struct sbuf audience;

    sbuf_init(&audience, 0);
    for (size_t i = 0; i < change->event_count; i++) {
        const struct ticket_event *e = &change->events[i];
        INVARIANT(e->role == ROLE_SYSTEM && !e->text); /* the statement says so itself */
        add_audience(&audience, &change->after, e->tell);
        add_event(b, &change->after, e, audience.len ? audience.data : "");
    }
    sbuf_free(&audience);
}

bool tick_batch_add(struct tick_batch *b, const struct ticket_view *before,
                    const struct ticket_change *change)
{
    const struct ticket_view *t = &change->after;

    if (!is_clocks_alone(before, change))
        return false;
    b->count++;
    add_ticket(b, before, t);
    for (size_t i = 0; i < t->clock_count; i++) {
        if (t->clocks[i].is_changed)
            add_clock(b, t->number, &t->clocks[i]);
    }
    add_queues(b, before, t);
    add_events(b, change);
    for (size_t i = 0; i < change->tally_count; i++)
        add_tally(b, t->number, &change->tallies[i]);
    return true;
}
