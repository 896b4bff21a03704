/*
 * cmd_ticket.c - hotline ticket ...: what the desk does with a ticket.
 *
 * The actions differ only in their fields, so they are rows: the last word of the path is the
 * action, the options of the row are the members of its body.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/crypto.h"
#include "client/api.h"
#include "client/batch.h"
#include "client/commands.h"
#include "client/view.h"

#define LIST_MAX 500

#define WORDS(table) .words = table, .word_count = ARRAY_LEN(table)

static void ticket_path(struct sbuf *path, const char *number, const char *below)
{
    sbuf_init(path, 0);
    sbuf_adds(path, "/v1/tickets/");
    path_segment(path, number);
    if (below != NULL)
        sbuf_addf(path, "/%s", below);
}

static enum exit_code run_new(struct client *client, const struct args *args)
{
    const char *key = args_get(args, "key");
    char random[CRYPTO_TOKEN_SIZE];
    struct api_answer answer;
    struct json_writer w;
    enum exit_code code;
    struct sbuf body;

    if (key == NULL) {
        crypto_token(random);
        key = random;
    }
    sbuf_init(&body, 0);
    jw_init(&w, &body);
    jw_object(&w, NULL);
    if (args_get(args, "channel") == NULL)
        jw_string(&w, "channel", "phone");
    args_write_fields(args, &w);
    jw_object_end(&w);
    code = api_call(client,
                    &(struct api_request){.method = "POST",
                                          .path = "/v1/tickets",
                                          .who = client_who(client, args),
                                          .body = body.data,
                                          .body_len = body.len,
                                          .key = key},
                    &answer);
    sbuf_free(&body);
    if (code != EXIT_DONE)
        return code;
    if (!api_print_raw(client, &answer))
        view_receipt(client, api_root(&answer), answer.status == 202);
    api_answer_free(&answer);
    return EXIT_DONE;
}

static enum exit_code get_and_view(struct client *client, const struct args *args, const char *path,
                                   void (*view)(const struct client *, const struct json_value *))
{
    struct api_answer answer;
    enum exit_code code = api_call(
        client,
        &(struct api_request){.method = "GET", .path = path, .who = client_who(client, args)},
        &answer);

    if (code != EXIT_DONE)
        return code;
    if (!api_print_raw(client, &answer))
        view(client, api_root(&answer));
    api_answer_free(&answer);
    return EXIT_DONE;
}

static enum exit_code run_show(struct client *client, const struct args *args)
{
    struct sbuf path;
    enum exit_code code;

    ticket_path(&path, args->operands[0], NULL);
    code = get_and_view(client, args, path.data, view_ticket);
    sbuf_free(&path);
    return code;
}

static enum exit_code run_events(struct client *client, const struct args *args)
{
    struct sbuf path;
    enum exit_code code;

    ticket_path(&path, args->operands[0], "events");
    args_write_query(args, &path);
    code = get_and_view(client, args, path.data, view_events);
    sbuf_free(&path);
    return code;
}

static enum exit_code run_list(struct client *client, const struct args *args)
{
    struct sbuf path;
    enum exit_code code;

    sbuf_init(&path, 0);
    sbuf_adds(&path, "/v1/tickets");
    args_write_query(args, &path);
    code = get_and_view(client, args, path.data, view_ticket_list);
    sbuf_free(&path);
    return code;
}

/* The one value, bare, so that it can be piped. */
static void view_revealed(const struct client *client, const struct json_value *answer)
{
    const char *value = json_string(json_get(answer, "value"), NULL);

    (void)client;
    (void)printf("%s\n", value ? value : "");
}

