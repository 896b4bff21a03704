#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "proto/explain_json.h"
#include "unit/hotline/calendar_fixture.h"
#include "unit/hotline/city_fixture.h"

struct fixture {
    struct arena *arena;
    struct faults faults;
    struct sbuf out;
    struct json_writer w;
    struct json_doc *doc;
};

static int set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));

    f->arena = arena_new();
    faults_init(&f->faults, f->arena);
    sbuf_init(&f->out, 0);
    jw_init(&f->w, &f->out);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    json_doc_free(&f->doc);
    sbuf_free(&f->out);
    arena_free(&f->arena);
    free(f);
    return 0;
}

/* What was written, read back. */
static const struct json_value *written(struct fixture *f)
{
    f->doc = json_parse(f->out.data, f->out.len, &f->faults);
    assert_non_null(f->doc);
    return json_root(f->doc);
}

static const char *text_at(const struct json_value *list, size_t i, const char *key)
{
    return json_string(json_get(json_at(list, i), key), NULL);
}

static int64_t int_at(const struct json_value *list, size_t i, const char *key)
{
    return json_int(json_get(json_at(list, i), key));
}

/* ---- in ----------------------------------------------------------------------------------------
 */

static bool decode(struct fixture *f, const char *text, struct explain_case *c)
{
    faults_init(&f->faults, f->arena);
    json_doc_free(&f->doc);
    f->doc = json_parse(text, strlen(text), &f->faults);
    assert_non_null(f->doc);
    return explain_json_decode(json_root(f->doc), f->arena, c, &f->faults);
}

static void test_decode_all(void **state)
{
    struct fixture *f = *state;
    struct explain_case c;

    assert_true(decode(f,
                       "{\"category\":\"0101\",\"region\":\"620200000000\",\"kind\":\"report\","
                       "\"channel\":\"device\",\"urgency\":\"critical\",\"title\":\"t\","
                       "\"text\":\"a\\nb\"}",
                       &c));
    assert_string_equal(c.category, "0101");
    assert_string_equal(c.region, "620200000000");
    assert_int_equal(c.kind, KIND_REPORT);
    assert_int_equal(c.channel, CHANNEL_DEVICE);
    assert_int_equal(c.urgency, URGENCY_CRITICAL);
    assert_string_equal(c.title, "t");
    assert_string_equal(c.text, "a\nb");
}

static void test_decode_least(void **state)
{
    struct explain_case c;

    assert_true(
        decode(*state, "{\"category\":\"01\",\"kind\":\"consult\",\"channel\":\"phone\"}", &c));
    assert_null(c.region);
    assert_null(c.title);
    assert_null(c.text);
    assert_int_equal(c.urgency, URGENCY_NORMAL);
}

static void test_decode_names_each_fault(void **state)
{
    struct fixture *f = *state;
    struct explain_case c;

    assert_false(decode(f, "{\"kind\":\"gossip\",\"channel\":\"phone\",\"unit\":\"X\"}", &c));
    bool seen[3] = {false};
    for (size_t i = 0; i < f->faults.count; i++) {
        seen[0] |= strcmp(f->faults.list[i].field, "category") == 0;
        seen[1] |= strcmp(f->faults.list[i].field, "kind") == 0;
        seen[2] |= strcmp(f->faults.list[i].field, "unit") == 0;
    }
    assert_true(seen[0] && seen[1] && seen[2]);
    assert_int_equal(f->faults.count, 3);
}

/* ---- rules -------------------------------------------------------------------------------------
 */

static struct route_matter night_matter(const struct city *city)
{
    return (struct route_matter){
        .category = city_find_category(city, "010101"),
        .region = city_find_region(city, "620201100001001"),
        .kind = KIND_COMPLAINT,
        .channel = CHANNEL_PHONE,
        .now_us = at("2026-02-13 10:00"),
    };
}

