#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "proto/city_json.h"

/* A city with everything a bundle can have, once. */
static const char bundle_text[] =
    "{\"city\":{\"code\":\"320281\",\"name\":\"江阴市\",\"utc_offset_minutes\":480,"
    "\"tiers\":[\"village\",\"town\",\"city\"]},"
    "\"regions\":[{\"code\":\"320281000000\",\"name\":\"江阴市\",\"level\":\"city\"},"
    "{\"code\":\"320281001000\",\"name\":\"澄江街道\",\"level\":\"town\","
    "\"parent\":\"320281000000\"}],"
    "\"units\":[{\"code\":\"JY-CG\",\"name\":\"城市管理局\",\"tier\":\"city\","
    "\"kind\":\"department\",\"duties\":[\"urban_management\",\"parks\"],"
    "\"regions\":[\"320281000000\"]},"
    "{\"code\":\"JY-T001\",\"name\":\"澄江街道\",\"tier\":\"town\",\"kind\":\"town\","
    "\"parent\":\"JY-CG\",\"duties\":[],\"regions\":[]}],"
    "\"categories\":[{\"code\":\"01\",\"name\":\"城乡建设\"},"
    "{\"code\":\"0101\",\"name\":\"安全生产\",\"parent\":\"01\"}],"
    "\"rule_set\":{\"name\":\"r-2026\",\"rules\":[{\"code\":\"R1\",\"category\":\"0101\","
    "\"region\":\"320281001000\",\"kind\":\"consult\",\"channel\":\"phone\","
    "\"urgency\":\"urgent\",\"keyword\":\"噪音\","
    "\"window\":{\"weekdays\":[1,7],\"from\":\"22:00\",\"to\":\"06:00\"},\"unit\":\"JY-CG\","
    "\"co_units\":[\"JY-T001\"],\"set_kind\":\"report\",\"set_urgency\":\"critical\","
    "\"sla\":\"default\"},"
    "{\"code\":\"R2\",\"window\":{\"from\":\"00:00\",\"to\":\"24:00\"},"
    "\"over\":{\"tier\":\"town\",\"duty\":\"urban_management\"}},"
    "{\"code\":\"R3\",\"over\":{\"tier\":\"village\"}}]},"
    "\"sla_set\":{\"name\":\"s-2026\",\"policies\":[{\"name\":\"default\",\"clocks\":["
    "{\"clock\":\"resolve\",\"kind\":\"consult\",\"redo\":false,\"limit\":2,"
    "\"unit\":\"working_days\",\"start\":\"received\",\"stop\":\"reported\",\"pausable\":true,"
    "\"warn_percent\":80,\"warn_to\":[\"unit\"],\"breach_to\":[\"unit\",\"supervisor\"],"
    "\"steps\":[{\"after\":1,\"unit\":\"working_days\",\"up\":1},"
    "{\"after\":5,\"unit\":\"calendar_days\",\"up\":2}]},"
    "{\"clock\":\"return\",\"urgency\":\"critical\",\"redo\":true,\"limit\":30,"
    "\"unit\":\"minutes\",\"start\":\"redo\",\"stop\":\"never\",\"pausable\":false,"
    "\"warn_percent\":75}]}]},"
    "\"calendars\":[{\"name\":\"cn\",\"utc_offset_minutes\":480,\"week\":{"
    "\"mon\":[\"08:30-12:00\",\"14:00-17:30\"],\"tue\":[\"09:00-17:00\"],\"wed\":[],\"thu\":[],"
    "\"fri\":[],\"sat\":[],\"sun\":[]},\"work\":[\"08:30-12:00\"],"
    "\"published_years\":[2025,2026],\"days\":["
    "{\"date\":\"2026-02-14\",\"kind\":\"work\",\"name\":\"春节\"},"
    "{\"date\":\"2026-02-16\",\"kind\":\"off\"},"
    "{\"date\":\"2026-02-24\",\"kind\":\"custom\",\"open\":[\"10:00-24:00\"]}]},"
    "{\"name\":\"zone\",\"region\":\"320281001000\",\"utc_offset_minutes\":480,\"week\":{"
    "\"mon\":[],\"tue\":[],\"wed\":[],\"thu\":[],\"fri\":[],\"sat\":[],\"sun\":[]},\"work\":[],"
    "\"day_close\":\"24:00\",\"published_years\":[],\"days\":[]}],"
    "\"devices\":[{\"id\":\"JY-1\",\"name\":\"一键通 1\",\"region\":\"320281001000\","
    "\"address\":\"澄江街道\"}]}";

