/*
 * wechat_effect.c - what a message has done: a ticket, a look at the own ones, a rating, a
 * withdrawal.
 *
 * Each may be begun again after a crash or by a repeat. A ticket has the matter's id as intake key.
 * A rating or withdrawal that is refused is refused for good, unless it turns out that it was done
 * by us since the message came.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/log.h"
#include "daemon/intake.h"
#include "daemon/push.h"
#include "daemon/wechat_private.h"
#include "hotline/ticket_number.h"
#include "sql_catalogue.h"

#define AGAIN_US 50000
#define TICKETS_SHOWN 5

/* ---- the reply
 * ---------------------------------------------------------------------------------------- */

static void on_replied(void *ctx, const struct pg_result *res)
{
    struct wechat_run *run = ctx;

    run->op = NULL;
    if (!wechat_run_rows(run, res))
        return;
    bool has_reply = pg_result_rows(res) == 1 && !pg_result_null(res, 0, 0);
    wechat_run_finish(run, true, has_reply ? pg_result_text(res, 0, 0) : NULL);
}

static void param_key(struct pg_params *p, struct wechat_run *run)
{
    pg_params_init(p, run->arena);
    pg_param_text(p, run->account->name);
    pg_param_bytea(p, run->event.openid, CRYPTO_SHA256_SIZE);
}

static void param_number(struct pg_params *p, int64_t number)
{
    if (number)
        pg_param_int(p, number);
    else
        pg_param_null(p);
}

/* reply NULL: only the number is noted. */
static void note(struct wechat_run *run, const char *reply, pg_callback *callback)
{
    struct pg_params p;

    param_key(&p, run);
    pg_param_text(&p, run->event.key);
    param_number(&p, run->number);
    pg_param_text(&p, reply);
    wechat_run_submit(run, run->w->d->work_pool, &SQL_WECHAT_REPLY, &p, callback);
}

static void conclude(struct wechat_run *run, enum talk_outcome outcome)
{
    const struct talk_settings settings = wechat_run_settings(run);
    char number[TICKET_NUMBER_SIZE];

    ticket_number_format(run->number, number);
    note(run, talk_say_outcome(&settings, outcome, number, run->arena), on_replied);
}

/* ---- a ticket
 * ----------------------------------------------------------------------------------------- */

static void submit(struct wechat_run *run);

static void on_again(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    submit(ctx);
}

/* The deadline of the run ends it. */
static void try_again(struct wechat_run *run)
{
    const struct timeval soon = {0, AGAIN_US};

    if (!run->again)
        run->again = evtimer_new(run->w->d->base, on_again, run);
    INVARIANT(run->again && event_add(run->again, &soon) == 0);
}

static void tell_number(struct wechat_run *run, int64_t number, const char *code)
{
    const struct talk_settings settings = wechat_run_settings(run);
    const struct daemon *d = run->w->d;
    char digits[TICKET_NUMBER_SIZE];
    const uint8_t *payload = NULL;
    struct pg_params p;
    size_t len = 0;

    ticket_number_format(number, digits);
    const char *reply = talk_say_received(&settings, digits, code, run->arena);
    if (run->matter->is_unasked)
        payload = wechat_outbox_text(d, reply, run->arena, &len);
    pg_params_init(&p, run->arena);
    pg_param_int(&p, run->matter_id);
    pg_param_int(&p, number);
    pg_param_text(&p, reply);
    pg_param_bytea(&p, payload, len);
    pg_param_instant(&p, daemon_now_us(d));
    wechat_run_submit(run, d->work_pool, &SQL_WECHAT_MATTER_DONE, &p, on_replied);
}

static void tell_first_answer(struct wechat_run *run, const char *answer)
{
    struct faults faults;
    int64_t number = 0;

    faults_init(&faults, run->arena);
    struct json_doc *doc = json_parse(answer, strlen(answer), &faults);
    const char *digits = json_string(json_get(json_root(doc), "number"), NULL);
    const char *code = json_string(json_get(json_root(doc), "query_code"), NULL);
    bool is_good = digits && code && ticket_number_parse(digits, strlen(digits), &number);
    code = is_good ? arena_strdup(run->arena, code) : NULL;
    json_doc_free(&doc);
    if (is_good) {
        tell_number(run, number, code);
        return;
    }
    log_error("wechat", "first answer of a matter cannot be read id=%lld",
              (long long)run->matter_id);
    wechat_run_finish(run, false, NULL);
}

static void refused(struct wechat_run *run, enum intake_end end)
{
    if (end == INTAKE_IN_PROGRESS || end == INTAKE_BUSY || end == INTAKE_UNAVAILABLE) {
        try_again(run);
        return;
    }
    log_limited(LOG_LEVEL_ERROR, "wechat", "a matter was not taken id=%lld end=%d",
                (long long)run->matter_id, (int)end);
    wechat_run_finish(run, false, NULL);
}

