/*
 * http1_private.h - what the request and the response parser share: the bytes of a head, its field
 * lines, the framing of a body. Included by proto/http1_*.c only.
 */
#ifndef PROTO_HTTP1_PRIVATE_H
#define PROTO_HTTP1_PRIVATE_H

#include "proto/http1.h"

/* Classes of bytes, as bits of http1_class[]. */
enum {
    HTTP1_TOKEN = 1,   /* tchar of RFC 9110 */
    HTTP1_VALUE = 2,   /* field value: printable, SP, HTAB, obs-text */
    HTTP1_PATH = 4,    /* pchar, "/" and "%" of RFC 3986 */
    HTTP1_QUERY = 8,   /* printable ASCII but "#" */
    HTTP1_REGNAME = 16 /* what a registered host name consists of */
};
extern const unsigned char http1_class[256];

static inline bool http1_is(char c, unsigned char_class)
{
    return (http1_class[(unsigned char)c] & char_class) != 0;
}
/* Value of a hex digit, -1 if it is none. */
int http1_hex(char c);
/* Always false, so that a check can `return http1_fail(...)`. */
bool http1_fail(struct http1_error *error, int status, const char *reason);
/* Only bytes of class HTTP1_VALUE; otherwise says which kind of byte it was. */
bool http1_text_valid(const char *text, size_t len, struct http1_error *error);

/* ---- head: lines gathered in one buffer --------------------------------------------------------
 */

struct http1_field {
    size_t name, value; /* offsets: the buffer may move until the head is complete */
};

struct http1_head {
    struct http1_limits limits;
    char *bytes; /* lines, cut to strings in place */
    size_t len, cap;
    size_t line; /* start of the line being read */
    size_t count, field_cap;
    struct http1_field *fields;
    struct http_header *headers; /* filled in by http1_head_publish() */
};

enum http1_line { HTTP1_LINE_MORE, HTTP1_LINE_FULL, HTTP1_LINE_REJECT };

void http1_head_init(struct http1_head *head, const struct http1_limits *limits);
void http1_head_free(struct http1_head *head);
void http1_head_reset(struct http1_head *head);
/*
 * Takes bytes up to and including the next LF, but never past `limit` bytes of head in all; over it
 * the error is over_status. A full line stands at *line_r without its CRLF, NUL-terminated.
 */
enum http1_line http1_head_line(struct http1_head *head, size_t limit, struct http1_error over,
                                const char *in, size_t len, size_t *used_r, char **line_r,
                                size_t *line_len_r, struct http1_error *error);
/* Cuts the line into name and value and remembers it. */
bool http1_head_field(struct http1_head *head, char *line, size_t len, struct http1_error *error);
/* Turns offsets into pointers; valid until the next reset. */
void http1_head_publish(struct http1_head *head);
const char *http1_find(const struct http_header *headers, size_t count, const char *name);

/* Headers that may come once; the parsers need the first three themselves. */
enum http1_known {
    HTTP1_KNOWN_HOST,
    HTTP1_KNOWN_LENGTH,
    HTTP1_KNOWN_ENCODING,
    HTTP1_KNOWN_EXPECT,
    HTTP1_KNOWN_TYPE,
    HTTP1_KNOWN_AUTHORIZATION,
    HTTP1_KNOWN_KEY,
    HTTP1_KNOWN_COUNT
};

struct http1_framing {
    bool keep_alive;
    bool is_chunked;
    int64_t content_length; /* -1 if not given */
};
/* The head has to be published. known[] gets the values, NULL if absent. */
bool http1_framing_read(const struct http1_head *head, int minor,
                        const char *known[HTTP1_KNOWN_COUNT], struct http1_framing *framing,
                        struct http1_error *error);

/* ---- body --------------------------------------------------------------------------------------
 */

enum http1_body_step {
    HTTP1_AT_SIZE,    /* chunk size digits */
    HTTP1_AT_SIZE_LF, /* LF after them */
    HTTP1_AT_DATA,    /* bytes of a chunk, of a body of known length, or up to EOF */
    HTTP1_AT_DATA_CR,
    HTTP1_AT_DATA_LF,
    HTTP1_AT_TRAILER,
    HTTP1_AT_DONE
};

struct http1_body {
    enum http1_body_step step;
    bool is_chunked;
    bool until_eof;
    uint64_t left;   /* bytes of this chunk or body */
    unsigned digits; /* of the chunk size */
    struct http1_head trailer;
};

void http1_body_start(struct http1_body *body, const struct http1_framing *framing, bool until_eof);
enum http1_event http1_body_parse(struct http1_body *body, const char *in, size_t len,
                                  size_t *used_r, const char **data_r, size_t *len_r,
                                  struct http1_error *error);

#endif
