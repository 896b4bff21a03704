/*
 * WeChat's signatures and encryption: the vectors that its own samples and documents publish (A to
 * E), more of them that two independent programs agreed on (F), and every padding.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"
#include "proto/wechat_crypto.h"
#include "proto/wechat_xml.h"

#define KEY_A "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
#define KEY_B "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
#define KEY_E "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define KEY_F "Q7mE0vN3xT9kWcB5yJ2hLs8dRfU6aGpZ1oIqXnVtM4w"

static const char cipher_c[] =
    "hyzAe4OzmOMbd6TvGdIOO6uBmdJoD0Fk53REIHvxYtJlE2B655HuD0m8KUePWB3+LrPXo87wzQ1QLvbeUgmBM4x6F8PG"
    "HQHFVAFmOD2LdJF9FrXpbUAh0B5GIItb52sn896wVsMSHGuPE328HnRGBcrS7C41IzDWyWNlZkyyXwon8T332jisa+h6"
    "tEDYsVticbSnyU8dKOIbgU6ux5VTjg3yt+WGzjlpKn6NPhRjpA912xMezR4kw6KWwMrCVKSVCZciVGCgavjIQ6X8tCOp"
    "3yZbGpy0VxpAe+77TszTfRd5RJSVO/HTnifJpXgCSUdUue1v6h0EIBYYI1BD1DlD+C0CR8e6OewpusjZ4uBl9FyJvnhv"
    "Ql+q5rv1ixrcpCumEPo5MJSgM9ehVsNPfUM669WuMyVWQLCzpu9GhglF2PE=";
static const char cipher_d[] =
    "mfBCs65c67CeJw22u4VT2TD73q5H06+ocrAIxswCaeZ/d/Lw0msSZFHY0teqgSYiI1zR2gD2DKrB3TIrmX/liNSDrGqS"
    "8jSI/WPeKB5VPr7Ezr7gomZAyGCwJSgT1TRFWPfONGJMxuj2nk4faTuspAuVIFQ6SHwZuJBZC7mcJp7Cgr9cUhATQWDb"
    "OPaE7ukZBTV2YqyzH+UI2AK+J1S47cE79k1RX8t0hcTz/O0hlK8DGXKnvYv88qKQcI7z4iaajqHfRVZKBNyOODabs+It"
    "+ZfM3dWTeFcPgDbGtIEnpt/EDtuuA/zMvtkaKdHdswPnVZQ+xdwbYr3ldGvfT8HlEYEgkgKaThxTFobVlwzu2ZkXCjic"
    "bP3xdr15Iq48ObgzPpqYuZ3IEoyggZDKClquk0u0orMck4GTF/XyE8yGzc4=";
static const char cipher_e[] =
    "D7yzvUNAL930rd28wf21s4hvXhz0L6Uit/p2Di6C5DHyYGpEgdBRnKjBec34JwoQXicwaZC7fOVihW80F4VtsdvE//1v"
    "r7oAbqjDv8KenVp+ajKYpJnyQ4zMRhIC+a31fCVOMC03FfzV/QuC94kBP55a+Za3sJgvAn+ZbsNqZI5DkyuzkhQN8OBq"
    "CzFhizGmy0xpM0MEA4agpvE+RuNO1rhHTtuJB5yltw1FiYzecSXJ+y/D2r81VkRn2eYjh2ltsoyfbDR7Is6ookXIFxTf"
    "yeNyeHxMeT4KN5WpCDmSbTcUYrbBUlkGLJ9n/rU8YOywma6G7aTb7KZKOqCxgfoUlYEZPk4FUL/TK7ShriFDMVCLyjQJ"
    "15Ob++agDWtcxhfUfe6HIoIpRW8mKNBQiY/Jd1svvuskA1wLef1RTtzKfMpagSCX/laZINmdnX4zrF6kIaR9P4xQrWXb"
    "sTFHTYe0Mg==";
static const char cipher_f[] =
    "9zJlogAVtOd1+sP2qn4+ZW2RVKqSFlHEt8U3UfPNVztj3oUtZdFP/25w0g7IdekMYXn+MaKWuWEb+0K69gA4hJkvgy4k"
    "imjJfLNYo8Dt+wJI1HPURbHDDniaC+3KecIWWX0fbfpR5LCRcZ2UoKKzVU9OWSnCZEJAEDClMrksGwr529FxpqSlMEJw"
    "nAv5LhJYOoDODKiuQG8A2qUUOQmD/MBqu4LacQ3nz+p9f3IZ4J95vIBTxgz+RWaTcBcCcx2UiJBwX+kzEq4yJzgGQBMG"
    "BKHJ4CXWD999FRGCTgiuRKTwSAemsNY6FEnAaq427n7WhN2YHBgHl+mf/zMEsMmFLoH002ugUwqizY/ueOnCjap+SWkt"
    "C1TTG/vYebaRCjLzjzhVbtvc3jtbSDiTescBgF+4yqxs7jNK+LYiHWQg0TQbiaRbm/IBEc65StE7aOuS5VhzyWR10FbY"
    "SiXxu+gEaA==";

static const struct vector {
    const char *name, *token, *key, *id, *timestamp, *nonce, *cipher, *signature;
    size_t len;         /* of the message */
    const char *needle; /* in the message */
} vectors[] = {
    {"A", "pamtest", KEY_A, "wxb11529c136998cb6", "1409304348", "xxxxxx",
     "jn1L23DB+6ELqJ+6bruv21Y6MD7KeIfP82D6gU39rmkgczbWwt5+3bnyg5K55bgVtVzd832WzZGMhkP72vVOfg==",
     "82c962d39941aa48552f90ef55aa323dc620cc10", 19, "我是中文abcd123"},
    {"B", "QDG6eK", KEY_B, "wx5823bf96d3bd56c7", "1409659589", "263014780",
     "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==",
     "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3", 19, "1616140317555161061"},
    {"C", "spamtest", KEY_A, "wx2c2769f8efd9abc2", "1409735669", "1320562132", cipher_c,
     "5d197aaffba7e9b25a30732f161a50dee96bd5fa", 280, "<MsgId>6054768590064713728</MsgId>"},
    {"D", "spamtest", KEY_A, "wx2c2769f8efd9abc2", "1410349438", "298025754", cipher_d,
     "003fee52ecc56afb46c00b5c7721be87860ce785", 0, "<MsgId>6057404712141979648</MsgId>"},
    {"E", "AAAAA", KEY_E, "wx134c8103faa5a59e", "1715943329", "1590219412", cipher_e,
     "6c12a4205838198b8fa631b3220723bb07f1015c", 292, "debug_demo"},
    {"F", "hotline12345token", KEY_F, "wx12345ab67cd89ef01", "1760000001", "987654321", cipher_f,
     "442826d65bb5372f9db6ae3a98af68c5a09f9130", 293, "小区路灯不亮，请尽快维修"},
    {"F echostr", "hotline12345token", KEY_F, "wx12345ab67cd89ef01", "1760000001", "987654321",
     "9zJlogAVtOd1+sP2qn4+ZcPOtjlacGjPmWgexJzkieOo7Xtharckx55cEaCbLqoo+DcYzBcq8Cc/+MMi7+ueZQ==",
     "bc38fcb229454863857e4c88ae8384b01b1e9562", 19, "5927782489442352469"},
};

