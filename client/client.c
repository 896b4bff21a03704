/*
 * client.c - settings of a run from command line, environment and credentials file.
 */
#include "client/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "client/commands.h"
#include "net/http_client.h"

const char *client_text(const struct client *client, enum text_id id)
{
    return text_get(client->lang, id);
}

static void print_line(FILE *to, const char *before, enum lang lang, enum text_id id, const char *a,
                       const char *b)
{
    struct sbuf text, clean;

    sbuf_init(&text, 0);
    sbuf_init(&clean, 0);
    text_fill(&text, lang, id, a == NULL ? "" : a, b == NULL ? "" : b, (char *)NULL);
    clean_add(&clean, text.data, text.len, true);
    fprintf(to, "%s%s\n", before, clean.data);
    sbuf_free(&clean);
    sbuf_free(&text);
}

void client_complain(const struct client *client, enum text_id id, const char *a, const char *b)
{
    print_line(client->err, "hotline: ", client->lang, id, a, b);
}

void client_say(const struct client *client, enum text_id id, const char *a, const char *b)
{
    print_line(client->out, "", client->lang, id, a, b);
}

void client_print_table(const struct client *client, const struct table *table)
{
    struct sbuf text;

    if (table_rows(table) == 0) {
        client_say(client, T_NOTHING, NULL, NULL);
        return;
    }
    sbuf_init(&text, 0);
    table_write(table, client->columns, client->color, &text);
    fwrite(text.data, 1, text.len, client->out);
    sbuf_free(&text);
}

static bool read_stream(FILE *file, struct sbuf *content)
{
    char chunk[16384];
    size_t n;

    while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0) {
        sbuf_add(content, chunk, n);
        if (content->overflow)
            return false;
    }
    return ferror(file) == 0;
}

bool client_read_file(const struct client *client, const char *path, size_t max_bytes,
                      struct sbuf *content)
{
    FILE *file = fopen(path, "re");
    bool ok;

    if (file == NULL) {
        client_complain(client, T_ERR_CANNOT_READ, path, strerror(errno));
        return false;
    }
    sbuf_init(content, max_bytes);
    errno = 0;
    ok = read_stream(file, content);
    if (!ok) {
        client_complain(client, T_ERR_CANNOT_READ, path,
                        content->overflow ? client_text(client, T_ERR_FILE_TOO_LARGE)
                                          : strerror(errno));
        sbuf_free(content);
    }
    fclose(file);
    return ok;
}

struct json_doc *client_read_json(const struct client *client, const char *path)
{
    struct arena *arena;
    struct faults faults;
    struct json_doc *doc;
    struct sbuf content;

    if (!client_read_file(client, path, CLIENT_MAX_FILE_BYTES, &content))
        return NULL;
    arena = arena_new();
    faults_init(&faults, arena);
    doc = json_parse(content.data, content.len, &faults);
    if (doc == NULL)
        client_complain(client, T_ERR_NOT_JSON, path,
                        faults.count > 0 ? reason_text(client->lang, faults.list[0].reason) : "");
    arena_free(&arena);
    sbuf_free(&content);
    return doc;
}

/*
 * A file that was named has to be good. The default one is only looked at if its tokens are needed:
 * a start script must not stumble over what an earlier one left behind.
 */
static bool load_credentials(struct client *client, const struct client_environment *environment,
                             const struct args *args)
{
    const char *path = args_global(args, "credentials");
    bool has_token =
        client->token != NULL && client->as == NULL && !args->command->needs_all_tokens;

    if (path == NULL && environment->credentials != NULL && environment->credentials[0] != '\0')
        path = environment->credentials;
    if (path == NULL && (has_token || access(CLIENT_DEFAULT_CREDENTIALS, R_OK) != 0))
        return true;
    client->credentials =
        client_read_json(client, path != NULL ? path : CLIENT_DEFAULT_CREDENTIALS);
    return client->credentials != NULL;
}

static char *choose_url(const struct client *client, const struct client_environment *environment,
                        const struct args *args)
{
    const char *url = args_global(args, "url");
    size_t len;

    if (url == NULL && environment->url != NULL && environment->url[0] != '\0')
        url = environment->url;
    if (url == NULL && client->credentials != NULL)
        url = json_string(json_get(json_root(client->credentials), "base_url"), NULL);
    if (url == NULL)
        url = CLIENT_DEFAULT_URL;
    len = strlen(url);
    while (len > 0 && url[len - 1] == '/')
        len--;
    return xstrndup(url, len);
}

