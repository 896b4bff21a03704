/*
 * devices.h - use cases of one-key devices over HTTP: their own two, and the registry's.
 */
#ifndef DAEMON_DEVICES_H
#define DAEMON_DEVICES_H

#include "daemon/request.h"

#define DEVICES_IMPORT_MAX 1000
#define DEVICES_PAGE_MAX 1000

/* device_http.c: signed by the device, no token */
void device_press_post(struct request *r);
void device_heartbeat_post(struct request *r);

/* device_registry.c */
void devices_list_get(struct request *r);
void device_get(struct request *r); /* for the desk; masked */
void device_rotate_post(struct request *r);
void device_retire_post(struct request *r);
/* device_reveal.c */
void device_reveal_post(struct request *r);
/* device_notice.c: for a bridge to guardians */
void notices_claim_post(struct request *r);
void notice_result_post(struct request *r);
void notices_register_metrics(void);
/* device_import.c */
void devices_import_post(struct request *r);

#endif
