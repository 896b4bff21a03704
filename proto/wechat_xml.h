/*
 * wechat_xml.h - what WeChat pushes and what it is answered: XML to a struct and back. Pure.
 *
 * The order of elements is not fixed and unknown ones are passed over. Texts may be CDATA or not.
 * A DOCTYPE stops the parser at once, and with it every entity but the five built in.
 */
#ifndef PROTO_WECHAT_XML_H
#define PROTO_WECHAT_XML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/attr.h"
#include "base/sbuf.h"

#define WECHAT_XML_DEPTH 8
#define WECHAT_XML_ELEMENTS 512
#define WECHAT_REPLY_MAX 2000 /* bytes of a reply's text; 2048 are taken by WeChat */

/* Absent texts are NULL. What MsgId and MsgID mean differs: they are two elements. */
struct wechat_message {
    const char *to_user, *from_user, *type; /* ToUserName, FromUserName, MsgType */
    const char *create_time;                /* unix seconds as sent */
    const char *msg_id;                     /* MsgId: of messages, not of events */
    const char *content;
    const char *pic_url, *media_id, *thumb_media_id, *format, *recognition;
    const char *latitude, *longitude, *label; /* Location_X, Location_Y, Label */
    const char *title, *description, *url;
    const char *event, *event_key, *ticket;
    const char *sent_msg_id, *status; /* MsgID, Status: of TEMPLATESENDJOBFINISH */
    const char *scan_result;          /* ScanCodeInfo/ScanResult */
    const char *agent_id;             /* of WeCom */
    const char *encrypt;
};

enum wechat_parsed {
    WECHAT_PARSED,
    WECHAT_SYNTAX,  /* not well-formed, not UTF-8, another root than <xml> */
    WECHAT_DOCTYPE, /* document types are refused */
    WECHAT_BOUNDS   /* too deep, too many elements, too long */
};
/* Texts are the arena's. On anything but WECHAT_PARSED the message holds nothing. */
enum wechat_parsed wechat_xml_parse(const char *text, size_t len, struct arena *arena,
                                    struct wechat_message *message_r);
/* Appends a passive reply of type text, cut to WECHAT_REPLY_MAX at a character. */
void wechat_xml_write_text(struct sbuf *out, const char *to, const char *from, int64_t unix_seconds,
                           const char *text);
/* Appends the envelope of an encrypted reply. */
void wechat_xml_write_encrypted(struct sbuf *out, const char *encrypt, const char *signature,
                                int64_t unix_seconds, const char *nonce);
/* Bytes of a text that a reply takes: all, or as many whole characters as WECHAT_REPLY_MAX holds.
 */
size_t wechat_reply_length(const char *text);

#endif
