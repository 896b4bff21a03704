/*
 * cursor.h - opaque places in a list, given out and taken back.
 *
 * A cursor is a few integers and a short keyed tag over them and the scope, the query they belong
 * to. One that was made up, changed, or taken from another query or another account's view does not
 * parse.
 */
#ifndef DAEMON_CURSOR_H
#define DAEMON_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/crypto.h"

#define CURSOR_MAX_FIELDS 3
#define CURSOR_TAG_BYTES 8
#define CURSOR_SIZE ((CURSOR_MAX_FIELDS * 8 + CURSOR_TAG_BYTES) * 2 + 1) /* lower-case hex, NUL */

void cursor_format(const uint8_t key[CRYPTO_KEY_SIZE], const char *scope, const int64_t *fields,
                   size_t count, char out[CURSOR_SIZE]);
MUST_CHECK bool cursor_parse(const uint8_t key[CRYPTO_KEY_SIZE], const char *scope,
                             const char *text, int64_t *fields_r, size_t count);

#endif
