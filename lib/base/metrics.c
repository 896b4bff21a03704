#include "base/metrics.h"

#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"

struct registered {
    struct metric *metrics; /* one of the two */
    struct metric_histogram *histograms;
    size_t count;
};

/* Process-wide on purpose: tables are static, and /metrics shows all of them. */
static struct registered *tables;
static size_t table_count;

static const struct {
    int64_t us;
    const char *seconds;
} bounds[] = {
    {100, "0.0001"},  {250, "0.00025"}, {500, "0.0005"},  {1000, "0.001"},  {2500, "0.0025"},
    {5000, "0.005"},  {10000, "0.01"},  {25000, "0.025"}, {50000, "0.05"},  {100000, "0.1"},
    {250000, "0.25"}, {500000, "0.5"},  {1000000, "1"},   {2500000, "2.5"}, {5000000, "5"},
    {10000000, "10"}, {25000000, "25"}, {50000000, "50"}, {60000000, "60"},
};

/* bucket[i] counts what is within bounds[i] and above the one before; the last one the rest. */
#define REST_BUCKET ARRAY_LEN(bounds)
_Static_assert(ARRAY_LEN(bounds) + 1 ==
                   sizeof(((struct metric_histogram *)0)->bucket) / sizeof(uint64_t),
               "one bucket for each bound and one for the rest");

static void add_table(struct registered t)
{
    for (size_t i = 0; i < table_count; i++) {
        if (tables[i].metrics == t.metrics && tables[i].histograms == t.histograms)
            return; /* a room that was started twice */
    }
    tables = xrealloc_array(tables, table_count + 1, sizeof(*tables));
    tables[table_count++] = t;
}

void metrics_register(struct metric *table, size_t count)
{
    add_table((struct registered){.metrics = table, .count = count});
}

void metrics_register_histograms(struct metric_histogram *table, size_t count)
{
    add_table((struct registered){.histograms = table, .count = count});
}

void metric_observe_us(struct metric_histogram *h, int64_t us)
{
    size_t i = 0;
    if (us < 0)
        us = 0; /* a clock that was set back */
    while (i < REST_BUCKET && us > bounds[i].us)
        i++;
    h->bucket[i]++;
    h->count++;
    h->sum_seconds += (double)us / 1e6;
}

/* Rows of one name share one head, that of the first. */
static void write_head(struct sbuf *out, const char *previous, const char *name, const char *help,
                       const char *type)
{
    if (previous != NULL && strcmp(previous, name) == 0)
        return;
    sbuf_addf(out, "# HELP %s ", name);
    for (const char *p = help != NULL ? help : ""; *p != '\0'; p++) {
        if (*p == '\\' || *p == '\n')
            sbuf_adds(out, *p == '\n' ? "\\n" : "\\\\");
        else
            sbuf_addc(out, *p);
    }
    sbuf_addf(out, "\n# TYPE %s %s\n", name, type);
}

static void write_metrics(struct sbuf *out, const struct metric *table, size_t count)
{
    const char *previous = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct metric *m = &table[i];
        write_head(out, previous, m->name, m->help,
                   m->type == METRIC_COUNTER ? "counter" : "gauge");
        if (m->labels != NULL)
            sbuf_addf(out, "%s{%s} %lld\n", m->name, m->labels, (long long)m->value);
        else
            sbuf_addf(out, "%s %lld\n", m->name, (long long)m->value);
        previous = m->name;
    }
}

static void write_histogram(struct sbuf *out, const struct metric_histogram *h)
{
    const char *labels = h->labels != NULL ? h->labels : "";
    const char *comma = *labels != '\0' ? "," : "";
    const char *open = *labels != '\0' ? "{" : "";
    const char *close = *labels != '\0' ? "}" : "";
    uint64_t so_far = 0;
    for (size_t i = 0; i <= REST_BUCKET; i++) {
        so_far += h->bucket[i];
        sbuf_addf(out, "%s_bucket{%s%sle=\"%s\"} %llu\n", h->name, labels, comma,
                  i < REST_BUCKET ? bounds[i].seconds : "+Inf", (unsigned long long)so_far);
    }
    /* by integers: the decimal point must not depend on a locale */
    unsigned long long us = (unsigned long long)(h->sum_seconds * 1e6 + 0.5);
    sbuf_addf(out, "%s_sum%s%s%s %llu.%06llu\n", h->name, open, labels, close, us / 1000000,
              us % 1000000);
    sbuf_addf(out, "%s_count%s%s%s %llu\n", h->name, open, labels, close,
              (unsigned long long)h->count);
}

void metrics_write(struct sbuf *out)
{
    for (size_t t = 0; t < table_count; t++) {
        if (tables[t].metrics != NULL) {
            write_metrics(out, tables[t].metrics, tables[t].count);
            continue;
        }
        const struct metric_histogram *h = tables[t].histograms;
        for (size_t i = 0; i < tables[t].count; i++) {
            write_head(out, i > 0 ? h[i - 1].name : NULL, h[i].name, h[i].help, "histogram");
            write_histogram(out, &h[i]);
        }
    }
}

static bool same(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

int64_t metrics_value(const char *name, const char *labels)
{
    for (size_t t = 0; t < table_count; t++) {
        for (size_t i = 0; i < tables[t].count && tables[t].metrics != NULL; i++) {
            const struct metric *m = &tables[t].metrics[i];
            if (same(m->name, name) && same(m->labels, labels))
                return m->value;
        }
    }
    return -1;
}
