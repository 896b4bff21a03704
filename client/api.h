/*
 * api.h - one request to the daemon and its answer.
 *
 * api_exchange() only carries; api_check() prints what went wrong. Most commands want both:
 * api_call().
 */
#ifndef CLIENT_API_H
#define CLIENT_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/sbuf.h"
#include "client/client.h"
#include "proto/http1.h"
#include "proto/json.h"

/* How often a patient request is sent again after 429 or 503, and the longest pause between. */
#define API_PATIENT_TRIES 8
#define API_PATIENT_MAX_PAUSE_S 5
#define API_MOST_HEADERS 2

struct api_request {
    const char *method; /* "GET", "POST" */
    const char *path;   /* with the query */
    const char *who;    /* see client_token(); NULL = no token is sent */
    const char *body;   /* or NULL */
    size_t body_len;
    const char *content_type;          /* NULL: JSON */
    const struct http_header *headers; /* further ones, API_MOST_HEADERS at most */
    size_t header_count;
    const char *key;      /* Idempotency-Key or NULL: such a request is safe to send twice */
    const char *if_match; /* ticket version or NULL */
    bool is_patient;      /* waits as Retry-After says */
    bool is_large;        /* the answer may have CLIENT_MAX_ANSWER_BYTES */
};

struct api_answer {
    int status; /* 0: nothing came back, see error */
    char *error;
    char *body;
    size_t body_len;
    struct json_doc *doc; /* NULL if the body is no JSON */
    int64_t retry_after_s;
    bool has_no_token; /* there is no token for `who`, nothing was sent */
};

void api_exchange(struct client *client, const struct api_request *request,
                  struct api_answer *answer);
/* EXIT_DONE for 2xx with JSON; otherwise prints the problem and tells the exit code. */
enum exit_code api_check(const struct client *client, const struct api_request *request,
                         const struct api_answer *answer);
/* Both. On anything but EXIT_DONE the answer is already freed. */
MUST_CHECK enum exit_code api_call(struct client *client, const struct api_request *request,
                                   struct api_answer *answer);
void api_answer_free(struct api_answer *answer);
const struct json_value *api_root(const struct api_answer *answer);

/* With --json: prints the answer as it came and returns true. */
bool api_print_raw(const struct client *client, const struct api_answer *answer);

/* Appends one percent-encoded path segment. */
void path_segment(struct sbuf *path, const char *segment);
/* What is wrong with a field: the daemon's own words in our language if it has any, its detail. */
void fault_write(struct sbuf *out, enum lang lang, const struct json_value *fault);
/* RFC 9457 problem as text; body may be any JSON or NULL. */
void problem_write(struct sbuf *out, enum lang lang, int status, const struct json_value *problem);
enum exit_code exit_of_status(int status);

#endif
