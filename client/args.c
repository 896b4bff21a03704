/*
 * args.c - finds the command, checks options against its table, turns them into requests.
 */
#include "client/args.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/civil.h"
#include "base/utf8.h"
#include "client/commands.h"
#include "proto/query.h"

const struct option global_options[] = {
    {.name = "url", .kind = OPTION_TEXT, .hint = "URL", .help = T_OPT_URL},
    {.name = "credentials", .kind = OPTION_FILE, .hint = "FILE", .help = T_OPT_CREDENTIALS},
    {.name = "as", .kind = OPTION_TEXT, .hint = "WHO", .help = T_OPT_AS},
    {.name = "json", .kind = OPTION_FLAG, .help = T_OPT_JSON},
    {.name = "lang", .kind = OPTION_TEXT, .hint = "zh|en", .help = T_OPT_LANG},
    {.name = "no-color", .kind = OPTION_FLAG, .help = T_OPT_NO_COLOR},
    {.name = "timeout",
     .kind = OPTION_INT,
     .hint = "N",
     .help = T_OPT_TIMEOUT,
     .min = 1,
     .max = 3600},
};
const size_t global_option_count = ARRAY_LEN(global_options);

struct parser {
    struct args *args;
    char *const *argv;
    int argc, at;
    enum lang lang;
    const char *error;
};

static bool fail(struct parser *p, enum text_id id, const char *a, const char *b)
{
    struct sbuf text;

    sbuf_init(&text, 0);
    text_fill(&text, p->lang, id, a, b == NULL ? "" : b, (char *)NULL);
    p->error = arena_strndup(p->args->arena, text.data, text.len);
    sbuf_free(&text);
    return false;
}

static const struct option *find_option(const struct option *options, size_t count,
                                        const char *name, size_t len, size_t *index_r)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(options[i].name) == len && memcmp(options[i].name, name, len) == 0) {
            *index_r = i;
            return &options[i];
        }
    return NULL;
}

static bool is_switch(const struct option *o)
{
    return o->kind == OPTION_FLAG || o->kind == OPTION_NO_FLAG;
}

static bool read_stdin(struct parser *p, const char *name, const char **value_r)
{
    struct sbuf text;
    char chunk[4096];
    size_t n;

    sbuf_init(&text, ARGS_STDIN_MAX_BYTES);
    while ((n = fread(chunk, 1, sizeof(chunk), stdin)) > 0)
        sbuf_add(&text, chunk, n);
    if (text.overflow) {
        sbuf_free(&text);
        return fail(p, T_ERR_STDIN_TOO_LONG, name, NULL);
    }
    while (text.len > 0 && text.data[text.len - 1] == '\n')
        text.len--;
    *value_r = arena_strndup(p->args->arena, text.data, text.len);
    sbuf_free(&text);
    return true;
}

static bool parse_int(const char *s, int64_t min, int64_t max, int64_t *v_r)
{
    char *end;
    long long v;

    errno = 0;
    v = strtoll(s, &end, 10);
    if (errno != 0 || end == s || *end != '\0' || v < min || v > max)
        return false;
    *v_r = v;
    return true;
}

static int parse_yes_no(const char *s)
{
    static const char *const words[][2] = {
        {"no", "yes"}, {"false", "true"}, {"n", "y"}, {"否", "是"}};

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        for (int v = 0; v < 2; v++)
            if (strcmp(words[i][v], s) == 0)
                return v;
    return -1;
}

static bool check_value(struct parser *p, const struct option *o, const char *value)
{
    int64_t n;
    int32_t day;

    if (!utf8_valid(value, strlen(value)))
        return fail(p, T_ERR_NOT_UTF8, o->name, NULL);
    if (o->kind == OPTION_INT && !parse_int(value, o->min, o->max, &n)) {
        char range[64];

        snprintf(range, sizeof(range), "%lld..%lld", (long long)o->min, (long long)o->max);
        return fail(p, T_ERR_NOT_INT, o->name, range);
    }
    if (o->kind == OPTION_YES_NO && parse_yes_no(value) < 0)
        return fail(p, T_ERR_NOT_YES_NO, o->name, NULL);
    if (o->kind == OPTION_DATE_OR_NONE && value[0] != '\0' &&
        !civil_parse_date(value, strlen(value), &day))
        return fail(p, T_ERR_NOT_DATE, o->name, NULL);
    if (o->kind == OPTION_WORD && word_find(o->words, o->word_count, value) < 0) {
        struct sbuf list;
        char *text;

        sbuf_init(&list, 0);
        for (size_t i = 0; i < o->word_count; i++)
            sbuf_addf(&list, "%s%s", i > 0 ? ", " : "", o->words[i].code);
        text = arena_strndup(p->args->arena, list.data, list.len);
        sbuf_free(&list);
        return fail(p, T_ERR_NOT_WORD, o->name, text);
    }
    return true;
}

