#!/usr/bin/python3 -B
"""The last metre: a default gateway that answers no ICMP is told from one that is gone, loss before it is charged to the site and not to
the targets, in status, events, metrics and the report; loss behind it is not.

    branch (edgelat) - gateway - edge"""

import json
import os

from lab import TOP, Tap, alone, run, wait_for
from probing import EDGELAT, log_records
from test_flows import in_net

GATEWAY = "10.42.0.1"
TARGETS = {"one": "198.51.100.1", "two": "198.51.100.2", "three": "198.51.100.3"}
# Half of what goes to each is dropped. Of a target in runs, which core/path_loss.h counts as one loss each: with the high limit below, the
# gateway's own loss is sure before a target is degraded. No window of the gateway, with two or three packets, loses all.
RUNS = "".join(f"ip daddr {to} meta l4proto icmp numgen inc mod {2 * run} < {run} drop\n" for to, run in ((GATEWAY, 1), *((t, 3) for t in TARGETS.values())))
LOSSY = f"table netdev loss {{\n chain c {{ type filter hook ingress device \"branch\" priority 0; policy accept;\n{RUNS}}}\n}}\n"

tap = Tap()


def node(name, *words, **options):
    return run("ip", "netns", "exec", name, *words, **options)


class Branch:
    """The agent in the branch."""

    def __init__(self, net):
        self.path, self.state = f"{net.folder}/conf", f"{net.folder}/state"
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(f"[agent]\nstate_dir = {self.state}\nstatus_socket = {net.folder}/status\nstop_file = {net.folder}/stop\nwindow = 5s\n"
                       "workloads = no\nfront_doors = 0\n[dns]\nprobe = no\n[path]\ntrace = no\nmtu = no\n")
            for name, host in TARGETS.items():
                file.write(f"[target {name}]\nhost = {host}\nkinds = icmp\ninterval = 1s\nslow_interval = 1s\nloss_limit = 15%\n")
        self.agent = net.start("branch", EDGELAT, "run", "-c", self.path)

    def status(self, *options):
        return node("branch", EDGELAT, "status", "-c", self.path, *options).stdout

    def metre(self):
        metres = json.loads(self.status("--json") or "{}").get("last_metre", [])
        return next((m for m in metres if m["family"] == "ipv4"), {})

    def comes(self, state, seconds):
        return wait_for(lambda: self.metre().get("state") == state, seconds, 0.5)


def main(net):
    for address in TARGETS.values():
        run("ip", "-n", "edge", "addr", "add", f"{address}/32", "dev", "lo")
    branch = Branch(net)
    tap.ok(branch.comes("fine", 30), "a healthy last metre is fine", branch.status())

    node("gateway", "sysctl", "-qw", "net.ipv4.icmp_echo_ignore_all=1")
    tap.ok(wait_for(lambda: branch.metre().get("icmp_silent") and branch.metre().get("neighbour_answers"), 60, 0.5),
           "a gateway that filters ICMP: it answers ARP", branch.status())
    tap.ok(branch.comes("cannot tell", 30), "the last metre cannot be told", branch.status())
    tap.ok(wait_for(lambda: "it is there (it answers ARP" in branch.status(), 30, 0.5) and "last_metre" not in str(json.loads(branch.status("--json")).get("findings")),
           "which status says, and it is no finding", branch.status())
    node("gateway", "sysctl", "-qw", "net.ipv4.icmp_echo_ignore_all=0")
    tap.ok(branch.comes("fine", 30), "it answers again")

    tap.equal(0, node("gateway", "nft", "-f", "-", input=LOSSY).returncode, "loss before the gateway")
    tap.ok(branch.comes("lossy", 120), "the last metre is lossy", branch.status())
    charged = [t.get("charged_to") for t in json.loads(branch.status("--json"))["targets"] if t["target"] in TARGETS]
    tap.ok("site" in str(charged), "targets: charged to the site", charged)
    tap.ok(wait_for(lambda: {t["state"] for t in json.loads(branch.status("--json"))["targets"] if t["target"] in TARGETS} == {"degraded"},
                    180, 0.5), "all targets are degraded", branch.status())
    node("gateway", "nft", "flush", "ruleset")
    tap.ok(branch.comes("fine", 120), "fine again", branch.status())

    run("ip", "-n", "gateway", "link", "set", "branch", "down")
    tap.ok(branch.comes("down", 120), "the gateway is gone", branch.status())
    run("ip", "-n", "gateway", "link", "set", "branch", "up")
    run("ip", "-n", "gateway", "addr", "add", "2001:db8:42::1/64", "dev", "branch", "nodad")
    wait_for(lambda: branch.metre().get("state") in ("fine", "lossy"), 60, 0.5)
    net.stop(branch.agent)

    changes = [(of.get("edgelat.before"), of["edgelat.after"], of["network.type"]) for name, of, _ in log_records(branch.state)
               if name == "edgelat.last_metre.changed" and of["network.type"] == "ipv4"]
    tap.equal(["lossy", "fine", "down"], [after for _, after, _ in changes[:3]], "the events")
    said = [text for name, of, text in log_records(branch.state) if name == "edgelat.state.changed" and of["edgelat.after"] == "degraded"]
    tap.ok(any("already there at the default gateway" in text for text in said), "a state that loss made says where it arose", said)
    page = run(EDGELAT, "report", "--state", branch.state, "-c", branch.path, "--since", "1h", "-o", "-").stdout
    lines = page[page.find("</p>\n<ul>"):page.find("</header>")].split("<li>")[1:]
    own = [line for line in lines if "site's own network</strong>" in line or "site&#39;s own network</strong>" in line]
    own = [line for line in own if "edgelat.network.changed" not in line]  # what the gateway lost while it was gone has another cause
    tap.equal(1, len(own), "the report: one line for the loss")
    tap.ok(own and "packets to the default gateway" in own[0] and "not charged to the targets" in own[0], "which says what", own)
    gone = [line for line in lines if "answers neither ICMP nor ARP" in line]
    tap.equal(1, len(gone), "the report: one line for the gateway that was gone")
    tap.ok(not any(f"<strong>{name}" in line for line in lines for name in TARGETS), "the report: none for a target", lines)


if __name__ == "__main__":
    os.environ["EDGELAT_DATA"] = os.path.join(TOP, "packaging", "data")
    alone("metre", in_net(main), tap)
