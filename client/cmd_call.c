/*
 * cmd_call.c - hotline call ...: calls, and those whom somebody has to call back.
 */
#include <stdio.h>

#include "client/api.h"
#include "client/commands.h"
#include "client/view.h"
#include "proto/call_json.h"

static const char *member(const struct json_value *v, const char *key)
{
    return json_string(json_get(v, key), NULL);
}

/* Where it is, or what became of it. */
static const char *state_text(const struct client *client, const struct json_value *call)
{
    static const struct word fates[] = {
        {"missed", "未接", "missed"},
        {"abandoned", "排队放弃", "abandoned"},
    };
    const char *fate = member(call, "fate");

    if (fate != NULL)
        return word_text(client->lang, fates, ARRAY_LEN(fates), fate);
    return word_text(client->lang, call_state_words, CALL_STATE_COUNT, member(call, "state"));
}

static void view_calls(const struct client *client, const struct json_value *answer)
{
    const struct json_value *items = json_get(answer, "items");
    const char *next = member(answer, "next");
    struct table *table = table_new();

    table_column(table, client_text(client, T_COL_STARTED), 0);
    table_column(table, client_text(client, T_COL_STATE), 0);
    table_column(table, client_text(client, T_COL_CALLER), TABLE_SHRINKS);
    table_column(table, client_text(client, T_COL_CALLED), TABLE_SHRINKS);
    table_column(table, client_text(client, T_COL_AGENT), TABLE_SHRINKS);
    table_column(table, client_text(client, T_COL_NUMBER), 0);
    table_column(table, client_text(client, T_COL_GATEWAY), TABLE_SHRINKS);
    table_column(table, client_text(client, T_COL_CALL), TABLE_SHRINKS);
    for (size_t i = 0; i < json_array_length(items); i++) {
        const struct json_value *c = json_at(items, i);
        const char *ticket = json_string(json_at(json_get(c, "tickets"), 0), NULL);

        table_cell(table, view_time(member(c, "started_at")), STYLE_DIM);
        table_cell(table, state_text(client, c), member(c, "fate") ? STYLE_BAD : STYLE_PLAIN);
        table_cell(table, member(c, "ani"), STYLE_BOLD);
        table_cell(table, member(c, "dnis"), STYLE_PLAIN);
        table_cell(table, member(c, "agent_id"), STYLE_PLAIN);
        table_cell(table, ticket, STYLE_PLAIN);
        table_cell(table, member(c, "gateway_id"), STYLE_DIM);
        table_cell(table, member(c, "call_id"), STYLE_DIM);
    }
    client_print_table(client, table);
    table_free(&table);
    if (next != NULL)
        client_say(client, T_MORE_AFTER, next, NULL);
}

static enum exit_code run_list(struct client *client, const struct args *args)
{
    struct api_answer answer;
    enum exit_code code;
    struct sbuf path;

    sbuf_init(&path, 0);
    sbuf_adds(&path, "/v1/calls?");
    args_write_query(args, &path);
    code = api_call(
        client,
        &(struct api_request){.method = "GET", .path = path.data, .who = client_who(client, args)},
        &answer);
    sbuf_free(&path);
    if (code != EXIT_DONE)
        return code;
    if (!api_print_raw(client, &answer))
        view_calls(client, api_root(&answer));
    api_answer_free(&answer);
    return EXIT_DONE;
}

/* The citizen's and that of the hotline, bare, so that they can be piped. */
static void view_numbers(const struct client *client, const struct json_value *answer)
{
    (void)client;
    (void)printf("%s\t%s\n", member(answer, "ani") ? member(answer, "ani") : "",
                 member(answer, "dnis") ? member(answer, "dnis") : "");
}

static void view_done(const struct client *client, const struct json_value *answer)
{
    (void)answer;
    client_say(client, T_DONE, NULL, NULL);
}

static enum exit_code act(struct client *client, const struct args *args, const char *path,
                          void (*view)(const struct client *, const struct json_value *))
{
    struct api_answer answer;
    struct json_writer w;
    struct sbuf body;

    sbuf_init(&body, 0);
    jw_init(&w, &body);
    jw_object(&w, NULL);
    jw_string(&w, "gateway_id", args->operands[0]);
    jw_string(&w, "call_id", args->operands[1]);
    args_write_fields(args, &w);
    jw_object_end(&w);
    const struct api_request request = {.method = "POST",
                                        .path = path,
                                        .who = client_who(client, args),
                                        .body = body.data,
                                        .body_len = body.len};
    enum exit_code code = api_call(client, &request, &answer);
    sbuf_free(&body);
    if (code != EXIT_DONE)
        return code;
    if (!api_print_raw(client, &answer))
        view(client, api_root(&answer));
    api_answer_free(&answer);
    return EXIT_DONE;
}

static enum exit_code run_returned(struct client *client, const struct args *args)
{
    return act(client, args, "/v1/calls/returned", view_done);
}

static enum exit_code run_reveal(struct client *client, const struct args *args)
{
    return act(client, args, "/v1/calls/reveal", view_numbers);
}

static const struct option list_options[] = {
    {.name = "missed", .field = "missed", .kind = OPTION_FLAG, .help = T_OPT_MISSED},
    {.name = "call", .field = "call_id", .kind = OPTION_TEXT, .hint = "ID", .help = T_OPT_CALL},
    {.name = "limit",
     .field = "limit",
     .kind = OPTION_INT,
     .hint = "N",
     .help = T_OPT_LIMIT,
     .min = 1,
     .max = 200},
    {.name = "after", .field = "after", .kind = OPTION_TEXT, .hint = "CURSOR", .help = T_OPT_AFTER},
};

static const struct option reveal_options[] = {
    {.name = "reason",
     .field = "reason",
     .kind = OPTION_TEXT,
     .flags = OPTION_REQUIRED,
     .hint = "TEXT",
     .help = T_OPT_DEVICE_REASON},
};

const struct command call_commands[] = {
    {.path = "call list",
     .operands = "",
     .summary = T_CMD_CALL_LIST,
     .as = "desk",
     .options = list_options,
     .option_count = ARRAY_LEN(list_options),
     .run = run_list},
    {.path = "call reveal",
     .operands = "GATEWAY CALL_ID",
     .min_operands = 2,
     .max_operands = 2,
     .summary = T_CMD_CALL_REVEAL,
     .as = "desk",
     .options = reveal_options,
     .option_count = ARRAY_LEN(reveal_options),
     .run = run_reveal},
    {.path = "call returned",
     .operands = "GATEWAY CALL_ID",
     .min_operands = 2,
     .max_operands = 2,
     .summary = T_CMD_CALL_RETURNED,
     .as = "desk",
     .run = run_returned},
};
const size_t call_command_count = ARRAY_LEN(call_commands);
