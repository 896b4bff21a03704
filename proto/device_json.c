#include "proto/device_json.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/crypto.h"
#include "base/utf8.h"

const struct word device_key_words[DEVICE_KEY_COUNT] = {
    [DEVICE_EMERGENCY] = {"emergency", "紧急求助", "emergency"},
    [DEVICE_FALL] = {"fall", "跌倒", "fall"},
    [DEVICE_HEALTH] = {"health", "健康求助", "health"},
    [DEVICE_SERVICE] = {"service", "生活服务", "service"},
    [DEVICE_FAMILY] = {"family", "联系家人", "family"},
    [DEVICE_CANCEL] = {"cancel", "取消", "cancel"},
    [DEVICE_LOW_BATTERY] = {"low_battery", "电量低", "low battery"},
};

bool device_key_is_emergency(enum device_key key)
{
    return key == DEVICE_EMERGENCY || key == DEVICE_FALL;
}

bool device_id_valid(const char *id, size_t len)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-:";

    if (len < 1 || len > DEVICE_ID_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!id[i] || !strchr(allowed, id[i]))
            return false;
    }
    return true;
}

/* ---- bodies -----------------------------------------------------------------------------------
 */

struct raw_message {
    const struct json_value *boot_id, *pressed_at, *battery, *signal, *location, *note;
    int64_t seq;
    int key;
};

static const char *const key_names[] = {"emergency", "fall",   "health",      "service",
                                        "family",    "cancel", "low_battery", NULL};

#define VALUE(name_, flags_)                                                                       \
    {                                                                                              \
        .name = #name_, .type = FIELD_VALUE, .offset = offsetof(struct raw_message, name_),        \
        .flags = (flags_)                                                                          \
    }
#define SEQ                                                                                        \
    {                                                                                              \
        .name = "seq", .type = FIELD_INT, .offset = offsetof(struct raw_message, seq),             \
        .min = INT64_MIN, .max = INT64_MAX, .flags = FIELD_REQUIRED                                \
    }
static const struct field press_fields[] = {
    VALUE(boot_id, FIELD_REQUIRED),
    SEQ,
    {.name = "key",
     .type = FIELD_ENUM,
     .offset = offsetof(struct raw_message, key),
     .flags = FIELD_REQUIRED,
     .names = key_names},
    VALUE(pressed_at, 0),
    VALUE(battery, 0),
    VALUE(location, 0),
    VALUE(note, 0),
};
static const struct field heartbeat_fields[] = {
    VALUE(boot_id, FIELD_REQUIRED),
    SEQ,
    VALUE(battery, 0),
    VALUE(signal, 0),
};

static const char *take_boot_id(const struct json_value *v, struct arena *arena,
                                struct faults *faults)
{
    size_t len = 0;
    const char *text = json_string(v, &len);

    if (json_type(v) == JSON_INT)
        return arena_printf(arena, "%" PRId64, json_int(v));
    if (!text) {
        faults_add(faults, "boot_id", "wrong_type");
        return NULL;
    }
    if (len < 1 || len > DEVICE_BOOT_MAX) {
        faults_add(faults, "boot_id", len ? "too_long" : "too_short");
        return NULL;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] < 0x21 || text[i] > 0x7e) {
            faults_add(faults, "boot_id", "format");
            return NULL;
        }
    }
    return arena_strndup(arena, text, len);
}

static bool is_given(const struct json_value *v)
{
    return json_type(v) != JSON_NULL;
}

static void take_pressed_at(const struct json_value *v, struct device_message *m)
{
    size_t len = 0;
    const char *text = json_string(v, &len);
    int64_t seconds = json_type(v) == JSON_INT ? json_int(v) : -1;

    if (!is_given(v))
        return;
    if (text && civil_parse_instant(text, len, &m->pressed_us))
        return;
    m->pressed_us = 0;
    if (seconds > 0 && seconds < CIVIL_MAX_US / 1000000)
        m->pressed_us = seconds * 1000000;
    else
        m->flags |= DEVICE_FLAG_CLOCK;
}

static int take_int(const struct json_value *v, int64_t min, int64_t max, int fallback,
                    unsigned *flags)
{
    if (!is_given(v))
        return fallback;
    if (json_type(v) == JSON_INT && json_int(v) >= min && json_int(v) <= max)
        return (int)json_int(v);
    *flags |= DEVICE_FLAG_CONTENT;
    return fallback;
}

static bool is_number(const struct json_value *v)
{
    return json_type(v) == JSON_INT || json_type(v) == JSON_DOUBLE;
}

static void take_location(const struct json_value *v, struct device_message *m)
{
    const struct json_value *lat = json_get(v, "lat"), *lon = json_get(v, "lon");
    const char *datum = json_string(json_get(v, "datum"), NULL);

    if (!is_given(v))
        return;
    m->datum = !datum || strcmp(datum, "wgs84") == 0  ? "wgs84"
               : datum && strcmp(datum, "gcj02") == 0 ? "gcj02"
                                                      : NULL;
    m->lat = json_double(lat);
    m->lon = json_double(lon);
    m->has_location =
        m->datum && is_number(lat) && is_number(lon) && fabs(m->lat) <= 90 && fabs(m->lon) <= 180;
    if (!m->has_location)
        m->flags |= DEVICE_FLAG_CONTENT;
}

