#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/sbuf.h"

static void test_strings(void **state)
{
    (void)state;
    char *a = xstrdup("市民");
    char *b = xstrndup("abcdef", 3);
    char *c = xstrndup("ab\0cd", 5);
    char *d = xasprintf("%s-%d", "x", 42);
    assert_string_equal(a, "市民");
    assert_string_equal(b, "abc");
    assert_string_equal(c, "ab");
    assert_string_equal(d, "x-42");
    free(a);
    free(b);
    free(c);
    free(d);
}

static void test_sizes(void **state)
{
    (void)state;
    char *none = xmalloc(0);
    assert_non_null(none);
    int *zeroed = xcalloc(100, sizeof(int));
    for (int i = 0; i < 100; i++)
        assert_int_equal(zeroed[i], 0);
    zeroed = xrealloc_array(zeroed, 200, sizeof(int));
    zeroed[199] = 7;
    assert_int_equal(zeroed[0], 0);
    free(none);
    free(zeroed);
}

/* Runs fn in a child whose stderr is read; returns its text and how it ended. */
static int run_child(void (*fn)(void), struct sbuf *text)
{
    int fds[2];
    int status;
    char block[512];
    ssize_t n;
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(fds[1], STDERR_FILENO);
        close(fds[0]);
        signal(SIGABRT, SIG_DFL);
        fn();
        _exit(0);
    }
    close(fds[1]);
    while ((n = read(fds[0], block, sizeof(block))) > 0)
        sbuf_add(text, block, (size_t)n);
    close(fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void overflow_product(void)
{
    free(xrealloc_array(NULL, SIZE_MAX / 2, 4));
}

static void break_invariant(void)
{
    int two = 2;
    INVARIANT(two == 3);
}

static void test_overflow_aborts(void **state)
{
    (void)state;
    struct sbuf text;
    sbuf_init(&text, 0);
    int status = run_child(overflow_product, &text);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(text.data, "out of memory"));
    sbuf_free(&text);
}

static void test_invariant_tells_where(void **state)
{
    (void)state;
    struct sbuf text;
    sbuf_init(&text, 0);
    int status = run_child(break_invariant, &text);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(text.data, "two == 3"));
    assert_non_null(strstr(text.data, "test_alloc.c:"));
    sbuf_free(&text);
}

static void test_arena(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    unsigned char *blocks[3000];
    assert_int_equal(arena_used(arena), 0);
    for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
        size_t size = i % 97;
        blocks[i] = arena_alloc(arena, size);
        assert_int_equal((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
        for (size_t k = 0; k < size; k++)
            assert_int_equal(blocks[i][k], 0);
        memset(blocks[i], (int)(i % 251), size);
    }
    for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
        for (size_t k = 0; k < i % 97; k++)
            assert_int_equal(blocks[i][k], i % 251);
    }
    assert_true(arena_used(arena) >= (size_t)3000 / 97 * 96 * 97 / 2);
    arena_free(&arena);
    assert_null(arena);
    arena_free(&arena);
}

static void test_arena_big_blocks_keep_the_rest_of_a_chunk(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    char *small = arena_strdup(arena, "first");
    char *big = arena_alloc(arena, (size_t)1 << 20);
    char *next = arena_strdup(arena, "second");
    memset(big, 'x', (size_t)1 << 20);
    assert_string_equal(small, "first");
    assert_string_equal(next, "second");
    assert_true(next > small && next - small < 64); /* same chunk */
    assert_string_equal(arena_strndup(arena, "abcdef", 2), "ab");
    assert_string_equal(arena_printf(arena, "%s[%d]", "items", 3), "items[3]");
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_overflow_aborts),
        cmocka_unit_test(test_invariant_tells_where),
        cmocka_unit_test(test_arena),
        cmocka_unit_test(test_arena_big_blocks_keep_the_rest_of_a_chunk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