static void published_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        const struct vector *v = &vectors[i];
        struct arena *arena = arena_new();
        uint8_t key[CRYPTO_KEY_SIZE];
        size_t len;
        assert_true(wechat_key_decode(v->key, key));
        assert_true(
            wechat_signature_fits(v->signature, v->token, v->timestamp, v->nonce, v->cipher));
        char *message = wechat_decrypt(key, v->id, v->cipher, arena, &len);
        assert_non_null(message);
        assert_int_equal(len, strlen(message));
        assert_true(v->len == 0 || v->len == len);
        assert_non_null(strstr(message, v->needle));
        arena_free(&arena);
    }
}

static void messages_of_the_vectors_are_read(void **state)
{
    static const struct {
        size_t vector;
        const char *type, *content, *event;
    } expected[] = {{2, "text", "abcdteT", NULL},
                    {5, "text", "小区路灯不亮，请尽快维修", NULL},
                    {4, "event", NULL, "debug_demo"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        const struct vector *v = &vectors[expected[i].vector];
        struct arena *arena = arena_new();
        struct wechat_message m;
        uint8_t key[CRYPTO_KEY_SIZE];
        size_t len;
        assert_true(wechat_key_decode(v->key, key));
        char *text = wechat_decrypt(key, v->id, v->cipher, arena, &len);
        assert_int_equal(wechat_xml_parse(text, len, arena, &m), WECHAT_PARSED);
        assert_string_equal(m.type, expected[i].type);
        if (expected[i].content)
            assert_string_equal(m.content, expected[i].content);
        if (expected[i].event)
            assert_string_equal(m.event, expected[i].event);
        arena_free(&arena);
    }
}

static void signatures_of_three_parts(void **state)
{
    static const char good[] = "f464b24fc39322e44b38aa78f5edd27bd1441696";
    char bad[sizeof(good)];

    (void)state;
    assert_true(wechat_signature_fits(good, "AAAAA", "1714036504", "1514711492", NULL));
    assert_true(wechat_signature_fits("76480565cbe296026c53aaacd1ad523a1ddba24f", "pamtest",
                                      "1409304348", "xxxxxx", NULL));
    for (size_t i = 0; i < sizeof(good) - 1; i++) {
        memcpy(bad, good, sizeof(good));
        bad[i] = bad[i] == '0' ? '1' : '0';
        assert_false(wechat_signature_fits(bad, "AAAAA", "1714036504", "1514711492", NULL));
        bad[i] = '\0'; /* every shorter one */
        assert_false(wechat_signature_fits(bad, "AAAAA", "1714036504", "1514711492", NULL));
    }
    assert_false(wechat_signature_fits(NULL, "AAAAA", "1714036504", "1514711492", NULL));
    assert_false(wechat_signature_fits(good, "AAAAA", NULL, "1514711492", NULL));
    assert_false(wechat_signature_fits(good, "AAAAA", "1714036504", NULL, NULL));
}

static void reply_of_the_document(void **state)
{
    static const char message[] = "<xml><demo_resp>[CDATA[good luck]]</demo_resp></xml>";
    struct arena *arena = arena_new();
    char signature[WECHAT_SIGNATURE_SIZE];
    uint8_t key[CRYPTO_KEY_SIZE];

    (void)state;
    assert_true(wechat_key_decode(KEY_E, key));
    char *cipher = wechat_encrypt(key, "wx134c8103faa5a59e", (const uint8_t *)"999951349e8ee746",
                                  message, strlen(message), arena);
    assert_string_equal(
        cipher,
        "hE8R6mGXHkJJjU72KxzKUd1GEkKJaEZq7vRL8XgK3o+00k8JGq6+pZJUIlTSyhsX+bxIBQ72g3GyvDdIZcr6"
        "+3HAZbSvPT9t/o11MI7d6WELwqrGd7jMnV0zv3Zc9Nq7");
    wechat_sign("AAAAA", "1713424427", "415670741", cipher, signature);
    assert_string_equal(signature, "03e0812039325c2712ef5f0f980fd14c70d6e307");
    arena_free(&arena);
}

static void paddings_of_vector_f(void **state)
{
    static const struct {
        size_t len;
        const char *cipher, *signature;
    } pads[] = {
        {24,
         "9zJlogAVtOd1+sP2qn4+ZbKwi62jCzByNAw+VORoG9NhP0e07yv50t53pYfy9kouw404kJNSKROn02adJjMqEQ==",
         "184e5124fd8f372368138e9b8e6100c596d37376"},
        {9,
         "9zJlogAVtOd1+sP2qn4+ZVLzlJmyMPj64uJQFnWKykLWQxuf/IFEjRnAGPjG5TaFnH1SE24SzeDkCjom0EHqgA==",
         "f18254ba78161da9d8a09e8a5abdfbc178071783"},
        {8,
         "9zJlogAVtOd1+sP2qn4+Zb69N5Ap6eKsi7J3TbV7eVYsnThQZp59arOz9CmC1e7sy/cuygwB3PNXYsSENhw6Iw==",
         "30f469cf589dba69faf042fa40c3c1e024dc2fc2"},
        {25,
         "9zJlogAVtOd1+sP2qn4+ZZMXRGjSu49BSRe3h/7q130SRxcP75Gy6f/"
         "3AoMUigvpMduEoels+5lHzD8oTAhfzvFb4BfvMyLjR+oZRoCM8q730Hz5NAljyDekDnVXSuid",
         "2fc9b83b6fa11f9f5e476134e49a77038c2189ea"},
    };
    char message[33];
    uint8_t key[CRYPTO_KEY_SIZE];

    (void)state;
    memset(message, 'p', sizeof(message));
    assert_true(wechat_key_decode(KEY_F, key));
    for (size_t i = 0; i < ARRAY_LEN(pads); i++) {
        struct arena *arena = arena_new();
        char signature[WECHAT_SIGNATURE_SIZE];
        assert_string_equal(wechat_encrypt(key, "wx12345ab67cd89ef01",
                                           (const uint8_t *)"0123456789abcdef", message,
                                           pads[i].len, arena),
                            pads[i].cipher);
        wechat_sign("hotline12345token", "1760000001", "987654321", pads[i].cipher, signature);
        assert_string_equal(signature, pads[i].signature);
        arena_free(&arena);
    }
}

/* Every length of padding, and every single byte of it wrong. */
static void every_padding(void **state)
{
    uint8_t key[CRYPTO_KEY_SIZE];
    bool seen[33] = {false};
    char message[64];
    size_t len;

    (void)state;
    memset(message, 'x', sizeof(message));
    assert_true(wechat_key_decode(KEY_B, key));
    for (size_t n = 0; n < 64; n++) {
        struct arena *arena = arena_new();
        size_t pad = 32 - (20 + n + 4) % 32;
        char *cipher =
            wechat_encrypt(key, "corp", (const uint8_t *)"0123456789abcdef", message, n, arena);
        char *back = wechat_decrypt(key, "corp", cipher, arena, &len);
        assert_non_null(back);
        assert_int_equal(len, n);
        assert_memory_equal(back, message, n);
        assert_null(wechat_decrypt(key, "corq", cipher, arena, &len));
        assert_null(wechat_decrypt(key, "cor", cipher, arena, &len));
        assert_null(wechat_decrypt(key, "", cipher, arena, &len));
        seen[pad] = true;
        arena_free(&arena);
    }
    for (size_t pad = 1; pad <= 32; pad++)
        assert_true(seen[pad]);
}

/* A plaintext of our choice, encrypted as it is. */
static char *crafted(const uint8_t key[CRYPTO_KEY_SIZE], const uint8_t *plain, size_t len,
                     struct arena *arena)
{
    uint8_t *cipher = arena_alloc(arena, len);
    char *text = arena_alloc(arena, BASE64_LENGTH(len) + 1);

    crypto_aes256_cbc(true, key, key, plain, len, cipher);
    base64_encode(cipher, len, text);
    return text;
}

static void hostile_plaintexts(void **state)
{
    uint8_t key[CRYPTO_KEY_SIZE], plain[64], good[64];
    struct arena *arena = arena_new();
    size_t len;

    (void)state;
    assert_true(wechat_key_decode(KEY_B, key));
    memset(good, 'm', sizeof(good));
    memset(good + 16, 0, 4);
    good[19] = 20; /* the message; then the receiver's id of 4 bytes, then 20 bytes of padding */
    memcpy(good + 40, "corp", 4);
    memset(good + 44, 20, 20);
    assert_non_null(wechat_decrypt(key, "corp", crafted(key, good, 64, arena), arena, &len));
    for (size_t i = 44; i < 64; i++) { /* one byte of the padding is another */
        memcpy(plain, good, sizeof(good));
        plain[i] ^= 1;
        assert_null(wechat_decrypt(key, "corp", crafted(key, plain, 64, arena), arena, &len));
    }
    static const uint8_t pads[] = {0, 33, 64, 255};
    for (size_t i = 0; i < sizeof(pads); i++) {
        memcpy(plain, good, sizeof(good));
        plain[63] = pads[i];
        assert_null(wechat_decrypt(key, "corp", crafted(key, plain, 64, arena), arena, &len));
    }
    static const uint32_t lengths[] = {0, 19, 21, 24, 25, 0x7fffffff, 0x80000000, 0xffffffff};
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        memcpy(plain, good, sizeof(good));
        for (int b = 0; b < 4; b++)
            plain[16 + b] = (uint8_t)(lengths[i] >> (24 - 8 * b));
        assert_null(wechat_decrypt(key, "corp", crafted(key, plain, 64, arena), arena, &len));
    }
    memset(plain, 32, 32); /* nothing but padding */
    assert_null(wechat_decrypt(key, "", crafted(key, plain, 32, arena), arena, &len));
    memset(plain, 13, 32); /* padding that leaves less than the head */
    assert_null(wechat_decrypt(key, "", crafted(key, plain, 32, arena), arena, &len));
    arena_free(&arena);
}

