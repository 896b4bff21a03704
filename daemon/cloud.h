/*
 * cloud.h - operators' clouds: what OneNET and CTWing push of their devices (INTERFACES 3).
 *
 *   door      is it that cloud; from its message to signals             cloud_door.c
 *   mapping   cloud_find.sql: which device of ours, which key
 *   lane      the same as of presses that come by themselves            device.h
 *   unmapped  what says nothing to us: kept, counted, told to the desks cloud_unmapped_add.sql
 *
 * OneNET signs with a token. CTWing signs nothing: the path is secret, and the addresses that it
 * comes from are listed. Either list is of networks; trusted_proxies are looked behind.
 *
 * Clouds push at least once. A press is known by what was signed of it: account, device, stream,
 * value and the cloud's time, whose hash is its boot_id, so a repeat (and a replay) is a repeat of
 * the lane; without a time, the same message within three hours. The answer 200 follows the COMMIT
 * of everything in the push; anything else, and the cloud sends it again. What nobody has mapped is
 * answered 200: sending it again helps nobody.
 *
 * Accounts are kept in memory and loaded with the configuration.
 */
#ifndef DAEMON_CLOUD_H
#define DAEMON_CLOUD_H

#include "daemon/request.h"
#include "daemon/request_dialect.h"

#define CLOUD_LIVE 2 /* tokens, keys and secrets at a time */
#define CLOUD_ACCOUNT_MAX 32
#define CLOUD_BODY_MAX ((size_t)256 << 10)
#define CLOUD_TOKEN_AAD "device_cloud.token"
#define CLOUD_KEY_AAD "device_cloud.aes_key"
#define CLOUD_VALUE_AAD "device_cloud_unmapped.value"

enum cloud_kind { CLOUD_ONENET, CLOUD_CTWING };
extern const char *const cloud_kind_names[]; /* NULL at the end */

struct cloud_account {
    const char *name;
    enum cloud_kind kind;
    bool is_disabled;
    const char *addresses; /* networks, "" = any */
    size_t token_count, key_count, secret_count;
    const char *token[CLOUD_LIVE], *key[CLOUD_LIVE];
    uint8_t secret[CLOUD_LIVE][CRYPTO_SHA256_SIZE];
};

struct clouds;
struct clouds *clouds_new(struct daemon *d);
/* After the lane, whose orders tell their pushes how they ended, and before the pools. */
void clouds_free(struct clouds **clouds);
void clouds_register_metrics(void);
/* As with auth_ask() and auth_take(): the rows of cloud_load. */
uint64_t clouds_ask(struct clouds *clouds);
void clouds_take(struct clouds *clouds, uint64_t asked, const struct pg_result *rows);
/* Valid until the next clouds_take(). NULL: there is none. */
const struct cloud_account *cloud_by_name(const struct clouds *clouds, const char *name);
/* Of those that are not disabled; all are compared, whichever it is. */
const struct cloud_account *cloud_by_secret(const struct clouds *clouds, const char *secret);

/* For the door: its pushes that have not ended, a list that it frees. */
struct push_in;
struct push_in **clouds_pushes(struct clouds *clouds);
void cloud_pushes_free(struct push_in **list);

/* Bodies are JSON, whatever they are called. */
extern const struct request_dialect cloud_dialect;
void cloud_onenet_get(struct request *r);  /* GET /v1/clouds/onenet/{} */
void cloud_onenet_post(struct request *r); /* POST /v1/clouds/onenet/{} */
void cloud_ctwing_post(struct request *r); /* POST /v1/clouds/ctwing/{} */

/* cloud_admin.c */
void admin_clouds_get(struct request *r);        /* GET /v1/admin/clouds */
void admin_clouds_post(struct request *r);       /* POST /v1/admin/clouds */
void admin_cloud_change_post(struct request *r); /* POST /v1/admin/clouds/{} */
/* cloud_mapping.c */
void admin_cloud_mappings_get(struct request *r);  /* GET /v1/admin/clouds/{}/mappings */
void admin_cloud_mappings_post(struct request *r); /* POST /v1/admin/clouds/{}/mappings */
void admin_cloud_unmapped_get(struct request *r);  /* GET /v1/admin/clouds/{}/unmapped */

#endif
