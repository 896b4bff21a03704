/*
 * wechat.c - the accounts of WeChat's door, and its life.
 */
#include "daemon/wechat.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/pii.h"
#include "daemon/wechat_private.h"
#include "proto/wechat_crypto.h"
#include "proto/wechat_json.h"

const char *const wechat_mode_names[WECHAT_MODES + 1] = {"plain", "compatible", "safe", NULL};

struct metric wechat_metrics[WECHAT_METRICS] = {
    [WECHAT_METRIC_MESSAGES] = {"hotlined_wechat_messages_total", NULL,
                                "WeChat messages and events that were genuine.", METRIC_COUNTER, 0},
    [WECHAT_METRIC_REPEATS] = {"hotlined_wechat_repeats_total", NULL,
                               "WeChat messages that had come before.", METRIC_COUNTER, 0},
    [WECHAT_METRIC_UNSTORED] = {"hotlined_wechat_unanswered_total", NULL,
                                "WeChat messages not stored in time: WeChat pushes them again.",
                                METRIC_COUNTER, 0},
    [WECHAT_METRIC_IGNORED] = {"hotlined_wechat_ignored_total", NULL,
                               "Events that are acknowledged and not kept.", METRIC_COUNTER, 0},
    [WECHAT_METRIC_BAD_XML] = {"hotlined_wechat_bad_xml_total", "reason=\"syntax\"",
                               "WeChat bodies that were no message.", METRIC_COUNTER, 0},
    [WECHAT_METRIC_DOCTYPE] = {"hotlined_wechat_bad_xml_total", "reason=\"doctype\"", NULL,
                               METRIC_COUNTER, 0},
    [WECHAT_METRIC_TICKETS] = {"hotlined_wechat_tickets_total", NULL,
                               "Matters of WeChat conversations that became tickets.",
                               METRIC_COUNTER, 0},
    [WECHAT_METRIC_RACES] = {"hotlined_wechat_races_total", NULL,
                             "Turns taken anew because another message was faster.", METRIC_COUNTER,
                             0},
    [WECHAT_METRIC_UNKNOWN] = {"hotlined_wechat_unknown_accounts_total", NULL,
                               "Requests to WeChat accounts that are not there or disabled.",
                               METRIC_COUNTER, 0},
    [WECHAT_METRIC_NEWS] = {"hotlined_wechat_news_total", "by=\"event\"",
                            "Tickets whose new state was noted for their citizens, by what it was "
                            "seen by.",
                            METRIC_COUNTER, 0},
    [WECHAT_METRIC_NEWS_LATE] = {"hotlined_wechat_news_total", "by=\"sweep\"", NULL, METRIC_COUNTER,
                                 0},
    [WECHAT_METRIC_EXPIRED] = {"hotlined_wechat_outbox_failed_total", "why=\"expired\"",
                               "Items of the outbox that nobody sent in time, or tried too often.",
                               METRIC_COUNTER, 0},
    [WECHAT_METRIC_GIVEN_UP] = {"hotlined_wechat_outbox_failed_total", "why=\"attempts\"", NULL,
                                METRIC_COUNTER, 0},
    [WECHAT_METRIC_PUT_OFF] = {"hotlined_wechat_put_off_total", NULL,
                               "Matters, ratings and withdrawals that failed, each time.",
                               METRIC_COUNTER, 0},
};

void wechat_register_metrics(void)
{
    metrics_register(wechat_metrics, WECHAT_METRICS);
}

/* ---- accounts
 * ----------------------------------------------------------------------------------------- */

void wechat_accounts_unref(struct wechat_accounts **accounts)
{
    struct wechat_accounts *a = *accounts;

    *accounts = NULL;
    if (!a || --a->refs > 0)
        return;
    arena_free(&a->arena);
    free(a);
}

const struct wechat_account *wechat_account_find(const struct wechat_accounts *accounts,
                                                 const char *name)
{
    for (size_t i = 0; accounts && i < accounts->count; i++) {
        if (strcmp(accounts->list[i]->name, name) == 0)
            return accounts->list[i];
    }
    return NULL;
}

enum { NAME, APP_ID, KIND, MODE, CATEGORY, LANGUAGE, GATHER, MENU, TOKEN, KEY = 10, DISABLED = 12 };
enum { CHANGED = 13, TEMPLATE };

static const char *open_column(const struct wechat *w, const char *aad, const struct pg_result *res,
                               int row, int col, struct arena *arena)
{
    size_t len;
    const uint8_t *sealed = pg_result_bytea(res, row, col, arena, &len);

    return pii_open(w->d, aad, sealed, len, arena);
}

