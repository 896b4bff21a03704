/*
 * canned_server.h - a tiny HTTP server in a thread, whose answers are made by the test, and a run
 * of the whole client against it.
 */
#ifndef TEST_CANNED_SERVER_H
#define TEST_CANNED_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/args.h"

struct canned_request {
    char method[8];
    char target[512];
    char authorization[128];
    char idempotency_key[160];
    char if_match[32];
    char last_event_id[32];
    char *body;
};

enum canned_fate {
    CANNED_ANSWER,
    CANNED_HANG,    /* never answers */
    CANNED_GARBAGE, /* bytes that are no HTTP */
    CANNED_CUT,     /* closes in the middle of the body */
};

struct canned_reply {
    int status;
    enum canned_fate fate;
    const char *type;    /* NULL: application/json */
    const char *headers; /* further lines with CRLF, or NULL */
    char body[16384];
};

typedef void (*canned_handler)(void *ctx, const struct canned_request *request,
                               struct canned_reply *reply);

struct canned_server;
struct canned_server *canned_server_start(canned_handler handler, void *ctx);
/* Joins the thread: what the handler wrote may be read after it. */
void canned_server_stop(struct canned_server **server);
uint16_t canned_server_port(const struct canned_server *server);

struct client_run {
    /* set before */
    const char *url; /* HOTLINE_URL */
    const char *token;
    const char *credentials; /* HOTLINE_CREDENTIALS */
    const char *lang;        /* LANG */
    size_t columns;
    /* set after; freed by client_run_free() */
    enum exit_code code;
    char *out, *err;
};

/* Runs `hotline` with the words up to a NULL. */
void client_run(struct client_run *run, ...) __attribute__((sentinel));
void client_run_free(struct client_run *run);

#endif
