/*
 * call_json.c - news of calls from JSON and forms.
 */
#include "proto/call_json.h"

#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "proto/query.h"
#include "proto/ticket_json.h"

const struct word call_state_words[CALL_STATE_COUNT] = {
    [CALL_OFFERED] = {"offered", "呼入", "offered"},
    [CALL_QUEUED] = {"queued", "排队", "queued"},
    [CALL_RINGING] = {"ringing", "振铃", "ringing"},
    [CALL_ANSWERED] = {"answered", "通话", "answered"},
    [CALL_HELD] = {"held", "保持", "held"},
    [CALL_TRANSFERRED] = {"transferred", "转接", "transferred"},
    [CALL_ENDED] = {"ended", "结束", "ended"},
};
const char *const call_direction_codes[] = {"inbound", "outbound", NULL};

static void news_init(struct call_news *news)
{
    *news = (struct call_news){.state = -1, .direction = -1, .recording.duration_ms = -1};
}

const char *call_citizen(const struct call_news *news)
{
    return news->direction == CALL_OUTBOUND ? news->dnis : news->ani;
}

/* ---- our own -----------------------------------------------------------------------------------
 */

/* The states, and what is no state. */
static const char *const type_names[] = {"offered",     "queued", "ringing",   "answered", "held",
                                         "transferred", "ended",  "recording", NULL};
static const char *const direction_names[] = {"inbound", "outbound", "in", "out", NULL};

struct event_body {
    struct call_news news;
    int type, direction;
    struct call_recording recording;
    bool has_recording;
};

#define NEWS(member) offsetof(struct event_body, news.member)
#define RECORDING(member) offsetof(struct call_recording, member)
#define WORD(name_, offset_, max_, flags_)                                                         \
    {                                                                                              \
        .name = (name_), .type = FIELD_STRING, .offset = (offset_), .min = 1, .max = (max_),       \
        .flags = (flags_)                                                                          \
    }
static const struct field recording_fields[] = {
    WORD("ref", RECORDING(ref), CALL_REF_MAX, FIELD_REQUIRED),
    WORD("url", RECORDING(url), 2000, 0),
    {.name = "sha256", .type = FIELD_STRING, .offset = RECORDING(sha256), .min = 64, .max = 64},
    {.name = "duration_ms",
     .type = FIELD_INT,
     .offset = RECORDING(duration_ms),
     .min = 0,
     .max = INT64_C(604800000)},
};
static const struct field event_fields[] = {
    WORD("event_id", NEWS(event_id), CALL_EVENT_ID_MAX, FIELD_REQUIRED),
    {.name = "type",
     .type = FIELD_ENUM,
     .offset = offsetof(struct event_body, type),
     .flags = FIELD_REQUIRED,
     .names = type_names},
    {.name = "occurred_at",
     .type = FIELD_INSTANT,
     .offset = NEWS(occurred_at_us),
     .flags = FIELD_REQUIRED},
    WORD("gateway_id", NEWS(gateway), CALL_GATEWAY_MAX, FIELD_REQUIRED),
    WORD("call_id", NEWS(call_id), CALL_ID_MAX, FIELD_REQUIRED),
    WORD("leg_id", NEWS(leg_id), CALL_ID_MAX, 0),
    {.name = "direction",
     .type = FIELD_ENUM,
     .offset = offsetof(struct event_body, direction),
     .names = direction_names},
    /* withheld numbers come as "" from some */
    {.name = "ani", .type = FIELD_STRING, .offset = NEWS(ani), .max = CALL_NUMBER_MAX},
    {.name = "dnis", .type = FIELD_STRING, .offset = NEWS(dnis), .max = CALL_NUMBER_MAX},
    WORD("queue", NEWS(queue), CALL_NAME_MAX, 0),
    WORD("agent_id", NEWS(agent), CALL_NAME_MAX, 0),
    WORD("extension", NEWS(extension), CALL_NUMBER_MAX, 0),
    WORD("cause", NEWS(cause), CALL_NAME_MAX, 0),
    {.name = "recording",
     .type = FIELD_OBJECT,
     .offset = offsetof(struct event_body, recording),
     .child = recording_fields,
     .child_count = ARRAY_LEN(recording_fields),
     .present_offset = offsetof(struct event_body, has_recording) + 1},
};

bool call_json_decode(const struct json_value *body, struct arena *arena, struct call_news *news_r,
                      struct faults *faults)
{
    struct event_body b = {.direction = -1, .recording.duration_ms = -1};

