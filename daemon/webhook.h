/*
 * webhook.h - signed news to units' own systems (INTERFACES 5), in the form of Standard Webhooks.
 *
 * Every event that GET /v1/events would tell a unit can be posted to a URL of its choice. Delivered
 * at least once and, per ticket, in order: an event waits until the one before it was taken or is a
 * dead letter. All state is in the database; a process that dies delays what it had in hand by one
 * lease. Retries wait longer and longer, with jitter; after webhook_tries attempts or three days,
 * tried or not, a delivery is dead and waits for a replay. 410 disables the webhook.
 */
#ifndef DAEMON_WEBHOOK_H
#define DAEMON_WEBHOOK_H

#include "daemon/request.h"

#define WEBHOOK_SECRET_BYTES 32
#define WEBHOOK_SECRET_SIZE 64 /* "whsec_" and base64, with NUL */
#define WEBHOOK_SECRET_AAD "webhook.secret"

/* webhook_admin.c */
void webhooks_get(struct request *r);        /* of a unit's account: its own */
void webhooks_post(struct request *r);       /* the answer has the secret, once */
void webhook_rotate_post(struct request *r); /* the same */
void webhook_disable_post(struct request *r);
void webhook_enable_post(struct request *r);
void webhook_replay_post(struct request *r);

/* webhook.c: the one who sends. NULL and a text (caller frees) if webhook_ca cannot be read or
 * webhook_nameserver is no address. */
struct webhooks;
MUST_CHECK struct webhooks *webhooks_new(struct daemon *d, char **error_r);
void webhooks_start(struct webhooks *webhooks);
void webhooks_free(struct webhooks **webhooks);
void webhooks_register_metrics(void);

/* "v1,<base64>" over "id.timestamp.body"; secret as it was given out. false: it is none. */
#define WEBHOOK_SIGNATURE_SIZE 48
MUST_CHECK bool webhook_sign(const char *secret, const char *id, int64_t timestamp_s,
                             const char *body, size_t len, char out[WEBHOOK_SIGNATURE_SIZE]);
/* Decorrelated jitter: between the base and three times the last wait, at most an hour. random is
 * evenly spread over 32 bits. */
int64_t webhook_next_wait_ms(int64_t last_ms, uint32_t random);

#endif
