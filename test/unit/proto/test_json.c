#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <json-c/json_c_version.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "proto/json.h"

struct fixture {
    struct arena *arena;
    struct faults faults;
};

static int set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    f->arena = arena_new();
    faults_init(&f->faults, f->arena);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    arena_free(&f->arena);
    free(f);
    return 0;
}

static struct json_doc *parse(struct fixture *f, const char *text)
{
    faults_init(&f->faults, f->arena);
    return json_parse(text, strlen(text), &f->faults);
}

/* ---- refusals ------------------------------------------------------------------------------- */

#define TEXT(s) s, sizeof(s) - 1

static const struct {
    const char *text;
    size_t len;
    const char *field, *reason;
} refused[] = {
    /* what json-c 0.16 lets through although told to be strict */
    {TEXT("{\"a\":1,\"a\":2}"), "a", "duplicate"},
    {TEXT("{\"a\":1,\"\\u0061\":2}"), "\\u0061", "duplicate"},
    {TEXT("{\"x\":{\"k\":1,\"b\":2,\"k\":3}}"), "x.k", "duplicate"},
    {TEXT("[{\"k\":1},{\"k\":1,\"k\":1}]"), "[1].k", "duplicate"},
    {TEXT("{\"\":1,\"\":2}"), "", "duplicate"},
    {TEXT("{}\0"), "", "nul"},
    {TEXT("{\"a\":1}\0{\"b\":2}"), "", "nul"},
    {TEXT("{} {}"), "", "syntax"},
    {TEXT("{}x"), "", "syntax"},
    {TEXT("1 2"), "", "syntax"},
    {TEXT("NaN"), "", "syntax"},
    {TEXT("{\"a\":NaN}"), "a", "syntax"},
    {TEXT("[Infinity]"), "[0]", "syntax"},
    {TEXT("[-Infinity]"), "[0]", "syntax"},
    {TEXT("{'a':1}"), "", "syntax"},
    {TEXT("{\"a\":'b'}"), "a", "syntax"},
    {TEXT("[\"a\tb\"]"), "[0]", "syntax"},
    {TEXT("[\"a\nb\"]"), "[0]", "syntax"},
    {TEXT("[\"\x01\"]"), "[0]", "syntax"},
    {TEXT("{\"a\x1f\":1}"), "", "syntax"},
    {TEXT("[1.]"), "[0]", "syntax"},
    {TEXT("[1e400]"), "[0]", "range"},
    {TEXT("[-1e400]"), "[0]", "range"},
    {TEXT("[9223372036854775808]"), "[0]", "range"},
    {TEXT("[-9223372036854775809]"), "[0]", "range"},
    {TEXT("[18446744073709551615]"), "[0]", "range"},
    {TEXT("{\"id\":99999999999999999999999}"), "id", "range"},
    {TEXT("[\"\\u0000\"]"), "[0]", "nul"},
    {TEXT("{\"a\\u0000b\":1}"), "", "nul"},
    {TEXT("[\"\xc0\x80\"]"), "", "utf8"},
    {TEXT("[\"\xe0\x80\xaf\"]"), "", "utf8"},
    {TEXT("[\"\xed\xa0\x80\"]"), "", "utf8"},
    {TEXT("[\"\xf4\x90\x80\x80\"]"), "", "utf8"},
    {TEXT("[\"\xff\"]"), "", "utf8"},
    {TEXT("[\"\xe5\xb8\"]"), "", "utf8"},
    {TEXT("\xef\xbb\xbf{}"), "", "syntax"}, /* byte order mark */
    {TEXT("[\"\\ud800\"]"), "[0]", "utf8"},
    {TEXT("[\"\\udc00\"]"), "[0]", "utf8"},
    {TEXT("[\"\\ud83dx\"]"), "[0]", "utf8"},
    {TEXT("[\"\\ud83d\\n\"]"), "[0]", "utf8"},
    {TEXT("[\"\\ud83d\\ud83d\"]"), "[0]", "utf8"},
    {TEXT("[\"\\ud83d\\u0041\"]"), "[0]", "utf8"},
    {TEXT(""), "", "syntax"},
    {TEXT("  \n"), "", "syntax"},
    /* grammar */
    {TEXT("{"), "", "syntax"},
    {TEXT("}"), "", "syntax"},
    {TEXT("["), "[0]", "syntax"},
    {TEXT("[1"), "[0]", "syntax"},
    {TEXT("[1,"), "[1]", "syntax"},
    {TEXT("[1,]"), "[1]", "syntax"},
    {TEXT("[,1]"), "[0]", "syntax"},
    {TEXT("[1 2]"), "[0]", "syntax"},
    {TEXT("[1}"), "[0]", "syntax"},
    {TEXT("{\"a\":1,}"), "a", "syntax"},
    {TEXT("{\"a\"}"), "a", "syntax"},
    {TEXT("{\"a\" 1}"), "a", "syntax"},
    {TEXT("{\"a\":}"), "a", "syntax"},
    {TEXT("{\"a\":1]"), "a", "syntax"},
    {TEXT("{a:1}"), "", "syntax"},
    {TEXT("{1:1}"), "", "syntax"},
    {TEXT("{null:1}"), "", "syntax"},
    {TEXT("\"abc"), "", "syntax"},
    {TEXT("\"abc\\"), "", "syntax"},
    {TEXT("\"\\x41\""), "", "syntax"},
    {TEXT("\"\\u12\""), "", "syntax"},
    {TEXT("\"\\u12g4\""), "", "syntax"},
    {TEXT("\"\\U1234\""), "", "syntax"},
    {TEXT("\"\\ud83d\\u12"), "", "syntax"},
    {TEXT("[01]"), "[0]", "syntax"},
    {TEXT("[-01]"), "[0]", "syntax"},
    {TEXT("[+1]"), "[0]", "syntax"},
    {TEXT("[.5]"), "[0]", "syntax"},
    {TEXT("[-]"), "[0]", "syntax"},
    {TEXT("[-.5]"), "[0]", "syntax"},
    {TEXT("[1e]"), "[0]", "syntax"},
    {TEXT("[1e+]"), "[0]", "syntax"},
    {TEXT("[1.e5]"), "[0]", "syntax"},
    {TEXT("[0x10]"), "[0]", "syntax"},
    {TEXT("[1_000]"), "[0]", "syntax"},
    {TEXT("[--1]"), "[0]", "syntax"},
    {TEXT("True"), "", "syntax"},
    {TEXT("nul"), "", "syntax"},
    {TEXT("nulll"), "", "syntax"},
    {TEXT("[truefalse]"), "[0]", "syntax"},
    {TEXT("{} // c"), "", "syntax"},
    {TEXT("/* c */ {}"), "", "syntax"},
    {TEXT("[\f1]"), "[0]", "syntax"},
    {TEXT("[\xc2\xa0"
          "1]"),
     "[0]", "syntax"}, /* no-break space */
    {TEXT("{\"a\":[0,{\"b\":[[1,x]]}]}"), "a[1].b[0][1]", "syntax"},
};