    news_init(&b.news);
    bool is_good = json_decode(body, event_fields, ARRAY_LEN(event_fields), &b, arena, faults);
    bool is_recording = b.type == CALL_STATE_COUNT;
    if (is_good && is_recording && !b.has_recording) {
        faults_add(faults, "recording", "required");
        is_good = false;
    }
    *news_r = b.news;
    news_r->type = type_names[b.type];
    news_r->recording = b.recording;
    news_r->direction = b.direction < 0 ? -1 : b.direction % 2;
    if (!is_recording) {
        news_r->state = b.type;
        news_r->at_us[b.type] = b.news.occurred_at_us;
    }
    return is_good;
}

/* ---- Zammad's generic CTI ----------------------------------------------------------------------
 */

enum cti_field {
    CTI_EVENT,
    CTI_FROM,
    CTI_TO,
    CTI_DIRECTION,
    CTI_CALL_ID,
    CTI_CALL_ID_OLD,
    CTI_USER,
    CTI_QUEUE,
    CTI_CAUSE,
    CTI_ANSWERING,
    CTI_RECORDING,
    CTI_COUNT
};
static const struct {
    const char *name;
    size_t max; /* code points */
} cti_fields[CTI_COUNT] = {
    [CTI_EVENT] = {"event", 16},
    [CTI_FROM] = {"from", CALL_NUMBER_MAX},
    [CTI_TO] = {"to", CALL_NUMBER_MAX},
    [CTI_DIRECTION] = {"direction", 16},
    [CTI_CALL_ID] = {"callId", CALL_ID_MAX},
    [CTI_CALL_ID_OLD] = {"call_id", CALL_ID_MAX},
    [CTI_USER] = {"user", CALL_NAME_MAX},
    [CTI_QUEUE] = {"queue", CALL_NAME_MAX},
    [CTI_CAUSE] = {"cause", CALL_NAME_MAX},
    [CTI_ANSWERING] = {"answeringNumber", CALL_NUMBER_MAX},
    [CTI_RECORDING] = {"recording", CALL_REF_MAX},
};
static const struct {
    const char *event;
    enum call_state state;
} cti_events[] = {
    /* the PBX tells of a call once, before anybody's telephone rings: this is the time to pop */
    {"newCall", CALL_RINGING},
    {"answer", CALL_ANSWERED},
    {"hangup", CALL_ENDED},
};

static bool is_given(const char *text)
{
    return text && *text;
}

/* From JSON: a string, a number (some PBX send their ids so), or the first of an array. */
static const char *json_word(const struct json_value *v, struct arena *arena)
{
    if (json_type(v) == JSON_ARRAY)
        v = json_at(v, 0);
    if (json_type(v) == JSON_INT)
        return arena_printf(arena, "%lld", (long long)json_int(v));
    return json_type(v) == JSON_STRING ? arena_strdup(arena, json_string(v, NULL)) : NULL;
}

static bool cti_read_json(const char *body, size_t len, struct arena *arena,
                          const char *values[CTI_COUNT], struct faults *faults)
{
    struct json_doc *doc = json_parse(body, len, faults);

    if (!doc)
        return false;
    bool is_object = json_type(json_root(doc)) == JSON_OBJECT;
    if (!is_object)
        faults_add(faults, "", "wrong_type");
    for (size_t i = 0; is_object && i < CTI_COUNT; i++)
        values[i] = json_word(json_get(json_root(doc), cti_fields[i].name), arena);
    json_doc_free(&doc);
    return is_object;
}

/* Arrays come as user[]=a&user[]=b, the same name twice: only the first counts. */
static const char *form_value(const char *body, size_t len, const char *name, struct arena *arena)
{
    size_t name_len = strlen(name);

    for (size_t at = 0; at < len;) {
        const char *piece = body + at, *amp = memchr(piece, '&', len - at);
        size_t piece_len = amp ? (size_t)(amp - piece) : len - at;
        struct query one;
        struct faults faults;

        at += piece_len + 1;
        if (piece_len < name_len || memcmp(piece, name, name_len) != 0)
            continue;
        faults_init(&faults, arena);
        if (!query_parse(piece, piece_len, &one, arena, &faults) || one.count != 1)
            continue;
        size_t bare = strcspn(one.list[0].name, "[");
        if (bare == name_len && strncmp(one.list[0].name, name, bare) == 0)
            return one.list[0].value;
    }
    return NULL;
}

static void cti_check(const char *values[CTI_COUNT], struct faults *faults)
{
    for (size_t i = 0; i < CTI_COUNT; i++) {
        size_t len = values[i] ? strlen(values[i]) : 0;

        if (utf8_length(values[i] ? values[i] : "", len) > cti_fields[i].max)
            faults_add(faults, cti_fields[i].name, "too_long");
        for (size_t n = 0; n < len; n++) {
            if ((unsigned char)values[i][n] < 0x20) {
                faults_add(faults, cti_fields[i].name, "format");
                break;
            }
        }
    }
    if (!is_given(values[CTI_CALL_ID]))
        faults_add(faults, "callId", "required");
    if (!is_given(values[CTI_EVENT]))
        faults_add(faults, "event", "required");
}