/* An option at argv[at]; leaves `at` behind it and its value. */
static bool parse_option(struct parser *p)
{
    const char *text = p->argv[p->at] + 2, *equals = strchr(text, '=');
    size_t len = equals != NULL ? (size_t)(equals - text) : strlen(text), index = 0;
    const struct command *command = p->args->command;
    const char **slot = p->args->globals, *value = equals != NULL ? equals + 1 : NULL;
    const struct option *o = NULL;

    if (command != NULL &&
        (o = find_option(command->options, command->option_count, text, len, &index)) != NULL)
        slot = p->args->values;
    else if ((o = find_option(global_options, global_option_count, text, len, &index)) == NULL)
        return fail(p, T_ERR_UNKNOWN_OPTION, p->argv[p->at], NULL);
    p->at++;
    if (slot[index] != NULL)
        return fail(p, T_ERR_OPTION_TWICE, o->name, NULL);
    if (is_switch(o)) {
        slot[index] = "yes";
        return value == NULL || fail(p, T_ERR_OPTION_NO_VALUE, o->name, NULL);
    }
    if (value == NULL && o->kind == OPTION_DATE_OR_NONE &&
        (p->at == p->argc || p->argv[p->at][0] == '-'))
        value = "";
    if (value == NULL) {
        if (p->at == p->argc)
            return fail(p, T_ERR_OPTION_NEEDS_VALUE, o->name, NULL);
        value = p->argv[p->at++];
    }
    if (o->kind == OPTION_TEXT && slot == p->args->values && strcmp(value, "-") == 0 &&
        !read_stdin(p, o->name, &value))
        return false;
    slot[index] = value;
    return check_value(p, o, value);
}

static bool is_help(const char *arg)
{
    return strcmp(arg, "-h") == 0 || strcmp(arg, "--help") == 0;
}

static bool is_option(const char *arg)
{
    return strncmp(arg, "--", 2) == 0 && arg[2] != '\0';
}

/* The words that name the command, with global options between them. */
static bool parse_command(struct parser *p)
{
    struct sbuf path;

    sbuf_init(&path, 0);
    while (p->at < p->argc) {
        const char *arg = p->argv[p->at];
        size_t before = path.len;

        if (is_help(arg)) {
            p->args->help = true;
            p->at++;
            continue;
        }
        if (p->args->command == NULL && is_option(arg)) {
            if (!parse_option(p)) {
                sbuf_free(&path);
                return false;
            }
            continue;
        }
        sbuf_addf(&path, "%s%s", before > 0 ? " " : "", arg);
        if (!command_is_prefix(path.data)) {
            path.len = before;
            path.data[before] = '\0';
            break;
        }
        p->args->command = command_find(path.data);
        p->at++;
    }
    if (p->args->command == NULL && path.len > 0)
        p->args->group = arena_strndup(p->args->arena, path.data, path.len);
    sbuf_free(&path);
    return true;
}

static bool check_required(struct parser *p)
{
    const struct command *c = p->args->command;

    for (size_t i = 0; i < c->option_count; i++) {
        const struct option *o = &c->options[i];
        size_t given = 0;

        for (size_t k = 0; k < c->option_count; k++)
            if (p->args->values[k] != NULL &&
                (k == i || (o->field != NULL && c->options[k].field != NULL &&
                            strcmp(o->field, c->options[k].field) == 0)))
                given++;
        if (given == 0 && (o->flags & OPTION_REQUIRED))
            return fail(p, T_ERR_OPTION_REQUIRED, o->name, NULL);
        if (given > 1)
            return fail(p, T_ERR_OPTION_CONFLICT, o->name, NULL);
    }
    return true;
}

static bool parse_rest(struct parser *p)
{
    struct args *args = p->args;
    bool only_operands = false;

    while (p->at < p->argc) {
        const char *arg = p->argv[p->at];

        if (!only_operands && strcmp(arg, "--") == 0) {
            only_operands = true;
            p->at++;
        } else if (!only_operands && is_help(arg)) {
            args->help = true;
            p->at++;
        } else if (!only_operands && is_option(arg)) {
            if (!parse_option(p))
                return false;
        } else if (args->operand_count == args->command->max_operands) {
            return fail(p, T_ERR_TOO_MANY, arg, NULL);
        } else if (!utf8_valid(arg, strlen(arg))) {
            return fail(p, T_ERR_NOT_UTF8, args->command->operands, NULL);
        } else {
            args->operands[args->operand_count++] = arg;
            p->at++;
        }
    }
    if (args->help)
        return true;
    if (args->operand_count < args->command->min_operands)
        return fail(p, T_ERR_TOO_FEW, args->command->operands, NULL);
    return check_required(p);
}

