/*
 * simulate_device.c - one-key devices 一键通: signed presses and heartbeats over HTTPS
 * (PROTOCOL 4.7). An emergency is pressed more than once; most are false alarms. In a day whose
 * clock we move, one device falls silent.
 */
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "client/simulate.h"

#define SECOND_US INT64_C(1000000)
#define BEAT_S 3600
#define FEWEST_DEVICES 4
#define MOST_DEVICES 200
#define REST_US (INT64_C(7200) * SECOND_US) /* before one person presses for something else */

struct device {
    const char *id, *key;
    int64_t seq, silent_from_us, busy_until_us;
};

struct sim_devices {
    struct device *list;
    size_t count;
    size_t next; /* to be pressed; the last one never is: it falls silent */
    char boot_id[24];
};

struct press {
    struct device *device;
    struct sim_ticket *ticket;
    const char *key;
    int left; /* presses to come */
};

/* What is pressed for, by hundredths. */
static const struct {
    const char *key;
    unsigned weight;
    int presses;
} keys[] = {
    {"emergency", 50, 3}, {"service", 18, 1}, {"health", 12, 1}, {"family", 12, 1}, {"fall", 8, 2}};

static const struct json_value *credentials(const struct simulation *sim)
{
    return sim_credential(sim, "devices");
}

bool sim_device_ready(const struct simulation *sim)
{
    const struct json_value *first = json_at(credentials(sim), 0);

    return json_string(json_get(first, "id"), NULL) != NULL &&
           json_string(json_get(first, "key"), NULL) != NULL && sim_has_token(sim, "desk");
}

void sim_device_free(struct simulation *sim)
{
    if (sim->devices != NULL)
        free(sim->devices->list);
    free(sim->devices);
    sim->devices = NULL;
}

/* ---- what a device sends -----------------------------------------------------------------------
 */

static char *sign(struct simulation *sim, const struct device *device, const char *path,
                  const char *timestamp, const struct sbuf *body)
{
    uint8_t digest[CRYPTO_SHA256_SIZE], mac[CRYPTO_SHA256_SIZE];
    char hex[2 * CRYPTO_SHA256_SIZE + 1];
    const char *text;

    crypto_sha256(body->data, body->len, digest);
    crypto_hex(digest, sizeof(digest), hex);
    text = arena_printf(sim->scratch, "POST\n%s\n%s\n%s\n%lld\n%s\n%s", path, device->id,
                        sim->devices->boot_id, (long long)device->seq, timestamp, hex);
    crypto_hmac_sha256(device->key, strlen(device->key), text, strlen(text), mac);
    crypto_hex(mac, sizeof(mac), hex);
    return arena_printf(sim->scratch, "v1=%s", hex);
}

/* Ends and frees the body. */
static enum sim_answer send_signed(struct simulation *sim, const struct device *device,
                                   const char *what, struct sim_body *body,
                                   struct api_answer *answer_r)
{
    const char *path = sim_path(sim, "/v1/devices/", device->id, what);
    const char *timestamp =
        arena_printf(sim->scratch, "%lld", (long long)(sim_clock_us(sim) / SECOND_US));
    enum sim_answer said;

    jw_object_end(&body->w);
    const struct http_header headers[] = {
        {"Hotline-Timestamp", timestamp},
        {"Hotline-Signature", sign(sim, device, path, timestamp, &body->text)}};
    const struct sim_request request = {.api = {.method = "POST",
                                                .path = path,
                                                .body = body->text.data,
                                                .body_len = body->text.len,
                                                .headers = headers,
                                                .header_count = ARRAY_LEN(headers),
                                                .is_patient = true}};
    said = sim_ask(sim, &request, answer_r);
    sbuf_free(&body->text);
    return said;
}

static void begin(struct simulation *sim, struct device *device, struct sim_body *body)
{
    sim_body_begin(body);
    jw_string(&body->w, "boot_id", sim->devices->boot_id);
    jw_int(&body->w, "seq", ++device->seq);
    jw_int(&body->w, "battery", 60 + (int64_t)sim_random(sim, 40));
}

