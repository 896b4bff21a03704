#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/civil.h"
#include "base/clk.h"
#include "base/log.h"
#include "base/utf8.h"

/* What was written to stderr since capture_begin(); an unlinked file, so nothing blocks. */
static char captured[65536];
static FILE *capture_file;
static int real_stderr;

static int capture_begin(void **state)
{
    (void)state;
    capture_file = tmpfile();
    real_stderr = dup(STDERR_FILENO);
    return capture_file != NULL && dup2(fileno(capture_file), STDERR_FILENO) >= 0 ? 0 : -1;
}

static const char *capture_read(void)
{
    ssize_t n = pread(fileno(capture_file), captured, sizeof(captured) - 1, 0);
    captured[n > 0 ? n : 0] = '\0';
    return captured;
}

static int capture_end(void **state)
{
    (void)state;
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    fclose(capture_file);
    log_set_level(LOG_LEVEL_INFO);
    return 0;
}

static size_t count_lines(const char *s)
{
    size_t n = 0;
    for (; *s != '\0'; s++)
        n += *s == '\n';
    return n;
}

static void test_form(void **state)
{
    (void)state;
    int64_t instant_us;
    errno = EPIPE;
    log_info("intake", "batch committed tickets=%d", 32);
    assert_int_equal(errno, EPIPE);
    const char *line = capture_read();
    const char *blank = strchr(line, ' ');
    assert_non_null(blank);
    assert_string_equal(blank, " INFO intake: batch committed tickets=32\n");
    assert_true(civil_parse_instant(line, (size_t)(blank - line), &instant_us));
}

static void test_levels(void **state)
{
    (void)state;
    log_debug("m", "hidden");
    log_set_level(LOG_LEVEL_ERROR);
    log_warn("m", "hidden");
    log_error("m", "shown");
    log_set_level(LOG_LEVEL_DEBUG);
    log_debug("m", "shown too");
    assert_int_equal(log_level(), LOG_LEVEL_DEBUG);
    assert_null(strstr(capture_read(), "hidden"));
    assert_non_null(strstr(captured, " ERROR m: shown\n"));
    assert_non_null(strstr(captured, " DEBUG m: shown too\n"));
}

static void test_level_names(void **state)
{
    (void)state;
    assert_int_equal(log_level_parse("error"), LOG_LEVEL_ERROR);
    assert_int_equal(log_level_parse("warn"), LOG_LEVEL_WARN);
    assert_int_equal(log_level_parse("info"), LOG_LEVEL_INFO);
    assert_int_equal(log_level_parse("debug"), LOG_LEVEL_DEBUG);
    assert_int_equal(log_level_parse("INFO"), -1);
    assert_int_equal(log_level_parse(""), -1);
}

static void test_nobody_forges_a_line(void **state)
{
    (void)state;
    log_info("m", "peer=%s", "a\n2026-01-01T00:00:00Z ERROR fake\r\x1b[31m\x7f");
    assert_int_equal(count_lines(capture_read()), 1);
    assert_non_null(strstr(captured, "peer=a?2026-01-01T00:00:00Z ERROR fake??[31m?\n"));
}

static void test_long_line_is_cut_between_characters(void **state)
{
    (void)state;
    char text[9001];
    for (size_t shift = 0; shift < 3; shift++) {
        memset(text, 'x', shift);
        for (size_t i = shift; i + 3 < sizeof(text); i += 3)
            memcpy(text + i, "市", 4);
        log_info("m", "%s", text);
    }
    capture_read();
    assert_int_equal(count_lines(captured), 3);
    assert_true(utf8_valid(captured, strlen(captured)));
    assert_non_null(strstr(captured, "[cut]\n"));
    assert_true(strlen(captured) <= (size_t)3 * 2048);
}

static void test_limited(void **state)
{
    (void)state;
    struct log_limit site = {0};
    /* "a second ago" is written into the site: the test waits for nothing */
    log_write_limited(&site, LOG_LEVEL_WARN, "m", "storm %d", 1);
    site.last_us = clk_mono_us() + US_PER_HOUR;
    for (int i = 2; i < 100; i++)
        log_write_limited(&site, LOG_LEVEL_WARN, "m", "storm %d", i);
    assert_int_equal(site.held, 98);
    assert_int_equal(count_lines(capture_read()), 1);
    site.last_us = clk_mono_us() - US_PER_SECOND;
    log_write_limited(&site, LOG_LEVEL_WARN, "m", "storm %d", 100);
    assert_int_equal(count_lines(capture_read()), 2);
    assert_non_null(strstr(captured, "storm 100 held_back=98\n"));
    assert_int_equal(site.held, 0);
}

static void test_limited_site_holds_back_by_itself(void **state)
{
    (void)state;
    for (int i = 0; i < 10000; i++)
        log_limited(LOG_LEVEL_WARN, "m", "storm");
    /* 10000 calls may take more than a second on a slow machine, but not a line each */
    assert_in_range(count_lines(capture_read()), 1, 100);
}

static void test_limited_respects_the_level(void **state)
{
    (void)state;
    struct log_limit site = {0};
    log_write_limited(&site, LOG_LEVEL_DEBUG, "m", "hidden");
    assert_int_equal(site.last_us, 0);
    assert_string_equal(capture_read(), "");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, capture_begin, capture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_form),
        TEST(test_levels),
        cmocka_unit_test(test_level_names),
        TEST(test_nobody_forges_a_line),
        TEST(test_long_line_is_cut_between_characters),
        TEST(test_limited),
        TEST(test_limited_site_holds_back_by_itself),
        TEST(test_limited_respects_the_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