static enum exit_code act(struct client *client, const struct args *args,
                          void (*view)(const struct client *, const struct json_value *))
{
    struct api_answer answer;
    struct json_writer w;
    enum exit_code code;
    struct sbuf path, body;

    ticket_path(&path, args->operands[0], strrchr(args->command->path, ' ') + 1);
    sbuf_init(&body, 0);
    jw_init(&w, &body);
    jw_object(&w, NULL);
    args_write_fields(args, &w);
    jw_object_end(&w);
    code = api_call(client,
                    &(struct api_request){.method = "POST",
                                          .path = path.data,
                                          .who = client_who(client, args),
                                          .body = body.data,
                                          .body_len = body.len,
                                          .if_match = args_get(args, "if-version")},
                    &answer);
    sbuf_free(&body);
    sbuf_free(&path);
    if (code != EXIT_DONE)
        return code;
    if (!api_print_raw(client, &answer))
        view(client, api_root(&answer));
    api_answer_free(&answer);
    return EXIT_DONE;
}

static enum exit_code run_duplicates(struct client *client, const struct args *args)
{
    struct sbuf path;
    enum exit_code code;

    ticket_path(&path, args->operands[0], "duplicates");
    args_write_query(args, &path);
    code = get_and_view(client, args, path.data, view_duplicates);
    sbuf_free(&path);
    return code;
}

static enum exit_code run_action(struct client *client, const struct args *args)
{
    return act(client, args, view_result);
}

/* One ticket, or those of a list. */
static enum exit_code run_batchable(struct client *client, const struct args *args)
{
    bool is_batch = args_get(args, "batch") != NULL;

    if (is_batch == (args->operand_count == 1)) {
        client_complain(client, T_ERR_BATCH_OR_NUMBER, NULL, NULL);
        return EXIT_USAGE;
    }
    return is_batch ? batch_run(client, args, strrchr(args->command->path, ' ') + 1)
                    : run_action(client, args);
}

static enum exit_code run_reveal(struct client *client, const struct args *args)
{
    return act(client, args, view_revealed);
}

#define KIND_OPTION(required)                                                                      \
    {                                                                                              \
        .name = "kind", .field = "kind", .kind = OPTION_WORD, .flags = required, .hint = "KIND",   \
        .help = T_OPT_KIND, WORDS(kind_words)                                                      \
    }
#define CATEGORY_OPTION(required)                                                                  \
    {                                                                                              \
        .name = "category", .field = "category", .kind = OPTION_TEXT, .flags = required,           \
        .hint = "CODE", .help = T_OPT_CATEGORY                                                     \
    }
#define URGENCY_OPTION                                                                             \
    {                                                                                              \
        .name = "urgency", .field = "urgency", .kind = OPTION_WORD, .hint = "URGENCY",             \
        .help = T_OPT_URGENCY, WORDS(urgency_words)                                                \
    }
#define CHANNEL_OPTION                                                                             \
    {                                                                                              \
        .name = "channel", .field = "channel", .kind = OPTION_WORD, .hint = "CHANNEL",             \
        .help = T_OPT_CHANNEL, WORDS(channel_words)                                                \
    }
#define TEXT_OPTION(option, required, text)                                                        \
    {                                                                                              \
        .name = option, .field = option, .kind = OPTION_TEXT, .flags = required, .hint = "TEXT",   \
        .help = text                                                                               \
    }
#define CODE_OPTION(option, json, text)                                                            \
    {                                                                                              \
        .name = option, .field = json, .kind = OPTION_TEXT, .hint = "CODE", .help = text           \
    }
#define VERSION_OPTION                                                                             \
    {                                                                                              \
        .name = "if-version", .kind = OPTION_INT, .hint = "N", .help = T_OPT_IF_VERSION, .min = 0, \
        .max = INT64_MAX                                                                           \
    }
#define PAGE_OPTIONS                                                                               \
    {.name = "limit",                                                                              \
     .field = "limit",                                                                             \
     .kind = OPTION_INT,                                                                           \
     .hint = "N",                                                                                  \
     .help = T_OPT_LIMIT,                                                                          \
     .min = 1,                                                                                     \
     .max = LIST_MAX},                                                                             \
    {                                                                                              \
        .name = "after", .field = "after", .kind = OPTION_TEXT, .hint = "CURSOR",                  \
        .help = T_OPT_AFTER                                                                        \
    }

