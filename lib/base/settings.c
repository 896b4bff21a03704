#include "base/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"

/* A settings file is written by people; anything longer is a mistake in the path. */
#define FILE_MAX_BYTES ((size_t)1 << 20)

/* ---- one value ------------------------------------------------------------------------------ */

static void *field_of(const struct setting *s, void *values)
{
    return (char *)values + s->offset;
}

static const void *const_field_of(const struct setting *s, const void *values)
{
    return (const char *)values + s->offset;
}

static char *set_bool(void *field, const struct setting *s, const char *value)
{
    bool yes = strcmp(value, "yes") == 0;
    if (!yes && strcmp(value, "no") != 0)
        return xasprintf("%s: must be yes or no, not \"%s\"", s->name, value);
    *(bool *)field = yes;
    return NULL;
}

static char *set_int(void *field, const struct setting *s, const char *value)
{
    char *end;
    const char *digits = value + (*value == '-' ? 1 : 0);
    errno = 0;
    long long n = strtoll(value, &end, 10);
    /* strtoll() also takes blanks and a plus sign, which nobody writes on purpose */
    if (*digits < '0' || *digits > '9' || *end != '\0')
        return xasprintf("%s: must be a whole number, not \"%s\"", s->name, value);
    if (errno == ERANGE || n < s->min || n > s->max)
        return xasprintf("%s: %s is outside %lld..%lld", s->name, value, (long long)s->min,
                         (long long)s->max);
    *(int64_t *)field = n;
    return NULL;
}

static bool has_controls(const char *s)
{
    for (; *s != '\0'; s++) {
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            return true;
    }
    return false;
}

static char *set_string(void *field, const struct setting *s, const char *value)
{
    size_t len = strlen(value);
    if (!utf8_valid(value, len) || has_controls(value))
        return xasprintf("%s: must be UTF-8 text without control characters", s->name);
    if (s->max > 0 && utf8_length(value, len) > (size_t)s->max)
        return xasprintf("%s: longer than %lld characters", s->name, (long long)s->max);
    char **text = field;
    char *copy = xstrdup(value); /* value may be what the field holds */
    free(*text);
    *text = copy;
    return NULL;
}

static void print_bool(struct sbuf *out, const void *field)
{
    sbuf_adds(out, *(const bool *)field ? "yes" : "no");
}

static void print_int(struct sbuf *out, const void *field)
{
    sbuf_addf(out, "%lld", (long long)*(const int64_t *)field);
}

static const char *string_of(const void *field)
{
    const char *text = *(char *const *)field;
    return text != NULL ? text : "";
}

static void print_string(struct sbuf *out, const void *field)
{
    sbuf_adds(out, string_of(field));
}

/* set() returns NULL or the error, which the caller frees. */
static const struct {
    char *(*set)(void *field, const struct setting *s, const char *value);
    void (*print)(struct sbuf *out, const void *field);
} types[] = {
    [SETTING_BOOL] = {set_bool, print_bool},
    [SETTING_INT] = {set_int, print_int},
    [SETTING_STRING] = {set_string, print_string},
};

/* ---- the table ------------------------------------------------------------------------------ */

void settings_defaults(const struct setting *table, size_t count, void *values)
{
    for (size_t i = 0; i < count; i++) {
        const struct setting *s = &table[i];
        char *error = types[s->type].set(field_of(s, values), s, s->fallback ? s->fallback : "");
        /* the table is ours: a default that breaks its own limits is a bug */
        INVARIANT(error == NULL);
    }
}

bool settings_set(const struct setting *table, size_t count, void *values, const char *name,
                  const char *value, char **error_r)
{
    *error_r = NULL;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(table[i].name, name) == 0) {
            *error_r = types[table[i].type].set(field_of(&table[i], values), &table[i], value);
            return *error_r == NULL;
        }
    }
    *error_r = xasprintf("%s: unknown setting", name);
    return false;
}

static void copy_one(const struct setting *s, void *to, const void *from)
{
    void *dst = field_of(s, to);
    const void *src = const_field_of(s, from);

    if (s->type == SETTING_STRING) {
        char **text = dst;
        char *copy = xstrdup(string_of(src));
        free(*text);
        *text = copy;
    } else if (s->type == SETTING_INT) {
        *(int64_t *)dst = *(const int64_t *)src;
    } else {
        *(bool *)dst = *(const bool *)src;
    }
}

