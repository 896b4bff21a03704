/*
 * pii.h - personal data: sealed in columns, phones searchable by a keyed hash.
 *
 * The keys are made at the first start and kept in DATA/secret.key (mode 0600), apart from the
 * database: a stolen dump tells nobody's name. Lose the file and the sealed columns are lost.
 */
#ifndef DAEMON_PII_H
#define DAEMON_PII_H

#include <stdbool.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "daemon/daemon.h"

/* Reads or makes the key file. false and a text (caller frees). */
MUST_CHECK bool pii_load_keys(struct daemon *d, char **error_r);
/* canonical: phone_normalise()'s result. */
void pii_phone_index(const struct daemon *d, const char *canonical,
                     uint8_t out[CRYPTO_SHA256_SIZE]);
/* Sealed bytes in arena; text NULL gives NULL and *len_r 0. */
const uint8_t *pii_seal(const struct daemon *d, const char *aad, const char *text,
                        struct arena *arena, size_t *len_r);

/*
 * What was sealed, as a string in arena; NULL for NULL. What does not open (another key, a changed
 * byte) is NULL too and logged by its column, never by its content.
 */
const char *pii_open(const struct daemon *d, const char *aad, const uint8_t *sealed, size_t len,
                     struct arena *arena);

#endif
