/*
 * cmd_report.c - hotline report ...: the figures.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client/api.h"
#include "client/commands.h"
#include "client/view.h"
#include "hotline/measures.h"
#include "proto/query.h"

#define RATE_BYTES 48

static const char *member(const struct json_value *v, const char *key)
{
    return json_string(json_get(v, key), NULL);
}

/* A share or rate is a number from 0 to 1; null means that nothing was due. */
static void format_rate(const struct client *client, const struct json_value *rate, char *out)
{
    if (json_type(rate) == JSON_INT || json_type(rate) == JSON_DOUBLE)
        snprintf(out, RATE_BYTES, "%.1f%%", json_double(rate) * 100);
    else
        snprintf(out, RATE_BYTES, "%s", client_text(client, T_NONE_DUE));
}

static void view_period(const struct client *client, const struct json_value *answer)
{
    const struct json_value *basis = json_get(answer, "basis");
    const char *from = member(basis, "from"), *to = member(basis, "to");

    if (from != NULL && to != NULL)
        client_say(client, T_PERIOD, view_time(from), view_time(to));
}

static void view_basis(const struct client *client, const struct json_value *answer)
{
    static const char *const figures[] = {"received", "desk",         "dispatched", "closed",
                                          "in_hand",  "carried_over", "overdue"};
    struct table *table = table_new();

    table_column(table, client_text(client, T_COL_FIGURE), 0);
    table_column(table, client_text(client, T_COL_TICKETS), TABLE_RIGHT);
    for (size_t i = 0; i < ARRAY_LEN(figures); i++) {
        const struct json_value *v = json_get(answer, figures[i]);
        bool is_bad = strcmp(figures[i], "overdue") == 0 && json_int(v) > 0;

        if (json_type(v) == JSON_NULL)
            continue;
        table_cell(table, figure_text(client->lang, figures[i]), STYLE_PLAIN);
        table_cell(table, view_scalar(client, v), is_bad ? STYLE_BAD : STYLE_PLAIN);
    }
    client_print_table(client, table);
    table_free(&table);
}

static void view_tiers(const struct client *client, const struct json_value *answer)
{
    const struct json_value *tiers = json_get(answer, "tiers");
    struct table *table = table_new();

    view_period(client, answer);
    view_basis(client, answer);
    fputc('\n', client->out);
    table_column(table, client_text(client, T_COL_TIER), 0);
    table_column(table, client_text(client, T_COL_CLOSED), TABLE_RIGHT);
    table_column(table, client_text(client, T_COL_SHARE), TABLE_RIGHT);
    table_column(table, client_text(client, T_COL_ON_TIME), TABLE_RIGHT);
    for (size_t i = 0; i < json_array_length(tiers); i++) {
        const struct json_value *t = json_at(tiers, i);
        const char *name = word_text(client->lang, tier_words, TIER_COUNT, member(t, "tier"));
        char share[RATE_BYTES];

        format_rate(client, json_get(t, "share"), share);
        table_cell(table, name[0] != '\0' ? name : member(t, "name"), STYLE_PLAIN);
        table_cell(table, view_scalar(client, json_get(t, "closed")), STYLE_PLAIN);
        table_cell(table, share, STYLE_PLAIN);
        table_cell(table, view_scalar(client, json_get(t, "on_time")), STYLE_PLAIN);
    }
    client_print_table(client, table);
    table_free(&table);
}

/* ---- measures: rows and columns as the daemon sends them ---------------------------------------
 */

#define MEASURE_COLUMNS (TABLE_MAX_COLUMNS - 2)

struct measure_columns {
    const char *keys[MEASURE_COLUMNS];
    size_t count;
};

static void collect_measure(void *ctx, const char *key, const struct json_value *v)
{
    struct measure_columns *columns = ctx;

    if (json_type(json_get(v, "denominator")) == JSON_INT && columns->count < MEASURE_COLUMNS)
        columns->keys[columns->count++] = key;
}

static void measure_cell(const struct client *client, struct table *table,
                         const struct json_value *measure)
{
    char rate[RATE_BYTES], text[RATE_BYTES * 2];

    format_rate(client, json_get(measure, "rate"), rate);
    if (json_int(json_get(measure, "denominator")) == 0)
        snprintf(text, sizeof(text), "%s", rate);
    else
        snprintf(text, sizeof(text), "%s %lld/%lld", rate,
                 (long long)json_int(json_get(measure, "numerator")),
                 (long long)json_int(json_get(measure, "denominator")));
    table_cell(table, text, STYLE_PLAIN);
}

