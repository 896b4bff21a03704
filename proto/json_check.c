#include "proto/json_check.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/utf8.h"

/* More than faults_add() keeps of a path, so the cut between characters is left to it. */
#define PATH_KEY_BYTES ((size_t)256)

/* Where we are, for the path of a fault. */
struct level {
    bool in_array;
    size_t index;         /* of the array */
    struct json_span key; /* of the object, as written */
};

struct seen_key {
    uint64_t hash;
    struct json_span key;
};

struct checker {
    const char *p;
    const char *end;
    struct faults *faults;
    unsigned depth;
    struct level levels[JSON_MAX_DEPTH];
    /* Keys of all open objects, innermost last: each object sorts and drops its own at its end. */
    struct seen_key *keys;
    size_t key_count;
    size_t key_cap;
    struct sbuf unescaped;
};

static bool check_value(struct checker *c);

/* ---- faults --------------------------------------------------------------------------------- */

/* Adds the fault with the path of the levels that are open; returns false for the caller's use. */
static bool refuse(struct checker *c, const char *reason)
{
    struct sbuf path;
    sbuf_init(&path, 0);
    for (unsigned i = 0; i < c->depth; i++) {
        const struct level *l = &c->levels[i];
        if (l->in_array) {
            sbuf_addf(&path, "[%zu]", l->index);
        } else if (l->key.start != NULL) {
            sbuf_adds(&path, path.len > 0 ? "." : "");
            sbuf_add(&path, l->key.start,
                     l->key.len < PATH_KEY_BYTES ? l->key.len : PATH_KEY_BYTES);
        }
    }
    faults_add(c->faults, path.data, reason);
    sbuf_free(&path);
    return false;
}

/* ---- strings -------------------------------------------------------------------------------- */

static bool take_hex4(struct checker *c, uint32_t *unit_r)
{
    uint32_t unit = 0;
    if (c->end - c->p < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        char ch = c->p[i];
        uint32_t digit;
        if (ch >= '0' && ch <= '9')
            digit = (uint32_t)(ch - '0');
        else if (ch >= 'a' && ch <= 'f')
            digit = (uint32_t)(ch - 'a') + 10;
        else if (ch >= 'A' && ch <= 'F')
            digit = (uint32_t)(ch - 'A') + 10;
        else
            return false;
        unit = unit << 4 | digit;
    }
    c->p += 4;
    *unit_r = unit;
    return true;
}

static void put_code_point(struct sbuf *out, uint32_t cp)
{
    if (cp < 0x80) {
        sbuf_addc(out, (char)cp);
    } else if (cp < 0x800) {
        sbuf_addc(out, (char)(0xc0 | cp >> 6));
        sbuf_addc(out, (char)(0x80 | (cp & 0x3f)));
    } else if (cp < 0x10000) {
        sbuf_addc(out, (char)(0xe0 | cp >> 12));
        sbuf_addc(out, (char)(0x80 | (cp >> 6 & 0x3f)));
        sbuf_addc(out, (char)(0x80 | (cp & 0x3f)));
    } else {
        sbuf_addc(out, (char)(0xf0 | cp >> 18));
        sbuf_addc(out, (char)(0x80 | (cp >> 12 & 0x3f)));
        sbuf_addc(out, (char)(0x80 | (cp >> 6 & 0x3f)));
        sbuf_addc(out, (char)(0x80 | (cp & 0x3f)));
    }
}

