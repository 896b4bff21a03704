/* The hub's waiting list, with a database that never answers. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <event2/event.h>

#include "base/metrics.h"
#include "daemon/push.h"
#include "daemon/push_private.h"
#include "sql_catalogue.h"

#define LONG_US (100 * US_PER_SECOND)
#define WAITERS 300

struct rig {
    struct daemon d;
};

struct heard {
    int calls, events;
    struct push_waiter **drop; /* removed from inside the callback */
    struct push *push;
    const char *again; /* waits for this unit anew from inside the callback */
    struct push_waiter *next;
};

static void on_woken(void *ctx, bool by_event)
{
    struct heard *heard = ctx;

    heard->calls++;
    heard->events += by_event;
    if (heard->drop)
        push_unwait(heard->drop);
    if (heard->again)
        heard->next = push_wait(heard->push, heard->again, LONG_US, on_woken, heard);
}

static void turn(struct rig *rig)
{
    assert_int_not_equal(event_base_loop(rig->d.base, EVLOOP_NONBLOCK), -1);
}

static int set_up(void **state)
{
    static struct rig rig;
    struct pg_pool_config config;
    const struct pg_pool_events none = {0};

    rig = (struct rig){0};
    pg_pool_config_defaults(&config);
    config.name = "test";
    config.conninfo = "";
    config.stmts = sql_catalogue;
    config.stmt_count = sql_catalogue_count;
    clk_init_real(&rig.d.clk);
    rig.d.base = event_base_new();
    rig.d.settings.max_waiting = WAITERS;
    rig.d.event_pool = pg_pool_new(rig.d.base, &config, &none); /* never started */
    rig.d.push = push_new(&rig.d);
    *state = &rig;
    return rig.d.base ? 0 : -1;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    push_free(&rig->d.push);
    pg_pool_free(&rig->d.event_pool);
    event_base_free(rig->d.base);
    return 0;
}

static struct push_event *event_for(const char *audience)
{
    const struct event_view view = {.id = 1,
                                    .number = 260213100000000017,
                                    .type = "t",
                                    .actor = "a",
                                    .role = "desk",
                                    .detail = "{}"};
    return push_event_new(1, &view, audience, 480);
}

static void test_push_wakes_whom_it_concerns(void **state)
{
    struct rig *rig = *state;
    struct heard a = {0}, b = {0}, desk = {0};
    struct push_event *event = event_for("A\x1f"
                                         "X\x1f");
    struct push_waiter *wa = push_wait(rig->d.push, "A", LONG_US, on_woken, &a);
    struct push_waiter *wb = push_wait(rig->d.push, "B", LONG_US, on_woken, &b);
    struct push_waiter *wd = push_wait(rig->d.push, NULL, LONG_US, on_woken, &desk);

    assert_non_null(wa);
    assert_non_null(wb);
    assert_non_null(wd);
    push_waiters_wake(rig->d.push, event);
    push_waiters_wake(rig->d.push, event);
    assert_int_equal(a.calls + desk.calls, 0); /* never inside a call of ours */
    turn(rig);
    assert_int_equal(a.calls, 1);
    assert_int_equal(a.events, 1);
    assert_int_equal(desk.calls, 1);
    assert_int_equal(b.calls, 0);
    push_waiters_wake(rig->d.push, event);
    turn(rig);
    assert_int_equal(a.calls, 1);
    push_unwait(&wb);
    assert_null(wb);
    push_event_free(&event);
}

static void test_push_unwait_silences_the_ready(void **state)
{
    struct rig *rig = *state;
    struct heard first = {0}, second = {0};
    struct push_waiter *w1 = push_wait(rig->d.push, "A", LONG_US, on_woken, &first);
    struct push_waiter *w2 = push_wait(rig->d.push, "A", LONG_US, on_woken, &second);

    assert_non_null(w1);
    first.drop = &w2; /* the first callback takes the second away, though both are ready */
    push_stir(rig->d.push, "A");
    turn(rig);
    turn(rig);
    assert_int_equal(first.calls, 1);
    assert_int_equal(second.calls, 0);
    assert_int_equal(rig->d.push->waiter_count, 0);
}

static void test_push_timeout_comes_once_without_event(void **state)
{
    struct rig *rig = *state;
    struct heard heard = {0};

    assert_non_null(push_wait(rig->d.push, "A", 0, on_woken, &heard));
    for (int64_t end = clk_mono_us() + 30 * US_PER_SECOND; !heard.calls && clk_mono_us() < end;)
        turn(rig);
    turn(rig);
    assert_int_equal(heard.calls, 1);
    assert_int_equal(heard.events, 0);
    assert_int_equal(rig->d.push->waiter_count, 0);
}

