#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/attr.h"
#include "base/utf8.h"
#include "hotline/city.h"
#include "hotline/route.h"
#include "hotline/vocabulary.h"

#define TABLE(words)                                                                               \
    {                                                                                              \
#words, words, ARRAY_LEN(words)                                                            \
    }

static const struct {
    const char *name;
    const struct word *words;
    size_t count;
} tables[] = {
    TABLE(kind_words),
    TABLE(urgency_words),
    TABLE(channel_words),
    TABLE(tier_words),
    TABLE(ticket_state_words),
    TABLE(assignment_state_words),
    TABLE(assignment_role_words),
    TABLE(clock_words),
    TABLE(clock_state_words),
    TABLE(limit_unit_words),
    TABLE(role_words),
    TABLE(route_reason_words),
    TABLE(route_verdict_words),
    TABLE(city_reason_words),
};

/* A value added to an enum without its row would be a NULL on the wire. */
static void test_every_row_has_its_words(void **state)
{
    (void)state;
    for (size_t t = 0; t < ARRAY_LEN(tables); t++)
        for (size_t i = 0; i < tables[t].count; i++) {
            const struct word *word = &tables[t].words[i];
            if (word->code == NULL || word->zh == NULL || word->en == NULL)
                fail_msg("%s[%zu] is not filled in", tables[t].name, i);
            assert_true(utf8_valid(word->zh, strlen(word->zh)));
            assert_true(strlen(word->zh) > 0 && strlen(word->en) > 0);
        }
}

static void test_code_words_are_plain_and_unique(void **state)
{
    (void)state;
    for (size_t t = 0; t < ARRAY_LEN(tables); t++)
        for (size_t i = 0; i < tables[t].count; i++) {
            const char *code = tables[t].words[i].code;
            assert_int_equal(strspn(code, "abcdefghijklmnopqrstuvwxyz_0123456789"), strlen(code));
            assert_int_equal(word_find(tables[t].words, tables[t].count, code), i);
        }
}

static void test_find_refuses_what_is_none(void **state)
{
    (void)state;
    static const char *const none[] = {NULL, "", "CONSULT", "consult ", "consul", "咨询"};
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        assert_int_equal(word_find(kind_words, KIND_COUNT, none[i]), -1);
    assert_int_equal(word_find(kind_words, 0, "consult"), -1);
}

/* These words stand in databases and in other people's programs: they never change. */
static void test_words_of_the_contract(void **state)
{
    (void)state;
    static const struct {
        const struct word *word;
        const char *code, *zh;
    } fixed[] = {
        {&kind_words[KIND_CONSULT], "consult", "咨询"},
        {&kind_words[KIND_PRAISE], "praise", "表扬"},
        {&urgency_words[URGENCY_CRITICAL], "critical", "特急"},
        {&channel_words[CHANNEL_OPEN311], "open311", "Open311"},
        {&tier_words[TIER_VILLAGE], "village", "村(社区)"},
        {&ticket_state_words[TICKET_CALLBACK], "callback", "待回访"},
        {&ticket_state_words[TICKET_FALSE_ALARM], "false_alarm", "误触"},
        {&assignment_state_words[ASSIGNMENT_RETURN_REQUESTED], "return_requested", "退单申请"},
        {&assignment_role_words[ASSIGNMENT_CO], "co", "协办"},
        {&clock_words[CLOCK_FIRST_CONTACT], "first_contact", "首次联系"},
        {&limit_unit_words[LIMIT_WORKING_DAYS], "working_days", "工作日"},
        {&role_words[ROLE_SUPERVISOR], "supervisor", "督办员"},
    };
    for (size_t i = 0; i < ARRAY_LEN(fixed); i++) {
        assert_string_equal(fixed[i].word->code, fixed[i].code);
        assert_string_equal(fixed[i].word->zh, fixed[i].zh);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_has_its_words),
        cmocka_unit_test(test_code_words_are_plain_and_unique),
        cmocka_unit_test(test_find_refuses_what_is_none),
        cmocka_unit_test(test_words_of_the_contract),
    };
    return cmocka_run_group_tests_name("vocabulary", tests, NULL, NULL);
}
