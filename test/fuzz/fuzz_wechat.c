/*
 * WeChat's bodies. The first byte says as what the rest is read: a ciphertext (d), a text that is
 * encrypted, wrapped in XML (e) or JSON (j), read and decrypted again, a template of an account
 * (t), else a push, XML or JSON, whose content is answered and read back.
 */
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "proto/wechat_crypto.h"
#include "proto/wechat_push.h"
#include "proto/wechat_template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t key[CRYPTO_KEY_SIZE] = {1, 2, 3};

static void check_text(const char *text)
{
    INVARIANT(!text || utf8_valid(text, strlen(text)));
}

static void read_push(const char *text, size_t len, struct arena *arena)
{
    const enum wechat_format format = wechat_push_format(text, len);
    struct wechat_message m;
    struct sbuf out;

    if (wechat_push_parse(text, len, arena, &m) != WECHAT_PARSED || !m.from_user || !m.content)
        return;
    check_text(m.from_user);
    check_text(m.content);
    check_text(m.event_key);
    sbuf_init(&out, 0);
    wechat_push_write_text(&out, format, m.from_user, "gh", 1, m.content);
    if (out.len <= WECHAT_BODY_MAX) { /* names grow where they are escaped */
        INVARIANT(wechat_push_parse(out.data, out.len, arena, &m) == WECHAT_PARSED);
        INVARIANT(strlen(m.content) <= WECHAT_REPLY_MAX);
    }
    sbuf_free(&out);
}

static void round_trip(enum wechat_format format, const char *text, size_t len, struct arena *arena)
{
    struct wechat_message m;
    struct sbuf out;
    size_t back_len;
    char *cipher = wechat_encrypt(key, "wx", (const uint8_t *)"0123456789abcdef", text, len, arena);

    sbuf_init(&out, 0);
    wechat_push_write_encrypted(&out, format, cipher, "s", 1, "n");
    if (out.len <= WECHAT_BODY_MAX) {
        INVARIANT(wechat_push_parse(out.data, out.len, arena, &m) == WECHAT_PARSED);
        char *back = wechat_decrypt(key, "wx", m.encrypt, arena, &back_len);
        INVARIANT(back && back_len == len && memcmp(back, text, len) == 0);
    }
    sbuf_free(&out);
}

/* What is a template is written as one again. */
static void read_template(const char *text, size_t len, struct arena *arena)
{
    struct wechat_template template;
    struct faults faults;
    struct json_writer w;
    struct sbuf out;

    faults_init(&faults, arena);
    struct json_doc *doc = json_parse(text, len, &faults);
    bool is_one = doc && wechat_template_read(json_root(doc), "t", arena, &template, &faults);
    json_doc_free(&doc);
    if (!is_one)
        return;
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    wechat_template_write(&w, NULL, &template);
    doc = json_parse(out.data, out.len, &faults);
    INVARIANT(doc && wechat_template_read(json_root(doc), "t", arena, &template, &faults));
    json_doc_free(&doc);
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
        else if (data[0] == 'e' || data[0] == 'j')
            round_trip(data[0] == 'e' ? WECHAT_XML : WECHAT_JSON, (const char *)data + 1, size - 1,
                       arena);
        else if (data[0] == 't')
            read_template((const char *)data + 1, size - 1, arena);
        else
            read_push((const char *)data + 1, size - 1, arena);
    }
    arena_free(&arena);
    return 0;
}
