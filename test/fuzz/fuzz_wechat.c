/*
 * WeChat's bodies. The first byte says as what the rest is read: a document, a ciphertext, or a
 * text that is encrypted, wrapped, read and decrypted again.
 */
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "proto/wechat_crypto.h"
#include "proto/wechat_xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t key[CRYPTO_KEY_SIZE] = {1, 2, 3};

static void check_text(const char *text)
{
    INVARIANT(!text || utf8_valid(text, strlen(text)));
}

static void read_document(const char *text, size_t len, struct arena *arena)
{
    struct wechat_message m;
    struct sbuf out;

    if (wechat_xml_parse(text, len, arena, &m) != WECHAT_PARSED || !m.from_user || !m.content)
        return;
    check_text(m.from_user);
    check_text(m.content);
    check_text(m.event_key);
    sbuf_init(&out, 0);
    wechat_xml_write_text(&out, m.from_user, "gh", 1, m.content);
    INVARIANT(wechat_xml_parse(out.data, out.len, arena, &m) == WECHAT_PARSED);
    INVARIANT(strlen(m.content) <= WECHAT_REPLY_MAX);
    sbuf_free(&out);
}

static void round_trip(const char *text, size_t len, struct arena *arena)
{
    struct wechat_message m;
    struct sbuf out;
    size_t back_len;
    char *cipher = wechat_encrypt(key, "wx", (const uint8_t *)"0123456789abcdef", text, len, arena);

    sbuf_init(&out, 0);
    wechat_xml_write_encrypted(&out, cipher, "s", 1, "n");
    if (out.len <= WECHAT_BODY_MAX) {
        INVARIANT(wechat_xml_parse(out.data, out.len, arena, &m) == WECHAT_PARSED);
        char *back = wechat_decrypt(key, "wx", m.encrypt, arena, &back_len);
        INVARIANT(back && back_len == len && memcmp(back, text, len) == 0);
    }
    sbuf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    size_t len;

    if (size > 0) {
        char *text = arena_strndup(arena, (const char *)data + 1, size - 1);
        if (data[0] == 'd')
            (void)wechat_decrypt(key, "wx", text, arena, &len);
        else if (data[0] == 'e')
            round_trip((const char *)data + 1, size - 1, arena);
        else
            read_document((const char *)data + 1, size - 1, arena);
    }
    arena_free(&arena);
    return 0;
}