struct decoded {
    struct arena *arena;
    struct faults faults;
    struct city_bundle bundle;
    bool ok;
};

static void decode(struct decoded *d, const char *text, size_t len)
{
    d->arena = arena_new();
    faults_init(&d->faults, d->arena);
    struct json_doc *doc = json_parse(text, len, &d->faults);
    assert_non_null(doc);
    d->ok = city_json_decode(json_root(doc), d->arena, &d->bundle, &d->faults);
    json_doc_free(&doc); /* what was decoded has to outlive the document */
}

/* ---- what is read ---------------------------------------------------------------------------- */

static void check_head_and_lists(const struct city_spec *s)
{
    assert_string_equal(s->code, "320281");
    assert_string_equal(s->name, "江阴市");
    assert_int_equal(s->offset_min, 480);
    assert_int_equal(s->tier_count, 3);
    assert_string_equal(s->tiers[2], "city");
    assert_int_equal(s->region_count, 2);
    assert_null(s->regions[0].parent);
    assert_string_equal(s->regions[1].parent, "320281000000");
    assert_int_equal(s->unit_count, 2);
    assert_string_equal(s->units[0].duties[1], "parks");
    assert_string_equal(s->units[0].regions[0], "320281000000");
    assert_string_equal(s->units[1].parent, "JY-CG");
    assert_int_equal(s->units[1].duty_count, 0);
    assert_int_equal(s->category_count, 2);
    assert_string_equal(s->categories[1].parent, "01");
}

static void check_rules(const struct city_spec *s)
{
    assert_string_equal(s->rule_set, "r-2026");
    assert_int_equal(s->rule_count, 3);
    const struct rule_spec *r = &s->rules[0];
    assert_string_equal(r->category, "0101");
    assert_string_equal(r->region, "320281001000");
    assert_string_equal(r->kind, "consult");
    assert_string_equal(r->channel, "phone");
    assert_string_equal(r->urgency, "urgent");
    assert_string_equal(r->keyword, "噪音");
    assert_true(r->has_window);
    assert_int_equal(r->window.weekdays, 0x41); /* Monday and Sunday */
    assert_int_equal(r->window.from_min, 22 * 60);
    assert_int_equal(r->window.to_min, 6 * 60);
    assert_string_equal(r->unit, "JY-CG");
    assert_null(r->over_tier);
    assert_string_equal(r->co_units[0], "JY-T001");
    assert_string_equal(r->set_kind, "report");
    assert_string_equal(r->set_urgency, "critical");
    assert_string_equal(r->sla, "default");
    assert_int_equal(s->rules[1].window.weekdays, 0);
    assert_int_equal(s->rules[1].window.to_min, 1440);
    assert_string_equal(s->rules[1].over_duty, "urban_management");
    assert_null(s->rules[1].unit);
    assert_false(s->rules[2].has_window);
    assert_string_equal(s->rules[2].over_tier, "village");
    assert_null(s->rules[2].over_duty);
}

static void check_policies(const struct city_spec *s)
{
    assert_string_equal(s->sla_set, "s-2026");
    assert_int_equal(s->policy_count, 1);
    assert_string_equal(s->policies[0].name, "default");
    assert_int_equal(s->policies[0].rule_count, 2);
    const struct sla_rule *r = &s->policies[0].rules[0];
    assert_int_equal(r->clock, CLOCK_RESOLVE);
    assert_int_equal(r->kind, KIND_CONSULT);
    assert_int_equal(r->urgency, SLA_ANY);
    assert_false(r->redo);
    assert_int_equal(r->limit.amount, 2);
    assert_int_equal(r->limit.unit, LIMIT_WORKING_DAYS);
    assert_int_equal(r->start, SLA_RECEIVED);
    assert_int_equal(r->stop, SLA_REPORTED);
    assert_true(r->pausable);
    assert_int_equal(r->warn_percent, 80);
    assert_int_equal(r->warn_tell, 1U << SLA_TELL_UNIT);
    assert_int_equal(r->breach_tell, 1U << SLA_TELL_UNIT | 1U << SLA_TELL_SUPERVISOR);
    assert_int_equal(r->step_count, 2);
    assert_int_equal(r->steps[0].after.amount, 1);
    assert_int_equal(r->steps[0].up, 1);
    assert_int_equal(r->steps[1].after.amount, 5);
    assert_int_equal(r->steps[1].after.unit, LIMIT_CALENDAR_DAYS);
    assert_int_equal(r->steps[1].up, 2);
    r = &s->policies[0].rules[1];
    assert_int_equal(r->clock, CLOCK_RETURN);
    assert_int_equal(r->kind, SLA_ANY);
    assert_int_equal(r->urgency, URGENCY_CRITICAL);
    assert_true(r->redo);
    assert_int_equal(r->limit.unit, LIMIT_MINUTES);
    assert_int_equal(r->stop, SLA_NEVER);
}

