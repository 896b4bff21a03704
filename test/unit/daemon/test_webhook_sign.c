/* Signatures of webhooks against a vector of Standard Webhooks, and how waits grow. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <string.h>

#include "daemon/webhook.h"

static void test_vector(void **state)
{
    static const char body[] = "{\"type\":\"ticket.updated\",\"data\":{\"ticket_no\":"
                               "\"GD202510090001\",\"status\":\"CLOSED\"}}";
    char out[WEBHOOK_SIGNATURE_SIZE];

    (void)state;
    assert_true(webhook_sign(
        "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
        1760000000, body, strlen(body), out));
    assert_string_equal(out, "v1,3MsyqfDUmY1P7t2IZR4hiEpe/ntOSJ0XhGoiBcORmJo=");
    assert_true(webhook_sign(
        "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
        1760000001, body, strlen(body), out));
    assert_string_not_equal(out, "v1,3MsyqfDUmY1P7t2IZR4hiEpe/ntOSJ0XhGoiBcORmJo=");
}

static void test_no_secret(void **state)
{
    char out[WEBHOOK_SIGNATURE_SIZE];

    (void)state;
    assert_false(webhook_sign("MDEyMzQ1", "a", 1, "", 0, out));
    assert_false(webhook_sign("whsec_%%%%", "a", 1, "", 0, out));
    assert_false(webhook_sign("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJj",
                              "a", 1, "", 0, out));
}

static void test_waits(void **state)
{
    int64_t wait = 0;

    (void)state;
    assert_int_equal(webhook_next_wait_ms(0, 0), 5000);
    assert_int_equal(webhook_next_wait_ms(0, UINT32_MAX), 5000);
    assert_int_equal(webhook_next_wait_ms(5000, 0), 5000);
    assert_int_equal(webhook_next_wait_ms(5000, UINT32_MAX), 15000);
    for (int i = 0; i < 100; i++) {
        int64_t next = webhook_next_wait_ms(wait, UINT32_MAX);
        assert_true(next >= wait && next <= 3600 * 1000);
        wait = next;
    }
    assert_int_equal(wait, 3600 * 1000);
    assert_int_equal(webhook_next_wait_ms(INT64_MAX, UINT32_MAX), 3600 * 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vector),
        cmocka_unit_test(test_no_secret),
        cmocka_unit_test(test_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
