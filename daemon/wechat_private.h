/*
 * wechat_private.h - between the files of WeChat's door.
 */
#ifndef DAEMON_WECHAT_PRIVATE_H
#define DAEMON_WECHAT_PRIVATE_H

#include "base/map.h"
#include "base/metrics.h"
#include "daemon/ticket_store.h"
#include "daemon/wechat.h"

struct event;
struct intake_entry;

enum wechat_metric {
    WECHAT_METRIC_MESSAGES,
    WECHAT_METRIC_REPEATS,
    WECHAT_METRIC_UNSTORED,
    WECHAT_METRIC_IGNORED,
    WECHAT_METRIC_BAD_XML,
    WECHAT_METRIC_DOCTYPE,
    WECHAT_METRIC_TICKETS,
    WECHAT_METRIC_RACES,
    WECHAT_METRIC_UNKNOWN,
    WECHAT_METRIC_NEWS,
    WECHAT_METRIC_NEWS_LATE,
    WECHAT_METRIC_EXPIRED,
    WECHAT_METRIC_GIVEN_UP,
    WECHAT_METRIC_PUT_OFF,
    WECHAT_METRICS
};
extern struct metric wechat_metrics[WECHAT_METRICS];

/* The accounts as they were loaded once; shared by whoever began with them. */
struct wechat_accounts {
    unsigned refs;
    struct arena *arena;
    struct wechat_account **list;
    size_t count;
};
void wechat_accounts_unref(struct wechat_accounts **accounts);
/* NULL: no such account. */
const struct wechat_account *wechat_account_find(const struct wechat_accounts *accounts,
                                                 const char *name);

/* A nonce that came with one message must not come with another: the signature of a plain message
 * does not cover its body. */
#define WECHAT_SEEN_SETS 16384 /* 65,536 nonces: 600 s of a hundred pushes a second */
#define WECHAT_SEEN_WAYS 4
struct wechat_seen {
    uint64_t nonce, message;
    int64_t at_us;
};

struct wechat_run;
struct wechat_sweep;
struct wechat_news;
struct wechat {
    struct daemon *d;
    struct wechat_accounts *accounts;
    uint64_t asked, taken;
    struct wechat_seen (*seen)[WECHAT_SEEN_WAYS];
    struct wechat_sweep *sweep;
    struct wechat_news *news;
};

/* ---- wechat_run.c --------------------------------------------------------------------------- */

struct wechat_event {
    const char *key;       /* NULL: nobody wrote, the time is over */
    const uint8_t *openid; /* keyed hash of who wrote, CRYPTO_SHA256_SIZE bytes */
    const char *who;       /* the OpenID; NULL: known already */
    const char *type;      /* as stored: text, event.CLICK ... */
    const char *content;   /* as it came, without its encryption; NULL = not kept */
    struct talk_input input;
};

struct wechat_run {
    struct wechat *w;
    struct arena *arena; /* of this run; the event's texts live in it */
    struct wechat_accounts *accounts;
    const struct wechat_account *account;
    struct wechat_event event;
    void (*done)(void *ctx, bool ok, const char *reply);
    void *ctx;
    int64_t until_us; /* monotonic */
    int races;
    struct pg_op *op;
    struct store_job *job;
    struct intake_entry *entry;
    struct event *deadline, *again;
    int64_t version; /* of the conversation */
    /* what the message is to have done */
    enum talk_effect effect;
    int64_t matter_id, number, at_us;
    const struct talk_matter *matter;
    int grade, solved;
    const char *comment;
    const char *reply; /* of a message without an effect */
    bool is_checked;   /* refused, and looked whether it was us */
};

/* A run without anything in it yet; its arena is there to be filled. */
struct wechat_run *wechat_run_new(struct wechat *w, const struct wechat_account *account);
/*
 * done runs once, from the loop, unless wechat_run_cancel() came first; the run is freed after it.
 * ok: what came is stored and its effect done; reply NULL = nothing is said. Not ok: it has to be
 * sent again.
 */
void wechat_run_start(struct wechat_run *run, int64_t timeout_us,
                      void (*done)(void *ctx, bool ok, const char *reply), void *ctx);
/* The same for a matter that nobody waits for. */
void wechat_run_matter(struct wechat_run *run, int64_t id, int64_t timeout_us,
                       void (*done)(void *ctx, bool ok, const char *reply), void *ctx);
void wechat_run_cancel(struct wechat_run **run);
void wechat_run_finish(struct wechat_run *run, bool ok, const char *reply);
/* One statement of a run, within its time. */
void wechat_run_submit(struct wechat_run *run, struct pg_pool *pool, const struct pg_stmt *stmt,
                       const struct pg_params *params, pg_callback *callback);
/* Result of a statement whose failure ends the run. */
MUST_CHECK bool wechat_run_rows(struct wechat_run *run, const struct pg_result *res);
struct talk_settings wechat_run_settings(const struct wechat_run *run);

/* ---- wechat_effect.c ------------------------------------------------------------------------ */

/* Does what run->effect says, and finishes the run. */
void wechat_effect(struct wechat_run *run);
/* A row of tickets from its column `col` on: number, state, title, received, reply, ground. */
void wechat_read_ticket(const struct daemon *d, const struct pg_result *res, int row, int col,
                        struct arena *arena, struct talk_ticket *ticket_r);

/* ---- wechat_sweep.c ------------------------------------------------------------------------- */

struct wechat_sweep *wechat_sweep_new(struct wechat *w);
void wechat_sweep_free(struct wechat_sweep **sweep);
/* There is something to do, now or at at_us. */
void wechat_sweep_kick(struct wechat_sweep *sweep);
void wechat_sweep_hint(struct wechat_sweep *sweep, int64_t at_us);
void wechat_sweep_settle(struct wechat_sweep *sweep, void (*done)(void *ctx, bool ok), void *ctx);

/* ---- wechat_news.c -------------------------------------------------------------------------- */

struct wechat_news *wechat_news_new(struct wechat *w);
void wechat_news_free(struct wechat_news **news);
/* Follows the events from here on, if there is an account and it does not yet. */
void wechat_news_watch(struct wechat_news *news);
/* Stores what the citizens of rows of wechat_moved or wechat_news are told; returns ids. */
struct pg_op *wechat_news_tell(struct wechat *w, const struct pg_result *res, struct arena *arena,
                               pg_callback *callback, void *ctx);

/* ---- wechat_outbox.c ------------------------------------------------------------------------ */

#define WECHAT_OUTBOX_AAD "wechat_outbox.payload"
/* {"text": ...} sealed for the outbox; of the arena. */
const uint8_t *wechat_outbox_text(const struct daemon *d, const char *text, struct arena *arena,
                                  size_t *len_r);
/* What a template is filled with, sealed. */
const uint8_t *wechat_outbox_template(const struct daemon *d, const struct wechat_account *account,
                                      const struct talk_ticket *ticket, struct arena *arena,
                                      size_t *len_r);
const uint8_t *wechat_outbox_media(const struct daemon *d, const char *media, const char *type,
                                   struct arena *arena, size_t *len_r);

#define WECHAT_OPENID_AAD "wechat.openid"
#define WECHAT_CONTENT_AAD "wechat.content"
#define WECHAT_TOKEN_AAD "wechat.token"
#define WECHAT_KEY_AAD "wechat.aes_key"

#endif
