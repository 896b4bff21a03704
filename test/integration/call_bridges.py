"""What a bridge makes of the events of a telephone system: the JSON of POST /v1/calls/events, by the tables of OPERATIONS.md.

Each function takes the events in their order and gives what to post; event ids are made of type, call and desk, so that an
event that comes twice is one. Nothing here keeps state but which leg belongs to which call.
"""
import datetime


def at(seconds):
    return datetime.datetime.fromtimestamp(float(seconds), datetime.timezone.utc).isoformat(timespec="milliseconds")


def post(gateway, kind, call, when, desk=None, **more):
    ids = [kind, call] + ([desk] if desk else [])
    named = {"agent_id": desk, "extension": desk} if desk else {}
    return {"event_id": ":".join(ids), "type": kind, "occurred_at": when, "gateway_id": gateway, "call_id": call, **named,
            **{k: v for k, v in more.items() if v not in (None, "")}}


def ami(events, gateway="asterisk"):
    """Asterisk Manager Interface: the call is Linkedid, the desk what stands behind the technology in Interface."""
    kinds = {"Newchannel": "offered", "QueueCallerJoin": "queued", "AgentCalled": "ringing", "AgentConnect": "answered",
             "Hangup": "ended", "Cdr": "ended"}
    for e in events:
        kind, call = kinds.get(e["event"]), e.get("linkedid", e.get("uniqueid"))
        if not kind or e["event"] in ("Newchannel", "Hangup", "Cdr") and e["uniqueid"] != call:
            continue  # of a desk's leg
        desk = e["interface"].partition("/")[2] if "interface" in e else None
        yield post(gateway, kind, call, at(e["timestamp"]), desk, direction="inbound",
                   ani=e.get("calleridnum", e.get("source")), dnis=e.get("exten", e.get("destination")), queue=e.get("queue"),
                   cause=e.get("cause-txt", e.get("disposition")))


def ari(events, gateway="asterisk-ari", entrance="from-pstn"):
    """Asterisk REST Interface: the call is the id of the caller's channel, which a Dial ties to the desk's."""
    desks = {}
    for e in events:
        when = e["timestamp"][:-2] + ":" + e["timestamp"][-2:]
        if e["type"] == "Dial":
            call, desk = e["caller"]["id"], e["dialstring"].partition("/")[2]
            desks[e["peer"]["id"]] = call, desk
            yield post(gateway, "ringing", call, when, desk, direction="inbound", ani=e["caller"]["caller"]["number"],
                       dnis=e["caller"]["dialplan"]["exten"])
            continue
        channel = e["channel"]
        about = {"direction": "inbound", "ani": channel["caller"]["number"], "dnis": channel["dialplan"]["exten"]}
        if e["type"] == "ChannelEnteredBridge" and channel["id"] in desks:
            call, desk = desks[channel["id"]]
            yield post(gateway, "answered", call, when, desk)
        elif channel["dialplan"]["context"] != entrance:
            continue
        elif e["type"] == "ChannelCreated":
            yield post(gateway, "offered", channel["id"], when, **about)
        elif e["type"] in ("ChannelHangupRequest", "ChannelDestroyed"):
            yield post(gateway, "ended", channel["id"], when, cause=e.get("cause_txt"), **about)


def callcenter(events, gateway, now):
    """FreeSWITCH callcenter::info: the call is the caller's leg, the one that its record of json_cdr has too."""
    kinds = {"member-queue-start": ("queued", "CC-Member-Joined-Time"), "agent-offering": ("ringing", "CC-Agent-Called-Time"),
             "bridge-agent-start": ("answered", "CC-Agent-Answered-Time"),
             "member-queue-end": ("ended", "CC-Member-Leaving-Time")}
    for e in events:
        kind, time = kinds.get(e["CC-Action"], (None, None))
        if not kind:
            continue
        desk = e["CC-Agent"].partition("@")[0] if kind in ("ringing", "answered") else None
        yield post(gateway, kind, e["CC-Member-Session-UUID"], at(e[time]) if time in e else now, desk, direction="inbound",
                   ani=e["CC-Member-CID-Number"], queue=e["CC-Queue"].partition("@")[0], cause=e.get("CC-Cause"))
