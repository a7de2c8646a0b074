#!/usr/bin/python3 -B
"""A service in the place of ModemManager, with its published interface
(org.freedesktop.ModemManager1): answers GetManagedObjects with one of the cases below.

    modem_service.py ADDRESS CASE      prints "ready" when it has the name on the bus
"""

import sys

from gi.repository import Gio, GLib

MODEM = "org.freedesktop.ModemManager1.Modem"
MANAGER = "org.freedesktop.DBus.ObjectManager"
XML = f"""<node><interface name="{MANAGER}"><method name="GetManagedObjects">
<arg type="a{{oa{{sa{{sv}}}}}}" direction="out"/></method></interface></node>"""


def modem(net, technologies, quality, **signals):
    """`signals`: of Modem.Signal, empty until somebody sets it up."""
    ports = GLib.Variant("a(su)", [("cdc-wdm0", 6), (net, 2), ("ttyUSB2", 3)])
    return {
        MODEM: {
            "AccessTechnologies": GLib.Variant("u", technologies),
            "Bearers": GLib.Variant("ao", ["/org/freedesktop/ModemManager1/Bearer/0"]),
            "Model": GLib.Variant("s", "a model"),
            "Ports": ports,
            "SignalQuality": GLib.Variant("(ub)", (quality, True)),
        },
        MODEM + ".Modem3gpp": {"OperatorName": GLib.Variant("s", "an operator")},
        MODEM + ".Signal": {
            "Rate": GLib.Variant("u", 30 if signals else 0),
            **{name: GLib.Variant("a{sv}", {k: GLib.Variant("d", v) for k, v in of.items()})
               for name, of in {"Lte": {}, "Nr5g": {}, "Umts": {}, **signals}.items()}},
    }


LTE = modem("wwan0", 1 << 14, 67, Lte={"rsrp": -98.0, "rsrq": -11.0, "rssi": -69.0, "snr": 9.4})
CASES = {
    "lte": [LTE],
    "5g": [modem("wwan0", 1 << 15, 81, Nr5g={"rsrp": -87.0, "snr": 17.0})],
    "not-set-up": [modem("wwan0", 1 << 8, 40)],
    "two": [modem("wwan1", 1 << 3, 10), LTE],
    "none": [],
    "wrong-types": [{
        MODEM: {"Ports": GLib.Variant("s", "wwan0"), "SignalQuality": GLib.Variant("u", 7),
                "AccessTechnologies": GLib.Variant("as", ["lte"])},
        MODEM + ".Signal": {"Lte": GLib.Variant("a{sv}", {"rsrp": GLib.Variant("s", "-98"),
                                                          "snr": GLib.Variant("d", 1.0)})}}],
    "odd-values": [modem("wwan0", 0xffffffff, 400,
                         Lte={"rsrp": float("nan"), "snr": float("inf")})],
    "many": [modem(f"wwan{n}", 1, 1) for n in range(500, 0, -1)] + [LTE],
}


def on_call(_connection, _sender, _path, _interface, _method, _arguments, invocation):
    if CASE == "silent":
        return
    if CASE == "other-answer":
        invocation.return_dbus_error("org.example.Error", "not today")
        return
    objects = {f"/org/freedesktop/ModemManager1/Modem/{i}": m for i, m in enumerate(CASES[CASE])}
    invocation.return_value(GLib.Variant("(a{oa{sa{sv}}})", (objects,)))


ADDRESS, CASE = sys.argv[1:]
FLAGS = (Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
         | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION)
bus = Gio.DBusConnection.new_for_address_sync(ADDRESS, FLAGS, None, None)
bus.register_object("/org/freedesktop/ModemManager1", Gio.DBusNodeInfo.new_for_xml(XML).interfaces[0],
                    on_call, None, None)
Gio.bus_own_name_on_connection(bus, "org.freedesktop.ModemManager1", Gio.BusNameOwnerFlags.NONE,
                               lambda *_: print("ready", flush=True), None)
GLib.MainLoop().run()
