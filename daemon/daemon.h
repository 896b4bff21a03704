/*
 * daemon.h - the parts of the process and how they hang together. One loop, one thread, one city.
 */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clk.h"
#include "base/crypto.h"
#include "daemon/settings.h"
#include "hotline/city.h"
#include "hotline/ticket_number.h"
#include "hotline/ticket_plan.h"
#include "pg/pg.h"

struct event_base;
struct http_server;
struct auth;
struct intake;
struct store;
struct sweeper;
struct push;
struct fold;
struct activation;
struct recalendar;
struct batches;
struct wechat;
struct clouds;
struct device_lane;
struct device_matters;
struct device_watch;
struct device_mqtt;
struct throttle;

/* What is planned next: built ahead, so that the instant decides and nobody waits. */
struct config_next {
    int64_t at_us;     /* 0 = nothing is planned */
    bool is_taken;     /* in force here already; the database may not know yet */
    bool is_stored;    /* the database knows: a daemon whose clock is ahead was there first */
    struct city *city; /* NULL: taken, or it does not build */
    char *why;         /* then what is in the way */
    char *bundle;
    int64_t base; /* config_version that it was built upon */
    int64_t rule_set, sla_set, calendar_set;
};
struct indexer;

/* Of which refusals the desks were told when, see desk_event.h. */
struct desk_refusal {
    uint64_t key;
    int64_t told_us;
};
#define DESK_REFUSALS 64
/* How many refusals of a door the desks were told of since then. */
struct desk_door {
    const char *door; /* NULL = free */
    int64_t since_us;
    int told;
};
#define DESK_DOORS 16 /* more than there are */

struct daemon {
    struct event_base *base;
    struct settings settings;
    struct clk clk;
    /* Intake has connections of its own, so that reports never stand in front of a citizen. */
    struct pg_pool *intake_pool, *work_pool;
    struct pg_pool *report_pool; /* lists and figures: long reads, planned for their values */
    struct pg_pool *public_pool; /* what anybody may ask for: one connection, a short queue */
    struct pg_pool *device_pool; /* presses: nobody else stands in front of them */
    struct pg_pool *event_pool;  /* what happened, for the desks: nor in front of a screen */
    struct pg_pool *bulk_pool;   /* many tickets in a statement: nobody waits behind one */
    struct http_server *http;
    struct city *city; /* NULL until one is imported; hold a reference across callbacks */
    int64_t sla_set, rule_set, calendar_set; /* versions in force */
    /* Loads may overtake each other on two connections: of two answers the older question's is
     * left. */
    uint64_t city_asked, city_taken;
    char *city_bundle; /* its JSON text, for export; NULL without a city */
    struct config_next next;
    struct activation *activation;
    unsigned replays_running; /* each holds two cities */
    bool is_verifying;        /* one at a time */
    struct auth *auth;
    struct intake *intake;
    struct intake *device_intake; /* tickets of one-key devices, on their own connections */
    struct device_lane *device_lane;
    struct device_matters *device_matters;
    struct device_watch *device_watch;
    struct device_mqtt *device_mqtt;
    struct store *store;
    struct sweeper *sweeper;
    struct recalendar *recalendar;
    struct batches *batches;
    struct wechat *wechat;
    struct clouds *clouds;
    struct throttle *throttle;
    struct push *push;
    struct desk_refusal refusals_told[DESK_REFUSALS];
    struct desk_door doors[DESK_DOORS];
    struct fold *fold;
    struct indexer *indexer;
    struct ticket_numbers numbers;
    struct plan_rules plan_rules;
    uint8_t seal_key[CRYPTO_KEY_SIZE];  /* columns of requesters */
    uint8_t index_key[CRYPTO_KEY_SIZE]; /* blind index of phones */
    bool is_stopping;
};

/* Deadlines of database work, the wait in the queue included. */
#define DAEMON_READ_TIMEOUT_US (10 * US_PER_SECOND)
#define DAEMON_WRITE_TIMEOUT_US (10 * US_PER_SECOND)
#define DAEMON_REPORT_TIMEOUT_US (30 * US_PER_SECOND)

static inline int64_t daemon_now_us(const struct daemon *d)
{
    return clk_now_us(&d->clk);
}

#endif
