/*
 * device_http.c - POST /v1/devices/{id}/presses and /heartbeats: from a signed body to an order for
 * the lane, and from its end to the short answer.
 */
#include <string.h>

#include "daemon/device.h"
#include "daemon/devices.h"
#include "hotline/ticket_number.h"

static void done(struct device_order *order, enum device_end end,
                 const struct device_answer *answer)
{
    static const enum problem problems[] = {
        [DEVICE_REFUSED] = PROBLEM_UNAUTHORIZED,
        [DEVICE_UNAVAILABLE] = PROBLEM_UNAVAILABLE,
        [DEVICE_BROKEN] = PROBLEM_INTERNAL,
    };
    struct request *r = order->ctx;
    char number[TICKET_NUMBER_SIZE];
    struct sbuf out;

    r->on_abort = NULL;
    if (end != DEVICE_STORED && end != DEVICE_REPEATED) {
        request_problem(r, problems[end], NULL);
        return;
    }
    if (end == DEVICE_REPEATED)
        http_reply_header(r->http, "Idempotent-Replay", "true");
    if (answer->number)
        ticket_number_format(answer->number, number);
    sbuf_init(&out, 0);
    device_json_answer(&out, answer->number ? number : NULL, answer->state, answer->at_us);
    request_reply(r, 200, &out);
}

static void on_abort(struct request *r)
{
    struct device_order *order = r->state;
    order->done = NULL; /* the press is stored all the same */
}

/* false: there is no signature of the right form; nothing was looked up for it. */
static bool take_signature(struct request *r, struct device_order *order)
{
    const struct http1_request *head = http_request_head(r->http);
    const char *timestamp = http1_header(head, "hotline-timestamp");
    const char *signature = http1_header(head, "hotline-signature");
    struct device_signed what = {
        .method = http_method_name(head->method),
        .path = head->path,
        .id = order->device,
        .boot_id = order->message.boot_id,
        .seq = order->message.seq,
        .timestamp = timestamp,
    };
    int64_t at_us;
    struct sbuf text;

    if (!timestamp || !device_timestamp_parse(timestamp, strlen(timestamp), &at_us) ||
        !device_signature_parse(signature, order->mac))
        return false;
    int64_t off = at_us - order->received_us;
    if (off > DEVICE_SKEW_US || off < -DEVICE_SKEW_US)
        order->message.flags |= DEVICE_FLAG_CLOCK;
    what.body = http_request_body(r->http, &what.body_len);
    sbuf_init(&text, 0);
    device_signed_text(&text, &what);
    order->mac_text = arena_strndup(order->arena, text.data, text.len);
    order->mac_len = text.len;
    sbuf_free(&text);
    return true;
}

/* A press may lie in the device for a while; then its own clock tells so. */
static void flag_skew(struct device_order *order)
{
    int64_t off = order->message.pressed_us - order->received_us;

    if (order->message.pressed_us && (off > DEVICE_SKEW_US || off < -DEVICE_SKEW_US))
        order->message.flags |= DEVICE_FLAG_CLOCK;
}

static void submit(struct request *r, enum device_kind kind,
                   bool (*decode)(const struct json_value *body, struct arena *arena,
                                  struct device_message *message_r, struct faults *faults))
{
    if (!request_query_ok(r) || !request_parse_body(r))
        return;
    struct device_order *order = device_order_new(r->d);
    struct arena *arena = order->arena;
    enum problem refused = PROBLEM_UNAVAILABLE;

    order->kind = kind;
    order->device = arena_strdup(arena, r->param[0]);
    order->via = "https";
    order->done = done;
    order->ctx = r;
    if (!decode(json_root(r->body), arena, &order->message, &r->faults)) {
        arena_free(&arena);
        request_reply_faults(r);
        return;
    }
    flag_skew(order);
    bool is_good = device_id_valid(r->param[0], strlen(r->param[0])) && take_signature(r, order);
    if (!is_good) {
        refused = PROBLEM_UNAUTHORIZED;
        device_count_refused();
        arena_free(&arena);
    } else if (device_submit(order)) {
        r->state = order;
        r->on_abort = on_abort;
        return;
    }
    request_problem(r, refused, NULL);
}

void device_press_post(struct request *r)
{
    submit(r, DEVICE_PRESS, device_json_decode_press);
}

void device_heartbeat_post(struct request *r)
{
    submit(r, DEVICE_HEARTBEAT, device_json_decode_heartbeat);
}
