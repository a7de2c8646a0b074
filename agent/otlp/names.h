/*
 * Each name that an OTLP request carries, once: metrics, attributes, events. Those with a
 * prefix of ours are stable, as receivers select by them; the others are OpenTelemetry's
 * semantic conventions. Used by what writes requests (otlp, daemon) and by what reads
 * them back (report, collector, cmd). scripts/check-layers refuses such a literal
 * elsewhere.
 *
 * Events are made in core and edge, which may not include otlp: core/event_names.h has
 * their names and attributes.
 */
#ifndef EDGELAT_OTLP_NAMES_H
#define EDGELAT_OTLP_NAMES_H

#include "core/event_names.h"

/* ---- the resource ---- */

#define ATTR_SERVICE_NAME     "service.name"
#define ATTR_SERVICE_VERSION  "service.version"
#define ATTR_SERVICE_INSTANCE "service.instance.id"
#define ATTR_HOST_NAME        "host.name"
#define ATTR_SITE             "edgelat.site"
#define ATTR_PEERING_PREFIXES "edgelat.peering.prefixes"

/* ---- attributes of points and log records ---- */

#define ATTR_TARGET           "edgelat.target"
#define ATTR_SERVICE          "edgelat.service"
#define ATTR_POP              "edgelat.pop"
#define ATTR_PROBE_KIND       "edgelat.probe.kind"
#define ATTR_DELAY            "edgelat.delay"
#define ATTR_OUTCOME          "edgelat.outcome"
#define ATTR_ADDRESS_STATE    "edgelat.address.state"
#define ATTR_ANOMALY          "edgelat.anomaly"
#define ATTR_FRONT_DOOR_STATE "edgelat.front_door.state"
#define ATTR_WINDOW_STATE     "edgelat.window.state"
#define ATTR_EXPORT_RESULT    "edgelat.export.result"
#define ATTR_SERVER_ADDRESS   "server.address"
#define ATTR_SERVER_PORT      "server.port"
#define ATTR_NETWORK_TYPE     "network.type"
#define ATTR_BGP_CHANGE       "edgelat.bgp.change"
#define ATTR_FLOW_RECORD      "edgelat.flow.record"
#define ATTR_INTERFACE_NAME   "network.interface.name"
#define ATTR_IO_DIRECTION     "network.io.direction"
#define ATTR_TRAFFIC_SOURCE   "edgelat.traffic.source"
#define ATTR_USER_SIDE        "edgelat.user.side"
#define ATTR_UPLINK_BASE      "edgelat.uplink.base"
#define ATTR_EVENT_NAME       "event.name"
#define ATTR_HTTP_STATUS      "http.response.status_code"
#define ATTR_OVERFLOW         "otel.metric.overflow"
#define ATTR_QUANTILE         "quantile"
#define ATTR_PERIOD           "edgelat.period"
#define ATTR_CPU_MODE         "cpu.mode"

/* ---- metrics of targets ---- */

#define METRIC_PROBE_DELAY           "edgelat.probe.delay"
#define METRIC_PROBE_DELAY_QUANTILE  "edgelat.probe.delay.quantile"
#define METRIC_PROBE_DELAY_LOW       "edgelat.probe.delay.quantile.low"
#define METRIC_PROBE_DELAY_HIGH      "edgelat.probe.delay.quantile.high"
#define METRIC_PROBE_DELAY_VARIATION "edgelat.probe.delay_variation"
#define METRIC_PROBE_RESULTS         "edgelat.probe.results"
#define METRIC_PROBE_ANOMALIES       "edgelat.probe.anomalies"
#define METRIC_PROBE_LOSS_RATIO      "edgelat.probe.loss_ratio"
#define METRIC_PROBE_LOSS_BURST      "edgelat.probe.loss_burst"
#define METRIC_TARGET_UP             "edgelat.target.up"
#define METRIC_TARGET_RANK           "edgelat.target.rank"
#define METRIC_TARGET_INTERCEPTED    "edgelat.target.intercepted"
#define METRIC_TARGET_FOREIGN        "edgelat.target.foreign"
#define METRIC_TARGET_ADDRESSES      "edgelat.target.addresses"
#define METRIC_ADDRESS_UP            "edgelat.address.up"
#define METRIC_EDGE_GAIN             "edgelat.edge.gain"
#define METRIC_EDGE_GAIN_LOW         "edgelat.edge.gain.low"
#define METRIC_EDGE_GAIN_HIGH        "edgelat.edge.gain.high"
#define METRIC_TARGET_SUBOPTIMAL     "edgelat.target.suboptimal"
#define METRIC_ADDRESS_DELAY         "edgelat.address.delay"
#define METRIC_HTTP_RESPONSES        "edgelat.probe.http_responses"
#define METRIC_TARGET_TLS            "edgelat.target.tls_intercepted"
#define METRIC_UPLINK_UP             "edgelat.uplink.up"
#define METRIC_UPLINK_USED           "edgelat.uplink.used"
#define METRIC_UPLINK_DIFFERENCE     "edgelat.uplink.difference"
#define METRIC_UPLINK_LOW            "edgelat.uplink.difference.low"
#define METRIC_UPLINK_HIGH           "edgelat.uplink.difference.high"
#define METRIC_PATH_MTU              "edgelat.path.mtu"