static const struct option new_options[] = {
    KIND_OPTION(OPTION_REQUIRED),
    CATEGORY_OPTION(OPTION_REQUIRED),
    TEXT_OPTION("title", OPTION_REQUIRED, T_OPT_TITLE),
    TEXT_OPTION("text", OPTION_REQUIRED, T_OPT_TEXT),
    CODE_OPTION("region", "region", T_OPT_REGION),
    TEXT_OPTION("address", 0, T_OPT_ADDRESS),
    URGENCY_OPTION,
    CHANNEL_OPTION,
    {.name = "name",
     .field = "requester.name",
     .kind = OPTION_TEXT,
     .hint = "NAME",
     .help = T_OPT_NAME},
    {.name = "phone",
     .field = "requester.phone",
     .kind = OPTION_TEXT,
     .hint = "PHONE",
     .help = T_OPT_PHONE},
    {.name = "anonymous",
     .field = "requester.anonymous",
     .kind = OPTION_FLAG,
     .help = T_OPT_ANONYMOUS},
    {.name = "confidential",
     .field = "requester.confidential",
     .kind = OPTION_FLAG,
     .help = T_OPT_CONFIDENTIAL},
    {.name = "call-id",
     .field = "call_id",
     .kind = OPTION_TEXT,
     .hint = "ID",
     .help = T_OPT_CALL_ID},
    CODE_OPTION("external-number", "external_number", T_OPT_EXTERNAL_NUMBER),
    {.name = "incomplete", .field = "incomplete", .kind = OPTION_FLAG, .help = T_OPT_INCOMPLETE},
    {.name = "key", .kind = OPTION_TEXT, .hint = "KEY", .help = T_OPT_KEY},
};

static const struct option list_options[] = {
    {.name = "state",
     .field = "state",
     .kind = OPTION_WORD,
     .hint = "STATE",
     .help = T_OPT_STATE,
     WORDS(ticket_state_words)},
    CODE_OPTION("unit", "unit", T_OPT_UNIT),
    CATEGORY_OPTION(0),
    CODE_OPTION("region", "region", T_OPT_REGION),
    KIND_OPTION(0),
    CHANNEL_OPTION,
    {.name = "overdue", .field = "overdue", .kind = OPTION_FLAG, .help = T_OPT_OVERDUE},
    {.name = "phone", .field = "phone", .kind = OPTION_TEXT, .hint = "PHONE", .help = T_OPT_PHONE},
    {.name = "q", .field = "q", .kind = OPTION_TEXT, .hint = "TEXT", .help = T_OPT_Q},
    CODE_OPTION("external-number", "external_number", T_OPT_EXTERNAL_NUMBER),
    PAGE_OPTIONS,
};

static const struct option events_options[] = {PAGE_OPTIONS};

static const struct option duplicates_options[] = {{.name = "limit",
                                                    .field = "limit",
                                                    .kind = OPTION_INT,
                                                    .hint = "N",
                                                    .help = T_OPT_LIMIT,
                                                    .min = 1,
                                                    .max = 50}};

static const struct option answer_options[] = {TEXT_OPTION("reply", OPTION_REQUIRED, T_OPT_REPLY),
                                               VERSION_OPTION};

static const struct option dispatch_options[] = {
    {.name = "to",
     .field = "lead_unit",
     .kind = OPTION_TEXT,
     .flags = OPTION_REQUIRED,
     .hint = "UNIT",
     .help = T_OPT_LEAD_UNIT},
    {.name = "co",
     .field = "co_units",
     .kind = OPTION_LIST,
     .hint = "UNIT,...",
     .help = T_OPT_CO_UNITS},
    TEXT_OPTION("text", 0, T_OPT_REMARK),
    VERSION_OPTION,
};

static const struct option review_options[] = {
    {.name = "pass",
     .field = "pass",
     .kind = OPTION_FLAG,
     .flags = OPTION_REQUIRED,
     .help = T_OPT_PASS},
    {.name = "fail", .field = "pass", .kind = OPTION_NO_FLAG, .help = T_OPT_FAIL},
    TEXT_OPTION("text", 0, T_OPT_REMARK),
    VERSION_OPTION,
};

