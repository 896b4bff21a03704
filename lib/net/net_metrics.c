/*
 * net_metrics.c - what /metrics shows of the HTTP server.
 */
#include <string.h>

#include "net/net_private.h"

#define REFUSED(label)                                                                             \
    {                                                                                              \
        "hotlined_http_refused_total", "reason=\"" label "\"",                                     \
            "Requests and connections refused before the daemon's code, by reason.",               \
            METRIC_COUNTER, 0                                                                      \
    }
#define CLOSED(label)                                                                              \
    {                                                                                              \
        "hotlined_http_closed_total", "reason=\"" label "\"", "Connections closed, by reason.",    \
            METRIC_COUNTER, 0                                                                      \
    }
#define RESPONSES(label)                                                                           \
    {                                                                                              \
        "hotlined_http_responses_total", "class=\"" label "\"", "Answers begun, by class.",        \
            METRIC_COUNTER, 0                                                                      \
    }

struct metric net_metrics[NET_METRIC_COUNT] = {
    [NET_CONNECTIONS] = {"hotlined_http_connections", NULL, "Connections open now.", METRIC_GAUGE,
                         0},
    [NET_STREAMS] = {"hotlined_http_streams", NULL, "Answers that are open streams now.",
                     METRIC_GAUGE, 0},
    [NET_ACCEPTED] = {"hotlined_http_accepted_total", NULL, "Connections accepted.", METRIC_COUNTER,
                      0},
    [NET_ACCEPT_PAUSED] = {"hotlined_http_accept_paused_total", NULL,
                           "Times accepting was paused for a second, e.g. out of descriptors.",
                           METRIC_COUNTER, 0},
    [NET_HANDSHAKES] = {"hotlined_http_tls_handshakes_total", NULL, "TLS handshakes completed.",
                        METRIC_COUNTER, 0},
    [NET_REQUESTS] = {"hotlined_http_requests_total", NULL, "Requests handed to the daemon's code.",
                      METRIC_COUNTER, 0},
    [NET_ABORTED] = {"hotlined_http_aborted_total", NULL,
                     "Requests whose peer was gone before the end of the answer.", METRIC_COUNTER,
                     0},
    [NET_SENT_BYTES] = {"hotlined_http_sent_bytes_total", NULL, "Bytes of answers queued.",
                        METRIC_COUNTER, 0},
    [NET_RESPONSES_2XX] = RESPONSES("2xx"),
    [NET_RESPONSES_3XX] = RESPONSES("3xx"),
    [NET_RESPONSES_4XX] = RESPONSES("4xx"),
    [NET_RESPONSES_5XX] = RESPONSES("5xx"),
    [NET_REFUSED_FIRST] = REFUSED("malformed"),
    REFUSED("timeout"),
    REFUSED("body_too_large"),
    REFUSED("target_too_long"),
    REFUSED("expectation"),
    REFUSED("head_too_large"),
    REFUSED("not_implemented"),
    REFUSED("version"),
    REFUSED("too_many_connections"),
    REFUSED("too_many_from_address"),
    [NET_REFUSED_LAST] = REFUSED("handler"),
    [NET_CLOSED_FIRST + CLOSE_DONE] = CLOSED("done"),
    [NET_CLOSED_FIRST + CLOSE_PEER] = CLOSED("peer"),
    [NET_CLOSED_FIRST + CLOSE_PEER_EARLY] = CLOSED("peer_early"),
    [NET_CLOSED_FIRST + CLOSE_RESET] = CLOSED("reset"),
    [NET_CLOSED_FIRST + CLOSE_IDLE] = CLOSED("idle"),
    [NET_CLOSED_FIRST + CLOSE_HANDSHAKE_TIMEOUT] = CLOSED("handshake_timeout"),
    [NET_CLOSED_FIRST + CLOSE_HEAD_TIMEOUT] = CLOSED("head_timeout"),
    [NET_CLOSED_FIRST + CLOSE_BODY_TIMEOUT] = CLOSED("body_timeout"),
    [NET_CLOSED_FIRST + CLOSE_WRITE_TIMEOUT] = CLOSED("write_timeout"),
    [NET_CLOSED_FIRST + CLOSE_TLS_FAILED] = CLOSED("tls_failed"),
    [NET_CLOSED_FIRST + CLOSE_SLOW_CONSUMER] = CLOSED("slow_consumer"),
    [NET_CLOSED_FIRST + CLOSE_FLOOD] = CLOSED("flood"),
    [NET_CLOSED_FIRST + CLOSE_OVER_LIMIT] = CLOSED("over_limit"),
    [NET_CLOSED_FIRST + CLOSE_DRAIN] = CLOSED("drain"),
};

/* Rows of NET_REFUSED_FIRST.. in the order above; what no row matches was refused by on_head. */
static const struct {
    int status;
    const char *reason; /* NULL: any */
} refusals[] = {
    {400, NULL},
    {408, NULL},
    {413, NULL},
    {414, NULL},
    {417, NULL},
    {431, NULL},
    {501, NULL},
    {505, NULL},
    {503, "too_many_connections"},
    {503, "too_many_from_address"},
};
_Static_assert(ARRAY_LEN(refusals) == NET_REFUSED_LAST - NET_REFUSED_FIRST, "a row for each");

void net_metrics_register(void)
{
    metrics_register(net_metrics, NET_METRIC_COUNT);
}

void net_count_refusal(int status, const char *reason)
{
    size_t i = 0;
    if (strcmp(reason, "handler") == 0)
        i = ARRAY_LEN(refusals);
    while (i < ARRAY_LEN(refusals) &&
           (refusals[i].status != status ||
            (refusals[i].reason && strcmp(refusals[i].reason, reason) != 0)))
        i++;
    metric_inc(&net_metrics[NET_REFUSED_FIRST + i]);
}

void net_count_response(int status)
{
    int class = status / 100 < 5 ? status / 100 : 5;
    metric_inc(&net_metrics[NET_RESPONSES_2XX + class - 2]);
}
