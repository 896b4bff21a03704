#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/settings.h"

struct values {
    bool tls;
    int64_t port;
    char *host;
    char *key;
};

static const struct setting table[] = {
    {"tls", SETTING_BOOL, offsetof(struct values, tls), "no", 0, 0, 0, "Speak TLS."},
    {"port", SETTING_INT, offsetof(struct values, port), "8080", 1, 65535, SETTING_NO_RELOAD,
     "Port to listen on."},
    {"host", SETTING_STRING, offsetof(struct values, host), "127.0.0.1", 0, 20, SETTING_NO_RELOAD,
     "Address to listen on."},
    {"key", SETTING_STRING, offsetof(struct values, key), NULL, 0, 0, SETTING_SECRET, "The key."},
};

struct fixture {
    struct values v;
    char path[64];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    *state = f;
    settings_defaults(table, ARRAY_LEN(table), &f->v);
    snprintf(f->path, sizeof(f->path), "%s", "/tmp/test_settings_XXXXXX");
    int fd = mkstemp(f->path);
    return fd >= 0 ? close(fd) : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    settings_free(table, ARRAY_LEN(table), &f->v);
    unlink(f->path);
    free(f);
    return 0;
}

static bool load(struct fixture *f, const char *text, size_t len, char **error_r)
{
    FILE *file = fopen(f->path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    return settings_load_file(table, ARRAY_LEN(table), &f->v, f->path, error_r);
}

static void test_defaults(void **state)
{
    struct fixture *f = *state;
    assert_false(f->v.tls);
    assert_int_equal(f->v.port, 8080);
    assert_string_equal(f->v.host, "127.0.0.1");
    assert_string_equal(f->v.key, "");
}

static void test_set(void **state)
{
    struct fixture *f = *state;
    char *error;
    assert_true(settings_set(table, ARRAY_LEN(table), &f->v, "tls", "yes", &error));
    assert_true(settings_set(table, ARRAY_LEN(table), &f->v, "port", "65535", &error));
    assert_true(settings_set(table, ARRAY_LEN(table), &f->v, "host", "::1", &error));
    /* a value may come from the field itself */
    assert_true(settings_set(table, ARRAY_LEN(table), &f->v, "host", f->v.host, &error));
    assert_true(f->v.tls);
    assert_int_equal(f->v.port, 65535);
    assert_string_equal(f->v.host, "::1");
}

static void test_errors_name_the_setting(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[][2] = {
        {"tls", "true"},   {"tls", ""},      {"port", "0"},
        {"port", "65536"}, {"port", ""},     {"port", "80x"},
        {"port", " 80"},   {"port", "+80"},  {"port", "-"},
        {"port", "8.0"},   {"port", "0x50"}, {"port", "99999999999999999999999"},
        {"host", "a\nb"},  {"host", "\xff"}, {"host", "123456789012345678901"},
        {"nosuch", "1"},   {"", "1"},        {"PORT", "1"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char *error = NULL;
        if (settings_set(table, ARRAY_LEN(table), &f->v, bad[i][0], bad[i][1], &error))
            fail_msg("accepted %s = %s", bad[i][0], bad[i][1]);
        assert_non_null(error);
        assert_true(strncmp(error, bad[i][0], strlen(bad[i][0])) == 0);
        free(error);
    }
    test_defaults(state);
}

static void test_file(void **state)
{
    struct fixture *f = *state;
    static const char text[] = "# a comment\n"
                               "\n"
                               "  port=9000  \r\n"
                               "host = \xe5\xb8\x82 #1\n"
                               "\ttls =yes\n"
                               "key = a = b"; /* no newline at the end */
    char *error = NULL;
    assert_true(load(f, text, strlen(text), &error));
    assert_null(error);
    assert_int_equal(f->v.port, 9000);
    assert_string_equal(f->v.host, "\xe5\xb8\x82 #1");
    assert_true(f->v.tls);
    assert_string_equal(f->v.key, "a = b");
}

static void expect_file_error(struct fixture *f, const char *text, size_t len, const char *part)
{
    char *error = NULL;
    assert_false(load(f, text, len, &error));
    assert_non_null(error);
    if (strstr(error, part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error, part);
    assert_non_null(strstr(error, f->path));
    free(error);
}

static void test_file_errors(void **state)
{
    struct fixture *f = *state;
    expect_file_error(f, "port = 1\nprot = 2\n", 18, ":2: prot: unknown");
    expect_file_error(f, "\n\nport 1\n", 9, ":3: not of the form");
    expect_file_error(f, "port = many\n", 12, ":1: port:");
    expect_file_error(f, "= 1\n", 4, ":1:");
    expect_file_error(f, "port = 1\0\n", 10, "NUL");
    char *big = malloc((size_t)2 << 20);
    memset(big, '#', (size_t)2 << 20);
    expect_file_error(f, big, (size_t)2 << 20, "larger than");
    free(big);
}

static void test_missing_file(void **state)
{
    struct fixture *f = *state;
    char *error = NULL;
    assert_false(
        settings_load_file(table, ARRAY_LEN(table), &f->v, "/nonexistent/hotlined.conf", &error));
    assert_non_null(strstr(error, "/nonexistent/hotlined.conf: No such file"));
    free(error);
    error = NULL;
    assert_false(settings_load_file(table, ARRAY_LEN(table), &f->v, "/", &error));
    assert_non_null(error);
    free(error);
}

static void test_copy_is_deep_and_changes_are_named(void **state)
{
    struct fixture *f = *state;
    struct values copy = {0};
    char *error;
    settings_copy(table, ARRAY_LEN(table), &copy, &f->v);
    assert_string_equal(copy.host, f->v.host);
    assert_ptr_not_equal(copy.host, f->v.host);
    assert_null(settings_unreloadable_changes(table, ARRAY_LEN(table), &f->v, &copy));

    assert_true(settings_set(table, ARRAY_LEN(table), &copy, "key", "k", &error));
    assert_true(settings_set(table, ARRAY_LEN(table), &copy, "tls", "yes", &error));
    assert_null(settings_unreloadable_changes(table, ARRAY_LEN(table), &f->v, &copy));

    assert_true(settings_set(table, ARRAY_LEN(table), &copy, "host", "::", &error));
    assert_true(settings_set(table, ARRAY_LEN(table), &copy, "port", "1", &error));
    char *names = settings_unreloadable_changes(table, ARRAY_LEN(table), &f->v, &copy);
    assert_string_equal(names, "port, host");
    free(names);

    settings_keep_unreloadable(table, ARRAY_LEN(table), &copy, &f->v);
    assert_null(settings_unreloadable_changes(table, ARRAY_LEN(table), &f->v, &copy));
    assert_string_equal(copy.host, f->v.host);
    assert_ptr_not_equal(copy.host, f->v.host);
    assert_int_equal(copy.port, f->v.port);
    assert_string_equal(copy.key, "k"); /* what may change has changed */
    settings_free(table, ARRAY_LEN(table), &copy);
    assert_null(copy.host);
}

static void test_print_hides_secrets(void **state)
{
    struct fixture *f = *state;
    struct sbuf out;
    char *error;
    sbuf_init(&out, 0);
    assert_true(settings_set(table, ARRAY_LEN(table), &f->v, "key", "swordfish", &error));
    settings_print(table, ARRAY_LEN(table), &f->v, &out);
    assert_string_equal(out.data, "tls = no  # Speak TLS.\n"
                                  "port = 8080  # Port to listen on.\n"
                                  "host = 127.0.0.1  # Address to listen on.\n"
                                  "key = ***  # The key.\n");
    sbuf_free(&out);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_defaults),
        TEST(test_set),
        TEST(test_errors_name_the_setting),
        TEST(test_file),
        TEST(test_file_errors),
        TEST(test_missing_file),
        TEST(test_copy_is_deep_and_changes_are_named),
        TEST(test_print_hides_secrets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
