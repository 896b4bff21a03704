/* Events in memory: order, bounds, places, readers; and how they look outside. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <stdlib.h>
#include <string.h>

#include "daemon/push_ring.h"
#include "proto/json.h"

static struct push_event *make(int64_t xid, int64_t id, const char *audience, const char *text)
{
    const struct event_view view = {
        .id = id,
        .number = 260213100000000017,
        .seq = 3,
        .type = "assignment.signed",
        .at_us = INT64_C(1770948000000000),
        .actor = "unit:A",
        .role = "unit",
        .assignment = 2,
        .unit = "A",
        .detail = "{\"a\":1}",
        .text = text,
    };
    return push_event_new(xid, &view, audience, 480);
}

static void test_push_cursor_order(void **state)
{
    (void)state;
    assert_int_equal(push_cursor_compare((struct push_cursor){1, 9}, (struct push_cursor){2, 1}),
                     -1);
    assert_int_equal(push_cursor_compare((struct push_cursor){2, 1}, (struct push_cursor){1, 9}),
                     1);
    assert_int_equal(push_cursor_compare((struct push_cursor){2, 1}, (struct push_cursor){2, 2}),
                     -1);
    assert_int_equal(push_cursor_compare((struct push_cursor){2, 3}, (struct push_cursor){2, 2}),
                     1);
    assert_int_equal(push_cursor_compare((struct push_cursor){2, 2}, (struct push_cursor){2, 2}),
                     0);
}

static bool concerns(const struct push_event *event, const char *unit)
{
    return push_event_concerns(event, &(struct push_reader){.unit = unit});
}

static struct push_event *make_desk(const char *agent, const char *detail, const char *more)
{
    const struct desk_event_view view = {
        .id = 78,
        .type = "call.popped",
        .at_us = INT64_C(1770948000000000),
        .detail = detail,
        .more = more,
    };
    return push_event_new_desk(5, &view, agent, 480);
}

static void test_push_event_of_desks(void **state)
{
    static const struct {
        const char *of, *unit, *agent;
        bool hears;
    } cases[] = {
        {"1001", NULL, "1001", true}, {"1001", NULL, "1002", false}, {"1001", NULL, "100", false},
        {"1001", NULL, NULL, false},  {NULL, NULL, "1001", true},    {NULL, NULL, NULL, true},
        {NULL, "1001", NULL, false},  {"1001", "1001", NULL, false}, {"1001", "A", "1001", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct push_event *event = make_desk(cases[i].of, "{}", "{}");
        const struct push_reader reader = {cases[i].unit, cases[i].agent};

        assert_int_equal(push_event_concerns(event, &reader), cases[i].hears);
        push_event_free(&event);
    }
}

static void test_push_event_of_desks_json(void **state)
{
    static const struct {
        const char *detail, *more, *members;
    } cases[] = {
        {"{}", "{}", ""},
        {"{\"a\": 1}", "{}", ",\"a\": 1"},
        {"{}", "{\"b\":[]}", ",\"b\":[]"},
        {"{\"a\": {\"c\": 2}}", "{\"b\":null}", ",\"a\": {\"c\": 2},\"b\":null"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct push_event *event = make_desk("1001", cases[i].detail, cases[i].more);
        char *wanted = xasprintf("{\"id\":\"78\",\"type\":\"call.popped\","
                                 "\"at\":\"2026-02-13T10:00:00+08:00\"%s}",
                                 cases[i].members);

        assert_string_equal(event->json, wanted);
        assert_string_equal(event->agent, "1001");
        assert_int_equal(event->at.xid, 5);
        assert_int_equal(event->at.id, 78);
        free(wanted);
        push_event_free(&event);
    }
}

static void test_push_event_concerns_its_audience(void **state)
{
    struct push_event *event = make(1, 1,
                                    "AB\x1f"
                                    "C\x1f",
                                    NULL);

    (void)state;
    assert_true(concerns(event, NULL));
    assert_true(concerns(event, "AB"));
    assert_true(concerns(event, "C"));
    assert_false(concerns(event, "A"));
    assert_false(concerns(event, "B"));
    assert_false(concerns(event, "ABC"));
    assert_false(concerns(event, ""));
    push_event_free(&event);
    assert_null(event);
    event = make(1, 1, "", NULL);
    assert_true(concerns(event, NULL));
    assert_false(concerns(event, "A"));
    assert_false(concerns(event, ""));
    push_event_free(&event);
}

static void test_push_event_json(void **state)
{
    struct push_event *event = make(4, 77, "", "第一行\n\"二\"");
    struct arena *arena = arena_new();
    struct faults faults;

    (void)state;
    faults_init(&faults, arena);
    struct json_doc *doc = json_parse(event->json, event->json_len, &faults);
    assert_non_null(doc);
    const struct json_value *v = json_root(doc);
    assert_string_equal(json_string(json_get(v, "id"), NULL), "77");
    assert_string_equal(json_string(json_get(v, "number"), NULL), "260213100000000017");
    assert_string_equal(json_string(json_get(v, "assignment"), NULL), "260213100000000017-2");
    assert_string_equal(json_string(json_get(v, "at"), NULL), "2026-02-13T10:00:00+08:00");
    assert_string_equal(json_string(json_get(v, "text"), NULL), "第一行\n\"二\"");
    assert_int_equal(json_int(json_get(json_get(v, "detail"), "a")), 1);
    assert_int_equal(json_int(json_get(v, "seq")), 3);
    json_doc_free(&doc);
    arena_free(&arena);
    push_event_free(&event);
}

static void test_push_ring_finds_places(void **state)
{
    static const struct push_cursor at[] = {{5, 2}, {5, 4}, {7, 1}, {9, 9}};
    struct push_ring ring;

    (void)state;
    push_ring_init(&ring, 8, 1 << 20);
    push_ring_reset(&ring, (struct push_cursor){5, 0});
    assert_int_equal(push_ring_after(&ring, (struct push_cursor){5, 0}), 0);
    for (size_t i = 0; i < ARRAY_LEN(at); i++)
        push_ring_add(&ring, make(at[i].xid, at[i].id, "", NULL));
    assert_int_equal(push_ring_after(&ring, (struct push_cursor){5, 0}), 0);
    assert_int_equal(push_ring_after(&ring, (struct push_cursor){5, 2}), 1);
    assert_int_equal(push_ring_after(&ring, (struct push_cursor){5, 3}), 1);
    assert_int_equal(push_ring_after(&ring, (struct push_cursor){6, 99}), 2);
    assert_int_equal(push_ring_after(&ring, (struct push_cursor){9, 8}), 3);
    assert_int_equal(push_ring_after(&ring, (struct push_cursor){9, 9}), 4);
    assert_int_equal(push_ring_after(&ring, (struct push_cursor){99, 0}), 4);
    assert_true(push_ring_covers(&ring, (struct push_cursor){5, 0}));
    assert_false(push_ring_covers(&ring, (struct push_cursor){4, 99}));
    push_ring_free(&ring);
}

static void test_push_ring_forgets_the_oldest(void **state)
{
    struct push_ring ring;

    (void)state;
    push_ring_init(&ring, 4, 1 << 20);
    for (int64_t i = 1; i <= 11; i++) {
        push_ring_add(&ring, make(i, i, "", NULL));
        size_t expected = i < 4 ? (size_t)i : 4;
        assert_int_equal(ring.count, expected);
        for (size_t k = 0; k < ring.count; k++)
            assert_int_equal(push_ring_at(&ring, k)->at.id, i - (int64_t)expected + 1 + (int64_t)k);
        /* complete exactly after the last one that went */
        assert_int_equal(ring.from.id, i > 4 ? i - 4 : 0);
        assert_int_equal(push_ring_after(&ring, ring.from), 0);
        assert_true(push_ring_covers(&ring, ring.from));
    }
    assert_false(push_ring_covers(&ring, (struct push_cursor){6, 6}));
    push_ring_reset(&ring, (struct push_cursor){20, 0});
    assert_int_equal(ring.count, 0);
    assert_int_equal(ring.bytes, 0);
    push_ring_add(&ring, make(20, 1, "", NULL));
    assert_int_equal(ring.count, 1);
    push_ring_free(&ring);
}

