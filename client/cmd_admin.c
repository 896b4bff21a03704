/*
 * cmd_admin.c - hotline admin import|validate|export: the city's configuration; admin verify.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "client/api.h"
#include "client/city_csv.h"
#include "client/commands.h"
#include "client/view.h"

/* ---- reading a configuration from disk ---------------------------------------------------------
 */

static bool is_folder(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Several folders are one city with overlays; a file stands alone. */
static bool read_bundle(const struct client *client, const struct args *args, struct sbuf *bundle)
{
    struct sbuf errors;
    bool ok;

    if (args->operand_count == 1 && !is_folder(args->operands[0]))
        return client_read_file(client, args->operands[0], CLIENT_MAX_FILE_BYTES, bundle);
    for (size_t i = 0; i < args->operand_count; i++)
        if (!is_folder(args->operands[i])) {
            client_complain(client, T_ERR_NOT_FOLDER, args->operands[i], NULL);
            return false;
        }
    sbuf_init(bundle, CLIENT_MAX_FILE_BYTES);
    sbuf_init(&errors, 0);
    ok = city_csv_read(args->operands, args->operand_count, bundle, &errors);
    if (!ok) {
        client_complain(client, T_ERR_CSV, args->operands[0], NULL);
        fprintf(client->err, "%s", errors.data);
        sbuf_free(bundle);
    }
    sbuf_free(&errors);
    return ok;
}

/* ---- printing ----------------------------------------------------------------------------------
 */

static void view_import(const struct client *client, const struct json_value *answer)
{
    static const struct {
        const char *key;
        enum text_id label;
    } rows[] = {
        {"rule_set_version", T_LABEL_RULE_SET_VERSION},
        {"sla_version", T_LABEL_SLA_VERSION},
        {"calendar_version", T_LABEL_CALENDAR_VERSION},
        {"regions", T_LABEL_REGIONS},
        {"units", T_LABEL_UNITS},
        {"categories", T_LABEL_CATEGORIES},
        {"rules", T_LABEL_RULES},
        {"devices", T_LABEL_DEVICES},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        view_line(client, rows[i].label, view_scalar(client, json_get(answer, rows[i].key)));
    view_faults(client, T_WARNING_LINE, json_get(answer, "warnings"));
}

/* The lists are cut at the daemon's bound; the counts are not. */
static void format_count(char *out, size_t size, const struct json_value *count,
                         const struct json_value *list)
{
    if (json_type(count) == JSON_INT)
        snprintf(out, size, "%lld", (long long)json_int(count));
    else
        snprintf(out, size, "%zu", json_array_length(list));
}

static void view_validation(const struct client *client, const struct json_value *answer)
{
    const struct json_value *errors = json_get(answer, "errors");
    const struct json_value *warnings = json_get(answer, "warnings");
    char counts[2][24];

    view_faults(client, T_ERROR_LINE, errors);
    view_faults(client, T_WARNING_LINE, warnings);
    format_count(counts[0], sizeof(counts[0]), json_get(answer, "error_count"), errors);
    format_count(counts[1], sizeof(counts[1]), json_get(answer, "warning_count"), warnings);
    client_say(client, T_VALIDATED, counts[0], counts[1]);
}

/* ---- commands ----------------------------------------------------------------------------------
 */

static enum exit_code post_bundle(struct client *client, const struct args *args, const char *path,
                                  struct api_answer *answer)
{
    enum exit_code code;
    struct sbuf bundle;

    if (!read_bundle(client, args, &bundle))
        return EXIT_USAGE;
    code = api_call(client,
                    &(struct api_request){.method = "POST",
                                          .path = path,
                                          .who = client_who(client, args),
                                          .body = bundle.data,
                                          .body_len = bundle.len},
                    answer);
    sbuf_free(&bundle);
    return code;
}

static enum exit_code run_import(struct client *client, const struct args *args)
{
    struct api_answer answer;
    enum exit_code code = post_bundle(client, args, "/v1/admin/import", &answer);

    if (code != EXIT_DONE)
        return code;
    if (!api_print_raw(client, &answer))
        view_import(client, api_root(&answer));
    api_answer_free(&answer);
    return EXIT_DONE;
}

/* Errors that were found are a refusal, so that scripts can stop. */
static enum exit_code run_validate(struct client *client, const struct args *args)
{
    struct api_answer answer;
    enum exit_code code = post_bundle(client, args, "/v1/admin/validate", &answer);

    if (code != EXIT_DONE)
        return code;
    if (json_array_length(json_get(api_root(&answer), "errors")) > 0)
        code = EXIT_REFUSED;
    if (!api_print_raw(client, &answer))
        view_validation(client, api_root(&answer));
    api_answer_free(&answer);
    return code;
}

static enum exit_code write_folder(const struct client *client, const struct api_answer *answer,
                                   const char *folder)
{
    struct sbuf errors;
    bool ok;

    sbuf_init(&errors, 0);
    ok = city_csv_write(answer->body, answer->body_len, folder, &errors);
    if (ok) {
        client_say(client, T_WRITTEN_TO, folder, NULL);
    } else {
        client_complain(client, T_ERR_CSV, folder, NULL);
        fprintf(client->err, "%s", errors.data);
    }
    sbuf_free(&errors);
    return ok ? EXIT_DONE : EXIT_USAGE;
}

static enum exit_code run_export(struct client *client, const struct args *args)
{
    const char *folder = args_get(args, "csv");
    struct api_answer answer;
    enum exit_code code = api_call(client,
                                   &(struct api_request){.method = "GET",
                                                         .path = "/v1/admin/export",
                                                         .who = client_who(client, args),
                                                         .is_large = true},
                                   &answer);

    if (code != EXIT_DONE)
        return code;
    if (folder != NULL) {
        code = write_folder(client, &answer, folder);
    } else {
        fwrite(answer.body, 1, answer.body_len, client->out);
        fputc('\n', client->out);
    }
    api_answer_free(&answer);
    return code;
}

/* ---- verify ------------------------------------------------------------------------------------
 */

struct verified {
    int64_t tickets, events, clocks, differing, broken_chains;
};

static void add_page(struct verified *sum, const struct json_value *page)
{
    sum->tickets += json_int(json_get(page, "tickets"));
    sum->events += json_int(json_get(page, "events"));
    sum->clocks += json_int(json_get(page, "clocks"));
    sum->differing += json_int(json_get(page, "differing"));
    sum->broken_chains += json_int(json_get(page, "broken_chains"));
}

static void view_samples(const struct client *client, const struct json_value *page)
{
    const struct json_value *samples = json_get(page, "samples");

    for (size_t i = 0; i < json_array_length(samples); i++) {
        struct sbuf line;

        sbuf_init(&line, 0);
        json_write_value(&line, json_at(samples, i));
        fprintf(client->out, "  %s\n", line.data);
        sbuf_free(&line);
    }
}

/* Over itself on a terminal, a line for each page elsewhere. */
static void view_progress(const struct client *client, const struct verified *sum)
{
    if (client->err_is_terminal)
        fprintf(client->err, "\r%s %lld", client_text(client, T_VERIFY_PROGRESS),
                (long long)sum->tickets);
    else
        fprintf(client->err, "%s %lld\n", client_text(client, T_VERIFY_PROGRESS),
                (long long)sum->tickets);
}

static void view_verified(const struct client *client, const struct verified *sum)
{
    static const enum text_id labels[] = {T_LABEL_TICKETS, T_LABEL_EVENTS, T_LABEL_CLOCKS,
                                          T_LABEL_DIFFERING_CLOCKS, T_LABEL_BROKEN_CHAINS};
    const int64_t numbers[] = {sum->tickets, sum->events, sum->clocks, sum->differing,
                               sum->broken_chains};
    char text[24];

    if (client->err_is_terminal)
        fputc('\n', client->err);
    for (size_t i = 0; i < ARRAY_LEN(labels); i++) {
        snprintf(text, sizeof(text), "%lld", (long long)numbers[i]);
        view_line(client, labels[i], text);
    }
}

/* One page; after = where it begins, then where the next one does ("" = that was all). */
static enum exit_code verify_page(struct client *client, const struct args *args,
                                  struct sbuf *after, struct verified *sum)
{
    struct api_answer answer;
    struct json_writer w;
    struct sbuf body;

    sbuf_init(&body, 0);
    jw_init(&w, &body);
    jw_object(&w, NULL);
    if (after->len)
        jw_string(&w, "after", after->data);
    jw_object_end(&w);
    enum exit_code code = api_call(client,
                                   &(struct api_request){.method = "POST",
                                                         .path = "/v1/admin/verify",
                                                         .who = client_who(client, args),
                                                         .body = body.data,
                                                         .body_len = body.len,
                                                         .is_patient = true},
                                   &answer);
    sbuf_free(&body);
    if (code != EXIT_DONE)
        return code;
    const char *next = json_string(json_get(api_root(&answer), "next"), NULL);
    sbuf_clear(after);
    sbuf_adds(after, next ? next : "");
    add_page(sum, api_root(&answer));
    if (!api_print_raw(client, &answer))
        view_samples(client, api_root(&answer));
    api_answer_free(&answer);
    return EXIT_DONE;
}

/* Differences are a refusal, so that scripts can stop. With --json each page is one line. */
static enum exit_code run_verify(struct client *client, const struct args *args)
{
    struct verified sum = {0};
    enum exit_code code;
    struct sbuf after;

    sbuf_init(&after, 0);
    do {
        code = verify_page(client, args, &after, &sum);
        if (code == EXIT_DONE)
            view_progress(client, &sum);
    } while (code == EXIT_DONE && after.len);
    sbuf_free(&after);
    if (code != EXIT_DONE)
        return code;
    if (!client->json)
        view_verified(client, &sum);
    return sum.differing || sum.broken_chains ? EXIT_REFUSED : EXIT_DONE;
}

static const struct option export_options[] = {
    {.name = "csv", .kind = OPTION_DIR, .hint = "DIR", .help = T_OPT_CSV},
};

const struct command admin_commands[] = {
    {.path = "admin import",
     .operands = "PATH...",
     .min_operands = 1,
     .max_operands = ARGS_MAX_OPERANDS,
     .summary = T_CMD_ADMIN_IMPORT,
     .as = "admin",
     .run = run_import},
    {.path = "admin validate",
     .operands = "PATH...",
     .min_operands = 1,
     .max_operands = ARGS_MAX_OPERANDS,
     .summary = T_CMD_ADMIN_VALIDATE,
     .as = "admin",
     .run = run_validate},
    {.path = "admin export",
     .operands = "",
     .summary = T_CMD_ADMIN_EXPORT,
     .as = "admin",
     .options = export_options,
     .option_count = ARRAY_LEN(export_options),
     .run = run_export},
    {.path = "admin verify",
     .operands = "",
     .summary = T_CMD_ADMIN_VERIFY,
     .as = "admin",
     .run = run_verify},
};
const size_t admin_command_count = ARRAY_LEN(admin_commands);
