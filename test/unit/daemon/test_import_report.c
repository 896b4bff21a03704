#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/import_report.h"
#include "unit/hotline/city_fixture.h"

struct fixture {
    struct arena *arena;
    struct faults form;
    struct city_faults city;
    struct sbuf out;
    struct json_writer w;
};

static int set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));

    f->arena = arena_new();
    faults_init(&f->form, f->arena);
    sbuf_init(&f->out, 0);
    jw_init(&f->w, &f->out);
    jw_object(&f->w, NULL);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    sbuf_free(&f->out);
    arena_free(&f->arena);
    free(f);
    return 0;
}

static void add(struct city_faults *faults, enum city_severity severity, const char *field,
                const char *reason, const char *detail)
{
    struct city_fault *fault = &faults->list[faults->count++];

    fault->severity = severity;
    fault->reason = reason;
    (void)snprintf(fault->field, sizeof(fault->field), "%s", field);
    (void)snprintf(fault->detail, sizeof(fault->detail), "%s", detail);
    *(severity == CITY_ERROR ? &faults->errors : &faults->warnings) += 1;
}

static void test_nothing_wrong(void **state)
{
    struct fixture *f = *state;
    const struct import_report report = {&f->form, &f->city};

    import_report_write_errors(&f->w, &report);
    import_report_write_warnings(&f->w, &report);
    jw_object_end(&f->w);
    assert_string_equal(f->out.data, "{\"errors\":[],\"error_count\":0,"
                                     "\"warnings\":[],\"warning_count\":0}");
}

static void test_both_kinds_of_faults(void **state)
{
    struct fixture *f = *state;
    const struct import_report report = {&f->form, &f->city};

    faults_add(&f->form, "units[3].tier", "not_allowed");
    add(&f->city, CITY_ERROR, "rules[R1].unit", "unknown", "JY-XX");
    add(&f->city, CITY_WARNING, "rules[R2]", "shadowed", "");
    import_report_write_errors(&f->w, &report);
    import_report_write_warnings(&f->w, &report);
    jw_object_end(&f->w);

    struct json_doc *doc = json_parse(f->out.data, f->out.len, &f->form);
    assert_non_null(doc);
    const struct json_value *errors = json_get(json_root(doc), "errors");
    const struct json_value *warnings = json_get(json_root(doc), "warnings");
    assert_int_equal(json_array_length(errors), 2);
    assert_string_equal(json_string(json_get(json_at(errors, 0), "field"), NULL), "units[3].tier");
    assert_string_equal(json_string(json_get(json_at(errors, 1), "reason"), NULL), "unknown");
    assert_string_equal(json_string(json_get(json_at(errors, 1), "detail"), NULL), "JY-XX");
    assert_non_null(json_string(json_get(json_at(errors, 1), "zh"), NULL));
    assert_int_equal(json_array_length(warnings), 1);
    assert_string_equal(json_string(json_get(json_at(warnings, 0), "field"), NULL), "rules[R2]");
    assert_null(json_get(json_at(warnings, 0), "detail"));
    json_doc_free(&doc);
}

/* The list is cut, the count is not. */
static void test_counts_go_beyond_the_list(void **state)
{
    struct fixture *f = *state;
    const struct import_report report = {NULL, &f->city};

    for (int i = 0; i < CITY_MAX_FAULTS; i++)
        add(&f->city, CITY_ERROR, "rules[R1].unit", "unknown", "");
    f->city.errors = 12345;
    assert_int_equal(import_report_error_count(&report), 12345);
    import_report_write_errors(&f->w, &report);
    jw_object_end(&f->w);

    struct json_doc *doc = json_parse(f->out.data, f->out.len, &f->form);
    assert_non_null(doc);
    assert_int_equal(json_array_length(json_get(json_root(doc), "errors")), CITY_MAX_FAULTS);
    assert_int_equal(json_int(json_get(json_root(doc), "error_count")), 12345);
    json_doc_free(&doc);
}

static void check_devices(struct fixture *f, const char *text)
{
    struct city_fixture cf;

    city_fixture_init(&cf);
    struct city *city = city_fixture_build(&cf);
    struct json_doc *doc = json_parse(text, strlen(text), &f->form);
    assert_non_null(doc);
    import_check_devices(json_root(doc), city, &f->form);
    json_doc_free(&doc);
    city_unref(&city);
}

static void test_devices_good(void **state)
{
    struct fixture *f = *state;

    check_devices(f, "{}");
    check_devices(f, "{\"devices\":null}");
    check_devices(f, "{\"devices\":[{\"id\":\"A\",\"region\":\"620201100001\"},"
                     "{\"id\":\"B\",\"region\":\"620201100001\"}]}");
    assert_int_equal(f->form.count, 0);
}

static void test_devices_bad(void **state)
{
    struct fixture *f = *state;

    check_devices(f, "{\"devices\":[{\"id\":\"A\",\"region\":\"620201100001\"},"
                     "{\"id\":\"A\",\"region\":\"620201999999\"}]}");
    assert_int_equal(f->form.count, 2);
    assert_string_equal(f->form.list[0].field, "devices[1].id");
    assert_string_equal(f->form.list[0].reason, "duplicate");
    assert_string_equal(f->form.list[1].field, "devices[1].region");
    assert_string_equal(f->form.list[1].reason, "not_found");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_wrong, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_both_kinds_of_faults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_counts_go_beyond_the_list, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_devices_good, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_devices_bad, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
