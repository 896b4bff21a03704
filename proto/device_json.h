/*
 * device_json.h - what one-key devices 一键通 say, and the short answer they get (INTERFACES 3).
 *
 * A device is small and may be wrong about itself: what it only mentions beside the press (when it
 * was pressed, battery, place, note) is left out and flagged if it makes no sense. Refused is only
 * what could not be a press: no boot_id, seq or key, an unknown member, a wrong type.
 */
#ifndef PROTO_DEVICE_JSON_H
#define PROTO_DEVICE_JSON_H

#include "hotline/vocabulary.h"
#include "proto/json.h"

enum device_key {
    DEVICE_EMERGENCY,
    DEVICE_FALL,
    DEVICE_HEALTH,
    DEVICE_SERVICE, /* meals, housework */
    DEVICE_FAMILY,
    DEVICE_CANCEL,      /* pressed by mistake, says the device; the desk decides */
    DEVICE_LOW_BATTERY, /* a matter for whoever maintains it */
    DEVICE_KEY_COUNT
};
extern const struct word device_key_words[DEVICE_KEY_COUNT];
/* Never waits behind other work, and is watched until somebody has acted. */
bool device_key_is_emergency(enum device_key key);

/* What is odd about a message; it is taken all the same. */
enum device_flag {
    DEVICE_FLAG_CLOCK = 1,    /* its clock is off by more than DEVICE_SKEW_US, or says nothing */
    DEVICE_FLAG_SEQUENCE = 2, /* not above the last seq of this boot_id */
    DEVICE_FLAG_CONTENT = 4   /* something beside the press made no sense and was left out */
};
#define DEVICE_SKEW_US (INT64_C(300) * 1000000)

#define DEVICE_ID_MAX 64   /* letters, digits and . _ - : */
#define DEVICE_BOOT_MAX 64 /* visible ASCII */
#define DEVICE_NOTE_MAX 200
#define DEVICE_ANSWER_MAX 200 /* bytes */

struct device_message {
    const char *boot_id;
    int64_t seq;
    int key;            /* enum device_key; -1 = a heartbeat */
    int64_t pressed_us; /* as the device's clock has it; 0 = not said */
    int battery;        /* percent; -1 = not said */
    int signal;         /* as the device measures it; INT32_MIN = not said */
    bool has_location;
    double lat, lon;
    const char *datum; /* "wgs84" or "gcj02" */
    const char *note;  /* NULL = none */
    unsigned flags;    /* enum device_flag */
};
MUST_CHECK bool device_json_decode_press(const struct json_value *body, struct arena *arena,
                                         struct device_message *message_r, struct faults *faults);
MUST_CHECK bool device_json_decode_heartbeat(const struct json_value *body, struct arena *arena,
                                             struct device_message *message_r,
                                             struct faults *faults);
MUST_CHECK bool device_id_valid(const char *id, size_t len);

/* {"n": number, "s": state, "t": unix seconds}, at most DEVICE_ANSWER_MAX bytes; number NULL: no
 * ticket follows from it. */
void device_json_answer(struct sbuf *out, const char *number, const char *state, int64_t at_us);

/* ---- signatures ------------------------------------------------------------------------------ */

/* What is signed over HTTPS; the lines of INTERFACES 3. */
struct device_signed {
    const char *method, *path, *id, *boot_id;
    int64_t seq;
    const char *timestamp; /* as in the header */
    const void *body;
    size_t body_len;
};
void device_signed_text(struct sbuf *out, const struct device_signed *what);
/* "v1=" and 64 hex digits, or false. */
#define DEVICE_MAC_BYTES 32
MUST_CHECK bool device_signature_parse(const char *header, uint8_t mac_r[DEVICE_MAC_BYTES]);
/* Unix seconds in decimal digits, at most 12 of them; microseconds in *at_us_r. */
MUST_CHECK bool device_timestamp_parse(const char *text, size_t len, int64_t *at_us_r);
/*
 * MQTT password: timestamp ":" hex of HMAC-SHA256(key, "mqtt\n" id "\n" timestamp). Gives the text
 * that was signed and the MAC; false: not of that form.
 */
MUST_CHECK bool device_password_parse(const char *id, const char *password, size_t len,
                                      struct sbuf *text_r, uint8_t mac_r[DEVICE_MAC_BYTES]);
/*
 * A key is text: the MAC is made with its bytes. One of 64 hex digits may also stand for the 32
 * bytes that it spells, because that is how devices keep keys. In constant time.
 */
#define DEVICE_SECRET_MAX 128
MUST_CHECK bool device_mac_ok(const char *key, const char *text, size_t len,
                              const uint8_t mac[DEVICE_MAC_BYTES]);

#endif
