/*
 * A real nginx on loopback with its own CA, in a temporary folder: replies with the
 * headers of Microsoft's edge, and one listener for each fault.
 */
#ifndef EDGELAT_TEST_NGINX_H
#define EDGELAT_TEST_NGINX_H

#include "io/net/child.h"

struct nginx {
    struct child_folder tmp;
    const char *folder;
    char ca[96], other_ca[96]; /* PEM: the one that signed, and one that did not */
    pid_t pid;
    uint16_t good, expired, wrong_name, mutual, plain, old_tls; /* ports */
    uint16_t silent; /* accepts connections and never answers */
    int silent_socket;
};

/* CA and certificates: localhost and edge.test and the loopback addresses; expired;
 * another name. */
static inline void nginx_certificates(const char *folder)
{
    char command[4096];
    snprintf(command, sizeof command,
             "set -e; cd %s; exec 2>openssl.log\n"
             "ca() { openssl req -x509 -newkey rsa:2048 -nodes -keyout $1.key -out "
             "$1.pem -days 30 "
             "-subj \"/O=Edgelat Test $1/CN=$1\" -addext "
             "basicConstraints=critical,CA:TRUE; }\n"
             "leaf() { openssl req -newkey rsa:2048 -nodes -keyout $1.key -out $1.csr "
             "-subj /CN=$1;\n"
             "  printf 'subjectAltName=%%s\\n' \"$2\" >$1.ext;\n"
             "  openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca.key -CAcreateserial "
             "-out $1.pem -days $3 -extfile $1.ext; }\n"
             "ca ca; ca other\n"
             "leaf good DNS:localhost,DNS:edge.test,IP:127.0.0.1,IP:::1 20\n"
             "leaf expired DNS:localhost,IP:127.0.0.1 -1\n"
             "leaf wrong DNS:elsewhere.test 20\n"
             "leaf client DNS:client.test 20; leaf client2 DNS:client2.test 20\n"
             "openssl pkcs8 -topk8 -in client.key -passout pass:x -out pkcs8.key\n"
             "openssl rsa -in client.key -traditional -aes128 -passout pass:x -out "
             "pkcs1.key\n"
             "cat client.pem pkcs8.key >both.pem\n",
             folder);
    child_run(command);
}

/* Ref C is the time of the request; in the other one it is long past. */
#define NGINX_REF    "Ref A: C1D267662FE547E49CE0F2F9F66FA8C2 Ref B: LON04EDGE0411 Ref C: "
#define NGINX_MSEDGE NGINX_REF "$now"
#define NGINX_COPY   NGINX_REF "2019-05-04T18:02:21Z"

