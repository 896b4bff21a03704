/*
 * version_replay.c - POST /v1/admin/{rules|policies}/drafts/{}/replay: past tickets under a draft.
 *
 * Tickets come in pages, newest first, so that the loop is never held for more than a few
 * milliseconds; a replay ends at its limit or its deadline and says then that it is not complete.
 * What a part of the city does with a row stands in its struct replay_part.
 */
#include <string.h>

#include "base/civil.h"
#include "daemon/ticket_record.h"
#include "daemon/version.h"
#include "proto/version_json.h"
#include "sql_catalogue.h"

#define REPLAY_TIMEOUT_US (25 * US_PER_SECOND)
/* Numbers begin with the local day as YYMMDD; a day is room for clocks that were set back. */
#define NUMBERS_PER_DAY INT64_C(1000000000000)
#define CENTURY 2000

struct replaying;

struct replay_part {
    const struct pg_stmt *statement; /* its first columns are those of enum column */
    int page;                        /* tickets; a few milliseconds of work */
    void (*init)(struct request *r, struct replaying *rp, const struct city *after);
    /* A ticket of the period; is_first: its first row. */
    void (*row)(struct replaying *rp, const struct pg_result *res, int row, bool is_first);
    void (*write)(struct json_writer *w, const struct replaying *rp, struct arena *arena);
};

enum column { NUMBER, IS_WANTED, FIRST_OF_PART };

struct replaying {
    struct version_draft draft; /* first: version_draft_load() keeps it in r->state */
    const struct replay_part *part;
    struct replay_request asked;
    union {
        struct replay rules;
        struct policy_replay policies;
    } of;
    bool is_known;        /* of policies: the clocks of the last ticket count */
    struct city *before;  /* NULL: not begun */
    int64_t below, above; /* numbers */
    int64_t oldest;       /* number of the last ticket looked at; 0 = none */
    int64_t tickets;      /* of the period, so far */
    int64_t until_us;     /* monotonic */
};

static const char *text_or_null(const struct pg_result *res, int row, int col)
{
    return pg_result_null(res, row, col) ? NULL : pg_result_text(res, row, col);
}

static int word_of(const struct word *words, size_t count, const struct pg_result *res, int row,
                   int col)
{
    int index = word_find(words, count, pg_result_text(res, row, col));
    return index < 0 ? 0 : index;
}

/* ---- rules: the way of a ticket ----------------------------------------------------------------
 */

enum rules_column {
    RECEIVED = FIRST_OF_PART,
    CHANNEL,
    KIND,
    URGENCY,
    CATEGORY,
    REGION,
    TITLE,
    TEXT
};

static void rules_init(struct request *r, struct replaying *rp, const struct city *after)
{
    replay_init(&rp->of.rules, r->arena, rp->before, after, (size_t)rp->asked.samples);
}

static void rules_row(struct replaying *rp, const struct pg_result *res, int row, bool is_first)
{
    const struct city *city = rp->before;
    const struct route_matter matter = {
        .category = city_find_category(city, text_or_null(res, row, CATEGORY)),
        .region = city_find_region(city, text_or_null(res, row, REGION)),
        .kind = (enum ticket_kind)word_of(kind_words, KIND_COUNT, res, row, KIND),
        .urgency = (enum ticket_urgency)word_of(urgency_words, URGENCY_COUNT, res, row, URGENCY),
        .channel = (enum ticket_channel)word_of(channel_words, CHANNEL_COUNT, res, row, CHANNEL),
        .title = pg_result_text(res, row, TITLE),
        .text = pg_result_text(res, row, TEXT),
        .now_us = pg_result_int(res, row, RECEIVED),
    };

    (void)is_first; /* a row each */
    replay_matter(&rp->of.rules, pg_result_int(res, row, NUMBER), &matter);
}

static void rules_write(struct json_writer *w, const struct replaying *rp, struct arena *arena)
{
    jw_int(w, "against", city_rule_set_version(rp->before));
    version_json_write_replay(w, &rp->of.rules, arena);
}

/* ---- policies: what it was promised ------------------------------------------------------------
 */

enum policies_column {
    OF_KIND = FIRST_OF_PART,
    OF_URGENCY,
    OF_REGION,
    POLICY,
    SLA_SET,
    LEAD_UNIT,
    ASSIGNMENT_UNIT,
    CLOCK,
    ROUND,
    STATE,
    LIMIT_UNIT,
    AMOUNT,
    WARN_PERCENT,
    STARTED,
    MET,
    ADJUSTMENTS
};

