#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "city_folder.h"
#include "client/city_csv.h"
#include "client/csv_file.h"

/* ---- good files ------------------------------------------------------------------------------ */

static void test_city_csv_reads_a_small_city(void **state)
{
    (void)state;
    char *folder = folder_make();
    const char *const folders[] = {folder};
    struct loaded_city c;
    folder_write_small_city(folder);
    loaded_city_open(&c, folders, 1);
    const struct city_spec *s = &c.bundle.spec;
    assert_string_equal(s->code, "320281");
    assert_int_equal(s->tier_count, 3);
    assert_string_equal(s->rule_set, "r-1");
    assert_int_equal(s->units[1].duty_count, 2);
    assert_string_equal(s->units[1].duties[1], "urban"); /* blanks around an entry are dropped */
    assert_string_equal(s->rules[0].unit, "U1");
    assert_false(s->rules[0].has_window);
    assert_int_equal(s->rules[1].window.weekdays, 0x60);
    assert_string_equal(s->rules[1].over_tier, "town");
    assert_true(s->policies[0].rules[0].pausable);
    assert_int_equal(s->calendars[0].week[0].count, 2);
    assert_int_equal(s->calendars[0].week[6].count, 0);
    assert_int_equal(s->calendars[0].day_count, 2);
    assert_int_equal(s->calendars[0].days[1].hours.open[0].from_min, 9 * 60);
    assert_int_equal(s->calendars[0].published_years[1], 2026);
    assert_int_equal(c.bundle.device_count, 0); /* devices.csv may be missing */
    loaded_city_close(&c);
    folder_remove(folder);
    free(folder);
}

static void test_city_csv_accepts_mark_crlf_quotes_and_blank_lines(void **state)
{
    (void)state;
    static const char regions[] = "\xef\xbb\xbf"
                                  "name,code,level,parent\r\n\r\n"
                                  "\"江阴,\"\"市\"\"\",320281000000,city,\r\n";
    static const char units[] = "code,name,tier,kind,regions\nU1,a,city,company,\n";
    static const char rules[] = "code,unit\nR1,U1\n";
    char *folder = folder_make();
    const char *const folders[] = {folder};
    struct loaded_city c;
    folder_write_small_city(folder);
    folder_write(folder, "regions.csv", regions, strlen(regions));
    folder_write(folder, "units.csv", units, strlen(units));
    folder_write(folder, "rules.csv", rules, strlen(rules));
    loaded_city_open(&c, folders, 1);
    assert_int_equal(c.bundle.spec.region_count, 1);
    assert_string_equal(c.bundle.spec.regions[0].name, "江阴,\"市\"");
    loaded_city_close(&c);
    folder_remove(folder);
    free(folder);
}

/* ---- bad files ------------------------------------------------------------------------------- */

#define TEXT_FILE(name, content) .file = (name), .text = (content), .len = sizeof(content) - 1

