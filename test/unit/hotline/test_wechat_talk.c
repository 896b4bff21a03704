/*
 * Conversations by WeChat: each a list of messages and what follows from them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "hotline/ticket_number.h"
#include "hotline/vocabulary.h"
#include "hotline/wechat_talk.h"
#include "hotline/wechat_words.h"
#include "unit/client/city_folder.h"

#define MINUTE INT64_C(60000000)
#define START INT64_C(1770948000000000)
#define WENDING "320281001001"

static const char *const folders[] = {"daemon/cities/jiangyin"};
static struct loaded_city city;
static const struct talk_menu_entry menu[] = {{"V1_LAMP", KIND_HELP, "010206"},
                                              {"V1_ASK", KIND_CONSULT, NULL}};
static struct talk_settings settings = {
    .gather_us = 10 * MINUTE, .menu = menu, .menu_count = ARRAY_LEN(menu)};

struct talk {
    struct arena *arena;
    struct talk_state state;
    struct talk_turn turn;
    int64_t now_us;
};

static int open_city(void **state)
{
    (void)state;
    loaded_city_open(&city, folders, 1);
    settings.city = city.city;
    return 0;
}

static int close_city(void **state)
{
    (void)state;
    loaded_city_close(&city);
    return 0;
}

static int set_up(void **state)
{
    struct talk *t = calloc(1, sizeof(*t));

    assert_non_null(t);
    t->arena = arena_new();
    t->state.kind = -1;
    t->now_us = START;
    *state = t;
    return 0;
}

static int tear_down(void **state)
{
    struct talk *t = *state;

    arena_free(&t->arena);
    free(t);
    return 0;
}

static const struct talk_turn *send(struct talk *t, struct talk_input input)
{
    input.now_us = t->now_us;
    talk_step(&settings, &t->state, &input, t->arena, &t->turn);
    t->state = t->turn.after;
    return &t->turn;
}

static const struct talk_turn *say(struct talk *t, const char *text)
{
    return send(t, (struct talk_input){.type = TALK_TEXT, .text = text});
}

static void assert_says(const struct talk_turn *turn, const char *words)
{
    if (!turn->reply || !strstr(turn->reply, words))
        fail_msg("%s: not in %s", words, turn->reply ? turn->reply : "(nothing)");
}

/* ---- a matter
 * ----------------------------------------------------------------------------------------- */

static void several_messages_are_one_matter(void **state)
{
    struct talk *t = *state;

    assert_says(say(t, "  小区路灯不亮，已经三天了。"), "已记录（第1条）");
    t->now_us += 2 * MINUTE;
    assert_says(
        send(t, (struct talk_input){.type = TALK_IMAGE, .url = "http://p/1", .media = "m1"}),
        "第2条");
    assert_string_equal(t->turn.media, "m1");
    t->now_us += 2 * MINUTE;
    assert_says(say(t, "麻烦尽快"), "第3条");
    const struct talk_turn *turn = say(t, "提交");
    assert_int_equal(turn->effect, TALK_SUBMIT);
    assert_null(turn->reply); /* the number is told when there is one */
    assert_string_equal(turn->matter->title, "小区路灯不亮");
    assert_string_equal(turn->matter->text,
                        "小区路灯不亮，已经三天了。\n[图片] http://p/1\n麻烦尽快");
    assert_int_equal(turn->matter->kind, KIND_HELP);
    assert_int_equal(turn->matter->begun_us, START);
    assert_false(turn->matter->is_unasked);
    assert_false(t->state.is_gathering);
    assert_says(say(t, "提交"), "还没有可提交的内容");
    assert_int_equal(t->turn.effect, TALK_NOTHING);
}

static void the_time_of_gathering_ends_it(void **state)
{
    struct talk *t = *state;

    say(t, "第一件事");
    t->now_us += 10 * MINUTE - 1;
    say(t, "还是第一件");
    assert_null(t->turn.over);
    t->now_us += 1; /* of the first message, not of the last */
    say(t, "第二件事");
    assert_non_null(t->turn.over);
    assert_string_equal(t->turn.over->text, "第一件事\n还是第一件");
    assert_true(t->turn.over->is_unasked);
    assert_string_equal(t->state.text, "第二件事");
    t->now_us += 10 * MINUTE;
    send(t, (struct talk_input){.type = TALK_TIME_OVER});
    assert_string_equal(t->turn.over->text, "第二件事");
    assert_null(t->turn.reply);
    assert_false(t->state.is_gathering);
    send(t, (struct talk_input){.type = TALK_TIME_OVER});
    assert_null(t->turn.over);
}

