/*
 * city_json_rules.c - the routing rules and the deadline policies of a city bundle.
 */
#include <stdio.h>
#include <string.h>

#include "proto/city_json_internal.h"

#define MAX_PATH 160

#define OPTIONAL_CODE(owner, member)                                                               \
    {                                                                                              \
        .name = #member, .type = FIELD_STRING, .offset = offsetof(owner, member), .min = 1,        \
        .max = CITY_JSON_MAX_CODE                                                                  \
    }
#define REQUIRED_CODE(owner, member)                                                               \
    {                                                                                              \
        .name = #member, .type = FIELD_STRING, .offset = offsetof(owner, member), .min = 1,        \
        .max = CITY_JSON_MAX_CODE, .flags = FIELD_REQUIRED                                         \
    }
#define ANY_VALUE(owner, member)                                                                   \
    {                                                                                              \
        .name = #member, .type = FIELD_VALUE, .offset = offsetof(owner, member)                    \
    }

/* ---- rules ----------------------------------------------------------------------------------- */

struct rule_raw {
    const char *code, *category, *region, *kind, *channel, *urgency, *keyword;
    const struct json_value *window, *over;
    const char *unit;
    struct json_strings co_units;
    const char *set_kind, *set_urgency, *sla;
};
static const struct field rule_fields[] = {
    REQUIRED_CODE(struct rule_raw, code),
    OPTIONAL_CODE(struct rule_raw, category),
    OPTIONAL_CODE(struct rule_raw, region),
    OPTIONAL_CODE(struct rule_raw, kind),
    OPTIONAL_CODE(struct rule_raw, channel),
    OPTIONAL_CODE(struct rule_raw, urgency),
    {.name = "keyword",
     .type = FIELD_STRING,
     .offset = offsetof(struct rule_raw, keyword),
     .min = 1,
     .max = CITY_MAX_KEYWORD_BYTES},
    ANY_VALUE(struct rule_raw, window),
    OPTIONAL_CODE(struct rule_raw, unit),
    ANY_VALUE(struct rule_raw, over),
    {.name = "co_units",
     .type = FIELD_STRINGS,
     .offset = offsetof(struct rule_raw, co_units),
     .max = CITY_MAX_CO_UNITS,
     .item_max = CITY_JSON_MAX_CODE},
    OPTIONAL_CODE(struct rule_raw, set_kind),
    OPTIONAL_CODE(struct rule_raw, set_urgency),
    OPTIONAL_CODE(struct rule_raw, sla),
};
static const struct city_table rule_table = {
    .fields = rule_fields,
    .field_count = ARRAY_LEN(rule_fields),
    .item_size = sizeof(struct rule_raw),
    .max_items = CITY_MAX_RULES,
};

struct window_raw {
    const struct json_value *weekdays;
    const char *from, *to;
};
static const struct field window_fields[] = {
    ANY_VALUE(struct window_raw, weekdays),
    REQUIRED_CODE(struct window_raw, from),
    REQUIRED_CODE(struct window_raw, to),
};

struct over_raw {
    const char *tier, *duty;
};
static const struct field over_fields[] = {
    REQUIRED_CODE(struct over_raw, tier),
    OPTIONAL_CODE(struct over_raw, duty),
};

/* [1..7] to a mask with bit 0 = Monday. */
static unsigned decode_weekdays(struct city_decoder *d, const char *path,
                                const struct json_value *v)
{
    if (json_type(v) == JSON_NULL)
        return 0;
    if (json_type(v) != JSON_ARRAY) {
        city_fault(d, "wrong_type", "%s.weekdays", path);
        return 0;
    }
    unsigned mask = 0;
    for (size_t i = 0; i < json_array_length(v); i++) {
        const struct json_value *item = json_at(v, i);
        int64_t weekday = json_int(item);
        const char *reason = NULL;
        if (json_type(item) != JSON_INT)
            reason = "wrong_type";
        else if (weekday < 1 || weekday > 7)
            reason = "range";
        else if ((mask & (1U << (weekday - 1))) != 0)
            reason = "duplicate";
        if (reason != NULL) {
            city_fault(d, reason, "%s.weekdays[%zu]", path, i);
            return 0;
        }
        mask |= 1U << (weekday - 1);
    }
    return mask;
}