static void test_rules_winner_first(void **state)
{
    struct fixture *f = *state;
    struct city_fixture cf;
    struct route route;

    city_fixture_init(&cf);
    city_fixture_rule(&cf, "NIGHT-WEB")->category = "010101";
    cf.rules[cf.spec.rule_count - 1].channel = "web";
    struct city *city = city_fixture_build(&cf);
    const struct route_matter matter = night_matter(city);

    route_matter(city, &matter, &route);
    jw_object(&f->w, NULL);
    explain_json_write_rules(&f->w, city, &matter);
    jw_object_end(&f->w);
    const struct json_value *rules = json_get(written(f), "rules");

    assert_int_equal(json_array_length(rules), 3); /* the water company's is no way near */
    assert_string_equal(text_at(rules, 0, "verdict"), "won");
    assert_string_equal(text_at(rules, 0, "rule"), city_rule(city, route.rule)->code);
    assert_null(text_at(rules, 0, "lost_by"));
    for (size_t i = 1; i < 3; i++) {
        bool is_web = strcmp(text_at(rules, i, "rule"), "NIGHT-WEB") == 0;
        assert_string_equal(text_at(rules, i, "verdict"), is_web ? "channel" : "less_specific");
        if (!is_web)
            assert_string_equal(text_at(rules, i, "lost_by"), "category");
    }
    city_unref(&city);
}

static void test_rules_are_bounded(void **state)
{
    enum { COUNT = EXPLAIN_MAX_RULES + 50 };
    struct fixture *f = *state;
    struct rule_spec *rules = arena_alloc(f->arena, COUNT * sizeof(*rules));
    struct city_fixture cf;

    city_fixture_init(&cf);
    for (int i = 0; i < COUNT; i++) {
        rules[i].code = arena_printf(f->arena, "K%04d", i);
        rules[i].keyword = rules[i].code;
    }
    cf.spec.rules = rules;
    cf.spec.rule_count = COUNT;
    struct city *city = city_fixture_build(&cf);
    const struct route_matter matter = night_matter(city);

    jw_object(&f->w, NULL);
    explain_json_write_rules(&f->w, city, &matter);
    jw_object_end(&f->w);
    const struct json_value *root = written(f);

    assert_int_equal(json_array_length(json_get(root, "rules")), EXPLAIN_MAX_RULES);
    assert_int_equal(json_int(json_get(root, "rules_left_off")), COUNT - EXPLAIN_MAX_RULES);
    city_unref(&city);
}

/* ---- deadlines ---------------------------------------------------------------------------------
 */

/* Writes the clock of one rule from a start, and reads it back. */
static const struct json_value *explain_clock(struct fixture *f, const struct calendar *calendar,
                                              const struct sla_rule *rule, const char *start)
{
    const struct sla_clock s = sla_clock_start(rule, calendar, at(start));
    const struct explain_clock clock = {
        .clock = rule->clock,
        .rule = rule,
        .started_us = s.started_us,
        .due_us = s.due_us,
        .warn_us = s.warn_us,
        .provisional = s.provisional,
    };

    explain_json_write_clock(&f->w, &clock, calendar);
    return written(f);
}

static struct calendar *china(void)
{
    static struct calendar_fixture cf;

    assert_true(fixture_load(&cf, FIXTURE_CN_DAYS));
    return fixture_build(&cf);
}

/* The two working days after the Friday before the Spring Festival of 2026. */
static void test_working_days(void **state)
{
    const struct sla_rule rule = {.clock = CLOCK_RETURN,
                                  .limit = {2, LIMIT_WORKING_DAYS},
                                  .start = SLA_DISPATCHED,
                                  .stop = SLA_NEVER,
                                  .warn_percent = 75};
    struct calendar *calendar = china();
    const struct json_value *clock = explain_clock(*state, calendar, &rule, "2026-02-13 10:00");
    const struct json_value *lines = json_get(clock, "lines");

    assert_string_equal(json_string(json_get(clock, "clock"), NULL), "return");
    assert_string_equal(json_string(json_get(clock, "start"), NULL), "dispatched");
    assert_int_equal(json_int(json_get(clock, "limit")), 2);
    assert_string_equal(json_string(json_get(clock, "unit"), NULL), "working_days");
    assert_string_equal(json_string(json_get(clock, "due_at"), NULL), "2026-02-24T17:30:00+08:00");
    assert_int_equal(json_array_length(lines), 12);
    assert_string_equal(text_at(lines, 0, "kind"), "start");
    assert_string_equal(text_at(lines, 0, "zh"), "2026-02-13 周五: 起算当日, 不计入");
    assert_string_equal(text_at(lines, 1, "zh"), "2026-02-14 周六 (春节, 调休上班): 第 1 个工作日");
    assert_string_equal(text_at(lines, 1, "en"),
                        "2026-02-14 Sat (make-up working day): day 1 (working days)");
    assert_string_equal(text_at(lines, 2, "kind"), "off");
    assert_string_equal(text_at(lines, 2, "name"), "春节");
    assert_string_equal(text_at(lines, 2, "zh"), "2026-02-15 周日 (春节): 不计入");
    assert_string_equal(text_at(lines, 11, "day"), "2026-02-24");
    assert_int_equal(int_at(lines, 11, "counted"), 2);
    assert_int_equal(int_at(lines, 11, "total"), 2);
    calendar_free(&calendar);
}

