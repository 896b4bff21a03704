/*
 * The event stream: the same events whatever the split, and nothing lost on a cut.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "client/sse.h"

struct log {
    struct sbuf text;
    size_t events, stop_at;
};

static bool note(void *ctx, const struct sse_event *e)
{
    struct log *log = ctx;

    sbuf_addf(&log->text, "%s|%s|%s;", e->type, e->id, e->data);
    log->events++;
    return log->events != log->stop_at;
}

static const char stream[] = ": hello\n"
                             "retry: 250\n"
                             "\n"
                             "id: 5\r\n"
                             "data: {\"a\":1}\r\n"
                             "\r\n"
                             "event: call.popped\n"
                             "data:x\n"
                             "data: y\n"
                             "\n"
                             "id\n"
                             "data\n"
                             "\n"
                             "unknown: z\r"
                             "data: last\r"
                             "\r";
static const char expected[] = "message|5|{\"a\":1};call.popped|5|x\ny;message||;message||last;";

static void any_split_gives_the_same_events(void **state)
{
    (void)state;
    for (size_t piece = 1; piece <= sizeof(stream); piece++) {
        struct log log = {.stop_at = SIZE_MAX};
        struct sse sse;

        sbuf_init(&log.text, 0);
        sse_init(&sse, note, &log);
        for (size_t at = 0; at < sizeof(stream) - 1; at += piece) {
            size_t left = sizeof(stream) - 1 - at;

            assert_true(sse_feed(&sse, stream + at, left < piece ? left : piece));
        }
        assert_string_equal(log.text.data, expected);
        assert_int_equal(sse.retry_ms, 250);
        sse_free(&sse);
        sbuf_free(&log.text);
    }
}

static void a_cut_event_is_asked_for_again(void **state)
{
    struct log log = {.stop_at = SIZE_MAX};
    struct sse sse;

    (void)state;
    sbuf_init(&log.text, 0);
    sse_init(&sse, note, &log);
    sse_resume_after(&sse, "3");
    assert_true(sse_feed(&sse, "id: 4\ndata: a\n\nid: 5\ndata: b\n", 29));
    /* 5 never ended: the stream has to go on after 4 */
    assert_string_equal(sse.id.data, "4");
    sse_restart(&sse);
    assert_true(sse_feed(&sse, "data: c\n\n", 9));
    assert_string_equal(log.text.data, "message|4|a;message|4|c;");
    sse_free(&sse);
    sbuf_free(&log.text);
}

static void an_event_beyond_the_bound_is_dropped_alone(void **state)
{
    struct log log = {.stop_at = SIZE_MAX};
    struct sse sse;

    (void)state;
    sbuf_init(&log.text, 0);
    sse_init(&sse, note, &log);
    assert_true(sse_feed(&sse, "id: 7\ndata: ", 12));
    for (size_t sent = 0; sent <= SSE_MAX_BYTES; sent += 8)
        assert_true(sse_feed(&sse, "xxxxxxxx", 8));
    assert_true(sse_feed(&sse, "\n\ndata: next\n\n", 14));
    assert_string_equal(log.text.data, "message|7|next;");
    assert_int_equal(sse.dropped, 1);
    sse_free(&sse);
    sbuf_free(&log.text);
}

static void the_reader_may_stop(void **state)
{
    struct log log = {.stop_at = 1};
    struct sse sse;

    (void)state;
    sbuf_init(&log.text, 0);
    sse_init(&sse, note, &log);
    assert_false(sse_feed(&sse, "data: a\n\ndata: b\n\n", 18));
    assert_int_equal(log.events, 1);
    sse_free(&sse);
    sbuf_free(&log.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_split_gives_the_same_events),
        cmocka_unit_test(a_cut_event_is_asked_for_again),
        cmocka_unit_test(an_event_beyond_the_bound_is_dropped_alone),
        cmocka_unit_test(the_reader_may_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
