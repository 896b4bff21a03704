/*
 * completion.c - a bash completion script out of the command tables: command words, options, and
 * the values of options that have a fixed list.
 */
#include <string.h>

#include "client/commands.h"

/* The next word after every prefix: "" -> ticket queue ..., "ticket" -> new show ... */
struct words {
    struct sbuf *out;
    const char *prefix;
    char seen[1024]; /* words already written, each with blanks around */
};

static void add_next_word(void *ctx, const struct command *c)
{
    struct words *w = ctx;
    size_t len = strlen(w->prefix), word_len;
    char padded[64];
    const char *word;

    if (len > 0 && (strncmp(c->path, w->prefix, len) != 0 || c->path[len] != ' '))
        return;
    word = len > 0 ? c->path + len + 1 : c->path;
    word_len = strcspn(word, " ");
    INVARIANT(word_len + 3 < sizeof(padded) && strlen(w->seen) + word_len + 3 < sizeof(w->seen));
    padded[0] = ' ';
    memcpy(padded + 1, word, word_len);
    padded[word_len + 1] = ' ';
    padded[word_len + 2] = '\0';
    if (strstr(w->seen, padded) != NULL)
        return;
    memcpy(w->seen + strlen(w->seen), padded, word_len + 3);
    sbuf_addf(w->out, "%s%.*s", strlen(w->seen) > word_len + 2 ? " " : "", (int)word_len, word);
}

static void add_words_case(struct sbuf *out, const char *prefix)
{
    struct words w = {.out = out, .prefix = prefix};

    sbuf_addf(out, "    '%s') words='", prefix);
    commands_each(add_next_word, &w);
    sbuf_adds(out, "' ;;\n");
}

static void add_option_names(struct sbuf *out, const struct option *options, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sbuf_addf(out, " --%s", options[i].name);
}

static void add_command_case(void *ctx, const struct command *c)
{
    struct sbuf *out = ctx;

    sbuf_addf(out, "    '%s' | '%s '*) words='--help", c->path, c->path);
    add_option_names(out, c->options, c->option_count);
    add_option_names(out, global_options, global_option_count);
    sbuf_adds(out, "' ;;\n");
}

static void add_values(struct sbuf *out, const char *path, const struct option *o)
{
    if (o->kind == OPTION_WORD) {
        sbuf_addf(out, "    '%s '*'--%s') words='", path, o->name);
        for (size_t i = 0; i < o->word_count; i++)
            sbuf_addf(out, "%s%s", i > 0 ? " " : "", o->words[i].code);
        sbuf_adds(out, "' ;;\n");
    } else if (o->kind == OPTION_YES_NO) {
        sbuf_addf(out, "    '%s '*'--%s') words='yes no' ;;\n", path, o->name);
    } else if (o->kind == OPTION_DIR) {
        sbuf_addf(out, "    '%s '*'--%s') files=-d ;;\n", path, o->name);
    }
}

static void add_command_values(void *ctx, const struct command *c)
{
    for (size_t i = 0; i < c->option_count; i++)
        add_values(ctx, c->path, &c->options[i]);
}

/* Options of this client that take a value: their value is no word of the command. */
static void add_value_options(struct sbuf *out)
{
    const char *separator = "";

    for (size_t i = 0; i < global_option_count; i++)
        if (global_options[i].kind != OPTION_FLAG) {
            sbuf_addf(out, "%s--%s", separator, global_options[i].name);
            separator = " | ";
        }
}

static void add_prefix_cases(struct sbuf *out)
{
    static const char *const prefixes[] = {"",      "ticket",        "queue", "report",
                                           "admin", "admin account", "clock"};

    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
        add_words_case(out, prefixes[i]);
}

void completion_write_bash(struct sbuf *out)
{
    sbuf_adds(out, "# bash completion of hotline; load it with: source <(hotline completion bash)\n"
                   "_hotline() {\n"
                   "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
                   "  local path='' word words='' files='' i\n"
                   "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
                   "    word=${COMP_WORDS[i]}\n"
                   "    case $word in\n"
                   "    ");
    add_value_options(out);
    sbuf_adds(out, ") ((i++)) ;;\n"
                   "    -*) [[ -n $path ]] && break ;;\n"
                   "    *) path=${path:+$path }$word ;;\n"
                   "    esac\n"
                   "  done\n"
                   "  case \"$path $prev\" in\n"
                   "    *' --credentials') files=-f ;;\n"
                   "    *' --lang') words='zh en' ;;\n"
                   "    *' --as') words='admin desk supervisor phone web unit:' ;;\n");
    commands_each(add_command_values, out);
    sbuf_adds(out, "    'admin import '* | 'admin validate '*) files=-f ;;\n"
                   "    'completion '*) words='bash' ;;\n"
                   "  esac\n"
                   "  if [[ -z $words && -z $files ]]; then\n"
                   "    case $path in\n");
    add_prefix_cases(out);
    commands_each(add_command_case, out);
    sbuf_adds(out, "    esac\n"
                   "  fi\n"
                   "  if [[ -n $files ]]; then\n"
                   "    mapfile -t COMPREPLY < <(compgen \"$files\" -- \"$cur\")\n"
                   "  else\n"
                   "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
                   "  fi\n"
                   "}\n"
                   "complete -o bashdefault -F _hotline hotline\n");
}
