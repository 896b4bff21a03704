/*
 * http1_common.c - lines, fields, status texts and dates; see http1.h and http1_private.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/civil.h"
#include "base/clk.h"
#include "proto/http1_private.h"

#define T HTTP1_TOKEN
#define V HTTP1_VALUE
#define P HTTP1_PATH
#define Q HTTP1_QUERY
#define R HTTP1_REGNAME

const unsigned char http1_class[256] = {
    ['\t'] = V,
    [' '] = V,
    ['!'] = T | V | P | Q,
    ['"'] = V | Q,
    ['#'] = T | V,
    ['$' ... '\''] = T | V | P | Q,
    ['(' ... ')'] = V | P | Q,
    ['*' ... '+'] = T | V | P | Q,
    [','] = V | P | Q,
    ['-' ... '.'] = T | V | P | Q | R,
    ['/'] = V | P | Q,
    ['0' ... '9'] = T | V | P | Q | R,
    [':' ... ';'] = V | P | Q,
    ['<'] = V | Q,
    ['='] = V | P | Q,
    ['>' ... '?'] = V | Q,
    ['@'] = V | P | Q,
    ['A' ... 'Z'] = T | V | P | Q | R,
    ['[' ... ']'] = V | Q,
    ['^'] = T | V | Q,
    ['_'] = T | V | P | Q | R,
    ['`'] = T | V | Q,
    ['a' ... 'z'] = T | V | P | Q | R,
    ['{'] = V | Q,
    ['|'] = T | V | Q,
    ['}'] = V | Q,
    ['~'] = T | V | P | Q,
    [0x80 ... 0xff] = V,
};
#undef T
#undef V
#undef P
#undef Q
#undef R

/* Most heads of API clients fit; larger ones double it up to the limit. */
#define HEAD_FIRST_BYTES 1024
#define HEAD_FIRST_FIELDS 16

int http1_hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool http1_fail(struct http1_error *error, int status, const char *reason)
{
    error->status = status;
    error->reason = reason;
    return false;
}

/* ---- lines -------------------------------------------------------------------------------------
 */

void http1_head_init(struct http1_head *head, const struct http1_limits *limits)
{
    *head = (struct http1_head){.limits = *limits};
}

void http1_head_free(struct http1_head *head)
{
    free(head->bytes);
    free(head->fields);
    free(head->headers);
    *head = (struct http1_head){.limits = head->limits};
}

void http1_head_reset(struct http1_head *head)
{
    head->len = 0;
    head->line = 0;
    head->count = 0;
}

static void head_append(struct http1_head *head, const char *in, size_t len)
{
    if (head->cap - head->len < len) {
        size_t cap = head->cap ? head->cap : HEAD_FIRST_BYTES;
        while (cap - head->len < len)
            cap *= 2;
        head->bytes = xrealloc_array(head->bytes, cap, 1);
        head->cap = cap;
    }
    memcpy(head->bytes + head->len, in, len);
    head->len += len;
}

enum http1_line http1_head_line(struct http1_head *head, size_t limit, struct http1_error over,
                                const char *in, size_t len, size_t *used_r, char **line_r,
                                size_t *line_len_r, struct http1_error *error)
{
    size_t room = limit > head->len ? limit - head->len : 0;
    size_t look = len < room ? len : room;
    *used_r = 0;
    if (len == 0)
        return HTTP1_LINE_MORE;
    const char *lf = look > 0 ? memchr(in, '\n', look) : NULL;
    if (!lf && len >= room) {
        *error = over;
        return HTTP1_LINE_REJECT;
    }
    size_t take = lf ? (size_t)(lf - in) + 1 : len;
    head_append(head, in, take);
    *used_r = take;
    if (!lf)
        return HTTP1_LINE_MORE;
    size_t line_len = head->len - head->line - 1;
    char *line = head->bytes + head->line;
    if (line_len == 0 || line[line_len - 1] != '\r') {
        (void)http1_fail(error, 400, "bare_lf");
        return HTTP1_LINE_REJECT;
    }
    line[--line_len] = '\0';
    head->line = head->len;
    *line_r = line;
    *line_len_r = line_len;
    return HTTP1_LINE_FULL;
}

