/*
 * city_csv_tables.h - which files and columns a city's folder has, and what they are in the bundle.
 * Both directions are driven by these tables.
 */
#ifndef CLIENT_CITY_CSV_TABLES_H
#define CLIENT_CITY_CSV_TABLES_H

#include <stdbool.h>
#include <stddef.h>

enum csv_type {
    CSV_TEXT,
    CSV_INT,
    CSV_BOOL,  /* true, false */
    CSV_TEXTS, /* a;b;c */
    CSV_INTS,  /* 1;2;3 */
    CSV_STEPS, /* 1wd+1;5wd+2: after one working day one unit up, after five two */
};

/* How the units of a limit are written in a step. */
struct csv_step_unit {
    const char *text; /* wd */
    const char *code; /* working_days */
};
#define CITY_CSV_STEP_UNITS 4
extern const struct csv_step_unit city_csv_step_units[CITY_CSV_STEP_UNITS];

struct csv_column {
    const char *name;
    const char *object; /* key of the nested object, NULL = none */
    const char
        *key; /* in the bundle; NULL = not in the row's object (names the owner of the row) */
    enum csv_type type;
    bool required;
};

enum city_table_id {
    CITY_TABLE_HEAD,
    CITY_TABLE_REGIONS,
    CITY_TABLE_UNITS,
    CITY_TABLE_CATEGORIES,
    CITY_TABLE_RULES,
    CITY_TABLE_SLA,
    CITY_TABLE_CALENDAR,
    CITY_TABLE_CALENDAR_DAYS,
    CITY_TABLE_DEVICES,
    CITY_TABLE_COUNT
};

#define CITY_TABLE_MAX_COLUMNS 20

struct city_csv_table {
    const char *file;
    const struct csv_column *columns;
    size_t column_count;
    size_t key_columns; /* the first n together are unique */
    bool optional;      /* the file may be missing */
};
extern const struct city_csv_table city_csv_tables[CITY_TABLE_COUNT];

/* The rows of the key,value files. */
struct city_csv_setting {
    const char *key; /* in the file */
    const char
        *object; /* in the bundle: key of the object below the owner, NULL = the owner itself */
    const char *name;
    enum csv_type type;
};
#define CITY_CSV_HEAD_SETTINGS 6
extern const struct city_csv_setting city_csv_head_settings[CITY_CSV_HEAD_SETTINGS];
#define CITY_CSV_CALENDAR_SETTINGS 12
extern const struct city_csv_setting city_csv_calendar_settings[CITY_CSV_CALENDAR_SETTINGS];

#endif