static const struct option callback_options[] = {
    {.name = "reached",
     .field = "reached",
     .kind = OPTION_FLAG,
     .flags = OPTION_REQUIRED,
     .help = T_OPT_REACHED},
    {.name = "unreached", .field = "reached", .kind = OPTION_NO_FLAG, .help = T_OPT_UNREACHED},
    {.name = "contacted",
     .field = "contacted",
     .kind = OPTION_YES_NO,
     .hint = "yes|no",
     .help = T_OPT_CONTACTED},
    {.name = "solved",
     .field = "solved",
     .kind = OPTION_YES_NO,
     .hint = "yes|no",
     .help = T_OPT_SOLVED},
    {.name = "satisfied",
     .field = "satisfied",
     .kind = OPTION_INT,
     .hint = "1..5",
     .help = T_OPT_SATISFIED,
     .min = 1,
     .max = 5},
    TEXT_OPTION("text", 0, T_OPT_REMARK),
    VERSION_OPTION,
};

static const struct option reject_options[] = {TEXT_OPTION("ground", OPTION_REQUIRED, T_OPT_GROUND),
                                               VERSION_OPTION};

static const struct option refer_options[] = {
    {.name = "to",
     .field = "to",
     .kind = OPTION_TEXT,
     .flags = OPTION_REQUIRED,
     .hint = "110",
     .help = T_OPT_REFER_TO},
    TEXT_OPTION("text", 0, T_OPT_REMARK),
    VERSION_OPTION,
};

static const struct option remark_options[] = {TEXT_OPTION("text", 0, T_OPT_REMARK),
                                               VERSION_OPTION};

static const struct option text_options[] = {TEXT_OPTION("text", OPTION_REQUIRED, T_OPT_REMARK),
                                             VERSION_OPTION};

static const struct option batch_options[] = {
    TEXT_OPTION("text", OPTION_REQUIRED, T_OPT_REMARK),
    {.name = "batch", .kind = OPTION_FILE, .hint = "FILE", .help = T_OPT_BATCH},
    VERSION_OPTION,
};

#define DAYS_OPTION(required)                                                                      \
    {                                                                                              \
        .name = "days", .field = "days", .kind = OPTION_INT, .flags = required, .hint = "N",       \
        .help = T_OPT_DAYS, .min = 1, .max = 366                                                   \
    }

static const struct option complete_options[] = {
    CATEGORY_OPTION(0),
    CODE_OPTION("region", "region", T_OPT_REGION),
    TEXT_OPTION("address", 0, T_OPT_ADDRESS),
    TEXT_OPTION("title", 0, T_OPT_TITLE),
    TEXT_OPTION("text", 0, T_OPT_TEXT),
    KIND_OPTION(0),
    URGENCY_OPTION,
    VERSION_OPTION,
};

static const struct option add_unit_options[] = {
    {.name = "unit",
     .field = "unit",
     .kind = OPTION_TEXT,
     .flags = OPTION_REQUIRED,
     .hint = "UNIT",
     .help = T_OPT_CO_UNIT},
    TEXT_OPTION("text", 0, T_OPT_REMARK),
    VERSION_OPTION,
};

static const struct option decide_options[] = {
    {.name = "request",
     .field = "request",
     .kind = OPTION_TEXT,
     .flags = OPTION_REQUIRED,
     .hint = "ID|return|extension|suspension",
     .help = T_OPT_REQUEST},
    {.name = "grant",
     .field = "grant",
     .kind = OPTION_FLAG,
     .flags = OPTION_REQUIRED,
     .help = T_OPT_GRANT},
    {.name = "refuse", .field = "grant", .kind = OPTION_NO_FLAG, .help = T_OPT_REFUSE},
    CODE_OPTION("to", "lead_unit", T_OPT_LEAD_UNIT),
    DAYS_OPTION(0),
    TEXT_OPTION("text", 0, T_OPT_REMARK),
    VERSION_OPTION,
};

static const struct option merge_options[] = {
    {.name = "into",
     .field = "into",
     .kind = OPTION_TEXT,
     .flags = OPTION_REQUIRED,
     .hint = "NUMBER",
     .help = T_OPT_INTO},
    TEXT_OPTION("text", 0, T_OPT_REMARK),
    VERSION_OPTION,
};

