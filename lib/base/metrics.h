/*
 * metrics.h - counters, gauges and histograms, registered in tables, written in Prometheus text.
 *
 * A room declares its metrics as a static table and registers it once; incrementing is a plain
 * add (one thread). Every refusal and every limit has a counter.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "base/sbuf.h"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE };

struct metric {
    const char *name;   /* hotlined_http_requests_total */
    const char *labels; /* static label set, e.g. reason="head_timeout"; NULL = none */
    const char *help;   /* one sentence with the unit; taken from the first metric of a name */
    enum metric_type type;
    int64_t value;
};

/* Upper bounds in microseconds are fixed: 100us .. 60s in a 1-2.5-5 series. */
struct metric_histogram {
    const char *name; /* ..._seconds */
    const char *labels;
    const char *help;
    uint64_t bucket[20];
    uint64_t count;
    double sum_seconds;
};

/* Tables live for the rest of the process; rows of one name must stand together. */
void metrics_register(struct metric *table, size_t count);
void metrics_register_histograms(struct metric_histogram *table, size_t count);
static inline void metric_add(struct metric *m, int64_t n)
{
    m->value += n;
}
static inline void metric_inc(struct metric *m)
{
    m->value++;
}
static inline void metric_set(struct metric *m, int64_t v)
{
    m->value = v;
}
void metric_observe_us(struct metric_histogram *h, int64_t us);
void metrics_write(struct sbuf *out);
/* Looks one up for tests: -1 if there is none. labels NULL matches NULL. */
int64_t metrics_value(const char *name, const char *labels);

#endif
