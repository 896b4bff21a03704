#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/civil.h"
#include "base/clk.h"

/* Worked out with another implementation (Python's datetime). weekday 0 = Monday. */
static const struct {
    int year, month, day;
    int32_t number;
    int weekday;
} dates[] = {
    {1970, 1, 1, 0, 3},         {1972, 2, 29, 789, 1},     {1999, 12, 31, 10956, 4},
    {2000, 2, 29, 11016, 1},    {2000, 3, 1, 11017, 2},    {2024, 2, 29, 19782, 3},
    {2026, 2, 13, 20497, 4},    {2026, 2, 17, 20501, 1},   {2100, 2, 28, 47540, 6},
    {2100, 3, 1, 47541, 0},     {2199, 12, 31, 84005, 1},  {1969, 12, 31, -1, 2},
    {1900, 3, 1, -25508, 3},    {1600, 2, 29, -135081, 1}, {1, 1, 1, -719162, 0},
    {9999, 12, 31, 2932896, 4}, {2119, 7, 6, 54607, 3},    {1973, 8, 25, 1332, 5},
    {2077, 3, 3, 39143, 2},     {2102, 3, 18, 48288, 5},   {2039, 7, 1, 25383, 4},
    {2066, 12, 24, 35421, 4},   {2173, 2, 12, 74187, 4},   {2126, 7, 19, 57177, 4},
    {2028, 1, 9, 21192, 6},     {2103, 11, 18, 48898, 6},  {2014, 8, 5, 16287, 1},
    {2125, 5, 13, 56745, 6},
};

static const struct {
    const char *text;
    int64_t us;
} instants[] = {
    {"1970-01-01T00:00:00Z", INT64_C(0)},
    {"1970-01-01T08:00:00+08:00", INT64_C(0)},
    {"2026-02-13T10:00:00+08:00", INT64_C(1770948000000000)},
    {"2026-02-13T02:00:00Z", INT64_C(1770948000000000)},
    {"2026-02-13T10:00:00.123456+08:00", INT64_C(1770948000123456)},
    {"2026-02-13T10:00:00.100000+08:00", INT64_C(1770948000100000)},
    {"2024-02-29T23:59:59.999999-12:00", INT64_C(1709294399999999)},
    {"2199-12-31T23:59:59.999999Z", INT64_C(7258118399999999)},
    {"2026-02-13T10:00:00+05:45", INT64_C(1770956100000000)},
    {"2000-02-29T00:00:00-00:30", INT64_C(951784200000000)},
    {"2026-09-30T23:59:59+14:00", INT64_C(1790762399000000)},
};

static void test_dates(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(dates); i++) {
        struct civil_date d = {dates[i].year, dates[i].month, dates[i].day};
        assert_int_equal(civil_day_from_date(d), dates[i].number);
        struct civil_date back = civil_date_from_day(dates[i].number);
        assert_int_equal(back.year, d.year);
        assert_int_equal(back.month, d.month);
        assert_int_equal(back.day, d.day);
        assert_int_equal(civil_weekday(dates[i].number), dates[i].weekday);
    }
}

/* Counts through every day by the rule people know, from a Thursday on. */
static void test_every_day(void **state)
{
    (void)state;
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int32_t number = 0;
    for (int year = 1970; year <= 2199; year++) {
        bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        for (int month = 1; month <= 12; month++) {
            int length = lengths[month - 1] + (leap && month == 2);
            for (int day = 1; day <= length; day++, number++) {
                struct civil_date d = {year, month, day};
                assert_true(civil_date_valid(d));
                assert_int_equal(civil_day_from_date(d), number);
                struct civil_date back = civil_date_from_day(number);
                assert_true(back.year == year && back.month == month && back.day == day);
                assert_int_equal(civil_weekday(number), (number + 3) % 7);
            }
            assert_false(civil_date_valid((struct civil_date){year, month, length + 1}));
        }
    }
    assert_int_equal((int64_t)number * US_PER_DAY, CIVIL_MAX_US);
}

static void test_invalid_dates(void **state)
{
    (void)state;
    static const struct civil_date bad[] = {
        {1969, 12, 31}, {2200, 1, 1},  {2026, 0, 1},  {2026, 13, 1}, {2026, 1, 0},
        {2026, -1, 1},  {2023, 2, 29}, {2100, 2, 29}, {2026, 4, 31}, {2026, 1, -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(civil_date_valid(bad[i]));
}

static void test_local_day_and_time(void **state)
{
    (void)state;
    const int sh = CIVIL_OFFSET_SHANGHAI_MIN;
    assert_int_equal(civil_local_day(0, 0), 0);
    assert_int_equal(civil_local_day(-1, 0), -1);
    assert_int_equal(civil_local_day(-1, sh), 0);
    assert_int_equal(civil_local_day(16 * US_PER_HOUR - 1, sh), 0);
    assert_int_equal(civil_local_day(16 * US_PER_HOUR, sh), 1);
    assert_int_equal(civil_local_day(0, -1), -1);
    assert_int_equal(civil_local_time_us(0, sh), 8 * US_PER_HOUR);
    assert_int_equal(civil_local_time_us(16 * US_PER_HOUR, sh), 0);
    assert_int_equal(civil_local_time_us(-1, 0), US_PER_DAY - 1);
    assert_int_equal(civil_day_start_us(0, sh), -8 * US_PER_HOUR);
    for (int32_t day = -800; day < 60000; day += 13) {
        int64_t start_us = civil_day_start_us(day, sh);
        assert_int_equal(civil_local_day(start_us, sh), day);
        assert_int_equal(civil_local_day(start_us - 1, sh), day - 1);
        assert_int_equal(civil_local_time_us(start_us, sh), 0);
        assert_int_equal(civil_local_time_us(start_us + 1, sh), 1);
    }
    /* no overflow at the ends */
    assert_true(civil_local_day(INT64_MAX, sh) > 106000000);
    assert_true(civil_local_day(INT64_MIN, -sh) < -106000000);
}

static void test_parse_date(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",           "2026-2-13",   "2026-02-1",   "2026-02-130", "26-02-13",
        "2026/02/13", "2026-02-30",  "2026-13-01",  "2026-00-01",  "2026-01-00",
        "1969-12-31", "2200-01-01",  " 2026-02-13", "2026-02-13 ", "+026-02-13",
        "2026-02-1x", "2026-0２-13",
    };
    int32_t day = -77;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(civil_parse_date(bad[i], strlen(bad[i]), &day));
        assert_int_equal(day, -77);
    }
    assert_true(civil_parse_date("2026-02-13", 10, &day));
    assert_int_equal(day, 20497);
    assert_true(civil_parse_date("2199-12-31trailing", 10, &day));
    assert_int_equal(day, 84005);
}

