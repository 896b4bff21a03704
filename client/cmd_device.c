/*
 * cmd_device.c - hotline device ...: the registry of one-key devices 一键通.
 */
#include <stdio.h>
#include <string.h>

#include "client/api.h"
#include "client/commands.h"
#include "client/device_csv.h"
#include "client/view.h"

#define DEVICES_FILE_MAX_BYTES ((size_t)2 << 20)

static const char *member(const struct json_value *v, const char *key)
{
    return json_string(json_get(v, key), NULL);
}

static void view_devices(const struct client *client, const struct json_value *answer)
{
    const struct json_value *items = json_get(answer, "items");
    struct table *table = table_new();

    table_column(table, client_text(client, T_COL_DEVICE), 0);
    table_column(table, client_text(client, T_COL_NAME), TABLE_SHRINKS);
    table_column(table, client_text(client, T_COL_REGION), 0);
    table_column(table, client_text(client, T_COL_LAST_SEEN), 0);
    table_column(table, client_text(client, T_COL_BATTERY), TABLE_RIGHT);
    for (size_t i = 0; i < json_array_length(items); i++) {
        const struct json_value *device = json_at(items, i);

        table_cell(table, member(device, "id"), STYLE_PLAIN);
        table_cell(table, member(device, "name"), STYLE_PLAIN);
        table_cell(table, member(device, "region"), STYLE_PLAIN);
        table_cell(table, view_time(member(device, "last_seen_at")), STYLE_PLAIN);
        table_cell(table, view_scalar(client, json_get(device, "battery")), STYLE_PLAIN);
    }
    client_print_table(client, table);
    table_free(&table);
}

static enum exit_code run_list(struct client *client, const struct args *args)
{
    struct api_answer answer;
    const struct api_request request = {
        .method = "GET", .path = "/v1/admin/devices?limit=1000", .who = client_who(client, args)};
    enum exit_code code = api_call(client, &request, &answer);

    if (code != EXIT_DONE)
        return code;
    if (!api_print_raw(client, &answer))
        view_devices(client, api_root(&answer));
    api_answer_free(&answer);
    return EXIT_DONE;
}

/* The answer has keys that are shown this once: it is printed as it is. */
static enum exit_code print_answer(struct client *client, const struct api_request *request)
{
    struct api_answer answer;
    struct sbuf out;
    enum exit_code code = api_call(client, request, &answer);

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

/* ---- import ------------------------------------------------------------------------------------
 */

struct shown {
    struct client *client;
    size_t count;
};

/* Keys as they come: what a later portion does must not lose them. */
static void show_items(void *ctx, const struct json_value *answer)
{
    struct shown *shown = ctx;
    const struct json_value *items = json_get(answer, "items");

    for (size_t i = 0; i < json_array_length(items); i++) {
        struct sbuf out;
        sbuf_init(&out, 0);
        json_write_value(&out, json_at(items, i));
        fprintf(shown->client->out, "%s%s", shown->count++ ? ",\n" : "", out.data);
        sbuf_free(&out);
    }
}

static enum exit_code import_csv(struct client *client, const struct args *args)
{
    static const char *const columns[] = {"id",    "name",  "region", "address",   "person",
                                          "phone", "notes", "key",    "guardians", NULL};
    struct shown shown = {client, 0};
    const struct device_csv csv = {"devices", columns, show_items, &shown};

    fprintf(client->out, "{\"items\":[");
    enum exit_code code =
        device_csv_send(client, args, args->operands[0], "/v1/admin/devices", &csv);
    fprintf(client->out, "]}\n");
    return code;
}

static enum exit_code run_import(struct client *client, const struct args *args)
{
    struct sbuf file;
    enum exit_code code = EXIT_USAGE;

    if (device_csv_is(args->operands[0]))
        return import_csv(client, args);
    sbuf_init(&file, DEVICES_FILE_MAX_BYTES);
    if (client_read_file(client, args->operands[0], DEVICES_FILE_MAX_BYTES, &file)) {
        const struct api_request request = {.method = "POST",
                                            .path = "/v1/admin/devices",
                                            .who = client_who(client, args),
                                            .body = file.data,
                                            .body_len = file.len};
        code = print_answer(client, &request);
    }
    sbuf_free(&file);
    return code;
}

/* ---- one device --------------------------------------------------------------------------------
 */

static enum exit_code act(struct client *client, const struct args *args, const char *root)
{
    struct sbuf path, body;
    struct json_writer w;

    sbuf_init(&path, 0);
    sbuf_adds(&path, root);
    path_segment(&path, args->operands[0]);
    sbuf_addf(&path, "/%s", strrchr(args->command->path, ' ') + 1);
    sbuf_init(&body, 0);
    jw_init(&w, &body);
    jw_object(&w, NULL);
    args_write_fields(args, &w);
    jw_object_end(&w);
    const struct api_request request = {.method = "POST",
                                        .path = path.data,
                                        .who = client_who(client, args),
                                        .body = body.data,
                                        .body_len = body.len};
    enum exit_code code = print_answer(client, &request);
    sbuf_free(&body);
    sbuf_free(&path);
    return code;
}

static enum exit_code run_registry(struct client *client, const struct args *args)
{
    return act(client, args, "/v1/admin/devices/");
}

static enum exit_code run_reveal(struct client *client, const struct args *args)
{
    return act(client, args, "/v1/devices/");
}

static const struct word reveal_fields[] = {{"phone", "电话", "phone"},
                                            {"guardians", "监护人", "guardians"}};
static const struct option reveal_options[] = {
    {.name = "field",
     .field = "field",
     .kind = OPTION_WORD,
     .flags = OPTION_REQUIRED,
     .words = reveal_fields,
     .word_count = ARRAY_LEN(reveal_fields),
     .help = T_OPT_DEVICE_FIELD},
    {.name = "reason",
     .field = "reason",
     .kind = OPTION_TEXT,
     .flags = OPTION_REQUIRED,
     .hint = "TEXT",
     .help = T_OPT_DEVICE_REASON},
};

const struct command device_commands[] = {
    {.path = "device list",
     .operands = "",
     .summary = T_CMD_DEVICE_LIST,
     .as = "admin",
     .run = run_list},
    {.path = "device import",
     .operands = "FILE",
     .min_operands = 1,
     .max_operands = 1,
     .summary = T_CMD_DEVICE_IMPORT,
     .as = "admin",
     .run = run_import},
    {.path = "device rotate",
     .operands = "ID",
     .min_operands = 1,
     .max_operands = 1,
     .summary = T_CMD_DEVICE_ROTATE,
     .as = "admin",
     .run = run_registry},
    {.path = "device retire",
     .operands = "ID",
     .min_operands = 1,
     .max_operands = 1,
     .summary = T_CMD_DEVICE_RETIRE,
     .as = "admin",
     .run = run_registry},
    {.path = "device reveal",
     .operands = "ID",
     .min_operands = 1,
     .max_operands = 1,
     .summary = T_CMD_DEVICE_REVEAL,
     .as = "desk",
     .options = reveal_options,
     .option_count = ARRAY_LEN(reveal_options),
     .run = run_reveal},
};
const size_t device_command_count = ARRAY_LEN(device_commands);