static inline void nginx_write_conf(const struct nginx *n)
{
    char conf[8192];
    snprintf(
        conf, sizeof conf,
        "daemon off; master_process off; pid %1$s/nginx.pid; error_log %1$s/error.log;\n"
        "events { worker_connections 256; }\n"
        "http { access_log off; client_body_temp_path %1$s/body; proxy_temp_path "
        "%1$s/p;\n"
        " fastcgi_temp_path %1$s/f; uwsgi_temp_path %1$s/u; scgi_temp_path %1$s/s;\n"
        " ssl_protocols TLSv1.2 TLSv1.3; client_max_body_size 32m;\n"
        " ssl_certificate %1$s/good.pem; ssl_certificate_key %1$s/good.key;\n"
        " map $time_iso8601 $now { \"~^(?<utc>.*)\\+\" ${utc}Z; }\n"
        " server { listen 127.0.0.1:%2$u ssl http2; listen [::1]:%2$u ssl http2;\n"
        "  add_header X-MSEdge-Ref \"" NGINX_MSEDGE "\" always;\n"
        "  add_header X-Cache TCP_HIT always;\n"
        "  location / { return 200 'hello'; }\n"
        "  location /v1/ { return 200; }\n"
        "  location /missing { return 404; }\n"
        "  location /moved { return 301 /; }\n"
        "  location /token { return 401; }\n"
        "  location /cached { add_header Age 4000; return 200; }\n"
        "  location /proxy { return 407; }\n"
        "  location /busy { add_header X-MSEdge-Ref \"" NGINX_MSEDGE
        "\" always; add_header Retry-After 7 always; return 503 'later'; }\n"
        "  location /copy { add_header X-MSEdge-Ref \"" NGINX_COPY
        "\"; return 200 'x'; }\n"
        "  location /akamai { add_header X-MSEdge-Ref \"" NGINX_MSEDGE
        "\"; add_header X-CDN-TraceID 0.0e0a2c17.1706529365.1; return 200 'x'; }\n"
        "  location /nothing { return 444; }\n"
        "  location /slow { proxy_pass http://127.0.0.1:%6$u; }\n"
        "  location /big { root %1$s; }\n"
        "  location /echo { proxy_pass http://127.0.0.1:%5$u/echo2; } }\n"
        " server { listen 127.0.0.1:%3$u ssl; ssl_certificate %1$s/expired.pem;\n"
        "  ssl_certificate_key %1$s/expired.key; return 200 'x'; }\n"
        " server { listen 127.0.0.1:%4$u ssl; ssl_certificate %1$s/wrong.pem;\n"
        "  ssl_certificate_key %1$s/wrong.key;\n"
        "  add_header X-Cache $ssl_server_name;\n"
        "  if ($host != elsewhere.test) { return 421; } return 200 'x'; }\n"
        " server { listen 127.0.0.1:%5$u; location / { return 200 'plain'; }\n"
        "  location /echo2 { client_body_in_single_buffer on; client_body_buffer_size "
        "64k;\n"
        "   proxy_pass http://127.0.0.1:%5$u/back; }\n"
        "  location /back { return 200 \"$request_method $content_length "
        "$content_type\"; } }\n"
        " log_format who '$connection $ssl_client_s_dn';\n"
        " server { listen 127.0.0.1:%7$u ssl; ssl_client_certificate %1$s/ca.pem;\n"
        "  access_log %1$s/mutual.log who;\n"
        "  ssl_verify_client on;\n"
        "  location / { return 200 $ssl_client_s_dn; } location /v1/ { return 200; } }\n"
        " server { listen 127.0.0.1:%8$u ssl; ssl_protocols TLSv1.1;\n"
        "  ssl_ciphers ALL:@SECLEVEL=0; return 200 'x'; }\n"
        "}\n",
        n->folder, n->good, n->expired, n->wrong_name, n->plain, n->silent, n->mutual,
        n->old_tls);
    child_write(n->folder, "nginx.conf", conf);
}

static inline void nginx_start(struct nginx *n)
{
    char path[96], log[96];
    setenv("TZ", "UTC0", 1); /* of $now */
    setenv("PATH", "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin", 1);
    child_folder(&n->tmp);
    n->folder = n->tmp.path;
    nginx_certificates(n->folder);
    snprintf(n->ca, sizeof n->ca, "%s/ca.pem", n->folder);
    snprintf(n->other_ca, sizeof n->other_ca, "%s/other.pem", n->folder);
    uint16_t *ports[] = {&n->good,  &n->expired, &n->wrong_name,
                         &n->plain, &n->mutual,  &n->old_tls};
    enum { PORTS = sizeof ports / sizeof *ports };
    int held[PORTS];
    for (int i = 0; i < PORTS; i++)
        held[i] = child_bind(SOCK_STREAM, ports[i]);
    for (int i = 0; i < PORTS; i++)
        close(held[i]);
    n->silent_socket = child_bind(SOCK_STREAM, &n->silent);
    listen(n->silent_socket, 64);
    nginx_write_conf(n);
    snprintf(path, sizeof path, "%s/big", n->folder); /* 1 GiB, without a block on disk */
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && ftruncate(fd, 1 << 30) == 0 && close(fd) == 0, "cannot make %s",
          path);
    snprintf(path, sizeof path, "%s/nginx.conf", n->folder);
    snprintf(log, sizeof log, "%s/log", n->folder);
    const char *const argv[] = {"nginx", "-p", n->folder, "-c", path, "-e", log, NULL};
    n->pid = child_start(argv, log);
    child_wait_for(n->good, "nginx");
}

static inline void nginx_end(struct nginx *n)
{
    child_end(n->pid);
    close(n->silent_socket);
    child_folder_remove(&n->tmp);
}

#endif