static void check_calendars(const struct city_spec *s)
{
    assert_int_equal(s->calendar_count, 2);
    const struct calendar_spec *c = &s->calendars[0];
    assert_null(c->region);
    assert_int_equal(c->week[0].count, 2);
    assert_int_equal(c->week[0].open[1].from_min, 14 * 60);
    assert_int_equal(c->week[1].open[0].to_min, 17 * 60);
    assert_int_equal(c->week[2].count, 0);
    assert_int_equal(c->work.count, 1);
    assert_int_equal(c->day_close_min, -1);
    assert_int_equal(c->published_count, 2);
    assert_int_equal(c->published_years[1], 2026);
    assert_int_equal(c->day_count, 3);
    struct civil_date date = {2026, 2, 14};
    assert_int_equal(c->days[0].day, civil_day_from_date(date));
    assert_int_equal(c->days[0].kind, CALENDAR_DAY_WORK);
    assert_string_equal(c->days[0].name, "春节");
    assert_int_equal(c->days[1].kind, CALENDAR_DAY_OFF);
    assert_int_equal(c->days[2].kind, CALENDAR_DAY_CUSTOM);
    assert_int_equal(c->days[2].hours.open[0].to_min, 1440);
    assert_string_equal(s->calendars[1].region, "320281001000");
    assert_int_equal(s->calendars[1].day_close_min, 1440);
}

static void test_city_json_decode_reads_everything(void **state)
{
    (void)state;
    struct decoded d;
    decode(&d, bundle_text, strlen(bundle_text));
    assert_int_equal(d.faults.count, 0);
    assert_true(d.ok);
    check_head_and_lists(&d.bundle.spec);
    check_rules(&d.bundle.spec);
    check_policies(&d.bundle.spec);
    check_calendars(&d.bundle.spec);
    assert_int_equal(d.bundle.device_count, 1);
    assert_string_equal(d.bundle.devices[0].id, "JY-1");
    assert_string_equal(d.bundle.devices[0].region, "320281001000");
    arena_free(&d.arena);
}

static void test_city_json_encode_gives_the_text_back(void **state)
{
    (void)state;
    struct decoded d;
    struct sbuf out;
    decode(&d, bundle_text, strlen(bundle_text));
    assert_true(d.ok);
    sbuf_init(&out, 0);
    city_json_encode(&d.bundle, &out);
    assert_string_equal(out.data, bundle_text);
    sbuf_free(&out);
    arena_free(&d.arena);
}

/* ---- defaults -------------------------------------------------------------------------------- */

/* The bundle with the first `from` replaced by `to`. */
static char *bundle_with(const char *from, const char *to)
{
    const char *at = strstr(bundle_text, from);
    if (at == NULL)
        fail_msg("the bundle has no %s", from);
    return xasprintf("%.*s%s%s", (int)(at - bundle_text), bundle_text, to, at + strlen(from));
}

static void test_city_json_decode_fills_in_defaults(void **state)
{
    (void)state;
    static const char text[] =
        "{\"city\":{\"code\":\"1\",\"name\":\"a\",\"tiers\":[\"city\"]},\"regions\":[],"
        "\"units\":[{\"code\":\"u\",\"name\":\"u\",\"tier\":\"city\",\"kind\":\"company\","
        "\"parent\":null}],\"categories\":[],"
        "\"rule_set\":{\"name\":\"r\",\"rules\":[{\"code\":\"p\",\"window\":null,\"over\":null}]},"
        "\"sla_set\":{\"name\":\"s\",\"policies\":[{\"name\":\"default\",\"clocks\":["
        "{\"clock\":\"sign\",\"limit\":1,\"unit\":\"minutes\",\"start\":\"received\","
        "\"stop\":\"signed\"}]}]},\"calendars\":[{\"name\":\"c\",\"week\":{}}],\"devices\":null}";
    struct decoded d;
    decode(&d, text, strlen(text));
    assert_int_equal(d.faults.count, 0);
    const struct city_spec *s = &d.bundle.spec;
    assert_int_equal(s->offset_min, 480);
    assert_int_equal(s->units[0].duty_count, 0);
    assert_null(s->units[0].parent);
    assert_null(s->rules[0].unit);
    assert_null(s->rules[0].over_tier);
    assert_false(s->rules[0].has_window);
    assert_int_equal(s->policies[0].rules[0].warn_percent, 75);
    assert_false(s->policies[0].rules[0].redo);
    assert_int_equal(s->calendars[0].offset_min, 480);
    assert_int_equal(s->calendars[0].day_close_min, -1);
    assert_int_equal(s->calendars[0].week[6].count, 0);
    assert_int_equal(d.bundle.device_count, 0);
    arena_free(&d.arena);
}

