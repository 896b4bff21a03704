/*
 * args.h - the command line: commands and their options are tables, and everything that can be
 * derived from a table is: parsing, help, completion, request bodies and query strings.
 */
#ifndef CLIENT_ARGS_H
#define CLIENT_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "base/sbuf.h"
#include "client/texts.h"
#include "hotline/vocabulary.h"
#include "proto/json.h"

/* What a script may rely on. */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_REFUSED = 1,      /* the daemon said no (4xx) */
    EXIT_USAGE = 2,        /* wrong command line, unreadable file */
    EXIT_UNREACHABLE = 3,  /* no connection, or no answer in time */
    EXIT_DAEMON_FAULT = 4, /* 5xx, or an answer that makes no sense */
};

enum option_kind {
    OPTION_FLAG,         /* --pass: sends true */
    OPTION_NO_FLAG,      /* --fail: sends false */
    OPTION_YES_NO,       /* --solved yes|no */
    OPTION_TEXT,         /* "-" reads standard input */
    OPTION_DATE_OR_NONE, /* --day, or --day 2025-03-10: "" without a date */
    OPTION_LIST,         /* a,b,c: an array of strings */
    OPTION_INT,
    OPTION_WORD, /* one of words[] */
    OPTION_FILE, /* a path on this machine, never sent */
    OPTION_DIR,
};

enum option_flags { OPTION_REQUIRED = 1 }; /* one of the options of this field has to be given */

struct option {
    const char *name;  /* without dashes */
    const char *field; /* of the request, "requester.phone" nests; NULL = not sent */
    enum option_kind kind;
    unsigned flags;
    enum text_id help;
    const char *hint; /* placeholder in the help: CODE, N */
    const struct word *words;
    size_t word_count;
    int64_t min, max; /* of OPTION_INT */
};

struct client;
struct args;

struct command {
    const char *path;     /* "admin account add" */
    const char *operands; /* as shown in the usage line, "" if none */
    size_t min_operands, max_operands;
    enum text_id summary;
    const char *as;        /* whose token is used unless --as says otherwise; NULL = none needed */
    bool needs_all_tokens; /* speaks as several in turn: HOTLINE_TOKEN does not do */
    const struct option *options;
    size_t option_count;
    enum exit_code (*run)(struct client *client, const struct args *args);
};

#define ARGS_MAX_OPTIONS 24
#define ARGS_MAX_OPERANDS 8
#define ARGS_STDIN_MAX_BYTES ((size_t)1 << 20)

struct args {
    struct arena *arena; /* owns what was read from standard input, and error */
    const struct command *command;
    const char *operands[ARGS_MAX_OPERANDS];
    size_t operand_count;
    const char *values[ARGS_MAX_OPTIONS];  /* by index of command->options; NULL = not given */
    const char *globals[ARGS_MAX_OPTIONS]; /* by index of global_options */
    bool help;                             /* -h or --help anywhere */
    const char *group; /* words that only begin commands, e.g. "ticket"; NULL otherwise */
};

extern const struct option global_options[];
extern const size_t global_option_count;

/*
 * Fills args from argv[1..]. On an error false and a text in the language of `lang` (owned by the
 * arena). --lang on the command line is found first by args_lang(), so that even errors obey it.
 */
MUST_CHECK bool args_parse(struct args *args, struct arena *arena, int argc, char *const *argv,
                           enum lang lang, const char **error_r);
enum lang args_lang(int argc, char *const *argv, enum lang fallback);

/* The value of an option of the command or a global one; NULL if not given. Flags give "yes". */
const char *args_get(const struct args *args, const char *name);
const char *args_global(const struct args *args, const char *name);
/* The number of an OPTION_INT, or the fallback if it was not given. */
int64_t args_int(const struct args *args, const char *name, int64_t fallback);

/* Adds every given option that has a field as members of the object that is open in w. */
void args_write_fields(const struct args *args, struct json_writer *w);
/* Appends them as query parameters. */
void args_write_query(const struct args *args, struct sbuf *path);

#endif