static int cti_direction(const char *text, struct faults *faults)
{
    if (!is_given(text))
        return -1;
    if (strcasecmp(text, "in") == 0 || strcasecmp(text, "inbound") == 0)
        return CALL_INBOUND;
    if (strcasecmp(text, "out") == 0 || strcasecmp(text, "outbound") == 0)
        return CALL_OUTBOUND;
    faults_add(faults, "direction", "not_allowed");
    return -1;
}

static const char *none_if_empty(const char *text)
{
    return is_given(text) ? text : NULL;
}

static void cti_news(const char *values[CTI_COUNT], struct arena *arena, struct call_news *news)
{
    const char *answering = none_if_empty(values[CTI_ANSWERING]);

    news->type = values[CTI_EVENT];
    news->call_id = values[CTI_CALL_ID];
    news->ani = values[CTI_FROM];
    news->dnis = values[CTI_TO];
    news->queue = none_if_empty(values[CTI_QUEUE]);
    news->agent = answering ? answering : none_if_empty(values[CTI_USER]);
    news->extension = answering;
    news->cause = none_if_empty(values[CTI_CAUSE]);
    news->recording.ref = none_if_empty(values[CTI_RECORDING]);
    /* waits in a queue: nobody's telephone rings before a desk is named */
    if (news->state == CALL_RINGING && news->queue && !news->agent)
        news->state = CALL_QUEUED;
    news->event_id = arena_printf(arena, "%s:%.*s:%s", news->type, CALL_ID_MAX, news->call_id,
                                  news->agent ? news->agent : "");
}

bool call_cti_decode(const char *body, size_t len, int64_t now_us, struct arena *arena,
                     struct call_news *news_r, struct faults *faults)
{
    const char *values[CTI_COUNT] = {NULL};
    size_t blank = 0;

    news_init(news_r);
    while (blank < len && memchr(" \t\r\n", body[blank], 4))
        blank++;
    if (blank < len && body[blank] == '{') {
        if (!cti_read_json(body + blank, len - blank, arena, values, faults))
            return false;
    } else {
        for (size_t i = 0; i < CTI_COUNT; i++)
            values[i] = form_value(body, len, cti_fields[i].name, arena);
    }
    if (!values[CTI_CALL_ID])
        values[CTI_CALL_ID] = values[CTI_CALL_ID_OLD];
    cti_check(values, faults);
    news_r->direction = cti_direction(values[CTI_DIRECTION], faults);
    for (size_t i = 0; is_given(values[CTI_EVENT]) && i < ARRAY_LEN(cti_events); i++) {
        if (strcmp(values[CTI_EVENT], cti_events[i].event) == 0)
            news_r->state = (int)cti_events[i].state;
    }
    if (is_given(values[CTI_EVENT]) && news_r->state < 0)
        faults_add(faults, "event", "not_allowed");
    if (faults->count)
        return false;
    cti_news(values, arena, news_r);
    news_r->occurred_at_us = now_us;
    news_r->at_us[news_r->state] = now_us;
    return true;
}

/* ---- numbers -----------------------------------------------------------------------------------
 */

/* A name and "<" in front, "sip:" and "tel:"; "@host" and ";parameters" behind. */
static size_t number_part(const char **raw)
{
    const char *angle = strchr(*raw, '<');
    const char *text = angle ? angle + 1 : *raw;

    if (strncasecmp(text, "sip:", 4) == 0 || strncasecmp(text, "tel:", 4) == 0)
        text += 4;
    else if (strncasecmp(text, "sips:", 5) == 0)
        text += 5;
    *raw = text;
    return strcspn(text, "@;>");
}

/* 7 or 8 digits that begin as subscribers' numbers do; 5-digit services stay as they are. */
static bool is_local(const char *digits)
{
    size_t len = strlen(digits);

    return (len == 7 || len == 8) && digits[0] >= '2' && digits[0] <= '8';
}

bool call_number_normalise(const char *raw, const char *area_code, char *out, size_t size)
{
    char text[CALL_NUMBER_MAX * 4 + 1], canonical[PHONE_SIZE];

    INVARIANT(size >= 2 * PHONE_SIZE);
    if (!raw)
        return false;
    size_t len = number_part(&raw);
    if (len == 0 || len >= sizeof(text))
        return false;
    memcpy(text, raw, len);
    text[len] = '\0';
    if (!phone_normalise(text, canonical))
        return false;
    bool needs_area = area_code && *area_code && is_local(canonical);
    size_t area = needs_area ? strnlen(area_code, PHONE_SIZE) : 0;
    memcpy(out, needs_area ? area_code : "", area);
    memcpy(out + area, canonical, strlen(canonical) + 1);
    return true;
}