static const struct bad_case {
    const char *file, *text;
    size_t len;
    const char *message; /* all of it, without the folder */
} bad_cases[] = {
    {TEXT_FILE("regions.csv", ""), "regions.csv:1:1: empty: a header line is needed\n"},
    {TEXT_FILE("regions.csv", "code,name\n1,a\n"),
     "regions.csv:1:1: column \"level\" is missing\n"},
    {TEXT_FILE("regions.csv", "code,name,level,color\n1,a,city,red\n"),
     "regions.csv:1:17: unknown column \"color\"\n"},
    {TEXT_FILE("regions.csv", "code,name,level,name\n1,a,city,b\n"),
     "regions.csv:1:17: column \"name\" stands here twice\n"},
    {TEXT_FILE("regions.csv", "code,name,level\n1,江\"阴,city\n"),
     "regions.csv:2:4: bad quoting: a quote or text where none may stand\n"},
    {TEXT_FILE("regions.csv", "code,name,level\n1,\"江\"阴,city\n"),
     "regions.csv:2:6: bad quoting: a quote or text where none may stand\n"},
    {TEXT_FILE("regions.csv", "code,name,level\n1,\"江阴,city\n2,b,town\n"),
     "regions.csv:2:3: bad quoting: the quote is never closed\n"},
    /* 江阴 in GBK */
    {TEXT_FILE("regions.csv", "code,name,level\n1,\xbd\xad\xd2\xf5,city\n"),
     "regions.csv:2:3: not UTF-8 text; save the file as UTF-8\n"},
    {TEXT_FILE("regions.csv", "code,name,level\n1,江\0,city\n"),
     "regions.csv:2:4: not UTF-8 text; save the file as UTF-8\n"},
    {TEXT_FILE("regions.csv", "code,name,level\n1,\xe6\xb1"),
     "regions.csv:2:3: not UTF-8 text; save the file as UTF-8\n"},
    {TEXT_FILE("regions.csv", "code,name,level\n1,a,city\n\n1,b,town\n"),
     "regions.csv:4:1: duplicate of line 2: the same code\n"},
    {TEXT_FILE("regions.csv", "code,name,level\n1,a\n"),
     "regions.csv:2:1: 2 cells where the header has 3\n"},
    {TEXT_FILE("regions.csv", "code,name,level\n1,a,city,,\n"),
     "regions.csv:2:1: 5 cells where the header has 3\n"},
    {TEXT_FILE("regions.csv", "code,name,level\n1,江阴市,street\n"),
     "regions.csv:2:7: not_allowed (regions[0].level)\n"},
    {TEXT_FILE("regions.csv", "code,name,level\n1,,city\n"),
     "regions.csv:2:3: required (regions[0].name)\n"},
    {TEXT_FILE("regions.csv", "code,name,level\n1,\"a\nb\",city\n2,c,street\n"),
     "regions.csv:2:3: format (regions[0].name)\n"
     "regions.csv:4:5: not_allowed (regions[1].level)\n"},
    {TEXT_FILE("units.csv", "code,name,tier,kind,duties\nU1,a,city,company,x;;y\n"),
     "units.csv:2:19: \"x;;y\" has an empty entry\n"},
    {TEXT_FILE("rules.csv", "code,window_from,window_to\nR1,22:00,6:00\n"),
     "rules.csv:2:10: format (rule_set.rules[0].window.to)\n"},
    {TEXT_FILE("rules.csv", "code,window_from,window_to\nR1,22:00,\n"),
     "rules.csv:2:10: required (rule_set.rules[0].window.to)\n"},
    {TEXT_FILE("rules.csv", "code,window_weekdays,window_from,window_to\nR1,1;x,00:00,06:00\n"),
     "rules.csv:2:4: \"1;x\" is not a list of numbers\n"},
    {TEXT_FILE("rules.csv", "code,over_tier\nR1,desk\n"),
     "rules.csv:2:4: not_allowed (rule_set.rules[0].over.tier)\n"},
    {TEXT_FILE("sla.csv", "policy,clock,limit,unit,start,stop\na,sign,1,minutes,received,signed\n"
                          "b,sign,soon,minutes,received,signed\n"),
     "sla.csv:3:8: \"soon\" is not a number\n"},
    {TEXT_FILE("sla.csv", "policy,clock,limit,unit,start,stop\na,sign,1,minutes,received,signed\n"
                          "b,sign,1,minutes,received,signed\na,resolve,1,weeks,received,redo\n"),
     "sla.csv:4:13: not_allowed (sla_set.policies[0].clocks[1].unit)\n"},
    {TEXT_FILE("sla.csv", "policy,clock,limit,unit,start,stop,redo\na,sign,1,minutes,received,"
                          "signed,yes\n"),
     "sla.csv:2:34: \"yes\" is neither true nor false\n"},
    {TEXT_FILE("sla.csv", "policy,clock,limit,unit,start,stop,steps\n"
                          "a,sign,1,minutes,received,signed,1wd+1;5w+2\n"),
     "sla.csv:2:34: \"1wd+1;5w+2\" is not a list of steps like 1wd+1;5wd+2\n"},
    {TEXT_FILE("sla.csv", "policy,clock,limit,unit,start,stop,warn_to\n"
                          "a,sign,1,minutes,received,signed,unit;mayor\n"),
     "sla.csv:2:34: not_allowed (sla_set.policies[0].clocks[0].warn_to[1])\n"},
    {TEXT_FILE("sla.csv", "policy,clock,limit,unit,start,stop,steps\n"
                          "a,sign,1,minutes,received,signed,1wd+0\n"),
     "sla.csv:2:34: range (sla_set.policies[0].clocks[0].steps[0].up)\n"},
    {TEXT_FILE("sla.csv", "policy,clock,limit,unit,start,stop\n,sign,1,minutes,received,signed\n"),
     "sla.csv:2:1: \"\" is no name\n"},
    {TEXT_FILE("sla.csv", "policy,clock,limit,unit,start,stop\n"
                          "0123456789012345678901234567890123456789012345678901234567890123456789,"
                          "sign,1,minutes,received,signed\n"),
     "sla.csv:2:1: too_long (sla_set.policies[0].name)\n"},
    {TEXT_FILE("city.csv", "key,value\ncode,1\nname,a\ntiers,city\nrule_set,r\nsla_set,s\n"
                           "mayor,b\n"),
     "city.csv:7:1: \"mayor\" is not a key of this file\n"},
    {TEXT_FILE("city.csv", "key,value\ncode,1\nname,a\ntiers,city;desk\nrule_set,r\nsla_set,s\n"),
     "city.csv:4:7: not_allowed (city.tiers[1])\n"},
    {TEXT_FILE("city.csv", "key,value\nname,a\ntiers,city\nrule_set,r\nsla_set,s\n"),
     "city.csv:1:1: required (city.code)\n"},
    {TEXT_FILE("calendar.csv", "calendar,key,value\ncn,mon,08:30-12:00;14:00-25:00\n"
                               "cn,work,08:30-12:00\n"),
     "calendar.csv:2:8: format (calendars[0].week.mon[1])\n"},
    {TEXT_FILE("calendar.csv", "calendar,key,value\ncn,lunch,12:00\n"),
     "calendar.csv:2:4: \"lunch\" is not a key of this file\n"},
    {TEXT_FILE("calendar_days.csv", "calendar,date,kind,name,open\nxx,2026-02-16,off,,\n"),
     "calendar_days.csv:2:1: \"xx\" is not a calendar of calendar.csv\n"},
    {TEXT_FILE("calendar_days.csv", "calendar,date,kind,name,open\ncn,2026-02-16,off,春节,\n"
                                    "cn,2026-2-17,off,春节,\n"),
     "calendar_days.csv:3:4: format (calendars[0].days[1].date)\n"},
    {TEXT_FILE("calendar_days.csv", "calendar,date,kind\ncn,2026-02-16,off\ncn,2026-02-16,work\n"),
     "calendar_days.csv:3:1: duplicate of line 2: the same calendar\n"},
};