static void test_refused(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        /* a copy of the exact size: the sanitizer sees one byte too many */
        char *copy = malloc(refused[i].len > 0 ? refused[i].len : 1);
        memcpy(copy, refused[i].text, refused[i].len);
        faults_init(&f->faults, f->arena);
        struct json_doc *doc = json_parse(copy, refused[i].len, &f->faults);
        free(copy);
        if (doc != NULL || f->faults.count != 1)
            fail_msg("row %zu was not refused with one fault: %s", i, refused[i].text);
        if (strcmp(f->faults.list[0].field, refused[i].field) != 0 ||
            strcmp(f->faults.list[0].reason, refused[i].reason) != 0)
            fail_msg("row %zu (%s): \"%s\" %s", i, refused[i].text, f->faults.list[0].field,
                     f->faults.list[0].reason);
    }
}

static void test_every_prefix_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char whole[] =
        " {\"a\": [1, -2.5e+3, true, null, \"\\ud83d\\ude00 \\n市\"], \"b\": {\"c\": false}}";
    for (size_t len = 0; len < strlen(whole); len++) {
        faults_init(&f->faults, f->arena);
        assert_null(json_parse(whole, len, &f->faults));
        assert_int_equal(f->faults.count, 1);
    }
    struct json_doc *doc = parse(f, whole);
    assert_non_null(doc);
    json_doc_free(&doc);
}

static char *nested(unsigned depth, char open, const char *inner, char close)
{
    struct sbuf b;
    sbuf_init(&b, 0);
    for (unsigned i = 0; i < depth; i++)
        sbuf_adds(&b, open == '{' ? "{\"k\":" : "[");
    sbuf_adds(&b, inner);
    for (unsigned i = 0; i < depth; i++)
        sbuf_addc(&b, close);
    return sbuf_steal(&b);
}

