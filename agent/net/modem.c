#include "net/modem.h"

#include "base/file.h"
#include "base/text.h"

#include <fcntl.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool modem_has(const char *interface)
{
    char path[64], *text;
    size_t len;
    snprintf(path, sizeof path, "/sys/class/net/%s/uevent", interface);
    if (file_read(AT_FDCWD, path, FILE_PLAIN, 4096, &text, &len) != 0)
        return false;
    bool is = strstr(text, "DEVTYPE=wwan\n") != NULL;
    free(text);
    return is;
}

static const struct modem_link none = {.quality = -1, .rsrp_dbm = NAN, .snr_db = NAN};

#ifndef HAVE_SD_BUS

struct modem_link modem_read(const char *interface)
{
    (void)interface;
    return none;
}

#else

#include <dlfcn.h>
#include <systemd/sd-bus.h>

#define SERVICE "org.freedesktop.ModemManager1"

/* Loaded, not linked: hosts without a modem, nearly all, do not pay its memory. */
#define FUNCTIONS(X)                                                                     \
    X(sd_bus_open_system)                                                                \
    X(sd_bus_set_method_call_timeout)                                                    \
    X(sd_bus_message_new_method_call)                                                    \
    X(sd_bus_message_set_auto_start)                                                     \
    X(sd_bus_call)                                                                       \
    X(sd_bus_message_enter_container)                                                    \
    X(sd_bus_message_exit_container)                                                     \
    X(sd_bus_message_read_basic)                                                         \
    X(sd_bus_message_skip)                                                               \
    X(sd_bus_message_peek_type)                                                          \
    X(sd_bus_message_unref)                                                              \
    X(sd_bus_flush_close_unref)
#define DECLARE(name) __typeof__(&(name)) name;
static struct {
    FUNCTIONS(DECLARE)
} bus;

/* The compiler's check of indirect calls knows no functions of a loaded library. */
#ifdef __clang__
#define LOADED __attribute__((no_sanitize("cfi-icall")))
#else
#define LOADED
#endif

static bool load(void)
{
    static void *library; /* stays */
    if (library == NULL)
        library = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return false;
    bool all = true;
#define LOAD(name) all &= (*(void **)&bus.name = dlsym(library, #name)) != NULL;
    FUNCTIONS(LOAD)
    return all;
}

/* ---- the answer: a{oa{sa{sv}}} ---- */

LOADED static bool enter(sd_bus_message *m, char type, const char *contents)
{
    return bus.sd_bus_message_enter_container(m, type, contents) > 0;
}

LOADED static void leave(sd_bus_message *m, const char *rest)
{
    /* What was not read is skipped, as a container is left at its end only. */
    while (bus.sd_bus_message_peek_type(m, NULL, NULL) > 0 &&
           bus.sd_bus_message_skip(m, rest) > 0)
        continue;
    bus.sd_bus_message_exit_container(m);
}

LOADED static const char *next_name(sd_bus_message *m, char type)
{
    const char *name = NULL;
    return bus.sd_bus_message_read_basic(m, type, &name) > 0 ? name : NULL;
}

/* The value of a variant of this basic type; skips others. */
LOADED static bool take(sd_bus_message *m, char type, void *value)
{
    char contents[2] = {type, '\0'};
    const char *is;
    char kind;
    if (bus.sd_bus_message_peek_type(m, &kind, &is) <= 0 || kind != 'v' ||
        strcmp(is, contents) != 0) {
        bus.sd_bus_message_skip(m, "v");
        return false;
    }
    enter(m, 'v', contents);
    bool ok = bus.sd_bus_message_read_basic(m, type, value) > 0;
    bus.sd_bus_message_exit_container(m);
    return ok;
}

/* Ports: a(su), of which 2 is a network interface. */
LOADED static bool take_ports(sd_bus_message *m, const char *interface)
{
    bool found = false;
    if (!enter(m, 'v', "a(su)")) {
        bus.sd_bus_message_skip(m, "v");
        return false;
    }
    enter(m, 'a', "(su)");
    while (enter(m, 'r', "su")) {
        uint32_t type = 0;
        const char *name = next_name(m, 's');
        bus.sd_bus_message_read_basic(m, 'u', &type);
        found |= name != NULL && type == 2 && strcmp(name, interface) == 0;
        bus.sd_bus_message_exit_container(m);
    }
    leave(m, "(su)");
    bus.sd_bus_message_exit_container(m);
    return found;
}

