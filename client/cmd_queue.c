/*
 * cmd_queue.c - hotline queue ...: the work of a member unit.
 */
#include <string.h>

#include "client/api.h"
#include "client/commands.h"
#include "client/view.h"
#include "hotline/ticket_machine.h"

#define WAIT_MAX_S 55
#define CLAIM_MAX 100

static const char *member(const struct json_value *v, const char *key)
{
    return json_string(json_get(v, key), NULL);
}

/* Assignments carry their ticket as an object. */
static const struct json_value *of_ticket(const struct json_value *item, const char *key)
{
    const struct json_value *own = json_get(item, key);

    return json_type(own) != JSON_NULL ? own : json_get(json_get(item, "ticket"), key);
}

static void view_items(const struct client *client, const struct json_value *answer)
{
    const struct json_value *items = json_get(answer, "items");
    struct table *table = table_new();

    table_column(table, client_text(client, T_COL_ASSIGNMENT), 0);
    table_column(table, client_text(client, T_COL_STATE), 0);
    table_column(table, client_text(client, T_COL_DUE), 0);
    table_column(table, client_text(client, T_COL_LEASE), 0);
    table_column(table, client_text(client, T_COL_LEASE_UNTIL), 0);
    table_column(table, client_text(client, T_COL_TITLE), TABLE_SHRINKS);
    for (size_t i = 0; i < json_array_length(items); i++) {
        const struct json_value *item = json_at(items, i);
        const char *state = member(item, "state");
        const struct json_value *id = json_get(item, "assignment");

        if (json_type(id) == JSON_NULL)
            id = json_get(item, "id");
        table_cell(table, view_scalar(client, id), STYLE_PLAIN);
        table_cell(table,
                   word_text(client->lang, assignment_state_words, ASSIGNMENT_STATE_COUNT, state),
                   STYLE_PLAIN);
        table_cell(table, view_time(json_string(of_ticket(item, "due_at"), NULL)), STYLE_PLAIN);
        table_cell(table, view_scalar(client, json_get(item, "lease")), STYLE_DIM);
        table_cell(table, view_time(member(item, "lease_until")), STYLE_DIM);
        table_cell(table, json_string(of_ticket(item, "title"), NULL), STYLE_PLAIN);
    }
    client_print_table(client, table);
    table_free(&table);
}

static enum exit_code finish(struct client *client, const struct api_request *request,
                             void (*view)(const struct client *, const struct json_value *))
{
    struct api_answer answer;
    enum exit_code code = api_call(client, request, &answer);

    if (code != EXIT_DONE)
        return code;
    if (!api_print_raw(client, &answer))
        view(client, api_root(&answer));
    api_answer_free(&answer);
    return EXIT_DONE;
}

static enum exit_code run_list(struct client *client, const struct args *args)
{
    enum exit_code code;
    struct sbuf path;

    sbuf_init(&path, 0);
    sbuf_adds(&path, "/v1/queue");
    args_write_query(args, &path);
    code = finish(
        client,
        &(struct api_request){.method = "GET", .path = path.data, .who = client_who(client, args)},
        view_items);
    sbuf_free(&path);
    return code;
}

static enum exit_code post(struct client *client, const struct args *args, const char *path,
                           void (*view)(const struct client *, const struct json_value *))
{
    struct json_writer w;
    enum exit_code code;
    struct sbuf body;

    sbuf_init(&body, 0);
    jw_init(&w, &body);
    jw_object(&w, NULL);
    if (view == view_items && args_get(args, "limit") == NULL)
        jw_int(&w, "limit", 1);
    if (view == view_items && args_get(args, "lease-seconds") == NULL)
        jw_int(&w, "lease_seconds", 600);
    args_write_fields(args, &w);
    jw_object_end(&w);
    code = finish(client,
                  &(struct api_request){.method = "POST",
                                        .path = path,
                                        .who = client_who(client, args),
                                        .body = body.data,
                                        .body_len = body.len},
                  view);
    sbuf_free(&body);
    return code;
}

static enum exit_code run_claim(struct client *client, const struct args *args)
{
    return post(client, args, "/v1/queue/claim", view_items);
}

/* The last word of the path is the action. */
static enum exit_code run_action(struct client *client, const struct args *args)
{
    enum exit_code code;
    struct sbuf path;

    sbuf_init(&path, 0);
    sbuf_adds(&path, "/v1/assignments/");
    path_segment(&path, args->operands[0]);
    sbuf_addf(&path, "/%s", strrchr(args->command->path, ' ') + 1);
    code = post(client, args, path.data, view_result);
    sbuf_free(&path);
    return code;
}

#define WAIT_OPTION                                                                                \
    {                                                                                              \
        .name = "wait", .field = "wait", .kind = OPTION_INT, .hint = "N", .help = T_OPT_WAIT,      \
        .min = 0, .max = WAIT_MAX_S                                                                \
    }
#define LEASE_OPTION(required)                                                                     \
    {                                                                                              \
        .name = "lease", .field = "lease", .kind = OPTION_TEXT, .flags = required,                 \
        .hint = "LEASE", .help = T_OPT_LEASE                                                       \
    }

static const struct option list_options[] = {
    {.name = "state",
     .field = "state",
     .kind = OPTION_WORD,
     .hint = "STATE",
     .help = T_OPT_STATE,
     .words = assignment_state_words,
     .word_count = ASSIGNMENT_STATE_COUNT},
    WAIT_OPTION,
    {.name = "limit",
     .field = "limit",
     .kind = OPTION_INT,
     .hint = "N",
     .help = T_OPT_LIMIT,
     .min = 1,
     .max = 500},
    {.name = "after", .field = "after", .kind = OPTION_TEXT, .hint = "CURSOR", .help = T_OPT_AFTER},
};

