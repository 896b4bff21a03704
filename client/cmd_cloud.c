/*
 * cmd_cloud.c - hotline device cloud ...: operators' clouds of one-key devices.
 */
#include <stdio.h>
#include <string.h>

#include "client/api.h"
#include "client/commands.h"
#include "client/device_csv.h"
#include "client/view.h"

static enum exit_code call(struct client *client, const struct args *args, const char *method,
                           const char *path, const char *body, struct api_answer *answer)
{
    return api_call(client,
                    &(struct api_request){.method = method,
                                          .path = path,
                                          .who = client_who(client, args),
                                          .body = body,
                                          .body_len = body == NULL ? 0 : strlen(body)},
                    answer);
}

static void cloud_path(struct sbuf *path, const struct args *args, const char *tail)
{
    sbuf_init(path, 0);
    sbuf_adds(path, "/v1/admin/clouds/");
    path_segment(path, args->operands[0]);
    sbuf_adds(path, tail);
}

/* ---- lists -------------------------------------------------------------------------------------
 */

struct column {
    const char *key;
    enum text_id title;
    unsigned flags;
};

static void view_items(const struct client *client, const struct json_value *answer,
                       const struct column *columns, size_t count)
{
    const struct json_value *items = json_get(answer, "items");
    struct table *table = table_new();

    for (size_t k = 0; k < count; k++)
        table_column(table, client_text(client, columns[k].title), columns[k].flags);
    for (size_t i = 0; i < json_array_length(items); i++) {
        for (size_t k = 0; k < count; k++) {
            const struct json_value *cell = json_get(json_at(items, i), columns[k].key);
            const char *text = json_string(cell, NULL);
            bool is_time = columns[k].title == T_COL_LAST_SEEN;
            table_cell(table, is_time ? view_time(text) : view_scalar(client, cell), STYLE_PLAIN);
        }
    }
    client_print_table(client, table);
    table_free(&table);
}

static enum exit_code list(struct client *client, const struct args *args, const char *path,
                           const struct column *columns, size_t count)
{
    struct api_answer answer;
    enum exit_code code = call(client, args, "GET", path, NULL, &answer);

    if (code != EXIT_DONE)
        return code;
    if (!api_print_raw(client, &answer))
        view_items(client, api_root(&answer), columns, count);
    api_answer_free(&answer);
    return EXIT_DONE;
}

static enum exit_code run_list(struct client *client, const struct args *args)
{
    static const struct column columns[] = {
        {"account", T_COL_CLOUD, 0},
        {"kind", T_COL_KIND, 0},
        {"mappings", T_COL_MAPPINGS, TABLE_RIGHT},
        {"unmapped", T_COL_UNMAPPED, TABLE_RIGHT},
        {"rotating", T_COL_ROTATING, 0},
        {"disabled", T_COL_DISABLED, 0},
    };

    return list(client, args, "/v1/admin/clouds", columns, ARRAY_LEN(columns));
}

static enum exit_code run_mappings(struct client *client, const struct args *args)
{
    static const struct column columns[] = {
        {"cloud_device", T_COL_CLOUD_DEVICE, 0},
        {"stream", T_COL_STREAM, 0},
        {"value", T_COL_VALUE, 0},
        {"device", T_COL_DEVICE, 0},
        {"key", T_COL_KEY, 0},
    };
    struct sbuf path;

    cloud_path(&path, args, "/mappings?limit=1000");
    enum exit_code code = list(client, args, path.data, columns, ARRAY_LEN(columns));
    sbuf_free(&path);
    return code;
}

static enum exit_code run_unmapped(struct client *client, const struct args *args)
{
    static const struct column columns[] = {
        {"cloud_device", T_COL_CLOUD_DEVICE, 0},
        {"stream", T_COL_STREAM, 0},
        {"known", T_COL_KNOWN, 0},
        {"count", T_COL_COUNT, TABLE_RIGHT},
        {"last_at", T_COL_LAST_SEEN, 0},
        {"value", T_COL_VALUE, TABLE_SHRINKS},
    };
    struct sbuf path;

    cloud_path(&path, args, "/unmapped?limit=500");
    enum exit_code code = list(client, args, path.data, columns, ARRAY_LEN(columns));
    sbuf_free(&path);
    return code;
}

/* ---- changes -----------------------------------------------------------------------------------
 */

/* Secrets are shown this once: printed as they came. */
static enum exit_code post(struct client *client, const struct args *args, const char *path,
                           const char *account)
{
    struct api_answer answer;
    struct json_writer w;
    struct sbuf body, out;

    sbuf_init(&body, 0);
    jw_init(&w, &body);
    jw_object(&w, NULL);
    if (account)
        jw_string(&w, "account", account);
    args_write_fields(args, &w);
    jw_object_end(&w);
    enum exit_code code = call(client, args, "POST", path, body.data, &answer);
    sbuf_free(&body);
    if (code != EXIT_DONE)
        return code;
    if (!api_print_raw(client, &answer)) {
        sbuf_init(&out, 0);
        json_write_value(&out, api_root(&answer));
        fprintf(client->out, "%s\n", out.data);
        sbuf_free(&out);
    }
    api_answer_free(&answer);
    return EXIT_DONE;
}