/* ---- metrics of paths ---- */

#define METRIC_PATH_AS_HOPS       "edgelat.path.as_hops"
#define METRIC_PATH_HOPS          "edgelat.path.hops"
#define METRIC_PATH_SEGMENT_DELAY "edgelat.path.segment.delay"

/* ---- metrics of BGP sessions and watched prefixes ---- */

#define METRIC_BGP_PREFIX       "edgelat.bgp.session."
#define METRIC_BGP_AVAILABILITY "edgelat.bgp.session.availability"
#define METRIC_BGP_FLAPS        "edgelat.bgp.session.flaps"
#define METRIC_BGP_RECEIVED     "edgelat.bgp.session.received_routes"
#define METRIC_BGP_ROUTES       "edgelat.bgp.session.routes"
#define METRIC_BGP_UP           "edgelat.bgp.session.up"
#define METRIC_BGP_UPDATES      "edgelat.bgp.session.updates"
#define METRIC_PREFIX_ANNOUNCED "edgelat.prefix.announced"
#define METRIC_PREFIX_ORIGIN    "edgelat.prefix.origin"

/* ---- traffic to and from Microsoft ---- */

#define METRIC_TRAFFIC_PREFIX   "edgelat.traffic."
#define METRIC_TRAFFIC_FLOWS    "edgelat.traffic.flows"
#define METRIC_TRAFFIC_IO       "edgelat.traffic.io"
#define METRIC_TRAFFIC_PACKETS  "edgelat.traffic.packets"
#define METRIC_TRAFFIC_RATE     "edgelat.traffic.rate"
#define METRIC_TRAFFIC_RATE_MAX "edgelat.traffic.rate.max"

/* ---- handshakes of users ---- */

#define METRIC_USER_CONNECTIONS     "edgelat.user.connections"
#define METRIC_USER_DELAY           "edgelat.user.delay"
#define METRIC_USER_RETRANSMISSIONS "edgelat.user.retransmissions"

/* ---- UDP media ---- */

#define METRIC_EGRESS       "edgelat.egress"
#define METRIC_UDP_BLOCKED  "edgelat.udp.blocked"
#define ATTR_EGRESS_ADDRESS "edgelat.egress.address"
#define ATTR_NAT            "edgelat.nat"

/* ---- network interfaces of this host ---- */

#define METRIC_INTERFACE_PREFIX          "edgelat.interface."
#define METRIC_INTERFACE_DROPS           "edgelat.interface.drops"
#define METRIC_INTERFACE_ERRORS          "edgelat.interface.errors"
#define METRIC_INTERFACE_IO              "edgelat.interface.io"
#define METRIC_INTERFACE_MODEM_QUALITY   "edgelat.interface.modem.quality"
#define METRIC_INTERFACE_MODEM_SIGNAL    "edgelat.interface.modem.signal"
#define METRIC_INTERFACE_MODEM_SNR       "edgelat.interface.modem.snr"
#define METRIC_INTERFACE_PACKETS         "edgelat.interface.packets"
#define METRIC_INTERFACE_RATE            "edgelat.interface.rate"
#define METRIC_INTERFACE_RATE_MAX        "edgelat.interface.rate.max"
#define METRIC_INTERFACE_SPEED           "edgelat.interface.speed"
#define METRIC_INTERFACE_UTILIZATION     "edgelat.interface.utilization"
#define METRIC_INTERFACE_UTILIZATION_MAX "edgelat.interface.utilization.max"
#define METRIC_INTERFACE_WIFI_FAILURES   "edgelat.interface.wifi.failures"
#define METRIC_INTERFACE_WIFI_RETRIES    "edgelat.interface.wifi.retries"
#define METRIC_INTERFACE_WIFI_SIGNAL     "edgelat.interface.wifi.signal"
#define METRIC_INTERFACE_WIFI_SPEED      "edgelat.interface.wifi.speed"