/* ---- fields ------------------------------------------------------------------------------------
 */

bool http1_text_valid(const char *value, size_t len, struct http1_error *error)
{
    for (size_t i = 0; i < len; i++) {
        if (http1_is(value[i], HTTP1_VALUE))
            continue;
        return http1_fail(error, 400,
                          value[i] == '\r'   ? "bare_cr"
                          : value[i] == '\0' ? "nul_byte"
                                             : "control_byte");
    }
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static struct http1_field *head_new_field(struct http1_head *head)
{
    if (head->count == head->field_cap) {
        size_t cap = head->field_cap ? head->field_cap * 2 : HEAD_FIRST_FIELDS;
        if (cap > head->limits.header_count)
            cap = head->limits.header_count;
        head->fields = xrealloc_array(head->fields, cap, sizeof(*head->fields));
        head->headers = xrealloc_array(head->headers, cap, sizeof(*head->headers));
        head->field_cap = cap;
    }
    return &head->fields[head->count++];
}

bool http1_head_field(struct http1_head *head, char *line, size_t len, struct http1_error *error)
{
    if (head->count >= head->limits.header_count)
        return http1_fail(error, 431, "too_many_headers");
    if (is_space(line[0]))
        return http1_fail(error, 400, "obs_fold");
    size_t name_len = 0;
    while (name_len < len && http1_is(line[name_len], HTTP1_TOKEN))
        name_len++;
    if (name_len == len || line[name_len] != ':')
        return http1_fail(error, 400, "bad_field_name");
    if (name_len == 0)
        return http1_fail(error, 400, "empty_field_name");
    size_t from = name_len + 1, to = len;
    while (from < to && is_space(line[from]))
        from++;
    while (to > from && is_space(line[to - 1]))
        to--;
    if (!http1_text_valid(line + from, to - from, error))
        return false;
    line[name_len] = '\0';
    line[to] = '\0';
    size_t start = (size_t)(line - head->bytes);
    *head_new_field(head) = (struct http1_field){start, start + from};
    return true;
}

void http1_head_publish(struct http1_head *head)
{
    for (size_t i = 0; i < head->count; i++)
        head->headers[i] = (struct http_header){head->bytes + head->fields[i].name,
                                                head->bytes + head->fields[i].value};
}

const char *http1_find(const struct http_header *headers, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(headers[i].name, name) == 0)
            return headers[i].value;
    }
    return NULL;
}

/* ---- framing -----------------------------------------------------------------------------------
 */

static const struct {
    const char *name;
    const char *doubled; /* reason when it comes twice */
} known_headers[HTTP1_KNOWN_COUNT] = {
    [HTTP1_KNOWN_HOST] = {"host", "two_hosts"},
    [HTTP1_KNOWN_LENGTH] = {"content-length", "two_lengths"},
    [HTTP1_KNOWN_ENCODING] = {"transfer-encoding", "two_encodings"},
    [HTTP1_KNOWN_EXPECT] = {"expect", "duplicate_header"},
    [HTTP1_KNOWN_TYPE] = {"content-type", "duplicate_header"},
    [HTTP1_KNOWN_AUTHORIZATION] = {"authorization", "duplicate_header"},
    [HTTP1_KNOWN_KEY] = {"idempotency-key", "duplicate_header"},
};

static bool known_read(const struct http_header *header, const char *known[HTTP1_KNOWN_COUNT],
                       struct http1_error *error)
{
    for (size_t k = 0; k < HTTP1_KNOWN_COUNT; k++) {
        if (strcasecmp(header->name, known_headers[k].name) != 0)
            continue;
        if (known[k])
            return http1_fail(error, 400, known_headers[k].doubled);
        known[k] = header->value;
    }
    return true;
}