static void read_secrets(const struct wechat *w, const struct pg_result *res, int row,
                         struct arena *arena, struct wechat_account *a)
{
    for (int i = 0; i < WECHAT_LIVE; i++) {
        const char *token = open_column(w, WECHAT_TOKEN_AAD, res, row, TOKEN + i, arena);
        const char *key = open_column(w, WECHAT_KEY_AAD, res, row, KEY + i, arena);
        if (token)
            a->token[a->token_count++] = token;
        if (key && wechat_key_decode(key, a->key[a->key_count]))
            a->key_count++;
    }
}

static void read_menu(const struct pg_result *res, int row, struct arena *arena,
                      struct talk_settings *talk)
{
    struct faults faults;

    faults_init(&faults, arena);
    struct json_doc *doc =
        json_parse(pg_result_text(res, row, MENU), pg_result_length(res, row, MENU), &faults);
    if (!doc || !wechat_json_read_menu(json_root(doc), "menu", arena, &talk->menu,
                                       &talk->menu_count, &faults))
        log_warn("wechat", "menu cannot be read account=%s", pg_result_text(res, row, NAME));
    json_doc_free(&doc);
}

static void read_template(const struct pg_result *res, int row, struct arena *arena,
                          struct wechat_template *template_r)
{
    struct faults faults;

    if (pg_result_null(res, row, TEMPLATE))
        return;
    faults_init(&faults, arena);
    struct json_doc *doc = json_parse(pg_result_text(res, row, TEMPLATE),
                                      pg_result_length(res, row, TEMPLATE), &faults);
    if (!doc || !wechat_template_read(json_root(doc), "template", arena, template_r, &faults)) {
        log_warn("wechat", "template cannot be read account=%s", pg_result_text(res, row, NAME));
        *template_r = (struct wechat_template){0};
    }
    json_doc_free(&doc);
}

static struct wechat_account *read_account(const struct wechat *w, const struct pg_result *res,
                                           int row, struct arena *arena)
{
    struct wechat_account *a = arena_alloc(arena, sizeof(*a));
    const char *mode = pg_result_text(res, row, MODE);

    a->name = arena_strdup(arena, pg_result_text(res, row, NAME));
    a->app_id = arena_strdup(arena, pg_result_text(res, row, APP_ID));
    a->actor = arena_printf(arena, "wechat-%s", a->name);
    a->category = arena_strdup(arena, pg_result_text(res, row, CATEGORY));
    a->is_wecom = strcmp(pg_result_text(res, row, KIND), "wecom") == 0;
    a->is_disabled = pg_result_bool(res, row, DISABLED);
    a->mode = strcmp(mode, "safe") == 0         ? WECHAT_SAFE
              : strcmp(mode, "compatible") == 0 ? WECHAT_COMPATIBLE
                                                : WECHAT_PLAIN;
    a->talk.gather_us = pg_result_int(res, row, GATHER) * US_PER_SECOND;
    a->talk.is_english = strcmp(pg_result_text(res, row, LANGUAGE), "en") == 0;
    a->changed_us = pg_result_int(res, row, CHANGED);
    read_menu(res, row, arena, &a->talk);
    read_template(res, row, arena, &a->template);
    read_secrets(w, res, row, arena, a);
    return a;
}

uint64_t wechat_ask(struct wechat *w)
{
    return ++w->asked;
}

void wechat_take(struct wechat *w, uint64_t asked, const struct pg_result *res)
{
    size_t count = (size_t)pg_result_rows(res);

    if (asked < w->taken)
        return;
    w->taken = asked;
    struct wechat_accounts *fresh = xcalloc(1, sizeof(*fresh));
    fresh->refs = 1;
    fresh->arena = arena_new();
    fresh->list = arena_alloc(fresh->arena, (count + 1) * sizeof(struct wechat_account *));
    for (; fresh->count < count; fresh->count++)
        fresh->list[fresh->count] = read_account(w, res, (int)fresh->count, fresh->arena);
    wechat_accounts_unref(&w->accounts);
    w->accounts = fresh;
    wechat_news_watch(w->news);
}

/* ---- life
 * -------------------------------------------------------------------------------------------- */

struct wechat *wechat_new(struct daemon *d)
{
    struct wechat *w = xcalloc(1, sizeof(*w));

    w->d = d;
    w->seen = xcalloc(WECHAT_SEEN_SETS, sizeof(*w->seen));
    w->sweep = wechat_sweep_new(w);
    w->news = wechat_news_new(w);
    return w;
}

void wechat_start(struct wechat *w)
{
    wechat_news_watch(w->news);
    wechat_sweep_kick(w->sweep);
}

void wechat_settle(struct wechat *w, void (*done)(void *ctx, bool ok), void *ctx)
{
    wechat_sweep_settle(w->sweep, done, ctx);
}

void wechat_free(struct wechat **wechat)
{
    struct wechat *w = *wechat;

    if (!w)
        return;
    wechat_news_free(&w->news);
    wechat_sweep_free(&w->sweep);
    wechat_accounts_unref(&w->accounts);
    free(w->seen);
    free(w);
    *wechat = NULL;
}
