/*
 * throttle.c - whose bucket, and the refusal.
 */
#include "daemon/throttle.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/metrics.h"
#include "base/rate_limit.h"
#include "daemon/request.h"

#define SETS 2048 /* 16,384 addresses */

struct throttle {
    struct rate_limit *limits[THROTTLE_DOORS];
};

static struct metric throttled[THROTTLE_DOORS] = {
    [THROTTLE_PUBLIC] = {"hotlined_throttled_total", "door=\"public\"",
                         "Requests refused as too many came from one address.", METRIC_COUNTER, 0},
    [THROTTLE_WEB] = {"hotlined_throttled_total", "door=\"web\"",
                      "Requests refused as too many came from one address.", METRIC_COUNTER, 0},
};
static struct metric forgotten = {
    .name = "hotlined_throttle_forgotten_total",
    .help = "Addresses whose misuse was forgotten for want of room.",
};

static const char *const details[THROTTLE_DOORS] = {
    [THROTTLE_PUBLIC] = "该地址查询失败次数过多，请稍后再试 / too many look-ups from this address "
                        "found nothing, try again later",
    [THROTTLE_WEB] = "该地址提交过于频繁，请稍后再试，急事请拨打 12345 / too many tickets from "
                     "this address, try again later or call 12345",
};

void throttle_register_metrics(void)
{
    metrics_register(throttled, THROTTLE_DOORS);
    metrics_register(&forgotten, 1);
}

struct throttle *throttle_new(void)
{
    struct throttle *throttle = xcalloc(1, sizeof(*throttle));

    for (size_t i = 0; i < THROTTLE_DOORS; i++)
        throttle->limits[i] = rate_limit_new(SETS);
    return throttle;
}

void throttle_free(struct throttle **throttle)
{
    for (size_t i = 0; *throttle && i < THROTTLE_DOORS; i++)
        rate_limit_free(&(*throttle)->limits[i]);
    free(*throttle);
    *throttle = NULL;
}

/* ---- whose address -----------------------------------------------------------------------------
 */

static size_t trim(const char **text, size_t len)
{
    while (len && (**text == ' ' || **text == '\t')) {
        (*text)++;
        len--;
    }
    while (len && ((*text)[len - 1] == ' ' || (*text)[len - 1] == '\t'))
        len--;
    return len;
}

/*
 * One header's addresses from the right, where the nearest proxy wrote. true: the search is over:
 * one that is not trusted, or something that is no address, was reached.
 */
static bool walk_back(const char *value, const char *trusted, struct net_address *address)
{
    size_t end = strlen(value);

    for (;;) {
        size_t start = end;
        while (start > 0 && value[start - 1] != ',')
            start--;
        const char *item = value + start;
        size_t len = trim(&item, end - start); /* moves item: not among the arguments below */
        struct net_address found;
        if (!net_address_parse(item, len, &found))
            return true;
        *address = found;
        if (!net_networks_contain(trusted, &found))
            return true;
        if (start == 0)
            return false;
        end = start - 1;
    }
}

/* Every proxy adds to the last of these headers, or one of its own behind it. */
static void look_behind_proxies(const struct http1_request *head, const char *trusted,
                                struct net_address *address)
{
    for (size_t i = head->header_count; i-- > 0;) {
        if (strcasecmp(head->headers[i].name, "x-forwarded-for") == 0 &&
            walk_back(head->headers[i].value, trusted, address))
            return;
    }
}

struct net_address throttle_address(const struct request *r)
{
    const struct http1_request *head = http_request_head(r->http);
    const char *peer = http_request_peer(r->http), *trusted = r->d->settings.trusted_proxies;
    struct net_address address = {{0}};

    if (!net_address_parse(peer, strlen(peer), &address))
        return address;
    if (net_networks_contain(trusted, &address))
        look_behind_proxies(head, trusted, &address);
    else if (http1_header(head, "x-forwarded-for"))
        log_limited(LOG_LEVEL_WARN, "throttle",
                    "X-Forwarded-For from an address that is not in trusted_proxies: all behind it "
                    "count as one address=%s",
                    peer);
    return address;
}

/* false: there is none, and no limit; or it is none, which is a fault. */
static bool told_address(struct request *r, struct net_address *address_r)
{
    const char *text = http1_header(http_request_head(r->http), THROTTLE_CLIENT_HEADER);

    if (!text)
        return false;
    if (net_address_parse(text, strlen(text), address_r))
        return true;
    faults_add(&r->faults, THROTTLE_CLIENT_HEADER, "format");
    return false;
}

/* ---- take and give back ------------------------------------------------------------------------
 */

static int64_t rate_of(const struct request *r, enum throttle_door door)
{
    const struct settings *s = &r->d->settings;

    return door == THROTTLE_PUBLIC ? s->public_misses_per_hour : s->web_tickets_per_hour;
}

static struct rate_limit *limit_of(const struct request *r, enum throttle_door door)
{
    return r->d->throttle->limits[door];
}

static void refuse(struct request *r, enum throttle_door door, int64_t wait_us)
{
    metric_inc(&throttled[door]);
    r->retry_after_s = (wait_us + US_PER_SECOND - 1) / US_PER_SECOND;
    request_problem(r, PROBLEM_TOO_FAST, details[door]);
}

bool throttle_take(struct request *r, enum throttle_door door)
{
    struct net_address address;
    bool is_known = true;

    if (door == THROTTLE_PUBLIC)
        address = throttle_address(r);
    else
        is_known = told_address(r, &address);
    if (r->faults.count) {
        request_reply_faults(r);
        return false;
    }
    if (!is_known)
        return true;
    const struct net_address from = net_address_subscriber(&address);
    struct rate_limit *limit = limit_of(r, door);
    uint64_t before = rate_limit_forgotten(limit);
    int64_t wait_us = rate_limit_take(limit, from.bytes, rate_of(r, door), r->now_us);
    metric_add(&forgotten, (int64_t)(rate_limit_forgotten(limit) - before));
    if (wait_us) {
        refuse(r, door, wait_us);
        return false;
    }
    r->hold = (struct throttle_hold){true, door, from};
    return true;
}

void throttle_give_back(struct request *r)
{
    const struct throttle_hold hold = r->hold;

    if (!hold.is_taken)
        return;
    r->hold.is_taken = false;
    rate_limit_give_back(limit_of(r, hold.door), hold.from.bytes, rate_of(r, hold.door),
                         daemon_now_us(r->d));
}

void throttle_keep(struct request *r)
{
    r->hold.is_taken = false;
}

void throttle_end(struct request *r)
{
    if (r->hold.door == THROTTLE_PUBLIC)
        throttle_give_back(r);
}