/* Looks for close and keep-alive in a list; other options mean nothing to us. */
static void connection_read(const char *value, bool *close_r, bool *keep_r)
{
    while (*value) {
        value += strspn(value, ", \t");
        size_t len = strcspn(value, ", \t");
        if (len == 5 && strncasecmp(value, "close", len) == 0)
            *close_r = true;
        if (len == 10 && strncasecmp(value, "keep-alive", len) == 0)
            *keep_r = true;
        value += len;
    }
}

static bool length_read(const char *value, int64_t *length_r, struct http1_error *error)
{
    int64_t n = 0;
    size_t digits = strlen(value);
    if (digits == 0 || strspn(value, "0123456789") != digits)
        return http1_fail(error, 400, "bad_length");
    if (digits > 18) /* would not fit into 63 bits */
        return http1_fail(error, 413, "length_too_large");
    for (size_t i = 0; i < digits; i++)
        n = n * 10 + (value[i] - '0');
    *length_r = n;
    return true;
}

bool http1_framing_read(const struct http1_head *head, int minor,
                        const char *known[HTTP1_KNOWN_COUNT], struct http1_framing *framing,
                        struct http1_error *error)
{
    bool close = false, keep = false;
    for (size_t i = 0; i < head->count; i++) {
        if (!known_read(&head->headers[i], known, error))
            return false;
        if (strcasecmp(head->headers[i].name, "connection") == 0)
            connection_read(head->headers[i].value, &close, &keep);
    }
    *framing =
        (struct http1_framing){.keep_alive = !close && (minor == 1 || keep), .content_length = -1};
    const char *length = known[HTTP1_KNOWN_LENGTH], *encoding = known[HTTP1_KNOWN_ENCODING];
    if (encoding && length)
        return http1_fail(error, 400, "length_and_encoding");
    if (encoding && minor == 0)
        return http1_fail(error, 400, "encoding_in_http_1_0");
    if (encoding && strcasecmp(encoding, "chunked") != 0)
        return http1_fail(error, 501, "unknown_encoding");
    framing->is_chunked = encoding != NULL;
    return !length || length_read(length, &framing->content_length, error);
}

/* ---- names -------------------------------------------------------------------------------------
 */

static const char *const method_names[] = {
    [HTTP_GET] = "GET",       [HTTP_HEAD] = "HEAD",
    [HTTP_POST] = "POST",     [HTTP_PUT] = "PUT",
    [HTTP_DELETE] = "DELETE", [HTTP_OPTIONS] = "OPTIONS",
    [HTTP_PATCH] = "PATCH",   [HTTP_METHOD_UNKNOWN] = "UNKNOWN",
};

const char *http_method_name(enum http_method m)
{
    return (size_t)m < ARRAY_LEN(method_names) ? method_names[m] : "UNKNOWN";
}

static const struct {
    int status;
    const char *text;
} status_texts[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {409, "Conflict"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {500, "Internal Server Error"},
    {503, "Service Unavailable"},
    {100, "Continue"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {410, "Gone"},
    {411, "Length Required"},
    {414, "URI Too Long"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {423, "Locked"},
    {428, "Precondition Required"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

const char *http_status_text(int status)
{
    for (size_t i = 0; i < ARRAY_LEN(status_texts); i++) {
        if (status_texts[i].status == status)
            return status_texts[i].text;
    }
    return "Unknown";
}

void http_format_date(int64_t instant_us, char out[HTTP_DATE_SIZE])
{
    static const char days[7][4] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    if (instant_us < CIVIL_MIN_US || instant_us >= CIVIL_MAX_US)
        instant_us = CIVIL_MIN_US;
    int32_t day = civil_local_day(instant_us, 0);
    struct civil_date d = civil_date_from_day(day);
    int s = (int)(civil_local_time_us(instant_us, 0) / US_PER_SECOND);
    (void)snprintf(out, HTTP_DATE_SIZE, "%s, %02d %s %04d %02d:%02d:%02d GMT",
                   days[civil_weekday(day)], d.day, months[d.month - 1], d.year, s / 3600,
                   s / 60 % 60, s % 60);
}