/* ---- faults ---------------------------------------------------------------------------------- */

static const struct fault_case {
    const char *from, *to, *field, *reason;
} fault_cases[] = {
    {"{\"city\"", "{\"extra\":1,\"city\"", "extra", "unknown"},
    {"\"city\":{\"code\":\"320281\"", "\"city\":{\"code\":320281", "city.code", "wrong_type"},
    {"\"city\":{\"code\":\"320281\",", "\"city\":{", "city.code", "required"},
    {"\"utc_offset_minutes\":480", "\"utc_offset_minutes\":900", "city.utc_offset_minutes",
     "range"},
    {"[\"village\",\"town\",\"city\"]", "[]", "city.tiers", "too_short"},
    {"[\"village\",\"town\",\"city\"]", "[\"desk\"]", "city.tiers[0]", "not_allowed"},
    {"[\"village\",\"town\",\"city\"]", "[\"town\",1]", "city.tiers[1]", "wrong_type"},
    {"\"level\":\"town\"", "\"level\":\"street\"", "regions[1].level", "not_allowed"},
    {"\"name\":\"澄江街道\",\"level\"", "\"level\"", "regions[1].name", "required"},
    {"\"regions\":[{", "\"regions\":[7,{", "regions[0]", "wrong_type"},
    {"\"regions\":[{", "\"regions\":[null,{", "regions[0]", "required"},
    {"\"tier\":\"city\"", "\"tier\":\"desk\"", "units[0].tier", "not_allowed"},
    {"\"kind\":\"town\"", "\"kind\":\"street\"", "units[1].kind", "not_allowed"},
    {"[\"urban_management\",\"parks\"]", "\"parks\"", "units[0].duties", "wrong_type"},
    {"\"code\":\"JY-CG\"", "\"code\":\"\"", "units[0].code", "too_short"},
    {"\"name\":\"城市管理局\"", "\"name\":\"a\\nb\"", "units[0].name", "format"},
    {"\"parent\":\"JY-CG\"", "\"boss\":\"JY-CG\"", "units[1].boss", "unknown"},
    {"\"parent\":\"01\"", "\"parent\":1", "categories[1].parent", "wrong_type"},
    {"\"rule_set\":{\"name\":\"r-2026\",", "\"rule_set\":{", "rule_set.name", "required"},
    {"\"kind\":\"consult\",\"channel\"", "\"kind\":\"question\",\"channel\"",
     "rule_set.rules[0].kind", "not_allowed"},
    {"\"channel\":\"phone\"", "\"channel\":\"fax\"", "rule_set.rules[0].channel", "not_allowed"},
    {"\"urgency\":\"urgent\"", "\"urgency\":\"high\"", "rule_set.rules[0].urgency", "not_allowed"},
    {"\"set_kind\":\"report\"", "\"set_kind\":\"x\"", "rule_set.rules[0].set_kind", "not_allowed"},
    {"\"set_urgency\":\"critical\"", "\"set_urgency\":\"x\"", "rule_set.rules[0].set_urgency",
     "not_allowed"},
    {"\"weekdays\":[1,7]", "\"weekdays\":1", "rule_set.rules[0].window.weekdays", "wrong_type"},
    {"\"weekdays\":[1,7]", "\"weekdays\":[0]", "rule_set.rules[0].window.weekdays[0]", "range"},
    {"\"weekdays\":[1,7]", "\"weekdays\":[1,\"7\"]", "rule_set.rules[0].window.weekdays[1]",
     "wrong_type"},
    {"\"weekdays\":[1,7]", "\"weekdays\":[1,1]", "rule_set.rules[0].window.weekdays[1]",
     "duplicate"},
    {"\"from\":\"22:00\"", "\"from\":\"24:00\"", "rule_set.rules[0].window.from", "format"},
    {"\"from\":\"22:00\"", "\"from\":\"9:00\"", "rule_set.rules[0].window.from", "format"},
    {"\"from\":\"22:00\"", "\"from\":\"22:60\"", "rule_set.rules[0].window.from", "format"},
    {",\"to\":\"06:00\"", "", "rule_set.rules[0].window.to", "required"},
    {"\"to\":\"24:00\"", "\"to\":\"24:01\"", "rule_set.rules[1].window.to", "format"},
    {"\"over\":{\"tier\":\"village\"}", "\"over\":\"village\"", "rule_set.rules[2].over",
     "wrong_type"},
    {"\"over\":{\"tier\":\"village\"}", "\"over\":{\"duty\":\"general\"}",
     "rule_set.rules[2].over.tier", "required"},
    {"\"over\":{\"tier\":\"village\"}", "\"over\":{\"tier\":\"desk\"}",
     "rule_set.rules[2].over.tier", "not_allowed"},
    {"\"clock\":\"resolve\"", "\"clock\":\"solve\"", "sla_set.policies[0].clocks[0].clock",
     "not_allowed"},
    {"\"limit\":2", "\"limit\":0", "sla_set.policies[0].clocks[0].limit", "range"},
    {"\"limit\":2", "\"limit\":100001", "sla_set.policies[0].clocks[0].limit", "range"},
    {"\"limit\":2", "\"limit\":1.5", "sla_set.policies[0].clocks[0].limit", "wrong_type"},
    {"\"unit\":\"working_days\"", "\"unit\":\"days\"", "sla_set.policies[0].clocks[0].unit",
     "not_allowed"},
    {"\"start\":\"received\"", "\"start\":\"never\"", "sla_set.policies[0].clocks[0].start",
     "not_allowed"},
    {"\"stop\":\"reported\"", "\"stop\":\"done\"", "sla_set.policies[0].clocks[0].stop",
     "not_allowed"},
    {"\"warn_percent\":80", "\"warn_percent\":101", "sla_set.policies[0].clocks[0].warn_percent",
     "range"},
    {"\"warn_to\":[\"unit\"]", "\"warn_to\":[\"mayor\"]",
     "sla_set.policies[0].clocks[0].warn_to[0]", "not_allowed"},
    {"\"breach_to\":[\"unit\"", "\"breach_to\":[\"supervisor\"",
     "sla_set.policies[0].clocks[0].breach_to[1]", "duplicate"},
    {"\"steps\":[{", "\"steps\":[1,{", "sla_set.policies[0].clocks[0].steps[0]", "wrong_type"},
    {"\"after\":5", "\"after\":-1", "sla_set.policies[0].clocks[0].steps[1].after", "range"},
    {"\"calendar_days\"", "\"weeks\"", "sla_set.policies[0].clocks[0].steps[1].unit",
     "not_allowed"},
    {"\"up\":2", "\"up\":0", "sla_set.policies[0].clocks[0].steps[1].up", "range"},
    {"\"pausable\":true", "\"pausable\":1", "sla_set.policies[0].clocks[0].pausable", "wrong_type"},
    {"\"name\":\"default\"", "\"name\":5", "sla_set.policies[0].name", "wrong_type"},
    {"\"mon\":[\"08:30-12:00\"", "\"mon\":[\"08:30–12:00\"", "calendars[0].week.mon[0]", "format"},
    {"\"14:00-17:30\"", "\"14:00-13:00\"", "calendars[0].week.mon[1]", "format"},
    {"\"14:00-17:30\"", "\"12:00-17:30\"", "calendars[0].week.mon[1]", "range"},
    {"\"mon\":[", "\"montag\":[", "calendars[0].week.montag", "unknown"},
    {"\"work\":[\"08:30-12:00\"]", "\"work\":[\"x\"]", "calendars[0].work[0]", "format"},
    {"\"day_close\":\"24:00\"", "\"day_close\":\"25:00\"", "calendars[1].day_close", "format"},
    {"[2025,2026]", "[2026,2025]", "calendars[0].published_years[1]", "range"},
    {"[2025,2026]", "[1969]", "calendars[0].published_years[0]", "range"},
    {"[2025,2026]", "[\"2025\"]", "calendars[0].published_years[0]", "wrong_type"},
    {"[2025,2026]", "2025", "calendars[0].published_years", "wrong_type"},
    {"\"2026-02-14\"", "\"2026-02-30\"", "calendars[0].days[0].date", "format"},
    {"\"kind\":\"off\"", "\"kind\":\"free\"", "calendars[0].days[1].kind", "not_allowed"},
    {"\"kind\":\"off\"", "\"kind\":\"off\",\"open\":[\"09:00-10:00\"]", "calendars[0].days[1].open",
     "not_allowed"},
    {"\"kind\":\"custom\",\"open\":[\"10:00-24:00\"]", "\"kind\":\"custom\"",
     "calendars[0].days[2].open", "required"},
    {"\"10:00-24:00\"", "\"10:00-24:30\"", "calendars[0].days[2].open[0]", "format"},
    {"\"id\":\"JY-1\",", "", "devices[0].id", "required"},
    {"\"region\":\"320281001000\",\"address\"", "\"address\"", "devices[0].region", "required"},
};

