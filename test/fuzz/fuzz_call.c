/*
 * Whatever arrives at the doors of the telephone: it is refused, or what is taken from it keeps to
 * the limits. The first byte chooses the door.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "proto/call_json.h"
#include "proto/freeswitch_cdr.h"
#include "proto/ticket_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *s, size_t max)
{
    if (!s)
        return;
    size_t len = strlen(s);
    INVARIANT(utf8_valid(s, len) && utf8_length(s, len) <= max);
    for (size_t i = 0; i < len; i++)
        INVARIANT((unsigned char)s[i] >= 0x20);
}

static void check_number(const char *raw)
{
    char out[2 * PHONE_SIZE];

    if (!call_number_normalise(raw, "0510", out, sizeof(out)))
        return;
    size_t len = strlen(out);
    INVARIANT(len >= 3 && len < sizeof(out) && strspn(out, "0123456789") == len);
}

static void check_news(const struct call_news *n)
{
    INVARIANT(n->call_id && *n->call_id && n->event_id && *n->event_id && n->type);
    INVARIANT(n->state >= -1 && n->state < CALL_STATE_COUNT);
    INVARIANT(n->direction >= -1 && n->direction <= CALL_OUTBOUND);
    INVARIANT(n->recording.duration_ms >= -1);
    check_text(n->call_id, CALL_ID_MAX);
    check_text(n->event_id, CALL_EVENT_ID_MAX + CALL_NUMBER_MAX);
    check_text(n->gateway, CALL_GATEWAY_MAX);
    check_text(n->ani, CALL_NUMBER_MAX);
    check_text(n->dnis, CALL_NUMBER_MAX);
    check_text(n->agent, CALL_NAME_MAX);
    check_text(n->queue, CALL_NAME_MAX);
    check_text(n->cause, CALL_NAME_MAX);
    check_text(n->recording.ref, CALL_REF_MAX);
    check_number(n->ani);
    check_number(n->dnis);
}

static bool take_own(const char *text, size_t len, struct arena *arena, struct call_news *n)
{
    struct faults faults;

    faults_init(&faults, arena);
    struct json_doc *doc = json_parse(text, len, &faults);
    bool is_good = doc && call_json_decode(json_root(doc), arena, n, &faults);
    INVARIANT(is_good == (faults.count == 0));
    json_doc_free(&doc);
    return is_good;
}

static bool take_cti(const char *text, size_t len, struct arena *arena, struct call_news *n)
{
    struct faults faults;

    faults_init(&faults, arena);
    bool is_good = call_cti_decode(text, len, 1, arena, n, &faults);
    INVARIANT(is_good == (faults.count == 0));
    return is_good;
}

static bool take_cdr(const char *text, size_t len, struct arena *arena, struct call_news *n)
{
    return freeswitch_cdr_decode(text, len, arena, n) == CDR_GOOD;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool (*const doors[])(const char *text, size_t len, struct arena *arena,
                                 struct call_news *n) = {take_own, take_cti, take_cdr};
    struct call_news news;

    if (size == 0)
        return 0;
    struct arena *arena = arena_new();
    /* of its own size, NULs and all: reading on is seen */
    char *body = xmalloc(size - 1);
    memcpy(body, data + 1, size - 1);
    if (doors[data[0] % ARRAY_LEN(doors)](body, size - 1, arena, &news))
        check_news(&news);
    free(body);
    char *text = arena_strndup(arena, (const char *)data + 1, size - 1);
    check_number(text);
    arena_free(&arena);
    return 0;
}
