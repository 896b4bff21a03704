/*
 * pii.c - the key file, sealing, the blind index.
 */
#include "daemon/pii.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#define KEY_FILE_BYTES (2 * CRYPTO_KEY_SIZE)

static bool write_file(const char *path, const uint8_t keys[KEY_FILE_BYTES])
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0)
        return false;
    bool is_good = write(fd, keys, KEY_FILE_BYTES) == KEY_FILE_BYTES && fsync(fd) == 0;
    return close(fd) == 0 && is_good;
}

static bool sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return false;
    bool is_good = fsync(fd) == 0;
    return close(fd) == 0 && is_good;
}

/* Whole or not at all, and there for good before anything is sealed with it. */
static bool write_keys(const char *folder, const char *path, const uint8_t keys[KEY_FILE_BYTES])
{
    char *fresh = xasprintf("%s.new", path);
    bool is_good = write_file(fresh, keys) && rename(fresh, path) == 0 && sync_folder(folder);

    free(fresh);
    return is_good;
}

/* 1 read, 0 there is none, -1 something is wrong with it */
static int read_keys(const char *path, uint8_t keys[KEY_FILE_BYTES])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    ssize_t got = read(fd, keys, KEY_FILE_BYTES);
    (void)close(fd);
    if (got != KEY_FILE_BYTES)
        errno = EINVAL;
    return got == KEY_FILE_BYTES ? 1 : -1;
}

bool pii_load_keys(struct daemon *d, char **error_r)
{
    char *path = xasprintf("%s/secret.key", d->settings.data);
    uint8_t keys[KEY_FILE_BYTES];
    int found = read_keys(path, keys);

    if (found == 0) {
        crypto_random(keys, sizeof(keys));
        found = write_keys(d->settings.data, path, keys) ? 1 : -1;
    }
    if (found < 0)
        *error_r = xasprintf("%s: %s", path, strerror(errno));
    memcpy(d->seal_key, keys, CRYPTO_KEY_SIZE);
    memcpy(d->index_key, keys + CRYPTO_KEY_SIZE, CRYPTO_KEY_SIZE);
    explicit_bzero(keys, sizeof(keys));
    free(path);
    return found > 0;
}

void pii_phone_index(const struct daemon *d, const char *canonical, uint8_t out[CRYPTO_SHA256_SIZE])
{
    crypto_hmac_sha256(d->index_key, sizeof(d->index_key), canonical, strlen(canonical), out);
}

const uint8_t *pii_seal(const struct daemon *d, const char *aad, const char *text,
                        struct arena *arena, size_t *len_r)
{
    *len_r = 0;
    if (!text)
        return NULL;
    size_t len = strlen(text);
    uint8_t *sealed = arena_alloc(arena, len + CRYPTO_SEAL_OVERHEAD);
    crypto_seal(d->seal_key, aad, text, len, sealed);
    *len_r = len + CRYPTO_SEAL_OVERHEAD;
    return sealed;
}

const char *pii_open(const struct daemon *d, const char *aad, const uint8_t *sealed, size_t len,
                     struct arena *arena)
{
    if (!sealed || len < CRYPTO_SEAL_OVERHEAD)
        return NULL;
    char *text = arena_alloc(arena, len - CRYPTO_SEAL_OVERHEAD + 1);
    if (crypto_open(d->seal_key, aad, sealed, len, text))
        return text;
    log_limited(LOG_LEVEL_ERROR, "pii", "a sealed column does not open: another key? column=%s",
                aad);
    return NULL;
}