static void test_format_date(void **state)
{
    (void)state;
    char text[CIVIL_DATE_SIZE];
    civil_format_date(20497, text);
    assert_string_equal(text, "2026-02-13");
    civil_format_date(0, text);
    assert_string_equal(text, "1970-01-01");
    civil_format_date(INT32_MAX, text);
    assert_string_equal(text, "9999-12-31");
    civil_format_date(INT32_MIN, text);
    assert_string_equal(text, "0000-01-01");
}

static void test_parse_instants(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(instants); i++) {
        int64_t us = -1;
        assert_true(civil_parse_instant(instants[i].text, strlen(instants[i].text), &us));
        assert_int_equal(us, instants[i].us);
    }
    int64_t us;
    assert_true(civil_parse_instant("2026-02-13T10:00:00.1+08:00", 27, &us));
    assert_int_equal(us, INT64_C(1770948000100000));
}

static void test_refused_instants(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "2026-02-13",
        "2026-02-13T10:00:00",
        "2026-02-13 10:00:00Z",
        "2026-02-13t10:00:00Z",
        "2026-02-13T10:00:00z",
        "2026-02-13T10:00Z",
        "2026-02-13T24:00:00Z",
        "2026-02-13T10:60:00Z",
        "2016-12-31T23:59:60Z",
        "2026-02-30T10:00:00Z",
        "2026-02-13T10:00:00.Z",
        "2026-02-13T10:00:00.1234567Z",
        "2026-02-13T10:00:00,5Z",
        "2026-02-13T10:00:00+8:00",
        "2026-02-13T10:00:00+0800",
        "2026-02-13T10:00:00+08",
        "2026-02-13T10:00:00+24:00",
        "2026-02-13T10:00:00+08:60",
        "2026-02-13T10:00:00Z ",
        "2026-02-13T10:00:00ZZ",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+00:01",
        "2200-01-01T00:00:00Z",
        "2199-12-31T23:59:59-01:00",
        "9999-12-31T23:59:59Z",
    };
    int64_t us = -77;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (civil_parse_instant(bad[i], strlen(bad[i]), &us))
            fail_msg("accepted: %s", bad[i]);
        assert_int_equal(us, -77);
    }
    /* every proper prefix is incomplete; len counts, not a NUL */
    static const char whole[] = "2026-02-13T10:00:00.5+08:00";
    for (size_t len = 0; len < strlen(whole); len++)
        assert_false(civil_parse_instant(whole, len, &us));
}

static void test_format_instants(void **state)
{
    (void)state;
    char text[CIVIL_INSTANT_SIZE];
    civil_format_instant(INT64_C(1770948000000000), CIVIL_OFFSET_SHANGHAI_MIN, text);
    assert_string_equal(text, "2026-02-13T10:00:00+08:00");
    civil_format_instant(INT64_C(1770948000123456), CIVIL_OFFSET_SHANGHAI_MIN, text);
    assert_string_equal(text, "2026-02-13T10:00:00.123456+08:00");
    civil_format_instant(INT64_C(1770948000000001), 0, text);
    assert_string_equal(text, "2026-02-13T02:00:00.000001Z");
    civil_format_instant(-1, -210, text);
    assert_string_equal(text, "1969-12-31T20:29:59.999999-03:30");
    /* sentinels like "never" stay within the buffer */
    civil_format_instant(INT64_MAX, 480, text);
    assert_true(strlen(text) < sizeof(text));
    civil_format_instant(INT64_MIN, -480, text);
    assert_true(strlen(text) < sizeof(text));
}

static void test_instants_round_trip(void **state)
{
    (void)state;
    char text[CIVIL_INSTANT_SIZE];
    for (int64_t us = 0; us < CIVIL_MAX_US; us += INT64_C(86399999999) * 17) {
        for (int offset_min = -720; offset_min <= 840; offset_min += 195) {
            int64_t back;
            civil_format_instant(us, offset_min, text);
            assert_true(civil_parse_instant(text, strlen(text), &back));
            assert_int_equal(back, us);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dates),           cmocka_unit_test(test_every_day),
        cmocka_unit_test(test_invalid_dates),   cmocka_unit_test(test_local_day_and_time),
        cmocka_unit_test(test_parse_date),      cmocka_unit_test(test_format_date),
        cmocka_unit_test(test_parse_instants),  cmocka_unit_test(test_refused_instants),
        cmocka_unit_test(test_format_instants), cmocka_unit_test(test_instants_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