static void test_depth(void **state)
{
    struct fixture *f = *state;
    static const char *const inner[] = {"1", "\"s\"", "null", "[]"};
    for (size_t i = 0; i < ARRAY_LEN(inner); i++) {
        const unsigned fits = JSON_MAX_DEPTH - (i == 3);
        for (int object = 0; object < 2; object++) {
            const char open = object ? '{' : '[';
            const char close = object ? '}' : ']';
            char *good = nested(fits, open, inner[i], close);
            struct json_doc *doc = parse(f, good);
            assert_non_null(doc);
            json_doc_free(&doc);
            free(good);
            char *bad = nested(fits + 1, open, inner[i], close);
            assert_null(parse(f, bad));
            assert_string_equal(f->faults.list[0].reason, "depth");
            free(bad);
        }
    }
    char *hostile = nested(100000, '[', "", ']');
    assert_null(parse(f, hostile));
    assert_string_equal(f->faults.list[0].reason, "depth");
    free(hostile);
}

/* 300000 keys: with a comparison of each with each this would not come back. */
static void test_many_keys(void **state)
{
    struct fixture *f = *state;
    struct sbuf b;
    sbuf_init(&b, 0);
    sbuf_adds(&b, "{\"first\":0");
    for (int i = 0; i < 300000; i++)
        sbuf_addf(&b, ",\"k%d\":1", i);
    sbuf_adds(&b, "}");
    struct json_doc *doc = parse(f, b.data);
    assert_non_null(doc);
    assert_int_equal(json_int(json_get(json_root(doc), "k299999")), 1);
    json_doc_free(&doc);

    b.len--;
    sbuf_adds(&b, ",\"k777\":2}");
    assert_null(parse(f, b.data));
    assert_string_equal(f->faults.list[0].field, "k777");
    assert_string_equal(f->faults.list[0].reason, "duplicate");
    sbuf_free(&b);
}

static void test_endless_number(void **state)
{
    struct fixture *f = *state;
    struct sbuf b;
    sbuf_init(&b, 0);
    sbuf_adds(&b, "[0.");
    for (int i = 0; i < 1000000; i++)
        sbuf_addc(&b, '7');
    sbuf_addc(&b, ']');
    assert_null(parse(f, b.data));
    assert_string_equal(f->faults.list[0].reason, "range");
    sbuf_free(&b);
}

static void test_fault_paths_are_bounded_and_printable(void **state)
{
    struct fixture *f = *state;
    struct sbuf b;
    sbuf_init(&b, 0);
    sbuf_adds(&b, "{\"x");
    for (int i = 0; i < 3000; i++)
        sbuf_adds(&b, "市");
    sbuf_adds(&b, "\":?}");
    assert_null(parse(f, b.data));
    size_t len = strlen(f->faults.list[0].field);
    assert_in_range(len, 100, 200);
    assert_int_equal((len - 1) % 3, 0); /* whole characters */
    sbuf_free(&b);

    faults_add(&f->faults, "a\nb\x7f", "unknown");
    assert_string_equal(f->faults.list[1].field, "a?b?");
    faults_add(&f->faults, "\xff", "unknown");
    assert_string_equal(f->faults.list[2].field, "");
    for (int i = 0; i < 100; i++)
        faults_add(&f->faults, "x", "unknown");
    assert_int_equal(f->faults.count, JSON_MAX_FAULTS);
}

/* ---- what is accepted ----------------------------------------------------------------------- */

/* json-c 0.18 refuses every byte above 0x7f in strict mode, and 0.17 changed its ABI. */
static void test_strict_accepts_cjk_and_emoji(void **state)
{
    struct fixture *f = *state;
    const int version = json_c_version_num();
    assert_true(version >= (16 << 8));
    assert_true(version >> 8 != 17 && version >> 8 != 18);
    struct json_doc *doc = parse(f, "{\"市民\":\"热线 😀 \\ud83d\\ude00 \\u5e02\"}");
    assert_non_null(doc);
    assert_string_equal(json_string(json_get(json_root(doc), "市民"), NULL), "热线 😀 😀 市");
    json_doc_free(&doc);
}

