/*
 * wechat_run.c - one message: look where the conversation stands, decide, store, and what follows.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/intake.h"
#include "daemon/pii.h"
#include "daemon/wechat_private.h"
#include "proto/wechat_json.h"
#include "sql_catalogue.h"

/* Messages of one person that overtake each other this often are not a person's. */
#define RACES_MAX 16

static void look(struct wechat_run *run);

/* ---- life
 * -------------------------------------------------------------------------------------------- */

struct wechat_run *wechat_run_new(struct wechat *w, const struct wechat_account *account)
{
    struct arena *arena = arena_new();
    struct wechat_run *run = arena_alloc(arena, sizeof(*run));

    run->w = w;
    run->arena = arena;
    run->accounts = w->accounts;
    run->accounts->refs++;
    run->account = account;
    return run;
}

static void run_free(struct wechat_run *run)
{
    struct arena *arena = run->arena;

    pg_cancel(&run->op);
    store_cancel(&run->job);
    if (run->entry)
        run->entry->done = NULL; /* the ticket is stored all the same */
    if (run->deadline)
        event_free(run->deadline);
    if (run->again)
        event_free(run->again);
    wechat_accounts_unref(&run->accounts);
    arena_free(&arena);
}

void wechat_run_finish(struct wechat_run *run, bool ok, const char *reply)
{
    run->done(run->ctx, ok, reply);
    run_free(run);
}

void wechat_run_cancel(struct wechat_run **run)
{
    if (*run)
        run_free(*run);
    *run = NULL;
}

static void on_deadline(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    wechat_run_finish(ctx, false, NULL);
}

static void prepare(struct wechat_run *run, int64_t timeout_us,
                    void (*done)(void *ctx, bool ok, const char *reply), void *ctx)
{
    struct timeval tv = {(time_t)(timeout_us / US_PER_SECOND),
                         (suseconds_t)(timeout_us % US_PER_SECOND)};

    run->done = done;
    run->ctx = ctx;
    run->until_us = clk_mono_us() + timeout_us;
    run->deadline = evtimer_new(run->w->d->base, on_deadline, run);
    INVARIANT(run->deadline && event_add(run->deadline, &tv) == 0);
}

void wechat_run_start(struct wechat_run *run, int64_t timeout_us,
                      void (*done)(void *ctx, bool ok, const char *reply), void *ctx)
{
    prepare(run, timeout_us, done, ctx);
    look(run);
}

void wechat_run_submit(struct wechat_run *run, struct pg_pool *pool, const struct pg_stmt *stmt,
                       const struct pg_params *params, pg_callback *callback)
{
    int64_t left = run->until_us - clk_mono_us();

    INVARIANT(run->op == NULL);
    run->op = pg_submit(pool, stmt, params, left > 1 ? left : 1, callback, run);
}

bool wechat_run_rows(struct wechat_run *run, const struct pg_result *res)
{
    if (pg_result_outcome(res) == PG_ROWS)
        return true;
    if (pg_result_outcome(res) == PG_REJECTED)
        log_limited(LOG_LEVEL_ERROR, "wechat", "statement refused sqlstate=%s %s",
                    pg_result_sqlstate(res), pg_result_message(res));
    wechat_run_finish(run, false, NULL);
    return false;
}

struct talk_settings wechat_run_settings(const struct wechat_run *run)
{
    struct talk_settings settings = run->account->talk;

    settings.city = run->w->d->city;
    return settings;
}

/* ---- the turn
 * ----------------------------------------------------------------------------------------- */

static void on_turn(void *ctx, const struct pg_result *res)
{
    struct wechat_run *run = ctx;
    enum pg_outcome outcome = pg_result_outcome(res);
    bool is_beaten = (outcome == PG_ROWS && pg_result_rows(res) == 0) ||
                     (outcome == PG_REJECTED && strcmp(pg_result_sqlstate(res), "23505") == 0);

    run->op = NULL;
    if (is_beaten && ++run->races <= RACES_MAX) {
        metric_inc(&wechat_metrics[WECHAT_METRIC_RACES]);
        look(run);
        return;
    }
    if (is_beaten) {
        wechat_run_finish(run, false, NULL);
        return;
    }
    if (!wechat_run_rows(run, res))
        return;
    if (!pg_result_null(res, 0, 2)) /* a matter ended by itself: nobody waits for its number */
        wechat_sweep_kick(run->w->sweep);
    run->matter_id = pg_result_int(res, 0, 1);
    wechat_effect(run);
}