/* The messages with "folder/" taken off the front of every line. */
static char *without_folder(const char *messages, const char *folder)
{
    struct sbuf out;
    size_t skip = strlen(folder) + 1;
    sbuf_init(&out, 0);
    while (*messages != '\0') {
        size_t len = strcspn(messages, "\n") + 1;
        assert_memory_equal(messages, folder, skip - 1);
        sbuf_add(&out, messages + skip, len - skip);
        messages += len;
    }
    return sbuf_steal(&out);
}

static void check_bad(const struct bad_case *c)
{
    char *folder = folder_make();
    const char *const folders[] = {folder};
    struct sbuf json, errors;
    sbuf_init(&json, 0);
    sbuf_init(&errors, 0);
    folder_write_small_city(folder);
    folder_write(folder, c->file, c->text, c->len);
    assert_false(city_csv_read(folders, 1, &json, &errors));
    char *messages = without_folder(errors.data, folder);
    assert_string_equal(messages, c->message);
    assert_int_equal(json.len, 0);
    free(messages);
    sbuf_free(&errors);
    sbuf_free(&json);
    folder_remove(folder);
    free(folder);
}

static void test_city_csv_says_where_a_file_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad_cases); i++)
        check_bad(&bad_cases[i]);
}

static void test_city_csv_names_a_missing_file(void **state)
{
    (void)state;
    char *folder = folder_make();
    const char *const folders[] = {folder};
    struct sbuf json, errors;
    sbuf_init(&json, 0);
    sbuf_init(&errors, 0);
    assert_false(city_csv_read(folders, 1, &json, &errors));
    assert_non_null(strstr(errors.data, "/city.csv: the file is missing\n"));
    assert_non_null(strstr(errors.data, "/sla.csv: the file is missing\n"));
    assert_null(strstr(errors.data, "/devices.csv"));
    sbuf_free(&errors);
    sbuf_free(&json);
    folder_remove(folder);
    free(folder);
}

static void test_city_csv_bounds_its_messages(void **state)
{
    (void)state;
    char *folder = folder_make();
    const char *const folders[] = {folder};
    struct sbuf json, errors, text;
    sbuf_init(&json, 0);
    sbuf_init(&errors, 0);
    sbuf_init(&text, 0);
    folder_write_small_city(folder);
    sbuf_adds(&text, "code,name,level\n");
    for (int i = 0; i < 3000; i++)
        sbuf_adds(&text, "1,a,city\n");
    folder_write(folder, "regions.csv", text.data, text.len);
    assert_false(city_csv_read(folders, 1, &json, &errors));
    size_t lines = 0;
    for (const char *p = errors.data; (p = strchr(p, '\n')) != NULL; p++)
        lines++;
    assert_int_equal(lines, CSV_MAX_MESSAGES + 1);
    assert_non_null(strstr(errors.data, "2949 more"));
    sbuf_free(&text);
    sbuf_free(&errors);
    sbuf_free(&json);
    folder_remove(folder);
    free(folder);
}

/* ---- overlays -------------------------------------------------------------------------------- */

