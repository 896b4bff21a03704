/*
 * account_names.c - see account_names.h.
 */
#include "daemon/account_names.h"

#include <stdio.h>
#include <string.h>

#include "base/crypto.h"

#define PREFIX "unit-"
#define SUFFIX_BYTES 4 /* of the hash */

static const char name_bytes[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@-";

bool account_name_valid(const char *name)
{
    size_t len = strspn(name, name_bytes);

    return len >= 1 && len <= ACCOUNT_NAME_MAX && name[len] == '\0';
}

static char *cleaned(const char *code, struct arena *arena)
{
    char *name = arena_printf(arena, PREFIX "%s", code);

    for (char *s = name; *s; s++) {
        if (!strchr(name_bytes, *s))
            *s = '-';
    }
    return name;
}

static char *with_hash(const char *name, const char *code, struct arena *arena)
{
    uint8_t hash[CRYPTO_SHA256_SIZE];
    char hex[2 * SUFFIX_BYTES + 1];

    crypto_sha256(code, strlen(code), hash);
    crypto_hex(hash, SUFFIX_BYTES, hex);
    return arena_printf(arena, "%.*s-%s", (int)(ACCOUNT_NAME_MAX - sizeof(hex)), name, hex);
}

const char *account_unit_name(const char *code, struct map *taken, struct arena *arena)
{
    char *name = cleaned(code, arena);

    if (strlen(name) > ACCOUNT_NAME_MAX || map_gets(taken, name))
        name = with_hash(name, code, arena);
    map_puts(taken, name, name);
    return name;
}
