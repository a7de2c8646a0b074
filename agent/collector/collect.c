#include "collector/collect.h"

#include "cmd/cmd.h"
#include "collector/in_place.h"
#include "collector/receiver.h"
#include "collector/records.h"
#include "collector/table.h"
#include "core/host_port.h"
#include "net/socket.h"
#include "probe/kinds.h"

#include <getopt.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Every address of this host: of both families where it has IPv6. */
static struct endpoint anywhere(uint16_t port)
{
    struct endpoint e = {.family = FAMILY_IPV6, .port = port};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        e.family = FAMILY_IPV4;
    else
        close(fd);
    return e;
}

/* ADDRESS:PORT, NAME:PORT or :PORT; what is wrong with another one has been said. */
static bool parse_listen(struct endpoint *out, const char *text)
{
    static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct host_port h;
    struct addrinfo *found;
    const char *why = host_port_parse(&h, text, HOST_LISTEN);
    if (why == NULL && !h.has_port)
        why = "the port is missing";
    if (why != NULL) {
        cmd_cannot("--listen '%s': %s; it takes ADDR:PORT, such as 127.0.0.1:4318, "
                   "[::1]:4318 or :4318",
                   text, why);
        return false;
    }
    if (h.host[0] == '\0') {
        *out = anywhere(h.port);
        return true;
    }
    int rc = getaddrinfo(h.host, NULL, &hints, &found);
    if (rc != 0) {
        cmd_cannot("--listen '%s': %s", text, gai_strerror(rc));
        return false;
    }
    *out = sockaddr_endpoint(found->ai_addr);
    out->port = h.port;
    freeaddrinfo(found);
    return true;
}

static void print_address(const struct endpoint *at, uint16_t port)
{
    char address[ADDRESS_TEXT_MAX];
    fprintf(stderr,
            at->family == FAMILY_IPV6 ? "listening on [%s]:%u\n" : "listening on %s:%u\n",
            endpoint_address(address, at), port);
}

enum output { OUTPUT_ALL, OUTPUT_IN_PLACE, OUTPUT_NONE };

struct collect_output {
    enum output output;
    struct in_place place;
};

static void on_batch(enum signal signal, const ProtobufCMessage *request, size_t bytes,
                     void *user)
{
    struct collect_output *s = user;
    struct text text = {0};
    if (s->output == OUTPUT_NONE)
        return;
    if (signal == SIGNAL_LOGS)
        records_render(&text, (const Otlp__ExportLogsServiceRequest *)request,
                       s->output == OUTPUT_ALL);
    else
        table_render(&text, (const Otlp__ExportMetricsServiceRequest *)request, bytes,
                     probe_kind_words());
    if (s->output == OUTPUT_ALL && text.len > 0) {
        cmd_print(text_string(&text));
        printf("\n");
        fflush(stdout);
    } else if (signal == SIGNAL_LOGS) {
        in_place_events(&s->place, &text);
    } else {
        in_place_table(&s->place, &text);
    }
    text_free(&text);
}

static int serve(const char *listen, const char *dir, const char *stop,
                 enum output output)
{
    struct collect_output shown = {output, in_place_begin()};
    struct endpoint at;
    struct receiver *receiver;
    const char *why;
    if (!parse_listen(&at, listen))
        return CMD_CANNOT;
    signal(SIGPIPE, SIG_IGN); /* a sender that hangs up */
    int rc = receiver_create(&receiver, &at, dir, on_batch, &shown, &why);
    if (rc < 0)
        return cmd_cannot("cannot collect on %s%s%s: %s: %s", listen,
                          dir != NULL ? " into " : "", dir != NULL ? dir : "", why,
                          strerror(-rc));
    if (stop != NULL)
        receiver_stop_probing(receiver, stop);
    print_address(&at, receiver_port(receiver));
    receiver_run(receiver);
    receiver_destroy(receiver);
    in_place_end(&shown.place);
    return CMD_FINE;
}

int collect_run(int argc, char **argv)
{
    const char *listen = NULL, *dir = NULL, *stop = NULL;
    enum output output = OUTPUT_ALL;
    for (int c; (c = cmd_getopt(argc, argv, command_collect.options)) != -1;) {
        if (c == 'l')
            listen = optarg;
        else if (c == 'd')
            dir = optarg;
        else if (c == 'q')
            output = OUTPUT_NONE;
        else if (c == 'i')
            output = OUTPUT_IN_PLACE;
        else if (c == 's')
            stop = optarg;
        else
            return CMD_CANNOT;
    }
    if (optind < argc)
        return cmd_cannot("collect takes no argument '%s'; `edgelat collect --help` has "
                          "examples",
                          argv[optind]);
    if (listen == NULL)
        return cmd_cannot("--listen ADDR:PORT is required, such as 127.0.0.1:4318");
    return serve(listen, dir, stop, output);
}
