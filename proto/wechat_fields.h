/*
 * wechat_fields.h - which field of a push is which text of a struct wechat_message; the names are
 * the same in XML and in JSON. Between wechat_xml.c and wechat_push.c.
 */
#ifndef PROTO_WECHAT_FIELDS_H
#define PROTO_WECHAT_FIELDS_H

#include "proto/wechat_xml.h"

/* parent NULL: right below the root. NULL: a field that nobody reads. */
const char **wechat_field_find(struct wechat_message *message, const char *parent,
                               const char *name);

#endif