static enum exit_code run_add(struct client *client, const struct args *args)
{
    return post(client, args, "/v1/admin/clouds", args->operands[0]);
}

static enum exit_code run_change(struct client *client, const struct args *args)
{
    struct sbuf path;

    cloud_path(&path, args, "");
    enum exit_code code = post(client, args, path.data, NULL);
    sbuf_free(&path);
    return code;
}

struct counts {
    int64_t put, removed;
};

static void take_counts(void *ctx, const struct json_value *answer)
{
    struct counts *counts = ctx;

    counts->put += json_int(json_get(answer, "put"));
    counts->removed += json_int(json_get(answer, "removed"));
}

static enum exit_code run_map(struct client *client, const struct args *args)
{
    static const char *const columns[] = {"cloud_device", "stream", "value", "device",
                                          "key",          "remove", NULL};
    struct counts counts = {0, 0};
    const struct device_csv csv = {"mappings", columns, take_counts, &counts};
    struct sbuf path;

    cloud_path(&path, args, "/mappings");
    enum exit_code code = device_csv_send(client, args, args->operands[1], path.data, &csv);
    sbuf_free(&path);
    fprintf(client->out, "{\"put\":%lld,\"removed\":%lld}\n", (long long)counts.put,
            (long long)counts.removed);
    return code;
}

/* ---- commands ----------------------------------------------------------------------------------
 */

static const struct word kinds[] = {{"onenet", "中国移动OneNET", "OneNET of China Mobile"},
                                    {"ctwing", "中国电信CTWing", "CTWing of China Telecom"}};

#define CLOUD_OPTIONS                                                                              \
    {.name = "token",                                                                              \
     .field = "token",                                                                             \
     .kind = OPTION_TEXT,                                                                          \
     .hint = "TOKEN",                                                                              \
     .help = T_OPT_CLOUD_TOKEN},                                                                   \
        {.name = "aes-key",                                                                        \
         .field = "aes_key",                                                                       \
         .kind = OPTION_TEXT,                                                                      \
         .hint = "KEY",                                                                            \
         .help = T_OPT_CLOUD_AES_KEY},                                                             \
        {.name = "encrypted",                                                                      \
         .field = "encrypted",                                                                     \
         .kind = OPTION_FLAG,                                                                      \
         .help = T_OPT_CLOUD_ENCRYPTED},                                                           \
    {                                                                                              \
        .name = "addresses", .field = "addresses", .kind = OPTION_LIST, .hint = "NETWORK,...",     \
        .help = T_OPT_CLOUD_ADDRESSES                                                              \
    }

static const struct option add_options[] = {
    {.name = "kind",
     .field = "kind",
     .kind = OPTION_WORD,
     .flags = OPTION_REQUIRED,
     .words = kinds,
     .word_count = ARRAY_LEN(kinds),
     .help = T_OPT_CLOUD_KIND},
    CLOUD_OPTIONS,
};
static const struct option change_options[] = {
    {.name = "rotate", .field = "rotate", .kind = OPTION_FLAG, .help = T_OPT_CLOUD_ROTATE},
    {.name = "retire", .field = "retire", .kind = OPTION_FLAG, .help = T_OPT_CLOUD_RETIRE},
    CLOUD_OPTIONS,
    {.name = "disable", .field = "disabled", .kind = OPTION_FLAG, .help = T_OPT_CLOUD_DISABLE},
    {.name = "plain", .field = "encrypted", .kind = OPTION_NO_FLAG, .help = T_OPT_CLOUD_PLAIN},
    {.name = "enable", .field = "disabled", .kind = OPTION_NO_FLAG, .help = T_OPT_CLOUD_ENABLE},
};

#define ON_CLOUD .operands = "NAME", .min_operands = 1, .max_operands = 1, .as = "admin"

const struct command cloud_commands[] = {
    {.path = "device cloud list",
     .operands = "",
     .summary = T_CMD_CLOUD_LIST,
     .as = "admin",
     .run = run_list},
    {.path = "device cloud add",
     .summary = T_CMD_CLOUD_ADD,
     ON_CLOUD,
     .options = add_options,
     .option_count = ARRAY_LEN(add_options),
     .run = run_add},
    {.path = "device cloud change",
     .summary = T_CMD_CLOUD_CHANGE,
     ON_CLOUD,
     .options = change_options,
     .option_count = ARRAY_LEN(change_options),
     .run = run_change},
    {.path = "device cloud mappings",
     .summary = T_CMD_CLOUD_MAPPINGS,
     ON_CLOUD,
     .run = run_mappings},
    {.path = "device cloud map",
     .operands = "NAME FILE",
     .min_operands = 2,
     .max_operands = 2,
     .summary = T_CMD_CLOUD_MAP,
     .as = "admin",
     .run = run_map},
    {.path = "device cloud unmapped",
     .summary = T_CMD_CLOUD_UNMAPPED,
     ON_CLOUD,
     .run = run_unmapped},
};
const size_t cloud_command_count = ARRAY_LEN(cloud_commands);
