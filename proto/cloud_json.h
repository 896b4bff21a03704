/*
 * cloud_json.h - what operators' clouds push of their devices, as signals: one for each value that
 * a device has told. Pure.
 *
 * Which stream and value mean which key is the city's to say (a table in the database): models of
 * devices differ, and so do the names. Nothing that is told is left out: objects become streams of
 * "outer.inner" names, and what is no value at all is still a signal.
 *
 * OneNET:
 *   {"type": 1, "dev_id", "imei"?, "ds_id", "at": ms, "value"}           stream = ds_id
 *   {"type": 2, "dev_id", "status": 0 | 1, "login_type", "at"}           off, on line
 *   {"notifyType", "deviceId"?, "deviceName", "data": {"params": {NAME: {"value", "time": ms}}}}
 * or an array of these. The device is dev_id or deviceId, its other name imei or deviceName.
 *
 * CTWing:
 *   {"deviceId", "IMEI", "timestamp": ms, "messageType", "payload" | "eventContent", "eventType"}
 *   messageType: dataReport (payload {"APPdata": Base64}, {NAME: value}, {"serviceData": {...}}),
 *   eventReport (stream "event" is its serviceId, more in eventContent),
 *   deviceOnlineOfflineReport (eventType 1, 0), others: a stream of that name.
 */
#ifndef PROTO_CLOUD_JSON_H
#define PROTO_CLOUD_JSON_H

#include "proto/json.h"

#define CLOUD_SIGNALS_MAX 1000 /* of one push */
#define CLOUD_NAME_MAX 128     /* bytes of devices and streams; what is longer is cut */
#define CLOUD_VALUE_MAX 64     /* bytes of a value that can be mapped */

enum cloud_sign {
    CLOUD_DATA,
    CLOUD_ONLINE,
    CLOUD_OFFLINE, /* the only one that is no sign of life */
};

struct cloud_signal {
    const char *device; /* as the cloud calls it; "?" = it does not say */
    const char *alias;  /* another name of it; NULL = none */
    const char *stream;
    const char *value; /* a string's text, anything else as JSON; NULL = none */
    int64_t at_us;     /* when the cloud had it; 0 = it does not say */
    enum cloud_sign sign;
};

struct cloud_signals {
    struct arena *arena; /* owns everything */
    struct cloud_signal *list;
    size_t count;
    bool is_cut; /* there were more than CLOUD_SIGNALS_MAX */
};

/* What is no object makes one signal with the stream "unreadable". */
void cloud_json_read_onenet(const struct json_value *message, struct cloud_signals *signals_r,
                            struct arena *arena);
void cloud_json_read_ctwing(const struct json_value *message, struct cloud_signals *signals_r,
                            struct arena *arena);
/* Of a text that is no JSON. */
void cloud_json_unreadable(const char *text, struct cloud_signals *signals_r, struct arena *arena);

#endif
