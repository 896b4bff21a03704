/*
 * settings.h - one table drives defaults, the settings file, the command line, reload, checks
 * and documentation.
 *
 * File format: `name = value` per line, `#` starts a comment line, unknown names are errors.
 * A reload parses into a copy first; if anything is wrong the old values stay.
 */
#ifndef BASE_SETTINGS_H
#define BASE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/sbuf.h"

enum setting_type {
    SETTING_BOOL,   /* bool: yes/no */
    SETTING_INT,    /* int64_t with min..max */
    SETTING_STRING, /* char *, owned by the struct; "" if unset */
};

enum setting_flags { SETTING_NO_RELOAD = 1, SETTING_SECRET = 2 };

struct setting {
    const char *name;
    enum setting_type type;
    size_t offset;        /* of the field in the settings struct */
    const char *fallback; /* default, as text */
    int64_t min, max;     /* of SETTING_INT */
    unsigned flags;
    const char *help; /* meaning and unit, one sentence */
};

/* Fills in all defaults. The struct must be zeroed before the first call. */
void settings_defaults(const struct setting *table, size_t count, void *values);
/* false and a text that names the setting and the reason (caller frees). */
MUST_CHECK bool settings_set(const struct setting *table, size_t count, void *values,
                             const char *name, const char *value, char **error_r);
MUST_CHECK bool settings_load_file(const struct setting *table, size_t count, void *values,
                                   const char *path, char **error_r);
/* Deep copy and release of the strings. */
void settings_copy(const struct setting *table, size_t count, void *to, const void *from);
void settings_free(const struct setting *table, size_t count, void *values);
/* Names (comma list) of settings that differ and are marked NO_RELOAD; NULL if none. Caller frees.
 */
char *settings_unreloadable_changes(const struct setting *table, size_t count,
                                    const void *old_values, const void *new_values);
/* Gives settings that are marked NO_RELOAD the value they have in `from`. */
void settings_keep_unreloadable(const struct setting *table, size_t count, void *to,
                                const void *from);
/* `name = value  # help` per row; secrets as "***". */
void settings_print(const struct setting *table, size_t count, const void *values,
                    struct sbuf *out);

#endif