static void on_stored(struct intake_entry *entry, enum intake_end end, const char *first_answer)
{
    struct wechat_run *run = entry->ctx;

    run->entry = NULL;
    if (end == INTAKE_STORED) {
        metric_inc(&wechat_metrics[WECHAT_METRIC_TICKETS]);
        push_hint(run->w->d->push);
        tell_number(run, entry->change.after.number, arena_strdup(run->arena, entry->query_code));
    } else if (end == INTAKE_REPLAY) {
        tell_first_answer(run, first_answer);
    } else {
        refused(run, end);
    }
}

static const char *copy(struct arena *arena, const char *text)
{
    return text ? arena_strdup(arena, text) : NULL;
}

/* What the city does not know (any more) is left to the account's category and to the desk. */
static struct ticket_draft draft_of(const struct wechat_run *run, struct arena *arena)
{
    const struct city *city = run->w->d->city;
    const struct talk_matter *m = run->matter;
    const char *category = m->category;

    if (!category || city_find_category(city, category) < 0)
        category = run->account->category;
    if (city_find_category(city, category) < 0)
        category = city_category(city, 0)->code;
    return (struct ticket_draft){
        .channel = CHANNEL_WECHAT,
        .kind = m->kind,
        .urgency = URGENCY_NORMAL,
        .category = arena_strdup(arena, category),
        .region =
            m->region && city_find_region(city, m->region) >= 0 ? copy(arena, m->region) : NULL,
        .address = copy(arena, m->address),
        .title = copy(arena, m->title),
        .text = copy(arena, m->text),
    };
}

static void submit(struct wechat_run *run)
{
    struct daemon *d = run->w->d;
    enum intake_end end;

    if (!d->city || !run->matter) {
        wechat_run_finish(run, false, NULL);
        return;
    }
    struct arena *arena = arena_new();
    const struct ticket_draft draft = draft_of(run, arena);
    const char *key = arena_printf(arena, "%lld", (long long)run->matter_id);
    const struct intake_order order = {
        .arena = arena,
        .draft = &draft,
        .role = ROLE_GATEWAY,
        .received_by = arena_strdup(arena, run->account->actor),
        .key = key,
        .matter = key, /* the id stands for one matter for ever */
        .matter_len = strlen(key),
        .now_us = daemon_now_us(d),
        .done = on_stored,
        .ctx = run,
    };
    run->entry = intake_submit(d, &order, &end);
    if (!run->entry)
        refused(run, end);
}

/* ---- the own tickets
 * ---------------------------------------------------------------------------------- */

static void load_tickets(struct wechat_run *run, const char *state, int most, pg_callback *callback)
{
    struct pg_params p;

    param_key(&p, run);
    param_number(&p, run->number);
    pg_param_text(&p, state);
    pg_param_int(&p, most);
    pg_param_text(&p, run->account->actor);
    pg_param_instant(&p, run->at_us);
    pg_param_int(&p, run->grade);
    wechat_run_submit(run, run->w->d->work_pool, &SQL_WECHAT_TICKETS, &p, callback);
}

static const char *text_at(const struct pg_result *res, int row, int col, struct arena *arena)
{
    return pg_result_null(res, row, col) ? NULL
                                         : arena_strdup(arena, pg_result_text(res, row, col));
}

void wechat_read_ticket(const struct daemon *d, const struct pg_result *res, int row, int col,
                        struct arena *arena, struct talk_ticket *t)
{
    int offset = d->city ? city_offset_min(d->city) : CIVIL_OFFSET_SHANGHAI_MIN;
    char *number = arena_alloc(arena, TICKET_NUMBER_SIZE), when[CIVIL_INSTANT_SIZE];

    ticket_number_format(pg_result_int(res, row, col), number);
    civil_format_instant(pg_result_int(res, row, col + 3), offset, when);
    t->number = number;
    t->state = word_find(ticket_state_words, TICKET_STATE_COUNT, pg_result_text(res, row, col + 1));
    t->title = text_at(res, row, col + 2, arena);
    t->received = arena_strndup(arena, when, strlen("2026-02-13"));
    t->public_reply = text_at(res, row, col + 4, arena);
    t->ground = text_at(res, row, col + 5, arena);
    INVARIANT(t->state >= 0);
}

static void on_queried(void *ctx, const struct pg_result *res)
{
    struct wechat_run *run = ctx;
    const struct talk_settings settings = wechat_run_settings(run);
    struct talk_ticket tickets[TICKETS_SHOWN];

    run->op = NULL;
    if (!wechat_run_rows(run, res))
        return;
    int count = pg_result_rows(res);
    for (int i = 0; i < count; i++)
        wechat_read_ticket(run->w->d, res, i, 0, run->arena, &tickets[i]);
    if (count == 0 && run->number)
        conclude(run, TALK_NOT_OWN);
    else
        note(run, talk_say_tickets(&settings, tickets, (size_t)count, run->arena), on_replied);
}

