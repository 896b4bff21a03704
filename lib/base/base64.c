#include "base/base64.h"

#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(const void *data, size_t len, char *out)
{
    const uint8_t *in = data;

    for (size_t i = 0; i < len; i += 3) {
        uint32_t bits = (uint32_t)in[i] << 16;
        bits |= i + 1 < len ? (uint32_t)in[i + 1] << 8 : 0;
        bits |= i + 2 < len ? in[i + 2] : 0;
        *out++ = alphabet[bits >> 18];
        *out++ = alphabet[bits >> 12 & 63];
        *out++ = '=';
        *out++ = '=';
        if (i + 1 < len)
            out[-2] = alphabet[bits >> 6 & 63];
        if (i + 2 < len)
            out[-1] = alphabet[bits & 63];
    }
    *out = '\0';
}

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool base64_decode(const char *text, size_t text_len, void *out, size_t *len_r)
{
    uint8_t *to = out;
    size_t pad = 0, bytes = 0;
    uint32_t bits = 0;

    if (text_len % 4 != 0)
        return false;
    while (pad < 2 && pad < text_len && text[text_len - 1 - pad] == '=')
        pad++;
    for (size_t i = 0; i < text_len - pad; i++) {
        int value = value_of(text[i]);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        if (i % 4 != 0)
            to[bytes++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
    *len_r = bytes;
    return true;
}
