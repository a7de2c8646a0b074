/*
 * The names of events (`event.name` of an OTLP log record) and of their attributes, which
 * the README and edgelat(1) describe. They are stable: receivers select by them.
 *
 * They are in core because core and edge create the events and may not include otlp.
 * otlp/names.h includes this file and adds the names that only otlp and its readers use.
 */
#ifndef EDGELAT_CORE_EVENT_NAMES_H
#define EDGELAT_CORE_EVENT_NAMES_H

#define EVENT_ADDRESS_CHANGED "edgelat.address.changed"
#define EVENT_AGENT_RESUMED   "edgelat.agent.resumed"
#define EVENT_AGENT_STOPPED   "edgelat.agent.stopped"
#define EVENT_DELAY_SHIFTED   "edgelat.delay.shifted"
#define EVENT_EDGE_SUBOPTIMAL "edgelat.edge.suboptimal"
#define EVENT_FRONT_DOOR_AWAY "edgelat.front_door.away"
#define EVENT_NEAREST_CHANGED "edgelat.nearest.changed"
#define EVENT_NETWORK_CHANGED "edgelat.network.changed"
#define EVENT_POP_CHANGED     "edgelat.pop.changed"
#define EVENT_SERIES_OVERFLOW "edgelat.series.overflow"
#define EVENT_STATE_CHANGED   "edgelat.state.changed"
#define EVENT_STATE_FLAPPING  "edgelat.state.flapping"
#define EVENT_STATE_SETTLED   "edgelat.state.settled"
#define EVENT_TARGET_FOREIGN  "edgelat.target.foreign"
#define EVENT_TARGET_RESOLVED "edgelat.target.resolved"

#define ATTR_ADDRESSES          "edgelat.addresses"
#define ATTR_ADDRESSES_SILENT   "edgelat.addresses.silent"
#define ATTR_AFTER              "edgelat.after"
#define ATTR_BEFORE             "edgelat.before"
#define ATTR_CHANGES            "edgelat.changes"
#define ATTR_DISTANCE           "edgelat.distance"
#define ATTR_DISTANCE_EXCESS    "edgelat.distance.excess"
#define ATTR_DISTANCE_NEAREST   "edgelat.distance.nearest"
#define ATTR_DNS_CHAIN          "edgelat.dns.chain"
#define ATTR_DNS_SERVERS        "edgelat.dns.servers"
#define ATTR_LIMIT              "edgelat.limit"
#define ATTR_LIMIT_SOURCE       "edgelat.limit.source"
#define ATTR_LOSS_BURSTS        "edgelat.loss.bursts"
#define ATTR_LOSS_HIGH          "edgelat.loss.high"
#define ATTR_LOSS_LOST          "edgelat.loss.lost"
#define ATTR_LOSS_LOW           "edgelat.loss.low"
#define ATTR_LOSS_SENT          "edgelat.loss.sent"
#define ATTR_LOSS_RATIO         "edgelat.loss_ratio"
#define ATTR_METRO              "edgelat.metro"
#define ATTR_METRO_AFTER        "edgelat.metro.after"
#define ATTR_METRO_BEFORE       "edgelat.metro.before"
#define ATTR_METRO_NEAREST      "edgelat.metro.nearest"
#define ATTR_MIN                "edgelat.min"
#define ATTR_NETWORK_CHANGES    "edgelat.network.changes"
#define ATTR_PEERING_BACKUP     "edgelat.peering.backup"
#define ATTR_PEERING_CONNECTION "edgelat.peering.connection"
#define ATTR_PEERING_PRIMARY    "edgelat.peering.primary"
#define ATTR_PEERING_PROVIDER   "edgelat.peering.provider"
#define ATTR_PEER_ADDRESS       "network.peer.address"
#define ATTR_POP_CHANGES        "edgelat.pop.changes"
#define ATTR_SHIFT_AFTER        "edgelat.shift.after"
#define ATTR_SHIFT_BEFORE       "edgelat.shift.before"
#define ATTR_SHIFT_HIGH         "edgelat.shift.high"
#define ATTR_SHIFT_LOW          "edgelat.shift.low"
#define ATTR_SHIFT_MEMBERS      "edgelat.shift.members"
#define ATTR_SHIFT_STREAMS      "edgelat.shift.streams"
#define ATTR_SHIFT_RATIO        "edgelat.shift.ratio"
#define ATTR_SINCE              "edgelat.since"
#define ATTR_VERDICT_BASIS      "edgelat.verdict.basis"

#endif
