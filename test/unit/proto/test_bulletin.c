/*
 * The bulletin as text: cells of CSV and pages that hostile names cannot break out of, 0/0, numbers
 * of charts, and points without rounding of floats. The figures themselves are compared with an
 * independent count in test/integration/test_bulletin.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/civil.h"
#include "proto/bulletin.h"
#include "proto/bulletin_svg.h"
#include "proto/score_json.h"

#define HOSTILE "=1+1,\"<b>&'\n</td>"

static const struct score_set set = {
    .version = 3,
    .name = "2026 <set>",
    .count = 2,
    .scales = {{MEASURE_ON_TIME_CLOSING, SCORE_BELOW, 20000000, 95000000, 1000000, 0},
               {MEASURE_SATISFIED_FINAL, SCORE_BELOW, 25000000, 98000000, 500000, 12500000}}};

static struct bulletin_row days[] = {{.key = "2026-02-01", .name = "2026-02-01"},
                                     {.key = "2026-02-02", .name = "2026-02-02"}};
static struct bulletin_row categories[] = {{"A", HOSTILE, {29186, [FIGURE_CLOSED] = 25783}}};
static struct bulletin_unit units[] = {
    {.row = {.key = "", .name = "热线中心"}},
    {.row = {.key = "JY", .name = HOSTILE, .figure = {[FIGURE_DISPATCHED] = -1}}},
};
static const size_t order[] = {1};

static struct bulletin example(void)
{
    struct bulletin b = {.city = "江阴 & <市>",
                         .month = "2026-02",
                         .is_provisional = true,
                         .basis = {.from_us = INT64_C(1769875200000000),
                                   .to_us = INT64_C(1772294400000000),
                                   .as_of_us = INT64_C(1770000000000000),
                                   .offset_min = CIVIL_OFFSET_SHANGHAI_MIN},
                         .satisfied_from = 4,
                         .days = {days, 2},
                         .categories = {categories, 1},
                         .units = units,
                         .unit_count = 2,
                         .set = &set,
                         .order = order,
                         .ranked = 1};

    b.tiers.received = 29186;
    b.tiers.closed = 25783;
    b.tiers.tier[TIER_VILLAGE] = (struct tier_figures){true, 25783, 24165};
    b.total[MEASURE_ON_TIME_CLOSING] = (struct measure){24165, 29186};
    b.total[MEASURE_CLOSING] = (struct measure){25783, 29186};
    units[1].measure[MEASURE_ON_TIME_CLOSING] = (struct measure){24165, 29186};
    score_rate(&set, units[1].measure, &units[1].score);
    units[1].score.rank = 1;
    return b;
}

static void written(struct sbuf *out, void (*write)(struct sbuf *, const struct bulletin *))
{
    const struct bulletin b = example();

    sbuf_init(out, 0);
    write(out, &b);
    assert_false(out->overflow);
}

static void has(const struct sbuf *out, const char *text)
{
    if (!strstr(out->data, text))
        fail_msg("not there: %s", text);
}

/* ---- CSV ----------------------------------------------------------------------------------------
 */

static void test_csv_rows(void **state)
{
    struct sbuf out;

    (void)state;
    written(&out, bulletin_write_csv);
    assert_int_equal(memcmp(out.data, "\xef\xbb\xbfsection,", 11), 0);
    has(&out, "\r\nbasis,provisional,true,,,,,,,\r\n");
    has(&out, "\r\nbasis,from,2026-02-01T00:00:00+08:00,,,,,,,\r\n");
    has(&out, "\r\nfigures,,,received,受理,29186,,,,\r\n");
    has(&out, "\r\ntiers,village,村(社区),closed,办结,25783,25783,25783,1.0000,\r\n");
    has(&out, "\r\nmeasures,,,on_time_closing,按时办结率,,24165,29186,0.8280,\r\n");
    has(&out, "\r\nmeasures,,,closing,办结率,,25783,29186,0.8834,\r\n");
    has(&out, "\r\nmeasures,,,return,退单率,,0,0," BULLETIN_NONE_DUE ",\r\n");
    has(&out, ",on_time_closing,按时办结率,,24165,29186,0.8280,7.796546\r\n");
    has(&out, ",satisfied_final,最终满意率,,0,0," BULLETIN_NONE_DUE "," BULLETIN_NONE_DUE "\r\n");
    has(&out, ",rank,名次,1,,,,\r\n");
    sbuf_free(&out);
}

/* Quoted, its quotes doubled, an apostrophe before what would be a formula. A number of ours that
 * is below 0 is a number. */
static void test_csv_is_no_formula(void **state)
{
    struct sbuf out;

    (void)state;
    written(&out, bulletin_write_csv);
    has(&out,
        "\r\ncategories,A,\"'=1+1,\"\"<b>&'\n</td>\",received,受理,29186,29186,29186,1.0000,");
    assert_null(strstr(out.data, ",=1"));
    assert_null(strstr(out.data, ",\"=1"));
    has(&out, ",dispatched,派单,-1,,,,\r\n");
    sbuf_free(&out);
}