static void decode_window(struct city_decoder *d, const char *path, const struct json_value *v,
                          struct rule_spec *rule)
{
    struct window_raw raw = {0};
    if (!city_decode_object(d, path, v, window_fields, ARRAY_LEN(window_fields), &raw))
        return;
    rule->has_window = true;
    rule->window.weekdays = decode_weekdays(d, path, raw.weekdays);
    if (!city_parse_time(raw.from, strlen(raw.from), 1439, &rule->window.from_min))
        city_fault(d, "format", "%s.from", path);
    if (!city_parse_time(raw.to, strlen(raw.to), 1440, &rule->window.to_min))
        city_fault(d, "format", "%s.to", path);
}

/* Code words of a rule's conditions and overrides. */
static void check_rule_words(struct city_decoder *d, const char *path, const struct rule_raw *raw)
{
    city_decode_word(d, path, "kind", kind_words, KIND_COUNT, raw->kind);
    city_decode_word(d, path, "channel", channel_words, CHANNEL_COUNT, raw->channel);
    city_decode_word(d, path, "urgency", urgency_words, URGENCY_COUNT, raw->urgency);
    city_decode_word(d, path, "set_kind", kind_words, KIND_COUNT, raw->set_kind);
    city_decode_word(d, path, "set_urgency", urgency_words, URGENCY_COUNT, raw->set_urgency);
}

static struct rule_spec rule_from_raw(const struct rule_raw *raw)
{
    return (struct rule_spec){
        .code = raw->code,
        .category = raw->category,
        .region = raw->region,
        .kind = raw->kind,
        .channel = raw->channel,
        .urgency = raw->urgency,
        .keyword = raw->keyword,
        .unit = raw->unit,
        .co_units = raw->co_units.list,
        .co_unit_count = raw->co_units.count,
        .set_kind = raw->set_kind,
        .set_urgency = raw->set_urgency,
        .sla = raw->sla,
    };
}

static void decode_rule(struct city_decoder *d, const char *path, const struct rule_raw *raw,
                        struct rule_spec *rule_r)
{
    char part[MAX_PATH + 16];
    *rule_r = rule_from_raw(raw);
    check_rule_words(d, path, raw);
    if (json_type(raw->window) != JSON_NULL) {
        snprintf(part, sizeof(part), "%s.window", path);
        decode_window(d, part, raw->window, rule_r);
    }
    if (json_type(raw->over) == JSON_NULL)
        return;
    struct over_raw over = {0};
    snprintf(part, sizeof(part), "%s.over", path);
    if (!city_decode_object(d, part, raw->over, over_fields, ARRAY_LEN(over_fields), &over))
        return;
    city_decode_word(d, part, "tier", tier_words + TIER_GRID, TIER_COUNT - TIER_GRID, over.tier);
    rule_r->over_tier = over.tier;
    rule_r->over_duty = over.duty;
}

struct set_raw {
    const char *name;
    const struct json_value *list;
};
static const struct field rule_set_fields[] = {
    REQUIRED_CODE(struct set_raw, name),
    {.name = "rules",
     .type = FIELD_VALUE,
     .offset = offsetof(struct set_raw, list),
     .flags = FIELD_REQUIRED},
};

void city_decode_rule_set(struct city_decoder *d, const struct json_value *v,
                          struct city_spec *spec)
{
    struct set_raw set = {0};
    if (!city_decode_object(d, "rule_set", v, rule_set_fields, ARRAY_LEN(rule_set_fields), &set))
        return;
    const struct rule_raw *raw =
        city_decode_list(d, "rule_set.rules", set.list, &rule_table, &spec->rule_count);
    struct rule_spec *rules = arena_alloc(d->arena, (spec->rule_count + 1) * sizeof(*rules));
    for (size_t i = 0; i < spec->rule_count; i++) {
        char path[MAX_PATH];
        snprintf(path, sizeof(path), "rule_set.rules[%zu]", i);
        decode_rule(d, path, &raw[i], &rules[i]);
    }
    spec->rule_set = set.name;
    spec->rules = rules;
}

/* ---- deadline policies ----------------------------------------------------------------------- */

#define DEFAULT_WARN_PERCENT 75

