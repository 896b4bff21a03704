/*
 * http_post.h - POSTs to strangers from the event loop: signed news for other people's systems.
 *
 * Each call resolves, connects, sends and reads the head of the answer; the body is not looked at
 * and nothing is kept open. A redirect is an answer like any other: it is not followed. Addresses
 * that are not public are refused after resolving and the connection goes to the very address that
 * was looked at, so no name can point inwards; `allow_private` lifts that. TLS checks certificate
 * and name.
 */
#ifndef NET_HTTP_POST_H
#define NET_HTTP_POST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "proto/http1.h"

struct event_base;
struct http_post;
struct http_poster; /* resolver and TLS context of all calls */

struct sockaddr;

#define HTTP_POST_URL_MAX 1024

/* ca_file: PEM file of the authorities trusted instead of the system's; "" = the system's. NULL and
 * a text (caller frees) if it cannot be read. */
MUST_CHECK struct http_poster *http_poster_new(struct event_base *base, const char *ca_file,
                                               char **error_r);
/*
 * Names are asked of this server alone, "192.0.2.53" or "192.0.2.53:5353", not of those in
 * /etc/resolv.conf. false: that is no address.
 */
MUST_CHECK bool http_poster_ask(struct http_poster *poster, const char *nameserver);
/* Cancels what is under way. */
void http_poster_free(struct http_poster **poster);

enum http_post_end {
    HTTP_POST_ANSWERED,
    HTTP_POST_BAD_URL,
    HTTP_POST_UNRESOLVED,
    HTTP_POST_PRIVATE, /* the name has no public address */
    HTTP_POST_UNREACHABLE,
    HTTP_POST_UNTRUSTED, /* certificate */
    HTTP_POST_TIMEOUT,
    HTTP_POST_BROKEN, /* closed, or no HTTP */
    HTTP_POST_END_COUNT
};
/* Stable words: "answered", "bad_url" ... */
const char *http_post_end_word(enum http_post_end end);

struct http_post_call {
    const char *url;
    const struct http_header *headers; /* no line breaks: INVARIANT */
    size_t header_count;
    const void *body;
    size_t body_len;
    int64_t timeout_us; /* of everything */
    bool allow_private;
};
/* Copies what it needs. done runs once, from the loop, unless cancelled. status is 0 unless
 * answered. */
RETURNS_NONNULL struct http_post *
http_post_begin(struct http_poster *poster, const struct http_post_call *call,
                void (*done)(void *ctx, enum http_post_end end, int status), void *ctx);
/* Sets *post to NULL; NULL is fine. */
void http_post_cancel(struct http_post **post);

/* https://host[:port][/path][?query], http as well if allow_plain; no user, no fragment. */
MUST_CHECK bool http_post_url_ok(const char *url, bool allow_plain);
/* Not loopback, private, link-local, shared, documentation, multicast or reserved; also not by way
 * of an address that embeds such a one (RFC 6890). */
bool http_post_address_is_public(const struct sockaddr *address);

#endif