static void test_working_minutes(void **state)
{
    const struct sla_rule rule = {.clock = CLOCK_SIGN,
                                  .limit = {240, LIMIT_WORKING_MINUTES},
                                  .start = SLA_DISPATCHED,
                                  .stop = SLA_SIGNED,
                                  .warn_percent = 75};
    struct calendar *calendar = china();
    const struct json_value *clock = explain_clock(*state, calendar, &rule, "2026-03-06 16:00");
    const struct json_value *lines = json_get(clock, "lines");

    assert_int_equal(json_array_length(lines), 4); /* Friday, the weekend, Monday */
    assert_int_equal(int_at(lines, 0, "counted"), 90);
    assert_string_equal(text_at(lines, 0, "zh"), "2026-03-06 周五: 计 90 工作分钟");
    assert_string_equal(text_at(lines, 1, "en"), "2026-03-07 Sat: does not count");
    assert_int_equal(int_at(lines, 3, "counted"), 150);
    assert_int_equal(int_at(lines, 3, "total"), 240);
    assert_string_equal(json_string(json_get(clock, "due_at"), NULL), "2026-03-09T11:00:00+08:00");
    calendar_free(&calendar);
}

static void test_long_limits_are_folded(void **state)
{
    const struct sla_rule rule = {.clock = CLOCK_RESOLVE,
                                  .limit = {200, LIMIT_WORKING_DAYS},
                                  .start = SLA_RECEIVED,
                                  .stop = SLA_REPORTED,
                                  .warn_percent = 75};
    struct calendar *calendar = china();
    const struct json_value *clock = explain_clock(*state, calendar, &rule, "2025-01-02 09:00");
    const struct json_value *lines = json_get(clock, "lines");
    size_t count = json_array_length(lines);

    assert_int_equal(count, EXPLAIN_MAX_LINES);
    assert_string_equal(text_at(lines, count - 2, "kind"), "folded");
    assert_string_not_equal(text_at(lines, count - 2, "day"), text_at(lines, count - 2, "day_to"));
    assert_int_equal(int_at(lines, count - 1, "total"), 200);
    assert_int_equal(int_at(lines, count - 3, "total") + int_at(lines, count - 2, "counted"),
                     int_at(lines, count - 2, "total"));
    calendar_free(&calendar);
}

/* Other rules than those in force: what was decided, and no arithmetic made up for it. */
static void test_without_rule(void **state)
{
    struct fixture *f = *state;
    const struct explain_clock clock = {
        .clock = CLOCK_RESOLVE,
        .unit = "CG",
        .round = 2,
        .started_us = at("2026-02-13 10:00"),
        .due_us = at("2026-02-14 10:00"),
        .warn_us = at("2026-02-14 04:00"),
        .paused_us = INT64_C(90000000),
        .provisional = true,
    };
    struct calendar *calendar = china();

    explain_json_write_clock(&f->w, &clock, calendar);
    assert_string_equal(
        f->out.data,
        "{\"clock\":\"resolve\",\"assignment_unit\":\"CG\",\"round\":2,\"start\":null,"
        "\"limit\":null,\"unit\":null,\"started_at\":\"2026-02-13T10:00:00+08:00\","
        "\"due_at\":\"2026-02-14T10:00:00+08:00\",\"warn_at\":\"2026-02-14T04:00:00+08:00\","
        "\"provisional\":true,\"paused_seconds\":90,\"lines\":[]}");
    calendar_free(&calendar);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_decode_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_decode_least, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_decode_names_each_fault, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rules_winner_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rules_are_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_working_days, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_working_minutes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_long_limits_are_folded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_without_rule, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
