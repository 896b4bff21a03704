/*
 * cmd_versions.c - hotline rules|policies|calendars: versions, drafts, replay, from when they are
 * in force. One implementation; the first word of the command is the part.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "client/api.h"
#include "client/city_csv.h"
#include "client/commands.h"
#include "client/view.h"

static enum city_part part_of(const struct args *args)
{
    char word[16];
    size_t len = strcspn(args->command->path, " ");

    INVARIANT(len < sizeof(word));
    memcpy(word, args->command->path, len);
    word[len] = '\0';
    int part = word_find(city_part_words, CITY_PART_COUNT, word);
    INVARIANT(part >= 0);
    return (enum city_part)part;
}

/* "/v1/admin/rules" and what follows; `id` may be NULL. */
static void write_path(const struct args *args, struct sbuf *path, const char *list, const char *id,
                       const char *action)
{
    sbuf_init(path, 0);
    sbuf_addf(path, "/v1/admin/%s%s", city_part_words[part_of(args)].code, list);
    if (id != NULL) {
        sbuf_addc(path, '/');
        path_segment(path, id);
    }
    sbuf_adds(path, action);
}

/* Calls and frees the path; what people see is `view`. */
static enum exit_code call(struct client *client, const struct args *args, const char *method,
                           struct sbuf *path, const struct sbuf *body,
                           void (*view)(const struct client *client,
                                        const struct json_value *answer))
{
    struct api_answer answer;
    enum exit_code code = api_call(client,
                                   &(struct api_request){.method = method,
                                                         .path = path->data,
                                                         .who = client_who(client, args),
                                                         .body = body != NULL ? body->data : NULL,
                                                         .body_len = body != NULL ? body->len : 0,
                                                         .is_large = true},
                                   &answer);

    sbuf_free(path);
    if (code != EXIT_DONE)
        return code;
    if (!api_print_raw(client, &answer))
        view(client, api_root(&answer));
    api_answer_free(&answer);
    return EXIT_DONE;
}

static const char *member(const struct json_value *v, const char *key)
{
    return json_string(json_get(v, key), NULL);
}

static const char *scalar(const struct client *client, const struct json_value *v, const char *key)
{
    return view_scalar(client, json_get(v, key));
}

/* ---- lists -------------------------------------------------------------------------------------
 */

struct list_column {
    enum text_id title;
    const char *key;
    bool is_time;
    unsigned flags;
};

static void view_list(const struct client *client, const struct json_value *answer,
                      const struct list_column *columns, size_t count)
{
    const struct json_value *items = json_get(answer, "items");
    struct table *table = table_new();

    for (size_t k = 0; k < count; k++)
        table_column(table, client_text(client, columns[k].title), columns[k].flags);
    for (size_t i = 0; i < json_array_length(items); i++)
        for (size_t k = 0; k < count; k++) {
            const struct json_value *item = json_at(items, i);
            table_cell(table,
                       columns[k].is_time ? view_time(member(item, columns[k].key))
                                          : scalar(client, item, columns[k].key),
                       STYLE_PLAIN);
        }
    client_print_table(client, table);
    table_free(&table);
}

/* A version may have been in force several times: a line each. */
static void view_versions(const struct client *client, const struct json_value *answer)
{
    const struct json_value *items = json_get(answer, "items");
    struct table *table = table_new();

    table_column(table, client_text(client, T_COL_VERSION), TABLE_RIGHT);
    table_column(table, client_text(client, T_COL_NAME), TABLE_SHRINKS);
    table_column(table, client_text(client, T_COL_SIZE), TABLE_RIGHT);
    table_column(table, client_text(client, T_COL_FROM), 0);
    table_column(table, client_text(client, T_COL_TO), 0);
    for (size_t i = 0; i < json_array_length(items); i++) {
        const struct json_value *item = json_at(items, i);
        const struct json_value *periods = json_get(item, "periods");
        size_t lines = json_array_length(periods);
        bool in_force =
            json_int(json_get(item, "version")) == json_int(json_get(answer, "in_force"));
        for (size_t k = 0; k == 0 || k < lines; k++) {
            const struct json_value *period = json_at(periods, k);
            table_cell(table, scalar(client, item, "version"), in_force ? STYLE_BOLD : STYLE_PLAIN);
            table_cell(table, member(item, "name"), STYLE_PLAIN);
            table_cell(table, scalar(client, item, "size"), STYLE_PLAIN);
            table_cell(table, view_time(member(period, "from")), STYLE_PLAIN);
            table_cell(table, view_time(member(period, "to")), STYLE_PLAIN);
        }
    }
    client_print_table(client, table);
    table_free(&table);
}

