/*
 * wechat_crypto.h - signatures and encryption of WeChat's message push, for Official Accounts and
 * WeCom. Pure.
 *
 * Signature: hex(SHA-1(the parts, sorted by bytes, without anything between them)); of token,
 * timestamp, nonce (`signature`), and with the ciphertext as fourth part (`msg_signature`).
 *
 * Ciphertext: Base64(AES-256-CBC(16 random bytes, length of the message in 4 bytes big-endian,
 * message, receiver's id, padding)). The padding is PKCS#7 to blocks of 32 bytes, 1 to 32 of them:
 * what AES libraries take for padding ends at 16. The IV is the first half of the key. The
 * receiver is the AppID, of WeCom the CorpID.
 */
#ifndef PROTO_WECHAT_CRYPTO_H
#define PROTO_WECHAT_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "base/crypto.h"

#define WECHAT_AES_KEY_LENGTH 43 /* characters of an EncodingAESKey: A-Z a-z 0-9 */
#define WECHAT_SIGNATURE_SIZE (2 * CRYPTO_SHA1_SIZE + 1)
#define WECHAT_RANDOM_SIZE 16
#define WECHAT_BODY_MAX ((size_t)64 << 10)

/* false: not 43 letters and digits. */
MUST_CHECK bool wechat_key_decode(const char *text, uint8_t key[CRYPTO_KEY_SIZE]);
/* encrypt NULL: of three parts. */
void wechat_sign(const char *token, const char *timestamp, const char *nonce, const char *encrypt,
                 char out[WECHAT_SIGNATURE_SIZE]);
/* In constant time; any argument but encrypt may be NULL, which never fits. */
bool wechat_signature_fits(const char *signature, const char *token, const char *timestamp,
                           const char *nonce, const char *encrypt);
/*
 * The message, NUL-terminated, of the arena; NULL whatever was wrong: base64, length, padding or
 * receiver. Only of what a signature vouches for, so that nobody can use us to find out which.
 */
char *wechat_decrypt(const uint8_t key[CRYPTO_KEY_SIZE], const char *receiver, const char *encrypt,
                     struct arena *arena, size_t *len_r);
/* Base64, of the arena. */
char *wechat_encrypt(const uint8_t key[CRYPTO_KEY_SIZE], const char *receiver,
                     const uint8_t random[WECHAT_RANDOM_SIZE], const char *message, size_t len,
                     struct arena *arena);

#endif