static void test_csv_guards_every_start_of_a_formula(void **state)
{
    static const char *const starts[] = {"=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
        struct bulletin b = example();
        char city[32], cell[64];
        struct sbuf out;

        snprintf(city, sizeof(city), "%s1", starts[i]);
        snprintf(cell, sizeof(cell), "\r\nbasis,city,\"'%s\",", city);
        b.city = city;
        sbuf_init(&out, 0);
        bulletin_write_csv(&out, &b);
        has(&out, cell);
        sbuf_free(&out);
    }
}

static size_t fields_of(const char **at)
{
    size_t fields = 1;
    bool quoted = false;

    for (; **at && (quoted || **at != '\r' || (*at)[1] != '\n'); ++*at) {
        if (**at == '"')
            quoted = !quoted;
        else if (**at == ',' && !quoted)
            fields++;
    }
    *at += 2;
    return fields;
}

static void test_csv_rows_have_ten_fields(void **state)
{
    struct sbuf out;
    size_t rows = 0;

    (void)state;
    written(&out, bulletin_write_csv);
    for (const char *at = out.data; *at; rows++)
        assert_int_equal(fields_of(&at), 10);
    assert_true(rows > 80);
    sbuf_free(&out);
}

/* ---- the page -----------------------------------------------------------------------------------
 */

static void test_html(void **state)
{
    struct sbuf out;

    (void)state;
    written(&out, bulletin_write_html);
    has(&out, "82.80%<small>24165 / 29186</small>");
    has(&out, "88.34%<small>25783 / 29186</small>");
    has(&out, BULLETIN_NONE_DUE "<small>0 / 0</small>");
    has(&out, "provisional figures");
    has(&out, "=1+1,&quot;&lt;b&gt;&amp;&#39;\n&lt;/td&gt;");
    has(&out, "江阴 &amp; &lt;市&gt;");
    has(&out, "2026 &lt;set&gt;");
    assert_null(strstr(out.data, "<b>"));
    assert_null(strstr(out.data, "<script"));
    assert_null(strstr(out.data, "href"));
    assert_null(strstr(out.data, "src="));
    assert_null(strstr(out.data, "nan"));
    sbuf_free(&out);
}

static void test_html_without_scales_and_of_a_finished_month(void **state)
{
    struct bulletin b = example();
    struct sbuf out;

    (void)state;
    b.set = NULL;
    b.is_provisional = false;
    sbuf_init(&out, 0);
    bulletin_write_html(&out, &b);
    has(&out, "No set of scales was in force");
    assert_null(strstr(out.data, "provisional"));
    sbuf_free(&out);
}

static void test_text_that_xml_does_not_allow(void **state)
{
    struct sbuf out;

    (void)state;
    sbuf_init(&out, 0);
    bulletin_add_text(&out, "a\x01\x7f\t\n\xef\xbf\xbe\xef\xbf\xbf\xef\xbf\xbd汉");
    assert_string_equal(out.data,
                        "a\xef\xbf\xbd\xef\xbf\xbd\t\n\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd汉");
    sbuf_free(&out);
}

