/*
 * net_address.h - addresses and networks as values, without sockets.
 *
 * IPv4 and the same seen through IPv6 (::ffff:a.b.c.d) are one address.
 */
#ifndef NET_NET_ADDRESS_H
#define NET_NET_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct net_address {
    uint8_t bytes[16]; /* network order, IPv4 mapped */
};

/* "192.0.2.1", "2001:db8::1", "[2001:db8::1]"; as proxies write them also with a port. */
MUST_CHECK bool net_address_parse(const char *text, size_t len, struct net_address *address_r);
/* What one subscriber has: an IPv4 address, or an IPv6 /64 with the rest zero (RFC 6177). */
struct net_address net_address_subscriber(const struct net_address *address);

/* Networks separated by commas or blanks: "10.0.0.0/8, 2001:db8::/32, 192.0.2.7"; "" is none. */
MUST_CHECK bool net_networks_ok(const char *list);
/* What in the list is no network has no address. */
bool net_networks_contain(const char *list, const struct net_address *address);

#endif
