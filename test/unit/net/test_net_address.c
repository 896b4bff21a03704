#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "net/net_address.h"

static struct net_address parsed(const char *text)
{
    struct net_address a;

    if (!net_address_parse(text, strlen(text), &a))
        fail_msg("%s is an address", text);
    return a;
}

static void same(const char *a, const char *b)
{
    const struct net_address left = parsed(a), right = parsed(b);

    assert_memory_equal(left.bytes, right.bytes, sizeof(left.bytes));
}

static void test_forms(void **state)
{
    (void)state;
    same("192.0.2.1", "::ffff:192.0.2.1");
    same("192.0.2.1:443", "192.0.2.1");
    same("[2001:db8::1]:8080", "2001:DB8:0:0:0:0:0:1");
    same("[2001:db8::1]", "2001:db8::1");
}

static void test_what_is_none(void **state)
{
    static const char *const none[] = {
        "",
        "unknown",
        "_hidden",
        "192.0.2",
        "192.0.2.256",
        "192.0.2.1:",
        "1.2.3.4:x",
        "1.2.3.4:123456",
        "[2001:db8::1",
        "[]",
        "[::1]x",
        "[::1]:",
        "::1%eth0",
        " 192.0.2.1",
        "192.0.2.1 ",
        "localhost",
        "0x7f.1",
        "1.2.3.4/8",
        "2001:db8::1::",
        "1111:2222:3333:4444:5555:6666:7777:8888:9999",
    };
    struct net_address a;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        if (net_address_parse(none[i], strlen(none[i]), &a))
            fail_msg("%s is no address", none[i]);
    }
    assert_false(net_address_parse("192.0.2.1\0.example", 18, &a));
    assert_true(
        net_address_parse("192.0.2.1, 10.0.0.1", 9, &a)); /* only so many bytes are looked at */
}

static void test_subscriber(void **state)
{
    struct net_address a = parsed("2001:db8:1:2:3:4:5:6"), b = parsed("192.0.2.1");

    (void)state;
    a = net_address_subscriber(&a);
    const struct net_address network = parsed("2001:db8:1:2::");
    assert_memory_equal(a.bytes, network.bytes, sizeof(a.bytes));
    const struct net_address whole = net_address_subscriber(&b);
    assert_memory_equal(whole.bytes, b.bytes, sizeof(b.bytes));
}

static void test_networks(void **state)
{
    static const struct {
        const char *list, *address;
        bool is_in;
    } cases[] = {
        {"", "127.0.0.1", false},
        {"127.0.0.1", "127.0.0.1", true},
        {"127.0.0.1", "::ffff:127.0.0.1", true},
        {"10.0.0.0/8, 192.0.2.7", "10.255.0.1", true},
        {"10.0.0.0/8, 192.0.2.7", "192.0.2.7", true},
        {"10.0.0.0/8, 192.0.2.7", "192.0.2.8", false},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"192.0.2.128/25", "192.0.2.200", true},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"::/0", "192.0.2.1", true},
        {"nonsense 10.0.0.1", "10.0.0.1", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct net_address a = parsed(cases[i].address);
        if (net_networks_contain(cases[i].list, &a) != cases[i].is_in)
            fail_msg("%s in '%s'", cases[i].address, cases[i].list);
    }
    assert_true(net_networks_ok(""));
    assert_true(net_networks_ok(" 10.0.0.0/8,::1 ,192.0.2.0/32"));
    assert_false(net_networks_ok("10.0.0.0/33"));
    assert_false(net_networks_ok("10.0.0.0/"));
    assert_false(net_networks_ok("10.0.0.0/-1"));
    assert_false(net_networks_ok("::1/129"));
    assert_false(net_networks_ok("proxy.example"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_what_is_none),
        cmocka_unit_test(test_subscriber),
        cmocka_unit_test(test_networks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