/* SignalQuality: (ub). */
LOADED static int take_quality(sd_bus_message *m)
{
    uint32_t percent = 0;
    if (!enter(m, 'v', "(ub)")) {
        bus.sd_bus_message_skip(m, "v");
        return -1;
    }
    bool ok = enter(m, 'r', "ub") && bus.sd_bus_message_read_basic(m, 'u', &percent) > 0;
    bus.sd_bus_message_skip(m, "b");
    bus.sd_bus_message_exit_container(m);
    bus.sd_bus_message_exit_container(m);
    return ok && percent <= 100 ? (int)percent : -1;
}

/* MMModemAccessTechnology: the newest that is in use. */
static const char *radio_of(uint32_t technologies)
{
    return technologies & 1u << 15                ? "5G"
           : technologies & (1u << 14 | 3u << 16) ? "LTE"
           : technologies & 0x1ffu << 5           ? "3G"
           : technologies & (0xfu << 1)           ? "2G"
                                                  : "";
}

/* Lte, Nr5g: a{sv}, empty unless it is set up. */
LOADED static void take_signal(sd_bus_message *m, struct modem_link *out)
{
    const char *name;
    if (!enter(m, 'v', "a{sv}")) {
        bus.sd_bus_message_skip(m, "v");
        return;
    }
    enter(m, 'a', "{sv}");
    while (enter(m, 'e', "sv")) {
        double value;
        if ((name = next_name(m, 's')) == NULL)
            break;
        bool known = take(m, 'd', &value) && isfinite(value);
        if (known && strcmp(name, "rsrp") == 0)
            out->rsrp_dbm = value;
        if (known && strcmp(name, "snr") == 0)
            out->snr_db = value;
        bus.sd_bus_message_exit_container(m);
    }
    leave(m, "{sv}");
    bus.sd_bus_message_exit_container(m);
}

LOADED static void take_property(sd_bus_message *m, const char *of, const char *name,
                                 const char *interface, struct modem_link *out)
{
    uint32_t technologies;
    if (strcmp(of, SERVICE ".Modem") == 0 && strcmp(name, "Ports") == 0)
        out->found |= take_ports(m, interface);
    else if (strcmp(of, SERVICE ".Modem") == 0 && strcmp(name, "SignalQuality") == 0)
        out->quality = take_quality(m);
    else if (strcmp(of, SERVICE ".Modem") == 0 &&
             strcmp(name, "AccessTechnologies") == 0) {
        if (take(m, 'u', &technologies))
            text_copy(out->radio, sizeof out->radio, radio_of(technologies));
    } else if (strcmp(of, SERVICE ".Modem.Signal") == 0 &&
               (strcmp(name, "Lte") == 0 || strcmp(name, "Nr5g") == 0))
        take_signal(m, out);
    else
        bus.sd_bus_message_skip(m, "v");
}

LOADED static struct modem_link take_modem(sd_bus_message *m, const char *interface)
{
    struct modem_link link = none;
    const char *of, *name;
    while (enter(m, 'e', "sa{sv}")) {
        if ((of = next_name(m, 's')) == NULL || !enter(m, 'a', "{sv}"))
            break;
        while (enter(m, 'e', "sv")) {
            if ((name = next_name(m, 's')) == NULL)
                break;
            take_property(m, of, name, interface, &link);
            bus.sd_bus_message_exit_container(m);
        }
        bus.sd_bus_message_exit_container(m);
        bus.sd_bus_message_exit_container(m);
    }
    return link;
}

LOADED static struct modem_link take_answer(sd_bus_message *m, const char *interface)
{
    struct modem_link found = none;
    if (!enter(m, 'a', "{oa{sa{sv}}}"))
        return none;
    while (!found.found && enter(m, 'e', "oa{sa{sv}}")) {
        if (next_name(m, 'o') == NULL || !enter(m, 'a', "{sa{sv}}"))
            return none;
        found = take_modem(m, interface);
        bus.sd_bus_message_exit_container(m);
        bus.sd_bus_message_exit_container(m);
    }
    return found.found ? found : none;
}

LOADED struct modem_link modem_read(const char *interface)
{
    sd_bus *system = NULL;
    sd_bus_message *call = NULL, *answer = NULL;
    struct modem_link link = none;
    if (!load() || bus.sd_bus_open_system(&system) < 0)
        return none;
    bus.sd_bus_set_method_call_timeout(system, MODEM_WAIT_US);
    if (bus.sd_bus_message_new_method_call(
            system, &call, SERVICE, "/org/freedesktop/ModemManager1",
            "org.freedesktop.DBus.ObjectManager", "GetManagedObjects") >= 0 &&
        bus.sd_bus_message_set_auto_start(call, 0) >= 0 &&
        bus.sd_bus_call(system, call, MODEM_WAIT_US, NULL, &answer) >= 0)
        link = take_answer(answer, interface);
    bus.sd_bus_message_unref(answer);
    bus.sd_bus_message_unref(call);
    bus.sd_bus_flush_close_unref(system);
    return link;
}

#endif
