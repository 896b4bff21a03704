#include "base/crypto.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/log.h"

#define SEAL_VERSION 1
#define SEAL_NONCE_BYTES 12
#define SEAL_TAG_BYTES 16
#define SEAL_HEAD_BYTES (1 + SEAL_NONCE_BYTES)

_Static_assert(SEAL_HEAD_BYTES + SEAL_TAG_BYTES == CRYPTO_SEAL_OVERHEAD, "layout of a seal");

/* OpenSSL takes lengths as int; what we seal is a field of a form. */
#define LENGTH_MAX ((size_t)INT_MAX - CRYPTO_SEAL_OVERHEAD)

NORETURN static void library_failed(const char *what)
{
    char text[256];
    ERR_error_string_n(ERR_get_error(), text, sizeof(text));
    log_error("crypto", "%s failed, aborting: %s", what, text);
    abort();
}

void crypto_random(void *out, size_t len)
{
    INVARIANT(len <= LENGTH_MAX);
    if (len > 0 && RAND_bytes(out, (int)len) != 1)
        library_failed("RAND_bytes");
}

/*
 * Looked up once: with EVP_sha256() and its like OpenSSL 3 searches its providers at every use,
 * which costs more than hashing a short text. Kept until the process ends.
 */
static const EVP_MD *sha256(void)
{
    static EVP_MD *md;
    if (md == NULL && (md = EVP_MD_fetch(NULL, "SHA256", NULL)) == NULL)
        library_failed("sha256");
    return md;
}

static const EVP_MD *sha1(void)
{
    static EVP_MD *md;
    if (md == NULL && (md = EVP_MD_fetch(NULL, "SHA1", NULL)) == NULL)
        library_failed("sha1");
    return md;
}

static const EVP_MD *md5(void)
{
    static EVP_MD *md;
    if (md == NULL && (md = EVP_MD_fetch(NULL, "MD5", NULL)) == NULL)
        library_failed("md5");
    return md;
}

static const EVP_CIPHER *aes_128_cbc(void)
{
    static EVP_CIPHER *cipher;
    if (cipher == NULL && (cipher = EVP_CIPHER_fetch(NULL, "AES-128-CBC", NULL)) == NULL)
        library_failed("aes-128-cbc");
    return cipher;
}

static const EVP_CIPHER *aes_256_cbc(void)
{
    static EVP_CIPHER *cipher;
    if (cipher == NULL && (cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL)) == NULL)
        library_failed("aes-256-cbc");
    return cipher;
}

static const EVP_CIPHER *aes_256_gcm(void)
{
    static EVP_CIPHER *cipher;
    if (cipher == NULL && (cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL)) == NULL)
        library_failed("aes-256-gcm");
    return cipher;
}

static EVP_MAC *hmac(void)
{
    static EVP_MAC *mac;
    if (mac == NULL && (mac = EVP_MAC_fetch(NULL, "HMAC", NULL)) == NULL)
        library_failed("hmac");
    return mac;
}

void crypto_sha256(const void *data, size_t len, uint8_t out[CRYPTO_SHA256_SIZE])
{
    unsigned size = 0;
    if (EVP_Digest(data, len, out, &size, sha256(), NULL) != 1 || size != CRYPTO_SHA256_SIZE)
        library_failed("sha256");
}

void crypto_sha1(const void *data, size_t len, uint8_t out[CRYPTO_SHA1_SIZE])
{
    unsigned size = 0;
    if (EVP_Digest(data, len, out, &size, sha1(), NULL) != 1 || size != CRYPTO_SHA1_SIZE)
        library_failed("sha1");
}

void crypto_md5(const void *data, size_t len, uint8_t out[CRYPTO_MD5_SIZE])
{
    unsigned size = 0;
    if (EVP_Digest(data, len, out, &size, md5(), NULL) != 1 || size != CRYPTO_MD5_SIZE)
        library_failed("md5");
}

void crypto_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                        uint8_t out[CRYPTO_SHA256_SIZE])
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                 OSSL_PARAM_END};
    size_t size = 0;
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(hmac());
    INVARIANT(key_len <= LENGTH_MAX);
    if (ctx == NULL || EVP_MAC_init(ctx, key, key_len, params) != 1 ||
        EVP_MAC_update(ctx, data, len) != 1 ||
        EVP_MAC_final(ctx, out, &size, CRYPTO_SHA256_SIZE) != 1 || size != CRYPTO_SHA256_SIZE)
        library_failed("hmac-sha256");
    EVP_MAC_CTX_free(ctx);
}

bool crypto_equal(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}