/* After "\u". Surrogates have to come as a pair; NUL has no place in a text of PostgreSQL. */
static bool check_unicode_escape(struct checker *c, struct sbuf *out)
{
    uint32_t high, low;
    if (!take_hex4(c, &high))
        return refuse(c, "syntax");
    if (high == 0)
        return refuse(c, "nul");
    if (high < 0xd800 || high > 0xdfff) {
        put_code_point(out, high);
        return true;
    }
    if (high > 0xdbff || c->end - c->p < 2 || c->p[0] != '\\' || c->p[1] != 'u')
        return refuse(c, "utf8");
    c->p += 2;
    if (!take_hex4(c, &low))
        return refuse(c, "syntax");
    if (low < 0xdc00 || low > 0xdfff)
        return refuse(c, "utf8");
    put_code_point(out, 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
    return true;
}

/* After the backslash. */
static bool check_escape(struct checker *c, struct sbuf *out)
{
    static const char names[] = "\"\\/bfnrt";
    static const char bytes[] = "\"\\/\b\f\n\r\t";
    if (c->p == c->end)
        return refuse(c, "syntax");
    char name = *c->p++;
    if (name == 'u')
        return check_unicode_escape(c, out);
    const char *at = memchr(names, name, sizeof(names) - 1);
    if (at == NULL)
        return refuse(c, "syntax");
    sbuf_addc(out, bytes[at - names]);
    return true;
}

/* At the opening quote. *plain_r: the span between the quotes; c->unescaped: what it means. */
static bool check_string(struct checker *c, struct json_span *plain_r)
{
    const char *start = ++c->p;
    sbuf_clear(&c->unescaped);
    for (;;) {
        const char *run = c->p;
        while (c->p < c->end && *c->p != '"' && *c->p != '\\' && (unsigned char)*c->p >= 0x20)
            c->p++;
        sbuf_add(&c->unescaped, run, (size_t)(c->p - run));
        if (c->p == c->end || (unsigned char)*c->p < 0x20)
            return refuse(c, "syntax");
        if (*c->p++ == '"')
            break;
        if (!check_escape(c, &c->unescaped))
            return false;
    }
    *plain_r = (struct json_span){start, (size_t)(c->p - start) - 1};
    return true;
}

/* ---- numbers -------------------------------------------------------------------------------- */

static bool take_digits(struct checker *c)
{
    const char *start = c->p;
    while (c->p < c->end && *c->p >= '0' && *c->p <= '9')
        c->p++;
    return c->p > start;
}

/* Follows the grammar; *integer_r: neither fraction nor exponent. */
static bool scan_number(struct checker *c, bool *integer_r)
{
    *integer_r = true;
    if (*c->p == '-')
        c->p++;
    if (c->p < c->end && *c->p == '0')
        c->p++; /* a digit behind a leading zero is then where a comma should be */
    else if (!take_digits(c))
        return false;
    if (c->p < c->end && *c->p == '.') {
        c->p++;
        *integer_r = false;
        if (!take_digits(c))
            return false;
    }
    if (c->p < c->end && (*c->p == 'e' || *c->p == 'E')) {
        c->p++;
        *integer_r = false;
        if (c->p < c->end && (*c->p == '+' || *c->p == '-'))
            c->p++;
        if (!take_digits(c))
            return false;
    }
    return true;
}

static bool check_number(struct checker *c)
{
    char text[JSON_MAX_NUMBER_BYTES + 1];
    const char *start = c->p;
    bool integer;
    if (!scan_number(c, &integer))
        return refuse(c, "syntax");
    size_t len = (size_t)(c->p - start);
    if (len > JSON_MAX_NUMBER_BYTES)
        return refuse(c, "range");
    memcpy(text, start, len);
    text[len] = '\0';
    errno = 0;
    if (integer) {
        (void)strtoll(text, NULL, 10);
        return errno == ERANGE ? refuse(c, "range") : true;
    }
    return isfinite(strtod(text, NULL)) ? true : refuse(c, "range");
}

/* ---- containers ----------------------------------------------------------------------------- */

static void skip_blanks(struct checker *c)
{
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r'))
        c->p++;
}

static bool take_char(struct checker *c, char wanted)
{
    skip_blanks(c);
    if (c->p == c->end || *c->p != wanted)
        return false;
    c->p++;
    return true;
}

static bool enter(struct checker *c, bool in_array)
{
    if (c->depth == JSON_MAX_DEPTH)
        return refuse(c, "depth");
    c->levels[c->depth++] = (struct level){.in_array = in_array};
    c->p++;
    return true;
}

static bool check_array(struct checker *c)
{
    if (!enter(c, true))
        return false;
    if (!take_char(c, ']')) {
        for (;; c->levels[c->depth - 1].index++) {
            if (!check_value(c))
                return false;
            if (!take_char(c, ','))
                break;
        }
        if (!take_char(c, ']'))
            return refuse(c, "syntax");
    }
    c->depth--;
    return true;
}

static void remember_key(struct checker *c, struct json_span key)
{
    if (c->key_count == c->key_cap) {
        c->key_cap = c->key_cap > 0 ? c->key_cap * 2 : 64;
        c->keys = xrealloc_array(c->keys, c->key_cap, sizeof(*c->keys));
    }
    c->keys[c->key_count++] = (struct seen_key){
        .hash = map_hash(c->unescaped.data, c->unescaped.len),
        .key = key,
    };
}

static int compare_keys(const void *a, const void *b)
{
    const struct seen_key *x = a;
    const struct seen_key *y = b;
    return (x->hash > y->hash) - (x->hash < y->hash);
}

/*
 * Sorting keeps a hostile object with a million keys at n log n. Equal hashes are taken for equal
 * keys: the hash has 64 bits and a secret seed, so nobody meets the other case.
 */
static bool check_distinct(struct checker *c, size_t first)
{
    struct seen_key *keys = c->keys + first;
    size_t count = c->key_count - first;
    c->key_count = first;
    if (count < 2)
        return true;
    qsort(keys, count, sizeof(*keys), compare_keys);
    for (size_t i = 1; i < count; i++) {
        if (keys[i].hash == keys[i - 1].hash) {
            c->levels[c->depth - 1].key = keys[i].key;
            return refuse(c, "duplicate");
        }
    }
    return true;
}

static bool check_member(struct checker *c)
{
    struct json_span key;
    skip_blanks(c);
    if (c->p == c->end || *c->p != '"')
        return refuse(c, "syntax");
    if (!check_string(c, &key))
        return false;
    c->levels[c->depth - 1].key = key;
    remember_key(c, key);
    return take_char(c, ':') ? check_value(c) : refuse(c, "syntax");
}

static bool check_object(struct checker *c)
{
    const size_t first_key = c->key_count;
    if (!enter(c, false))
        return false;
    if (!take_char(c, '}')) {
        do {
            if (!check_member(c))
                return false;
        } while (take_char(c, ','));
        if (!take_char(c, '}'))
            return refuse(c, "syntax");
    }
    if (!check_distinct(c, first_key))
        return false;
    c->depth--;
    return true;
}

/* ---- values --------------------------------------------------------------------------------- */

static bool check_word(struct checker *c)
{
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        size_t len = strlen(words[i]);
        if ((size_t)(c->end - c->p) >= len && memcmp(c->p, words[i], len) == 0) {
            c->p += len;
            return true;
        }
    }
    return refuse(c, "syntax");
}

