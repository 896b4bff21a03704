/*
 * http_post_address.c - which addresses are somebody else's, out in the world.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "net/http_post.h"

/* Special-purpose networks of RFC 6890 and its successors. */
static const struct network4 {
    uint32_t address;
    int bits;
} special4[] = {
    {0x00000000, 8},  /* this network */
    {0x0a000000, 8},  /* private */
    {0x64400000, 10}, /* shared, 100.64/10 */
    {0x7f000000, 8},  /* loopback */
    {0xa9fe0000, 16}, /* link-local, 169.254/16 */
    {0xac100000, 12}, /* private, 172.16/12 */
    {0xc0000000, 24}, /* protocol assignments */
    {0xc0000200, 24}, /* documentation */
    {0xc0586300, 24}, /* 6to4 relays */
    {0xc0a80000, 16}, /* private */
    {0xc6120000, 15}, /* benchmarks */
    {0xc6336400, 24}, /* documentation */
    {0xcb007100, 24}, /* documentation */
    {0xe0000000, 4},  /* multicast */
    {0xf0000000, 4},  /* reserved, broadcast */
};

static bool is_public4(uint32_t address)
{
    for (size_t i = 0; i < ARRAY_LEN(special4); i++) {
        if ((address ^ special4[i].address) >> (32 - special4[i].bits) == 0)
            return false;
    }
    return true;
}

static uint32_t embedded4(const uint8_t *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static bool starts_with(const uint8_t b[16], const void *prefix, size_t len)
{
    return memcmp(b, prefix, len) == 0;
}

static bool is_public6(const uint8_t b[16])
{
    static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

    if (starts_with(b, mapped, sizeof(mapped)) || starts_with(b, nat64, sizeof(nat64)))
        return is_public4(embedded4(b + 12));
    if ((b[0] & 0xe0) != 0x20) /* 2000::/3 is all there is */
        return false;
    if (starts_with(b, "\x20\x02", 2)) /* 6to4 */
        return is_public4(embedded4(b + 2));
    return !starts_with(b, "\x20\x01\x0d\xb8", 4) && /* documentation */
           !(starts_with(b, "\x20\x01", 2) && b[2] < 2) /* protocol assignments, Teredo */ &&
           !starts_with(b, "\x3f\xff", 2); /* documentation */
}

bool http_post_address_is_public(const struct sockaddr *address)
{
    struct sockaddr_in four;
    struct sockaddr_in6 six;

    if (address->sa_family == AF_INET) {
        memcpy(&four, address, sizeof(four));
        return is_public4(ntohl(four.sin_addr.s_addr));
    }
    if (address->sa_family != AF_INET6)
        return false;
    memcpy(&six, address, sizeof(six));
    return is_public6(six.sin6_addr.s6_addr);
}