void settings_copy(const struct setting *table, size_t count, void *to, const void *from)
{
    for (size_t i = 0; i < count; i++)
        copy_one(&table[i], to, from);
}

void settings_keep_unreloadable(const struct setting *table, size_t count, void *to,
                                const void *from)
{
    for (size_t i = 0; i < count; i++) {
        if (table[i].flags & SETTING_NO_RELOAD)
            copy_one(&table[i], to, from);
    }
}

void settings_free(const struct setting *table, size_t count, void *values)
{
    for (size_t i = 0; i < count; i++) {
        if (table[i].type != SETTING_STRING)
            continue;
        char **text = field_of(&table[i], values);
        free(*text);
        *text = NULL;
    }
}

static bool same_value(const struct setting *s, const void *a, const void *b)
{
    const void *x = const_field_of(s, a);
    const void *y = const_field_of(s, b);
    if (s->type == SETTING_STRING)
        return strcmp(string_of(x), string_of(y)) == 0;
    if (s->type == SETTING_INT)
        return *(const int64_t *)x == *(const int64_t *)y;
    return *(const bool *)x == *(const bool *)y;
}

char *settings_unreloadable_changes(const struct setting *table, size_t count,
                                    const void *old_values, const void *new_values)
{
    struct sbuf names;
    sbuf_init(&names, 0);
    for (size_t i = 0; i < count; i++) {
        if ((table[i].flags & SETTING_NO_RELOAD) == 0 ||
            same_value(&table[i], old_values, new_values))
            continue;
        sbuf_addf(&names, "%s%s", names.len > 0 ? ", " : "", table[i].name);
    }
    char *list = names.len > 0 ? xstrdup(names.data) : NULL;
    sbuf_free(&names);
    return list;
}

void settings_print(const struct setting *table, size_t count, const void *values, struct sbuf *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct setting *s = &table[i];
        const void *field = const_field_of(s, values);
        sbuf_addf(out, "%s = ", s->name);
        if ((s->flags & SETTING_SECRET) != 0)
            sbuf_adds(out, "***");
        else
            types[s->type].print(out, field);
        sbuf_addf(out, "  # %s\n", s->help != NULL ? s->help : "");
    }
}

/* ---- the file ------------------------------------------------------------------------------- */

static bool read_whole_file(const char *path, struct sbuf *out, char **error_r)
{
    char block[4096];
    size_t n;
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        *error_r = xasprintf("%s: %s", path, strerror(errno));
        return false;
    }
    while (!out->overflow && (n = fread(block, 1, sizeof(block), f)) > 0)
        sbuf_add(out, block, n);
    int failed = ferror(f) ? errno : 0;
    fclose(f);
    if (failed != 0)
        *error_r = xasprintf("%s: %s", path, strerror(failed));
    else if (out->overflow)
        *error_r = xasprintf("%s: larger than %zu bytes", path, FILE_MAX_BYTES);
    else if (strlen(out->data) != out->len)
        *error_r = xasprintf("%s: contains a NUL byte", path);
    return *error_r == NULL;
}

static char *trim(char *s)
{
    s += strspn(s, " \t\r");
    size_t len = strlen(s);
    while (len > 0 && strchr(" \t\r", s[len - 1]) != NULL)
        len--;
    s[len] = '\0';
    return s;
}

/* NULL or what is wrong with the line. */
static char *load_line(const struct setting *table, size_t count, void *values, char *line)
{
    char *error;
    line = trim(line);
    if (*line == '\0' || *line == '#')
        return NULL;
    char *equals = strchr(line, '=');
    if (equals == NULL)
        return xasprintf("not of the form name = value: \"%s\"", line);
    *equals = '\0';
    return settings_set(table, count, values, trim(line), trim(equals + 1), &error) ? NULL : error;
}

bool settings_load_file(const struct setting *table, size_t count, void *values, const char *path,
                        char **error_r)
{
    struct sbuf text;
    *error_r = NULL;
    sbuf_init(&text, FILE_MAX_BYTES);
    bool ok = read_whole_file(path, &text, error_r);
    char *rest = text.data;
    for (unsigned number = 1; ok && rest != NULL; number++) {
        char *line = strsep(&rest, "\n");
        char *error = load_line(table, count, values, line);
        if (error != NULL) {
            *error_r = xasprintf("%s:%u: %s", path, number, error);
            free(error);
            ok = false;
        }
    }
    sbuf_free(&text);
    return ok;
}
