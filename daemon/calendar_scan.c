/*
 * calendar_scan.c - see calendar_scan.h.
 */
#include "daemon/calendar_scan.h"

#include "daemon/ticket_record.h"
#include "hotline/ticket_machine.h"
#include "sql_catalogue.h"

/* A turn of the loop: some three clocks of a ticket, a microsecond or two each. */
#define PAGE_TICKETS 400

enum column {
    NUMBER,
    REGION,
    LEAD_UNIT,
    ASSIGNMENT_UNIT,
    CLOCK,
    UNIT,
    AMOUNT,
    WARN_PERCENT,
    STARTED,
    DUE,
    WARN,
    IS_PROVISIONAL,
    ADJUSTMENTS
};

static const char *text_of(const struct pg_result *res, int row, enum column col)
{
    return pg_result_null(res, row, (int)col) ? NULL : pg_result_text(res, row, (int)col);
}

static const char *unit_of(const struct pg_result *res, int row)
{
    const char *own = text_of(res, row, ASSIGNMENT_UNIT);
    return own ? own : text_of(res, row, LEAD_UNIT);
}

static void compute(const struct calendar_scan *scan, const struct pg_result *res, int row,
                    struct arena *arena, struct scanned_clock *c)
{
    const char *region = text_of(res, row, REGION);
    int index = region ? city_find_region(scan->city, region) : -1;
    int unit = word_find(limit_unit_words, LIMIT_UNIT_COUNT, text_of(res, row, UNIT));
    int clock = word_find(clock_words, CLOCK_COUNT, text_of(res, row, CLOCK));
    struct clock_terms terms = {.warn_percent = (int)pg_result_int(res, row, WARN_PERCENT),
                                .started_us = pg_result_int(res, row, STARTED)};

    INVARIANT(unit >= 0 && clock >= 0); /* the schema allows only our words */
    terms.limit = (struct limit){pg_result_int(res, row, AMOUNT), (enum limit_unit)unit};
    if (!pg_result_null(res, row, ADJUSTMENTS))
        terms.adjustments = ticket_record_adjustments(pg_result_text(res, row, ADJUSTMENTS),
                                                      pg_result_length(res, row, ADJUSTMENTS),
                                                      arena, &terms.adjustment_count);
    *c = (struct scanned_clock){
        .number = pg_result_int(res, row, NUMBER),
        .clock = (enum clock_kind)clock,
        .unit = unit_of(res, row),
        .due_us = pg_result_int(res, row, DUE),
        .warn_us = pg_result_int(res, row, WARN),
        .provisional = pg_result_bool(res, row, IS_PROVISIONAL),
        .after = clock_compute(&terms, city_calendar(scan->city, index)),
    };
    c->is_changed = c->after.due_us != c->due_us || c->after.warn_us != c->warn_us ||
                    c->after.provisional != c->provisional;
}

static void read_page(struct calendar_scan *scan, const struct pg_result *res)
{
    struct arena *arena = arena_new();
    struct scanned_clock clock;
    int64_t last = 0;

    for (int i = 0; i < pg_result_rows(res); i++) {
        int64_t number = pg_result_int(res, i, NUMBER);
        scan->tickets += number != last;
        last = number;
        if (pg_result_null(res, i, CLOCK))
            continue;
        scan->clocks++;
        compute(scan, res, i, arena, &clock);
        scan->clock(scan->ctx, &clock);
    }
    arena_free(&arena);
    if (last)
        scan->after = last;
}

static bool next_state(struct calendar_scan *scan)
{
    scan->after = 0;
    do
        scan->state++;
    while (scan->state < TICKET_STATE_COUNT &&
           !ticket_state_is_open((enum ticket_state)scan->state));
    return scan->state < TICKET_STATE_COUNT;
}

static void on_page(void *ctx, const struct pg_result *res)
{
    struct calendar_scan *scan = ctx;

    scan->op = NULL;
    if (pg_result_outcome(res) != PG_ROWS) {
        scan->event(scan->ctx, SCAN_FAILED);
        return;
    }
    read_page(scan, res);
    bool is_over = pg_result_rows(res) == 0 && !next_state(scan);
    scan->event(scan->ctx, is_over ? SCAN_END : SCAN_PAGE);
}

void calendar_scan_next(struct calendar_scan *scan)
{
    struct arena *arena = arena_new();
    struct pg_params params;

    pg_params_init(&params, arena);
    pg_param_text(&params, ticket_state_words[scan->state].code);
    pg_param_int(&params, scan->after);
    pg_param_int(&params, PAGE_TICKETS);
    scan->op =
        pg_submit(scan->pool, &SQL_CLOCK_LIVE, &params, DAEMON_READ_TIMEOUT_US, on_page, scan);
    arena_free(&arena);
}

void calendar_scan_begin(struct calendar_scan *scan)
{
    scan->tickets = scan->clocks = 0;
    scan->state = -1;
    (void)next_state(scan);
    calendar_scan_next(scan);
}

void calendar_scan_clear(struct calendar_scan *scan)
{
    pg_cancel(&scan->op);
}
