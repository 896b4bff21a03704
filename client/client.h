/*
 * client.h - one run of the client: where it speaks to, as whom, and how it prints.
 *
 * Results go to `out`, everything else to `err`. Tokens are looked up here and handed to the HTTP
 * client; nothing else sees them.
 */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/sbuf.h"
#include "client/args.h"
#include "client/table.h"
#include "client/texts.h"
#include "proto/json.h"

#define CLIENT_DEFAULT_URL "http://127.0.0.1:12345"
#define CLIENT_DEFAULT_CREDENTIALS "./var/credentials.json"
#define CLIENT_DEFAULT_TIMEOUT_US (INT64_C(70) * 1000000) /* longer than the longest poll, 55 s */
#define CLIENT_MAX_FILE_BYTES ((size_t)256 << 20)         /* a bundle of a province */
#define CLIENT_MAX_ANSWER_BYTES ((size_t)256 << 20)

struct http_client;

/* What comes from the environment; tests fill it by hand. */
struct client_environment {
    const char *url;         /* HOTLINE_URL */
    const char *token;       /* HOTLINE_TOKEN */
    const char *credentials; /* HOTLINE_CREDENTIALS */
    const char *lc_all, *lc_messages, *lang;
    bool no_color;        /* NO_COLOR */
    size_t out_columns;   /* width of the terminal on out, 0 = not a terminal */
    bool err_is_terminal; /* progress lines may be overwritten */
    FILE *out, *err;
};

struct client {
    FILE *out, *err;
    enum lang lang;
    bool json;
    bool color;
    size_t columns; /* 0 = do not cut */
    bool err_is_terminal;
    char *url; /* without a trailing slash */
    int64_t timeout_us;
    const char *as;               /* --as; NULL = the default of the command */
    const char *token;            /* HOTLINE_TOKEN; NULL = none */
    struct json_doc *credentials; /* NULL = no file */
    struct http_client *http;     /* made on first use */
};

/* false after a text on err: the credentials that were asked for cannot be read. */
MUST_CHECK bool client_init(struct client *client, const struct client_environment *environment,
                            const struct args *args, enum lang lang);
void client_close(struct client *client);
/* The whole program: parses, runs, cleans up. */
enum exit_code client_main(int argc, char *const *argv,
                           const struct client_environment *environment);

/* Who a command speaks as: --as, else the command's default. */
const char *client_who(const struct client *client, const struct args *args);
/*
 * The token of "desk", "unit:JY-CG" ...: of the credentials file if --as was given, else
 * HOTLINE_TOKEN before the file. NULL if there is none.
 */
const char *client_token(const struct client *client, const char *who);

/* Prints a text with {1}.. replaced and a line end, to err with "hotline: " in front. */
void client_complain(const struct client *client, enum text_id id, const char *a, const char *b);
/* The same to out, without the name. */
void client_say(const struct client *client, enum text_id id, const char *a, const char *b);
const char *client_text(const struct client *client, enum text_id id);
void client_print_table(const struct client *client, const struct table *table);
/* Reads a whole file; false after a text on err. */
MUST_CHECK bool client_read_file(const struct client *client, const char *path, size_t max_bytes,
                                 struct sbuf *content);
/* Parses JSON of a file; NULL after a text on err. */
MUST_CHECK struct json_doc *client_read_json(const struct client *client, const char *path);

#endif