/* Cut to what is kept, between characters. */
static void take_note(const struct json_value *v, struct arena *arena, struct device_message *m)
{
    size_t len = 0, count = 0, end = 0;
    const char *text = json_string(v, &len);

    if (!is_given(v))
        return;
    if (!text) {
        m->flags |= DEVICE_FLAG_CONTENT;
        return;
    }
    while (end < len && count < DEVICE_NOTE_MAX) {
        end++;
        while (end < len && ((unsigned char)text[end] & 0xc0) == 0x80)
            end++;
        count++;
    }
    if (end < len)
        m->flags |= DEVICE_FLAG_CONTENT;
    char *note = arena_strndup(arena, text, end);
    for (size_t i = 0; i < end; i++) {
        if ((unsigned char)note[i] < 0x20 || note[i] == 0x7f)
            note[i] = ' ';
    }
    m->note = end ? note : NULL;
}

static bool decode(const struct json_value *body, const struct field *fields, size_t count,
                   bool is_press, struct arena *arena, struct device_message *m,
                   struct faults *faults)
{
    struct raw_message raw = {.seq = 0};

    *m = (struct device_message){.key = -1, .battery = -1, .signal = INT32_MIN};
    if (!json_decode(body, fields, count, &raw, arena, faults))
        return false;
    m->boot_id = take_boot_id(raw.boot_id, arena, faults);
    m->seq = raw.seq;
    if (is_press)
        m->key = raw.key;
    take_pressed_at(raw.pressed_at, m);
    m->battery = take_int(raw.battery, 0, 100, -1, &m->flags);
    m->signal = take_int(raw.signal, -1000, 1000, INT32_MIN, &m->flags);
    take_location(raw.location, m);
    take_note(raw.note, arena, m);
    return m->boot_id != NULL;
}

bool device_json_decode_press(const struct json_value *body, struct arena *arena,
                              struct device_message *message_r, struct faults *faults)
{
    return decode(body, press_fields, ARRAY_LEN(press_fields), true, arena, message_r, faults);
}

bool device_json_decode_heartbeat(const struct json_value *body, struct arena *arena,
                                  struct device_message *message_r, struct faults *faults)
{
    return decode(body, heartbeat_fields, ARRAY_LEN(heartbeat_fields), false, arena, message_r,
                  faults);
}

void device_json_answer(struct sbuf *out, const char *number, const char *state, int64_t at_us)
{
    struct json_writer w;

    jw_init(&w, out);
    jw_object(&w, NULL);
    jw_string(&w, "n", number);
    jw_string(&w, "s", state);
    jw_int(&w, "t", at_us / 1000000);
    jw_object_end(&w);
    INVARIANT(out->len <= DEVICE_ANSWER_MAX);
}

/* ---- signatures -------------------------------------------------------------------------------
 */

void device_signed_text(struct sbuf *out, const struct device_signed *what)
{
    uint8_t digest[CRYPTO_SHA256_SIZE];
    char hex[2 * CRYPTO_SHA256_SIZE + 1];

    crypto_sha256(what->body, what->body_len, digest);
    crypto_hex(digest, sizeof(digest), hex);
    sbuf_addf(out, "%s\n%s\n%s\n%s\n%" PRId64 "\n%s\n%s", what->method, what->path, what->id,
              what->boot_id, what->seq, what->timestamp, hex);
}

bool device_signature_parse(const char *header, uint8_t mac_r[DEVICE_MAC_BYTES])
{
    return header && strncmp(header, "v1=", 3) == 0 && strlen(header + 3) == 2 * DEVICE_MAC_BYTES &&
           crypto_unhex(header + 3, 2 * (size_t)DEVICE_MAC_BYTES, mac_r);
}

bool device_timestamp_parse(const char *text, size_t len, int64_t *at_us_r)
{
    int64_t seconds = 0;

    if (len < 1 || len > 12)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        seconds = seconds * 10 + (text[i] - '0');
    }
    *at_us_r = seconds * 1000000;
    return true;
}

bool device_password_parse(const char *id, const char *password, size_t len, struct sbuf *text_r,
                           uint8_t mac_r[DEVICE_MAC_BYTES])
{
    const char *colon = len ? memchr(password, ':', len) : NULL;
    size_t digits = colon ? (size_t)(colon - password) : 0;
    int64_t at_us;

    if (!colon || !device_timestamp_parse(password, digits, &at_us) ||
        len - digits - 1 != 2 * (size_t)DEVICE_MAC_BYTES ||
        !crypto_unhex(colon + 1, 2 * (size_t)DEVICE_MAC_BYTES, mac_r))
        return false;
    sbuf_addf(text_r, "mqtt\n%s\n", id);
    sbuf_add(text_r, password, digits);
    return true;
}

bool device_mac_ok(const char *key, const char *text, size_t len,
                   const uint8_t mac[DEVICE_MAC_BYTES])
{
    uint8_t expected[CRYPTO_SHA256_SIZE], bytes[DEVICE_SECRET_MAX / 2];
    size_t key_len = strlen(key);

    INVARIANT(key_len <= DEVICE_SECRET_MAX);
    crypto_hmac_sha256(key, key_len, text, len, expected);
    bool is_good = crypto_equal(expected, mac, sizeof(expected));
    if (key_len == 64 && crypto_unhex(key, key_len, bytes)) {
        crypto_hmac_sha256(bytes, key_len / 2, text, len, expected);
        is_good |= crypto_equal(expected, mac, sizeof(expected));
    }
    return is_good;
}