static const struct option claim_options[] = {
    {.name = "limit",
     .field = "limit",
     .kind = OPTION_INT,
     .hint = "N",
     .help = T_OPT_CLAIM_LIMIT,
     .min = 1,
     .max = CLAIM_MAX},
    {.name = "lease-seconds",
     .field = "lease_seconds",
     .kind = OPTION_INT,
     .hint = "N",
     .help = T_OPT_LEASE_SECONDS,
     .min = 30,
     .max = 3600},
    WAIT_OPTION,
};

static const struct option sign_options[] = {LEASE_OPTION(0)};
static const struct option release_options[] = {LEASE_OPTION(OPTION_REQUIRED)};

static const struct option contact_options[] = {
    {.name = "text",
     .field = "text",
     .kind = OPTION_TEXT,
     .hint = "TEXT",
     .help = T_OPT_CONTACT_TEXT},
};

static const struct option report_options[] = {
    {.name = "solved",
     .field = "solved",
     .kind = OPTION_YES_NO,
     .flags = OPTION_REQUIRED,
     .hint = "yes|no",
     .help = T_OPT_SOLVED},
    {.name = "internal",
     .field = "internal",
     .kind = OPTION_TEXT,
     .hint = "TEXT",
     .help = T_OPT_INTERNAL},
    {.name = "public-reply",
     .field = "public_reply",
     .kind = OPTION_TEXT,
     .flags = OPTION_REQUIRED,
     .hint = "TEXT",
     .help = T_OPT_PUBLIC_REPLY},
};

#define TEXT_OPTION(option, required, text)                                                        \
    {                                                                                              \
        .name = option, .field = option, .kind = OPTION_TEXT, .flags = required, .hint = "TEXT",   \
        .help = text                                                                               \
    }
#define DAYS_OPTION(required)                                                                      \
    {                                                                                              \
        .name = "days", .field = "days", .kind = OPTION_INT, .flags = required, .hint = "N",       \
        .help = T_OPT_DAYS, .min = 1, .max = 366                                                   \
    }
#define UNIT_OPTION(option, json, required, text)                                                  \
    {                                                                                              \
        .name = option, .field = json, .kind = OPTION_TEXT, .flags = required, .hint = "UNIT",     \
        .help = text                                                                               \
    }

static const struct option forward_options[] = {
    UNIT_OPTION("to", "unit", OPTION_REQUIRED, T_OPT_FORWARD_TO),
    DAYS_OPTION(0),
    TEXT_OPTION("text", 0, T_OPT_REMARK),
};
static const struct option remark_options[] = {TEXT_OPTION("text", 0, T_OPT_REMARK)};
static const struct option return_options[] = {
    {.name = "ground",
     .field = "ground",
     .kind = OPTION_WORD,
     .flags = OPTION_REQUIRED,
     .hint = "GROUND",
     .help = T_OPT_RETURN_GROUND,
     .words = return_ground_words,
     .word_count = GROUND_COUNT},
    UNIT_OPTION("proposed-unit", "proposed_unit", 0, T_OPT_PROPOSED_UNIT),
    TEXT_OPTION("text", OPTION_REQUIRED, T_OPT_EVIDENCE),
};
static const struct option extend_options[] = {
    DAYS_OPTION(OPTION_REQUIRED),
    TEXT_OPTION("ground", OPTION_REQUIRED, T_OPT_WHY),
};
static const struct option suspend_options[] = {
    {.name = "until",
     .field = "until",
     .kind = OPTION_TEXT,
     .flags = OPTION_REQUIRED,
     .hint = "DATE",
     .help = T_OPT_SUSPEND_UNTIL},
    TEXT_OPTION("reason", OPTION_REQUIRED, T_OPT_WHY),
};

#define OPTIONS(table) .options = table, .option_count = ARRAY_LEN(table)
#define ACTION(word, summary_text, table)                                                          \
    {                                                                                              \
        .path = "queue " word, .operands = "ASSIGNMENT", .min_operands = 1, .max_operands = 1,     \
        .summary = summary_text, .as = "unit", OPTIONS(table), .run = run_action                   \
    }

const struct command queue_commands[] = {
    {.path = "queue list",
     .operands = "",
     .summary = T_CMD_QUEUE_LIST,
     .as = "unit",
     OPTIONS(list_options),
     .run = run_list},
    {.path = "queue claim",
     .operands = "",
     .summary = T_CMD_QUEUE_CLAIM,
     .as = "unit",
     OPTIONS(claim_options),
     .run = run_claim},
    ACTION("sign", T_CMD_QUEUE_SIGN, sign_options),
    ACTION("release", T_CMD_QUEUE_RELEASE, release_options),
    ACTION("contact", T_CMD_QUEUE_CONTACT, contact_options),
    ACTION("report", T_CMD_QUEUE_REPORT, report_options),
    ACTION("forward", T_CMD_QUEUE_FORWARD, forward_options),
    ACTION("escalate", T_CMD_QUEUE_ESCALATE, remark_options),
    ACTION("return", T_CMD_QUEUE_RETURN, return_options),
    ACTION("extend", T_CMD_QUEUE_EXTEND, extend_options),
    ACTION("suspend", T_CMD_QUEUE_SUSPEND, suspend_options),
    ACTION("resume", T_CMD_QUEUE_RESUME, remark_options),
};
const size_t queue_command_count = ARRAY_LEN(queue_commands);
