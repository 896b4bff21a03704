/*
 * What our parser makes of files, one line each: "NAME<TAB>GET /a 0; POST /p 5; END". The last word
 * is END (between requests), OPEN (inside one) or REJECT with status and reason. Like a server it
 * stops after a request that ends the connection.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "proto/http1.h"

#define FILE_BYTES_MAX ((size_t)1 << 20)

static bool read_file(const char *path, char **data_r, size_t *len_r)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        return false;
    }
    *data_r = xmalloc(FILE_BYTES_MAX);
    *len_r = fread(*data_r, 1, FILE_BYTES_MAX, f);
    (void)fclose(f);
    return true;
}

static void print_request(const struct http1_request *req, size_t body_len)
{
    printf("%s %s %zu; ", http_method_name(req->method), req->target, body_len);
}

/* One event; false: nothing follows. */
static bool print_event(struct http1_parser *parser, enum http1_event event, size_t *body_len)
{
    struct http1_error error = http1_parser_error(parser);
    switch (event) {
    case HTTP1_HEAD:
        *body_len = 0;
        return true;
    case HTTP1_BODY:
        return true;
    case HTTP1_END:
        print_request(http1_parser_request(parser), *body_len);
        if (!http1_parser_request(parser)->keep_alive) {
            printf("END\n");
            return false;
        }
        http1_parser_next(parser);
        return true;
    case HTTP1_REJECT:
        printf("REJECT %d %s\n", error.status, error.reason);
        return false;
    case HTTP1_NEED_MORE:
        printf("%s\n", http1_parser_in_message(parser) ? "OPEN" : "END");
        return false;
    }
    return false;
}

static void print_outcome(const char *data, size_t len)
{
    const struct http1_limits limits = HTTP1_LIMITS_DEFAULT;
    struct http1_parser *parser = http1_parser_new(&limits);
    size_t used, piece_len, body_len = 0;
    const char *piece;
    enum http1_event event;
    do {
        event = http1_parse(parser, data, len, &used, &piece, &piece_len);
        body_len += event == HTTP1_BODY ? piece_len : 0;
        data += used;
        len -= used;
    } while (print_event(parser, event, &body_len));
    http1_parser_free(&parser);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        char *data = NULL;
        size_t len = 0;
        if (!read_file(argv[i], &data, &len))
            return 1;
        const char *slash = strrchr(argv[i], '/');
        printf("%s\t", slash ? slash + 1 : argv[i]);
        print_outcome(data, len);
        free(data);
    }
    return argc > 1 ? 0 : 1;
}
