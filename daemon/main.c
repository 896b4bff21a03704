/*
 * main.c - the command line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "base/civil.h"
#include "base/clk.h"
#include "base/sbuf.h"
#include "daemon/app.h"
#include "daemon/docs.h"
#include "daemon/token_command.h"

#ifndef HOTLINED_VERSION
#define HOTLINED_VERSION "unknown"
#endif

struct cli {
    struct app_options options;
    struct app_override *overrides; /* room for as many as there are arguments */
    const char *role, *name, *unit; /* of `token` */
    const char *topic;              /* of `docs` */
};

struct subcommand {
    const char *name, *help;
    int (*run)(struct cli *cli);
};

static int fail(const char *what, const char *why)
{
    (void)fprintf(stderr, "hotlined: %s: %s\n", what, why);
    return 2;
}

/* ---- subcommands
 * ----------------------------------------------------------------------------------- */

static int run_daemon(struct cli *cli)
{
    return app_run(&cli->options);
}

static int run_migrate(struct cli *cli)
{
    return app_migrate(&cli->options.settings);
}

static int make_token(void *ctx, const char *conninfo)
{
    const struct cli *cli = ctx;
    struct clk clk;

    clk_init_real(&clk);
    return token_command(conninfo, cli->role, cli->name, cli->unit, clk_now_us(&clk));
}

static int run_token(struct cli *cli)
{
    if (!cli->role || !cli->name)
        return fail("token", "needs --role and --name");
    return app_with_database(&cli->options.settings, make_token, cli);
}

static int run_print_config(struct cli *cli)
{
    struct sbuf out;

    sbuf_init(&out, 0);
    settings_print(settings_table, settings_table_count, &cli->options.settings, &out);
    (void)fputs(out.data, stdout);
    sbuf_free(&out);
    return 0;
}

static int run_docs(struct cli *cli)
{
    struct sbuf out;

    int code = 0;

    sbuf_init(&out, 0);
    if (cli->topic && docs_write(cli->topic, &out)) {
        (void)fputs(out.data, stdout);
    } else {
        sbuf_adds(&out, "the topics are: ");
        docs_write_topics(&out);
        code = fail("docs", out.data);
    }
    sbuf_free(&out);
    return code;
}

static int run_version(struct cli *cli)
{
    (void)cli;
    puts("hotlined " HOTLINED_VERSION);
    return 0;
}

static int run_help(struct cli *cli);

static const struct subcommand subcommands[] = {
    {"run", "serve in the foreground (the default)", run_daemon},
    {"migrate", "bring the schema up to date", run_migrate},
    {"token", "make or rotate a token: --role R --name N [--unit U]; prints it", run_token},
    {"print-config", "print every setting with its value", run_print_config},
    {"docs", "print a generated document: machine, routes or problems", run_docs},
    {"version", "print the version", run_version},
    {"help", "print this", run_help},
};

static int run_help(struct cli *cli)
{
    (void)cli;
    puts("usage: hotlined [COMMAND] [OPTION...]\n\ncommands:");
    for (size_t i = 0; i < ARRAY_LEN(subcommands); i++)
        printf("  %-13s %s\n", subcommands[i].name, subcommands[i].help);
    puts("\noptions:\n"
         "  --config FILE           settings file: `name = value` lines; read again on SIGHUP\n"
         "  --test-clock [INSTANT]  the clock stands still and is moved over HTTP; tests only\n"
         "  --NAME VALUE            any setting (see print-config), e.g. --data var --port 12345");
    return 0;
}

/* ---- options
 * ------------------------------------------------------------------------------------------- */

static const char *take_value(int argc, char **argv, int *at)
{
    return *at + 1 < argc ? argv[++*at] : NULL;
}

static bool set_test_clock(struct cli *cli, int argc, char **argv, int *at)
{
    cli->options.is_test_clock = true;
    if (*at + 1 >= argc || strncmp(argv[*at + 1], "--", 2) == 0)
        return true;
    const char *text = argv[++*at];
    return civil_parse_instant(text, strlen(text), &cli->options.test_now_us);
}

static bool set_named(struct cli *cli, const char *name, const char *value)
{
    const struct {
        const char *name;
        const char **slot;
    } own[] = {{"role", &cli->role}, {"name", &cli->name}, {"unit", &cli->unit}};

    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        if (strcmp(own[i].name, name) == 0) {
            *own[i].slot = value;
            return true;
        }
    }
    return false;
}

/* --tls-cert is tls_cert */
static char *setting_name(const char *option)
{
    char *name = xstrdup(option);

    for (char *s = name; *s; s++)
        *s = *s == '-' ? '_' : *s;
    return name;
}

static int set_setting(struct cli *cli, const char *option, const char *value)
{
    char *name = setting_name(option), *why = NULL;
    bool is_good = settings_set(settings_table, settings_table_count, &cli->options.settings, name,
                                value, &why);
    int code = is_good ? 0 : fail(option, why);

    cli->overrides[cli->options.override_count++] = (struct app_override){name, value};
    free(why);
    return code;
}

static int load_file(struct cli *cli, const char *path)
{
    char *why = NULL;

    cli->options.settings_file = path;
    if (settings_load_file(settings_table, settings_table_count, &cli->options.settings, path,
                           &why))
        return 0;
    int code = fail("--config", why);
    free(why);
    return code;
}

static int read_option(struct cli *cli, int argc, char **argv, int *at)
{
    const char *option = argv[*at] + 2;

    if (strcmp(option, "test-clock") == 0)
        return set_test_clock(cli, argc, argv, at) ? 0 : fail(argv[*at], "not an RFC 3339 instant");
    const char *value = take_value(argc, argv, at);
    if (!value)
        return fail(option, "needs a value");
    if (strcmp(option, "config") == 0)
        return 0; /* read before all others, which override it */
    return set_named(cli, option, value) ? 0 : set_setting(cli, option, value);
}

static int read_config_first(struct cli *cli, int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], "--config") == 0)
            return load_file(cli, argv[i + 1]);
    }
    return 0;
}

static const struct subcommand *find_subcommand(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(subcommands); i++) {
        if (strcmp(subcommands[i].name, name) == 0)
            return &subcommands[i];
    }
    return NULL;
}

int main(int argc, char **argv)
{
    const struct subcommand *command = &subcommands[0];
    struct cli cli;
    int code;

    memset(&cli, 0, sizeof(cli));
    cli.overrides = xcalloc((size_t)argc + 1, sizeof(*cli.overrides));
    cli.options.overrides = cli.overrides;
    settings_defaults(settings_table, settings_table_count, &cli.options.settings);
    code = read_config_first(&cli, argc, argv);
    for (int i = 1; i < argc && code == 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "--version") == 0)
            command = find_subcommand(argv[i] + 2);
        else if (strncmp(argv[i], "--", 2) == 0)
            code = read_option(&cli, argc, argv, &i);
        else if (find_subcommand(argv[i]))
            command = find_subcommand(argv[i]);
        else if (command->run == run_docs && !cli.topic)
            cli.topic = argv[i];
        else
            code = fail(argv[i], "no such command; see hotlined help");
    }
    if (code == 0)
        code = command->run(&cli);
    if (command->run != run_daemon) /* it took them over */
        settings_free(settings_table, settings_table_count, &cli.options.settings);
    for (size_t i = 0; i < cli.options.override_count; i++)
        free(cli.overrides[i].name);
    free(cli.overrides);
    return code;
}
