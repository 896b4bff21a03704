/*
 * device.h - one-key devices 一键通 (DOMAIN 6, INTERFACES 3): what they say, whichever way it
 * comes, stored once and followed.
 *
 *   HTTPS, MQTT, a cloud -> device_submit -> lane: keys, signature -> device_press.sql -> COMMIT
 *   COMMIT -> on_commit (PUBACK) -> matter -> intake of its own -> ticket -> done (answer)
 *
 * A lane of their own. Presses have connections, a queue and an intake that nothing else uses, and
 * emergencies go to its head; heartbeats go another way, many in a statement. So neither a storm of
 * tickets nor 18,000 heartbeats a minute stand in front of a press, and a press is never told to
 * come later because others are many.
 *
 * Once. A press is its (device, boot_id, seq); its repeat gets the same answer. Presses that belong
 * together are one matter, which is in the database before its ticket is, and the ticket's
 * idempotency key is made from it: whoever dies in between, the next start finds what is owed.
 */
#ifndef DAEMON_DEVICE_H
#define DAEMON_DEVICE_H

#include "daemon/daemon.h"
#include "proto/device_json.h"

enum device_kind {
    DEVICE_PRESS,
    DEVICE_HEARTBEAT,
    DEVICE_LOGIN, /* nothing but the MAC is looked at */
};

enum device_end {
    DEVICE_STORED,
    DEVICE_REPEATED,    /* stored before; the answer is that of then */
    DEVICE_REFUSED,     /* unknown or retired device, or the MAC is wrong: nobody learns which */
    DEVICE_UNAVAILABLE, /* not stored, or its ticket is not there yet: come again */
    DEVICE_BROKEN,
};

struct device_answer {
    int64_t number;    /* 0 = no ticket follows */
    const char *state; /* of the ticket when it was made; "noted" without one */
    int64_t at_us;     /* when it was received, the first time */
};

/* What a device said. It outlives whoever brought it: what was begun is finished. */
struct device_order {
    struct device_order *next; /* of the lane's */
    struct arena *arena;       /* owns all of this, the order itself included */
    struct daemon *d;
    enum device_kind kind;
    const char *device, *via; /* "https", "mqtt", or the cloud's account */
    struct device_message message;
    int64_t received_us, begun_us; /* of the daemon's clock, and monotonic */
    int64_t since_us;              /* the session's log-in; 0 = there is no session */
    const char *mac_text;          /* what was signed; NULL = authenticated already */
    size_t mac_len;
    uint8_t mac[DEVICE_MAC_BYTES];
    /* Each may be NULL: whoever brought it is gone, or does not want to know. on_commit: the press
     * is durable, its ticket perhaps not yet. done runs once and last; the order is freed after it.
     */
    void (*on_commit)(struct device_order *order);
    void (*done)(struct device_order *order, enum device_end end,
                 const struct device_answer *answer);
    void *ctx;
    int sends, rounds;
    bool is_ours;      /* a device in service has this id */
    bool is_checked;   /* the MAC was good */
    bool is_new;       /* not a repeat */
    int64_t stored_us; /* received_us, or that of the first time */
    int64_t matter;    /* that it waits for; 0 = none */
};

/* Zeroed but for its arena and daemon. */
RETURNS_NONNULL struct device_order *device_order_new(struct daemon *d);
/* Takes over the order. false: too many wait (counted), the order is freed and done does not run.
 */
MUST_CHECK bool device_submit(struct device_order *order);

struct device_lane;
RETURNS_NONNULL struct device_lane *device_lane_new(struct daemon *d);
/* What is under way ends DEVICE_UNAVAILABLE. */
void device_lane_free(struct device_lane **lane);
void device_register_metrics(void);
/* A message that was refused before it got here. */
void device_count_refused(void);
/* device_lane.c: ends an order, telling whoever brought it. */
void device_end(struct device_order *order, enum device_end end,
                const struct device_answer *answer);

/* Asks once more what became of a press that is stored; not for ever. */
void device_again(struct device_order *order);

/* ---- device_matters.c: from a matter to its ticket ---------------------------------------------
 */

struct device_matters;
RETURNS_NONNULL struct device_matters *device_matters_new(struct daemon *d);
void device_matters_free(struct device_matters **matters);
/* There are matters without a ticket, or may be: after a store, at the start. */
void device_matters_kick(struct device_matters *matters);
/* The order ends when its matter has a ticket. */
void device_matters_wait(struct device_matters *matters, struct device_order *order);

/* ---- device_watch.c: confirm timers and silence -------------------------------------------------
 */

struct device_watch;
RETURNS_NONNULL struct device_watch *device_watch_new(struct daemon *d);
void device_watch_free(struct device_watch **watch);
void device_watch_kick(struct device_watch *watch);
/* The database is away: no device can be heard. */
void device_watch_away(struct device_watch *watch);
/* We listen, and the database is there. At the start, and after an outage of a period or more, what
 * was not heard until now says nothing of a device: silence is told one period later at the
 * earliest. Shorter ones cost a device one of three heartbeats at most. */
void device_watch_back(struct device_watch *watch);
/* Something is to be done at that instant; 0 = nothing. */
void device_watch_hint(struct device_watch *watch, int64_t at_us);
/* Runs until nothing is due at the present clock and every matter has its ticket; then done, once,
 * from the loop. */
void device_watch_settle(struct device_watch *watch, void (*done)(void *ctx, bool ok), void *ctx);
/* device_matters.c tells when it has nothing more to do. */
void device_watch_idle(struct device_watch *watch, bool ok);
bool device_matters_busy(const struct device_matters *matters);

#endif