static void test_city_json_decode_names_each_fault(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fault_cases); i++) {
        const struct fault_case *c = &fault_cases[i];
        char *text = bundle_with(c->from, c->to);
        struct decoded d;
        decode(&d, text, strlen(text));
        assert_false(d.ok);
        if (strcmp(d.faults.list[0].field, c->field) != 0 ||
            strcmp(d.faults.list[0].reason, c->reason) != 0)
            fail_msg("%s: got %s %s, want %s %s", c->to, d.faults.list[0].field,
                     d.faults.list[0].reason, c->field, c->reason);
        arena_free(&d.arena);
        free(text);
    }
}

static void test_city_json_decode_requires_the_parts(void **state)
{
    (void)state;
    static const char *const parts[] = {"city",     "regions", "units",    "categories",
                                        "rule_set", "sla_set", "calendars"};
    struct decoded d;
    decode(&d, "{}", 2);
    assert_false(d.ok);
    assert_int_equal(d.faults.count, ARRAY_LEN(parts));
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        assert_string_equal(d.faults.list[i].field, parts[i]);
        assert_string_equal(d.faults.list[i].reason, "required");
    }
    arena_free(&d.arena);
    decode(&d, "[]", 2);
    assert_false(d.ok);
    assert_string_equal(d.faults.list[0].reason, "wrong_type");
    arena_free(&d.arena);
}

