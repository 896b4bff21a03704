/*
 * cmd_score.c - hotline admin score ...: the city's score sets.
 */
#include "client/api.h"
#include "client/commands.h"
#include "client/view.h"

#define SCORE_FILE_MAX_BYTES ((size_t)64 << 10)

static const char *member(const struct json_value *v, const char *key)
{
    return json_string(json_get(v, key), NULL);
}

static void view_sets(const struct client *client, const struct json_value *answer)
{
    const struct json_value *items = json_get(answer, "items");
    struct table *table = table_new();

    table_column(table, client_text(client, T_COL_VERSION), TABLE_RIGHT);
    table_column(table, client_text(client, T_COL_NAME), TABLE_SHRINKS);
    table_column(table, client_text(client, T_COL_FROM), 0);
    table_column(table, client_text(client, T_COL_IN_FORCE), 0);
    for (size_t i = 0; i < json_array_length(items); i++) {
        const struct json_value *set = json_at(items, i);

        table_cell(table, view_scalar(client, json_get(set, "version")), STYLE_PLAIN);
        table_cell(table, member(set, "name"), STYLE_PLAIN);
        table_cell(table, view_time(member(set, "from")), STYLE_PLAIN);
        table_cell(table, view_scalar(client, json_get(set, "in_force")), STYLE_PLAIN);
    }
    client_print_table(client, table);
    table_free(&table);
}

static enum exit_code run_list(struct client *client, const struct args *args)
{
    struct api_answer answer;
    const struct api_request request = {
        .method = "GET", .path = "/v1/admin/scores", .who = client_who(client, args)};
    enum exit_code code = api_call(client, &request, &answer);

    if (code != EXIT_DONE)
        return code;
    if (!api_print_raw(client, &answer))
        view_sets(client, api_root(&answer));
    api_answer_free(&answer);
    return EXIT_DONE;
}

static enum exit_code run_add(struct client *client, const struct args *args)
{
    struct api_answer answer;
    struct sbuf file;
    enum exit_code code = EXIT_USAGE;

    sbuf_init(&file, SCORE_FILE_MAX_BYTES);
    if (client_read_file(client, args->operands[0], SCORE_FILE_MAX_BYTES, &file)) {
        const struct api_request request = {.method = "POST",
                                            .path = "/v1/admin/scores",
                                            .who = client_who(client, args),
                                            .body = file.data,
                                            .body_len = file.len};

        code = api_call(client, &request, &answer);
    }
    sbuf_free(&file);
    if (code != EXIT_DONE)
        return code;
    if (!api_print_raw(client, &answer))
        client_say(client, T_SCORE_SET, member(api_root(&answer), "name"),
                   view_scalar(client, json_get(api_root(&answer), "version")));
    api_answer_free(&answer);
    return EXIT_DONE;
}

const struct command score_commands[] = {
    {.path = "admin scores",
     .operands = "",
     .summary = T_CMD_ADMIN_SCORES,
     .as = "admin",
     .run = run_list},
    {.path = "admin score add",
     .operands = "FILE",
     .min_operands = 1,
     .max_operands = 1,
     .summary = T_CMD_ADMIN_SCORE_ADD,
     .as = "admin",
     .run = run_add},
};
const size_t score_command_count = ARRAY_LEN(score_commands);