struct clock_raw {
    const char *clock, *kind, *urgency, *unit, *start, *stop;
    int64_t limit, warn_percent;
    bool redo, pausable;
    struct json_strings warn_to, breach_to;
    const struct json_value *steps;
};
#define TELL_FIELD(member)                                                                         \
    {                                                                                              \
        .name = #member, .type = FIELD_STRINGS, .offset = offsetof(struct clock_raw, member),      \
        .max = SLA_TELL_COUNT, .item_max = CITY_JSON_MAX_CODE                                      \
    }
static const struct field clock_fields[] = {
    REQUIRED_CODE(struct clock_raw, clock),
    OPTIONAL_CODE(struct clock_raw, kind),
    OPTIONAL_CODE(struct clock_raw, urgency),
    {.name = "redo", .type = FIELD_BOOL, .offset = offsetof(struct clock_raw, redo)},
    {.name = "limit",
     .type = FIELD_INT,
     .offset = offsetof(struct clock_raw, limit),
     .min = 1,
     .max = CALENDAR_MAX_LIMIT,
     .flags = FIELD_REQUIRED},
    REQUIRED_CODE(struct clock_raw, unit),
    REQUIRED_CODE(struct clock_raw, start),
    REQUIRED_CODE(struct clock_raw, stop),
    {.name = "pausable", .type = FIELD_BOOL, .offset = offsetof(struct clock_raw, pausable)},
    {.name = "warn_percent",
     .type = FIELD_INT,
     .offset = offsetof(struct clock_raw, warn_percent),
     .min = 1,
     .max = 100},
    TELL_FIELD(warn_to),
    TELL_FIELD(breach_to),
    ANY_VALUE(struct clock_raw, steps),
};
static const struct clock_raw clock_initial = {.warn_percent = DEFAULT_WARN_PERCENT};
static const struct city_table clock_table = {
    .fields = clock_fields,
    .field_count = ARRAY_LEN(clock_fields),
    .item_size = sizeof(struct clock_raw),
    .max_items = CITY_JSON_MAX_CLOCKS,
    .initial = &clock_initial,
};

static const struct field policy_fields[] = {
    REQUIRED_CODE(struct set_raw, name),
    {.name = "clocks",
     .type = FIELD_VALUE,
     .offset = offsetof(struct set_raw, list),
     .flags = FIELD_REQUIRED},
};
static const struct city_table policy_table = {
    .fields = policy_fields,
    .field_count = ARRAY_LEN(policy_fields),
    .item_size = sizeof(struct set_raw),
    .max_items = CITY_MAX_POLICIES,
};

/* A word that is not known was reported; 0 stands in, the bundle is refused anyway. */
static int known(int index)
{
    return index < 0 ? 0 : index;
}

/* Words to bits; one that stands there twice is told. */
static unsigned decode_tell(struct city_decoder *d, const char *path, const char *name,
                            const struct json_strings *raw)
{
    unsigned tell = 0;
    for (size_t i = 0; i < raw->count; i++) {
        if (raw->list[i] == NULL)
            continue; /* reported already */
        int who = word_find(sla_tell_words, SLA_TELL_COUNT, raw->list[i]);
        if (who < 0 || (tell & 1U << who))
            city_fault(d, who < 0 ? "not_allowed" : "duplicate", "%s.%s[%zu]", path, name, i);
        else
            tell |= 1U << who;
    }
    return tell;
}

struct step_raw {
    int64_t after, up;
    const char *unit;
};
static const struct field step_fields[] = {
    {.name = "after",
     .type = FIELD_INT,
     .offset = offsetof(struct step_raw, after),
     .min = 0,
     .max = CALENDAR_MAX_LIMIT,
     .flags = FIELD_REQUIRED},
    REQUIRED_CODE(struct step_raw, unit),
    {.name = "up",
     .type = FIELD_INT,
     .offset = offsetof(struct step_raw, up),
     .min = 1,
     .max = TIER_COUNT,
     .flags = FIELD_REQUIRED},
};
static const struct city_table step_table = {
    .fields = step_fields,
    .field_count = ARRAY_LEN(step_fields),
    .item_size = sizeof(struct step_raw),
    .max_items = SLA_MAX_STEPS,
};

