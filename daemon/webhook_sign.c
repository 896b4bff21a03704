/*
 * webhook_sign.c - what of webhooks is pure: signatures and waits.
 */
#include <string.h>

#include "base/base64.h"
#include "daemon/webhook.h"

#define SECRET_PREFIX "whsec_"
#define WAIT_BASE_MS 5000
#define WAIT_CAP_MS (60 * 60 * 1000)

bool webhook_sign(const char *secret, const char *id, int64_t timestamp_s, const char *body,
                  size_t len, char out[WEBHOOK_SIGNATURE_SIZE])
{
    uint8_t key[BASE64_BYTES(WEBHOOK_SECRET_SIZE)], mac[CRYPTO_SHA256_SIZE];
    size_t prefix = strlen(SECRET_PREFIX), text_len = strlen(secret), key_len;
    struct sbuf signed_text;

    if (text_len >= WEBHOOK_SECRET_SIZE || strncmp(secret, SECRET_PREFIX, prefix) != 0 ||
        !base64_decode(secret + prefix, text_len - prefix, key, &key_len))
        return false;
    sbuf_init(&signed_text, 0);
    sbuf_addf(&signed_text, "%s.%lld.", id, (long long)timestamp_s);
    sbuf_add(&signed_text, body, len);
    crypto_hmac_sha256(key, key_len, signed_text.data, signed_text.len, mac);
    sbuf_free(&signed_text);
    memcpy(out, "v1,", 3);
    base64_encode(mac, sizeof(mac), out + 3);
    return true;
}

int64_t webhook_next_wait_ms(int64_t last_ms, uint32_t random)
{
    int64_t most = last_ms > WAIT_CAP_MS / 3 ? WAIT_CAP_MS : last_ms * 3;

    if (most <= WAIT_BASE_MS)
        return WAIT_BASE_MS;
    return WAIT_BASE_MS + (most - WAIT_BASE_MS) * (int64_t)random / UINT32_MAX;
}
