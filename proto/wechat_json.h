/*
 * wechat_json.h - what is kept of a WeChat conversation: its state, the matter that came of it, the
 * menu of an account. What is read back was written here or by an administrator's hand; what does
 * not fit is false.
 */
#ifndef PROTO_WECHAT_JSON_H
#define PROTO_WECHAT_JSON_H

#include "hotline/wechat_talk.h"
#include "proto/json.h"

#define WECHAT_MENU_MAX 50

void wechat_json_write_state(struct json_writer *w, const char *key,
                             const struct talk_state *state);
MUST_CHECK bool wechat_json_read_state(const struct json_value *v, struct arena *arena,
                                       struct talk_state *state_r);
void wechat_json_write_matter(struct json_writer *w, const char *key,
                              const struct talk_matter *matter);
MUST_CHECK bool wechat_json_read_matter(const struct json_value *v, struct arena *arena,
                                        struct talk_matter *matter_r);
void wechat_json_write_menu(struct json_writer *w, const char *key,
                            const struct talk_menu_entry *menu, size_t count);
/* [{key, kind, category}]; faults are named below `field`. */
MUST_CHECK bool wechat_json_read_menu(const struct json_value *v, const char *field,
                                      struct arena *arena, const struct talk_menu_entry **menu_r,
                                      size_t *count_r, struct faults *faults);

#endif
