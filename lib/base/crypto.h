/*
 * crypto.h - the only door to OpenSSL besides TLS in lib/net.
 *
 * Failures of the library itself (no entropy, no memory) abort: there is nothing sensible to do.
 */
#ifndef BASE_CRYPTO_H
#define BASE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

#define CRYPTO_SHA256_SIZE 32
#define CRYPTO_SHA1_SIZE 20
#define CRYPTO_MD5_SIZE 16
#define CRYPTO_AES_BLOCK 16
#define CRYPTO_KEY_SIZE 32
#define CRYPTO_TOKEN_BYTES 16                          /* 128 bits */
#define CRYPTO_TOKEN_SIZE (CRYPTO_TOKEN_BYTES * 2 + 1) /* as lower-case hex with NUL */
/* Bytes that crypto_seal() adds: version 1, nonce 12, tag 16. */
#define CRYPTO_SEAL_OVERHEAD 29

void crypto_random(void *out, size_t len);
void crypto_sha256(const void *data, size_t len, uint8_t out[CRYPTO_SHA256_SIZE]);
/* Only for protocols that prescribe it. */
void crypto_sha1(const void *data, size_t len, uint8_t out[CRYPTO_SHA1_SIZE]);
void crypto_md5(const void *data, size_t len, uint8_t out[CRYPTO_MD5_SIZE]);
void crypto_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                        uint8_t out[CRYPTO_SHA256_SIZE]);
/* Same time whatever the contents; lengths are not secret. */
bool crypto_equal(const void *a, const void *b, size_t len);
/* Lower case; out has 2 * len + 1 bytes. */
void crypto_hex(const void *data, size_t len, char *out);
MUST_CHECK bool crypto_unhex(const char *hex, size_t hex_len, void *out);
/* A fresh bearer token as hex. */
void crypto_token(char out[CRYPTO_TOKEN_SIZE]);
/*
 * AES-256-GCM, nonce random, layout: version byte 1 | nonce 12 | ciphertext | tag 16.
 * aad binds the text to its place (e.g. "requester.phone"), so columns cannot be swapped.
 * out has len + CRYPTO_SEAL_OVERHEAD bytes.
 */
void crypto_seal(const uint8_t key[CRYPTO_KEY_SIZE], const char *aad, const void *data, size_t len,
                 uint8_t *out);
/* out has sealed_len - CRYPTO_SEAL_OVERHEAD bytes; false if it was not sealed by this key and aad.
 */
MUST_CHECK bool crypto_open(const uint8_t key[CRYPTO_KEY_SIZE], const char *aad, const void *sealed,
                            size_t sealed_len, void *out);

/*
 * AES-CBC without padding, for protocols that prescribe it: len is a multiple of
 * CRYPTO_AES_BLOCK (INVARIANT), out has as many bytes. It vouches for nothing: check a signature
 * first.
 */
void crypto_aes256_cbc(bool is_encrypting, const uint8_t key[CRYPTO_KEY_SIZE],
                       const uint8_t iv[CRYPTO_AES_BLOCK], const void *data, size_t len, void *out);
void crypto_aes128_cbc(bool is_encrypting, const uint8_t key[CRYPTO_AES_BLOCK],
                       const uint8_t iv[CRYPTO_AES_BLOCK], const void *data, size_t len, void *out);

#endif
