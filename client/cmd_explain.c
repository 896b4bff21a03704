/*
 * cmd_explain.c - hotline explain: why this unit, why these deadlines; of a ticket or of a case
 * that has not happened.
 */
#include <stdio.h>
#include <string.h>

#include "client/api.h"
#include "client/commands.h"
#include "client/view.h"
#include "hotline/route.h"

static const char *member(const struct json_value *v, const char *key)
{
    return json_string(json_get(v, key), NULL);
}

static void view_rules(const struct client *client, const struct json_value *rules)
{
    struct table *table = table_new();

    table_column(table, client_text(client, T_COL_RULE), 0);
    table_column(table, client_text(client, T_COL_VERDICT), 0);
    table_column(table, client_text(client, T_COL_LOST_BY), TABLE_SHRINKS);
    for (size_t i = 0; i < json_array_length(rules); i++) {
        const struct json_value *r = json_at(rules, i);

        table_cell(table, member(r, "rule"), STYLE_PLAIN);
        table_cell(
            table,
            word_text(client->lang, route_verdict_words, ROUTE_VERDICT_COUNT, member(r, "verdict")),
            STYLE_PLAIN);
        table_cell(table, view_scalar(client, json_get(r, "lost_by")), STYLE_DIM);
    }
    if (table_rows(table) > 0) {
        fputc('\n', client->out);
        client_print_table(client, table);
    }
    table_free(&table);
}

/* The arithmetic, day by day, in the daemon's words. */
static void view_lines(const struct client *client, const struct json_value *lines)
{
    const char *key = client->lang == LANG_ZH ? "zh" : "en";

    for (size_t i = 0; i < json_array_length(lines); i++) {
        const char *text = member(json_at(lines, i), key);
        struct sbuf clean;

        if (text == NULL)
            continue;
        sbuf_init(&clean, 0);
        clean_add(&clean, text, strlen(text), false);
        fprintf(client->out, "    %s\n", clean.data);
        sbuf_free(&clean);
    }
}

/* Judged under a calendar that is no longer in force: there is no arithmetic to show. */
static void view_other_calendar(const struct client *client, const struct json_value *deadline)
{
    fputs("    ", client->out);
    client_say(client, T_EXPLAIN_OTHER_CALENDAR,
               view_scalar(client, json_get(deadline, "calendar_version")), NULL);
}

static void view_explanation(const struct client *client, const struct json_value *answer)
{
    const struct json_value *deadlines = json_get(answer, "deadlines");

    view_route(client, json_get(answer, "route"));
    view_rules(client, json_get(answer, "rules"));
    for (size_t i = 0; i < json_array_length(deadlines); i++) {
        const struct json_value *d = json_at(deadlines, i);
        const char *clock = word_text(client->lang, clock_words, CLOCK_COUNT, member(d, "clock"));
        const char *due = view_time(member(d, "due_at"));
        bool provisional = json_bool(json_get(d, "provisional"));

        fputc('\n', client->out);
        client_say(client, provisional ? T_DUE_PROVISIONAL : T_DUE_AT, clock, due);
        view_lines(client, json_get(d, "lines"));
        view_lines(client, json_get(d, "adjustments"));
        view_lines(client, json_get(d, "moves"));
        if (json_type(json_get(d, "is_by_calendar")) == JSON_BOOL &&
            !json_bool(json_get(d, "is_by_calendar")))
            view_other_calendar(client, d);
    }
}

static enum exit_code explain(struct client *client, const struct api_request *request)
{
    struct api_answer answer;
    enum exit_code code = api_call(client, request, &answer);

    if (code != EXIT_DONE)
        return code;
    if (!api_print_raw(client, &answer))
        view_explanation(client, api_root(&answer));
    api_answer_free(&answer);
    return EXIT_DONE;
}

static enum exit_code explain_case(struct client *client, const struct args *args)
{
    struct json_writer w;
    enum exit_code code;
    struct sbuf body;

    if (args_get(args, "category") == NULL) {
        client_complain(client, T_ERR_EXPLAIN_WHAT, NULL, NULL);
        return EXIT_USAGE;
    }
    sbuf_init(&body, 0);
    jw_init(&w, &body);
    jw_object(&w, NULL);
    if (args_get(args, "kind") == NULL)
        jw_string(&w, "kind", kind_words[KIND_COMPLAINT].code);
    if (args_get(args, "channel") == NULL)
        jw_string(&w, "channel", channel_words[CHANNEL_PHONE].code);
    args_write_fields(args, &w);
    jw_object_end(&w);
    code = explain(client, &(struct api_request){.method = "POST",
                                                 .path = "/v1/explain",
                                                 .who = client_who(client, args),
                                                 .body = body.data,
                                                 .body_len = body.len});
    sbuf_free(&body);
    return code;
}

static enum exit_code run_explain(struct client *client, const struct args *args)
{
    enum exit_code code;
    struct sbuf path;

    if (args->operand_count == 0)
        return explain_case(client, args);
    sbuf_init(&path, 0);
    sbuf_adds(&path, "/v1/tickets/");
    path_segment(&path, args->operands[0]);
    sbuf_adds(&path, "/explain");
    code = explain(
        client,
        &(struct api_request){.method = "GET", .path = path.data, .who = client_who(client, args)});
    sbuf_free(&path);
    return code;
}

static const struct option explain_options[] = {
    {.name = "category",
     .field = "category",
     .kind = OPTION_TEXT,
     .hint = "CODE",
     .help = T_OPT_CATEGORY},
    {.name = "region",
     .field = "region",
     .kind = OPTION_TEXT,
     .hint = "CODE",
     .help = T_OPT_REGION},
    {.name = "address",
     .field = "address",
     .kind = OPTION_TEXT,
     .hint = "TEXT",
     .help = T_OPT_ADDRESS},
    {.name = "kind",
     .field = "kind",
     .kind = OPTION_WORD,
     .hint = "KIND",
     .help = T_OPT_KIND,
     .words = kind_words,
     .word_count = KIND_COUNT},
    {.name = "channel",
     .field = "channel",
     .kind = OPTION_WORD,
     .hint = "CHANNEL",
     .help = T_OPT_CHANNEL,
     .words = channel_words,
     .word_count = CHANNEL_COUNT},
    {.name = "urgency",
     .field = "urgency",
     .kind = OPTION_WORD,
     .hint = "URGENCY",
     .help = T_OPT_URGENCY,
     .words = urgency_words,
     .word_count = URGENCY_COUNT},
    {.name = "title", .field = "title", .kind = OPTION_TEXT, .hint = "TEXT", .help = T_OPT_TITLE},
    {.name = "text", .field = "text", .kind = OPTION_TEXT, .hint = "TEXT", .help = T_OPT_TEXT},
};

const struct command explain_commands[] = {
    {.path = "explain",
     .operands = "[NUMBER]",
     .max_operands = 1,
     .summary = T_CMD_EXPLAIN,
     .as = "desk",
     .options = explain_options,
     .option_count = ARRAY_LEN(explain_options),
     .run = run_explain},
};
const size_t explain_command_count = ARRAY_LEN(explain_commands);
