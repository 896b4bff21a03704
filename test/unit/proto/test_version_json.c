#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "proto/city_json.h"
#include "proto/version_json.h"
#include "unit/hotline/city_fixture.h"

struct reading {
    struct arena *arena;
    struct faults faults;
    struct json_doc *doc;
};

static const struct json_value *begin(struct reading *r, const char *text)
{
    r->arena = arena_new();
    faults_init(&r->faults, r->arena);
    r->doc = json_parse(text, strlen(text), &r->faults);
    assert_non_null(r->doc);
    return json_root(r->doc);
}

static void end(struct reading *r)
{
    json_doc_free(&r->doc);
    arena_free(&r->arena);
}

/* ---- a part alone ------------------------------------------------------------------------------
 */

static bool decode_part(struct reading *r, enum city_part part, const char *text,
                        struct city_spec *spec, struct city_part_head *head)
{
    const struct json_value *body = begin(r, text);
    memset(spec, 0, sizeof(*spec));
    return city_json_decode_part(part, body, r->arena, spec, head, &r->faults);
}

static void test_each_part_is_read_into_its_place(void **state)
{
    (void)state;
    static const struct {
        enum city_part part;
        const char *text;
    } cases[] = {
        {CITY_PART_RULES,
         "{\"name\":\"n\",\"rules\":[{\"code\":\"R1\",\"unit\":\"U\"},{\"code\":\"R2\"}]}"},
        {CITY_PART_POLICIES, "{\"name\":\"n\",\"policies\":[{\"name\":\"default\",\"clocks\":[]},"
                             "{\"name\":\"fast\",\"clocks\":[]}]}"},
        {CITY_PART_CALENDARS, "{\"name\":\"n\",\"calendars\":[{\"name\":\"a\",\"week\":{}},"
                              "{\"name\":\"b\",\"week\":{},\"region\":\"1\"}]}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct reading r;
        struct city_spec spec;
        struct city_part_head head;
        assert_true(decode_part(&r, cases[i].part, cases[i].text, &spec, &head));
        assert_string_equal(head.name, "n");
        assert_int_equal(head.size, 2);
        const size_t counts[] = {spec.rule_count, spec.policy_count, spec.calendar_count};
        for (size_t k = 0; k < ARRAY_LEN(counts); k++)
            assert_int_equal(counts[k], k == i ? 2 : 0);
        end(&r);
    }
}

static void test_faults_have_the_paths_of_the_part(void **state)
{
    (void)state;
    static const struct {
        enum city_part part;
        const char *text, *field, *reason;
    } cases[] = {
        {CITY_PART_RULES, "[]", "", "wrong_type"},
        {CITY_PART_RULES, "{\"name\":\"n\"}", "rules", "required"},
        {CITY_PART_RULES, "{\"rules\":[]}", "name", "required"},
        {CITY_PART_RULES, "{\"name\":\"n\",\"rules\":{}}", "rules", "wrong_type"},
        {CITY_PART_RULES, "{\"name\":\"n\",\"rules\":[],\"sla\":1}", "sla", "unknown"},
        {CITY_PART_RULES, "{\"name\":\"n\",\"rules\":[{\"code\":\"R\",\"kind\":\"x\"}]}",
         "rules[0].kind", "not_allowed"},
        {CITY_PART_RULES,
         "{\"name\":\"n\",\"rules\":[{\"code\":\"R\",\"window\":{\"from\":\"25:00\",\"to\":\"1\"}}]"
         "}",
         "rules[0].window.from", "format"},
        {CITY_PART_POLICIES, "{\"name\":\"n\",\"policies\":[{\"name\":\"d\",\"clocks\":[{}]}]}",
         "policies[0].clocks[0].clock", "required"},
        {CITY_PART_CALENDARS, "{\"name\":\"n\",\"calendars\":[{\"name\":\"c\"}]}",
         "calendars[0].week", "required"},
        {CITY_PART_CALENDARS, "{\"calendars\":[]}", "name", "required"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct reading r;
        struct city_spec spec;
        struct city_part_head head;
        bool found = false;
        assert_false(decode_part(&r, cases[i].part, cases[i].text, &spec, &head));
        for (size_t k = 0; k < r.faults.count; k++)
            found |= strcmp(r.faults.list[k].field, cases[i].field) == 0 &&
                     strcmp(r.faults.list[k].reason, cases[i].reason) == 0;
        if (!found)
            fail_msg("%s: first fault %s %s", cases[i].text, r.faults.list[0].field,
                     r.faults.list[0].reason);
        end(&r);
    }
}

static void test_paths_outside_of_the_part_stay(void **state)
{
    (void)state;
    assert_string_equal(city_json_part_path(CITY_PART_RULES, "rule_set.rules[R1].unit"),
                        "rules[R1].unit");
    assert_string_equal(city_json_part_path(CITY_PART_RULES, "rule_set"), "");
    assert_string_equal(city_json_part_path(CITY_PART_RULES, "rule_sets.x"), "rule_sets.x");
    assert_string_equal(city_json_part_path(CITY_PART_POLICIES, "rule_set.rules[R1].sla"),
                        "rule_set.rules[R1].sla");
    assert_string_equal(city_json_part_path(CITY_PART_CALENDARS, "calendars[a]"), "calendars[a]");
}

/* ---- bodies of requests ------------------------------------------------------------------------
 */

static void test_replay_orders(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *field; /* NULL = good */
    } cases[] = {
        {"{}", NULL},
        {"{\"limit\":1000000,\"samples\":100}", NULL},
        {"{\"from\":\"2026-01-01T00:00:00+08:00\",\"to\":\"2026-01-01T00:00:01+08:00\"}", NULL},
        {"{\"from\":\"2026-01-01T00:00:00+08:00\",\"to\":\"2026-01-01T00:00:00+08:00\"}", "from"},
        {"{\"limit\":0}", "limit"},
        {"{\"limit\":1000001}", "limit"},
        {"{\"samples\":101}", "samples"},
        {"{\"samples\":-1}", "samples"},
        {"{\"from\":\"2026-01-01\"}", "from"},
        {"{\"until\":1}", "until"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct reading r;
        struct replay_request request;
        const struct json_value *body = begin(&r, cases[i].text);
        bool ok = version_json_decode_replay(body, r.arena, &request, &r.faults);
        assert_int_equal(ok, cases[i].field == NULL);
        if (!ok)
            assert_string_equal(r.faults.list[0].field, cases[i].field);
        end(&r);
    }
}

static void test_an_order_says_nothing_and_gets_the_defaults(void **state)
{
    (void)state;
    struct reading r;
    struct replay_request request;
    const struct json_value *body = begin(&r, "{}");
    int64_t at_us = 77;
    assert_true(version_json_decode_replay(body, r.arena, &request, &r.faults));
    assert_int_equal(request.limit, REPLAY_DEFAULT_TICKETS);
    assert_int_equal(request.samples, REPLAY_DEFAULT_SAMPLES);
    assert_int_equal(request.from_us, 0);
    assert_true(version_json_decode_activation(body, r.arena, &at_us, &r.faults));
    assert_int_equal(at_us, 0);
    end(&r);
    body = begin(&r, "{\"at\":\"1970-01-01T08:00:01+08:00\"}");
    assert_true(version_json_decode_activation(body, r.arena, &at_us, &r.faults));
    assert_int_equal(at_us, 1000000);
    end(&r);
}

/* ---- figures -----------------------------------------------------------------------------------
 */

static void test_figures_of_a_replay(void **state)
{
    (void)state;
    struct city_fixture fixture;
    struct arena *arena = arena_new();
    struct replay replay;
    struct json_writer w;
    struct sbuf out;

    city_fixture_init(&fixture);
    struct city *before = city_fixture_build(&fixture);
    struct rule_spec *rule = city_fixture_rule(&fixture, "R-POOL");
    rule->category = "0201";
    struct city *after = city_fixture_build(&fixture);
    replay_init(&replay, arena, before, after, 1);
    const struct route_matter matter = {
        .category = CATEGORY_WATER, .region = -1, .title = "", .text = ""};
    replay_matter(&replay, INT64_C(260213100000000107), &matter);
    replay_matter(&replay, INT64_C(260213100000000115), &matter);
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    version_json_write_replay(&w, &replay, arena);
    jw_object_end(&w);
    assert_string_equal(
        out.data,
        "{\"tickets\":2,\"unchanged\":0,\"unchanged_but\":0,\"moved\":2,\"to_pool\":2,"
        "\"from_pool\":0,\"by_unit\":[{\"unit\":\"WATER\",\"name\":\"水务公司\",\"loses\":2,"
        "\"gains\":0}],\"units_left_off\":0,\"samples\":[{\"number\":\"260213100000000107\","
        "\"from\":\"WATER\",\"to\":null,\"rule_from\":\"R-WATER\",\"rule_to\":\"R-POOL\"}]}");
    sbuf_free(&out);
    city_unref(&before);
    city_unref(&after);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_part_is_read_into_its_place),
        cmocka_unit_test(test_faults_have_the_paths_of_the_part),
        cmocka_unit_test(test_paths_outside_of_the_part_stay),
        cmocka_unit_test(test_replay_orders),
        cmocka_unit_test(test_an_order_says_nothing_and_gets_the_defaults),
        cmocka_unit_test(test_figures_of_a_replay),
    };
    return cmocka_run_group_tests_name("version_json", tests, NULL, NULL);
}