static void test_types(void **state)
{
    struct fixture *f = *state;
    struct json_doc *doc =
        parse(f, "{\"n\":null,\"t\":true,\"f\":false,\"i\":-7,\"d\":2.50,\"s\":\"a\\\"b\\\\\\/"
                 "\\b\\f\\n\\r\\t\\u00e9\",\"a\":[1,null,\"x\"],\"o\":{\"k\":[]}}");
    assert_non_null(doc);
    const struct json_value *root = json_root(doc);
    assert_int_equal(json_type(root), JSON_OBJECT);
    assert_int_equal(json_type(json_get(root, "n")), JSON_NULL);
    assert_int_equal(json_type(json_get(root, "missing")), JSON_NULL);
    assert_true(json_bool(json_get(root, "t")));
    assert_false(json_bool(json_get(root, "f")));
    assert_int_equal(json_type(json_get(root, "f")), JSON_BOOL);
    assert_int_equal(json_int(json_get(root, "i")), -7);
    assert_true(json_double(json_get(root, "i")) == -7.0);
    assert_int_equal(json_type(json_get(root, "d")), JSON_DOUBLE);
    assert_true(json_double(json_get(root, "d")) == 2.5);
    size_t len;
    const char *s = json_string(json_get(root, "s"), &len);
    assert_string_equal(s, "a\"b\\/\b\f\n\r\té");
    assert_int_equal(len, strlen(s));
    const struct json_value *a = json_get(root, "a");
    assert_int_equal(json_array_length(a), 3);
    assert_int_equal(json_int(json_at(a, 0)), 1);
    assert_null(json_at(a, 1));
    assert_null(json_at(a, 3));
    assert_int_equal(json_array_length(json_get(json_get(root, "o"), "k")), 0);
    json_doc_free(&doc);
    assert_null(doc);
    json_doc_free(&doc);
}

static void test_getters_never_convert(void **state)
{
    struct fixture *f = *state;
    struct json_doc *doc = parse(f, "[\"12\", 3.9, 1, \"true\", 1, {\"a\":1}]");
    const struct json_value *a = json_root(doc);
    assert_int_equal(json_int(json_at(a, 0)), 0);
    assert_true(json_double(json_at(a, 0)) == 0);
    assert_int_equal(json_int(json_at(a, 1)), 0);
    assert_null(json_string(json_at(a, 2), NULL));
    assert_false(json_bool(json_at(a, 3)));
    assert_false(json_bool(json_at(a, 4)));
    assert_null(json_get(a, "a"));
    assert_null(json_at(json_at(a, 5), 0));
    assert_int_equal(json_array_length(json_at(a, 5)), 0);
    assert_int_equal(json_int(NULL), 0);
    size_t len = 9;
    assert_null(json_string(NULL, &len));
    assert_int_equal(len, 0);
    json_doc_free(&doc);
}

static void test_numbers(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *text;
        enum json_type type;
        int64_t i;
        double d;
    } rows[] = {
        {"0", JSON_INT, 0, 0},
        {" 42 ", JSON_INT, 42, 42},
        {"9223372036854775807", JSON_INT, INT64_MAX, 9223372036854775807.0},
        {"-9223372036854775808", JSON_INT, INT64_MIN, -9223372036854775808.0},
        {"1.0", JSON_DOUBLE, 0, 1},
        {"1e3", JSON_DOUBLE, 0, 1000},
        {"1E-2", JSON_DOUBLE, 0, 0.01},
        {"0.1", JSON_DOUBLE, 0, 0.1},
        {"-0.0", JSON_DOUBLE, 0, -0.0},
        {"1e-999", JSON_DOUBLE, 0, 0},
        {"1.7976931348623157e308", JSON_DOUBLE, 0, DBL_MAX},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct json_doc *doc = parse(f, rows[i].text);
        if (doc == NULL)
            fail_msg("refused: %s", rows[i].text);
        assert_int_equal(json_type(json_root(doc)), rows[i].type);
        assert_true(json_int(json_root(doc)) == rows[i].i);
        assert_true(json_double(json_root(doc)) == rows[i].d);
        json_doc_free(&doc);
    }
}

static void test_scalars_at_the_top(void **state)
{
    struct fixture *f = *state;
    static const char *const texts[] = {"null", "true", "\"s\"", "1", "-1.5", "\t[]\r\n"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct json_doc *doc = parse(f, texts[i]);
        assert_non_null(doc);
        assert_int_equal(f->faults.count, 0);
        json_doc_free(&doc);
    }
}

static void collect_key(void *ctx, const char *key, const struct json_value *v)
{
    sbuf_addf(ctx, "%s=%d;", key, (int)json_int(v));
}

static void test_each_keeps_the_order(void **state)
{
    struct fixture *f = *state;
    struct sbuf keys;
    sbuf_init(&keys, 0);
    struct json_doc *doc = parse(f, "{\"z\":1,\"a\":2,\"m\":3}");
    json_each(json_root(doc), collect_key, &keys);
    json_each(NULL, collect_key, &keys);
    assert_string_equal(keys.data, "z=1;a=2;m=3;");
    json_doc_free(&doc);
    sbuf_free(&keys);
}

