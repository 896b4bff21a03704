#include "proto/query.h"

#include <string.h>

#include "base/crypto.h"
#include "base/utf8.h"

/* ---- reading -------------------------------------------------------------------------------- */

/* NULL or the reason why the piece is refused. */
static const char *decode_piece(const char *s, size_t len, struct arena *arena, bool is_name,
                                const char **text_r)
{
    char *out = arena_alloc(arena, len + 1);
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        char c = s[i] == '+' ? ' ' : s[i];
        if (c == '%') {
            if (len - i < 3 || !crypto_unhex(s + i + 1, 2, &c))
                return "format";
            i += 2;
        }
        if (c == '\0')
            return "nul";
        if ((unsigned char)c < 0x20 || c == 0x7f) {
            if (is_name || strchr("\n\r\t", c) == NULL)
                return "format";
        }
        out[n++] = c;
    }
    out[n] = '\0';
    *text_r = out;
    return utf8_valid(out, n) ? NULL : "utf8";
}

static bool is_given(const struct query *q, const char *name)
{
    for (size_t i = 0; i < q->count; i++) {
        if (strcmp(q->list[i].name, name) == 0)
            return true;
    }
    return false;
}

/* One "name=value"; without '=' the value is empty. */
static bool take_pair(const char *s, size_t len, struct query *q, struct arena *arena,
                      struct faults *faults)
{
    const char *equals = memchr(s, '=', len);
    const size_t name_len = equals != NULL ? (size_t)(equals - s) : len;
    const char *name = "";
    const char *value = "";
    const char *fault = decode_piece(s, name_len, arena, true, &name);
    if (fault == NULL && *name == '\0')
        fault = "format";
    if (fault != NULL) {
        faults_add(faults, "", fault);
        return false;
    }
    if (equals != NULL)
        fault = decode_piece(equals + 1, len - name_len - 1, arena, false, &value);
    if (fault == NULL && is_given(q, name))
        fault = "duplicate";
    if (fault != NULL) {
        faults_add(faults, name, fault);
        return false;
    }
    q->list[q->count++] = (struct query_param){.name = name, .value = value};
    return true;
}

bool query_parse(const char *text, size_t len, struct query *q, struct arena *arena,
                 struct faults *faults)
{
    bool ok = true;
    q->count = 0;
    for (size_t i = 0; i < len;) {
        const char *piece = text + i;
        const char *amp = memchr(piece, '&', len - i);
        const size_t piece_len = amp != NULL ? (size_t)(amp - piece) : len - i;
        i += piece_len + 1;
        if (piece_len == 0)
            continue;
        if (q->count == QUERY_MAX_PARAMS) {
            faults_add(faults, "", "too_long");
            return false;
        }
        /* stop where telling more would be pointless: work and arena stay bounded */
        if (!take_pair(piece, piece_len, q, arena, faults)) {
            ok = false;
            if (faults->count == JSON_MAX_FAULTS)
                break;
        }
    }
    return ok;
}

const char *query_get(struct query *q, const char *name)
{
    for (size_t i = 0; i < q->count; i++) {
        if (strcmp(q->list[i].name, name) == 0) {
            q->list[i].used = true;
            return q->list[i].value;
        }
    }
    return NULL;
}

void query_reject_unused(const struct query *q, struct faults *faults)
{
    for (size_t i = 0; i < q->count; i++) {
        if (!q->list[i].used)
            faults_add(faults, q->list[i].name, "unknown");
    }
}

/* ---- writing -------------------------------------------------------------------------------- */

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static void append_encoded(struct sbuf *out, const char *s)
{
    for (; *s != '\0'; s++) {
        if (is_unreserved(*s))
            sbuf_addc(out, *s);
        else
            sbuf_addf(out, "%%%02X", (unsigned)(unsigned char)*s);
    }
}

void query_append(struct sbuf *out, const char *name, const char *value)
{
    if (out->len > 0 && strchr("?&", out->data[out->len - 1]) == NULL)
        sbuf_addc(out, '&');
    append_encoded(out, name);
    sbuf_addc(out, '=');
    append_encoded(out, value);
}