static void test_city_csv_lays_one_folder_over_another(void **state)
{
    (void)state;
    static const char units[] = "code,name,tier,kind,duties,regions\n"
                                "U2,换了,town,town,general,320281001000\n"
                                "U3,新的,city,company,power,320281000000\n";
    static const char overlay[] = "key,value\nrule_set,r-2\n";
    char *folder = folder_make(), *over = folder_make();
    const char *const folders[] = {folder, over};
    struct loaded_city c;
    folder_write_small_city(folder);
    folder_write(over, "units.csv", units, strlen(units));
    folder_write(over, "city.csv", overlay, strlen(overlay));
    loaded_city_open(&c, folders, 2);
    assert_string_equal(c.bundle.spec.rule_set, "r-2");
    assert_string_equal(c.bundle.spec.sla_set, "s-1");
    assert_int_equal(c.bundle.spec.unit_count, 3);
    assert_string_equal(c.bundle.spec.units[1].name, "换了");
    assert_null(c.bundle.spec.units[1].parent); /* the row is replaced as a whole */
    assert_string_equal(c.bundle.spec.units[2].code, "U3");
    loaded_city_close(&c);
    folder_remove(over);
    folder_remove(folder);
    free(over);
    free(folder);
}

/* ---- writing --------------------------------------------------------------------------------- */

static void check_round_trip(const char *source)
{
    const char *const folders[] = {source};
    struct loaded_city c;
    struct sbuf again, errors;
    char *folder = folder_make();
    sbuf_init(&again, 0);
    sbuf_init(&errors, 0);
    assert_int_equal(rmdir(folder), 0); /* it is made by the writer */
    loaded_city_open(&c, folders, 1);
    assert_true(city_csv_write(c.json.data, c.json.len, folder, &errors));
    const char *const written[] = {folder};
    if (!city_csv_read(written, 1, &again, &errors))
        fail_msg("%s", errors.data);
    /* through the codec, which writes one form of what may be absent in two ways */
    struct loaded_city d;
    loaded_city_open(&d, written, 1);
    struct sbuf one, two;
    sbuf_init(&one, 0);
    sbuf_init(&two, 0);
    city_json_encode(&c.bundle, &one);
    city_json_encode(&d.bundle, &two);
    assert_string_equal(one.data, two.data);
    sbuf_free(&one);
    sbuf_free(&two);
    loaded_city_close(&d);
    loaded_city_close(&c);
    sbuf_free(&again);
    sbuf_free(&errors);
    folder_remove(folder);
    free(folder);
}

static void test_city_csv_writes_what_it_reads(void **state)
{
    (void)state;
    char *folder = folder_make();
    folder_write_small_city(folder);
    check_round_trip(folder);
    folder_remove(folder);
    free(folder);
    check_round_trip("daemon/cities/jiangyin");
    check_round_trip("daemon/cities/jiayuguan");
}

static void test_city_csv_write_refuses_what_it_could_not_read(void **state)
{
    (void)state;
    char *folder = folder_make();
    const char *const folders[] = {folder};
    struct loaded_city c;
    struct sbuf errors;
    sbuf_init(&errors, 0);
    folder_write_small_city(folder);
    loaded_city_open(&c, folders, 1);
    char *semicolon = xstrndup(c.json.data, c.json.len);
    char *at = strstr(semicolon, "\"urban\"");
    assert_non_null(at);
    at[3] = ';';
    assert_false(city_csv_write(semicolon, strlen(semicolon), folder, &errors));
    assert_non_null(strstr(errors.data, "units.csv: no entry of a list: ur;an"));
    sbuf_clear(&errors);
    assert_false(city_csv_write("{}", 2, folder, &errors));
    assert_non_null(strstr(errors.data, "bundle: city: required"));
    sbuf_clear(&errors);
    assert_false(city_csv_write("{", 1, folder, &errors));
    assert_non_null(strstr(errors.data, "bundle: "));
    sbuf_clear(&errors);
    assert_false(city_csv_write(c.json.data, c.json.len, "/dev/null/city", &errors));
    assert_non_null(strstr(errors.data, "cannot make it"));
    free(semicolon);
    loaded_city_close(&c);
    sbuf_free(&errors);
    folder_remove(folder);
    free(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_city_csv_reads_a_small_city),
        cmocka_unit_test(test_city_csv_accepts_mark_crlf_quotes_and_blank_lines),
        cmocka_unit_test(test_city_csv_says_where_a_file_is_wrong),
        cmocka_unit_test(test_city_csv_names_a_missing_file),
        cmocka_unit_test(test_city_csv_bounds_its_messages),
        cmocka_unit_test(test_city_csv_lays_one_folder_over_another),
        cmocka_unit_test(test_city_csv_writes_what_it_reads),
        cmocka_unit_test(test_city_csv_write_refuses_what_it_could_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
