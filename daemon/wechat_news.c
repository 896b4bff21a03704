/*
 * wechat_news.c - a ticket moved: its citizen is told, at once.
 *
 * Follows the events as every stream does and asks the database about the tickets that they are
 * of. What it could not follow (a place that is no longer in memory, a failed statement) is found
 * by the sweep, which looks at all of them: told_state says what a citizen was told, so that
 * whoever comes first tells him, once.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/push.h"
#include "daemon/wechat_private.h"
#include "hotline/ticket_machine.h"
#include "hotline/vocabulary.h"
#include "sql_catalogue.h"

#define NEWS_MOST 500

struct wechat_news {
    struct wechat *w;
    struct push_waiter *waiter; /* NULL = does not follow */
    struct push_cursor place;
    struct pg_op *op;
    struct arena *arena; /* of the statement under way */
    struct pg_array numbers;
    size_t count;
    int64_t last;
    bool again; /* there is more to read after it */
};

/* ---- what is told
 * ------------------------------------------------------------------------------------- */

/* After these a ticket is told of no more. */
static bool is_last(int state)
{
    return state == TICKET_CLOSED || state == TICKET_ARCHIVED || state == TICKET_REJECTED ||
           state == TICKET_WITHDRAWN || state == TICKET_REFERRED;
}

/* NULL: nothing is said of this state. */
static const uint8_t *words_of(struct wechat *w, const struct wechat_account *account,
                               const struct talk_ticket *ticket, struct arena *arena, size_t *len_r)
{
    const char *text = account ? talk_say_moved(&account->talk, ticket, arena) : NULL;

    *len_r = 0;
    if (!text)
        return NULL;
    return account->template.id ? wechat_outbox_template(w->d, account, ticket, arena, len_r)
                                : wechat_outbox_text(w->d, text, arena, len_r);
}

struct pg_op *wechat_news_tell(struct wechat *w, const struct pg_result *res, struct arena *arena,
                               pg_callback *callback, void *ctx)
{
    enum { IDS, STATES, KINDS, PAYLOADS, LASTS, COLUMNS };
    struct pg_array columns[COLUMNS];
    struct pg_params p;

    for (int i = 0; i < COLUMNS; i++)
        pg_array_init(&columns[i], arena);
    for (int i = 0; i < pg_result_rows(res); i++) {
        const struct wechat_account *account =
            wechat_account_find(w->accounts, pg_result_text(res, i, 1));
        struct talk_ticket ticket;
        size_t len;
        wechat_read_ticket(w->d, res, i, 2, arena, &ticket);
        const uint8_t *payload = words_of(w, account, &ticket, arena, &len);
        pg_array_int(&columns[IDS], pg_result_int(res, i, 0));
        pg_array_text(&columns[STATES], ticket_state_words[ticket.state].code);
        pg_array_text(&columns[KINDS], account && account->template.id ? "template" : "text");
        pg_array_bytea(&columns[PAYLOADS], payload, len);
        pg_array_bool(&columns[LASTS], is_last(ticket.state));
    }
    pg_params_init(&p, arena);
    for (int i = 0; i < COLUMNS; i++)
        pg_param_array(&p, &columns[i]);
    pg_param_instant(&p, daemon_now_us(w->d));
    return pg_submit(w->d->work_pool, &SQL_WECHAT_TOLD, &p, DAEMON_WRITE_TIMEOUT_US, callback, ctx);
}

/* ---- following
 * ---------------------------------------------------------------------------------------- */

static void read_events(struct wechat_news *n);

/* What failed here is the sweep's. */
static void end_look(struct wechat_news *n)
{
    arena_free(&n->arena);
    if (n->again)
        read_events(n);
}

static void on_told(void *ctx, const struct pg_result *res)
{
    struct wechat_news *n = ctx;

    n->op = NULL;
    if (pg_result_outcome(res) == PG_ROWS)
        metric_add(&wechat_metrics[WECHAT_METRIC_NEWS], pg_result_rows(res));
    end_look(n);
}

static void on_news(void *ctx, const struct pg_result *res)
{
    struct wechat_news *n = ctx;

    n->op = NULL;
    if (pg_result_outcome(res) == PG_ROWS && pg_result_rows(res) > 0 && n->w->accounts)
        n->op = wechat_news_tell(n->w, res, n->arena, on_told, n);
    else
        end_look(n);
}

/* A ticket that was only just received has told its citizen by the reply. */
static bool take(void *ctx, const struct push_event *event)
{
    struct wechat_news *n = ctx;

    if (event->number && event->number != n->last &&
        strcmp(event->type, event_words[EVENT_RECEIVED].code) != 0) {
        pg_array_int(&n->numbers, event->number);
        n->last = event->number;
        n->count++;
    }
    return n->count < NEWS_MOST;
}

static void read_events(struct wechat_news *n)
{
    static const struct push_reader everything = {NULL, NULL};
    struct push *push = n->w->d->push;
    struct pg_params p;

    n->again = false;
    n->arena = arena_new();
    n->count = 0;
    n->last = 0;
    pg_array_init(&n->numbers, n->arena);
    enum push_read end = push_read(push, &n->place, &everything, take, n);
    if (end == PUSH_READ_OLD) { /* begins here; what was before is looked for as a whole */
        n->place = push_place(push);
        wechat_sweep_kick(n->w->sweep);
    }
    n->again = end == PUSH_READ_ENOUGH;
    if (n->count == 0) {
        arena_free(&n->arena);
        return;
    }
    pg_params_init(&p, n->arena);
    pg_param_array(&p, &n->numbers);
    n->op = pg_submit(n->w->d->work_pool, &SQL_WECHAT_NEWS, &p, DAEMON_READ_TIMEOUT_US, on_news, n);
}

static void on_woken(void *ctx, bool by_event)
{
    struct wechat_news *n = ctx;

    if (!by_event || n->w->d->is_stopping)
        return;
    if (n->op)
        n->again = true;
    else
        read_events(n);
}

/* ---- life
 * --------------------------------------------------------------------------------------------- */

void wechat_news_watch(struct wechat_news *n)
{
    const struct wechat_accounts *accounts = n->w->accounts;

    if (n->waiter || !n->w->d->push || !accounts || accounts->count == 0)
        return;
    n->waiter = push_subscribe(n->w->d->push, NULL, on_woken, n); /* NULL: the sweep does it */
}

struct wechat_news *wechat_news_new(struct wechat *w)
{
    struct wechat_news *n = xcalloc(1, sizeof(*n));

    n->w = w;
    return n;
}

void wechat_news_free(struct wechat_news **news)
{
    struct wechat_news *n = *news;

    if (!n)
        return;
    push_unwait(&n->waiter);
    pg_cancel(&n->op);
    arena_free(&n->arena);
    free(n);
    *news = NULL;
}
