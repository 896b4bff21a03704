/*
 * open311_form.c - what clients of GeoReport v2 send: forms, lists, instants.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/utf8.h"
#include "proto/open311.h"
#include "proto/query.h"
#include "proto/ticket_json.h"

#define ID_MAX 128
#define DEGREES_BYTES 32

/* ---- small values ------------------------------------------------------------------------------
 */

bool open311_read_degrees(const char *text, double max, double *degrees_r)
{
    const char *at = text + (*text == '-' || *text == '+');
    size_t whole = strspn(at, "0123456789");
    size_t part = at[whole] == '.' ? strspn(at + whole + 1, "0123456789") : 0;

    if (whole == 0 || whole > 3 || strlen(text) > DEGREES_BYTES)
        return false;
    if (at[whole] == '.' ? part == 0 || at[whole + 1 + part] : at[whole])
        return false;
    double degrees = strtod(text, NULL);
    if (degrees < -max || degrees > max)
        return false;
    *degrees_r = degrees;
    return true;
}

bool open311_read_list(const char *text, struct arena *arena, const char *items[OPEN311_LIST_MAX],
                       size_t *count_r)
{
    *count_r = 0;
    while (*text) {
        text += strspn(text, ", ");
        size_t len = strcspn(text, ",");
        const char *next = text + len;
        while (len && text[len - 1] == ' ')
            len--;
        if (len && *count_r == OPEN311_LIST_MAX)
            return false;
        if (len)
            items[(*count_r)++] = arena_strndup(arena, text, len);
        text = next;
    }
    return true;
}

bool open311_read_instant(const char *text, int64_t *instant_us_r)
{
    char copy[64];
    size_t len = strlen(text);

    if (len < 6 || len >= sizeof(copy))
        return false;
    memcpy(copy, text, len + 1);
    if (copy[len - 6] == ' ')
        copy[len - 6] = '+';
    return civil_parse_instant(copy, len, instant_us_r);
}

/* ---- the form ----------------------------------------------------------------------------------
 */

enum { MANY_LINES = 1 };

static const struct form_field {
    const char *name;
    size_t offset;
    size_t max; /* code points */
    unsigned flags;
} fields[] = {
    {"api_key", offsetof(struct open311_post, api_key), ID_MAX, 0},
    {"jurisdiction_id", offsetof(struct open311_post, jurisdiction_id), ID_MAX, 0},
    {"service_code", offsetof(struct open311_post, service_code), TICKET_CODE_MAX, 0},
    {"address_string", offsetof(struct open311_post, address_string), TICKET_ADDRESS_MAX, 0},
    {"address_id", offsetof(struct open311_post, address_id), TICKET_CODE_MAX, 0},
    {"email", offsetof(struct open311_post, email), 254, 0},
    {"device_id", offsetof(struct open311_post, device_id), ID_MAX, 0},
    {"account_id", offsetof(struct open311_post, account_id), ID_MAX, 0},
    {"first_name", offsetof(struct open311_post, first_name), 29, 0},
    {"last_name", offsetof(struct open311_post, last_name), 29, 0},
    {"phone", offsetof(struct open311_post, phone), 40, 0},
    {"description", offsetof(struct open311_post, description), OPEN311_DESCRIPTION_MAX,
     MANY_LINES},
    {"media_url", offsetof(struct open311_post, media_url), OPEN311_URL_MAX, 0},
};

static const char *given(struct query *q, const char *name)
{
    const char *value = query_get(q, name);

    return value && *value ? value : NULL;
}

static void read_field(struct query *q, const struct form_field *field, struct open311_post *post,
                       struct faults *faults)
{
    const char *value = given(q, field->name);

    if (!value)
        return;
    if (utf8_length(value, strlen(value)) > field->max)
        faults_add(faults, field->name, "too_long");
    else if (!(field->flags & MANY_LINES) && strpbrk(value, "\r\n\t"))
        faults_add(faults, field->name, "format");
    memcpy((char *)post + field->offset, &value, sizeof(value));
}

static void read_place(struct query *q, struct open311_post *post, struct faults *faults)
{
    const char *lat = given(q, "lat"), *lon = given(q, "long");

    if (lat && !open311_read_degrees(lat, 90, &post->lat))
        faults_add(faults, "lat", "range");
    if (lon && !open311_read_degrees(lon, 180, &post->lon))
        faults_add(faults, "long", "range");
    post->has_place = lat && lon;
    if (!lat != !lon)
        faults_add(faults, lat ? "long" : "lat", "required");
    else if (!lat && !post->address_string && !post->address_id)
        faults_add(faults, "lat, address_string or address_id", "required");
}

static void check_texts(const struct open311_post *post, struct faults *faults)
{
    char phone[PHONE_SIZE];
    const char *url = post->media_url;

    if (!post->service_code)
        faults_add(faults, "service_code", "required");
    if (post->phone && !phone_normalise(post->phone, phone))
        faults_add(faults, "phone", "format");
    if (!url)
        return;
    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        faults_add(faults, "media_url", "format");
    for (; *url; url++) {
        if ((unsigned char)*url <= 0x20 || (unsigned char)*url >= 0x7f) {
            faults_add(faults, "media_url", "format");
            return;
        }
    }
}

static void read_kind(struct open311_post *post, const char *name, const char *value,
                      struct faults *faults)
{
    int kind = word_find(kind_words, KIND_COUNT, value);

    if (kind < 0)
        faults_add(faults, name, "not_allowed");
    else
        post->kind = (enum ticket_kind)kind;
}

static void read_confidential(struct open311_post *post, const char *name, const char *value,
                              struct faults *faults)
{
    post->is_confidential = strcmp(value, "yes") == 0;
    if (!post->is_confidential && strcmp(value, "no") != 0)
        faults_add(faults, name, "not_allowed");
}

/* "attribute[CODE]"; lists of several values are sent as "attribute[CODE][]", and a list of one is
 * understood. */
static const struct attribute_reader {
    const char *name;
    void (*read)(struct open311_post *post, const char *name, const char *value,
                 struct faults *faults);
} attribute_readers[] = {
    {"attribute[kind]", read_kind},
    {"attribute[kind][]", read_kind},
    {"attribute[confidential]", read_confidential},
    {"attribute[confidential][]", read_confidential},
};

static void read_attributes(struct query *q, struct open311_post *post, struct faults *faults)
{
    for (size_t i = 0; i < ARRAY_LEN(attribute_readers); i++) {
        const char *value = given(q, attribute_readers[i].name);
        if (value)
            attribute_readers[i].read(post, attribute_readers[i].name, value, faults);
    }
    for (size_t i = 0; i < q->count; i++) {
        if (!q->list[i].used && strncmp(q->list[i].name, "attribute[", 10) == 0)
            faults_add(faults, q->list[i].name, "unknown");
    }
}

bool open311_read_post(const char *body, size_t len, struct arena *arena,
                       struct open311_post *post_r, struct faults *faults)
{
    struct query *q = arena_alloc(arena, sizeof(*q));

    *post_r = (struct open311_post){.kind = KIND_HELP};
    if (!query_parse(body, len, q, arena, faults))
        return false;
    post_r->is_form = true;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        read_field(q, &fields[i], post_r, faults);
    read_place(q, post_r, faults);
    check_texts(post_r, faults);
    read_attributes(q, post_r, faults);
    return faults->count == 0;
}