static void measure_row(const struct client *client, struct table *table,
                        const struct measure_columns *columns, const char *name,
                        const struct json_value *row)
{
    table_cell(table, name, STYLE_PLAIN);
    for (size_t c = 0; c < columns->count; c++)
        measure_cell(client, table, json_get(row, columns->keys[c]));
}

static void view_measures(const struct client *client, const struct json_value *answer)
{
    const struct json_value *items = json_get(answer, "items"), *total = json_get(answer, "total");
    const char *next = member(answer, "next");
    struct measure_columns columns = {.count = 0};
    struct table *table = table_new();

    view_period(client, answer);
    if (json_array_length(items) > 0)
        json_each(json_at(items, 0), collect_measure, &columns);
    table_column(table, client_text(client, T_COL_NAME), TABLE_SHRINKS);
    for (size_t c = 0; c < columns.count; c++)
        table_column(table, word_text(client->lang, measure_words, MEASURE_COUNT, columns.keys[c]),
                     TABLE_RIGHT);
    for (size_t i = 0; i < json_array_length(items); i++)
        measure_row(client, table, &columns, member(json_at(items, i), "name"), json_at(items, i));
    if (table_rows(table) > 0 && json_type(total) == JSON_OBJECT)
        measure_row(client, table, &columns, client_text(client, T_TOTAL), total);
    client_print_table(client, table);
    if (next != NULL)
        client_say(client, T_MORE_AFTER, next, NULL);
    table_free(&table);
}

static void view_recount(const struct client *client, const struct json_value *answer)
{
    const struct json_value *differences = json_get(answer, "differences");
    const char *rows = view_scalar(client, json_get(answer, "rows"));

    client_say(client, json_bool(json_get(answer, "equal")) ? T_RECOUNT_EQUAL : T_RECOUNT_DIFFERS,
               rows, NULL);
    for (size_t i = 0; i < json_array_length(differences); i++) {
        struct sbuf line;

        sbuf_init(&line, 0);
        json_write_value(&line, json_at(differences, i));
        fprintf(client->out, "  %s\n", line.data);
        sbuf_free(&line);
    }
}

static enum exit_code fetch_and_view(struct client *client, const struct args *args,
                                     const struct api_request *request,
                                     void (*view)(const struct client *, const struct json_value *))
{
    struct api_request own = *request;
    struct api_answer answer;
    enum exit_code code;

    own.who = client_who(client, args);
    code = api_call(client, &own, &answer);
    if (code != EXIT_DONE)
        return code;
    if (!api_print_raw(client, &answer))
        view(client, api_root(&answer));
    api_answer_free(&answer);
    return EXIT_DONE;
}

static enum exit_code get_report(struct client *client, const struct args *args, const char *base,
                                 void (*view)(const struct client *, const struct json_value *))
{
    enum exit_code code;
    struct sbuf path;

    sbuf_init(&path, 0);
    sbuf_adds(&path, base);
    args_write_query(args, &path);
    code = fetch_and_view(client, args, &(struct api_request){.method = "GET", .path = path.data},
                          view);
    sbuf_free(&path);
    return code;
}

static enum exit_code run_tiers(struct client *client, const struct args *args)
{
    return get_report(client, args, "/v1/reports/tiers", view_tiers);
}

static enum exit_code run_measures(struct client *client, const struct args *args)
{
    const char *path =
        args_get(args, "by") == NULL ? "/v1/reports/measures?by=unit" : "/v1/reports/measures";

    return get_report(client, args, path, view_measures);
}

static enum exit_code run_recount(struct client *client, const struct args *args)
{
    return fetch_and_view(
        client, args,
        &(struct api_request){
            .method = "POST", .path = "/v1/admin/recount", .body = "{}", .body_len = 2},
        view_recount);
}

/* ---- scores ------------------------------------------------------------------------------------
 */

static void number_cell(struct table *table, const struct client *client,
                        const struct json_value *v)
{
    char text[RATE_BYTES];

    if (json_type(v) == JSON_NULL)
        snprintf(text, sizeof(text), "%s", client_text(client, T_NONE_DUE));
    else
        snprintf(text, sizeof(text), "%.2f", json_double(v));
    table_cell(table, text, STYLE_PLAIN);
}