static void cancel_forgets(void **state)
{
    struct talk *t = *state;

    say(t, "说错了");
    assert_says(say(t, "取消"), "已放弃");
    assert_false(t->state.is_gathering);
    assert_null(t->state.text);
    assert_says(say(t, "取消"), "没有正在填写的诉求");
    t->now_us += 11 * MINUTE;
    send(t, (struct talk_input){.type = TALK_TIME_OVER});
    assert_null(t->turn.over);
}

static void a_full_matter_begins_the_next(void **state)
{
    struct talk *t = *state;
    size_t overs = 0;

    for (int i = 0; i < 3 * TALK_PARTS_MAX; i++) {
        say(t, "一条");
        overs += t->turn.over != NULL;
        assert_true(t->state.parts <= TALK_PARTS_MAX);
    }
    assert_int_equal(overs, 2);
    char *huge = arena_alloc(t->arena, 3 * TALK_TEXT_MAX + 31);
    for (int i = 0; i < TALK_TEXT_MAX + 10; i++)
        memcpy(huge + 3 * i, "长", 3);
    say(t, huge);
    assert_non_null(t->turn.over);
    assert_int_equal(utf8_length(t->state.text, strlen(t->state.text)), TALK_TEXT_MAX);
    assert_int_equal(utf8_length(t->state.title, strlen(t->state.title)), TALK_TITLE_MAX);
}

static void every_kind_of_message_is_answered(void **state)
{
    struct talk *t = *state;

    for (int type = TALK_TEXT; type <= TALK_OTHER; type++) {
        send(t, (struct talk_input){.type = (enum talk_input_type)type, .text = "x", .media = "m"});
        assert_non_null(t->turn.reply);
    }
    assert_int_equal(t->state.parts, TALK_OTHER - TALK_TEXT + 1);
    assert_says(say(t, " \n\t"), "提交");
    assert_says(send(t, (struct talk_input){.type = TALK_TEXT}), "提交");
}

static void a_voice_with_words_gives_the_title(void **state)
{
    struct talk *t = *state;

    send(t, (struct talk_input){.type = TALK_VOICE, .media = "v1"});
    assert_null(t->state.title);
    send(t, (struct talk_input){.type = TALK_VOICE, .media = "v2", .text = "井盖坏了，很危险"});
    assert_string_equal(t->state.title, "井盖坏了");
    assert_string_equal(t->state.text, "[语音] v1\n[语音] 井盖坏了，很危险 v2");
    say(t, "提交");
    assert_string_equal(t->turn.matter->title, "井盖坏了");
}

static void a_matter_without_words_has_a_title(void **state)
{
    struct talk *t = *state;

    send(t, (struct talk_input){.type = TALK_IMAGE, .media = "p"});
    say(t, "提交");
    assert_string_equal(t->turn.matter->title, "微信诉求");
}

/* ---- where
 * -------------------------------------------------------------------------------------------- */

static void a_certain_place_is_taken_and_named(void **state)
{
    struct talk *t = *state;

    assert_says(send(t, (struct talk_input){.type = TALK_LOCATION,
                                            .text = "江阴市澄江街道文定社区3幢",
                                            .latitude = "31.92",
                                            .longitude = "120.27"}),
                "澄江街道文定社区");
    assert_string_equal(t->state.region, WENDING);
    assert_string_equal(t->state.address, "江阴市澄江街道文定社区3幢");
    assert_non_null(strstr(t->state.text, "GCJ-02 31.92,120.27"));
    say(t, "路灯坏了");
    say(t, "提交");
    assert_string_equal(t->turn.matter->region, WENDING);
}

static void a_place_in_words_is_asked_about(void **state)
{
    struct talk *t = *state;

    assert_says(say(t, "澄江街道文定社区3幢路灯坏了"), "地点是否为");
    assert_null(t->state.region);
    assert_says(say(t, "是"), "地点：");
    assert_string_equal(t->state.region, WENDING);
    assert_int_equal(t->state.parts, 1);
    assert_says(say(t, "否"), "请用文字补充"); /* it was not, after all */
    assert_null(t->state.region);
    say(t, "提交");
    assert_null(t->turn.matter->region);
}

static void a_place_that_is_refused_is_not_taken(void **state)
{
    struct talk *t = *state;

    say(t, "澄江街道文定社区3幢路灯坏了");
    say(t, "不是");
    assert_null(t->state.asked_region);
    say(t, "是"); /* nobody asked: a word like others */
    assert_int_equal(t->state.parts, 2);
    say(t, "提交");
    assert_null(t->turn.matter->region);
}

static void a_place_nobody_knows(void **state)
{
    struct talk *t = *state;

    assert_says(send(t, (struct talk_input){.type = TALK_LOCATION, .text = "某处"}),
                "请用文字补充");
    assert_says(send(t, (struct talk_input){.type = TALK_LOCATION}), "请用文字补充");
    settings.city = NULL;
    assert_says(send(t, (struct talk_input){.type = TALK_LOCATION, .text = "澄江街道文定社区"}),
                "请用文字补充");
    settings.city = city.city;
}

