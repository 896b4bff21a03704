/* Numbers are unique and ascend whatever the clock does; misreadings are found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/civil.h"
#include "hotline/ticket_number.h"
#include "unit/hotline/calendar_fixture.h"

#define SECOND_US INT64_C(1000000)
#define TICK_US INT64_C(100)

/* What a database would keep: the mark survives, and can be made to fail. */
struct ledger {
    int64_t mark;
    int calls;
    bool fails;
};

static bool keep_mark(void *ctx, int64_t tick)
{
    struct ledger *ledger = ctx;
    ledger->calls++;
    if (ledger->fails)
        return false;
    assert_true(tick > ledger->mark); /* only ever later */
    ledger->mark = tick;
    return true;
}

static struct ticket_numbers started(struct ledger *ledger, int instance)
{
    struct ticket_numbers numbers;
    ticket_numbers_init(&numbers, instance, CIVIL_OFFSET_SHANGHAI_MIN, ledger->mark, keep_mark,
                        ledger);
    return numbers;
}

static int64_t next(struct ticket_numbers *numbers, int64_t now_us)
{
    int64_t number = -1;
    assert_true(ticket_numbers_next(numbers, now_us, &number));
    return number;
}

static bool parses(const char *text, int64_t *number_r)
{
    return ticket_number_parse(text, strlen(text), number_r);
}

static void test_reads_as_time(void **state)
{
    char text[TICKET_NUMBER_SIZE];
    struct ledger ledger = {0};
    int64_t parsed;
    (void)state;
    struct ticket_numbers numbers = started(&ledger, 3);
    int64_t number = next(&numbers, at("2026-02-13 10:00:00.000100"));
    ticket_number_format(number, text);
    assert_memory_equal(text, "26021310000000013", 17);
    assert_true(parses(text, &parsed));
    assert_int_equal(parsed, number);

    number = next(&numbers, at("2026-12-31 23:59:59.999999"));
    ticket_number_format(number, text);
    assert_memory_equal(text, "26123123595999993", 17);
    /* the year 2005 begins with a zero */
    ledger = (struct ledger){0};
    numbers = started(&ledger, 0);
    ticket_number_format(next(&numbers, at("2005-01-02 03:04:05")), text);
    assert_memory_equal(text, "05010203040500000", 17);
    assert_true(parses(text, &parsed));
}

static void test_frozen_clock(void **state)
{
    struct ledger ledger = {0};
    (void)state;
    struct ticket_numbers numbers = started(&ledger, 0);
    int64_t now = at("2026-02-28 23:59:59.999"), last = 0;
    for (int i = 0; i < 25000; i++) { /* runs over midnight and into the next month */
        int64_t number = next(&numbers, now), parsed;
        char text[TICKET_NUMBER_SIZE];
        assert_true(number > last);
        ticket_number_format(number, text);
        assert_true(parses(text, &parsed));
        assert_int_equal(parsed, number);
        last = number;
    }
    assert_true(last > INT64_C(260301000000000000));
}

static void test_clock_set_back(void **state)
{
    struct ledger ledger = {0};
    uint64_t random = 7;
    (void)state;
    struct ticket_numbers numbers = started(&ledger, 0);
    int64_t now = at("2026-02-13 10:00"), last = 0;
    for (int i = 0; i < 20000; i++) {
        now += random_between(&random, -3600 * SECOND_US, 3600 * SECOND_US);
        int64_t number = next(&numbers, now);
        assert_true(number > last);
        last = number;
    }
    assert_true(next(&numbers, -5) > last); /* before the epoch */
    assert_true(next(&numbers, 0) > last);
}

static void test_burst(void **state)
{
    struct ledger ledger = {0};
    (void)state;
    struct ticket_numbers numbers = started(&ledger, 9);
    int64_t now = at("2026-02-13 10:00"), last = 0;
    for (int i = 0; i < 1000000; i++) {
        int64_t number = next(&numbers, now + i / 100); /* a million within 10 ms */
        if (number <= last)
            fail_msg("number %d does not ascend", i);
        last = number;
        if (numbers.last_tick > ledger.mark)
            fail_msg("number %d was not reserved", i);
    }
    /* 100 s ahead of the clock, and it has asked once per minute of ticks */
    assert_int_equal(numbers.last_tick, now / TICK_US + 999999);
    assert_int_equal(ledger.calls, 2);
    /* once the clock has caught up it leads again */
    char text[TICKET_NUMBER_SIZE];
    ticket_number_format(next(&numbers, at("2026-02-13 10:01:40")), text);
    assert_memory_equal(text, "26021310014000009", 17);
}

static void test_instances_never_meet(void **state)
{
    struct ledger one = {0}, two = {0};
    (void)state;
    struct ticket_numbers a = started(&one, 1), b = started(&two, 2);
    for (int i = 0; i < 1000; i++) {
        int64_t x = next(&a, at("2026-02-13 10:00")), y = next(&b, at("2026-02-13 10:00"));
        assert_int_equal(x / 10 % 10, 1);
        assert_int_equal(y / 10 % 10, 2);
        assert_true(x / 100 == y / 100);
    }
}

