/*
 * Command lines: what is understood, what is refused and with which words, and the bodies and
 * queries that come out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "client/args.h"

struct parsed {
    struct arena *arena;
    struct args args;
    const char *error;
    bool ok;
};

static struct parsed parse(const char *line)
{
    struct parsed p = {.arena = arena_new()};
    char *copy = arena_strdup(p.arena, line), *save = NULL;
    char *argv[32] = {arena_strdup(p.arena, "hotline")};
    int argc = 1;

    for (char *word = strtok_r(copy, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save))
        argv[argc++] = strcmp(word, "''") == 0 ? arena_strdup(p.arena, "") : word;
    p.ok = args_parse(&p.args, p.arena, argc, argv, LANG_EN, &p.error);
    return p;
}

static char *body_of(const char *line)
{
    struct parsed p = parse(line);
    struct json_writer w;
    struct sbuf body;
    char *text;

    assert_true(p.ok);
    sbuf_init(&body, 0);
    jw_init(&w, &body);
    jw_object(&w, NULL);
    args_write_fields(&p.args, &w);
    jw_object_end(&w);
    text = sbuf_steal(&body);
    sbuf_free(&body);
    arena_free(&p.arena);
    return text;
}

static void commands_are_found_by_their_words(void **state)
{
    static const struct {
        const char *line, *path;
        size_t operands;
    } cases[] = {
        {"ticket show 1", "ticket show", 1},
        {"admin account add --role desk --name a", "admin account add", 0},
        {"admin account add-units", "admin account add-units", 0},
        {"admin accounts", "admin accounts", 0},
        {"--json ticket --lang zh list", "ticket list", 0},
        {"--as unit:JY-CG queue list", "queue list", 0},
        {"explain", "explain", 0},
        {"explain 12", "explain", 1},
        {"ticket show -- --odd", "ticket show", 1},
        {"clock set 2026-02-13T10:00:00+08:00", "clock set", 1},
        {"admin import a b c", "admin import", 3},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct parsed p = parse(cases[i].line);

        assert_true(p.ok);
        assert_string_equal(p.args.command->path, cases[i].path);
        assert_int_equal(p.args.operand_count, cases[i].operands);
        arena_free(&p.arena);
    }
}

static void faults_are_named(void **state)
{
    static const struct {
        const char *line, *error;
    } cases[] = {
        {"frobnicate", "no such command: frobnicate"},
        {"ticket frobnicate", "no such command: frobnicate"},
        {"--frob", "no such option: --frob"},
        {"ticket show 1 --frob", "no such option: --frob"},
        {"ticket show", "NUMBER is missing"},
        {"ticket show 1 2", "one argument too many: 2"},
        {"ticket answer 1", "--reply is missing"},
        {"ticket answer 1 --reply", "--reply needs a value"},
        {"ticket answer 1 --reply a --reply b", "--reply is given twice"},
        {"ticket review 1", "--pass is missing"},
        {"ticket review 1 --pass --fail", "--pass contradicts another option"},
        {"ticket review 1 --pass=yes", "--pass takes no value"},
        {"ticket callback 1 --reached --satisfied 6", "--satisfied has to be a number 1..5"},
        {"ticket callback 1 --reached --satisfied 4x", "--satisfied has to be a number 1..5"},
        {"ticket callback 1 --reached --solved maybe", "--solved has to be yes or no"},
        {"queue claim --limit 101", "--limit has to be a number 1..100"},
        {"queue claim --lease-seconds 29", "--lease-seconds has to be a number 30..3600"},
        {"queue release 1-1", "--lease is missing"},
        {"simulate --day today", "--day has to be a date such as 2025-03-10"},
        {"simulate --day=2026-02-30 --seed 1", "--day has to be a date such as 2025-03-10"},
        {"report measures --by moon",
         "--by has to be one of: unit, region, category, kind, channel, day, month, total"},
        {"--lang fr version", "--lang has to be one of: zh, en"},
        {"ticket show \xff", "NUMBER is no valid UTF-8"},
        {"ticket answer 1 --reply \xff", "reply is no valid UTF-8"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct parsed p = parse(cases[i].line);

        assert_false(p.ok);
        assert_string_equal(p.error, cases[i].error);
        arena_free(&p.arena);
    }
}

static void help_needs_no_other_arguments(void **state)
{
    struct parsed p = parse("ticket answer --help");

    (void)state;
    assert_true(p.ok && p.args.help);
    assert_string_equal(p.args.command->path, "ticket answer");
    arena_free(&p.arena);
    p = parse("ticket -h");
    assert_true(p.ok && p.args.help && p.args.command == NULL);
    assert_string_equal(p.args.group, "ticket");
    arena_free(&p.arena);
}

static void bodies_come_from_the_table(void **state)
{
    static const struct {
        const char *line, *body;
    } cases[] = {
        {"ticket withdraw 1", "{}"},
        {"ticket answer 1 --reply 好 --if-version 3", "{\"reply\":\"好\"}"},
        {"ticket dispatch 1 --to JY-CG --co A,B",
         "{\"lead_unit\":\"JY-CG\",\"co_units\":[\"A\",\"B\"]}"},
        {"ticket review 1 --fail --text x", "{\"pass\":false,\"text\":\"x\"}"},
        {"ticket review 1 --pass", "{\"pass\":true}"},
        {"ticket callback 1 --unreached", "{\"reached\":false}"},
        {"ticket callback 1 --reached --contacted yes --solved no --satisfied 2",
         "{\"reached\":true,\"contacted\":true,\"solved\":false,\"satisfied\":2}"},
        {"ticket refer 1 --to=110", "{\"to\":\"110\"}"},
        {"ticket new --kind help --category 010101 --title a --text b --name N --phone 1 "
         "--confidential",
         "{\"kind\":\"help\",\"category\":\"010101\",\"title\":\"a\",\"text\":\"b\","
         "\"requester\":{\"name\":\"N\",\"phone\":\"1\",\"confidential\":true}}"},
        {"queue report 1-1 --solved 是 --internal i --public-reply p",
         "{\"solved\":true,\"internal\":\"i\",\"public_reply\":\"p\"}"},
        {"queue claim --limit 5 --lease-seconds 60 --wait 0",
         "{\"limit\":5,\"lease_seconds\":60,\"wait\":0}"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *body = body_of(cases[i].line);

        assert_string_equal(body, cases[i].body);
        free(body);
    }
}

static void queries_come_from_the_table(void **state)
{
    static const struct {
        const char *line, *start, *path;
    } cases[] = {
        {"ticket list", "/v1/tickets", "/v1/tickets"},
        {"ticket list --overdue --q 路灯", "/v1/tickets",
         "/v1/tickets?overdue=true&q=%E8%B7%AF%E7%81%AF"},
        {"ticket list --state closed --limit 5 --after a/b", "/v1/tickets",
         "/v1/tickets?state=closed&limit=5&after=a%2Fb"},
        {"report measures --from 2026-01-01", "/x?by=unit", "/x?by=unit&from=2026-01-01"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct parsed p = parse(cases[i].line);
        struct sbuf path;

        assert_true(p.ok);
        sbuf_init(&path, 0);
        sbuf_adds(&path, cases[i].start);
        args_write_query(&p.args, &path);
        assert_string_equal(path.data, cases[i].path);
        sbuf_free(&path);
        arena_free(&p.arena);
    }
}

static void language_is_found_before_parsing(void **state)
{
    char *argv[] = {(char[]){"hotline"}, (char[]){"nonsense"}, (char[]){"--lang=zh"}};

    (void)state;
    assert_int_equal(args_lang(3, argv, LANG_EN), LANG_ZH);
    assert_int_equal(args_lang(2, argv, LANG_EN), LANG_EN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_found_by_their_words),
        cmocka_unit_test(faults_are_named),
        cmocka_unit_test(help_needs_no_other_arguments),
        cmocka_unit_test(bodies_come_from_the_table),
        cmocka_unit_test(queries_come_from_the_table),
        cmocka_unit_test(language_is_found_before_parsing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