static void policies_init(struct request *r, struct replaying *rp, const struct city *after)
{
    policy_replay_init(&rp->of.policies, r->arena, rp->before, after, r->now_us,
                       (size_t)rp->asked.samples);
}

static struct past_ticket read_ticket(const struct replaying *rp, const struct pg_result *res,
                                      int row)
{
    const char *region = text_or_null(res, row, OF_REGION);

    return (struct past_ticket){
        .number = pg_result_int(res, row, NUMBER),
        .policy = pg_result_text(res, row, POLICY),
        .sla_set = pg_result_int(res, row, SLA_SET),
        .kind = (enum ticket_kind)word_of(kind_words, KIND_COUNT, res, row, OF_KIND),
        .urgency = (enum ticket_urgency)word_of(urgency_words, URGENCY_COUNT, res, row, OF_URGENCY),
        .region = region ? city_find_region(rp->before, region) : -1,
    };
}

static struct past_clock read_clock(const struct pg_result *res, int row, struct arena *arena)
{
    const char *own = text_or_null(res, row, ASSIGNMENT_UNIT);
    struct past_clock c = {
        .clock = (enum clock_kind)word_of(clock_words, CLOCK_COUNT, res, row, CLOCK),
        .round = (int)pg_result_int(res, row, ROUND),
        .state = (enum clock_state)word_of(clock_state_words, CLOCK_STATE_COUNT, res, row, STATE),
        .met_us = pg_result_null(res, row, MET) ? 0 : pg_result_int(res, row, MET),
        .unit = own ? own : text_or_null(res, row, LEAD_UNIT),
        .terms = {.warn_percent = (int)pg_result_int(res, row, WARN_PERCENT),
                  .started_us = pg_result_int(res, row, STARTED)},
    };

    c.terms.limit = (struct limit){
        pg_result_int(res, row, AMOUNT),
        (enum limit_unit)word_of(limit_unit_words, LIMIT_UNIT_COUNT, res, row, LIMIT_UNIT)};
    if (!pg_result_null(res, row, ADJUSTMENTS))
        c.terms.adjustments = ticket_record_adjustments(pg_result_text(res, row, ADJUSTMENTS),
                                                        pg_result_length(res, row, ADJUSTMENTS),
                                                        arena, &c.terms.adjustment_count);
    return c;
}

static void policies_row(struct replaying *rp, const struct pg_result *res, int row, bool is_first)
{
    const struct past_ticket ticket = read_ticket(rp, res, row);

    if (is_first)
        rp->is_known = policy_replay_ticket(&rp->of.policies, &ticket);
    if (!rp->is_known || pg_result_null(res, row, CLOCK))
        return;
    struct arena *arena = arena_new();
    const struct past_clock clock = read_clock(res, row, arena);
    policy_replay_clock(&rp->of.policies, &ticket, &clock);
    arena_free(&arena);
}

static void policies_write(struct json_writer *w, const struct replaying *rp, struct arena *arena)
{
    jw_int(w, "against", city_sla_version(rp->before));
    version_json_write_policy_replay(w, &rp->of.policies, arena, city_offset_min(rp->before));
}

/* Deadlines that calendars would move are a preview: calendar_preview.c. */
static const struct replay_part parts[CITY_PART_COUNT] = {
    [CITY_PART_RULES] = {&SQL_TICKET_REPLAY, 500, rules_init, rules_row, rules_write},
    [CITY_PART_POLICIES] = {&SQL_TICKET_REPLAY_CLOCKS, 200, policies_init, policies_row,
                            policies_write},
};

/* ---- the end -----------------------------------------------------------------------------------
 */

static void let_go(struct request *r)
{
    struct replaying *rp = r->state;

    if (!rp->before)
        return;
    r->d->replays_running--;
    city_unref(&rp->before);
    city_unref(&rp->draft.city);
}

static void reply(struct request *r, bool is_complete)
{
    struct replaying *rp = r->state;
    char number[TICKET_NUMBER_SIZE];
    struct json_writer w;
    struct sbuf out;

    if (rp->oldest)
        ticket_number_format(rp->oldest, number);
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_int(&w, "draft", rp->draft.id);
    rp->part->write(&w, rp, r->arena);
    jw_bool(&w, "is_complete", is_complete);
    jw_string(&w, "oldest", rp->oldest ? number : NULL);
    jw_object_end(&w);
    r->on_abort = NULL;
    let_go(r);
    request_reply(r, 200, &out);
}

/* ---- pages -------------------------------------------------------------------------------------
 */

