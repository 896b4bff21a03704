/*
 * http1_probes.h - the conformance probes of the HTTP/1.1 parser: what a hostile or broken client
 * sends, and what has to come of it. Used by the parser's test, by the server's over real sockets,
 * and, as files in test/fuzz/corpus/http1, by the fuzzer and the comparison with Node.
 */
#ifndef TEST_HTTP1_PROBES_H
#define TEST_HTTP1_PROBES_H

#include <stdbool.h>
#include <stddef.h>

struct http1_probe {
    const char *name;
    const char *bytes;
    size_t len;
    unsigned requests;  /* complete ones before the end or the rejection */
    int status;         /* of the rejection; 0 = none */
    const char *reason; /* NULL = none */
    bool open;          /* ends inside a message: a server goes on waiting */
};

/* Limits are the defaults. Static memory. */
const struct http1_probe *http1_probes(size_t *count_r);

#endif
