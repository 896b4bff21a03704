#include "http1_probes.h"

#include <string.h>

#include "base/attr.h"
#include "base/sbuf.h"

#define GET "GET /a HTTP/1.1\r\nHost: city\r\n"
#define GET_ONLY GET "\r\n"
#define POST "POST /p HTTP/1.1\r\nHost: city\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

#define BYTES(s) s, sizeof(s) - 1
#define ACCEPT(name, s, n)                                                                         \
    {                                                                                              \
        name, BYTES(s), n, 0, NULL, false                                                          \
    }
#define OPEN(name, s, n)                                                                           \
    {                                                                                              \
        name, BYTES(s), n, 0, NULL, true                                                           \
    }
#define REJECT(name, s, n, status, reason)                                                         \
    {                                                                                              \
        name, BYTES(s), n, status, reason, false                                                   \
    }

/* The long ones at the end of the list are built at run time. */
static const struct http1_probe short_probes[] = {
    /* whole requests */
    ACCEPT("get", GET_ONLY, 1),
    ACCEPT("get_1_0", "GET /a HTTP/1.0\r\n\r\n", 1),
    ACCEPT("get_query", "GET /a/b?c=d&e=%20f HTTP/1.1\r\nHost: city:12345\r\n\r\n", 1),
    ACCEPT("get_utf8_path", "GET /%E5%8C%97 HTTP/1.1\r\nHost: city\r\n\r\n", 1),
    ACCEPT("head", "HEAD / HTTP/1.1\r\nHost: city\r\n\r\n", 1),
    ACCEPT("options_asterisk", "OPTIONS * HTTP/1.1\r\nHost: city\r\n\r\n", 1),
    ACCEPT("two_pipelined", GET_ONLY GET_ONLY, 2),
    ACCEPT("post_length", POST "Content-Length: 5\r\n\r\nhello", 1),
    ACCEPT("post_then_get", POST "Content-Length: 5\r\n\r\nhello" GET_ONLY, 2),
    ACCEPT("post_length_0", POST "Content-Length: 0\r\n\r\n", 1),
    ACCEPT("post_no_length", POST "\r\n", 1),
    ACCEPT("post_chunked", CHUNKED "5\r\nhello\r\n00a\r\n0123456789\r\n0\r\n\r\n", 1),
    ACCEPT("post_chunked_then_get", CHUNKED "1\r\nx\r\n0\r\n\r\n" GET_ONLY, 2),
    ACCEPT("te_upper_case", POST "TRANSFER-ENCODING: Chunked\r\n\r\n0\r\n\r\n", 1),
    ACCEPT("chunk_trailer", CHUNKED "1\r\nx\r\n0\r\nX-Sum: 1\r\nHost: evil\r\n\r\n", 1),
    ACCEPT("get_with_body", GET "Content-Length: 3\r\n\r\nabc", 1),
    ACCEPT("get_hiding_request",
           GET "Content-Length: 33\r\n\r\nGET /b HTTP/1.1\r\nHost: evil\r\n\r\nxx", 1),
    ACCEPT("leading_crlf", "\r\n" GET_ONLY, 1),
    ACCEPT("crlf_between", GET_ONLY "\r\n" GET_ONLY, 2),
    ACCEPT("absolute_form", "GET http://city/a?b HTTP/1.1\r\nHost: city\r\n\r\n", 1),
    ACCEPT("absolute_form_bare", "GET http://city HTTP/1.1\r\nHost: city\r\n\r\n", 1),
    ACCEPT("expect_100", POST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nok", 1),
    ACCEPT("expect_in_1_0", "POST / HTTP/1.0\r\nExpect: moon\r\nContent-Length: 2\r\n\r\nok", 1),
    ACCEPT("empty_value", GET "X-A:\r\nX-B:  \t\r\n\r\n", 1),
    ACCEPT("obs_text_value", GET "X-A: caf\xc3\xa9\r\n\r\n", 1),
    ACCEPT("connection_close", GET "Connection: close\r\n\r\n", 1),
    ACCEPT("host_ipv6", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 1),
    OPEN("partial_head", GET "X-A: b", 0),
    OPEN("partial_body", POST "Content-Length: 5\r\n\r\nhel", 0),
    OPEN("partial_chunk", CHUNKED "5\r\nhel", 0),
    /* who it is for */
    REJECT("no_host", "GET / HTTP/1.1\r\n\r\n", 0, 400, "no_host"),
    REJECT("two_hosts", GET "Host: evil\r\n\r\n", 0, 400, "two_hosts"),
    REJECT("empty_host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 0, 400, "bad_host"),
    REJECT("host_userinfo", "GET / HTTP/1.1\r\nHost: a@city\r\n\r\n", 0, 400, "bad_host"),
    REJECT("host_list", "GET / HTTP/1.1\r\nHost: city, evil\r\n\r\n", 0, 400, "bad_host"),
    REJECT("host_mismatch", "GET http://evil/ HTTP/1.1\r\nHost: city\r\n\r\n", 0, 400,
           "host_mismatch"),
    /* where the body ends */
    REJECT("cl_then_te", POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0,
           400, "length_and_encoding"),
    REJECT("te_then_cl", POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 0,
           400, "length_and_encoding"),
    REJECT("te_gzip_chunked", POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 0, 501,
           "unknown_encoding"),
    REJECT("te_twice",
           POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"
                "0\r\n\r\n",
           0, 400, "two_encodings"),
    REJECT("te_xchunked_cl", POST "Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n\r\nhello",
           0, 400, "length_and_encoding"),
    REJECT("te_xchunked", POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 0, 501,
           "unknown_encoding"),
    REJECT("te_identity", POST "Transfer-Encoding: identity\r\n\r\n", 0, 501, "unknown_encoding"),
    REJECT("te_identity_cl", POST "Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello",
           0, 400, "length_and_encoding"),
    REJECT("te_in_1_0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0, 400,
           "encoding_in_http_1_0"),
    REJECT("cl_twice_different", POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 0, 400,
           "two_lengths"),
    REJECT("cl_twice_same", POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 0, 400,
           "two_lengths"),
    REJECT("cl_plus", POST "Content-Length: +5\r\n\r\nhello", 0, 400, "bad_length"),
    REJECT("cl_minus", POST "Content-Length: -5\r\n\r\nhello", 0, 400, "bad_length"),
    REJECT("cl_list", POST "Content-Length: 5,5\r\n\r\nhello", 0, 400, "bad_length"),
    REJECT("cl_empty", POST "Content-Length:\r\n\r\n", 0, 400, "bad_length"),
    REJECT("cl_hex", POST "Content-Length: 0x5\r\n\r\nhello", 0, 400, "bad_length"),
    REJECT("cl_blank_inside", POST "Content-Length: 5 5\r\n\r\nhello", 0, 400, "bad_length"),
    REJECT("cl_overflow", POST "Content-Length: 18446744073709551621\r\n\r\nhello", 0, 413,
           "length_too_large"),
    REJECT("cl_space_before_colon", POST "Content-Length : 5\r\n\r\nhello", 0, 400,
           "bad_field_name"),
    /* chunks */
    REJECT("chunk_bare_lf", CHUNKED "5\nhello\n0\n\n", 0, 400, "bare_lf"),
    REJECT("chunk_cr_only", CHUNKED "5\rhello\r\n0\r\n\r\n", 0, 400, "bare_cr"),
    REJECT("chunk_0x", CHUNKED "0x5\r\nhello\r\n0\r\n\r\n", 0, 400, "bad_chunk_size"),
    REJECT("chunk_plus", CHUNKED "+5\r\nhello\r\n0\r\n\r\n", 0, 400, "bad_chunk_size"),
    REJECT("chunk_empty_size", CHUNKED "\r\nhello\r\n0\r\n\r\n", 0, 400, "bad_chunk_size"),
    REJECT("chunk_extension", CHUNKED "5;a=b\r\nhello\r\n0\r\n\r\n", 0, 400, "chunk_extension"),
    REJECT("chunk_blank", CHUNKED "5 \r\nhello\r\n0\r\n\r\n", 0, 400, "chunk_extension"),
    REJECT("chunk_no_crlf_after_data", CHUNKED "5\r\nhello0\r\n\r\n", 0, 400, "bad_chunk_end"),
    REJECT("chunk_lf_after_data", CHUNKED "5\r\nhello\n0\r\n\r\n", 0, 400, "bad_chunk_end"),
    REJECT("chunk_overflow", CHUNKED "10000000000000005\r\nhello\r\n0\r\n\r\n", 0, 413,
           "chunk_too_large"),
    REJECT("trailer_bad", CHUNKED "0\r\nX A: b\r\n\r\n", 0, 400, "bad_field_name"),
    REJECT("trailer_fold", CHUNKED "0\r\nX: b\r\n c\r\n\r\n", 0, 400, "obs_fold"),
    /* lines and fields */
    REJECT("bare_lf_headers", "GET / HTTP/1.1\nHost: city\n\n", 0, 400, "bare_lf"),
    REJECT("bare_lf_one_header", GET "X-A: b\nX-C: d\r\n\r\n", 0, 400, "bare_lf"),
    REJECT("bare_lf_end", GET "\n", 0, 400, "bare_lf"),
    REJECT("leading_lf", "\n" GET_ONLY, 0, 400, "bare_lf"),
    REJECT("leading_crlf_twice", "\r\n\r\n" GET_ONLY, 0, 400, "empty_line"),
    REJECT("obs_fold", GET "X-A: b\r\n c\r\n\r\n", 0, 400, "obs_fold"),
    REJECT("fold_first", "GET / HTTP/1.1\r\n Host: city\r\n\r\n", 0, 400, "obs_fold"),
    REJECT("nul_in_value", GET "X-A: b\0c\r\n\r\n", 0, 400, "nul_byte"),
    REJECT("cr_in_value", GET "X-A: b\rc\r\n\r\n", 0, 400, "bare_cr"),
    REJECT("control_in_value", GET "X-A: b\x01\r\n\r\n", 0, 400, "control_byte"),
    REJECT("delete_in_value", GET "X-A: b\x7f\r\n\r\n", 0, 400, "control_byte"),
    REJECT("empty_name", GET ": b\r\n\r\n", 0, 400, "empty_field_name"),
    REJECT("no_colon", GET "X-A b\r\n\r\n", 0, 400, "bad_field_name"),
    REJECT("nul_in_name", GET "X\0A: b\r\n\r\n", 0, 400, "bad_field_name"),
    REJECT("high_byte_in_name", GET "X\xe9: b\r\n\r\n", 0, 400, "bad_field_name"),
    REJECT("two_authorizations", GET "Authorization: a\r\nauthorization: b\r\n\r\n", 0, 400,
           "duplicate_header"),
    REJECT("two_keys", GET "Idempotency-Key: a\r\nIdempotency-Key: b\r\n\r\n", 0, 400,
           "duplicate_header"),
    REJECT("expect_other", POST "Expect: 200-ok\r\nContent-Length: 2\r\n\r\nok", 0, 417,
           "unknown_expectation"),
    /* request line */
    REJECT("nul_in_line", "GET /\0 HTTP/1.1\r\nHost: city\r\n\r\n", 0, 400, "nul_byte"),
    REJECT("path_nul", "GET /%00 HTTP/1.1\r\nHost: city\r\n\r\n", 0, 400, "escaped_control"),
    REJECT("path_crlf", "GET /%0d%0a HTTP/1.1\r\nHost: city\r\n\r\n", 0, 400, "escaped_control"),
    REJECT("path_bad_escape", "GET /%zz HTTP/1.1\r\nHost: city\r\n\r\n", 0, 400, "bad_escape"),
    REJECT("path_cut_escape", "GET /%4 HTTP/1.1\r\nHost: city\r\n\r\n", 0, 400, "bad_escape"),
    REJECT("path_slash", "GET /a%2fb HTTP/1.1\r\nHost: city\r\n\r\n", 0, 400, "escaped_slash"),
    REJECT("path_dots", "GET /a/../b HTTP/1.1\r\nHost: city\r\n\r\n", 0, 400, "dot_segment"),
    REJECT("path_escaped_dots", "GET /a/%2e%2e/b HTTP/1.1\r\nHost: city\r\n\r\n", 0, 400,
           "dot_segment"),
    REJECT("path_overlong", "GET /%c0%af HTTP/1.1\r\nHost: city\r\n\r\n", 0, 400, "path_not_utf8"),
    REJECT("path_raw_utf8", "GET /\xe5\x8c\x97 HTTP/1.1\r\nHost: city\r\n\r\n", 0, 400,
           "bad_target"),
    REJECT("fragment", "GET /a#b HTTP/1.1\r\nHost: city\r\n\r\n", 0, 400, "bad_target"),
    REJECT("relative_target", "GET a HTTP/1.1\r\nHost: city\r\n\r\n", 0, 400, "bad_target"),
    REJECT("get_asterisk", "GET * HTTP/1.1\r\nHost: city\r\n\r\n", 0, 400, "bad_target"),
    REJECT("absolute_ftp", "GET ftp://city/ HTTP/1.1\r\nHost: city\r\n\r\n", 0, 400, "bad_target"),
    REJECT("two_blanks", "GET  / HTTP/1.1\r\nHost: city\r\n\r\n", 0, 400, "bad_version"),
    REJECT("tab_separated", "GET\t/\tHTTP/1.1\r\nHost: city\r\n\r\n", 0, 400, "bad_request_line"),
    REJECT("blank_at_end", "GET / HTTP/1.1 \r\nHost: city\r\n\r\n", 0, 400, "bad_version"),
    REJECT("leading_blank", " GET / HTTP/1.1\r\nHost: city\r\n\r\n", 0, 400, "bad_method"),
    REJECT("http_0_9", "GET /\r\n", 0, 400, "bad_request_line"),
    REJECT("http_1_2", "GET / HTTP/1.2\r\nHost: city\r\n\r\n", 0, 505, "unknown_version"),
    REJECT("http_2_0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0, 505, "unknown_version"),
    REJECT("http_1_9999999999", "GET / HTTP/1.9999999999\r\nHost: city\r\n\r\n", 0, 400,
           "bad_version"),
    REJECT("http_lower_case", "GET / http/1.1\r\nHost: city\r\n\r\n", 0, 400, "bad_version"),
    REJECT("method_unknown", "BREW /pot HTTP/1.1\r\nHost: city\r\n\r\n", 0, 501, "unknown_method"),
    REJECT("method_trace", "TRACE / HTTP/1.1\r\nHost: city\r\n\r\n", 0, 501, "unknown_method"),
    REJECT("method_connect", "CONNECT city:80 HTTP/1.1\r\nHost: city\r\n\r\n", 0, 501,
           "unknown_method"),
    REJECT("method_lower_case", "get / HTTP/1.1\r\nHost: city\r\n\r\n", 0, 501, "unknown_method"),
    REJECT("tls_hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 0, 400, "bad_method"),
    REJECT("second_is_bad", GET_ONLY "GET / HTTP/1.1\r\n\r\n", 1, 400, "no_host"),
};

enum { LONG_PROBES = 6 };

/* before + count * middle + after; kept for the life of the process. */
static struct http1_probe long_probe(const char *name, const char *before, const char *middle,
                                     size_t count, const char *after)
{
    struct sbuf text;
    sbuf_init(&text, 0);
    sbuf_adds(&text, before);
    for (size_t i = 0; i < count; i++)
        sbuf_adds(&text, middle);
    sbuf_adds(&text, after);
    return (struct http1_probe){.name = name, .bytes = text.data, .len = text.len};
}

static struct http1_probe rejected(struct http1_probe p, int status, const char *reason)
{
    p.status = status;
    p.reason = reason;
    return p;
}

static void add_long(struct http1_probe *to)
{
    to[0] = long_probe("header_9_kb", GET "X-A: ", "a", 9000, "\r\n\r\n");
    to[0].requests = 1;
    to[1] = rejected(long_probe("header_20_kb", GET "X-A: ", "a", 20000, "\r\n\r\n"), 431,
                     "head_too_large");
    to[2] =
        rejected(long_probe("headers_2000", GET, "A:b\r\n", 2000, "\r\n"), 431, "too_many_headers");
    to[3] = rejected(long_probe("uri_9_kb", "GET /", "a", 9000, " HTTP/1.1\r\nHost: city\r\n\r\n"),
                     414, "request_line_too_long");
    to[4] = rejected(long_probe("trailers_20_kb", CHUNKED "0\r\nX-A: ", "a", 20000, "\r\n\r\n"),
                     431, "trailer_too_large");
    to[5] = rejected(long_probe("chunk_size_zeros", CHUNKED, "0", 300, "5\r\nhello\r\n0\r\n\r\n"),
                     413, "chunk_too_large");
}

const struct http1_probe *http1_probes(size_t *count_r)
{
    static struct http1_probe all[ARRAY_LEN(short_probes) + LONG_PROBES];
    if (!all[0].name) {
        memcpy(all, short_probes, sizeof(short_probes));
        add_long(all + ARRAY_LEN(short_probes));
    }
    *count_r = ARRAY_LEN(all);
    return all;
}
