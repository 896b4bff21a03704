/*
 * cmd_device.c - hotline device ...: the registry of one-key devices 一键通.
 */
#include <stdio.h>
#include <stdlib.h>

#include "client/api.h"
#include "client/commands.h"
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
        printf("%s\n", out.data);
        sbuf_free(&out);
    }
    api_answer_free(&answer);
    return EXIT_DONE;
}

static enum exit_code run_import(struct client *client, const struct args *args)
{
    struct sbuf file;
    enum exit_code code = EXIT_USAGE;

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

static enum exit_code run_rotate(struct client *client, const struct args *args)
{
    char *path = xasprintf("/v1/admin/devices/%s/rotate", args->operands[0]);
    const struct api_request request = {.method = "POST",
                                        .path = path,
                                        .who = client_who(client, args),
                                        .body = "{}",
                                        .body_len = 2};
    enum exit_code code = print_answer(client, &request);

    free(path);
    return code;
}

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
     .run = run_rotate},
};
const size_t device_command_count = ARRAY_LEN(device_commands);
