/*
 * city_json_part.c - rules, policies or calendars without the rest of the city: the body of a
 * draft.
 */
#include <string.h>

#include "proto/city_json_internal.h"

const struct word city_part_words[CITY_PART_COUNT] = {
    [CITY_PART_RULES] = {"rules", "派单规则", "rules"},
    [CITY_PART_POLICIES] = {"policies", "时限规则", "policies"},
    [CITY_PART_CALENDARS] = {"calendars", "工作日历", "calendars"},
};

struct calendars_raw {
    const char *name;
    const struct json_value *list;
};
static const struct field calendars_fields[] = {
    {.name = "name",
     .type = FIELD_STRING,
     .offset = offsetof(struct calendars_raw, name),
     .min = 1,
     .max = CITY_JSON_MAX_CODE,
     .flags = FIELD_REQUIRED},
    {.name = "calendars",
     .type = FIELD_VALUE,
     .offset = offsetof(struct calendars_raw, list),
     .flags = FIELD_REQUIRED},
};

static struct city_part_head decode_rules(struct city_decoder *d, const struct json_value *v,
                                          struct city_spec *spec)
{
    city_decode_rule_set(d, v, spec);
    return (struct city_part_head){spec->rule_set, spec->rule_count};
}

static struct city_part_head decode_policies(struct city_decoder *d, const struct json_value *v,
                                             struct city_spec *spec)
{
    city_decode_sla_set(d, v, spec);
    return (struct city_part_head){spec->sla_set, spec->policy_count};
}

static struct city_part_head decode_calendars(struct city_decoder *d, const struct json_value *v,
                                              struct city_spec *spec)
{
    struct calendars_raw raw = {0};
    if (city_decode_object(d, "", v, calendars_fields, ARRAY_LEN(calendars_fields), &raw))
        city_decode_calendars(d, raw.list, spec);
    return (struct city_part_head){raw.name, spec->calendar_count};
}

static const struct {
    const char *path; /* where the bundle has it */
    struct city_part_head (*decode)(struct city_decoder *d, const struct json_value *v,
                                    struct city_spec *spec);
} parts[CITY_PART_COUNT] = {
    [CITY_PART_RULES] = {"rule_set", decode_rules},
    [CITY_PART_POLICIES] = {"sla_set", decode_policies},
    [CITY_PART_CALENDARS] = {"", decode_calendars},
};

const char *city_json_part_path(enum city_part part, const char *path)
{
    size_t len = strlen(parts[part].path);
    if (strncmp(path, parts[part].path, len) != 0)
        return path;
    if (path[len] == '\0')
        return "";
    return path[len] == '.' ? path + len + 1 : path;
}

bool city_json_decode_part(enum city_part part, const struct json_value *v, struct arena *arena,
                           struct city_spec *spec, struct city_part_head *head_r,
                           struct faults *faults)
{
    struct faults own;
    faults_init(&own, arena);
    struct city_decoder d = {.arena = arena, .faults = &own};
    *head_r = parts[part].decode(&d, v, spec);
    for (size_t i = 0; i < own.count; i++) {
        const char *path = city_json_part_path(part, own.list[i].field);
        faults_add(faults, path[0] == '.' ? path + 1 : path, own.list[i].reason);
    }
    return own.count == 0;
}