static void truncated_and_damaged_ciphertexts(void **state)
{
    const struct vector *v = &vectors[2];
    uint8_t key[CRYPTO_KEY_SIZE];
    char cipher[sizeof(cipher_c)];
    size_t len;

    (void)state;
    assert_true(wechat_key_decode(v->key, key));
    for (size_t n = 0; n < sizeof(cipher_c) - 1; n++) {
        struct arena *arena = arena_new();
        memcpy(cipher, cipher_c, n);
        cipher[n] = '\0';
        assert_false(wechat_signature_fits(v->signature, v->token, v->timestamp, v->nonce, cipher));
        assert_null(wechat_decrypt(key, v->id, cipher, arena, &len));
        arena_free(&arena);
    }
}

static void keys(void **state)
{
    static const char *const bad[] = {"", "short", KEY_A "A",
                                      "abcdefghijklmnopqrstuvwxyz0123456789ABCDE=",
                                      "abcdefghijklmnopqrstuvwxyz0123456789ABCDE+/"};
    uint8_t key[CRYPTO_KEY_SIZE];
    char hex[2 * CRYPTO_KEY_SIZE + 1];

    (void)state;
    assert_true(wechat_key_decode(KEY_A, key));
    crypto_hex(key, sizeof(key), hex);
    assert_string_equal(hex, "69b71d79f8218a39259a7a29aabb2dbafc31cb3d35db7e39ebbf3d0010831051");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(wechat_key_decode(bad[i], key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_vectors),
        cmocka_unit_test(messages_of_the_vectors_are_read),
        cmocka_unit_test(signatures_of_three_parts),
        cmocka_unit_test(reply_of_the_document),
        cmocka_unit_test(paddings_of_vector_f),
        cmocka_unit_test(every_padding),
        cmocka_unit_test(hostile_plaintexts),
        cmocka_unit_test(truncated_and_damaged_ciphertexts),
        cmocka_unit_test(keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
