#include "proto/wechat_crypto.h"

#include <string.h>

#include "base/base64.h"
#include "base/sbuf.h"

#define BLOCK 32
#define HEAD (WECHAT_RANDOM_SIZE + 4)

bool wechat_key_decode(const char *text, uint8_t key[CRYPTO_KEY_SIZE])
{
    uint8_t bytes[BASE64_BYTES(WECHAT_AES_KEY_LENGTH + 1)];
    char padded[WECHAT_AES_KEY_LENGTH + 2];
    size_t len;

    if (strlen(text) != WECHAT_AES_KEY_LENGTH || strpbrk(text, "+/="))
        return false;
    memcpy(padded, text, WECHAT_AES_KEY_LENGTH);
    memcpy(padded + WECHAT_AES_KEY_LENGTH, "=", 2);
    if (!base64_decode(padded, WECHAT_AES_KEY_LENGTH + 1, bytes, &len) || len != CRYPTO_KEY_SIZE)
        return false;
    memcpy(key, bytes, CRYPTO_KEY_SIZE);
    return true;
}

static void sort(const char *part[], size_t count)
{
    for (size_t i = 1; i < count; i++) {
        for (size_t j = i; j > 0 && strcmp(part[j - 1], part[j]) > 0; j--) {
            const char *other = part[j];
            part[j] = part[j - 1];
            part[j - 1] = other;
        }
    }
}

void wechat_sign(const char *token, const char *timestamp, const char *nonce, const char *encrypt,
                 char out[WECHAT_SIGNATURE_SIZE])
{
    const char *part[] = {token, timestamp, nonce, encrypt};
    size_t count = encrypt ? 4 : 3;
    uint8_t digest[CRYPTO_SHA1_SIZE];
    struct sbuf joined;

    sort(part, count);
    sbuf_init(&joined, 0);
    for (size_t i = 0; i < count; i++)
        sbuf_adds(&joined, part[i]);
    crypto_sha1(joined.data, joined.len, digest);
    crypto_hex(digest, sizeof(digest), out);
    sbuf_free(&joined);
}

bool wechat_signature_fits(const char *signature, const char *token, const char *timestamp,
                           const char *nonce, const char *encrypt)
{
    char own[WECHAT_SIGNATURE_SIZE];

    if (!signature || !token || !timestamp || !nonce)
        return false;
    wechat_sign(token, timestamp, nonce, encrypt, own);
    return strlen(signature) == sizeof(own) - 1 && crypto_equal(signature, own, sizeof(own) - 1);
}

/* Bytes without the padding; 0 if it is none. */
static size_t unpadded(const uint8_t *plain, size_t len)
{
    uint8_t pad = plain[len - 1];
    unsigned wrong = pad < 1 || pad > BLOCK;

    for (size_t i = 0; i < BLOCK; i++)
        wrong |= i < pad && plain[len - 1 - i] != pad;
    return wrong ? 0 : len - pad;
}

static uint32_t big_endian(const uint8_t b[4])
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

char *wechat_decrypt(const uint8_t key[CRYPTO_KEY_SIZE], const char *receiver, const char *encrypt,
                     struct arena *arena, size_t *len_r)
{
    size_t text_len = strlen(encrypt), id_len = strlen(receiver), len;

    if (text_len == 0 || text_len > WECHAT_BODY_MAX)
        return NULL;
    uint8_t *plain = arena_alloc_raw(arena, BASE64_BYTES(text_len) + 1);
    if (!base64_decode(encrypt, text_len, plain, &len) || len < BLOCK || len % BLOCK != 0)
        return NULL;
    crypto_aes256_cbc(false, key, key, plain, len, plain);
    len = unpadded(plain, len);
    if (len < HEAD)
        return NULL;
    size_t message_len = big_endian(plain + WECHAT_RANDOM_SIZE);
    if (message_len > len - HEAD || len - HEAD - message_len != id_len ||
        !crypto_equal(plain + HEAD + message_len, receiver, id_len))
        return NULL;
    plain[HEAD + message_len] = '\0';
    *len_r = message_len;
    return (char *)plain + HEAD;
}

char *wechat_encrypt(const uint8_t key[CRYPTO_KEY_SIZE], const char *receiver,
                     const uint8_t random[WECHAT_RANDOM_SIZE], const char *message, size_t len,
                     struct arena *arena)
{
    size_t id_len = strlen(receiver), bare = HEAD + len + id_len;
    size_t pad = BLOCK - bare % BLOCK;
    uint8_t *plain = arena_alloc_raw(arena, bare + pad);
    uint8_t *at = plain + WECHAT_RANDOM_SIZE;

    memcpy(plain, random, WECHAT_RANDOM_SIZE);
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(len >> (24 - 8 * i));
    memcpy(plain + HEAD, message, len);
    memcpy(plain + HEAD + len, receiver, id_len);
    memset(plain + bare, (int)pad, pad);
    crypto_aes256_cbc(true, key, key, plain, bare + pad, plain);
    char *text = arena_alloc_raw(arena, BASE64_LENGTH(bare + pad) + 1);
    base64_encode(plain, bare + pad, text);
    return text;
}
