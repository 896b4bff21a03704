/*
 * problem.h - refusals as RFC 9457 problems. One table of all of them: stable word, status, texts.
 *
 *   {"type": "urn:hotline:conflict", "title": "...", "status": 409, "detail": "...", "errors":
 * [{"field", "reason"}]}
 */
#ifndef DAEMON_PROBLEM_H
#define DAEMON_PROBLEM_H

#include "proto/json.h"

enum problem {
    PROBLEM_INVALID,      /* 400: fields named in errors */
    PROBLEM_HTTP,         /* 4xx/5xx of the HTTP layer; the reason is in detail */
    PROBLEM_UNAUTHORIZED, /* 401 */
    PROBLEM_FORBIDDEN,    /* 403 */
    PROBLEM_NOT_FOUND,    /* 404 */
    PROBLEM_METHOD,       /* 405 */
    PROBLEM_CONFLICT,     /* 409: the state does not allow it */
    PROBLEM_IN_PROGRESS,  /* 409: same idempotency key still running */
    PROBLEM_CLOCK,        /* 409: the test clock never goes back */
    PROBLEM_MISMATCH,     /* 412: If-Match */
    PROBLEM_MEDIA_TYPE,   /* 415 */
    PROBLEM_KEY_REUSED,   /* 422: same idempotency key, other body */
    PROBLEM_UNREADABLE,   /* 422: a door of another format; the detail says what to change */
    PROBLEM_TOO_FAST,     /* 429 */
    PROBLEM_INTERNAL,     /* 500 */
    PROBLEM_UNAVAILABLE,  /* 503: cannot store durably now */
    PROBLEM_BUSY,         /* 503: a bound is reached */
    PROBLEM_NO_CITY,      /* 503: no city imported yet */
    PROBLEM_COUNT
};

int problem_status(enum problem problem);
/* What follows "urn:hotline:" in the type. */
const char *problem_word(enum problem problem);
/* NULL: that of the status. */
const char *problem_title(enum problem problem);
/* What is said of it: detail if there is one, else what is always said. */
const char *problem_detail(enum problem problem, int status, const char *detail);
/* Opens the object and writes the members every problem has; the caller may add more and closes it.
 */
void problem_begin(struct json_writer *w, enum problem problem, int status, const char *detail);
void problem_write_faults(struct json_writer *w, const struct faults *faults);
/* Counts one refusal in /metrics. */
void problem_count(enum problem problem);
void problem_register_metrics(void);

#endif