static void test_city_json_decode_bounds_lists(void **state)
{
    (void)state;
    struct sbuf list;
    sbuf_init(&list, 0);
    sbuf_adds(&list, "\"policies\":[");
    for (int i = 0; i <= CITY_MAX_POLICIES; i++)
        sbuf_adds(&list, "{\"name\":\"p\",\"clocks\":[]},");
    char *text = bundle_with("\"policies\":[", list.data);
    struct decoded d;
    decode(&d, text, strlen(text));
    assert_false(d.ok);
    assert_string_equal(d.faults.list[0].field, "sla_set.policies");
    assert_string_equal(d.faults.list[0].reason, "too_long");
    arena_free(&d.arena);
    free(text);
    sbuf_free(&list);
}

/* Thousands of faults and a name from outside that is longer than any buffer for paths. */
static void test_city_json_decode_survives_many_faults(void **state)
{
    (void)state;
    struct sbuf list;
    char key[400];
    memset(key, 'k', sizeof(key));
    sbuf_init(&list, 0);
    sbuf_addf(&list, "\"regions\":[{\"%.*s\":1},", (int)sizeof(key), key);
    for (int i = 0; i < 5000; i++)
        sbuf_adds(&list, "{},");
    char *text = bundle_with("\"regions\":[", list.data);
    struct decoded d;
    decode(&d, text, strlen(text));
    assert_false(d.ok);
    assert_int_equal(d.faults.count, JSON_MAX_FAULTS);
    bool found = false;
    for (size_t i = 0; i < d.faults.count; i++)
        found |= strncmp(d.faults.list[i].field, "regions[0].kkkk", 15) == 0;
    assert_true(found);
    arena_free(&d.arena);
    free(text);
    sbuf_free(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_city_json_decode_reads_everything),
        cmocka_unit_test(test_city_json_encode_gives_the_text_back),
        cmocka_unit_test(test_city_json_decode_fills_in_defaults),
        cmocka_unit_test(test_city_json_decode_names_each_fault),
        cmocka_unit_test(test_city_json_decode_requires_the_parts),
        cmocka_unit_test(test_city_json_decode_bounds_lists),
        cmocka_unit_test(test_city_json_decode_survives_many_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