static void view_drafts(const struct client *client, const struct json_value *answer)
{
    static const struct list_column columns[] = {
        {T_COL_DRAFT, "draft", false, TABLE_RIGHT},
        {T_COL_NAME, "name", false, TABLE_SHRINKS},
        {T_COL_SIZE, "size", false, TABLE_RIGHT},
        {T_COL_WARNINGS, "warning_count", false, TABLE_RIGHT},
        {T_COL_VERSION, "version", false, TABLE_RIGHT},
        {T_COL_CREATED, "created_at", true, 0},
    };
    view_list(client, answer, columns, ARRAY_LEN(columns));
}

static void view_plans(const struct client *client, const struct json_value *answer)
{
    static const struct list_column columns[] = {
        {T_COL_PLAN, "activation", false, TABLE_RIGHT},
        {T_COL_DRAFT, "draft", false, TABLE_RIGHT},
        {T_COL_VERSION, "version", false, TABLE_RIGHT},
        {T_COL_FROM, "at", true, 0},
        {T_COL_STATE, "state", false, 0},
        {T_COL_REASON, "reason", false, TABLE_SHRINKS},
    };
    view_list(client, answer, columns, ARRAY_LEN(columns));
}

static enum exit_code run_list(struct client *client, const struct args *args)
{
    struct sbuf path;

    write_path(args, &path, "", NULL, "");
    return call(client, args, "GET", &path, NULL, view_versions);
}

static enum exit_code run_drafts(struct client *client, const struct args *args)
{
    struct sbuf path;

    write_path(args, &path, "/drafts", NULL, "");
    return call(client, args, "GET", &path, NULL, view_drafts);
}

static enum exit_code run_plans(struct client *client, const struct args *args)
{
    struct sbuf path;

    write_path(args, &path, "/activations", NULL, "");
    return call(client, args, "GET", &path, NULL, view_plans);
}

/* ---- one version: the body, as a draft takes it ------------------------------------------------
 */

static void view_body(const struct client *client, const struct json_value *answer)
{
    struct sbuf text;

    sbuf_init(&text, CLIENT_MAX_ANSWER_BYTES);
    json_write_value(&text, json_get(answer, "body"));
    fwrite(text.data, 1, text.len, client->out);
    fputc('\n', client->out);
    sbuf_free(&text);
}

static enum exit_code run_show(struct client *client, const struct args *args)
{
    struct sbuf path;

    write_path(args, &path, "", args->operand_count > 0 ? args->operands[0] : "active", "");
    return call(client, args, "GET", &path, NULL, view_body);
}

/* ---- drafts ------------------------------------------------------------------------------------
 */

/* The file's or folder's own name, without what follows the last dot. */
static const char *name_of(const struct args *args)
{
    const char *given = args_get(args, "name");
    const char *path = args->operands[0];
    size_t len = strlen(path);

    if (given != NULL)
        return given;
    while (len > 1 && path[len - 1] == '/')
        len--;
    size_t start = len;
    while (start > 0 && path[start - 1] != '/')
        start--;
    const char *dot = memrchr(path + start, '.', len - start);
    if (dot != NULL && dot > path + start)
        len = (size_t)(dot - path);
    return arena_strndup(args->arena, path + start, len - start);
}

static bool is_json(const char *path)
{
    size_t len = strlen(path);

    return len > 5 && strcmp(path + len - 5, ".json") == 0;
}