static void score_row(const struct client *client, struct table *table,
                      const struct json_value *scales, const struct json_value *row)
{
    const struct json_value *rank = json_get(row, "rank");

    table_cell(table, json_type(rank) == JSON_NULL ? "-" : view_scalar(client, rank), STYLE_PLAIN);
    table_cell(table, member(row, "name"), STYLE_PLAIN);
    number_cell(table, client, json_get(row, "total"));
    for (size_t i = 0; i < json_array_length(scales); i++) {
        const struct json_value *m =
            json_get(json_get(row, "measures"), member(json_at(scales, i), "measure"));
        char rate[RATE_BYTES], text[RATE_BYTES * 2];

        format_rate(client, json_get(m, "rate"), rate);
        if (json_type(json_get(m, "points")) == JSON_NULL)
            snprintf(text, sizeof(text), "%s", rate);
        else
            snprintf(text, sizeof(text), "%.2f (%s)", json_double(json_get(m, "points")), rate);
        table_cell(table, text, STYLE_PLAIN);
    }
}

static void view_scores(const struct client *client, const struct json_value *answer)
{
    const struct json_value *set = json_get(answer, "set"), *items = json_get(answer, "items");
    const struct json_value *scales = json_get(set, "scales");
    struct table *table;

    view_period(client, answer);
    if (json_type(set) == JSON_NULL) {
        client_say(client, T_NO_SCORE_SET, NULL, NULL);
        return;
    }
    client_say(client, T_SCORE_SET, member(set, "name"),
               view_scalar(client, json_get(set, "version")));
    table = table_new();
    table_column(table, client_text(client, T_COL_RANK), TABLE_RIGHT);
    table_column(table, client_text(client, T_COL_NAME), TABLE_SHRINKS);
    table_column(table, client_text(client, T_COL_SCORE), TABLE_RIGHT);
    for (size_t i = 0; i < json_array_length(scales) && i < MEASURE_COLUMNS - 1; i++)
        table_column(table,
                     word_text(client->lang, measure_words, MEASURE_COUNT,
                               member(json_at(scales, i), "measure")),
                     TABLE_RIGHT);
    for (size_t i = 0; i < json_array_length(items); i++)
        score_row(client, table, scales, json_at(items, i));
    client_print_table(client, table);
    table_free(&table);
}

static enum exit_code run_scores(struct client *client, const struct args *args)
{
    return get_report(client, args, "/v1/reports/scores", view_scores);
}

/* ---- the bulletin: a file as it comes ----------------------------------------------------------
 */

static enum exit_code write_file(struct client *client, const char *path,
                                 const struct api_answer *answer)
{
    FILE *file = fopen(path, "wb");
    bool ok = file != NULL && fwrite(answer->body, 1, answer->body_len, file) == answer->body_len;

    if (file != NULL && fclose(file) != 0)
        ok = false;
    if (!ok) {
        client_complain(client, T_ERR_CANNOT_WRITE, path, strerror(errno));
        return EXIT_USAGE;
    }
    client_say(client, T_WRITTEN_TO, path, NULL);
    return EXIT_DONE;
}

static enum exit_code run_bulletin(struct client *client, const struct args *args)
{
    const char *path = args_get(args, "out");
    enum exit_code code = EXIT_DONE;
    struct api_answer answer;
    struct sbuf target;

    sbuf_init(&target, 0);
    sbuf_adds(&target, "/v1/reports/bulletin?");
    query_append(&target, "month", args->operands[0]);
    query_append(&target, "format", args_get(args, "csv") != NULL ? "csv" : "html");
    const struct api_request request = {
        .method = "GET", .path = target.data, .who = client_who(client, args), .is_large = true};
    api_exchange(client, &request, &answer);
    if (answer.status == 0 || exit_of_status(answer.status) != EXIT_DONE)
        code = api_check(client, &request, &answer);
    else if (path != NULL)
        code = write_file(client, path, &answer);
    else
        fwrite(answer.body, 1, answer.body_len, client->out);
    api_answer_free(&answer);
    sbuf_free(&target);
    return code;
}

static const struct word by_words[] = {
    {"unit", "承办单位", "unit"}, {"region", "区划", "region"},   {"category", "类别", "category"},
    {"kind", "类型", "kind"},     {"channel", "渠道", "channel"}, {"day", "日", "day"},
    {"month", "月", "month"},     {"total", "合计", "total"},
};

#define PERIOD_OPTIONS                                                                             \
    {.name = "from", .field = "from", .kind = OPTION_TEXT, .hint = "INSTANT", .help = T_OPT_FROM}, \
    {                                                                                              \
        .name = "to", .field = "to", .kind = OPTION_TEXT, .hint = "INSTANT", .help = T_OPT_UNTIL   \
    }

#define CODE_OPTION(option, text)                                                                  \
    {                                                                                              \
        .name = option, .field = option, .kind = OPTION_TEXT, .hint = "CODE", .help = text         \
    }
