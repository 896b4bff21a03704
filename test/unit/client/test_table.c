/*
 * Tables line up by columns on the screen, not by bytes, and what a citizen wrote cannot reach the
 * terminal's controls.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "client/table.h"

static struct table *people(void)
{
    struct table *t = table_new();

    table_column(t, "NAME", TABLE_SHRINKS);
    table_column(t, "N", TABLE_RIGHT);
    table_column(t, "NOTE", 0);
    table_cell(t, "江阴市", STYLE_PLAIN);
    table_cell(t, "7", STYLE_PLAIN);
    table_cell(t, "ok", STYLE_PLAIN);
    table_cell(t, "a", STYLE_PLAIN);
    table_cell(t, "1000", STYLE_PLAIN);
    table_cell(t, NULL, STYLE_PLAIN);
    return t;
}

static char *written(struct table *t, size_t columns, bool color)
{
    struct sbuf out;
    char *text;

    sbuf_init(&out, 0);
    table_write(t, columns, color, &out);
    text = sbuf_steal(&out);
    sbuf_free(&out);
    table_free(&t);
    return text;
}

static void wide_characters_count_two_columns(void **state)
{
    char *text = written(people(), 0, false);

    (void)state;
    assert_string_equal(text, "NAME       N  NOTE\n"
                              "江阴市     7  ok\n"
                              "a       1000\n");
    free(text);
}

static void no_line_is_wider_than_the_terminal(void **state)
{
    (void)state;
    for (size_t columns = 1; columns < 60; columns++) {
        struct table *t = table_new();
        char *text;

        table_column(t, "工单号", 0);
        table_column(t, "标题", TABLE_SHRINKS);
        table_column(t, "X", 0);
        table_cell(t, "12", STYLE_PLAIN);
        table_cell(t, "路灯不亮已经好几天了希望尽快修好", STYLE_PLAIN);
        table_cell(t, "a rather long text at the end", STYLE_PLAIN);
        text = written(t, columns, false);
        for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1)
            if (columns >= TABLE_MIN_SHRUNK)
                assert_true(utf8_width(line, strcspn(line, "\n")) <= columns);
        free(text);
    }
}

static void cut_cells_end_in_an_ellipsis_and_stay_valid(void **state)
{
    struct table *t = table_new();
    char *text;

    (void)state;
    table_column(t, "T", 0);
    table_cell(t, "一二三四五六", STYLE_PLAIN);
    text = written(t, 8, false);
    /* 7 columns are left beside the ellipsis, three characters fit */
    assert_string_equal(text, "T\n一二三…\n");
    free(text);
}

static void colours_only_when_asked(void **state)
{
    struct table *t = people();
    char *plain = written(people(), 0, false), *text = written(t, 0, true);

    (void)state;
    assert_null(strchr(plain, '\033'));
    assert_non_null(strstr(text, "\033[1mNAME\033[0m"));
    /* plain cells stay without sequences */
    assert_non_null(strstr(text, "\n江阴市     7"));
    free(plain);
    free(text);
}

static void hostile_text_is_disarmed(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"a\033[2Jb", "a?[2Jb"},
        {"a\nb\tc\rd", "a b c d"},
        {"a\x7f", "a?"},
        {"x\xc2\x9bm", "x?m"},     /* C1 control sequence introducer */
        {"x\xe2\x80\xaey", "x?y"}, /* right-to-left override */
        {"x\xe2\x81\xa6y", "x?y"}, /* left-to-right isolate */
        {"\xff\xfe", "?"},         /* no UTF-8 at all */
        {"中文，标点。", "中文，标点。"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sbuf out;

        sbuf_init(&out, 0);
        clean_add(&out, cases[i].in, strlen(cases[i].in), false);
        assert_string_equal(out.data, cases[i].out);
        sbuf_free(&out);
    }
}

static void lines_may_be_kept(void **state)
{
    struct sbuf out;

    (void)state;
    sbuf_init(&out, 0);
    clean_add(&out, "a\nb\tc", 5, true);
    assert_string_equal(out.data, "a\nb c");
    sbuf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wide_characters_count_two_columns),
        cmocka_unit_test(no_line_is_wider_than_the_terminal),
        cmocka_unit_test(cut_cells_end_in_an_ellipsis_and_stay_valid),
        cmocka_unit_test(colours_only_when_asked),
        cmocka_unit_test(hostile_text_is_disarmed),
        cmocka_unit_test(lines_may_be_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
