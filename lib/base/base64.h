/*
 * base64.h - RFC 4648 section 4, strictly: no blanks, no line breaks, padding only at the end.
 *
 * Spare bits of the last character may be set: keys that people were given have such an end
 * (43 characters for 256 bits), and refusing them would refuse the key.
 */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

/* Characters of len bytes, without the NUL. */
#define BASE64_LENGTH(len) (((len) + 2) / 3 * 4)
/* Bytes that text_len characters can become at most. */
#define BASE64_BYTES(text_len) ((text_len) / 4 * 3 + 3)

/* out has BASE64_LENGTH(len) + 1 characters. */
void base64_encode(const void *data, size_t len, char *out);
/* out has BASE64_BYTES(text_len) bytes. false: no base64; what is in out then means nothing. */
MUST_CHECK bool base64_decode(const char *text, size_t text_len, void *out, size_t *len_r);

#endif