#define FILTER_OPTIONS                                                                             \
    CODE_OPTION("region", T_OPT_REGION), CODE_OPTION("unit", T_OPT_UNIT),                          \
        CODE_OPTION("category", T_OPT_CATEGORY),                                                   \
        {.name = "kind",                                                                           \
         .field = "kind",                                                                          \
         .kind = OPTION_WORD,                                                                      \
         .hint = "KIND",                                                                           \
         .help = T_OPT_KIND,                                                                       \
         .words = kind_words,                                                                      \
         .word_count = KIND_COUNT},                                                                \
    {                                                                                              \
        .name = "channel", .field = "channel", .kind = OPTION_WORD, .hint = "CHANNEL",             \
        .help = T_OPT_CHANNEL, .words = channel_words, .word_count = CHANNEL_COUNT                 \
    }

#define LEVEL_OPTION                                                                               \
    {                                                                                              \
        .name = "level", .field = "level", .kind = OPTION_WORD, .hint = "TIER",                    \
        .help = T_OPT_LEVEL, .words = tier_words + 1, .word_count = TIER_COUNT - 1                 \
    }

static const struct option tiers_options[] = {PERIOD_OPTIONS, FILTER_OPTIONS};

static const struct option measures_options[] = {
    {.name = "by",
     .field = "by",
     .kind = OPTION_WORD,
     .hint = "BY",
     .help = T_OPT_BY,
     .words = by_words,
     .word_count = ARRAY_LEN(by_words)},
    PERIOD_OPTIONS,
    FILTER_OPTIONS,
    LEVEL_OPTION,
    {.name = "depth",
     .field = "depth",
     .kind = OPTION_INT,
     .hint = "N",
     .help = T_OPT_DEPTH,
     .min = 1,
     .max = 16},
    {.name = "limit",
     .field = "limit",
     .kind = OPTION_INT,
     .hint = "N",
     .help = T_OPT_LIMIT,
     .min = 1,
     .max = 500},
    {.name = "after", .field = "after", .kind = OPTION_TEXT, .hint = "CURSOR", .help = T_OPT_AFTER},
};

static const struct option scores_options[] = {
    {.name = "by",
     .field = "by",
     .kind = OPTION_WORD,
     .hint = "BY",
     .help = T_OPT_BY,
     .words = by_words,
     .word_count = 2}, /* unit, region */
    PERIOD_OPTIONS,
    FILTER_OPTIONS,
    LEVEL_OPTION,
    {.name = "tier",
     .field = "tier",
     .kind = OPTION_WORD,
     .hint = "TIER",
     .help = T_OPT_TIER,
     .words = tier_words + 1,
     .word_count = TIER_COUNT - 1},
    {.name = "limit",
     .field = "limit",
     .kind = OPTION_INT,
     .hint = "N",
     .help = T_OPT_LIMIT,
     .min = 1,
     .max = 5000},
};

static const struct option bulletin_options[] = {
    {.name = "html", .kind = OPTION_FLAG, .help = T_OPT_BULLETIN_HTML},
    {.name = "csv", .kind = OPTION_FLAG, .help = T_OPT_BULLETIN_CSV},
    {.name = "out", .kind = OPTION_FILE, .hint = "FILE", .help = T_OPT_OUT},
};

const struct command report_commands[] = {
    {.path = "report tiers",
     .operands = "",
     .summary = T_CMD_REPORT_TIERS,
     .as = "supervisor",
     .options = tiers_options,
     .option_count = ARRAY_LEN(tiers_options),
     .run = run_tiers},
    {.path = "report measures",
     .operands = "",
     .summary = T_CMD_REPORT_MEASURES,
     .as = "supervisor",
     .options = measures_options,
     .option_count = ARRAY_LEN(measures_options),
     .run = run_measures},
    {.path = "report scores",
     .operands = "",
     .summary = T_CMD_REPORT_SCORES,
     .as = "supervisor",
     .options = scores_options,
     .option_count = ARRAY_LEN(scores_options),
     .run = run_scores},
    {.path = "report bulletin",
     .operands = "YYYY-MM",
     .min_operands = 1,
     .max_operands = 1,
     .summary = T_CMD_REPORT_BULLETIN,
     .as = "supervisor",
     .options = bulletin_options,
     .option_count = ARRAY_LEN(bulletin_options),
     .run = run_bulletin},
    {.path = "report recount",
     .operands = "",
     .summary = T_CMD_REPORT_RECOUNT,
     .as = "admin",
     .run = run_recount},
};
const size_t report_command_count = ARRAY_LEN(report_commands);
