#include "client/city_csv_tables.h"

#include "base/attr.h"

#define TEXT(column)                                                                               \
    {                                                                                              \
        .name = column, .key = column                                                              \
    }
#define REQUIRED(column)                                                                           \
    {                                                                                              \
        .name = column, .key = column, .required = true                                            \
    }
#define OWNER(column)                                                                              \
    {                                                                                              \
        .name = column, .required = true                                                           \
    }
#define TYPED(column, kind)                                                                        \
    {                                                                                              \
        .name = column, .key = column, .type = kind                                                \
    }

static const struct csv_column head_columns[] = {OWNER("key"), OWNER("value")};

static const struct csv_column region_columns[] = {
    REQUIRED("code"),
    REQUIRED("name"),
    REQUIRED("level"),
    TEXT("parent"),
    TYPED("aliases", CSV_TEXTS),
};

static const struct csv_column unit_columns[] = {
    REQUIRED("code"),
    REQUIRED("name"),
    REQUIRED("tier"),
    REQUIRED("kind"),
    TEXT("parent"),
    TYPED("duties", CSV_TEXTS),
    TYPED("regions", CSV_TEXTS),
};

static const struct csv_column category_columns[] = {
    REQUIRED("code"),
    REQUIRED("name"),
    TEXT("parent"),
};

static const struct csv_column rule_columns[] = {
    REQUIRED("code"),
    TEXT("category"),
    TEXT("region"),
    TEXT("kind"),
    TEXT("channel"),
    TEXT("urgency"),
    TEXT("keyword"),
    {.name = "window_weekdays", .object = "window", .key = "weekdays", .type = CSV_INTS},
    {.name = "window_from", .object = "window", .key = "from"},
    {.name = "window_to", .object = "window", .key = "to"},
    TEXT("unit"),
    {.name = "over_tier", .object = "over", .key = "tier"},
    {.name = "over_duty", .object = "over", .key = "duty"},
    TYPED("co_units", CSV_TEXTS),
    TEXT("set_kind"),
    TEXT("set_urgency"),
    TEXT("sla"),
};

static const struct csv_column sla_columns[] = {
    OWNER("policy"),
    REQUIRED("clock"),
    TEXT("kind"),
    TEXT("urgency"),
    TYPED("redo", CSV_BOOL),
    {.name = "limit", .key = "limit", .type = CSV_INT, .required = true},
    REQUIRED("unit"),
    REQUIRED("start"),
    REQUIRED("stop"),
    TYPED("pausable", CSV_BOOL),
    TYPED("warn_percent", CSV_INT),
    TYPED("warn_to", CSV_TEXTS),
    TYPED("breach_to", CSV_TEXTS),
    TYPED("steps", CSV_STEPS),
};

const struct csv_step_unit city_csv_step_units[CITY_CSV_STEP_UNITS] = {
    {"min", "minutes"},
    {"wmin", "working_minutes"},
    {"wd", "working_days"},
    {"cd", "calendar_days"},
};

static const struct csv_column calendar_columns[] = {
    OWNER("calendar"),
    OWNER("key"),
    OWNER("value"),
};

static const struct csv_column day_columns[] = {
    OWNER("calendar"), REQUIRED("date"), REQUIRED("kind"), TEXT("name"), TYPED("open", CSV_TEXTS),
};

static const struct csv_column device_columns[] = {
    REQUIRED("id"),
    TEXT("name"),
    REQUIRED("region"),
    TEXT("address"),
};

#define TABLE(name, list, keys)                                                                    \
    {                                                                                              \
        .file = name, .columns = list, .column_count = ARRAY_LEN(list), .key_columns = keys        \
    }
#define OPTIONAL_TABLE(name, list, keys)                                                           \
    {                                                                                              \
        .file = name, .columns = list, .column_count = ARRAY_LEN(list), .key_columns = keys,       \
        .optional = true                                                                           \
    }

const struct city_csv_table city_csv_tables[CITY_TABLE_COUNT] = {
    [CITY_TABLE_HEAD] = TABLE("city.csv", head_columns, 1),
    [CITY_TABLE_REGIONS] = TABLE("regions.csv", region_columns, 1),
    [CITY_TABLE_UNITS] = TABLE("units.csv", unit_columns, 1),
    [CITY_TABLE_CATEGORIES] = TABLE("categories.csv", category_columns, 1),
    [CITY_TABLE_RULES] = TABLE("rules.csv", rule_columns, 1),
    [CITY_TABLE_SLA] = TABLE("sla.csv", sla_columns, 5),
    [CITY_TABLE_CALENDAR] = TABLE("calendar.csv", calendar_columns, 2),
    [CITY_TABLE_CALENDAR_DAYS] = OPTIONAL_TABLE("calendar_days.csv", day_columns, 2),
    [CITY_TABLE_DEVICES] = OPTIONAL_TABLE("devices.csv", device_columns, 1),
};

const struct city_csv_setting city_csv_head_settings[CITY_CSV_HEAD_SETTINGS] = {
    {.key = "code", .object = "city", .name = "code"},
    {.key = "name", .object = "city", .name = "name"},
    {.key = "utc_offset_minutes", .object = "city", .name = "utc_offset_minutes", .type = CSV_INT},
    {.key = "tiers", .object = "city", .name = "tiers", .type = CSV_TEXTS},
    {.key = "rule_set", .object = "rule_set", .name = "name"},
    {.key = "sla_set", .object = "sla_set", .name = "name"},
};

const struct city_csv_setting city_csv_calendar_settings[CITY_CSV_CALENDAR_SETTINGS] = {
    {.key = "region", .name = "region"},
    {.key = "utc_offset_minutes", .name = "utc_offset_minutes", .type = CSV_INT},
    {.key = "mon", .object = "week", .name = "mon", .type = CSV_TEXTS},
    {.key = "tue", .object = "week", .name = "tue", .type = CSV_TEXTS},
    {.key = "wed", .object = "week", .name = "wed", .type = CSV_TEXTS},
    {.key = "thu", .object = "week", .name = "thu", .type = CSV_TEXTS},
    {.key = "fri", .object = "week", .name = "fri", .type = CSV_TEXTS},
    {.key = "sat", .object = "week", .name = "sat", .type = CSV_TEXTS},
    {.key = "sun", .object = "week", .name = "sun", .type = CSV_TEXTS},
    {.key = "work", .name = "work", .type = CSV_TEXTS},
    {.key = "day_close", .name = "day_close"},
    {.key = "published_years", .name = "published_years", .type = CSV_INTS},
};
