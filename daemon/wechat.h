/*
 * wechat.h - WeChat's door: Official Accounts and WeCom push messages, a conversation answers them,
 * a matter becomes a ticket.
 *
 *   door     verifies, decrypts, answers within WECHAT_ANSWER_US     wechat_door.c
 *   run      one message from where the conversation stands to its reply   wechat_run.c
 *   effects  what a message has done: ticket, query, rating, withdrawal    wechat_effect.c
 *   sweep    what nobody waits for: time over, left behind by a crash      wechat_sweep.c
 *   news     a ticket moved: its citizen is told, at once                  wechat_news.c
 *   outbox   what needs an access_token, for a bridge                      wechat_outbox.c
 *   media    pictures and voices of a ticket, where the bridge has put them  wechat_media.c
 *
 * WeChat pushes a message up to three times, five seconds each. It is known by its MsgId (events:
 * by user, time, event and key), and stored in the transaction that moves the conversation, so it
 * has its effect once and each repeat gets the same reply. An effect that outlives that transaction
 * (a ticket, a rating) is noted with the message and done again until it is done: by the repeat, or
 * by the sweep. Whatever was not stored is not acknowledged.
 *
 * Accounts are kept in memory and loaded with the configuration; a run holds the ones it began
 * with.
 */
#ifndef DAEMON_WECHAT_H
#define DAEMON_WECHAT_H

#include "daemon/request.h"
#include "daemon/request_dialect.h"
#include "hotline/wechat_talk.h"
#include "proto/wechat_template.h"

#define WECHAT_ANSWER_US (4 * US_PER_SECOND) /* WeChat waits 5 s */
#define WECHAT_SKEW_US (300 * US_PER_SECOND)
#define WECHAT_NAME_MAX 32
#define WECHAT_LIVE 2 /* tokens and keys at a time */

enum wechat_mode { WECHAT_PLAIN, WECHAT_COMPATIBLE, WECHAT_SAFE, WECHAT_MODES };
extern const char *const wechat_mode_names[WECHAT_MODES + 1]; /* NULL at the end */

struct wechat_account {
    const char *name, *app_id; /* AppID, of WeCom the CorpID */
    const char *actor;         /* "wechat-NAME": who its tickets are received by */
    const char *category;      /* of matters of which nothing else is known */
    bool is_wecom, is_disabled;
    enum wechat_mode mode;
    struct talk_settings talk; /* without the city */
    struct wechat_template template;
    size_t token_count, key_count;
    const char *token[WECHAT_LIVE];
    uint8_t key[WECHAT_LIVE][CRYPTO_KEY_SIZE];
    int64_t changed_us;
};

struct wechat;
struct wechat *wechat_new(struct daemon *d);
void wechat_free(struct wechat **wechat);
void wechat_register_metrics(void);

/* As with auth_ask() and auth_take(): the rows of wechat_account_load. */
uint64_t wechat_ask(struct wechat *wechat);
void wechat_take(struct wechat *wechat, uint64_t asked, const struct pg_result *rows);
/* Begins to sweep and to follow the events: the database is up and the city there. */
void wechat_start(struct wechat *wechat);
/* Runs until nothing is left to do at the present clock; done once, from the loop. */
void wechat_settle(struct wechat *wechat, void (*done)(void *ctx, bool ok), void *ctx);

/* Bodies are XML. */
extern const struct request_dialect wechat_dialect;
void wechat_get(struct request *r);                /* GET /v1/wechat/{} */
void wechat_post(struct request *r);               /* POST /v1/wechat/{} */
void wechat_outbox_claim_post(struct request *r);  /* POST /v1/wechat/{}/outbox/claim */
void wechat_outbox_result_post(struct request *r); /* POST /v1/wechat/{}/outbox/{}/result */
void ticket_media_get(struct request *r);          /* GET /v1/tickets/{}/attachments */
void admin_wechat_get(struct request *r);          /* GET /v1/admin/wechat */
void admin_wechat_post(struct request *r);         /* POST /v1/admin/wechat */
void admin_wechat_change_post(struct request *r);  /* POST /v1/admin/wechat/{} */

#endif