/* ---- the last metre, core/last_metre.h ---- */

#define METRIC_LAST_METRE_FAULT "edgelat.last_metre.fault"
#define METRIC_UPLINK_LOAD_RISE "edgelat.uplink.load.rise"
#define ATTR_UPLINK_LOAD        "edgelat.uplink.load"
#define METRIC_TARGET_CHARGED   "edgelat.target.charged_to_site"

/* ---- metrics of the agent itself ---- */

#define METRIC_AGENT_PREFIX                    "edgelat.agent."
#define METRIC_AGENT_BMP_BAD_MESSAGES          "edgelat.agent.bmp.bad_messages"
#define METRIC_AGENT_BMP_MESSAGES              "edgelat.agent.bmp.messages"
#define METRIC_AGENT_BMP_NOT_KEPT              "edgelat.agent.bmp.not_kept"
#define METRIC_AGENT_BUDGET_LIMIT              "edgelat.agent.budget.limit"
#define METRIC_AGENT_BUDGET_USED               "edgelat.agent.budget.used"
#define METRIC_AGENT_CPU_TIME                  "edgelat.agent.cpu.time"
#define METRIC_AGENT_DNS_FAILURES              "edgelat.agent.dns.failures"
#define METRIC_AGENT_DNS_LOOKUPS               "edgelat.agent.dns.lookups"
#define METRIC_AGENT_EVENTS_DROPPED            "edgelat.agent.events.dropped"
#define METRIC_AGENT_EXPORT_REJECTED_POINTS    "edgelat.agent.export.rejected_points"
#define METRIC_AGENT_EXPORT_RESULTS            "edgelat.agent.export.results"
#define METRIC_AGENT_FLOW_BAD                  "edgelat.agent.flow.bad_datagrams"
#define METRIC_AGENT_FLOW_DATAGRAMS            "edgelat.agent.flow.datagrams"
#define METRIC_AGENT_FLOW_DROPPED              "edgelat.agent.flow.dropped"
#define METRIC_AGENT_FLOW_LOST                 "edgelat.agent.flow.lost"
#define METRIC_AGENT_FLOW_REPEATED             "edgelat.agent.flow.repeated"
#define METRIC_AGENT_FLOW_NO_TEMPLATE          "edgelat.agent.flow.no_template"
#define METRIC_AGENT_FLOW_RECORDS              "edgelat.agent.flow.records"
#define METRIC_AGENT_FLOW_REFUSED              "edgelat.agent.flow.refused"
#define METRIC_AGENT_FRONT_DOORS               "edgelat.agent.front_doors"
#define METRIC_AGENT_HISTORY_DROPPED           "edgelat.agent.history.dropped"
#define METRIC_AGENT_HISTORY_SIZE              "edgelat.agent.history.size"
#define METRIC_AGENT_LOOP_LAG                  "edgelat.agent.loop.lag"
#define METRIC_AGENT_MEMORY_RESIDENT           "edgelat.agent.memory.resident"
#define METRIC_AGENT_PATH_MTU_PACKETS          "edgelat.agent.path.mtu_packets"
#define METRIC_AGENT_PATH_PACKETS              "edgelat.agent.path.packets"
#define METRIC_AGENT_PATH_TRACES               "edgelat.agent.path.traces"
#define METRIC_AGENT_PROBE_DAMAGED             "edgelat.agent.probe.damaged"
#define METRIC_AGENT_PROBE_FOREIGN             "edgelat.agent.probe.foreign"
#define METRIC_AGENT_PROBE_TIMESTAMP_FALLBACKS "edgelat.agent.probe.timestamp_fallbacks"
#define METRIC_AGENT_PROBING                   "edgelat.agent.probing"
#define METRIC_AGENT_SERIES_COUNT              "edgelat.agent.series.count"
#define METRIC_AGENT_SERIES_OVERFLOWED         "edgelat.agent.series.overflowed"
#define METRIC_AGENT_SPOOL_DROPPED             "edgelat.agent.spool.dropped"
#define METRIC_AGENT_SPOOL_SET_ASIDE           "edgelat.agent.spool.set_aside"
#define METRIC_AGENT_SPOOL_SIZE                "edgelat.agent.spool.size"
#define METRIC_AGENT_SPOOL_WAITING             "edgelat.agent.spool.waiting"
#define METRIC_AGENT_SPOOL_WRITE_ERRORS        "edgelat.agent.spool.write_errors"
#define METRIC_AGENT_WINDOWS                   "edgelat.agent.windows"

#endif