/* ---- commands
 * ----------------------------------------------------------------------------------------- */

static char *a_number(void)
{
    static char text[TICKET_NUMBER_SIZE];
    struct ticket_numbers numbers = {.reserved_tick = INT64_MAX};
    int64_t number;

    numbers.offset_min = 480;
    assert_true(ticket_numbers_next(&numbers, START, &number));
    ticket_number_format(number, text);
    return text;
}

static void commands_are_read(void **state)
{
    static const struct {
        const char *text;
        enum talk_command command;
        bool has_number, is_wrong;
        int grade;
        const char *comment;
    } rows[] = {
        {"提交", COMMAND_SUBMIT, false, false, 0, NULL},
        {"“提交”。", COMMAND_SUBMIT, false, false, 0, NULL},
        {"SUBMIT!", COMMAND_SUBMIT, false, false, 0, NULL},
        {"提交材料在哪里", COMMAND_NONE, false, false, 0, NULL},
        {"查询", COMMAND_QUERY, false, false, 0, NULL},
        {"查询%s", COMMAND_QUERY, true, false, 0, NULL},
        {"查询： %s", COMMAND_QUERY, true, false, 0, NULL},
        {"query #%s", COMMAND_QUERY, true, false, 0, NULL},
        {"查询123", COMMAND_QUERY, false, true, 0, NULL},
        {"查询%s1", COMMAND_QUERY, false, true, 0, NULL},
        {"查询社保怎么办", COMMAND_NONE, false, false, 0, NULL},
        {"取消%s", COMMAND_CANCEL, true, false, 0, NULL},
        {"取消收费站", COMMAND_NONE, false, false, 0, NULL},
        {"评价", COMMAND_RATE, false, false, 0, NULL},
        {"评价 5", COMMAND_RATE, false, false, 5, NULL},
        {"评价５分", COMMAND_RATE, false, false, 5, NULL},
        {"评价2 未解决，还在漏", COMMAND_RATE, false, false, 2, "未解决，还在漏"},
        {"评价 %s 4 谢谢", COMMAND_RATE, true, false, 4, "谢谢"},
        {"评价 0", COMMAND_RATE, false, true, 0, NULL},
        {"评价 60分", COMMAND_RATE, false, true, 0, NULL},
        {"评价很低的医院", COMMAND_NONE, false, false, 0, NULL},
        {"是", COMMAND_YES, false, false, 0, NULL},
        {"不是", COMMAND_NO, false, false, 0, NULL},
        {"no matter", COMMAND_NONE, false, false, 0, NULL},
        {"?", COMMAND_HELP, false, false, 0, NULL},
        {"？", COMMAND_HELP, false, false, 0, NULL},
        {"", COMMAND_NONE, false, false, 0, NULL},
    };
    struct talk *t = *state;
    const char *number = a_number();

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *hole = strstr(rows[i].text, "%s");
        const char *text = hole ? arena_printf(t->arena, "%.*s%s%s", (int)(hole - rows[i].text),
                                               rows[i].text, number, hole + 2)
                                : rows[i].text;
        struct talk_order order = talk_read(text, t->arena);
        if (order.command != rows[i].command || (order.number != 0) != rows[i].has_number ||
            order.is_wrong != rows[i].is_wrong || order.grade != rows[i].grade)
            fail_msg("%s: %d %lld %d %d", text, (int)order.command, (long long)order.number,
                     order.is_wrong, order.grade);
        if (rows[i].comment)
            assert_string_equal(order.comment, rows[i].comment);
        else
            assert_null(order.comment);
    }
}

static void commands_have_effects(void **state)
{
    struct talk *t = *state;
    const char *number = a_number();
    int64_t value;

    assert_true(ticket_number_parse(number, strlen(number), &value));
    assert_int_equal(say(t, arena_printf(t->arena, "查询%s", number))->effect, TALK_QUERY);
    assert_int_equal(t->turn.number, value);
    assert_int_equal(say(t, arena_printf(t->arena, "取消 %s", number))->effect, TALK_WITHDRAW);
    assert_int_equal(t->turn.number, value);
    assert_int_equal(say(t, "评价 5")->effect, TALK_RATE);
    assert_int_equal(t->turn.solved, 1);
    assert_int_equal(say(t, "评价 2 没解决")->effect, TALK_RATE);
    assert_int_equal(t->turn.solved, 0);
    assert_int_equal(t->turn.grade, 2);
    assert_says(say(t, "评价 9"), "1到5分");
    assert_says(say(t, "查询 99"), "18位数字");
    assert_int_equal(t->turn.effect, TALK_NOTHING);
    assert_false(t->state.is_gathering);
}

