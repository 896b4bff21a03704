/*
 * A stream of MQTT packets in pieces of any size is the same as in one piece; what decodes stays
 * inside its frame; filters that were accepted can all be read.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "proto/mqtt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REMAINING_MAX 4096

static void check_inside(const uint8_t *frame, size_t len, struct mqtt_text text)
{
    const uint8_t *at = (const uint8_t *)text.at;
    if (text.at && text.len)
        INVARIANT(at >= frame && at + text.len <= frame + len);
}

static void check_packet(const uint8_t *frame, size_t len)
{
    struct mqtt_packet p;
    struct mqtt_text filter;
    const char *why = NULL;
    size_t at = 0;
    int qos;

    if (!mqtt_decode(frame, len, &p, &why)) {
        INVARIANT(why != NULL);
        return;
    }
    const struct mqtt_text texts[] = {p.client_id, p.will_topic, p.will,   p.user,
                                      p.password,  p.topic,      p.payload};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        check_inside(frame, len, texts[i]);
    if (p.type != MQTT_SUBSCRIBE && p.type != MQTT_UNSUBSCRIBE)
        return;
    while (mqtt_next_filter(&p, &at, &filter, &qos)) {
        check_inside(frame, len, filter);
        INVARIANT(filter.len > 0 && qos <= 2);
    }
    INVARIANT(at == p.filters.len && at > 0);
}

/* However much of it is there: the answer for a prefix never contradicts that for the whole. */
static void check_prefixes(const uint8_t *data, size_t size, enum mqtt_status whole, size_t len)
{
    size_t most = size < 64 ? size : 64;
    for (size_t n = 0; n <= most; n++) {
        size_t got = 0;
        const char *why = NULL;
        enum mqtt_status status = mqtt_frame(data, n, REMAINING_MAX, &got, &why);
        if (status == MQTT_READY)
            INVARIANT(whole == MQTT_READY && got == len && n >= len);
        else if (status == MQTT_BAD)
            INVARIANT(whole == MQTT_BAD && why);
        else
            INVARIANT(whole != MQTT_READY || n < len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    while (size) {
        size_t len = 0;
        const char *why = NULL;
        enum mqtt_status status = mqtt_frame(data, size, REMAINING_MAX, &len, &why);
        check_prefixes(data, size, status, len);
        if (status != MQTT_READY)
            break;
        INVARIANT(len >= 2 && len <= size && len <= REMAINING_MAX + 5);
        uint8_t *copy = xmalloc(len); /* so that a sanitizer sees one byte too many */
        memcpy(copy, data, len);
        check_packet(copy, len);
        free(copy);
        data += len;
        size -= len;
    }
    return 0;
}
