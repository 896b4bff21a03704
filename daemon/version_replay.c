/*
 * version_replay.c - POST /v1/admin/rules/drafts/{}/replay: past tickets under a draft of rules.
 *
 * Tickets come in pages, newest first, so that the loop is never held for more than a few
 * milliseconds; a replay ends at its limit or its deadline and says then that it is not complete.
 */
#include <string.h>

#include "base/civil.h"
#include "daemon/version.h"
#include "proto/version_json.h"
#include "sql_catalogue.h"

#define PAGE_TICKETS 500
#define REPLAY_TIMEOUT_US (25 * US_PER_SECOND)
/* Numbers begin with the local day as YYMMDD; a day is room for clocks that were set back. */
#define NUMBERS_PER_DAY INT64_C(1000000000000)
#define CENTURY 2000

enum column { NUMBER, RECEIVED, IS_WANTED, CHANNEL, KIND, URGENCY, CATEGORY, REGION, TITLE, TEXT };

struct replaying {
    struct version_draft draft; /* first: version_draft_load() keeps it in r->state */
    struct replay_request asked;
    struct replay replay;
    struct city *before;  /* NULL: not begun */
    int64_t below, above; /* numbers */
    int64_t oldest;       /* number of the last ticket looked at; 0 = none */
    int64_t until_us;     /* monotonic */
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
    jw_int(&w, "against", city_rule_set_version(rp->before));
    version_json_write_replay(&w, &rp->replay, r->arena);
    jw_bool(&w, "is_complete", is_complete);
    jw_string(&w, "oldest", rp->oldest ? number : NULL);
    jw_object_end(&w);
    r->on_abort = NULL;
    let_go(r);
    request_reply(r, 200, &out);
}

/* ---- pages -------------------------------------------------------------------------------------
 */

static const char *text_or_null(const struct pg_result *res, int row, enum column col)
{
    return pg_result_null(res, row, (int)col) ? NULL : pg_result_text(res, row, (int)col);
}

static int word_of(const struct word *words, size_t count, const struct pg_result *res, int row,
                   enum column col)
{
    int index = word_find(words, count, pg_result_text(res, row, (int)col));
    return index < 0 ? 0 : index;
}

static void count_row(struct replaying *rp, const struct pg_result *res, int row)
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

    replay_matter(&rp->replay, pg_result_int(res, row, NUMBER), &matter);
}

static void next_page(struct request *r);

static void on_page(void *ctx, const struct pg_result *res)
{
    struct request *r = ctx;
    struct replaying *rp = r->state;
    int rows = pg_result_rows(res);

    r->op = NULL;
    if (pg_result_outcome(res) != PG_ROWS) {
        r->on_abort = NULL;
        let_go(r);
        request_problem(r, PROBLEM_UNAVAILABLE, NULL);
        return;
    }
    for (int i = 0; i < rows; i++) {
        if (rp->replay.tickets == rp->asked.limit) {
            reply(r, false);
            return;
        }
        rp->oldest = rp->below = pg_result_int(res, i, NUMBER);
        if (pg_result_bool(res, i, IS_WANTED))
            count_row(rp, res, i);
    }
    if (rows < PAGE_TICKETS)
        reply(r, true);
    else if (clk_mono_us() >= rp->until_us)
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
    pg_param_int(&params, PAGE_TICKETS);
    r->op = pg_submit(r->d->report_pool, &SQL_TICKET_REPLAY, &params, DAEMON_READ_TIMEOUT_US,
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
    replay_init(&rp->replay, r->arena, rp->before, draft->city, (size_t)rp->asked.samples);
    rp->until_us = clk_mono_us() + REPLAY_TIMEOUT_US;
    next_page(r);
}

void draft_replay_post(struct request *r)
{
    struct replaying *rp = arena_alloc(r->arena, sizeof(*rp));

    if (!version_part_read(r, &rp->draft.part))
        return;
    if (rp->draft.part != CITY_PART_RULES) {
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
