/*
 * utf8.h - strict UTF-8 (RFC 3629; Unicode table 3-7) and terminal width.
 *
 * json-c lets overlong forms and surrogates through and PostgreSQL then refuses them, so every
 * text is checked here before anything is acknowledged.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No overlong forms, no surrogates, nothing above U+10FFFF. NUL is valid UTF-8: check it apart. */
bool utf8_valid(const char *s, size_t len);
/* Code points of a valid string. */
size_t utf8_length(const char *s, size_t len);
/* Decodes one code point of a valid string, returns its bytes (1..4); 0 at the end. */
size_t utf8_next(const char *s, size_t len, uint32_t *cp_r);
/* Columns in a terminal: East Asian wide and fullwidth 2, combining 0, else 1. */
int utf8_cp_width(uint32_t cp);
size_t utf8_width(const char *s, size_t len);
/* Bytes of the longest prefix that is at most `columns` wide. */
size_t utf8_prefix_of_width(const char *s, size_t len, size_t columns);

#endif