static void test_push_subscriber_stays(void **state)
{
    struct rig *rig = *state;
    struct heard heard = {0};
    struct push_waiter *w = push_subscribe(rig->d.push, NULL, on_woken, &heard);

    for (int i = 1; i <= 3; i++) {
        push_stir(rig->d.push, NULL);
        push_stir(rig->d.push, NULL); /* many at once count as one */
        turn(rig);
        assert_int_equal(heard.calls, i);
    }
    heard.drop = &w;
    push_stir(rig->d.push, NULL);
    turn(rig);
    assert_null(w);
    push_stir(rig->d.push, NULL);
    turn(rig);
    assert_int_equal(heard.calls, 4);
}

static void test_push_waiting_is_bounded(void **state)
{
    struct rig *rig = *state;
    struct push_waiter *list[WAITERS];
    struct heard heard = {0};
    int64_t refused = metrics_value("hotlined_waiting_refused_total", NULL);

    for (int i = 0; i < WAITERS; i++) {
        list[i] = i % 2 ? push_wait(rig->d.push, "A", LONG_US, on_woken, &heard)
                        : push_subscribe(rig->d.push, NULL, on_woken, &heard);
        assert_non_null(list[i]);
    }
    assert_null(push_wait(rig->d.push, "A", LONG_US, on_woken, &heard));
    assert_null(push_subscribe(rig->d.push, NULL, on_woken, &heard));
    assert_int_equal(metrics_value("hotlined_waiting_refused_total", NULL), refused + 2);
    push_unwait(&list[0]);
    list[0] = push_wait(rig->d.push, "A", LONG_US, on_woken, &heard);
    assert_non_null(list[0]);
    push_stir(rig->d.push, NULL); /* a bounded number a turn, everybody in the end */
    for (int i = 0; i < WAITERS; i++)
        turn(rig);
    assert_int_equal(heard.calls, WAITERS);
}

static void test_push_wait_again_from_the_callback(void **state)
{
    struct rig *rig = *state;
    struct heard heard = {.push = rig->d.push, .again = "A"};

    assert_non_null(push_wait(rig->d.push, "A", LONG_US, on_woken, &heard));
    push_stir(rig->d.push, "A");
    turn(rig);
    turn(rig);
    assert_int_equal(heard.calls, 1); /* not woken by what woke it before */
    push_stir(rig->d.push, "A");
    turn(rig);
    assert_int_equal(heard.calls, 2);
    push_unwait(&heard.next);
}

static void test_push_wake_all_ends_waits_also_later_ones(void **state)
{
    struct rig *rig = *state;
    struct heard heard = {0}, late = {0};

    assert_non_null(push_wait(rig->d.push, "A", LONG_US, on_woken, &heard));
    assert_false(push_is_stopping(rig->d.push));
    push_wake_all(rig->d.push);
    assert_true(push_is_stopping(rig->d.push));
    assert_non_null(push_wait(rig->d.push, "A", LONG_US, on_woken, &late));
    turn(rig);
    turn(rig);
    assert_int_equal(heard.calls, 1);
    assert_int_equal(late.calls, 1);
    assert_int_equal(heard.events + late.events, 0);
}

static bool take_none(void *ctx, const struct push_event *event)
{
    (void)event;
    *(int *)ctx += 1;
    return true;
}

static void test_push_asleep_reads_nothing(void **state)
{
    static const struct push_reader everything = {NULL, NULL};
    struct rig *rig = *state;
    struct push_cursor place = {3, 4};
    int taken = 0;

    assert_int_equal(push_read(rig->d.push, &place, &everything, take_none, &taken),
                     PUSH_READ_ASLEEP);
    assert_int_equal(taken, 0);
    assert_int_equal(place.xid, 3);
    push_look(rig->d.push); /* nobody waits: no look */
    turn(rig);
    assert_int_equal(pg_pool_queued(rig->d.event_pool), 0);
}

static void test_push_one_look_and_one_notify_for_many_hints(void **state)
{
    struct rig *rig = *state;
    struct heard heard = {0};
    struct push_waiter *w = push_wait(rig->d.push, "A", LONG_US, on_woken, &heard);

    for (int i = 0; i < 100; i++)
        push_hint(rig->d.push);
    push_hint(NULL);
    for (int64_t end = clk_mono_us() + 30 * US_PER_SECOND;
         pg_pool_queued(rig->d.event_pool) < 2 && clk_mono_us() < end;)
        turn(rig);
    for (int i = 0; i < 20; i++)
        turn(rig);
    assert_int_equal(pg_pool_queued(rig->d.event_pool), 2);
    push_unwait(&w);
}

#define PUSH_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PUSH_TEST(test_push_wakes_whom_it_concerns),
        PUSH_TEST(test_push_unwait_silences_the_ready),
        PUSH_TEST(test_push_timeout_comes_once_without_event),
        PUSH_TEST(test_push_subscriber_stays),
        PUSH_TEST(test_push_waiting_is_bounded),
        PUSH_TEST(test_push_wait_again_from_the_callback),
        PUSH_TEST(test_push_wake_all_ends_waits_also_later_ones),
        PUSH_TEST(test_push_asleep_reads_nothing),
        PUSH_TEST(test_push_one_look_and_one_notify_for_many_hints),
    };
    push_register_metrics();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
