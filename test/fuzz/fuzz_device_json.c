/*
 * Bodies of one-key devices: what is accepted can be signed for and answered within its bounds.
 */
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "proto/device_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_message(const struct device_message *m, const void *body, size_t len)
{
    struct sbuf text;
    const struct device_signed what = {.method = "POST",
                                       .path = "/v1/devices/D/presses",
                                       .id = "D",
                                       .boot_id = m->boot_id,
                                       .seq = m->seq,
                                       .timestamp = "1",
                                       .body = body,
                                       .body_len = len};

    INVARIANT(m->boot_id && strlen(m->boot_id) >= 1 && strlen(m->boot_id) <= DEVICE_BOOT_MAX);
    INVARIANT(m->battery >= -1 && m->battery <= 100);
    INVARIANT(!m->has_location || (m->datum && m->lat >= -90 && m->lat <= 90));
    INVARIANT(!m->note || (m->note[0] && utf8_valid(m->note, strlen(m->note))));
    sbuf_init(&text, 0);
    device_signed_text(&text, &what);
    INVARIANT(text.len > 64);
    sbuf_free(&text);
}

static void check_password(const uint8_t *data, size_t size)
{
    uint8_t mac[DEVICE_MAC_BYTES];
    struct sbuf text;

    sbuf_init(&text, 0);
    if (device_password_parse("D", (const char *)data, size, &text, mac))
        INVARIANT(strncmp(text.data, "mqtt\nD\n", 7) == 0 && text.len > 7);
    sbuf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new();
    struct device_message m;
    struct faults faults;

    faults_init(&faults, arena);
    struct json_doc *doc = json_parse((const char *)data, size, &faults);
    if (doc && device_json_decode_press(json_root(doc), arena, &m, &faults)) {
        INVARIANT(m.key >= 0 && m.key < DEVICE_KEY_COUNT);
        check_message(&m, data, size);
    }
    faults_init(&faults, arena);
    if (doc && device_json_decode_heartbeat(json_root(doc), arena, &m, &faults)) {
        INVARIANT(m.key == -1);
        check_message(&m, data, size);
    }
    json_doc_free(&doc);
    check_password(data, size);
    arena_free(&arena);
    return 0;
}
