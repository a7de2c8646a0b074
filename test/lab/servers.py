"""The servers in the lab's internet: nginx for the PoPs, dnsmasq for DNS, and their
certificates, created by openssl. All files are in one folder."""

import os
import subprocess


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def make_certificates(folder, scenario):
    """ca.pem, and pop.pem with pop.key for every name and address of the scenario."""
    names = [f"DNS:{name}" for name in scenario.all_names()]
    names += [f"IP:{address}" for pop in scenario.pops.values() for address in pop.addresses]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]

    def openssl(*args):
        done = subprocess.run(["openssl", "req", "-x509", "-days", "7", *key, *args],
                              cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError("openssl: " + done.stderr.strip())

    openssl("-keyout", "ca.key", "-out", "ca.pem", "-subj", "/O=edgelat lab/CN=edgelat lab CA",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    openssl("-CA", "ca.pem", "-CAkey", "ca.key", "-keyout", "pop.key", "-out", "pop.pem",
            "-subj", "/O=edgelat lab/CN=pop", "-addext", "subjectAltName=" + ",".join(names),
            "-addext", "basicConstraints=critical,CA:FALSE")


def write_nginx(folder, scenario):
    """A single process that does not change its user, so that it also runs in a user namespace."""
    lines = [
        "daemon off; master_process off; user root;",
        f"pid {folder}/nginx.own.pid; error_log {folder}/nginx.log warn;",
        "events { worker_connections 2048; }",
        "http {",
        "  access_log off; server_tokens off; keepalive_timeout 75s;",
        f"  client_body_temp_path {folder}/tmp; proxy_temp_path {folder}/tmp;",
        f"  fastcgi_temp_path {folder}/tmp; uwsgi_temp_path {folder}/tmp;",
        f"  scgi_temp_path {folder}/tmp;",
        '  map $time_iso8601 $now { "~^(?<utc>.*)\\+" ${utc}Z; }',
        '  map $time_iso8601 $now_packed { "~^(....)-(..)-(..T..):(..):(..)" $1$2$3$4$5Z; }',
        "  ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:pops:1m;",
        f"  ssl_certificate {folder}/pop.pem; ssl_certificate_key {folder}/pop.key;",
    ]
    for pop in scenario.pops.values():
        lines.append("  server {")
        for address in pop.addresses:
            host = f"[{address}]" if address.version == 6 else str(address)
            lines.append(f"    listen {host}:443 ssl http2; listen {host}:80;")
        for name, value in pop.headers:
            quoted = value.replace("\\", "\\\\").replace('"', '\\"')
            lines.append(f'    add_header {name} "{quoted}" always;')
        lines += [f'    location / {{ return {pop.status} "{pop.status}\\n"; }}',
                  "    location = /apc/trans.gif { empty_gif; }",
                  '    location = /connecttest.txt { return 200 "Microsoft Connect Test"; }',
                  f"    location = /download {{ root {folder}/www; }}",
                  "  }"]
    write(os.path.join(folder, "nginx.conf"), "\n".join(lines + ["}", ""]))
    os.makedirs(os.path.join(folder, "tmp"))
    os.makedirs(os.path.join(folder, "www"))
    with open(os.path.join(folder, "www", "download"), "wb") as file:
        file.write(bytes(256 * 1024))


def write_dnsmasq(folder, scenario):
    """Addresses are in hosts/, one file per name; dnsmasq re-reads changed files."""
    hosts = os.path.join(folder, "hosts")
    os.makedirs(hosts)
    for name, addresses in scenario.names.items():
        write(os.path.join(hosts, name), "".join(f"{a} {name}\n" for a in addresses))
    write(os.path.join(hosts, "routers"),
          "".join(f"{a} {name}\n" for a, name in scenario.routers.items()))
    lines = ["no-resolv", "no-hosts", "bind-interfaces", "port=53", "cache-size=0",
             "address=/#/",  # NXDOMAIN for all other names
             f"hostsdir={hosts}", f"local-ttl={scenario.ttl}", "pid-file="]
    lines += [f"listen-address={address}" for address in scenario.dns]
    lines += [f"cname={alias},{target}" for alias, target in scenario.aliases.items()]
    write(os.path.join(folder, "dnsmasq.conf"), "\n".join(lines) + "\n")


def commands(folder):
    """{name: (command to run in the internet, socket that shows it is ready)}"""
    return {
        "nginx": (["env", "TZ=UTC0", "nginx", "-e", f"{folder}/nginx.log", "-c", f"{folder}/nginx.conf"],
                  ("tcp", 443)),
        "dnsmasq": (["dnsmasq", "--no-daemon", f"--conf-file={folder}/dnsmasq.conf"],
                    ("udp", 53)),
    }


def is_open(pid, protocol, port):
    """Whether a socket is bound to the port in the network namespace of `pid`."""
    for family in ("", "6"):
        try:
            with open(f"/proc/{pid}/net/{protocol}{family}", encoding="ascii") as file:
                if any(line.split()[1].endswith(f":{port:04X}") for line in list(file)[1:]):
                    return True
        except FileNotFoundError:
            pass
    return False
