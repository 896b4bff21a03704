/*
 * open311.h - /open311/v2/: GeoReport v2 over our own tickets (INTERFACES 4).
 *
 * A service is a leaf category that the city offers (setting open311_categories). A request is a
 * ticket that came in here and is not confidential: what people said on the phone was not said to
 * be published. Nobody's name, phone or account goes out. Writing needs an api_key, the token of an
 * account with the role web; reading needs nothing.
 */
#ifndef DAEMON_OPEN311_H
#define DAEMON_OPEN311_H

#include "daemon/request.h"
#include "daemon/request_dialect.h"
#include "proto/open311.h"

#define OPEN311_PREFIX "/open311/v2/"
extern const struct request_dialect open311_dialect;

void open311_discovery_get(struct request *r);
void open311_services_get(struct request *r);
void open311_service_get(struct request *r);  /* services/{code} */
void open311_requests_get(struct request *r); /* the list */
void open311_requests_post(struct request *r);
void open311_request_get(struct request *r); /* requests/{number} */
void open311_token_get(struct request *r);   /* tokens/{number} */

/* ---- shared by its files -----------------------------------------------------------------------
 */

/*
 * Reads the format off the last parameter of the path, which loses its suffix, and checks
 * jurisdiction_id. false: answered.
 */
MUST_CHECK bool open311_begin(struct request *r, enum open311_format *format_r);
/* The same for lists, whose parameter is the suffix alone. */
MUST_CHECK bool open311_begin_list(struct request *r, enum open311_format *format_r);
/* NULL = not said, which a city alone on its endpoint allows. false: answered. */
MUST_CHECK bool open311_jurisdiction_ok(struct request *r, const char *jurisdiction);
/* Index of the category, or -1 if the city does not offer it. */
int open311_find_service(const struct daemon *d, const char *code);
void open311_reply(struct request *r, enum open311_format format, struct sbuf *out);
/* 404 with a sentence of its own. */
void open311_not_found(struct request *r, const char *text);

#endif
