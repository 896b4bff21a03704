/*
 * signing.c - who signed this?
 */
#include "daemon/signing.h"

#include <stdlib.h>
#include <string.h>

#define CONTEXT "webhook signature"
#define SIGNATURE_PREFIX "v1,"
#define SIGNATURES_MAX 8

static void secret_of(const struct daemon *d, const uint8_t token_hash[CRYPTO_SHA256_SIZE],
                      uint8_t out[CRYPTO_SHA256_SIZE])
{
    uint8_t text[sizeof(CONTEXT) + CRYPTO_SHA256_SIZE];

    memcpy(text, CONTEXT, sizeof(CONTEXT));
    memcpy(text + sizeof(CONTEXT), token_hash, CRYPTO_SHA256_SIZE);
    crypto_hmac_sha256(d->index_key, sizeof(d->index_key), text, sizeof(text), out);
}

void signing_secret(const struct daemon *d, const uint8_t token_hash[CRYPTO_SHA256_SIZE],
                    char out[SIGNING_SECRET_SIZE])
{
    uint8_t secret[CRYPTO_SHA256_SIZE];

    secret_of(d, token_hash, secret);
    memcpy(out, SIGNING_PREFIX, sizeof(SIGNING_PREFIX));
    base64_encode(secret, sizeof(secret), out + sizeof(SIGNING_PREFIX) - 1);
}

/* ---- checking ----------------------------------------------------------------------------------
 */

struct check {
    const struct daemon *d;
    const char *signatures;
    const char *message;
    size_t message_len;
};

/* Is it one of those that were sent? Every one is looked at, in the same time. */
static bool is_among(const char *signatures, const char *wanted)
{
    size_t len = strlen(wanted);
    bool found = false;

    for (int i = 0; i < SIGNATURES_MAX && *signatures; i++) {
        size_t piece = strcspn(signatures, " ");
        if (piece == len && crypto_equal(signatures, wanted, len))
            found = true;
        signatures += piece + strspn(signatures + piece, " ");
    }
    return found;
}

static bool has_signed(void *ctx, const uint8_t token_hash[CRYPTO_SHA256_SIZE])
{
    const struct check *check = ctx;
    uint8_t secret[CRYPTO_SHA256_SIZE], mac[CRYPTO_SHA256_SIZE];
    char wanted[sizeof(SIGNATURE_PREFIX) + BASE64_LENGTH(CRYPTO_SHA256_SIZE)];

    secret_of(check->d, token_hash, secret);
    crypto_hmac_sha256(secret, sizeof(secret), check->message, check->message_len, mac);
    memcpy(wanted, SIGNATURE_PREFIX, sizeof(SIGNATURE_PREFIX));
    base64_encode(mac, sizeof(mac), wanted + sizeof(SIGNATURE_PREFIX) - 1);
    return is_among(check->signatures, wanted);
}

static bool is_fresh(const struct request *r, const char *timestamp)
{
    size_t digits = strspn(timestamp, "0123456789");

    if (digits == 0 || digits > 12 || timestamp[digits])
        return false;
    int64_t off_us = strtoll(timestamp, NULL, 10) * US_PER_SECOND - r->now_us;
    return off_us <= SIGNING_TOLERANCE_US && off_us >= -SIGNING_TOLERANCE_US;
}

enum signing signing_check(const struct request *r, enum actor_role role,
                           const struct account **account_r)
{
    const struct http1_request *head = http_request_head(r->http);
    const char *id = http1_header(head, "webhook-id");
    const char *timestamp = http1_header(head, "webhook-timestamp");
    struct check check = {.d = r->d, .signatures = http1_header(head, "webhook-signature")};
    struct sbuf message;
    size_t len;
    const char *body = http_request_body(r->http, &len);

    *account_r = NULL;
    if (!id || !timestamp || !check.signatures)
        return SIGNING_ABSENT;
    if (!is_fresh(r, timestamp))
        return SIGNING_STALE;
    sbuf_init(&message, 0);
    sbuf_addf(&message, "%s.%s.", id, timestamp);
    sbuf_add(&message, body, len);
    check.message = message.data;
    check.message_len = message.len;
    *account_r = auth_find_signer(r->d->auth, role, has_signed, &check);
    sbuf_free(&message);
    return *account_r ? SIGNING_GOOD : SIGNING_BAD;
}