static void test_restart(void **state)
{
    struct ledger ledger = {0};
    int64_t last = 0, now = at("2026-02-13 10:00");
    (void)state;
    for (int life = 0; life < 50; life++) { /* each dies without a word and wakes up earlier */
        struct ticket_numbers numbers = started(&ledger, 0);
        for (int i = 0; i < 100; i++) {
            int64_t number = next(&numbers, now);
            assert_true(number > last);
            last = number;
        }
        now -= 10 * SECOND_US;
    }
}

static void test_reserve_fails(void **state)
{
    struct ledger ledger = {.fails = true};
    int64_t number = -1, now = at("2026-02-13 10:00");
    (void)state;
    struct ticket_numbers numbers = started(&ledger, 0);
    assert_false(ticket_numbers_next(&numbers, now, &number));
    assert_int_equal(number, -1);
    assert_int_equal(ledger.calls, 1);

    ledger.fails = false;
    int64_t first = next(&numbers, now);
    assert_int_equal(ledger.calls, 2);
    assert_int_equal(ledger.mark, now / TICK_US + TICKET_NUMBER_RESERVATION);

    /* what is reserved may be handed out while the ledger fails, and not one more */
    ledger.fails = true;
    int64_t handed = 1;
    while (ticket_numbers_next(&numbers, now, &number))
        handed++;
    assert_int_equal(handed, TICKET_NUMBER_RESERVATION + 1);
    assert_false(ticket_numbers_next(&numbers, now, &number));
    ledger.fails = false;
    assert_true(next(&numbers, now) > number);
    assert_true(number > first);
}

static void test_end_of_time(void **state)
{
    struct ledger ledger = {0};
    int64_t number;
    (void)state;
    struct ticket_numbers numbers = started(&ledger, 0);
    assert_false(ticket_numbers_next(&numbers, CIVIL_MAX_US, &number));
    assert_false(ticket_numbers_next(&numbers, INT64_MAX, &number));
    assert_true(ticket_numbers_next(&numbers, at("2026-02-13 10:00"), &number));
}

/* The two laws that make the check digit find every single error and every swap of neighbours. */
static void test_check_digit_laws(void **state)
{
    (void)state;
    for (int c = 0; c < 10; c++) {
        for (int x = 0; x < 10; x++) {
            for (int y = 0; y < 10; y++) {
                char cx[3] = {(char)('0' + c), (char)('0' + x)};
                char cy[3] = {(char)('0' + c), (char)('0' + y)};
                char cxy[4] = {cx[0], cx[1], cy[1]}, cyx[4] = {cx[0], cy[1], cx[1]};
                if (x == y)
                    continue;
                assert_int_not_equal(ticket_number_check_digit(cx, 2),
                                     ticket_number_check_digit(cy, 2));
                assert_int_not_equal(ticket_number_check_digit(cxy, 3),
                                     ticket_number_check_digit(cyx, 3));
            }
        }
    }
    assert_int_equal(ticket_number_check_digit("572", 3), 4); /* the published example */
}

static void assert_errors_found(char text[TICKET_NUMBER_SIZE])
{
    int64_t number;
    for (int i = 0; i < TICKET_NUMBER_DIGITS; i++) {
        const char right = text[i];
        for (int digit = 0; digit < 10; digit++) {
            const char wrong = (char)('0' + digit);
            text[i] = wrong;
            if ((wrong == right) != parses(text, &number))
                fail_msg("digit %d of %s", i, text);
            if (wrong != right && ticket_number_check_digit(text, TICKET_NUMBER_DIGITS) == 0)
                fail_msg("check digit: %d of %s", i, text);
        }
        text[i] = right;
    }
    for (int i = 0; i + 1 < TICKET_NUMBER_DIGITS; i++) {
        const char left = text[i], right = text[i + 1];
        text[i] = right;
        text[i + 1] = left;
        if ((left == right) != (ticket_number_check_digit(text, TICKET_NUMBER_DIGITS) == 0) ||
            (left == right) != parses(text, &number))
            fail_msg("swap at %d to %s", i, text);
        text[i] = left;
        text[i + 1] = right;
    }
}

static void test_every_misreading_is_found(void **state)
{
    struct ledger ledger = {0};
    uint64_t random = 11;
    (void)state;
    int64_t now = at("2001-01-01 00:00");
    struct ticket_numbers numbers = started(&ledger, 4);
    for (int i = 0; i < 2000; i++) {
        char text[TICKET_NUMBER_SIZE];
        now += random_between(&random, 1, 700000 * SECOND_US); /* over 2001..2023 */
        ticket_number_format(next(&numbers, now), text);
        assert_errors_found(text);
    }
}