static void decode_steps(struct city_decoder *d, const char *clock_path, const struct json_value *v,
                         struct sla_rule *rule)
{
    const char *path = arena_printf(d->arena, "%s.steps", clock_path);
    const struct step_raw *raw = city_decode_list(d, path, v, &step_table, &rule->step_count);
    if (rule->step_count > SLA_MAX_STEPS)
        rule->step_count = SLA_MAX_STEPS; /* reported already */
    for (size_t i = 0; i < rule->step_count; i++) {
        const char *step_path = arena_printf(d->arena, "%s[%zu]", path, i);
        int unit =
            city_decode_word(d, step_path, "unit", limit_unit_words, LIMIT_UNIT_COUNT, raw[i].unit);
        rule->steps[i] = (struct sla_step){.after = {raw[i].after, (enum limit_unit)known(unit)},
                                           .up = (int)raw[i].up};
    }
}

static struct sla_rule decode_clock(struct city_decoder *d, const char *path,
                                    const struct clock_raw *raw)
{
    int clock = city_decode_word(d, path, "clock", clock_words, CLOCK_COUNT, raw->clock);
    int unit = city_decode_word(d, path, "unit", limit_unit_words, LIMIT_UNIT_COUNT, raw->unit);
    int start = city_decode_word(d, path, "start", sla_event_words, SLA_EVENT_COUNT, raw->start);
    int stop = city_decode_word(d, path, "stop", sla_event_words, SLA_EVENT_COUNT, raw->stop);
    if (start == SLA_NEVER)
        city_fault(d, "not_allowed", "%s.start", path);
    struct sla_rule rule = {
        .clock = (enum clock_kind)known(clock),
        .kind = city_decode_word(d, path, "kind", kind_words, KIND_COUNT, raw->kind),
        .urgency = city_decode_word(d, path, "urgency", urgency_words, URGENCY_COUNT, raw->urgency),
        .redo = raw->redo,
        .limit = {.amount = raw->limit, .unit = (enum limit_unit)known(unit)},
        .start = (enum sla_event)known(start),
        .stop = (enum sla_event)known(stop),
        .pausable = raw->pausable,
        .warn_percent = (int)raw->warn_percent,
        .warn_tell = decode_tell(d, path, "warn_to", &raw->warn_to),
        .breach_tell = decode_tell(d, path, "breach_to", &raw->breach_to),
    };
    decode_steps(d, path, raw->steps, &rule);
    return rule;
}

static void decode_policy(struct city_decoder *d, size_t index, const struct set_raw *raw,
                          struct sla_policy_spec *policy_r)
{
    char path[MAX_PATH];
    snprintf(path, sizeof(path), "sla_set.policies[%zu].clocks", index);
    const struct clock_raw *clocks =
        city_decode_list(d, path, raw->list, &clock_table, &policy_r->rule_count);
    struct sla_rule *rules = arena_alloc(d->arena, (policy_r->rule_count + 1) * sizeof(*rules));
    for (size_t i = 0; i < policy_r->rule_count; i++) {
        char clock_path[MAX_PATH];
        snprintf(clock_path, sizeof(clock_path), "sla_set.policies[%zu].clocks[%zu]", index, i);
        rules[i] = decode_clock(d, clock_path, &clocks[i]);
    }
    policy_r->name = raw->name;
    policy_r->rules = rules;
}

static const struct field sla_set_fields[] = {
    REQUIRED_CODE(struct set_raw, name),
    {.name = "policies",
     .type = FIELD_VALUE,
     .offset = offsetof(struct set_raw, list),
     .flags = FIELD_REQUIRED},
};

void city_decode_sla_set(struct city_decoder *d, const struct json_value *v, struct city_spec *spec)
{
    struct set_raw set = {0};
    if (!city_decode_object(d, "sla_set", v, sla_set_fields, ARRAY_LEN(sla_set_fields), &set))
        return;
    const struct set_raw *raw =
        city_decode_list(d, "sla_set.policies", set.list, &policy_table, &spec->policy_count);
    struct sla_policy_spec *policies =
        arena_alloc(d->arena, (spec->policy_count + 1) * sizeof(*policies));
    for (size_t i = 0; i < spec->policy_count; i++)
        decode_policy(d, i, &raw[i], &policies[i]);
    spec->sla_set = set.name;
    spec->policies = policies;
}