/* ---- writing -------------------------------------------------------------------------------- */

static void test_writer(void **state)
{
    (void)state;
    struct sbuf out;
    struct json_writer w;
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_object(&w, NULL);
    jw_string(&w, "s", "a\"\\/\b\f\n\r\t\x01 市");
    jw_string(&w, "none", NULL);
    jw_int(&w, "min", INT64_MIN);
    jw_array(&w, "list");
    jw_array(&w, NULL);
    jw_array_end(&w);
    jw_object(&w, NULL);
    jw_object_end(&w);
    jw_bool(&w, NULL, true);
    jw_bool(&w, NULL, false);
    jw_string_n(&w, NULL, "abc", 2);
    jw_string_n(&w, NULL, "a\0b", 3);
    jw_array_end(&w);
    jw_null(&w, "n");
    jw_instant(&w, "at", INT64_C(1770948000000000), 480);
    jw_instant(&w, "never", 0, 480);
    jw_raw(&w, "raw", "{\"x\":1}", 7);
    jw_object(&w, "a\"b");
    jw_int(&w, "i", 1);
    jw_object_end(&w);
    jw_object_end(&w);
    assert_string_equal(out.data, "{\"s\":\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001 市\",\"none\":null,"
                                  "\"min\":-9223372036854775808,\"list\":[[],{},true,false,\"ab\","
                                  "\"a\\u0000b\"],\"n\":null,\"at\":\"2026-02-13T10:00:00+08:00\","
                                  "\"never\":null,\"raw\":{\"x\":1},\"a\\\"b\":{\"i\":1}}");
    sbuf_free(&out);
}

static void test_writer_never_emits_bad_utf8(void **state)
{
    (void)state;
    struct sbuf out;
    struct json_writer w;
    sbuf_init(&out, 0);
    jw_init(&w, &out);
    jw_string(&w, NULL, "a\xff市\xed\xa0\x80\"");
    assert_string_equal(out.data, "\"a\xef\xbf\xbd市\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\\\"\"");
    sbuf_free(&out);
}

static void test_doubles(void **state)
{
    (void)state;
    static const struct {
        double v;
        const char *text;
    } rows[] = {
        {0.1, "0.1"},
        {1, "1.0"},
        {-0.0, "-0.0"},
        {1e15, "1e+15"},
        {1.5, "1.5"},
        {1e300, "1e+300"},
        {5e-324, "5e-324"},
        {1.0 / 3, "0.3333333333333333"},
        {0.1 + 0.2, "0.30000000000000004"},
        {INFINITY, "null"},
        {-INFINITY, "null"},
        {NAN, "null"},
        {121.4737, "121.4737"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct sbuf out;
        struct json_writer w;
        sbuf_init(&out, 0);
        jw_init(&w, &out);
        jw_double(&w, NULL, rows[i].v);
        assert_string_equal(out.data, rows[i].text);
        sbuf_free(&out);
    }
}

static void test_value_round_trip(void **state)
{
    struct fixture *f = *state;
    static const char *const texts[] = {
        "null",
        "{}",
        "[]",
        "{\"a\":[1,2.5,-0.0,1e+300,true,false,null,\"x\\n\\u0001市😀/\"],\"b\":{\"c\":{}}}",
        "[9223372036854775807,-9223372036854775808,0.1,5e-324]",
        "{\"\":{\"\":[]},\" \":\"\\\"\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct sbuf out;
        sbuf_init(&out, 0);
        struct json_doc *doc = parse(f, texts[i]);
        assert_non_null(doc);
        json_write_value(&out, json_root(doc));
        assert_string_equal(out.data, texts[i]);
        json_doc_free(&doc);
        sbuf_free(&out);
    }
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_refused),
        TEST(test_every_prefix_is_refused),
        TEST(test_depth),
        TEST(test_many_keys),
        TEST(test_endless_number),
        TEST(test_fault_paths_are_bounded_and_printable),
        TEST(test_strict_accepts_cjk_and_emoji),
        TEST(test_types),
        TEST(test_getters_never_convert),
        TEST(test_numbers),
        TEST(test_scalars_at_the_top),
        TEST(test_each_keeps_the_order),
        cmocka_unit_test(test_writer),
        cmocka_unit_test(test_writer_never_emits_bad_utf8),
        cmocka_unit_test(test_doubles),
        TEST(test_value_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
