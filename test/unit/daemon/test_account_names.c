#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "daemon/account_names.h"

#define SIXTY "012345678901234567890123456789012345678901234567890123456789"

static void test_valid(void **state)
{
    static const char *const good[] = {"a", "Desk.1", "unit-JY-CG", "x@y_z", SIXTY "1234"};
    static const char *const bad[] = {"", "a b", "热线", "a/b", "a\n", SIXTY "12345"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(account_name_valid(good[i]));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(account_name_valid(bad[i]));
}

struct fixture {
    struct arena *arena;
    struct map *taken;
};

static int set_up(void **state)
{
    static struct fixture f;

    f.arena = arena_new();
    f.taken = map_new();
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    map_free(&f->taken);
    arena_free(&f->arena);
    return 0;
}

static void test_unit_plain(void **state)
{
    struct fixture *f = *state;

    assert_string_equal(account_unit_name("JY-CG", f->taken, f->arena), "unit-JY-CG");
    assert_string_equal(account_unit_name("a/b c", f->taken, f->arena), "unit-a-b-c");
}

/* Two codes that look the same when cleaned stay two accounts, and each code always has its own. */
static void test_unit_collision(void **state)
{
    struct fixture *f = *state;
    const char *first = account_unit_name("a b", f->taken, f->arena);
    const char *second = account_unit_name("a/b", f->taken, f->arena);
    const char *third = account_unit_name("a:b", f->taken, f->arena);

    assert_string_equal(first, "unit-a-b");
    assert_memory_equal(second, "unit-a-b-", 9);
    assert_string_not_equal(second, third);
    assert_true(account_name_valid(second) && account_name_valid(third));
}

static void test_unit_too_long(void **state)
{
    struct fixture *f = *state;
    const char *first = account_unit_name(SIXTY "aaaa", f->taken, f->arena);
    const char *second = account_unit_name(SIXTY "bbbb", f->taken, f->arena);

    assert_int_equal(strlen(first), ACCOUNT_NAME_MAX);
    assert_true(account_name_valid(first) && account_name_valid(second));
    assert_string_not_equal(first, second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid),
        cmocka_unit_test_setup_teardown(test_unit_plain, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unit_collision, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unit_too_long, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
