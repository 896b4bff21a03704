/*
 * wechat_push.h - what WeChat pushes and what it is answered, in the format that the account has in
 * WeChat's console: XML, or JSON with the same names. Pure.
 *
 * The format is told by the first character. Control characters that somebody typed and WeChat
 * passed on are blanks, in XML, where they would make the whole message unreadable. JSON is read
 * by the rules of json.h; numbers are taken as their digits.
 */
#ifndef PROTO_WECHAT_PUSH_H
#define PROTO_WECHAT_PUSH_H

#include "proto/wechat_xml.h"

enum wechat_format { WECHAT_XML, WECHAT_JSON };

enum wechat_format wechat_push_format(const char *text, size_t len);
/* As wechat_xml_parse(). */
enum wechat_parsed wechat_push_parse(const char *text, size_t len, struct arena *arena,
                                     struct wechat_message *message_r);
/* As wechat_xml_write_text() and wechat_xml_write_encrypted(). */
void wechat_push_write_text(struct sbuf *out, enum wechat_format format, const char *to,
                            const char *from, int64_t unix_seconds, const char *text);
void wechat_push_write_encrypted(struct sbuf *out, enum wechat_format format, const char *encrypt,
                                 const char *signature, int64_t unix_seconds, const char *nonce);

#endif
