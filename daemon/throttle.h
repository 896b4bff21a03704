/*
 * throttle.h - too many from one address of a citizen: 429 (INTERFACES 4).
 *
 * Two doors have a bucket for each address (an IPv6 /64 is one):
 *   THROTTLE_PUBLIC  GET /v1/public/tickets/{number}?code=: what was not found costs a token, what
 *                    was found costs nothing; so whoever guesses codes is slowed down, and the many
 *                    that share the address of a mobile network's gateway are not. While the bucket
 *                    is empty nobody is answered, or the answer would tell a right guess. Setting
 *                    public_misses_per_hour. What ends otherwise, as our failure or as nobody
 *                    waits any more, told nothing and costs nothing. The address is that of the
 *                    connection, or, where that is one of trusted_proxies, the last one in
 *                    X-Forwarded-For that is not.
 *   THROTTLE_WEB     new tickets of the channel web, and Open311's: only what is stored costs a
 *                    token, a repeat does not. Setting web_tickets_per_hour. The address is what
 *                    the web front says in Hotline-Client-Address. It holds an account's token, so
 *                    it is believed; and only it knows. The connection's own address is not taken
 *                    instead: behind one web front stands the whole city. Without the header there
 *                    is no limit.
 * Gateways, devices, the desk and units are never throttled.
 */
#ifndef DAEMON_THROTTLE_H
#define DAEMON_THROTTLE_H

#include <stdbool.h>

#include "base/attr.h"
#include "net/net_address.h"

#define THROTTLE_CLIENT_HEADER "Hotline-Client-Address"

struct request;

enum throttle_door { THROTTLE_PUBLIC, THROTTLE_WEB, THROTTLE_DOORS };

/* What a request has taken. */
struct throttle_hold {
    bool is_taken;
    enum throttle_door door;
    struct net_address from;
};

struct throttle;
struct throttle *throttle_new(void);
void throttle_free(struct throttle **throttle);
void throttle_register_metrics(void);

/* Whom a request comes from: its connection, or who is behind trusted_proxies. All zero if it is no
 * address. */
struct net_address throttle_address(const struct request *r);

/* false: answered 429, or 400 as the header is no address. */
MUST_CHECK bool throttle_take(struct request *r, enum throttle_door door);
/* What the request took did not count. Nothing if it took nothing. */
void throttle_give_back(struct request *r);
/* What the request took counts, however it ends. */
void throttle_keep(struct request *r);
/* At the end of every request: of a public look-up, gives back what was not kept. A ticket may be
 * stored though nobody waits for the answer: THROTTLE_WEB counts unless it was given back. */
void throttle_end(struct request *r);

#endif