static void beat(struct simulation *sim, void *subject)
{
    struct device *device = subject;
    struct sim_body body;

    if (sim->now_us >= device->silent_from_us)
        return;
    begin(sim, device, &body);
    jw_int(&body.w, "signal", -60 - (int64_t)sim_random(sim, 30));
    if (send_signed(sim, device, "/heartbeats", &body, NULL) == SIM_DONE)
        sim->figures[FIGURE_HEARTBEATS]++;
    if (sim->is_whole_day)
        sim_after(sim, BEAT_S, BEAT_S, beat, device);
}

/* ---- presses -----------------------------------------------------------------------------------
 */

static void pressed(struct simulation *sim, struct press *press, const struct api_answer *answer)
{
    const char *number = json_string(json_get(api_root(answer), "n"), NULL);

    sim->figures[FIGURE_PRESSES]++;
    if (press->ticket->number == NULL && number != NULL)
        sim_received(sim, press->ticket, number);
    else if (number == NULL || strcmp(number, press->ticket->number) != 0)
        sim_complain(sim, press->device->id, client_text(sim->client, T_SIM_NOT_JOINED));
}

static void press_key(struct simulation *sim, void *subject)
{
    struct press *press = subject;
    struct api_answer answer;
    struct sim_body body;

    begin(sim, press->device, &body);
    jw_string(&body.w, "key", press->key);
    if (send_signed(sim, press->device, "/presses", &body, &answer) != SIM_DONE) {
        sim_settle(sim, press->ticket, END_OPEN);
        return;
    }
    pressed(sim, press, &answer);
    api_answer_free(&answer);
    if (--press->left > 0 && !press->ticket->is_settled)
        sim_after(sim, 1, 4, press_key, press);
}

/* The next one whose person has nothing under way; at a great rush the next one all the same. */
static struct device *choose_device(struct simulation *sim)
{
    struct sim_devices *d = sim->devices;
    size_t pressable = d->count > 1 ? d->count - 1 : 1;

    for (size_t i = 0; i < pressable; i++) {
        struct device *device = &d->list[d->next++ % pressable];

        if (device->busy_until_us <= sim->now_us)
            return device;
    }
    return &d->list[d->next++ % pressable];
}

void sim_device_arrive(struct simulation *sim, void *subject)
{
    struct press *press = arena_alloc(sim->arena, sizeof(*press));
    unsigned point, sum = 0;

    press->ticket = subject;
    press->device = choose_device(sim);
    press->device->busy_until_us = sim->now_us + REST_US;
    /* Only what is pressed for life is a false alarm or is referred to the ambulance. */
    point = press->ticket->plan == PLAN_FALSE_ALARM || press->ticket->plan == PLAN_REFER
                ? 0
                : 50 + (unsigned)sim_random(sim, 50);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        sum += keys[i].weight;
        if (point < sum) {
            press->key = keys[i].key;
            press->left = keys[i].presses;
            break;
        }
    }
    press_key(sim, press);
}

/* ---- the devices of this day -------------------------------------------------------------------
 */

static size_t how_many(const struct simulation *sim)
{
    size_t wanted = 1, there = json_array_length(credentials(sim));

    for (size_t i = 0; i < sim->ticket_count; i++)
        wanted += sim->tickets[i]->door == DOOR_DEVICE;
    if (wanted < FEWEST_DEVICES)
        wanted = FEWEST_DEVICES;
    if (wanted > MOST_DEVICES)
        wanted = MOST_DEVICES;
    return wanted < there ? wanted : there;
}

void sim_device_begin(struct simulation *sim)
{
    struct sim_devices *d = xcalloc(1, sizeof(*d));
    size_t count = how_many(sim);

    d->list = xcalloc(count, sizeof(d->list[0]));
    for (size_t i = 0; i < count; i++) {
        const struct json_value *v = json_at(credentials(sim), i);
        const char *id = json_string(json_get(v, "id"), NULL);
        const char *key = json_string(json_get(v, "key"), NULL);

        if (id != NULL && key != NULL)
            d->list[d->count++] =
                (struct device){.id = id, .key = key, .silent_from_us = INT64_MAX};
    }
    memcpy(d->boot_id, "sim-", 4);
    memcpy(d->boot_id + 4, sim->run, 16);
    if (sim->time == TIME_MOVED && d->count > 1)
        d->list[d->count - 1].silent_from_us = sim->begin_us + (sim->end_us - sim->begin_us) / 2;
    sim->devices = d;
    for (size_t i = 0; i < d->count; i++)
        sim_at(sim, sim->begin_us + (int64_t)i * SECOND_US, beat, &d->list[i]);
}
