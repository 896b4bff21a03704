/*
 * cursor.c - integers in network order, then the first bytes of an HMAC.
 */
#include "daemon/cursor.h"

#include <string.h>

#include "base/sbuf.h"

static void put_int(uint8_t *out, int64_t v)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)((uint64_t)v >> (56 - 8 * i));
}

static int64_t get_int(const uint8_t *in)
{
    uint64_t v = 0;

    for (int i = 0; i < 8; i++)
        v = v << 8 | in[i];
    return (int64_t)v;
}

/* The key also serves the blind index of phones; the first word keeps the two apart. */
static void tag(const uint8_t key[CRYPTO_KEY_SIZE], const char *scope, const uint8_t *fields,
                size_t len, uint8_t out[CURSOR_TAG_BYTES])
{
    uint8_t mac[CRYPTO_SHA256_SIZE];
    struct sbuf text;

    sbuf_init(&text, 0);
    sbuf_adds(&text, "cursor|");
    sbuf_add(&text, scope, strlen(scope) + 1);
    sbuf_add(&text, fields, len);
    crypto_hmac_sha256(key, CRYPTO_KEY_SIZE, text.data, text.len, mac);
    sbuf_free(&text);
    memcpy(out, mac, CURSOR_TAG_BYTES);
}

void cursor_format(const uint8_t key[CRYPTO_KEY_SIZE], const char *scope, const int64_t *fields,
                   size_t count, char out[CURSOR_SIZE])
{
    uint8_t raw[CURSOR_MAX_FIELDS * 8 + CURSOR_TAG_BYTES];
    size_t len = count * 8;

    INVARIANT(count <= CURSOR_MAX_FIELDS);
    for (size_t i = 0; i < count; i++)
        put_int(raw + i * 8, fields[i]);
    tag(key, scope, raw, len, raw + len);
    crypto_hex(raw, len + CURSOR_TAG_BYTES, out);
}

bool cursor_parse(const uint8_t key[CRYPTO_KEY_SIZE], const char *scope, const char *text,
                  int64_t *fields_r, size_t count)
{
    uint8_t raw[CURSOR_MAX_FIELDS * 8 + CURSOR_TAG_BYTES], expected[CURSOR_TAG_BYTES];
    size_t len = count * 8;

    INVARIANT(count <= CURSOR_MAX_FIELDS);
    if (strlen(text) != (len + CURSOR_TAG_BYTES) * 2 || !crypto_unhex(text, strlen(text), raw))
        return false;
    tag(key, scope, raw, len, expected);
    if (!crypto_equal(expected, raw + len, CURSOR_TAG_BYTES))
        return false;
    for (size_t i = 0; i < count; i++)
        fields_r[i] = get_int(raw + i * 8);
    return true;
}