static void query(struct wechat_run *run)
{
    load_tickets(run, NULL, TICKETS_SHOWN, on_queried);
}

/* ---- changing one
 * ------------------------------------------------------------------------------------- */

static void look_again(struct wechat_run *run);

static enum store_verdict decide(struct store_job *job)
{
    const struct wechat_run *run = job->ctx;
    struct plan_context ctx = store_plan_context(job);
    struct plan_refusal refusal;
    const bool is_rating = run->effect == TALK_RATE;
    const struct ticket_command command = {
        .action = is_rating ? ACTION_CALLBACK : ACTION_WITHDRAW,
        .role = ROLE_DESK, /* for the citizen, whom nobody else can speak for */
        .actor = arena_strdup(job->arena, run->account->actor),
        .text = copy(job->arena, is_rating ? run->comment : NULL),
        .reached = is_rating,
        .contacted = -1,
        .solved = is_rating ? run->solved : -1,
        .satisfied = is_rating ? run->grade : 0,
        .now_us = daemon_now_us(job->d),
    };

    return ticket_plan_action(&ctx, &job->record.view, &command, &job->change, &refusal) == PLAN_OK
               ? STORE_VERDICT_APPLY
               : STORE_VERDICT_REFUSE;
}

static enum talk_outcome outcome_of(const struct wechat_run *run, enum ticket_state state)
{
    if (run->effect == TALK_WITHDRAW)
        return TALK_WITHDRAWN;
    return state == TICKET_CLOSED || state == TICKET_ARCHIVED ? TALK_RATED : TALK_RATED_REDO;
}

static void on_changed(struct store_job *job, enum store_outcome outcome)
{
    struct wechat_run *run = job->ctx;

    run->job = NULL;
    if (outcome == STORE_DONE)
        conclude(run, outcome_of(run, job->change.after.state));
    else if (outcome == STORE_REFUSED)
        look_again(run); /* perhaps by ourselves, before */
    else if (outcome == STORE_ABSENT)
        conclude(run, TALK_NOT_OWN);
    else if (outcome == STORE_FAILED)
        conclude(run, TALK_LATER);
    else
        wechat_run_finish(run, false, NULL);
}

static void change(struct wechat_run *run)
{
    if (!run->w->d->city) {
        wechat_run_finish(run, false, NULL);
        return;
    }
    run->job = store_start(run->w->d, run->number, 0, decide, on_changed, run);
}

static void on_noted(void *ctx, const struct pg_result *res)
{
    struct wechat_run *run = ctx;

    run->op = NULL;
    if (wechat_run_rows(run, res))
        change(run);
}

static void refuse(struct wechat_run *run)
{
    conclude(run, run->effect == TALK_RATE ? TALK_NOT_RATEABLE : TALK_NOT_WITHDRAWABLE);
}

static void take_found(struct wechat_run *run, const struct pg_result *res)
{
    int state = word_find(ticket_state_words, TICKET_STATE_COUNT, pg_result_text(res, 0, 1));
    bool is_done = run->effect == TALK_RATE ? pg_result_bool(res, 0, 6) : state == TICKET_WITHDRAWN;
    bool is_named = run->number != 0;

    INVARIANT(state >= 0);
    run->number = pg_result_int(res, 0, 0);
    if (is_done)
        conclude(run, outcome_of(run, (enum ticket_state)state));
    else if (run->is_checked)
        refuse(run);
    else if (is_named)
        change(run);
    else /* a repeat has to mean the same ticket */
        note(run, NULL, on_noted);
}

static void on_found(void *ctx, const struct pg_result *res)
{
    struct wechat_run *run = ctx;
    const struct talk_settings settings = wechat_run_settings(run);

    run->op = NULL;
    if (!wechat_run_rows(run, res))
        return;
    if (pg_result_rows(res) > 0)
        take_found(run, res);
    else if (run->number)
        conclude(run, TALK_NOT_OWN);
    else
        note(run, talk_say_tickets(&settings, NULL, 0, run->arena), on_replied);
}

static void find_one(struct wechat_run *run)
{
    load_tickets(run, run->number ? NULL : ticket_state_words[TICKET_CALLBACK].code, 1, on_found);
}

static void look_again(struct wechat_run *run)
{
    run->is_checked = true;
    find_one(run);
}

static void nothing(struct wechat_run *run)
{
    wechat_run_finish(run, true, run->reply);
}

void wechat_effect(struct wechat_run *run)
{
    static void (*const effects[TALK_EFFECTS])(struct wechat_run * run) = {
        [TALK_NOTHING] = nothing, [TALK_SUBMIT] = submit,     [TALK_QUERY] = query,
        [TALK_RATE] = find_one,   [TALK_WITHDRAW] = find_one,
    };

    effects[run->effect](run);
}