static bool check_value(struct checker *c)
{
    struct json_span ignored;
    skip_blanks(c);
    if (c->p == c->end)
        return refuse(c, "syntax");
    if (*c->p == '{')
        return check_object(c);
    if (*c->p == '[')
        return check_array(c);
    if (*c->p == '"')
        return check_string(c, &ignored);
    if (*c->p == '-' || (*c->p >= '0' && *c->p <= '9'))
        return check_number(c);
    return check_word(c);
}

/* Faults of the bytes themselves, wherever they stand. */
static const char *fault_of_bytes(const char *text, size_t len)
{
    if (len > JSON_MAX_BYTES)
        return "too_long";
    if (len > 0 && memchr(text, '\0', len) != NULL)
        return "nul";
    return utf8_valid(text, len) ? NULL : "utf8";
}

bool json_check(const char *text, size_t len, struct faults *faults, struct json_span *value_r)
{
    const char *fault = fault_of_bytes(text, len);
    if (fault != NULL) {
        faults_add(faults, "", fault);
        return false;
    }
    struct checker c = {.p = text, .end = text + len, .faults = faults};
    sbuf_init(&c.unescaped, JSON_MAX_BYTES);
    skip_blanks(&c);
    value_r->start = c.p;
    bool ok = check_value(&c);
    value_r->len = (size_t)(c.p - value_r->start);
    if (ok) {
        skip_blanks(&c);
        ok = c.p == c.end ? true : refuse(&c, "syntax");
    }
    free(c.keys);
    sbuf_free(&c.unescaped);
    return ok;
}