bool args_parse(struct args *args, struct arena *arena, int argc, char *const *argv, enum lang lang,
                const char **error_r)
{
    struct parser p = {.args = args, .argv = argv, .argc = argc, .at = 1, .lang = lang};
    bool ok;

    memset(args, 0, sizeof(*args));
    args->arena = arena;
    ok = parse_command(&p);
    if (ok && args->command != NULL)
        ok = parse_rest(&p);
    else if (ok && p.at < p.argc)
        ok = fail(&p, T_ERR_UNKNOWN_COMMAND, p.argv[p.at], NULL);
    if (ok && args_global(args, "lang") != NULL && lang_parse(args_global(args, "lang")) < 0)
        ok = fail(&p, T_ERR_NOT_WORD, "lang", "zh, en");
    *error_r = p.error;
    return ok;
}

enum lang args_lang(int argc, char *const *argv, enum lang fallback)
{
    for (int i = 1; i < argc && argv[i] != NULL; i++) {
        const char *value = NULL;

        if (strcmp(argv[i], "--lang") == 0 && i + 1 < argc)
            value = argv[i + 1];
        else if (strncmp(argv[i], "--lang=", 7) == 0)
            value = argv[i] + 7;
        if (value != NULL && lang_parse(value) >= 0)
            return (enum lang)lang_parse(value);
    }
    return fallback;
}

const char *args_get(const struct args *args, const char *name)
{
    size_t index = 0;

    if (find_option(args->command->options, args->command->option_count, name, strlen(name),
                    &index) == NULL)
        return NULL;
    return args->values[index];
}

const char *args_global(const struct args *args, const char *name)
{
    size_t index = 0;

    INVARIANT(find_option(global_options, global_option_count, name, strlen(name), &index) != NULL);
    return args->globals[index];
}

int64_t args_int(const struct args *args, const char *name, int64_t fallback)
{
    const char *value = args_get(args, name);
    int64_t v = fallback;

    if (value != NULL)
        INVARIANT(parse_int(value, INT64_MIN, INT64_MAX, &v));
    return v;
}

static void write_list(struct json_writer *w, const char *key, const char *list)
{
    jw_array(w, key);
    while (*list != '\0') {
        size_t len = strcspn(list, ",");

        if (len > 0)
            jw_string_n(w, NULL, list, len);
        list += len + (list[len] == ',');
    }
    jw_array_end(w);
}

static void write_field(struct json_writer *w, const struct option *o, const char *key,
                        const char *value)
{
    int64_t n = 0;

    if (is_switch(o)) {
        jw_bool(w, key, o->kind == OPTION_FLAG);
    } else if (o->kind == OPTION_YES_NO) {
        jw_bool(w, key, parse_yes_no(value) == 1);
    } else if (o->kind == OPTION_INT) {
        INVARIANT(parse_int(value, o->min, o->max, &n));
        jw_int(w, key, n);
    } else if (o->kind == OPTION_LIST) {
        write_list(w, key, value);
    } else {
        jw_string(w, key, value);
    }
}

/* Members below "prefix." as an object of that name. */
static void write_nested(const struct args *args, struct json_writer *w, size_t first)
{
    const struct command *c = args->command;
    size_t prefix = strcspn(c->options[first].field, ".");
    char *key = xstrndup(c->options[first].field, prefix);

    jw_object(w, key);
    for (size_t i = first; i < c->option_count; i++) {
        const char *field = c->options[i].field;

        if (args->values[i] != NULL && field != NULL && strncmp(field, key, prefix) == 0 &&
            field[prefix] == '.')
            write_field(w, &c->options[i], field + prefix + 1, args->values[i]);
    }
    jw_object_end(w);
    free(key);
}

void args_write_fields(const struct args *args, struct json_writer *w)
{
    const struct command *c = args->command;
    const char *written = NULL;

    for (size_t i = 0; i < c->option_count; i++) {
        const char *field = c->options[i].field;

        if (args->values[i] == NULL || field == NULL)
            continue;
        if (strchr(field, '.') == NULL) {
            write_field(w, &c->options[i], field, args->values[i]);
        } else if (written == NULL || strncmp(written, field, strcspn(field, ".") + 1) != 0) {
            write_nested(args, w, i);
            written = field;
        }
    }
}

void args_write_query(const struct args *args, struct sbuf *path)
{
    const struct command *c = args->command;
    bool first = strchr(path->data, '?') == NULL;

    for (size_t i = 0; i < c->option_count; i++) {
        const struct option *o = &c->options[i];

        if (args->values[i] == NULL || o->field == NULL)
            continue;
        if (first)
            sbuf_addc(path, '?');
        first = false;
        query_append(path, o->field,
                     is_switch(o) ? (o->kind == OPTION_FLAG ? "true" : "false") : args->values[i]);
    }
}