/* What `show` printed, with --json or without. */
static bool read_json(const struct client *client, const struct args *args, struct sbuf *body)
{
    const char *list = city_part_words[part_of(args)].code;
    struct json_doc *doc = client_read_json(client, args->operands[0]);
    const struct json_value *root = json_root(doc);
    struct json_writer w;
    struct sbuf rows;

    if (doc == NULL)
        return false;
    if (json_type(json_get(root, "body")) == JSON_OBJECT)
        root = json_get(root, "body");
    const char *own = member(root, "name");
    sbuf_init(&rows, CLIENT_MAX_FILE_BYTES);
    json_write_value(&rows, json_get(root, list));
    jw_init(&w, body);
    jw_object(&w, NULL);
    jw_string(&w, "name", args_get(args, "name") == NULL && own != NULL ? own : name_of(args));
    jw_raw(&w, list, rows.data, rows.len);
    jw_object_end(&w);
    sbuf_free(&rows);
    json_doc_free(&doc);
    return true;
}

static bool read_body(const struct client *client, const struct args *args, struct sbuf *body)
{
    struct sbuf errors;

    sbuf_init(body, CLIENT_MAX_FILE_BYTES);
    if (is_json(args->operands[0]))
        return read_json(client, args, body);
    sbuf_init(&errors, 0);
    bool ok = city_csv_read_part(part_of(args), args->operands[0], name_of(args), body, &errors);
    if (!ok) {
        client_complain(client, T_ERR_CSV, args->operands[0], NULL);
        fprintf(client->err, "%s", errors.data);
    }
    sbuf_free(&errors);
    return ok;
}

static void view_drafted(const struct client *client, const struct json_value *answer)
{
    view_faults(client, T_WARNING_LINE, json_get(answer, "warnings"));
    client_say(client, T_DRAFTED, scalar(client, answer, "draft"),
               scalar(client, answer, "warning_count"));
}

static void view_checked(const struct client *client, const struct json_value *answer)
{
    view_faults(client, T_ERROR_LINE, json_get(answer, "errors"));
    view_faults(client, T_WARNING_LINE, json_get(answer, "warnings"));
    client_say(client, T_VALIDATED, scalar(client, answer, "error_count"),
               scalar(client, answer, "warning_count"));
}

static enum exit_code send_body(struct client *client, const struct args *args, const char *query,
                                void (*view)(const struct client *client,
                                             const struct json_value *answer))
{
    enum exit_code code = EXIT_USAGE;
    struct sbuf path, body;

    if (read_body(client, args, &body)) {
        write_path(args, &path, "/drafts", NULL, query);
        code = call(client, args, "POST", &path, &body, view);
    }
    sbuf_free(&body);
    return code;
}

static enum exit_code run_draft(struct client *client, const struct args *args)
{
    return send_body(client, args, "", view_drafted);
}

static enum exit_code run_validate(struct client *client, const struct args *args)
{
    return send_body(client, args, "?check=true", view_checked);
}

/* ---- replay ------------------------------------------------------------------------------------
 */

struct labelled {
    const char *key;
    enum text_id label;
};

static void view_totals(const struct client *client, const struct json_value *answer,
                        const struct labelled *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        view_line(client, rows[i].label, scalar(client, answer, rows[i].key));
    if (!json_bool(json_get(answer, "is_complete")))
        client_say(client, T_REPLAY_CUT, scalar(client, answer, "oldest"), NULL);
}

static void view_replay(const struct client *client, const struct json_value *answer)
{
    static const struct labelled rows[] = {
        {"tickets", T_LABEL_TICKETS}, {"unchanged", T_LABEL_UNCHANGED}, {"moved", T_LABEL_MOVED},
        {"to_pool", T_LABEL_TO_POOL}, {"from_pool", T_LABEL_FROM_POOL},
    };
    static const struct view_column by_unit[] = {
        {T_COL_UNIT, "unit", VIEW_AS_IS, 0},
        {T_COL_NAME, "name", VIEW_AS_IS, TABLE_SHRINKS},
        {T_COL_LOSES, "loses", VIEW_AS_IS, TABLE_RIGHT},
        {T_COL_GAINS, "gains", VIEW_AS_IS, TABLE_RIGHT},
    };
    static const struct view_column samples[] = {
        {T_COL_NUMBER, "number", VIEW_AS_IS, 0},   {T_COL_FROM_UNIT, "from", VIEW_AS_IS, 0},
        {T_COL_TO_UNIT, "to", VIEW_AS_IS, 0},      {T_COL_RULE, "rule_from", VIEW_AS_IS, 0},
        {T_COL_RULE_TO, "rule_to", VIEW_AS_IS, 0},
    };

    view_totals(client, answer, rows, ARRAY_LEN(rows));
    view_table(client, json_get(answer, "by_unit"), by_unit, ARRAY_LEN(by_unit));
    view_table(client, json_get(answer, "samples"), samples, ARRAY_LEN(samples));
}

