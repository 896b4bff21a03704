/*
 * Pushes of operators' clouds: the first byte says which way. Signals are bounded and whole, what
 * was signed lies within the body, and what was encrypted decrypts.
 */
#include <stdint.h>
#include <string.h>

#include "base/base64.h"
#include "base/utf8.h"
#include "proto/cloud_json.h"
#include "proto/onenet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KEY "0123456789abcdef"

static void check_signals(const struct cloud_signals *s)
{
    INVARIANT(s->count <= CLOUD_SIGNALS_MAX && (!s->is_cut || s->count == CLOUD_SIGNALS_MAX));
    for (size_t i = 0; i < s->count; i++) {
        const struct cloud_signal *one = &s->list[i];
        INVARIANT(one->device[0] && strlen(one->device) <= CLOUD_NAME_MAX);
        INVARIANT(one->stream[0] && strlen(one->stream) <= CLOUD_NAME_MAX);
        INVARIANT(utf8_valid(one->device, strlen(one->device)));
        INVARIANT(utf8_valid(one->stream, strlen(one->stream)));
        INVARIANT(!one->value || utf8_valid(one->value, strlen(one->value)));
        INVARIANT(!one->alias || strlen(one->alias) <= CLOUD_NAME_MAX);
        INVARIANT(one->at_us >= 0 && one->sign <= CLOUD_OFFLINE);
    }
}

static void check_message(const char *text, size_t size, struct arena *arena, bool is_onenet)
{
    struct cloud_signals signals;
    struct faults faults;

    faults_init(&faults, arena);
    struct json_doc *doc = json_parse(text, size, &faults);
    if (!doc)
        return;
    if (is_onenet)
        cloud_json_read_onenet(json_root(doc), &signals, arena);
    else
        cloud_json_read_ctwing(json_root(doc), &signals, arena);
    check_signals(&signals);
    json_doc_free(&doc);
}

static void check_envelope(const char *text, size_t size, struct arena *arena)
{
    struct onenet_push push;
    struct faults faults;
    char own[ONENET_SIGNATURE_SIZE];
    size_t len;

    faults_init(&faults, arena);
    if (!onenet_push_parse(text, size, arena, &push, &faults))
        return;
    INVARIANT(push.text && push.nonce && push.signature);
    onenet_sign("token", "nonce678", push.text, push.len, own);
    INVARIANT(onenet_signature_fits(own, "token", "nonce678", push.text, push.len));
    INVARIANT(!onenet_signature_fits(NULL, "token", push.nonce, push.text, push.len));
    if (onenet_signature_fits(push.signature, "token", push.nonce, push.text, push.len))
        INVARIANT(strlen(push.nonce) == ONENET_NONCE_LENGTH);
    if (onenet_is_cipher(push.text, push.len))
        (void)onenet_decrypt(KEY, push.text, push.len, arena, &len);
    else
        check_message(push.text, push.len, arena, true);
}

static void check_cipher(const uint8_t *data, size_t size, struct arena *arena)
{
    size_t pad = CRYPTO_AES_BLOCK - size % CRYPTO_AES_BLOCK, len;
    uint8_t *plain = arena_alloc(arena, size + pad);
    char *text = arena_alloc(arena, BASE64_LENGTH(size + pad) + 1);

    (void)onenet_decrypt(KEY, (const char *)data, size, arena, &len);
    if (size == 0)
        return;
    memcpy(plain, data, size);
    memset(plain + size, (int)pad, pad);
    crypto_aes128_cbc(true, (const uint8_t *)KEY, (const uint8_t *)KEY, plain, size + pad, plain);
    base64_encode(plain, size + pad, text);
    char *again = onenet_decrypt(KEY, text, strlen(text), arena, &len);
    INVARIANT(again && len == size && memcmp(again, data, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    const char *text = size ? arena_strndup(arena, (const char *)data + 1, size - 1) : "";

    if (size && data[0] == 'e')
        check_envelope(text, size - 1, arena);
    else if (size && data[0] == 'c')
        check_cipher(data + 1, size - 1, arena);
    else if (size)
        check_message(text, size - 1, arena, data[0] == 'o');
    arena_free(&arena);
    return 0;
}