static void test_push_ring_is_bounded_in_bytes(void **state)
{
    struct push_event *one = make(1, 1, "", "0123456789");
    size_t bytes = one->bytes;
    struct push_ring ring;

    (void)state;
    push_ring_init(&ring, 100, 3 * bytes);
    push_ring_add(&ring, one);
    for (int64_t i = 2; i <= 9; i++) {
        push_ring_add(&ring, make(i, i, "", "0123456789"));
        assert_true(ring.bytes <= 3 * bytes);
    }
    assert_int_equal(ring.count, 3);
    assert_int_equal(ring.from.id, 6);
    /* one that alone is too big stands alone: it is never lost */
    char *big = calloc(1, 4 * bytes + 1);
    assert_non_null(big);
    memset(big, 'x', 4 * bytes);
    push_ring_add(&ring, make(10, 10, "", big));
    free(big);
    assert_int_equal(ring.count, 1);
    assert_int_equal(push_ring_at(&ring, 0)->at.id, 10);
    push_ring_free(&ring);
}

/* Against a plain array, random gaps in xid and id. */
static void test_push_ring_random(void **state)
{
    enum { EVENTS = 500, CAPACITY = 64 };
    struct push_cursor at[EVENTS];
    struct push_ring ring;
    uint64_t seed = 12345;

    (void)state;
    push_ring_init(&ring, CAPACITY, 1 << 20);
    for (size_t i = 0; i < EVENTS; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        struct push_cursor last = i ? at[i - 1] : (struct push_cursor){1, 0};
        bool same = (seed >> 60) < 8;
        at[i] =
            same ? (struct push_cursor){last.xid, last.id + 1 + (int64_t)(seed >> 62)}
                 : (struct push_cursor){last.xid + 1 + (int64_t)(seed >> 62), 1 + (int64_t)(i % 7)};
        push_ring_add(&ring, make(at[i].xid, at[i].id, "", NULL));
        size_t first = i < CAPACITY ? 0 : i + 1 - CAPACITY;
        for (size_t k = first; k <= i; k++) {
            size_t index = push_ring_after(&ring, at[k]);
            assert_int_equal(index, k - first + 1);
        }
    }
    push_ring_free(&ring);
}

static void test_event_stream_frames(void **state)
{
    struct sbuf out;

    (void)state;
    sbuf_init(&out, 0);
    event_stream_write(&out, "0a", "ticket.received", "{\"a\":1}", 7);
    assert_string_equal(out.data, "id: 0a\nevent: ticket.received\ndata: {\"a\":1}\n\n");
    sbuf_clear(&out);
    event_stream_write_retry(&out, 2000);
    event_stream_write_place(&out, "0b");
    event_stream_write_beat(&out);
    assert_string_equal(out.data, "retry: 2000\n\nid: 0b\n\n:\n\n");
    sbuf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_push_cursor_order),
        cmocka_unit_test(test_push_event_concerns_its_audience),
        cmocka_unit_test(test_push_event_of_desks),
        cmocka_unit_test(test_push_event_of_desks_json),
        cmocka_unit_test(test_push_event_json),
        cmocka_unit_test(test_push_ring_finds_places),
        cmocka_unit_test(test_push_ring_forgets_the_oldest),
        cmocka_unit_test(test_push_ring_is_bounded_in_bytes),
        cmocka_unit_test(test_push_ring_random),
        cmocka_unit_test(test_event_stream_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
