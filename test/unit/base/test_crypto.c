#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"

/* RFC 4231, test cases 1-4, 6 and 7 (5 is about truncation). A key is one byte repeated. */
static const struct {
    int key_byte; /* -1: "Jefe", -2: 01 02 .. 19 */
    size_t key_len;
    const char *data;
    const char *mac;
} hmac_rows[] = {
    {0x0b, 20, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {-1, 4, "what do ya want for nothing?",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {0xaa, 20,
     "\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd"
     "\xdd"
     "\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd\xdd"
     "\xdd"
     "\xdd\xdd",
     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
    {-2, 25,
     "\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd"
     "\xcd"
     "\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd\xcd"
     "\xcd"
     "\xcd\xcd",
     "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
    {0xaa, 131, "Test Using Larger Than Block-Size Key - Hash Key First",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
    {0xaa, 131,
     "This is a test using a larger than block-size key and a larger than block-size data. "
     "The key needs to be hashed before being used by the HMAC algorithm.",
     "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
};

static void fill_key(uint8_t *key, int key_byte, size_t len)
{
    for (size_t i = 0; i < len; i++)
        key[i] = key_byte == -2 ? (uint8_t)(i + 1) : (uint8_t)key_byte;
    if (key_byte == -1)
        memcpy(key, "Jefe", 4);
}

static void test_hmac_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(hmac_rows); i++) {
        uint8_t key[131], mac[CRYPTO_SHA256_SIZE];
        char hex[CRYPTO_SHA256_SIZE * 2 + 1];
        fill_key(key, hmac_rows[i].key_byte, hmac_rows[i].key_len);
        crypto_hmac_sha256(key, hmac_rows[i].key_len, hmac_rows[i].data, strlen(hmac_rows[i].data),
                           mac);
        crypto_hex(mac, sizeof(mac), hex);
        assert_string_equal(hex, hmac_rows[i].mac);
    }
}

static void expect_sha256(const void *data, size_t len, const char *want)
{
    uint8_t digest[CRYPTO_SHA256_SIZE];
    char hex[CRYPTO_SHA256_SIZE * 2 + 1];
    crypto_sha256(data, len, digest);
    crypto_hex(digest, sizeof(digest), hex);
    assert_string_equal(hex, want);
}

/* FIPS 180-4 examples. */
static void test_sha256_vectors(void **state)
{
    (void)state;
    expect_sha256("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect_sha256("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    char *million = malloc(1000000);
    memset(million, 'a', 1000000);
    expect_sha256(million, 1000000,
                  "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(million);
}

static void test_hex(void **state)
{
    (void)state;
    uint8_t bytes[256], back[256];
    char hex[513];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)i;
    crypto_hex(bytes, sizeof(bytes), hex);
    assert_int_equal(strlen(hex), 512);
    assert_memory_equal(hex + 0xab * 2, "ab", 2);
    assert_true(crypto_unhex(hex, 512, back));
    assert_memory_equal(back, bytes, sizeof(bytes));
    assert_true(crypto_unhex("AbCd", 4, back));
    assert_memory_equal(back, "\xab\xcd", 2);
    assert_true(crypto_unhex("", 0, back));
    assert_false(crypto_unhex("abc", 3, back));
    static const char *const bad[] = {"0g", "g0", " 1", "0x", "/0", ":0", "@0", "`0", "-1"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(crypto_unhex(bad[i], 2, back));
}

static void test_equal(void **state)
{
    (void)state;
    assert_true(crypto_equal("abc", "abc", 3));
    assert_false(crypto_equal("abc", "abd", 3));
    assert_false(crypto_equal("abc", "xbc", 3));
    assert_true(crypto_equal("abc", "xyz", 0));
}

static void test_tokens_differ(void **state)
{
    (void)state;
    char a[CRYPTO_TOKEN_SIZE], b[CRYPTO_TOKEN_SIZE];
    uint8_t bytes[CRYPTO_TOKEN_BYTES];
    crypto_token(a);
    crypto_token(b);
    assert_int_equal(strlen(a), CRYPTO_TOKEN_BYTES * 2);
    assert_true(crypto_unhex(a, strlen(a), bytes));
    assert_string_not_equal(a, b);
}

#define AAD "requester.phone"

static void test_seal_and_open(void **state)
{
    (void)state;
    uint8_t key[CRYPTO_KEY_SIZE];
    crypto_random(key, sizeof(key));
    for (size_t len = 0; len < 70; len++) {
        uint8_t data[70], out[70], sealed[70 + CRYPTO_SEAL_OVERHEAD];
        memset(data, (int)len, sizeof(data));
        memset(out, 0xee, sizeof(out));
        crypto_seal(key, AAD, data, len, sealed);
        assert_int_equal(sealed[0], 1);
        assert_true(crypto_open(key, AAD, sealed, len + CRYPTO_SEAL_OVERHEAD, out));
        assert_memory_equal(out, data, len);
        if (len < sizeof(out))
            assert_int_equal(out[len], 0xee); /* not a byte more */
    }
}

/* What is in a database has to stay readable: pinned with another implementation of AES-GCM. */
static void test_layout_is_pinned(void **state)
{
    (void)state;
    static const char hex[] =
        "016465666768696a6b6c6d6e6f7928e65649d966ae0e526f5211a7be6a05d08915066aec071c5a5d";
    uint8_t key[CRYPTO_KEY_SIZE], sealed[11 + CRYPTO_SEAL_OVERHEAD];
    char out[11];
    for (size_t i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)i;
    assert_int_equal(strlen(hex), 2 * sizeof(sealed));
    assert_true(crypto_unhex(hex, strlen(hex), sealed));
    assert_true(crypto_open(key, AAD, sealed, sizeof(sealed), out));
    assert_memory_equal(out, "13800000000", 11);
}

static void test_two_seals_of_one_text_differ(void **state)
{
    (void)state;
    static const uint8_t key[CRYPTO_KEY_SIZE] = {1};
    uint8_t a[5 + CRYPTO_SEAL_OVERHEAD], b[5 + CRYPTO_SEAL_OVERHEAD];
    crypto_seal(key, AAD, "hello", 5, a);
    crypto_seal(key, AAD, "hello", 5, b);
    assert_memory_not_equal(a, b, sizeof(a));
}

static void test_tampering_is_noticed(void **state)
{
    (void)state;
    uint8_t key[CRYPTO_KEY_SIZE] = {7};
    uint8_t sealed[5 + CRYPTO_SEAL_OVERHEAD];
    char out[5];
    crypto_seal(key, AAD, "hello", 5, sealed);
    for (size_t bit = 0; bit < sizeof(sealed) * 8; bit++) {
        sealed[bit / 8] ^= (uint8_t)(1U << bit % 8);
        memcpy(out, "xxxxx", 5);
        assert_false(crypto_open(key, AAD, sealed, sizeof(sealed), out));
        assert_memory_not_equal(out, "hello", 5);
        sealed[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    assert_true(crypto_open(key, AAD, sealed, sizeof(sealed), out));
    for (size_t len = 0; len < sizeof(sealed); len++)
        assert_false(crypto_open(key, AAD, sealed, len, out));
    assert_false(crypto_open(key, "requester.name", sealed, sizeof(sealed), out));
    assert_false(crypto_open(key, "", sealed, sizeof(sealed), out));
    key[31] ^= 1;
    assert_false(crypto_open(key, AAD, sealed, sizeof(sealed), out));
}

static void test_sha1_vectors(void **state)
{
    (void)state;
    static const char *const vectors[][2] = {
        {"", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
        {"abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
    };
    uint8_t digest[CRYPTO_SHA1_SIZE];
    char hex[2 * CRYPTO_SHA1_SIZE + 1];
    for (size_t i = 0; i < 2; i++) {
        crypto_sha1(vectors[i][0], strlen(vectors[i][0]), digest);
        crypto_hex(digest, sizeof(digest), hex);
        assert_string_equal(hex, vectors[i][1]);
    }
}

/* NIST SP 800-38A, F.2.5 and F.2.6, two blocks */
static void test_aes256_cbc_vectors(void **state)
{
    (void)state;
    uint8_t key[CRYPTO_KEY_SIZE], iv[CRYPTO_AES_BLOCK], plain[32], secret[32], out[32];
    assert_true(
        crypto_unhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", 64, key));
    assert_true(crypto_unhex("000102030405060708090a0b0c0d0e0f", 32, iv));
    assert_true(crypto_unhex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51", 64,
                             plain));
    assert_true(crypto_unhex("f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d", 64,
                             secret));
    crypto_aes256_cbc(true, key, iv, plain, sizeof(plain), out);
    assert_memory_equal(out, secret, sizeof(out));
    crypto_aes256_cbc(false, key, iv, secret, sizeof(secret), out);
    assert_memory_equal(out, plain, sizeof(out));
    crypto_aes256_cbc(true, key, iv, plain, 0, out); /* nothing is nothing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hmac_vectors),
        cmocka_unit_test(test_sha256_vectors),
        cmocka_unit_test(test_sha1_vectors),
        cmocka_unit_test(test_aes256_cbc_vectors),
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_equal),
        cmocka_unit_test(test_tokens_differ),
        cmocka_unit_test(test_seal_and_open),
        cmocka_unit_test(test_layout_is_pinned),
        cmocka_unit_test(test_two_seals_of_one_text_differ),
        cmocka_unit_test(test_tampering_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