static void menus_start_kinds(void **state)
{
    struct talk *t = *state;

    assert_says(send(t, (struct talk_input){.type = TALK_CLICK, .key = "complaint"}), "投诉");
    assert_int_equal(t->state.kind, KIND_COMPLAINT);
    assert_true(t->state.is_gathering);
    send(t, (struct talk_input){.type = TALK_CLICK, .key = "V1_LAMP"});
    assert_string_equal(t->state.category, "010206");
    say(t, "灯不亮");
    send(t, (struct talk_input){.type = TALK_CLICK, .key = "submit"});
    assert_int_equal(t->turn.effect, TALK_SUBMIT);
    assert_int_equal(t->turn.matter->kind, KIND_HELP);
    assert_string_equal(t->turn.matter->category, "010206");
    assert_says(send(t, (struct talk_input){.type = TALK_CLICK, .key = "whatever"}), "诉求");
    assert_says(send(t, (struct talk_input){.type = TALK_CLICK}), "诉求");
    /* a kind was chosen and nothing said: no matter comes of it */
    send(t, (struct talk_input){.type = TALK_CLICK, .key = "V1_ASK"});
    t->now_us += 11 * MINUTE;
    send(t, (struct talk_input){.type = TALK_TIME_OVER});
    assert_null(t->turn.over);
    assert_false(t->state.is_gathering);
}

static void events(void **state)
{
    struct talk *t = *state;

    assert_says(send(t, (struct talk_input){.type = TALK_SUBSCRIBE}), "12345");
    assert_says(send(t, (struct talk_input){.type = TALK_GREETING}), "12345");
    assert_null(send(t, (struct talk_input){.type = TALK_SILENT})->reply);
    say(t, "走之前说的事");
    assert_null(send(t, (struct talk_input){.type = TALK_UNSUBSCRIBE})->reply);
    assert_string_equal(t->turn.over->text, "走之前说的事");
    assert_false(t->state.is_gathering);
}

static void english(void **state)
{
    struct talk *t = *state;

    settings.is_english = true;
    assert_says(say(t, "The street lamp is broken"), "Noted (1)");
    assert_says(say(t, "help"), "picture");
    assert_int_equal(say(t, "Submit")->effect, TALK_SUBMIT);
    settings.is_english = false;
}

static void outcomes_are_told(void **state)
{
    struct talk *t = *state;
    struct talk_ticket tickets[] = {
        {"260213100000000001", "路灯", TICKET_CALLBACK, "2026-02-13 10:00", "已修好", NULL},
        {"260213100000000002", "井盖", TICKET_REJECTED, "2026-02-13 10:00", NULL, "不属于"},
    };

    assert_non_null(strstr(talk_say_received(&settings, "N1", "C1", t->arena), "N1"));
    assert_non_null(strstr(talk_say_tickets(&settings, tickets, 1, t->arena), "已修好"));
    assert_non_null(strstr(talk_say_tickets(&settings, tickets, 1, t->arena), "评价"));
    assert_non_null(strstr(talk_say_tickets(&settings, tickets + 1, 1, t->arena), "不属于"));
    assert_non_null(strstr(talk_say_tickets(&settings, tickets, 2, t->arena), "井盖"));
    assert_non_null(strstr(talk_say_tickets(&settings, tickets, 0, t->arena), "没有找到"));
    for (int i = 0; i < TALK_OUTCOMES; i++)
        assert_non_null(strstr(talk_say_outcome(&settings, (enum talk_outcome)i, "N1", t->arena),
                               i == TALK_LATER ? "稍后" : "N1"));
    assert_non_null(talk_say_moved(&settings, tickets, t->arena));
    tickets[0].state = TICKET_HANDLING;
    assert_null(talk_say_moved(&settings, tickets, t->arena));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(several_messages_are_one_matter),
        CASE(the_time_of_gathering_ends_it),
        CASE(cancel_forgets),
        CASE(a_full_matter_begins_the_next),
        CASE(every_kind_of_message_is_answered),
        CASE(a_voice_with_words_gives_the_title),
        CASE(a_matter_without_words_has_a_title),
        CASE(a_certain_place_is_taken_and_named),
        CASE(a_place_in_words_is_asked_about),
        CASE(a_place_that_is_refused_is_not_taken),
        CASE(a_place_nobody_knows),
        CASE(commands_are_read),
        CASE(commands_have_effects),
        CASE(menus_start_kinds),
        CASE(events),
        CASE(english),
        CASE(outcomes_are_told),
    };
    return cmocka_run_group_tests(tests, open_city, close_city);
}