static void test_points_are_written_exactly(void **state)
{
    static const struct {
        int64_t micro;
        const char *text;
    } cases[] = {{0, "0"},
                 {20000000, "20"},
                 {12500000, "12.5"},
                 {1, "0.000001"},
                 {7796546, "7.796546"},
                 {100000, "0.1"},
                 {1000001, "1.000001"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sbuf out;

        sbuf_init(&out, 0);
        bulletin_add_micro(&out, cases[i].micro);
        assert_string_equal(out.data, cases[i].text);
        sbuf_free(&out);
    }
}

/* ---- charts -------------------------------------------------------------------------------------
 */

static void test_bars(void **state)
{
    const struct svg_bar bars[] = {
        {"一二三四五六七八九十一二三", "9", 9}, {"<b>", "0", 0}, {"c", "-4", -4}, {"d", "3", 3}};
    const struct svg_bar huge = {"huge", "huge", INT64_MAX};
    struct sbuf out;

    (void)state;
    sbuf_init(&out, 0);
    svg_bars(&out, "t & t", bars, ARRAY_LEN(bars));
    has(&out, "<title>t &amp; t</title>");
    has(&out, "一二三四五六七八九十一二…");
    has(&out, "&lt;b&gt;");
    has(&out, "width=\"400.0\"");
    has(&out, "width=\"133.3\"");
    has(&out, "width=\"0.0\"");
    assert_null(strstr(out.data, "width=\"-"));
    sbuf_clear(&out);
    svg_bars(&out, "none", bars, 0);
    has(&out, "</svg>");
    sbuf_clear(&out);
    svg_bars(&out, "huge", &huge, 1); /* no overflow; a little short is fine */
    has(&out, "width=\"399.9\"");
    sbuf_free(&out);
}

static void test_lines(void **state)
{
    const int64_t a[] = {0, 10, 5}, b[] = {-3, 0, 0};
    const struct svg_line lines[] = {{"a", a}, {"b", b}};
    const char *const labels[] = {"02-01", "02-02", "02-03"};
    struct sbuf out;

    (void)state;
    sbuf_init(&out, 0);
    svg_lines(&out, "lines", lines, 2, labels, 3);
    has(&out, "points=\"50.0,190.0 375.0,30.0 700.0,110.0\"");
    has(&out, "points=\"50.0,190.0 375.0,190.0 700.0,190.0\"");
    sbuf_clear(&out);
    svg_lines(&out, "one day", lines, 1, labels, 1); /* no division by the 0 gaps between points */
    has(&out, "points=\"50.0,190.0\"");
    sbuf_clear(&out);
    svg_lines(&out, "no day", lines, 1, labels, 0);
    has(&out, "points=\"\"");
    sbuf_free(&out);
}

/* ---- score sets ---------------------------------------------------------------------------------
 */

/* "field reason; ..." or "" */
static void check_set(const char *json, const char *expected)
{
    struct arena *arena = arena_new();
    struct score_set got = {.from_us = 7};
    struct faults faults;
    char text[400] = "";
    int at = 0;

    faults_init(&faults, arena);
    struct json_doc *doc = json_parse(json, strlen(json), &faults);
    assert_non_null(doc);
    bool ok = score_json_decode(json_root(doc), arena, &got, &faults);
    for (size_t i = 0; i < faults.count; i++)
        at += snprintf(text + at, sizeof(text) - (size_t)at, "%s%s %s", i ? "; " : "",
                       faults.list[i].field, faults.list[i].reason);
    assert_string_equal(text, expected);
    assert_int_equal(ok, expected[0] == '\0');
    json_doc_free(&doc);
    arena_free(&arena);
}

#define SCALE "{\"measure\":\"closing\",\"points\":20,\"full_at\":95,\"per_point\":0.5}"

static void test_score_sets(void **state)
{
    (void)state;
    check_set("{\"name\":\"a\",\"scales\":[" SCALE "]}", "");
    check_set("{\"name\":\"a\",\"scales\":[" SCALE "," SCALE "]}", "scales[1].measure duplicate");
    check_set("{\"name\":\"\",\"scales\":[" SCALE "]}", "name too_short");
    check_set("{\"name\":\"a\",\"scales\":[]}", "scales too_short");
    check_set("{\"name\":\"a\",\"scales\":{}}", "scales wrong_type");
    check_set("{\"name\":\"a\",\"scales\":[3]}", "scales[0] wrong_type");
    check_set("{\"name\":\"a\",\"scales\":[{\"measure\":\"x\",\"points\":1,\"full_at\":1,"
              "\"per_point\":1,\"no\":1}]}",
              "scales[0].measure not_allowed; scales[0].no unknown");
    check_set("{\"name\":\"a\",\"scales\":[{\"measure\":\"closing\",\"points\":1e300,\"full_at\":"
              "\"95\",\"per_point\":0.1234567,\"floor\":-1}]}",
              "scales[0].points range; scales[0].full_at wrong_type; scales[0].per_point format");
    check_set("{\"name\":\"a\",\"scales\":[{\"measure\":\"closing\",\"points\":20,\"full_at\":95,"
              "\"per_point\":0.1,\"floor\":20.5}]}",
              "scales[0].floor range");
}

/* What is written is read as the same again. */
static void test_score_sets_come_back(void **state)
{
    struct arena *arena = arena_new();
    struct score_set got = {.count = 0};
    struct faults faults;
    struct json_writer w;
    struct sbuf out;

    (void)state;
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    score_json_write_scales(&w, NULL, &set);
    faults_init(&faults, arena);
    struct json_doc *doc = json_parse(out.data, out.len, &faults);
    assert_non_null(doc);
    assert_true(score_json_decode_scales(json_root(doc), arena, &got, &faults));
    assert_int_equal(got.count, set.count);
    for (size_t i = 0; i < set.count; i++)
        assert_memory_equal(&got.scales[i], &set.scales[i], sizeof(set.scales[i]));
    json_doc_free(&doc);
    sbuf_free(&out);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv_rows),
        cmocka_unit_test(test_csv_is_no_formula),
        cmocka_unit_test(test_csv_guards_every_start_of_a_formula),
        cmocka_unit_test(test_csv_rows_have_ten_fields),
        cmocka_unit_test(test_html),
        cmocka_unit_test(test_html_without_scales_and_of_a_finished_month),
        cmocka_unit_test(test_text_that_xml_does_not_allow),
        cmocka_unit_test(test_points_are_written_exactly),
        cmocka_unit_test(test_bars),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_score_sets),
        cmocka_unit_test(test_score_sets_come_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