static void view_policy_replay(const struct client *client, const struct json_value *answer)
{
    static const struct labelled rows[] = {
        {"tickets", T_LABEL_TICKETS},       {"clocks", T_LABEL_CLOCKS},
        {"same", T_LABEL_UNCHANGED},        {"earlier", T_LABEL_EARLIER},
        {"later", T_LABEL_LATER},           {"late_before", T_LABEL_LATE_BEFORE},
        {"late_after", T_LABEL_LATE_AFTER},
    };
    static const struct view_column by_clock[] = {
        {T_COL_CLOCK, "clock", VIEW_CLOCK, 0},
        {T_COL_CLOCKS, "clocks", VIEW_AS_IS, TABLE_RIGHT},
        {T_COL_EARLIER, "earlier", VIEW_AS_IS, TABLE_RIGHT},
        {T_COL_LATER, "later", VIEW_AS_IS, TABLE_RIGHT},
        {T_COL_REMOVED, "removed", VIEW_AS_IS, TABLE_RIGHT},
        {T_COL_ADDED, "added", VIEW_AS_IS, TABLE_RIGHT},
        {T_COL_LATE_BEFORE, "late_before", VIEW_AS_IS, TABLE_RIGHT},
        {T_COL_LATE_AFTER, "late_after", VIEW_AS_IS, TABLE_RIGHT},
    };
    static const struct view_column by_unit[] = {
        {T_COL_UNIT, "unit", VIEW_AS_IS, 0},
        {T_COL_NAME, "name", VIEW_AS_IS, TABLE_SHRINKS},
        {T_COL_LATE_BEFORE, "late_before", VIEW_AS_IS, TABLE_RIGHT},
        {T_COL_LATE_AFTER, "late_after", VIEW_AS_IS, TABLE_RIGHT},
    };
    static const struct view_column samples[] = {
        {T_COL_NUMBER, "number", VIEW_AS_IS, 0},
        {T_COL_CLOCK, "clock", VIEW_CLOCK, 0},
        {T_COL_DUE_BEFORE, "due_before", VIEW_TIME, 0},
        {T_COL_DUE_AFTER, "due_after", VIEW_TIME, 0},
    };

    view_totals(client, answer, rows, ARRAY_LEN(rows));
    view_table(client, json_get(answer, "by_clock"), by_clock, ARRAY_LEN(by_clock));
    view_table(client, json_get(answer, "by_unit"), by_unit, ARRAY_LEN(by_unit));
    view_table(client, json_get(answer, "samples"), samples, ARRAY_LEN(samples));
}

/* ---- drafts by number --------------------------------------------------------------------------
 */

static void view_change(const struct client *client, const struct json_value *answer)
{
    view_line(client, T_LABEL_VERSION, scalar(client, answer, "version"));
    view_line(client, T_LABEL_PLAN, scalar(client, answer, "activation"));
    view_line(client, T_LABEL_FROM, view_time(member(answer, "at")));
    view_line(client, T_LABEL_STATE, scalar(client, answer, "state"));
}

static enum exit_code
post_options(struct client *client, const struct args *args, const char *list, const char *action,
             void (*view)(const struct client *client, const struct json_value *answer))
{
    struct json_writer w;
    struct sbuf path, body;

    sbuf_init(&body, 0);
    jw_init(&w, &body);
    jw_object(&w, NULL);
    args_write_fields(args, &w);
    jw_object_end(&w);
    write_path(args, &path, list, args->operands[0], action);
    enum exit_code code = call(client, args, "POST", &path, &body, view);
    sbuf_free(&body);
    return code;
}

static enum exit_code run_replay(struct client *client, const struct args *args)
{
    return post_options(client, args, "/drafts", "/replay", view_replay);
}

