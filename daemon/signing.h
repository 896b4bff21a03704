/*
 * signing.h - signatures of those who send (Standard Webhooks 1.0, symmetric), instead of a token.
 *
 *   webhook-id: an id of the message        webhook-timestamp: seconds since 1970
 *   webhook-signature: v1,<base64 HMAC-SHA256(secret, id "." timestamp "." body)> [more of them]
 *
 * The secret of an account is told with its token ("whsec_" and base64). It is made of the token's
 * hash and the key file, and stored nowhere: a stolen database signs nothing. As two tokens of an
 * account may be live, so may two secrets.
 */
#ifndef DAEMON_SIGNING_H
#define DAEMON_SIGNING_H

#include "base/base64.h"
#include "daemon/request.h"

#define SIGNING_PREFIX "whsec_"
#define SIGNING_SECRET_SIZE (sizeof(SIGNING_PREFIX) + BASE64_LENGTH(CRYPTO_SHA256_SIZE))
/* How far the sender's clock may be off. */
#define SIGNING_TOLERANCE_US (300 * US_PER_SECOND)

/* token_hash: SHA-256 of the token. */
void signing_secret(const struct daemon *d, const uint8_t token_hash[CRYPTO_SHA256_SIZE],
                    char out[SIGNING_SECRET_SIZE]);

enum signing {
    SIGNING_GOOD,
    SIGNING_ABSENT,
    SIGNING_BAD, /* no live account of the role signed this */
    SIGNING_STALE
};
/* Who signed the request's body; among accounts of `role`. */
enum signing signing_check(const struct request *r, enum actor_role role,
                           const struct account **account_r);

#endif
