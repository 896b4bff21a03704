/*
 * onenet.h - the envelope of OneNET's HTTP push (China Mobile): is it genuine, what is in it. Pure.
 *
 * Two generations of the platform are about:
 *
 *   {"msg": "<text>", "signature": S, "nonce": N, ...}           msg a string; safe mode:
 * ciphertext
 *   {"msg": {...} | [...], "msg_signature": S, "nonce": N}       msg as it stands in the body
 *   {"enc_msg": "<ciphertext>", "msg_signature": S, "nonce": N}  its safe mode
 *
 * S = Base64(MD5(token, N, the bytes of msg)), N has 8 characters. A signature travels in query
 * strings and forms without escapes, so a blank in it was a '+', and its '=' may be missing.
 *
 * MD5 with the secret in front can be lengthened by those who know one signed message, but only
 * by bytes that are no JSON; because of the fixed length of N nothing can move between N and msg.
 * `id` and `time` beside msg are not signed: nothing here looks at them.
 *
 * Ciphertext is Base64 of AES-CBC with PKCS#7. A key of 16 characters: AES-128, the IV is the key.
 * One of 43 characters of Base64: AES-256, the IV is its first half, and in front of the message
 * are 16 random bytes and its length in 4 bytes, big-endian (as WeChat does it).
 */
#ifndef PROTO_ONENET_H
#define PROTO_ONENET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/crypto.h"
#include "proto/json.h"

#define ONENET_NONCE_LENGTH 8
#define ONENET_SIGNATURE_SIZE 25 /* Base64 of an MD5, and NUL */
#define ONENET_KEY_LENGTH 16
#define ONENET_LONG_KEY_LENGTH 43

struct onenet_push {
    const char *text; /* what is signed: a JSON text, or ciphertext */
    size_t len;
    const char *nonce, *signature;
};
/* Memory is the arena's, or the body's, which has to live as long. Faults: what is missing. */
MUST_CHECK bool onenet_push_parse(const char *body, size_t len, struct arena *arena,
                                  struct onenet_push *push_r, struct faults *faults);

void onenet_sign(const char *token, const char *nonce, const void *text, size_t len,
                 char out[ONENET_SIGNATURE_SIZE]);
/* In constant time for what looks like a signature; NULL never fits. */
MUST_CHECK bool onenet_signature_fits(const char *signature, const char *token, const char *nonce,
                                      const void *text, size_t len);

/* 16 characters of visible ASCII, or 43 of Base64. */
MUST_CHECK bool onenet_key_valid(const char *key);
/* Whether a signed text is one, or a JSON text. */
bool onenet_is_cipher(const char *text, size_t len);
/*
 * The message, NUL-terminated, of the arena; NULL whatever was wrong: Base64, length or padding.
 * Only of what a signature vouches for, so that nobody can use us to find out which.
 */
char *onenet_decrypt(const char *key, const char *cipher, size_t len, struct arena *arena,
                     size_t *len_r);

#endif