/* Tickets in the page; -1: the limit is reached. */
static int read_page(struct replaying *rp, const struct pg_result *res)
{
    int tickets = 0;

    for (int i = 0; i < pg_result_rows(res); i++) {
        int64_t number = pg_result_int(res, i, NUMBER);
        bool is_first = number != rp->oldest, is_wanted = pg_result_bool(res, i, IS_WANTED);
        if (is_first && rp->tickets == rp->asked.limit)
            return -1;
        tickets += is_first;
        rp->tickets += is_first && is_wanted;
        rp->oldest = rp->below = number;
        if (is_wanted)
            rp->part->row(rp, res, i, is_first);
    }
    return tickets;
}

static void next_page(struct request *r);

static void on_page(void *ctx, const struct pg_result *res)
{
    struct request *r = ctx;
    struct replaying *rp = r->state;

    r->op = NULL;
    if (pg_result_outcome(res) != PG_ROWS) {
        r->on_abort = NULL;
        let_go(r);
        request_problem(r, PROBLEM_UNAVAILABLE, NULL);
        return;
    }
    int tickets = read_page(rp, res);
    if (tickets >= 0 && tickets < rp->part->page)
        reply(r, true);
    else if (tickets < 0 || clk_mono_us() >= rp->until_us)
        reply(r, false);
    else
        next_page(r);
}

static void next_page(struct request *r)
{
    const struct replaying *rp = r->state;
    struct arena *arena = arena_new();
    struct pg_params params;

    pg_params_init(&params, arena);
    pg_param_int(&params, rp->below);
    pg_param_int(&params, rp->above);
    pg_param_instant(&params, rp->asked.from_us);
    pg_param_instant(&params, rp->asked.to_us);
    pg_param_int(&params, rp->part->page);
    r->op = pg_submit(r->d->report_pool, rp->part->statement, &params, DAEMON_READ_TIMEOUT_US,
                      on_page, r);
    arena_free(&arena);
}

/* ---- the beginning -----------------------------------------------------------------------------
 */

/* The first number of a local day, if numbers know its year. */
static int64_t number_of_day(int32_t day, int64_t fallback)
{
    struct civil_date date = civil_date_from_day(day);

    if (date.year < CENTURY || date.year >= CENTURY + 100)
        return fallback;
    return (((int64_t)(date.year - CENTURY) * 100 + date.month) * 100 + date.day) * NUMBERS_PER_DAY;
}

static void bound_numbers(struct replaying *rp, int offset_min)
{
    int32_t first = civil_local_day(rp->asked.from_us, offset_min) - 1;
    int32_t last = civil_local_day(rp->asked.to_us, offset_min) + 2;

    rp->above = number_of_day(first, 0) - 1;
    rp->below = number_of_day(last, INT64_MAX);
}

static void begin(struct request *r, struct version_draft *draft)
{
    struct replaying *rp = r->state;

    if (r->d->replays_running == REPLAY_AT_ONCE) {
        city_unref(&draft->city);
        request_problem(r, PROBLEM_BUSY, NULL);
        return;
    }
    r->d->replays_running++;
    rp->before = city_ref(r->d->city);
    r->on_abort = let_go;
    if (!rp->asked.from_us)
        rp->asked.from_us = CIVIL_MIN_US + 1; /* 0 is "no instant" on the way to the database */
    if (!rp->asked.to_us)
        rp->asked.to_us = CIVIL_MAX_US;
    bound_numbers(rp, city_offset_min(rp->before));
    rp->part->init(r, rp, draft->city);
    rp->until_us = clk_mono_us() + REPLAY_TIMEOUT_US;
    next_page(r);
}

void draft_replay_post(struct request *r)
{
    struct replaying *rp = arena_alloc(r->arena, sizeof(*rp));

    if (!version_part_read(r, &rp->draft.part))
        return;
    rp->part = &parts[rp->draft.part];
    if (!rp->part->statement) {
        request_problem(r, PROBLEM_NOT_FOUND, NULL);
        return;
    }
    if (!version_id_read(r, 1, &rp->draft.id) || !request_query_ok(r))
        return;
    if (!r->d->city) {
        request_problem(r, PROBLEM_NO_CITY, NULL);
        return;
    }
    if (!request_parse_body(r))
        return;
    if (!version_json_decode_replay(json_root(r->body), r->arena, &rp->asked, &r->faults)) {
        request_reply_faults(r);
        return;
    }
    rp->draft.go = begin;
    version_draft_load(r, &rp->draft);
}
