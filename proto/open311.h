/*
 * open311.h - Open311 GeoReport v2 as bytes: what it sends in XML and JSON, and its form. Pure.
 *
 * Both formats come from one description, so they cannot say different things: a list is a bare
 * array in JSON and an element of its own in XML; what is not known is null and an empty element.
 * Names and types are those of the specification (http://wiki.open311.org/GeoReport_v2).
 */
#ifndef PROTO_OPEN311_H
#define PROTO_OPEN311_H

#include <stdbool.h>
#include <stdint.h>

#include "hotline/vocabulary.h"
#include "proto/json.h"

enum open311_format { OPEN311_XML, OPEN311_JSON };

/* "text/xml; charset=utf-8", "application/json; charset=utf-8" */
const char *open311_content_type(enum open311_format format);
/*
 * How a name ("services.xml", "010206.json") wants its answer. Its suffix is cut off; without one
 * the value of Accept (NULL = none) decides, and XML, which every client has to know, if that says
 * nothing. false: a suffix that is neither.
 */
MUST_CHECK bool open311_take_suffix(char *name, const char *accept, enum open311_format *format_r);
/* The same for a path as a whole, for refusals: what cannot be told is XML. */
enum open311_format open311_format_of(const char *path, const char *accept);

/* ---- out ------------------------------------------------------------------------------------- */

struct open311_discovery {
    const char *changeset; /* instant as text */
    const char *contact;
    const char *key_service; /* how to get an api_key */
    const char *url;         /* of the endpoint */
    bool is_test;
};
void open311_write_discovery(struct sbuf *out, enum open311_format format,
                             const struct open311_discovery *discovery);

/* One list under way. */
struct open311_list {
    enum open311_format format;
    struct sbuf *out;
    struct json_writer json;
    const char *name; /* of the list's element */
};

struct open311_service {
    const char *code, *name, *description, *keywords, *group;
};
void open311_services_begin(struct open311_list *list, enum open311_format format,
                            struct sbuf *out);
void open311_services_add(struct open311_list *list, const struct open311_service *service);

/* The attributes that every service has: kind and confidential. */
void open311_write_definition(struct sbuf *out, enum open311_format format, const char *code);

struct open311_request {
    const char *id;
    bool is_open;
    /* NULL = not known */
    const char *status_notes, *service_name, *service_code, *description, *agency;
    int64_t requested_us, updated_us, expected_us; /* 0 = not known */
    const char *address, *address_id;
    bool has_place;
    double lat, lon; /* degrees, WGS-84 */
    const char *media_url;
};
void open311_requests_begin(struct open311_list *list, enum open311_format format,
                            struct sbuf *out);
void open311_requests_add(struct open311_list *list, const struct open311_request *request,
                          int offset_min);
void open311_list_end(struct open311_list *list);

/* Answer to a new request. */
void open311_write_receipt(struct sbuf *out, enum open311_format format, const char *id,
                           const char *notice, const char *account_id);
void open311_write_token(struct sbuf *out, enum open311_format format, const char *id,
                         const char *token);
void open311_write_error(struct sbuf *out, enum open311_format format, int code,
                         const char *description);

/* ---- in -------------------------------------------------------------------------------------- */

#define OPEN311_DESCRIPTION_MAX 4000 /* code points, as the specification says */
#define OPEN311_URL_MAX 2048
#define OPEN311_LIST_MAX 100 /* items of a comma list */

/* A new request. NULL = not given; an empty value counts as not given, as forms send it. */
struct open311_post {
    bool is_form; /* it could be read at all; only then the rest means something */
    const char *api_key, *jurisdiction_id, *service_code;
    const char *address_string, *address_id;
    const char *email, *device_id, *account_id, *first_name, *last_name, *phone;
    const char *description, *media_url;
    bool has_place;
    double lat, lon;
    enum ticket_kind kind; /* attribute[kind]; a request for help if not given */
    bool is_confidential;  /* attribute[confidential] */
};
/*
 * Reads application/x-www-form-urlencoded. Parameters that the specification does not have are
 * passed over, attributes that the service does not have are faults. A place is needed: both
 * coordinates, address_string or address_id. Strings live in the arena.
 */
MUST_CHECK bool open311_read_post(const char *body, size_t len, struct arena *arena,
                                  struct open311_post *post_r, struct faults *faults);
/* Degrees as a plain decimal number, -max to max. */
MUST_CHECK bool open311_read_degrees(const char *text, double max, double *degrees_r);
/* "a, b,,c": the items without blanks around them; empty ones are left out. false: too many. */
MUST_CHECK bool open311_read_list(const char *text, struct arena *arena,
                                  const char *items[OPEN311_LIST_MAX], size_t *count_r);
/*
 * An instant of a query: RFC 3339 with its zone. A '+' that was not encoded came as a blank and is
 * taken for what it was.
 */
MUST_CHECK bool open311_read_instant(const char *text, int64_t *instant_us_r);

#endif
