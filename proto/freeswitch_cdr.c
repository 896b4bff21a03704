/*
 * freeswitch_cdr.c - from a body in one of five forms to the news of a call.
 */
#include "proto/freeswitch_cdr.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/clk.h"
#include "base/crypto.h"
#include "base/utf8.h"

#define PREFIX "cdr="
#define PREFIX_LEN (sizeof(PREFIX) - 1)

/* ---- the five forms ----------------------------------------------------------------------------
 */

/* %XX only: a plus is a plus here. What is no escape stays. */
static size_t percent_decode(const char *text, size_t len, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '%' && len - i >= 3 && crypto_unhex(text + i + 1, 2, &c))
            i += 2;
        out[n++] = c;
    }
    out[n] = '\0';
    return n;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static char *decode_base64(const char *text, size_t len, struct arena *arena, size_t *len_r)
{
    char *bare = arena_alloc(arena, len + 1), *out = arena_alloc(arena, BASE64_BYTES(len) + 1);
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        if (!is_blank(text[i]))
            bare[n++] = text[i];
    }
    return base64_decode(bare, n, out, len_r) ? out : NULL;
}

/* The JSON in the body; NULL: none. */
static const char *unwrap(const char *body, size_t len, struct arena *arena, size_t *len_r,
                          bool *is_escaped_r)
{
    while (len && is_blank(*body))
        body++, len--;
    *is_escaped_r = false;
    if (len <= PREFIX_LEN || memcmp(body, PREFIX, PREFIX_LEN) != 0) {
        *len_r = len;
        return len && *body == '{' ? body : NULL;
    }
    body += PREFIX_LEN, len -= PREFIX_LEN;
    if (*body != '%' && *body != '{')
        return decode_base64(body, len, arena, len_r);
    char *out = arena_alloc(arena, len + 1);
    *len_r = percent_decode(body, len, out);
    *is_escaped_r = true;
    return out;
}

/* ---- reading -----------------------------------------------------------------------------------
 */

struct leg {
    struct arena *arena;
    const struct json_value *variables, *profile; /* profile: caller_profile of the last callflow */
    const struct json_value *root;
};

/* Bytes of a character that was cut off at the end are left away. */
static size_t whole_utf8(const char *text, size_t len)
{
    for (size_t cut = 0; cut < 4 && cut <= len; cut++) {
        if (utf8_valid(text, len - cut))
            return len - cut;
    }
    return 0;
}

/* NULL: absent, empty, with control characters, longer than anybody's. */
static const char *clean(const struct leg *leg, const char *text, size_t max)
{
    size_t len = text ? strlen(text) : 0;

    if (len == 0)
        return NULL;
    char *out = arena_alloc(leg->arena, len + 1);
    len = whole_utf8(out, percent_decode(text, len, out));
    out[len] = '\0';
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)out[i] < 0x20 || out[i] == 0x7f)
            return NULL;
    }
    return strlen(out) > 0 && utf8_length(out, strlen(out)) <= max ? out : NULL;
}

static const char *variable(const struct leg *leg, const char *name, size_t max)
{
    return clean(leg, json_string(json_get(leg->variables, name), NULL), max);
}

static const char *profile(const struct leg *leg, const char *name, size_t max)
{
    return clean(leg, json_string(json_get(leg->profile, name), NULL), max);
}

/* Microseconds, as 16 digits; 0 = never. The variants in seconds are for queues. */
static int64_t instant(const struct leg *leg, const char *name, int64_t unit_us)
{
    const char *text = variable(leg, name, 20);
    size_t digits = text ? strspn(text, "0123456789") : 0;
    int64_t value = digits && digits <= 16 && !text[digits] ? strtoll(text, NULL, 10) : 0;

    if (unit_us > 1 && value > INT64_MAX / 1000 / unit_us)
        return 0;
    return value * unit_us;
}

/* "8001@default": the name of the domain is FreeSWITCH's own. */
static const char *before_at(const struct leg *leg, const char *text)
{
    return text && *text != '@' ? arena_strndup(leg->arena, text, strcspn(text, "@")) : NULL;
}

static const struct json_value *originator(const struct leg *leg)
{
    const struct json_value *list =
        json_get(json_get(leg->profile, "originator"), "originator_caller_profiles");

    return json_at(list, 0);
}

/* The caller's leg that this one was made for; NULL: it is a caller's leg itself. */
static const char *leg_of(const struct leg *leg)
{
    const char *side = variable(leg, "cc_side", 16);
    const char *member = variable(leg, "cc_member_session_uuid", CALL_ID_MAX);

    if (side && strcmp(side, "agent") == 0 && member)
        return member;
    const struct json_value *from = originator(leg);
    if (!from)
        return NULL;
    const char *uuid = clean(leg, json_string(json_get(from, "uuid"), NULL), CALL_ID_MAX);
    return uuid ? uuid : variable(leg, "bridge_uuid", CALL_ID_MAX);
}

