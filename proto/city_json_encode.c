/*
 * city_json_encode.c - a city bundle as text. What is absent is not written.
 */
#include <stdio.h>

#include "base/civil.h"
#include "proto/city_json.h"

static void put_text(struct json_writer *w, const char *key, const char *s)
{
    if (s != NULL && s[0] != '\0')
        jw_string(w, key, s);
}

static void put_texts(struct json_writer *w, const char *key, const char *const *list, size_t count)
{
    jw_array(w, key);
    for (size_t i = 0; i < count; i++)
        jw_string(w, NULL, list[i]);
    jw_array_end(w);
}

static void put_time(struct json_writer *w, const char *key, int minute)
{
    char text[32];
    snprintf(text, sizeof(text), "%02d:%02d", minute / 60, minute % 60);
    jw_string(w, key, text);
}

static void put_word(struct json_writer *w, const char *key, const struct word *words, int index)
{
    if (index >= 0)
        jw_string(w, key, words[index].code);
}

static void put_head(struct json_writer *w, const struct city_spec *spec)
{
    jw_object(w, "city");
    jw_string(w, "code", spec->code);
    jw_string(w, "name", spec->name);
    jw_int(w, "utc_offset_minutes", spec->offset_min);
    put_texts(w, "tiers", spec->tiers, spec->tier_count);
    jw_object_end(w);
}

static void put_regions(struct json_writer *w, const struct city_spec *spec)
{
    jw_array(w, "regions");
    for (size_t i = 0; i < spec->region_count; i++) {
        const struct region_spec *region = &spec->regions[i];
        jw_object(w, NULL);
        jw_string(w, "code", region->code);
        jw_string(w, "name", region->name);
        jw_string(w, "level", region->level);
        put_text(w, "parent", region->parent);
        if (region->alias_count > 0)
            put_texts(w, "aliases", region->aliases, region->alias_count);
        jw_object_end(w);
    }
    jw_array_end(w);
}

static void put_units(struct json_writer *w, const struct city_spec *spec)
{
    jw_array(w, "units");
    for (size_t i = 0; i < spec->unit_count; i++) {
        const struct unit_spec *unit = &spec->units[i];
        jw_object(w, NULL);
        jw_string(w, "code", unit->code);
        jw_string(w, "name", unit->name);
        jw_string(w, "tier", unit->tier);
        jw_string(w, "kind", unit->kind);
        put_text(w, "parent", unit->parent);
        put_texts(w, "duties", unit->duties, unit->duty_count);
        put_texts(w, "regions", unit->regions, unit->region_count);
        jw_object_end(w);
    }
    jw_array_end(w);
}

static void put_categories(struct json_writer *w, const struct city_spec *spec)
{
    jw_array(w, "categories");
    for (size_t i = 0; i < spec->category_count; i++) {
        const struct category_spec *category = &spec->categories[i];
        jw_object(w, NULL);
        jw_string(w, "code", category->code);
        jw_string(w, "name", category->name);
        put_text(w, "parent", category->parent);
        jw_object_end(w);
    }
    jw_array_end(w);
}

/* ---- rules ----------------------------------------------------------------------------------- */

static void put_window(struct json_writer *w, const struct rule_window *window)
{
    jw_object(w, "window");
    if (window->weekdays != 0) {
        jw_array(w, "weekdays");
        for (int weekday = 1; weekday <= 7; weekday++)
            if ((window->weekdays & (1U << (weekday - 1))) != 0)
                jw_int(w, NULL, weekday);
        jw_array_end(w);
    }
    put_time(w, "from", window->from_min);
    put_time(w, "to", window->to_min);
    jw_object_end(w);
}

static void put_rule(struct json_writer *w, const struct rule_spec *rule)
{
    jw_object(w, NULL);
    jw_string(w, "code", rule->code);
    put_text(w, "category", rule->category);
    put_text(w, "region", rule->region);
    put_text(w, "kind", rule->kind);
    put_text(w, "channel", rule->channel);
    put_text(w, "urgency", rule->urgency);
    put_text(w, "keyword", rule->keyword);
    if (rule->has_window)
        put_window(w, &rule->window);
    put_text(w, "unit", rule->unit);
    if (rule->over_tier != NULL) {
        jw_object(w, "over");
        jw_string(w, "tier", rule->over_tier);
        put_text(w, "duty", rule->over_duty);
        jw_object_end(w);
    }
    if (rule->co_unit_count > 0)
        put_texts(w, "co_units", rule->co_units, rule->co_unit_count);
    put_text(w, "set_kind", rule->set_kind);
    put_text(w, "set_urgency", rule->set_urgency);
    put_text(w, "sla", rule->sla);
    jw_object_end(w);
}

static void put_rule_set(struct json_writer *w, const struct city_spec *spec)
{
    jw_object(w, "rule_set");
    jw_string(w, "name", spec->rule_set);
    jw_array(w, "rules");
    for (size_t i = 0; i < spec->rule_count; i++)
        put_rule(w, &spec->rules[i]);
    jw_array_end(w);
    jw_object_end(w);
}

/* ---- deadline policies ----------------------------------------------------------------------- */

static void put_tell(struct json_writer *w, const char *key, unsigned tell)
{
    if (tell == 0)
        return;
    jw_array(w, key);
    for (int who = 0; who < SLA_TELL_COUNT; who++)
        if ((tell & 1U << who) != 0)
            jw_string(w, NULL, sla_tell_words[who].code);
    jw_array_end(w);
}

