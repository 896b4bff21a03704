/*
 * cmd_call.c - hotline call ...: calls, and those whom somebody has to call back.
 */
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

static enum exit_code run_returned(struct client *client, const struct args *args)
{
    struct api_answer answer;
    struct json_writer w;
    struct sbuf body;

    sbuf_init(&body, 0);
    jw_init(&w, &body);
    jw_object(&w, NULL);
    jw_string(&w, "gateway_id", args->operands[0]);
    jw_string(&w, "call_id", args->operands[1]);
    jw_object_end(&w);
    const struct api_request request = {.method = "POST",
                                        .path = "/v1/calls/returned",
                                        .who = client_who(client, args),
                                        .body = body.data,
                                        .body_len = body.len};
    enum exit_code code = api_call(client, &request, &answer);
    sbuf_free(&body);
    if (code != EXIT_DONE)
        return code;
    if (!api_print_raw(client, &answer))
        client_say(client, T_DONE, NULL, NULL);
    api_answer_free(&answer);
    return EXIT_DONE;
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

const struct command call_commands[] = {
    {.path = "call list",
     .operands = "",
     .summary = T_CMD_CALL_LIST,
     .as = "desk",
     .options = list_options,
     .option_count = ARRAY_LEN(list_options),
     .run = run_list},
    {.path = "call returned",
     .operands = "GATEWAY CALL_ID",
     .min_operands = 2,
     .max_operands = 2,
     .summary = T_CMD_CALL_RETURNED,
     .as = "desk",
     .run = run_returned},
};
const size_t call_command_count = ARRAY_LEN(call_commands);