static enum exit_code run_policy_replay(struct client *client, const struct args *args)
{
    return post_options(client, args, "/drafts", "/replay", view_policy_replay);
}

static enum exit_code run_activate(struct client *client, const struct args *args)
{
    return post_options(client, args, "/drafts", "/activate", view_change);
}

static enum exit_code run_cancel(struct client *client, const struct args *args)
{
    return post_options(client, args, "/activations", "/cancel", view_change);
}

/* ---- tables ------------------------------------------------------------------------------------
 */

static const struct option draft_options[] = {
    {.name = "name", .kind = OPTION_TEXT, .hint = "NAME", .help = T_OPT_DRAFT_NAME},
};
static const struct option activate_options[] = {
    {.name = "at", .field = "at", .kind = OPTION_TEXT, .hint = "INSTANT", .help = T_OPT_AT},
};
static const struct option replay_options[] = {
    {.name = "from", .field = "from", .kind = OPTION_TEXT, .hint = "INSTANT", .help = T_OPT_FROM},
    {.name = "to", .field = "to", .kind = OPTION_TEXT, .hint = "INSTANT", .help = T_OPT_UNTIL},
    {.name = "limit",
     .field = "limit",
     .kind = OPTION_INT,
     .hint = "N",
     .help = T_OPT_REPLAY_LIMIT,
     .min = 1,
     .max = 1000000},
    {.name = "samples",
     .field = "samples",
     .kind = OPTION_INT,
     .hint = "N",
     .help = T_OPT_SAMPLES,
     .max = 100},
};

#define OPTIONS(list) .options = (list), .option_count = ARRAY_LEN(list)
#define ONE(what) .operands = (what), .min_operands = 1, .max_operands = 1, .as = "admin"
#define PART_COMMANDS(part)                                                                        \
    {.path = part " list",                                                                         \
     .operands = "",                                                                               \
     .summary = T_CMD_VERSION_LIST,                                                                \
     .as = "admin",                                                                                \
     .run = run_list},                                                                             \
        {.path = part " show",                                                                     \
         .operands = "[VERSION]",                                                                  \
         .max_operands = 1,                                                                        \
         .summary = T_CMD_VERSION_SHOW,                                                            \
         .as = "admin",                                                                            \
         .run = run_show},                                                                         \
        {.path = part " validate",                                                                 \
         .summary = T_CMD_VERSION_VALIDATE,                                                        \
         ONE("PATH"),                                                                              \
         OPTIONS(draft_options),                                                                   \
         .run = run_validate},                                                                     \
        {.path = part " draft",                                                                    \
         .summary = T_CMD_VERSION_DRAFT,                                                           \
         ONE("PATH"),                                                                              \
         OPTIONS(draft_options),                                                                   \
         .run = run_draft},                                                                        \
        {.path = part " drafts",                                                                   \
         .operands = "",                                                                           \
         .summary = T_CMD_VERSION_DRAFTS,                                                          \
         .as = "admin",                                                                            \
         .run = run_drafts},                                                                       \
        {.path = part " activate",                                                                 \
         .summary = T_CMD_VERSION_ACTIVATE,                                                        \
         ONE("DRAFT"),                                                                             \
         OPTIONS(activate_options),                                                                \
         .run = run_activate},                                                                     \
        {.path = part " plans",                                                                    \
         .operands = "",                                                                           \
         .summary = T_CMD_VERSION_PLANS,                                                           \
         .as = "admin",                                                                            \
         .run = run_plans},                                                                        \
    {                                                                                              \
        .path = part " cancel", .summary = T_CMD_VERSION_CANCEL, ONE("PLAN"), .run = run_cancel    \
    }

const struct command version_commands[] = {
    PART_COMMANDS("rules"),
    {.path = "rules replay",
     .summary = T_CMD_RULES_REPLAY,
     ONE("DRAFT"),
     OPTIONS(replay_options),
     .run = run_replay},
    PART_COMMANDS("policies"),
    {.path = "policies replay",
     .summary = T_CMD_POLICIES_REPLAY,
     ONE("DRAFT"),
     OPTIONS(replay_options),
     .run = run_policy_replay},
    PART_COMMANDS("calendars"),
};
const size_t version_command_count = ARRAY_LEN(version_commands);
