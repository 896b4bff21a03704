/*
 * wechat_template.h - the template with which an account tells news of a ticket: how it is
 * configured, and what the bridge sends. Pure.
 *
 *     {"id": "ngqIpbwh8bUfcSs…", "url": "https://…/progress?number={number}",
 *      "fields": {"character_string1": "number", "thing2": "title", "phrase3": "state"}}
 *
 * `fields` says what each field of the template in WeChat's console is filled with: number, title,
 * state, received, reply. WeChat refuses values that are empty or too long for the kind of field
 * that its name begins with (thing 20 characters, phrase 5, character_string 32): they are cut,
 * and what is absent is "-".
 */
#ifndef PROTO_WECHAT_TEMPLATE_H
#define PROTO_WECHAT_TEMPLATE_H

#include "hotline/wechat_talk.h"
#include "proto/json.h"

#define WECHAT_TEMPLATE_FIELDS 10
#define WECHAT_TEMPLATE_NUMBER "{number}" /* in the url: the ticket's */

struct wechat_template {
    const char *id;  /* NULL: none is configured */
    const char *url; /* NULL = the message leads nowhere */
    size_t count;
    struct {
        const char *name;
        int word;
    } fields[WECHAT_TEMPLATE_FIELDS];
};

/* JSON null and {}: none. Faults are named below `field`. Texts are the arena's. */
MUST_CHECK bool wechat_template_read(const struct json_value *v, const char *field,
                                     struct arena *arena, struct wechat_template *template_r,
                                     struct faults *faults);
/* {} if there is none. */
void wechat_template_write(struct json_writer *w, const char *key,
                           const struct wechat_template *template);
/* An object: template_id, url and data, as message/template/send takes them beside `touser`. */
void wechat_template_fill(struct json_writer *w, const char *key,
                          const struct wechat_template *template,
                          const struct talk_settings *settings, const struct talk_ticket *ticket,
                          struct arena *arena);

#endif
