/*
 * freeswitch_cdr.h - what mod_json_cdr of FreeSWITCH posts when a leg of a call has ended.
 *
 * `encode` and `encode-values` of json_cdr.conf.xml make five forms of it. The Content-Type does
 * not say which (disable-100-continue replaces the header list), so the body is looked at:
 *
 *   encode  encode-values   body
 *   false   false           JSON
 *   false   true (default)  JSON, the values of `variables` %-encoded; one made of multibyte
 *                           characters alone loses its last byte
 *   true    false           cdr= and the JSON %-encoded
 *   base64  any             cdr= and the JSON in base64
 *   true    true            cdr= and JSON that nobody can read: its encoder leaves what is encoded
 *                           already, so one decoding leaves bare quotes inside strings
 */
#ifndef PROTO_FREESWITCH_CDR_H
#define PROTO_FREESWITCH_CDR_H

#include "proto/call_json.h"

enum cdr_end {
    CDR_GOOD,
    CDR_TWICE_ENCODED, /* encode and encode-values are both true */
    CDR_NOT_JSON,      /* nothing that mod_json_cdr writes */
    CDR_NO_CALL        /* JSON, but no leg of a call */
};

/*
 * One leg. The caller's leg tells when the call began, was queued, answered by a desk and ended; a
 * desk's leg tells who that was and belongs to the call of the caller's leg (call_id = uuid of the
 * caller's leg in both). Strings live in arena; news->gateway stays NULL.
 */
MUST_CHECK enum cdr_end freeswitch_cdr_decode(const char *body, size_t len, struct arena *arena,
                                              struct call_news *news_r);

#endif