static const char *matter_text(const struct talk_matter *matter, struct arena *arena)
{
    struct json_writer w;
    struct sbuf out;

    if (!matter)
        return NULL;
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    wechat_json_write_matter(&w, NULL, matter);
    const char *text = arena_strdup(arena, out.data);
    sbuf_free(&out);
    return text;
}

static const char *state_text(const struct talk_state *state, struct arena *arena)
{
    struct json_writer w;
    struct sbuf out;

    sbuf_init(&out, 0);
    jw_init(&w, &out);
    wechat_json_write_state(&w, NULL, state);
    const char *text = arena_strdup(arena, out.data);
    sbuf_free(&out);
    return text;
}

static void param_message(struct pg_params *p, struct wechat_run *run, const struct talk_turn *t)
{
    const struct wechat_event *e = &run->event;
    size_t len;
    const uint8_t *content = pii_seal(run->w->d, WECHAT_CONTENT_AAD, e->content, run->arena, &len);

    pg_param_text(p, e->key);
    pg_param_text(p, e->type);
    pg_param_bytea(p, content, len);
    pg_param_text(p, t->effect == TALK_NOTHING ? NULL : talk_effect_words[t->effect]);
    if (t->number)
        pg_param_int(p, t->number);
    else
        pg_param_null(p);
    if (t->effect == TALK_RATE) {
        pg_param_int(p, t->grade);
        pg_param_bool(p, t->solved == 1);
    } else {
        pg_param_null(p);
        pg_param_null(p);
    }
    pg_param_text(p, t->comment);
    pg_param_text(p, t->reply);
}

static void store_turn(struct wechat_run *run, const struct talk_turn *t)
{
    const struct wechat_event *e = &run->event;
    const struct daemon *d = run->w->d;
    struct pg_params p;
    size_t len;

    pg_params_init(&p, run->arena);
    pg_param_text(&p, run->account->name);
    pg_param_bytea(&p, e->openid, CRYPTO_SHA256_SIZE);
    const uint8_t *sealed = pii_seal(d, WECHAT_OPENID_AAD, e->who, run->arena, &len);
    pg_param_bytea(&p, sealed, len);
    pg_param_bool(&p, e->input.type == TALK_UNSUBSCRIBE);
    pg_param_text(&p, state_text(&t->after, run->arena));
    pg_param_int(&p, run->version);
    pg_param_instant(&p, t->after.is_gathering ? t->after.over_us : 0);
    pg_param_instant(&p, e->input.now_us);
    param_message(&p, run, t);
    pg_param_text(&p, matter_text(t->over, run->arena));
    pg_param_text(&p, matter_text(t->matter, run->arena));
    const uint8_t *media =
        t->media ? wechat_outbox_media(d, t->media, e->type, run->arena, &len) : NULL;
    pg_param_bytea(&p, media, media ? len : 0);
    wechat_run_submit(run, d->work_pool, &SQL_WECHAT_TURN, &p, on_turn);
    if (t->after.is_gathering)
        wechat_sweep_hint(run->w->sweep, t->after.over_us);
}

static void take_state(struct wechat_run *run, const struct pg_result *res,
                       struct talk_state *state_r)
{
    struct faults faults;

    *state_r = (struct talk_state){.kind = -1};
    if (pg_result_null(res, 0, 0))
        return;
    faults_init(&faults, run->arena);
    struct json_doc *doc =
        json_parse(pg_result_text(res, 0, 0), pg_result_length(res, 0, 0), &faults);
    if (!doc || !wechat_json_read_state(json_root(doc), run->arena, state_r)) {
        log_error("wechat", "a conversation cannot be read, it begins anew account=%s",
                  run->account->name);
        *state_r = (struct talk_state){.kind = -1};
    }
    json_doc_free(&doc);
}

static void step(struct wechat_run *run, const struct pg_result *res)
{
    const struct talk_settings settings = wechat_run_settings(run);
    struct talk_state *state = arena_alloc(run->arena, sizeof(*state));
    struct talk_turn *turn = arena_alloc(run->arena, sizeof(*turn));

    run->event.input.now_us = daemon_now_us(run->w->d);
    run->version = pg_result_int(res, 0, 1);
    run->at_us = run->event.input.now_us;
    take_state(run, res, state);
    talk_step(&settings, state, &run->event.input, run->arena, turn);
    if (!run->event.key && turn->after.is_gathering) { /* somebody wrote meanwhile */
        wechat_run_finish(run, true, NULL);
        return;
    }
    run->effect = turn->effect;
    run->matter = turn->matter;
    run->number = turn->number;
    run->grade = turn->grade;
    run->solved = turn->solved;
    run->comment = turn->comment;
    run->reply = turn->reply;
    store_turn(run, turn);
}

