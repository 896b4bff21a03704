/*
 * The figures as they look outside: shares and rates with their counts, null where nothing was due.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/civil.h"
#include "proto/json.h"
#include "proto/report_json.h"

static const struct report_basis basis = {
    .from_us = INT64_C(1772294400000000), /* 2026-03-01 in Shanghai */
    .to_us = INT64_C(1774972800000000),
    .as_of_us = INT64_C(1774972800000000),
    .offset_min = CIVIL_OFFSET_SHANGHAI_MIN,
    .region = "320281001000",
};

struct answer_doc {
    struct arena *arena;
    struct faults faults;
    struct sbuf text;
    struct json_doc *doc;
};

static const struct json_value *parse(struct answer_doc *a)
{
    a->arena = arena_new();
    faults_init(&a->faults, a->arena);
    a->doc = json_parse(a->text.data, a->text.len, &a->faults);
    assert_non_null(a->doc);
    return json_root(a->doc);
}

static void answer_free(struct answer_doc *a)
{
    json_doc_free(&a->doc);
    sbuf_free(&a->text);
    arena_free(&a->arena);
}

static void check_text(const struct json_value *object, const char *key, const char *expected)
{
    const char *found = json_string(json_get(object, key), NULL);

    assert_non_null(found);
    assert_string_equal(found, expected);
}

static void test_tiers(void **state)
{
    struct tiers_report report = {.basis = basis, .received = 9, .in_hand = 5, .closed = 3};
    struct answer_doc a;

    (void)state;
    report.tier[TIER_DESK].is_shown = true;
    report.tier[TIER_VILLAGE] = (struct tier_figures){true, 2, 1};
    report.tier[TIER_TOWN] = (struct tier_figures){true, 1, 1};
    sbuf_init(&a.text, 0);
    report_json_write_tiers(&a.text, &report);
    const struct json_value *root = parse(&a);
    const struct json_value *b = json_get(root, "basis"), *tiers = json_get(root, "tiers");
    check_text(b, "from", "2026-03-01T00:00:00+08:00");
    check_text(b, "to", "2026-04-01T00:00:00+08:00");
    check_text(b, "region", "320281001000");
    assert_int_equal(json_type(json_get(b, "unit")), JSON_NULL);
    assert_non_null(
        json_string(json_get(json_get(json_get(b, "definition"), "in_hand"), "zh"), NULL));
    assert_int_equal(json_int(json_get(root, "received")), 9);
    assert_int_equal(json_int(json_get(root, "in_hand")), 5);
    assert_int_equal(json_array_length(tiers), 3);
    check_text(json_at(tiers, 0), "tier", "desk");
    assert_true(json_double(json_get(json_at(tiers, 0), "share")) == 0.0);
    check_text(json_at(tiers, 1), "tier", "village");
    check_text(json_at(tiers, 1), "name", tier_words[TIER_VILLAGE].zh);
    assert_true(json_double(json_get(json_at(tiers, 1), "share")) == 0.6667);
    assert_int_equal(json_int(json_get(json_at(tiers, 1), "on_time")), 1);
    answer_free(&a);
}

static void test_shares_of_nothing_are_null(void **state)
{
    struct tiers_report report = {.basis = basis};
    struct answer_doc a;

    (void)state;
    report.tier[TIER_DESK].is_shown = true;
    sbuf_init(&a.text, 0);
    report_json_write_tiers(&a.text, &report);
    const struct json_value *desk = json_at(json_get(parse(&a), "tiers"), 0);
    assert_int_equal(json_type(json_get(desk, "share")), JSON_NULL);
    assert_int_equal(json_int(json_get(desk, "closed")), 0);
    answer_free(&a);
}

static void test_measures(void **state)
{
    struct measures_row row = {.key = "JW", .name = "花园村"}, nameless = {.key = "X"};
    struct measures_report report = {.basis = basis, .by = "unit", .next = "X"};
    struct answer_doc a;

    (void)state;
    row.measure[MEASURE_ON_TIME_CLOSING] = (struct measure){24165, 29186};
    const struct measures_row rows[] = {row, nameless};
    report.rows = rows;
    report.row_count = 2;
    sbuf_init(&a.text, 0);
    report_json_write_measures(&a.text, &report);
    const struct json_value *root = parse(&a), *items = json_get(root, "items");
    const struct json_value *m = json_get(json_at(items, 0), "on_time_closing");
    assert_int_equal(json_int(json_get(m, "numerator")), 24165);
    assert_int_equal(json_int(json_get(m, "denominator")), 29186);
    assert_true(json_double(json_get(m, "rate")) == 0.8280);
    m = json_get(json_at(items, 0), "closing");
    assert_int_equal(json_int(json_get(m, "denominator")), 0);
    assert_int_equal(json_type(json_get(m, "rate")), JSON_NULL);
    check_text(json_at(items, 0), "name", "花园村");
    check_text(json_at(items, 1), "name", "X");
    check_text(root, "next", "X");
    for (int i = 0; i < MEASURE_COUNT; i++)
        assert_int_equal(json_type(json_get(json_at(items, 0), measure_words[i].code)),
                         JSON_OBJECT);
    answer_free(&a);
}

static void test_recount(void **state)
{
    const struct recount_difference d = {"JW", "", "", "A", "help", "phone", "open", 2, 1};
    struct recount_report report = {.rows = 7};
    struct sbuf out;

    (void)state;
    sbuf_init(&out, 0);
    report_json_write_recount(&out, &report);
    assert_string_equal(out.data, "{\"equal\":true,\"rows\":7,\"differing\":0,\"differences\":[]}");
    sbuf_clear(&out);
    report.list = &d;
    report.count = 1;
    report.differing = 1500;
    report_json_write_recount(&out, &report);
    assert_string_equal(
        out.data, "{\"equal\":false,\"rows\":7,\"differing\":1500,\"differences\":[{\"unit\":"
                  "\"JW\",\"tier\":\"\",\"region\":\"\",\"category\":\"A\",\"kind\":\"help\","
                  "\"channel\":\"phone\",\"figure\":\"open\",\"counted\":2,\"recounted\":1}]}");
    sbuf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tiers),
        cmocka_unit_test(test_shares_of_nothing_are_null),
        cmocka_unit_test(test_measures),
        cmocka_unit_test(test_recount),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