/* The variable the dialplan sets, else what record_session was told to write. */
static const char *recording_ref(const struct leg *leg)
{
    const char *ref = variable(leg, "hotline_recording", CALL_REF_MAX);
    const struct json_value *list = json_get(json_get(leg->root, "app_log"), "applications");

    for (size_t i = 0; !ref && i < json_array_length(list); i++) {
        const char *app = json_string(json_get(json_at(list, i), "app_name"), NULL);
        if (app && strcmp(app, "record_session") == 0)
            ref =
                clean(leg, json_string(json_get(json_at(list, i), "app_data"), NULL), CALL_REF_MAX);
    }
    return ref;
}

static void take_recording(const struct leg *leg, struct call_news *news)
{
    news->recording.ref = recording_ref(leg);
    if (variable(leg, "record_ms", 20))
        news->recording.duration_ms = instant(leg, "record_ms", 1);
}

static void take_caller_leg(const struct leg *leg, struct call_news *news)
{
    const char *queue = variable(leg, "cc_queue", CALL_NAME_MAX);
    const char *channel = variable(leg, "direction", 16);
    int64_t bridged = instant(leg, "bridge_uepoch", 1);

    news->state = CALL_ENDED;
    news->direction = channel && strcmp(channel, "outbound") == 0 ? CALL_OUTBOUND : CALL_INBOUND;
    news->queue = before_at(leg, queue);
    news->at_us[CALL_OFFERED] = instant(leg, "start_uepoch", 1);
    news->at_us[CALL_QUEUED] = queue ? instant(leg, "cc_queue_joined_epoch", US_PER_SECOND) : 0;
    news->at_us[CALL_ENDED] = instant(leg, "end_uepoch", 1);
    /* an announcement answers too; a queue's call is answered when a desk is */
    if (queue)
        news->at_us[CALL_ANSWERED] = instant(leg, "cc_queue_answered_epoch", US_PER_SECOND);
    else
        news->at_us[CALL_ANSWERED] = bridged ? bridged : instant(leg, "answer_uepoch", 1);
    news->cause = variable(leg, "hangup_cause", CALL_NAME_MAX);
    news->agent = before_at(leg, variable(leg, "cc_agent", CALL_NAME_MAX));
    take_recording(leg, news);
}

static void take_desk_leg(const struct leg *leg, struct call_news *news)
{
    news->direction = CALL_INBOUND;
    news->extension = profile(leg, "destination_number", CALL_NUMBER_MAX);
    news->agent = before_at(leg, variable(leg, "cc_agent", CALL_NAME_MAX));
    if (!news->agent)
        news->agent = news->extension;
    news->at_us[CALL_RINGING] = instant(leg, "progress_uepoch", 1);
    if (!news->at_us[CALL_RINGING])
        news->at_us[CALL_RINGING] = instant(leg, "start_uepoch", 1);
    news->at_us[CALL_ANSWERED] = instant(leg, "answer_uepoch", 1);
    news->state = news->at_us[CALL_ANSWERED] ? CALL_ANSWERED : CALL_RINGING;
    take_recording(leg, news);
}

static enum cdr_end take(const struct leg *leg, struct call_news *news)
{
    const char *uuid = variable(leg, "uuid", CALL_ID_MAX);
    const char *caller = leg_of(leg);

    *news = (struct call_news){
        .state = -1, .direction = -1, .type = "cdr", .recording.duration_ms = -1};
    if (!uuid)
        uuid = profile(leg, "uuid", CALL_ID_MAX);
    if (!uuid)
        return CDR_NO_CALL;
    news->leg_id = uuid;
    news->event_id = arena_printf(leg->arena, "cdr:%s", uuid);
    news->call_id = caller ? caller : uuid;
    news->ani = profile(leg, "ani", CALL_NUMBER_MAX);
    if (!news->ani)
        news->ani = variable(leg, "sip_from_user", CALL_NUMBER_MAX);
    if (caller) {
        take_desk_leg(leg, news);
    } else {
        take_caller_leg(leg, news);
        news->dnis = profile(leg, "destination_number", CALL_NUMBER_MAX);
    }
    news->occurred_at_us = instant(leg, "end_uepoch", 1);
    if (!news->occurred_at_us)
        return CDR_NO_CALL;
    return CDR_GOOD;
}

enum cdr_end freeswitch_cdr_decode(const char *body, size_t len, struct arena *arena,
                                   struct call_news *news_r)
{
    struct leg leg = {.arena = arena};
    struct faults faults;
    bool is_escaped;
    size_t json_len;
    const char *json = unwrap(body, len, arena, &json_len, &is_escaped);

    *news_r = (struct call_news){.direction = -1};
    if (!json)
        return CDR_NOT_JSON;
    faults_init(&faults, arena);
    struct json_doc *doc = json_parse(json, json_len, &faults);
    if (!doc)
        return is_escaped ? CDR_TWICE_ENCODED : CDR_NOT_JSON;
    leg.root = json_root(doc);
    leg.variables = json_get(leg.root, "variables");
    leg.profile = json_get(json_at(json_get(leg.root, "callflow"), 0), "caller_profile");
    enum cdr_end end = json_type(leg.root) == JSON_OBJECT ? take(&leg, news_r) : CDR_NO_CALL;
    json_doc_free(&doc);
    return end;
}