static void put_steps(struct json_writer *w, const struct sla_rule *rule)
{
    if (rule->step_count == 0)
        return;
    jw_array(w, "steps");
    for (size_t i = 0; i < rule->step_count; i++) {
        jw_object(w, NULL);
        jw_int(w, "after", rule->steps[i].after.amount);
        put_word(w, "unit", limit_unit_words, (int)rule->steps[i].after.unit);
        jw_int(w, "up", rule->steps[i].up);
        jw_object_end(w);
    }
    jw_array_end(w);
}

static void put_clock(struct json_writer *w, const struct sla_rule *rule)
{
    jw_object(w, NULL);
    put_word(w, "clock", clock_words, (int)rule->clock);
    put_word(w, "kind", kind_words, rule->kind);
    put_word(w, "urgency", urgency_words, rule->urgency);
    jw_bool(w, "redo", rule->redo);
    jw_int(w, "limit", rule->limit.amount);
    put_word(w, "unit", limit_unit_words, (int)rule->limit.unit);
    put_word(w, "start", sla_event_words, (int)rule->start);
    put_word(w, "stop", sla_event_words, (int)rule->stop);
    jw_bool(w, "pausable", rule->pausable);
    jw_int(w, "warn_percent", rule->warn_percent);
    put_tell(w, "warn_to", rule->warn_tell);
    put_tell(w, "breach_to", rule->breach_tell);
    put_steps(w, rule);
    jw_object_end(w);
}

static void put_sla_set(struct json_writer *w, const struct city_spec *spec)
{
    jw_object(w, "sla_set");
    jw_string(w, "name", spec->sla_set);
    jw_array(w, "policies");
    for (size_t i = 0; i < spec->policy_count; i++) {
        jw_object(w, NULL);
        jw_string(w, "name", spec->policies[i].name);
        jw_array(w, "clocks");
        for (size_t k = 0; k < spec->policies[i].rule_count; k++)
            put_clock(w, &spec->policies[i].rules[k]);
        jw_array_end(w);
        jw_object_end(w);
    }
    jw_array_end(w);
    jw_object_end(w);
}

/* ---- calendars ------------------------------------------------------------------------------- */

static void put_hours(struct json_writer *w, const char *key, const struct calendar_hours *hours)
{
    jw_array(w, key);
    for (int i = 0; i < hours->count; i++) {
        const struct calendar_interval *open = &hours->open[i];
        char text[64];
        snprintf(text, sizeof(text), "%02d:%02d-%02d:%02d", open->from_min / 60,
                 open->from_min % 60, open->to_min / 60, open->to_min % 60);
        jw_string(w, NULL, text);
    }
    jw_array_end(w);
}

static void put_day(struct json_writer *w, const struct calendar_day_spec *day)
{
    static const char *const kinds[] = {
        [CALENDAR_DAY_OFF] = "off",
        [CALENDAR_DAY_WORK] = "work",
        [CALENDAR_DAY_CUSTOM] = "custom",
    };
    char date[CIVIL_DATE_SIZE];
    civil_format_date(day->day, date);
    jw_object(w, NULL);
    jw_string(w, "date", date);
    jw_string(w, "kind", kinds[day->kind]);
    put_text(w, "name", day->name);
    if (day->kind == CALENDAR_DAY_CUSTOM)
        put_hours(w, "open", &day->hours);
    jw_object_end(w);
}

static void put_calendar(struct json_writer *w, const struct calendar_spec *calendar)
{
    static const char *const weekdays[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    jw_object(w, NULL);
    jw_string(w, "name", calendar->name);
    put_text(w, "region", calendar->region);
    jw_int(w, "utc_offset_minutes", calendar->offset_min);
    jw_object(w, "week");
    for (size_t i = 0; i < ARRAY_LEN(weekdays); i++)
        put_hours(w, weekdays[i], &calendar->week[i]);
    jw_object_end(w);
    put_hours(w, "work", &calendar->work);
    if (calendar->day_close_min >= 0)
        put_time(w, "day_close", calendar->day_close_min);
    jw_array(w, "published_years");
    for (size_t i = 0; i < calendar->published_count; i++)
        jw_int(w, NULL, calendar->published_years[i]);
    jw_array_end(w);
    jw_array(w, "days");
    for (size_t i = 0; i < calendar->day_count; i++)
        put_day(w, &calendar->days[i]);
    jw_array_end(w);
    jw_object_end(w);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void put_devices(struct json_writer *w, const struct city_bundle *bundle)
{
    jw_array(w, "devices");
    for (size_t i = 0; i < bundle->device_count; i++) {
        const struct device_spec *device = &bundle->devices[i];
        jw_object(w, NULL);
        jw_string(w, "id", device->id);
        put_text(w, "name", device->name);
        jw_string(w, "region", device->region);
        put_text(w, "address", device->address);
        jw_object_end(w);
    }
    jw_array_end(w);
}

void city_json_encode(const struct city_bundle *bundle, struct sbuf *out)
{
    const struct city_spec *spec = &bundle->spec;
    struct json_writer w;
    jw_init(&w, out);
    jw_object(&w, NULL);
    put_head(&w, spec);
    put_regions(&w, spec);
    put_units(&w, spec);
    put_categories(&w, spec);
    put_rule_set(&w, spec);
    put_sla_set(&w, spec);
    jw_array(&w, "calendars");
    for (size_t i = 0; i < spec->calendar_count; i++)
        put_calendar(&w, &spec->calendars[i]);
    jw_array_end(&w);
    put_devices(&w, bundle);
    jw_object_end(&w);
}
