/*
 * onenet.c - OneNET's envelope.
 */
#include "proto/onenet.h"

#include <string.h>

#include "base/base64.h"
#include "base/sbuf.h"

#define HEAD 20 /* random bytes and length, with a long key */
/* Signatures without their '='. */
#define SIGNATURE_CHARACTERS 22

/* ---- the signature -----------------------------------------------------------------------------
 */

void onenet_sign(const char *token, const char *nonce, const void *text, size_t len,
                 char out[ONENET_SIGNATURE_SIZE])
{
    uint8_t digest[CRYPTO_MD5_SIZE];
    struct sbuf joined;

    sbuf_init(&joined, 0);
    sbuf_adds(&joined, token);
    sbuf_adds(&joined, nonce);
    sbuf_add(&joined, text, len);
    crypto_md5(joined.data, joined.len, digest);
    sbuf_free(&joined);
    base64_encode(digest, sizeof(digest), out);
}

bool onenet_signature_fits(const char *signature, const char *token, const char *nonce,
                           const void *text, size_t len)
{
    char own[ONENET_SIGNATURE_SIZE], theirs[SIGNATURE_CHARACTERS];

    if (!signature || !token || !nonce || !text || strlen(nonce) != ONENET_NONCE_LENGTH)
        return false;
    size_t given = strcspn(signature, "=");
    if (given != SIGNATURE_CHARACTERS ||
        strspn(signature + given, "=") != strlen(signature + given))
        return false;
    for (size_t i = 0; i < SIGNATURE_CHARACTERS; i++)
        theirs[i] = signature[i] == ' ' ? '+' : signature[i];
    onenet_sign(token, nonce, text, len, own);
    return crypto_equal(theirs, own, SIGNATURE_CHARACTERS);
}

/* ---- the envelope ------------------------------------------------------------------------------
 */

/* All of these walk over text that is known to be JSON. */
static size_t skip_blanks(const char *text, size_t len, size_t at)
{
    while (at < len && strchr(" \t\r\n", text[at]))
        at++;
    return at;
}

static size_t skip_string(const char *text, size_t len, size_t at)
{
    for (at++; at < len && text[at] != '"'; at++) {
        if (text[at] == '\\')
            at++;
    }
    return at < len ? at + 1 : len;
}

static size_t skip_value(const char *text, size_t len, size_t at)
{
    size_t depth = 0;

    while (at < len) {
        char c = text[at];
        if (depth == 0 && strchr(",}] \t\r\n", c))
            return at;
        if (c == '"') {
            at = skip_string(text, len, at);
        } else {
            depth += c == '{' || c == '[';
            depth -= c == '}' || c == ']';
            at++;
        }
        if (depth == 0 && strchr("\"}]", text[at - 1]))
            return at;
    }
    return at;
}

/* The bytes of a member of the object that the text is; NULL if it is not there. */
static const char *raw_member(const char *text, size_t len, const char *name, size_t *len_r)
{
    size_t at = skip_blanks(text, len, 0), name_len = strlen(name);

    while (at < len && text[at] != '}') {
        at = skip_blanks(text, len, at + 1); /* behind '{' or ',' */
        size_t key = at;
        at = skip_string(text, len, at);
        bool is_it =
            at - key == name_len + 2 && at <= len && memcmp(text + key + 1, name, name_len) == 0;
        at = skip_blanks(text, len, at) + 1; /* ':' */
        size_t value = skip_blanks(text, len, at);
        at = skip_value(text, len, value);
        if (is_it && at <= len) {
            *len_r = at - value;
            return text + value;
        }
        at = skip_blanks(text, len, at);
    }
    return NULL;
}

/* The string of the first of two names that is there; NULL if none is. */
static const char *either(const struct json_value *root, const char *a, const char *b,
                          struct arena *arena)
{
    const char *text = json_string(json_get(root, a), NULL);

    text = text ? text : json_string(json_get(root, b), NULL);
    return text ? arena_strdup(arena, text) : NULL;
}

bool onenet_push_parse(const char *body, size_t len, struct arena *arena,
                       struct onenet_push *push_r, struct faults *faults)
{
    struct json_doc *doc = json_parse(body, len, faults);