/* The first 17 digits of what looks like a number but is none. */
static void test_refuses_impossible_times(void **state)
{
    static const struct {
        const char *digits;
        bool good;
    } cases[] = {
        {"26021310000000010", true},  {"26001310000000010", false}, {"26131310000000010", false},
        {"26020010000000010", false}, {"26022910000000010", false}, {"24022910000000010", true},
        {"00022910000000010", true},  {"26043110000000010", false}, {"26021324000000010", false},
        {"26021323590099999", true},  {"26021310600000010", false}, {"26021310006000010", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[TICKET_NUMBER_SIZE];
        int64_t number;
        int check = ticket_number_check_digit(cases[i].digits, TICKET_NUMBER_DIGITS - 1);
        (void)snprintf(text, sizeof(text), "%s%d", cases[i].digits, check);
        if (parses(text, &number) != cases[i].good)
            fail_msg("%s", text);
    }
}

static void test_refuses_other_text(void **state)
{
    char good[TICKET_NUMBER_SIZE];
    struct ledger ledger = {0};
    int64_t number;
    (void)state;
    struct ticket_numbers numbers = started(&ledger, 0);
    ticket_number_format(next(&numbers, at("2026-02-13 10:00")), good);
    assert_true(ticket_number_parse(good, 18, &number));
    assert_false(ticket_number_parse(good, 17, &number));
    assert_false(ticket_number_parse(good, 19, &number)); /* with its NUL */
    assert_false(ticket_number_parse("", 0, &number));
    char longer[TICKET_NUMBER_SIZE + 1]; /* a zero behind a good number passes the check digit */
    (void)snprintf(longer, sizeof(longer), "%s0", good);
    assert_int_equal(ticket_number_check_digit(longer, 19), 0);
    assert_false(ticket_number_parse(longer, 19, &number));
    for (int i = 0; i < TICKET_NUMBER_DIGITS; i++) {
        static const char others[] = {' ', '-', '+', '/', ':', 'a', '\0', '\xff'};
        for (size_t o = 0; o < ARRAY_LEN(others); o++) {
            char bad[TICKET_NUMBER_SIZE];
            memcpy(bad, good, sizeof(bad));
            bad[i] = others[o];
            assert_false(ticket_number_parse(bad, TICKET_NUMBER_DIGITS, &number));
        }
    }
}

static void test_query_code(void **state)
{
    char code[TICKET_QUERY_CODE_SIZE];
    bool seen[8][256] = {{false}};
    (void)state;
    ticket_query_code((const uint8_t[5]){0, 0, 0, 0, 0}, code);
    assert_string_equal(code, "22222222");
    ticket_query_code((const uint8_t[5]){255, 255, 255, 255, 255}, code);
    assert_string_equal(code, "ZZZZZZZZ");
    ticket_query_code((const uint8_t[5]){0, 0, 0, 0, 1}, code);
    assert_string_equal(code, "22222223");
    ticket_query_code((const uint8_t[5]){8, 0, 0, 0, 0}, code);
    assert_string_equal(code, "32222222");

    uint64_t random = 3;
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = random_next(&random);
        uint8_t bytes[5];
        memcpy(bytes, &bits, sizeof(bytes));
        ticket_query_code(bytes, code);
        assert_int_equal(strlen(code), 8);
        for (int place = 0; place < 8; place++)
            seen[place][(unsigned char)code[place]] = true;
    }
    for (int place = 0; place < 8; place++) {
        int letters = 0;
        for (int c = 0; c < 256; c++)
            letters += seen[place][c];
        assert_int_equal(letters, 32);
        for (const char *c = "0O1I"; *c; c++)
            assert_false(seen[place][(unsigned char)*c]);
    }
}

/* Every bit counts: 40 codes that differ from the first and from each other. */
static void test_query_code_uses_all_bits(void **state)
{
    char codes[40][TICKET_QUERY_CODE_SIZE], zero[TICKET_QUERY_CODE_SIZE];
    (void)state;
    ticket_query_code((const uint8_t[5]){0}, zero);
    for (int bit = 0; bit < 40; bit++) {
        uint8_t bytes[5] = {0};
        bytes[bit / 8] = (uint8_t)(1u << (bit % 8));
        ticket_query_code(bytes, codes[bit]);
        assert_string_not_equal(codes[bit], zero);
        for (int other = 0; other < bit; other++)
            assert_string_not_equal(codes[bit], codes[other]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_as_time),
        cmocka_unit_test(test_frozen_clock),
        cmocka_unit_test(test_clock_set_back),
        cmocka_unit_test(test_burst),
        cmocka_unit_test(test_instances_never_meet),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_reserve_fails),
        cmocka_unit_test(test_end_of_time),
        cmocka_unit_test(test_check_digit_laws),
        cmocka_unit_test(test_every_misreading_is_found),
        cmocka_unit_test(test_refuses_impossible_times),
        cmocka_unit_test(test_refuses_other_text),
        cmocka_unit_test(test_query_code),
        cmocka_unit_test(test_query_code_uses_all_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