void crypto_hex(const void *data, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *p = data;
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
    out[2 * len] = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool crypto_unhex(const char *hex, size_t hex_len, void *out)
{
    uint8_t *p = out;
    if (hex_len % 2 != 0)
        return false;
    for (size_t i = 0; i < hex_len; i += 2) {
        int high = hex_value(hex[i]);
        int low = hex_value(hex[i + 1]);
        if (high < 0 || low < 0)
            return false;
        p[i / 2] = (uint8_t)(high * 16 + low);
    }
    return true;
}

void crypto_token(char out[CRYPTO_TOKEN_SIZE])
{
    uint8_t bytes[CRYPTO_TOKEN_BYTES];
    crypto_random(bytes, sizeof(bytes));
    crypto_hex(bytes, sizeof(bytes), out);
    OPENSSL_cleanse(bytes, sizeof(bytes));
}

/* Nonce set, aad and version byte (not encrypted, but authenticated) fed in. */
static EVP_CIPHER_CTX *seal_begin(bool sealing, const uint8_t *key, const uint8_t *head,
                                  const char *aad)
{
    const size_t aad_len = strlen(aad);
    int n = 0;
    INVARIANT(aad_len <= LENGTH_MAX);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (ctx == NULL ||
        EVP_CipherInit_ex2(ctx, aes_256_gcm(), key, head + 1, sealing ? 1 : 0, NULL) != 1 ||
        EVP_CipherUpdate(ctx, NULL, &n, head, 1) != 1 ||
        EVP_CipherUpdate(ctx, NULL, &n, (const uint8_t *)aad, (int)aad_len) != 1)
        library_failed("aes-256-gcm");
    return ctx;
}

void crypto_seal(const uint8_t key[CRYPTO_KEY_SIZE], const char *aad, const void *data, size_t len,
                 uint8_t *out)
{
    INVARIANT(len <= LENGTH_MAX);
    int n = 0;
    uint8_t *body = out + SEAL_HEAD_BYTES;
    out[0] = SEAL_VERSION;
    crypto_random(out + 1, SEAL_NONCE_BYTES);

    EVP_CIPHER_CTX *ctx = seal_begin(true, key, out, aad);
    if ((len > 0 && EVP_EncryptUpdate(ctx, body, &n, data, (int)len) != 1) ||
        EVP_EncryptFinal_ex(ctx, body + len, &n) != 1 ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG_BYTES, body + len) != 1)
        library_failed("aes-256-gcm");
    EVP_CIPHER_CTX_free(ctx);
}

bool crypto_open(const uint8_t key[CRYPTO_KEY_SIZE], const char *aad, const void *sealed,
                 size_t sealed_len, void *out)
{
    const uint8_t *in = sealed;
    if (sealed_len < CRYPTO_SEAL_OVERHEAD || sealed_len > LENGTH_MAX || in[0] != SEAL_VERSION)
        return false;
    const size_t len = sealed_len - CRYPTO_SEAL_OVERHEAD;
    uint8_t tag[SEAL_TAG_BYTES];
    uint8_t last[SEAL_TAG_BYTES]; /* GCM has no last block, but the call wants a place for it */
    int n = 0;
    memcpy(tag, in + SEAL_HEAD_BYTES + len, sizeof(tag));

    EVP_CIPHER_CTX *ctx = seal_begin(false, key, in, aad);
    if ((len > 0 && EVP_DecryptUpdate(ctx, out, &n, in + SEAL_HEAD_BYTES, (int)len) != 1) ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, SEAL_TAG_BYTES, tag) != 1)
        library_failed("aes-256-gcm");
    bool genuine = EVP_DecryptFinal_ex(ctx, last, &n) == 1;
    EVP_CIPHER_CTX_free(ctx);
    if (!genuine && len > 0)
        OPENSSL_cleanse(out, len); /* what was not vouched for is not shown */
    return genuine;
}

static void aes_cbc(const EVP_CIPHER *cipher, bool is_encrypting, const uint8_t *key,
                    const uint8_t *iv, const void *data, size_t len, void *out)
{
    int n = 0;
    INVARIANT(len % CRYPTO_AES_BLOCK == 0 && len <= LENGTH_MAX);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (ctx == NULL || EVP_CipherInit_ex2(ctx, cipher, key, iv, is_encrypting ? 1 : 0, NULL) != 1 ||
        EVP_CIPHER_CTX_set_padding(ctx, 0) != 1 ||
        (len > 0 && EVP_CipherUpdate(ctx, out, &n, data, (int)len) != 1) || (size_t)n != len)
        library_failed("aes-cbc");
    EVP_CIPHER_CTX_free(ctx);
}

void crypto_aes256_cbc(bool is_encrypting, const uint8_t key[CRYPTO_KEY_SIZE],
                       const uint8_t iv[CRYPTO_AES_BLOCK], const void *data, size_t len, void *out)
{
    aes_cbc(aes_256_cbc(), is_encrypting, key, iv, data, len, out);
}

void crypto_aes128_cbc(bool is_encrypting, const uint8_t key[CRYPTO_AES_BLOCK],
                       const uint8_t iv[CRYPTO_AES_BLOCK], const void *data, size_t len, void *out)
{
    aes_cbc(aes_128_cbc(), is_encrypting, key, iv, data, len, out);
}