static const struct word revealed_words[] = {{"name", "姓名", "name"}, {"phone", "电话", "phone"}};
static const struct option reveal_options[] = {
    {.name = "field",
     .field = "field",
     .kind = OPTION_WORD,
     .flags = OPTION_REQUIRED,
     .hint = "name|phone",
     .help = T_OPT_REVEAL_FIELD,
     WORDS(revealed_words)},
    TEXT_OPTION("reason", OPTION_REQUIRED, T_OPT_REVEAL_REASON),
};

#define OPTIONS(table) .options = table, .option_count = ARRAY_LEN(table)
#define ON_TICKET .operands = "NUMBER", .min_operands = 1, .max_operands = 1
#define ACTION(word, summary_text, table)                                                          \
    {                                                                                              \
        .path = "ticket " word, ON_TICKET, .summary = summary_text, .as = "desk", OPTIONS(table),  \
        .run = run_action                                                                          \
    }

const struct command ticket_commands[] = {
    {.path = "ticket new",
     .operands = "",
     .summary = T_CMD_TICKET_NEW,
     .as = "desk",
     OPTIONS(new_options),
     .run = run_new},
    {.path = "ticket show", ON_TICKET, .summary = T_CMD_TICKET_SHOW, .as = "desk", .run = run_show},
    {.path = "ticket list",
     .operands = "",
     .summary = T_CMD_TICKET_LIST,
     .as = "desk",
     OPTIONS(list_options),
     .run = run_list},
    {.path = "ticket duplicates",
     ON_TICKET,
     .summary = T_CMD_TICKET_DUPLICATES,
     .as = "desk",
     OPTIONS(duplicates_options),
     .run = run_duplicates},
    {.path = "ticket events",
     ON_TICKET,
     .summary = T_CMD_TICKET_EVENTS,
     .as = "desk",
     OPTIONS(events_options),
     .run = run_events},
    ACTION("answer", T_CMD_TICKET_ANSWER, answer_options),
    ACTION("complete", T_CMD_TICKET_COMPLETE, complete_options),
    ACTION("dispatch", T_CMD_TICKET_DISPATCH, dispatch_options),
    ACTION("review", T_CMD_TICKET_REVIEW, review_options),
    ACTION("callback", T_CMD_TICKET_CALLBACK, callback_options),
    ACTION("reject", T_CMD_TICKET_REJECT, reject_options),
    ACTION("refer", T_CMD_TICKET_REFER, refer_options),
    ACTION("withdraw", T_CMD_TICKET_WITHDRAW, remark_options),
    ACTION("note", T_CMD_TICKET_NOTE, text_options),
    {.path = "ticket urge",
     .operands = "[NUMBER]",
     .max_operands = 1,
     .summary = T_CMD_TICKET_URGE,
     .as = "desk",
     OPTIONS(batch_options),
     .run = run_batchable},
    ACTION("add-unit", T_CMD_TICKET_ADD_UNIT, add_unit_options),
    ACTION("decide", T_CMD_TICKET_DECIDE, decide_options),
    ACTION("merge", T_CMD_TICKET_MERGE, merge_options),
    ACTION("unmerge", T_CMD_TICKET_UNMERGE, remark_options),
    ACTION("reopen", T_CMD_TICKET_REOPEN, text_options),
    ACTION("false-alarm", T_CMD_TICKET_FALSE_ALARM, remark_options),
    {.path = "ticket reveal",
     ON_TICKET,
     .summary = T_CMD_TICKET_REVEAL,
     .as = "desk",
     OPTIONS(reveal_options),
     .run = run_reveal},
    {.path = "ticket supervise",
     .operands = "[NUMBER]",
     .max_operands = 1,
     .summary = T_CMD_TICKET_SUPERVISE,
     .as = "supervisor",
     OPTIONS(batch_options),
     .run = run_batchable},
};
const size_t ticket_command_count = ARRAY_LEN(ticket_commands);