/* ---- what came before
 * ---------------------------------------------------------------------------------- */

enum { EFFECT = 3, MATTER, NUMBER, GRADE, SOLVED, COMMENT, REPLY, AT, DRAFT = 13 };

static const struct talk_matter *read_draft(struct wechat_run *run, const struct pg_result *res,
                                            int row, int col)
{
    struct talk_matter *matter = arena_alloc(run->arena, sizeof(*matter));
    struct faults faults;

    faults_init(&faults, run->arena);
    struct json_doc *doc =
        json_parse(pg_result_text(res, row, col), pg_result_length(res, row, col), &faults);
    bool is_good = doc && wechat_json_read_matter(json_root(doc), run->arena, matter);
    json_doc_free(&doc);
    return is_good ? matter : NULL;
}

static enum talk_effect find_effect(const char *word)
{
    for (int i = 0; i < TALK_EFFECTS; i++) {
        if (strcmp(talk_effect_words[i], word) == 0)
            return (enum talk_effect)i;
    }
    return TALK_NOTHING;
}

static void take_up(struct wechat_run *run, const struct pg_result *res)
{
    metric_inc(&wechat_metrics[WECHAT_METRIC_REPEATS]);
    if (!pg_result_null(res, 0, REPLY) || pg_result_null(res, 0, EFFECT)) {
        wechat_run_finish(run, true,
                          pg_result_null(res, 0, REPLY) ? NULL : pg_result_text(res, 0, REPLY));
        return;
    }
    run->effect = find_effect(pg_result_text(res, 0, EFFECT));
    run->matter_id = pg_result_int(res, 0, MATTER);
    run->number = pg_result_int(res, 0, NUMBER);
    run->grade = (int)pg_result_int(res, 0, GRADE);
    run->solved = !pg_result_null(res, 0, SOLVED) && pg_result_bool(res, 0, SOLVED);
    run->comment = pg_result_null(res, 0, COMMENT)
                       ? NULL
                       : arena_strdup(run->arena, pg_result_text(res, 0, COMMENT));
    run->at_us = pg_result_int(res, 0, AT);
    if (!pg_result_null(res, 0, DRAFT))
        run->matter = read_draft(run, res, 0, DRAFT);
    wechat_effect(run);
}

static void on_looked(void *ctx, const struct pg_result *res)
{
    struct wechat_run *run = ctx;

    run->op = NULL;
    if (!wechat_run_rows(run, res))
        return;
    if (pg_result_bool(res, 0, 2))
        take_up(run, res);
    else
        step(run, res);
}

static void look(struct wechat_run *run)
{
    struct pg_params p;

    pg_params_init(&p, run->arena);
    pg_param_text(&p, run->account->name);
    pg_param_bytea(&p, run->event.openid, CRYPTO_SHA256_SIZE);
    pg_param_text(&p, run->event.key);
    wechat_run_submit(run, run->w->d->work_pool, &SQL_WECHAT_LOOK, &p, on_looked);
}

/* ---- a matter alone
 * ------------------------------------------------------------------------------------ */

static void on_matter(void *ctx, const struct pg_result *res)
{
    struct wechat_run *run = ctx;

    run->op = NULL;
    if (!wechat_run_rows(run, res))
        return;
    if (pg_result_rows(res) == 0 || !pg_result_null(res, 0, 2)) {
        wechat_run_finish(run, true, NULL); /* another daemon was faster */
        return;
    }
    run->effect = TALK_SUBMIT;
    run->matter = read_draft(run, res, 0, 1);
    wechat_effect(run);
}

void wechat_run_matter(struct wechat_run *run, int64_t id, int64_t timeout_us,
                       void (*done)(void *ctx, bool ok, const char *reply), void *ctx)
{
    struct pg_params p;

    prepare(run, timeout_us, done, ctx);
    run->matter_id = id;
    pg_params_init(&p, run->arena);
    pg_param_int(&p, id);
    wechat_run_submit(run, run->w->d->work_pool, &SQL_WECHAT_MATTER_LOAD, &p, on_matter);
}
