#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/attr.h"
#include "base/metrics.h"

static struct metric table[] = {
    {"t_requests_total", "code=\"200\"", "Requests.", METRIC_COUNTER, 0},
    {"t_requests_total", "code=\"500\"", NULL, METRIC_COUNTER, 0},
    {"t_open", NULL, "Open back\\slash\nline.", METRIC_GAUGE, 0},
};
static struct metric_histogram histograms[] = {
    {.name = "t_commit_seconds", .help = "Time of a commit."},
    {.name = "t_query_seconds", .labels = "kind=\"a\"", .help = "Time of a query."},
    {.name = "t_query_seconds", .labels = "kind=\"b\""},
};

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        table[i].value = 0;
    for (size_t i = 0; i < ARRAY_LEN(histograms); i++) {
        memset(histograms[i].bucket, 0, sizeof(histograms[i].bucket));
        histograms[i].count = 0;
        histograms[i].sum_seconds = 0;
    }
    metrics_register(table, ARRAY_LEN(table));
    metrics_register_histograms(histograms, ARRAY_LEN(histograms));
    return 0;
}

static void test_values(void **state)
{
    (void)state;
    metric_inc(&table[0]);
    metric_add(&table[0], 4);
    metric_set(&table[2], -3);
    assert_int_equal(metrics_value("t_requests_total", "code=\"200\""), 5);
    assert_int_equal(metrics_value("t_requests_total", "code=\"500\""), 0);
    assert_int_equal(metrics_value("t_open", NULL), -3);
    assert_int_equal(metrics_value("t_open", "x=\"y\""), -1);
    assert_int_equal(metrics_value("t_requests_total", NULL), -1);
    assert_int_equal(metrics_value("t_none", NULL), -1);
}

static void test_text_of_counters(void **state)
{
    (void)state;
    static const char want[] = "# HELP t_requests_total Requests.\n"
                               "# TYPE t_requests_total counter\n"
                               "t_requests_total{code=\"200\"} 7\n"
                               "t_requests_total{code=\"500\"} 0\n"
                               "# HELP t_open Open back\\\\slash\\nline.\n"
                               "# TYPE t_open gauge\n"
                               "t_open -3\n";
    struct sbuf out;
    sbuf_init(&out, 0);
    metric_set(&table[0], 7);
    metric_set(&table[2], -3);
    metrics_write(&out);
    assert_true(strncmp(out.data, want, strlen(want)) == 0);
    sbuf_free(&out);
}

static void test_buckets(void **state)
{
    (void)state;
    struct metric_histogram *h = &histograms[0];
    static const int64_t samples_us[] = {-5, 0, 100, 101, 250, 1000, 60000000, 60000001};
    for (size_t i = 0; i < ARRAY_LEN(samples_us); i++)
        metric_observe_us(h, samples_us[i]);
    assert_int_equal(h->bucket[0], 3);  /* up to and including 100us */
    assert_int_equal(h->bucket[1], 2);  /* 101, 250 */
    assert_int_equal(h->bucket[3], 1);  /* 1ms */
    assert_int_equal(h->bucket[18], 1); /* 60s */
    assert_int_equal(h->bucket[19], 1); /* beyond */
    assert_int_equal(h->count, ARRAY_LEN(samples_us));
}

static size_t count_of(const char *text, const char *part)
{
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, part)) != NULL; p++)
        n++;
    return n;
}

static void test_text_of_histograms(void **state)
{
    (void)state;
    struct sbuf out;
    sbuf_init(&out, 0);
    metric_observe_us(&histograms[0], 1500000);
    metric_observe_us(&histograms[0], 90);
    metric_observe_us(&histograms[1], 70000000);
    metrics_write(&out);
    assert_non_null(strstr(out.data, "# TYPE t_commit_seconds histogram\n"
                                     "t_commit_seconds_bucket{le=\"0.0001\"} 1\n"));
    assert_non_null(strstr(out.data, "t_commit_seconds_bucket{le=\"1\"} 1\n"
                                     "t_commit_seconds_bucket{le=\"2.5\"} 2\n"));
    assert_non_null(strstr(out.data, "t_commit_seconds_bucket{le=\"+Inf\"} 2\n"
                                     "t_commit_seconds_sum 1.500090\n"
                                     "t_commit_seconds_count 2\n"));
    assert_non_null(strstr(out.data, "t_query_seconds_bucket{kind=\"a\",le=\"60\"} 0\n"
                                     "t_query_seconds_bucket{kind=\"a\",le=\"+Inf\"} 1\n"
                                     "t_query_seconds_sum{kind=\"a\"} 70.000000\n"
                                     "t_query_seconds_count{kind=\"a\"} 1\n"));
    assert_non_null(strstr(out.data, "t_query_seconds_count{kind=\"b\"} 0\n"));
    assert_int_equal(count_of(out.data, "# TYPE t_query_seconds histogram\n"), 1);
    sbuf_free(&out);
}

static void test_registering_twice_shows_once(void **state)
{
    (void)state;
    struct sbuf out;
    sbuf_init(&out, 0);
    metrics_register(table, ARRAY_LEN(table));
    metrics_write(&out);
    assert_int_equal(count_of(out.data, "# TYPE t_open gauge\n"), 1);
    sbuf_free(&out);
}

#define TEST(fn) cmocka_unit_test_setup(fn, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_values),
        TEST(test_text_of_counters),
        TEST(test_buckets),
        TEST(test_text_of_histograms),
        TEST(test_registering_twice_shows_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
