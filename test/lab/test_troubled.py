#!/usr/bin/python3 -B
"""What is wrong and not lost: a satellite link on which a page takes 2.1 s, a server that answers 503 all day, and a
firewall that opens TLS with a CA of its own. `edgelat probe`, `nearest`, `run`, `status` and `report`; curl tells the
time of the page.

Runs itself in the lab.
"""

import json
import os
import re
import signal
import subprocess
import sys

import lab
import probing
from lab import Tap, in_internet, json_lines, run, running, wait_for
from probing import EDGELAT

OPENED = "203.0.113.82"
CA = "Example Branch Firewall"
TARGETS = ("satellite", "unwell", "opened")

tap = Tap()


def own_server():
    """nginx with a certificate of another CA, which this host trusts, as the hosts of such a site do."""
    folder = os.path.join(lab.FOLDER, "opened")
    os.makedirs(os.path.join(folder, "tmp"))
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for words in (("-keyout", "ca.key", "-out", "ca.pem", "-subj", f"/O={CA}/CN={CA} CA",
                   "-addext", "keyUsage=critical,keyCertSign,cRLSign"),
                  ("-CA", "ca.pem", "-CAkey", "ca.key", "-keyout", "own.key", "-out", "own.pem", "-subj", "/CN=opened",
                   "-addext", "subjectAltName=DNS:opened.example.net", "-addext", "basicConstraints=critical,CA:FALSE")):
        done = run("openssl", "req", "-x509", "-days", "7", *key, *words, cwd=folder)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
    with open(os.path.join(folder, "both.pem"), "w", encoding="ascii") as both:
        both.write(lab.read("ca.pem") + lab.read("opened/ca.pem"))
    paths = "".join(f"{kind}_temp_path {folder}/tmp; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    with open(os.path.join(folder, "nginx.conf"), "w", encoding="ascii") as conf:
        conf.write(f"daemon off; master_process off; user root; pid {folder}/pid; error_log {folder}/log warn;\n"
                   f"events {{}}\nhttp {{ access_log off; {paths}\n"
                   f" server {{ listen {OPENED}:443 ssl; ssl_certificate {folder}/own.pem;\n"
                   f"  ssl_certificate_key {folder}/own.key; location / {{ return 200 ok; }} }} }}\n")
    done = run("ip", "-n", "internet", "addr", "add", f"{OPENED}/32", "dev", "lo")
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    os.environ["SSL_CERT_FILE"] = os.path.join(folder, "both.pem")
    return in_internet("nginx", "-e", f"{folder}/log", "-c", f"{folder}/nginx.conf")


def probe(host):
    done = run(EDGELAT, "probe", "https", host, "-n", 2, "-i", 0.2, "--json")
    lines = json_lines(done.stdout)
    return done, [line for line in lines if not line.get("summary")], next(l for l in lines if l.get("summary"))


def test_probe():
    page = run("curl", "-s", "-4", "-o", "/dev/null", "-w", "%{time_total}", "--cacert", os.environ["SSL_CERT_FILE"],
               "https://satellite.example.net/apc/trans.gif")
    done, results, summary = probe("satellite.example.net")
    tap.equal((0, ["reply", "reply"], 0), (done.returncode, [r["outcome"] for r in results], summary["lost"]),
              "satellite: the page is slow, nothing is lost")
    tap.near(1000 * float(page.stdout), results[0]["delays"]["total"], 60, "satellite: as long as curl takes")
    done, results, summary = probe("unwell.example.net")
    tap.equal((1, ["http_error", "http_error"], 0), (done.returncode, [r["outcome"] for r in results], summary["lost"]),
              "503: an error, and nothing is lost")
    tap.equal(503, results[0]["http"]["status"], "503: the status")
    done, results, _ = probe("opened.example.net")
    tap.equal((0, "reply"), (done.returncode, results[0]["outcome"]), "opened TLS: trusted by this host")


def test_run():
    path, _ = probing.configuration("troubled", (
        f"window = 10s\nstatus_socket = {lab.FOLDER}/status\n" + "".join(
            f"[target {name}]\nhost = {name}.example.net\nservice = teams\nkinds = https\nfamily = ipv4\n"
            "https_interval = 5s\nhttps_slow_interval = 5s\n" for name in TARGETS)))
    with running(EDGELAT, "run", "-c", path, stderr=subprocess.PIPE) as agent:
        def status():
            done = run(EDGELAT, "status", "-c", path, "--json")
            return json.loads(done.stdout) if done.stdout.startswith("{") else {}
        found = wait_for(lambda: sum("HTTP 503" in f or "intercepted by" in f for f in status().get("findings", [])) == 2
                         and status(), 40, 0.5)
        tap.ok(found, "run: both are found", status().get("findings"))
        findings = (found or status()).get("findings", [])
        tap.ok(any(f.startswith("unwell: its server answers HTTP 503") for f in findings), "status: 503", findings)
        tap.ok(any(f.startswith("opened: TLS is intercepted by ") and CA in f for f in findings), "status: by whom", findings)
        tap.ok(not any(f.startswith("satellite") for f in findings), "status: the satellite link is slow, not broken", findings)
        done = run(EDGELAT, "status", "-c", path)
        tap.ok(done.returncode == 1 and "No problems found" not in done.stdout, "status: exit code 1", done.stdout)
        agent.send_signal(signal.SIGTERM)
        said = agent.communicate(timeout=15)[1]
    tap.ok(not re.search(r"satellite.*down", said), "run: never down", said)
    done = run(EDGELAT, "report", "-c", path, "--since", "1h", "-o", os.path.join(lab.FOLDER, "report.html"))
    page = lab.read("report.html") if done.returncode == 0 else done.stderr
    tap.ok(f"TLS was intercepted by {CA}" in page, "report: by whom TLS is opened", page[-300:])
    tap.ok("unwell (https errors in 100" in page, "report: the errors", page[-300:])
    tap.ok(">Good" not in page, "report: not good")


def test_nearest():
    path, _ = probing.configuration("nearest", "[target opened]\nhost = opened.example.net\nservice = teams\nfamily = ipv4\n")
    done = run(EDGELAT, "nearest", "-c", path, "-t", 3)
    tap.ok("opened: TLS is intercepted by " in done.stdout and CA in done.stdout, "nearest: by whom", done.stdout + done.stderr)


if __name__ == "__main__":
    probing.run_in_lab("troubled", __file__)
    with running(*own_server()):
        wait_for(lambda: run("curl", "-s", "-o", "/dev/null", "https://opened.example.net/", "--cacert",
                             os.environ["SSL_CERT_FILE"]).returncode == 0, 10)
        test_probe()
        test_run()
        test_nearest()
    sys.exit(tap.finish())