    *push_r = (struct onenet_push){NULL, 0, NULL, NULL};
    if (!doc)
        return false;
    const struct json_value *root = json_root(doc);
    push_r->nonce = either(root, "nonce", "nonce", arena);
    push_r->signature = either(root, "signature", "msg_signature", arena);
    push_r->text = either(root, "msg", "enc_msg", arena);
    enum json_type type = json_type(json_get(root, "msg"));
    if (push_r->text)
        push_r->len = strlen(push_r->text);
    else if (type == JSON_OBJECT || type == JSON_ARRAY)
        push_r->text = raw_member(body, len, "msg", &push_r->len);
    json_doc_free(&doc);
    if (!push_r->text)
        faults_add(faults, "msg", "required");
    if (!push_r->nonce)
        faults_add(faults, "nonce", "required");
    if (!push_r->signature)
        faults_add(faults, "signature", "required");
    return push_r->text && push_r->nonce && push_r->signature;
}

/* ---- safe mode ---------------------------------------------------------------------------------
 */

/* false: no Base64 of 32 bytes. */
static bool long_key(const char *key, uint8_t out[CRYPTO_KEY_SIZE])
{
    uint8_t bytes[BASE64_BYTES(ONENET_LONG_KEY_LENGTH + 1)];
    char padded[ONENET_LONG_KEY_LENGTH + 2];
    size_t len;

    if (strlen(key) != ONENET_LONG_KEY_LENGTH)
        return false;
    memcpy(padded, key, ONENET_LONG_KEY_LENGTH);
    memcpy(padded + ONENET_LONG_KEY_LENGTH, "=", 2);
    if (!base64_decode(padded, ONENET_LONG_KEY_LENGTH + 1, bytes, &len) || len != CRYPTO_KEY_SIZE)
        return false;
    memcpy(out, bytes, CRYPTO_KEY_SIZE);
    return true;
}

bool onenet_key_valid(const char *key)
{
    uint8_t bytes[CRYPTO_KEY_SIZE];

    if (strlen(key) != ONENET_KEY_LENGTH)
        return long_key(key, bytes);
    for (const char *c = key; *c; c++) {
        if (*c < 0x21 || *c > 0x7e)
            return false;
    }
    return true;
}

bool onenet_is_cipher(const char *text, size_t len)
{
    size_t at = skip_blanks(text, len, 0);

    return at < len && text[at] != '{' && text[at] != '[';
}

/* Bytes without the padding; 0 if it is none, or all there is. */
static size_t unpadded(const uint8_t *plain, size_t len, size_t block)
{
    size_t pad = plain[len - 1];
    unsigned wrong = pad < 1 || pad > block || pad > len;

    for (size_t i = 0; i < block && i < len; i++)
        wrong |= i < pad && plain[len - 1 - i] != pad;
    return wrong ? 0 : len - pad;
}

static uint8_t *decode(const char *cipher, size_t len, struct arena *arena, size_t *len_r)
{
    char *text = arena_strndup(arena, cipher, len);
    uint8_t *bytes = arena_alloc_raw(arena, BASE64_BYTES(len) + 1);

    for (char *c = text; *c; c++) {
        if (*c == ' ')
            *c = '+';
    }
    if (!base64_decode(text, strlen(text), bytes, len_r) || *len_r == 0 ||
        *len_r % CRYPTO_AES_BLOCK != 0)
        return NULL;
    return bytes;
}

char *onenet_decrypt(const char *key, const char *cipher, size_t len, struct arena *arena,
                     size_t *len_r)
{
    bool is_long = strlen(key) != ONENET_KEY_LENGTH;
    uint8_t bytes[CRYPTO_KEY_SIZE];
    size_t from = 0;
    uint8_t *plain = decode(cipher, len, arena, &len);

    if (!plain || (is_long && !long_key(key, bytes)))
        return NULL;
    if (is_long) {
        crypto_aes256_cbc(false, bytes, bytes, plain, len, plain);
        len = unpadded(plain, len, 2 * CRYPTO_AES_BLOCK); /* some pad to 32, some to 16 */
        if (len < HEAD)
            return NULL;
        size_t said =
            (size_t)plain[16] << 24 | (size_t)plain[17] << 16 | (size_t)plain[18] << 8 | plain[19];
        if (said > len - HEAD)
            return NULL;
        from = HEAD;
        len = said;
    } else {
        memcpy(bytes, key, ONENET_KEY_LENGTH);
        crypto_aes128_cbc(false, bytes, bytes, plain, len, plain);
        len = unpadded(plain, len, CRYPTO_AES_BLOCK);
    }
    if (len == 0)
        return NULL;
    plain[from + len] = '\0';
    *len_r = len;
    return (char *)plain + from;
}
