/*
 * Both languages say the same things, the right one is chosen, and the help covers every command.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/utf8.h"
#include "client/commands.h"
#include "client/texts.h"

static unsigned placeholders(const char *text)
{
    unsigned set = 0;

    for (const char *p = text; *p != '\0'; p++)
        if (p[0] == '{' && p[1] >= '1' && p[1] <= '9' && p[2] == '}')
            set |= 1u << (p[1] - '0');
    return set;
}

static void every_text_exists_in_both_languages(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TEXT_COUNT; i++) {
        const char *zh = text_get(LANG_ZH, (enum text_id)i);
        const char *en = text_get(LANG_EN, (enum text_id)i);

        assert_true(strlen(zh) > 0 && strlen(en) > 0);
        assert_true(utf8_valid(zh, strlen(zh)));
        assert_int_equal(placeholders(zh), placeholders(en));
    }
}

static void language_follows_the_locale(void **state)
{
    static const struct {
        const char *lc_all, *lc_messages, *lang;
        enum lang want;
    } cases[] = {
        {NULL, NULL, NULL, LANG_EN},
        {NULL, NULL, "zh_CN.UTF-8", LANG_ZH},
        {NULL, NULL, "C.UTF-8", LANG_EN},
        {NULL, "zh_CN", "en_US.UTF-8", LANG_ZH},
        {"en_US.UTF-8", "zh_CN", "zh_CN", LANG_EN},
        {"", "", "zh_TW", LANG_ZH},
        {"C", "zh_CN", "zh_CN", LANG_EN},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(lang_choose(cases[i].lc_all, cases[i].lc_messages, cases[i].lang),
                         cases[i].want);
    assert_int_equal(lang_parse("zh"), LANG_ZH);
    assert_int_equal(lang_parse("en"), LANG_EN);
    assert_int_equal(lang_parse("fr"), -1);
}

static void arguments_are_filled_in(void **state)
{
    static const char *const arguments[] = {"one", "{1}"};
    struct sbuf out;

    (void)state;
    sbuf_init(&out, 0);
    text_fill_in(&out, "{2} {1}{1} {x} {", arguments, 2);
    /* what is filled in is not looked at again */
    assert_string_equal(out.data, "{1} oneone {x} {");
    sbuf_free(&out);
}

static void unknown_words_stay_as_they_are(void **state)
{
    (void)state;
    assert_string_equal(reason_text(LANG_ZH, "required"), "必填");
    assert_string_equal(reason_text(LANG_ZH, "a_new_reason"), "a_new_reason");
    assert_string_equal(figure_text(LANG_EN, "in_hand"), "in hand");
    assert_string_equal(word_text(LANG_ZH, kind_words, KIND_COUNT, "help"), "求助");
    assert_string_equal(word_text(LANG_ZH, kind_words, KIND_COUNT, "new_kind"), "new_kind");
    assert_string_equal(word_text(LANG_ZH, kind_words, KIND_COUNT, NULL), "");
}

static void check_command(void *ctx, const struct command *c)
{
    size_t *count = ctx;
    struct sbuf help;

    (*count)++;
    assert_ptr_equal(command_find(c->path), c);
    assert_non_null(c->run);
    assert_true(c->min_operands <= c->max_operands && c->max_operands <= ARGS_MAX_OPERANDS);
    assert_true(c->option_count <= ARGS_MAX_OPTIONS);
    sbuf_init(&help, 0);
    help_command(&help, LANG_EN, c);
    assert_non_null(strstr(help.data, c->path));
    assert_non_null(strstr(help.data, text_get(LANG_EN, c->summary)));
    for (size_t i = 0; i < c->option_count; i++) {
        const struct option *o = &c->options[i];

        assert_non_null(strstr(help.data, o->name));
        assert_true(o->kind != OPTION_WORD || o->word_count > 0);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(o->name, c->options[k].name);
        for (size_t k = 0; k < global_option_count; k++)
            assert_string_not_equal(o->name, global_options[k].name);
    }
    sbuf_free(&help);
}

static void command_tables_are_sound(void **state)
{
    size_t count = 0;

    (void)state;
    commands_each(check_command, &count);
    assert_true(count >= 35);
    assert_null(command_find("ticket"));
    assert_true(command_is_prefix("admin account"));
    assert_false(command_is_prefix("tick"));
}

static void overview_of_a_group_has_only_that_group(void **state)
{
    struct sbuf out;

    (void)state;
    sbuf_init(&out, 0);
    help_overview(&out, LANG_ZH, "queue");
    assert_non_null(strstr(out.data, "queue claim"));
    assert_null(strstr(out.data, "ticket new"));
    sbuf_free(&out);
}

/* Exit code of a program that reads the script on its standard input; 127 if it is not there. */
static int feed(const char *script, const char *const *argv)
{
    char *words[6] = {NULL};
    int fds[2], status = 0;
    pid_t pid;

    for (size_t i = 0; argv[i] != NULL && i < 5; i++)
        words[i] = strdup(argv[i]);
    assert_int_equal(pipe(fds), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(fds[0], 0);
        close(fds[0]);
        close(fds[1]);
        execvp(words[0], words);
        _exit(127);
    }
    close(fds[0]);
    for (size_t left = strlen(script), at = 0; left > 0;) {
        ssize_t n = write(fds[1], script + at, left);

        if (n <= 0)
            break;
        at += (size_t)n;
        left -= (size_t)n;
    }
    close(fds[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    for (size_t i = 0; i < 5; i++)
        free(words[i]);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void completion_is_good_bash(void **state)
{
    static const char *const bash[] = {"bash", "-n", NULL};
    static const char *const shellcheck[] = {"shellcheck", "-s", "bash", "-", NULL};
    struct sbuf script;
    int result;

    (void)state;
    sbuf_init(&script, 0);
    completion_write_bash(&script);
    assert_int_equal(feed(script.data, bash), 0);
    result = feed(script.data, shellcheck);
    assert_true(result == 0 || result == 127);
    sbuf_free(&script);
}

static void completion_completes(void **state)
{
    static const char *const bash[] = {"bash", "-s", NULL};
    static const char probe[] = "probe() { COMP_WORDS=(hotline \"${@:2}\"); COMP_CWORD=$(($# - "
                                "1)); COMPREPLY=(); _hotline;\n"
                                "  [[ \" ${COMPREPLY[*]} \" == *\" $1 \"* ]] || { echo \"no $1 "
                                "after: ${*:2}\" >&2; exit 1; }; }\n"
                                "probe ticket ''\n"
                                "probe dispatch ticket d\n"
                                "probe complaint ticket new --kind c\n"
                                "probe --reply ticket answer 12 --r\n"
                                "probe add-units admin account a\n"
                                "probe yes --lang zh queue report 1-1 --solved ''\n";
    struct sbuf script;

    (void)state;
    sbuf_init(&script, 0);
    completion_write_bash(&script);
    sbuf_adds(&script, probe);
    assert_int_equal(feed(script.data, bash), 0);
    sbuf_free(&script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_text_exists_in_both_languages),
        cmocka_unit_test(language_follows_the_locale),
        cmocka_unit_test(arguments_are_filled_in),
        cmocka_unit_test(unknown_words_stay_as_they_are),
        cmocka_unit_test(command_tables_are_sound),
        cmocka_unit_test(overview_of_a_group_has_only_that_group),
        cmocka_unit_test(completion_is_good_bash),
        cmocka_unit_test(completion_completes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
