/*
 * net_address.c - reading addresses and networks.
 */
#include "net/net_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#define MAPPED_BITS 96
#define SUBSCRIBER_BYTES 8

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

static bool is_v4(const struct net_address *a)
{
    return memcmp(a->bytes, mapped, sizeof(mapped)) == 0;
}

/* ":443" or nothing */
static bool is_port(const char *text, size_t len)
{
    if (len == 0)
        return true;
    if (*text != ':' || len == 1 || len > 6)
        return false;
    for (size_t i = 1; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
    }
    return true;
}

/* Cuts brackets and a port off; the length of what is left, 0 if they are wrong. */
static size_t bare_length(const char **text, size_t len)
{
    const char *end;

    if (len && **text == '[') {
        end = memchr(*text, ']', len);
        if (!end || !is_port(end + 1, len - (size_t)(end - *text) - 1))
            return 0;
        (*text)++;
        return (size_t)(end - *text);
    }
    end = memchr(*text, ':', len);
    if (!end || !memchr(*text, '.', (size_t)(end - *text))) /* no port, or IPv6 */
        return len;
    return is_port(end, len - (size_t)(end - *text)) ? (size_t)(end - *text) : 0;
}

bool net_address_parse(const char *text, size_t len, struct net_address *address_r)
{
    char copy[INET6_ADDRSTRLEN];
    struct net_address a;

    len = bare_length(&text, len);
    if (len == 0 || len >= sizeof(copy) || memchr(text, '\0', len))
        return false;
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (inet_pton(AF_INET, copy, a.bytes + sizeof(mapped)) == 1)
        memcpy(a.bytes, mapped, sizeof(mapped));
    else if (inet_pton(AF_INET6, copy, a.bytes) != 1)
        return false;
    *address_r = a;
    return true;
}

struct net_address net_address_subscriber(const struct net_address *address)
{
    struct net_address a = *address;

    if (!is_v4(&a))
        memset(a.bytes + SUBSCRIBER_BYTES, 0, sizeof(a.bytes) - SUBSCRIBER_BYTES);
    return a;
}

/* ---- networks ----------------------------------------------------------------------------------
 */

struct network {
    struct net_address address;
    unsigned bits; /* of 128 */
};

static bool read_bits(const char *text, size_t len, unsigned max, unsigned *bits_r)
{
    unsigned bits = 0;

    if (len == 0 || len > 3)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        bits = bits * 10 + (unsigned)(text[i] - '0');
    }
    *bits_r = bits;
    return bits <= max;
}

static bool read_network(const char *text, size_t len, struct network *network_r)
{
    const char *slash = memchr(text, '/', len);
    size_t address_len = slash ? (size_t)(slash - text) : len;

    if (!net_address_parse(text, address_len, &network_r->address))
        return false;
    network_r->bits = 128;
    if (!slash)
        return true;
    unsigned less = is_v4(&network_r->address) ? MAPPED_BITS : 0;
    if (!read_bits(slash + 1, len - address_len - 1, 128 - less, &network_r->bits))
        return false;
    network_r->bits += less;
    return true;
}

static bool contains(const struct network *network, const struct net_address *address)
{
    size_t whole = network->bits / 8;
    unsigned rest = network->bits % 8;

    if (memcmp(network->address.bytes, address->bytes, whole) != 0)
        return false;
    return rest == 0 ||
           ((network->address.bytes[whole] ^ address->bytes[whole]) >> (8 - rest)) == 0;
}

/* The next item; false: no more. */
static bool next_item(const char **list, const char **item_r, size_t *len_r)
{
    *item_r = *list + strspn(*list, ", ");
    *len_r = strcspn(*item_r, ", ");
    *list = *item_r + *len_r;
    return *len_r > 0;
}

bool net_networks_ok(const char *list)
{
    struct network network;
    const char *item;
    size_t len;

    while (next_item(&list, &item, &len)) {
        if (!read_network(item, len, &network))
            return false;
    }
    return true;
}

bool net_networks_contain(const char *list, const struct net_address *address)
{
    struct network network;
    const char *item;
    size_t len;

    while (next_item(&list, &item, &len)) {
        if (read_network(item, len, &network) && contains(&network, address))
            return true;
    }
    return false;
}