bool client_init(struct client *client, const struct client_environment *environment,
                 const struct args *args, enum lang lang)
{
    const char *timeout = args_global(args, "timeout");
    bool has_token = environment->token != NULL && environment->token[0] != '\0';

    *client = (struct client){
        .out = environment->out,
        .err = environment->err,
        .lang = lang,
        .json = args_global(args, "json") != NULL,
        .columns = environment->out_columns,
        .color = environment->out_columns > 0 && !environment->no_color &&
                 args_global(args, "no-color") == NULL,
        .err_is_terminal = environment->err_is_terminal,
        .timeout_us = CLIENT_DEFAULT_TIMEOUT_US,
        .as = args_global(args, "as"),
        .token = has_token ? environment->token : NULL,
    };
    if (timeout != NULL)
        client->timeout_us = (int64_t)strtoll(timeout, NULL, 10) * 1000000;
    /* Commands that never speak to the daemon must work whatever the file looks like. */
    if (args->command->as != NULL && !load_credentials(client, environment, args))
        return false;
    client->url = choose_url(client, environment, args);
    return true;
}

void client_close(struct client *client)
{
    http_client_free(&client->http);
    json_doc_free(&client->credentials);
    free(client->url);
    client->url = NULL;
}

const char *client_who(const struct client *client, const struct args *args)
{
    return client->as != NULL ? client->as : args->command->as;
}

static const char *file_token(const struct client *client, const char *who)
{
    const struct json_value *tokens;

    if (client->credentials == NULL)
        return NULL;
    tokens = json_get(json_root(client->credentials), "tokens");
    if (strncmp(who, "unit:", 5) == 0)
        return json_string(json_get(json_get(tokens, "units"), who + 5), NULL);
    return json_string(json_get(tokens, who), NULL);
}

const char *client_token(const struct client *client, const char *who)
{
    if (client->as == NULL && client->token != NULL)
        return client->token;
    return file_token(client, who);
}

static enum exit_code usage_error(const struct client_environment *environment, enum lang lang,
                                  const struct args *args, const char *error)
{
    struct sbuf text;

    sbuf_init(&text, 0);
    clean_add(&text, error, strlen(error), false);
    fprintf(environment->err, "hotline: %s\n", text.data);
    sbuf_clear(&text);
    text_fill(&text, lang, T_SEE_HELP, args->command != NULL ? args->command->path : "",
              (char *)NULL);
    fprintf(environment->err, "%s\n", text.data);
    sbuf_free(&text);
    return EXIT_USAGE;
}

/* No complete command: the list of what there is. Asked for with --help it is no error. */
static enum exit_code show_overview(const struct client_environment *environment, enum lang lang,
                                    const struct args *args)
{
    struct sbuf text;

    sbuf_init(&text, 0);
    help_overview(&text, lang, args->group);
    fputs(text.data, args->help ? environment->out : environment->err);
    sbuf_free(&text);
    return args->help ? EXIT_DONE : EXIT_USAGE;
}

static enum exit_code show_command_help(const struct client_environment *environment,
                                        enum lang lang, const struct args *args)
{
    struct sbuf text;

    sbuf_init(&text, 0);
    help_command(&text, lang, args->command);
    fputs(text.data, environment->out);
    sbuf_free(&text);
    return EXIT_DONE;
}

static enum exit_code run(const struct client_environment *environment, enum lang lang,
                          const struct args *args)
{
    struct client client;
    enum exit_code code = EXIT_USAGE;

    if (client_init(&client, environment, args, lang))
        code = args->command->run(&client, args);
    client_close(&client);
    if (fflush(environment->out) != 0 && code == EXIT_DONE)
        code = EXIT_USAGE; /* the reader went away or the disk is full: not done */
    return code;
}

enum exit_code client_main(int argc, char *const *argv,
                           const struct client_environment *environment)
{
    enum lang lang = args_lang(
        argc, argv, lang_choose(environment->lc_all, environment->lc_messages, environment->lang));
    struct arena *arena = arena_new();
    const char *error = NULL;
    struct args args;
    enum exit_code code;

    if (!args_parse(&args, arena, argc, argv, lang, &error))
        code = usage_error(environment, lang, &args, error);
    else if (args.command == NULL)
        code = show_overview(environment, lang, &args);
    else if (args.help)
        code = show_command_help(environment, lang, &args);
    else
        code = run(environment, lang, &args);
    arena_free(&arena);
    return code;
}
