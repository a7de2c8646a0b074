"""Parses the scenario file for the lab's servers; scenarios/default documents the statements.
The relay itself parses `seed`, `router`, `path` and `at`."""

import ipaddress
import os

SCENARIOS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "scenarios")


class ScenarioError(Exception):
    pass


def find(name):
    """The file of a scenario, given by name or path."""
    path = name if "/" in name else os.path.join(SCENARIOS, name)
    if not os.path.isfile(path):
        known = ", ".join(sorted(os.listdir(SCENARIOS)))
        raise ScenarioError(f"no scenario '{name}'; use one of {known}, or a path")
    return os.path.abspath(path)


def flatten(path, depth=0):
    """The text of a scenario with its includes expanded."""
    if depth > 8:
        raise ScenarioError(f"{path}: includes itself")
    lines = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            words = line.split()
            if words[:1] == ["include"]:
                other = words[1] if len(words) == 2 else ""
                lines.append(flatten(find(other), depth + 1))
            else:
                lines.append(line.rstrip("\n") + "\n")
    return "".join(lines)


class Pop:
    def __init__(self, addresses, status):
        self.addresses, self.status, self.headers = addresses, status, []


class Scenario:
    def __init__(self, text):
        self.branch, self.dns, self.ttl = [], [], 5
        self.routers = {}  # address: name
        self.pops = {}
        self.names = {}  # name: addresses
        self.aliases = {}  # name: name
        self.delays = {}  # path: milliseconds, before any `at`
        for number, line in enumerate(text.splitlines(), 1):
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            try:
                self._take(words[0], words[1:], line)
            except (ValueError, IndexError, KeyError) as error:
                raise ScenarioError(f"scenario:{number}: {line.strip()}: {error}") from None
        if not self.branch or not self.dns:
            raise ScenarioError("scenario: needs a branch and a dns statement")

    def _take(self, word, rest, line):
        if word == "branch":
            self.branch = [ipaddress.ip_interface(a) for a in rest]
        elif word == "dns":
            self.dns = [ipaddress.ip_address(a) for a in rest]
        elif word == "ttl":
            self.ttl = int(rest[0])
        elif word == "router" and len(rest) > 3:
            for address in rest[1:3]:
                if address != "-":
                    self.routers[ipaddress.ip_address(address)] = rest[3]
        elif word == "path":
            self.delays.pop(rest[0], None)
            for setting in rest:
                if setting.startswith("delay=") and setting.endswith("ms"):
                    self.delays[rest[0]] = float(setting[6:-2])
        elif word == "pop":
            status = int(rest.pop()) if rest[-1].isdecimal() else 200
            self.pops[rest[0]] = Pop([ipaddress.ip_address(a) for a in rest[1:]], status)
        elif word == "header":
            name, value = line.split(None, 2)[2].split(":", 1)
            self.pops[rest[0]].headers.append((name.strip(), value.strip()))
        elif word == "name":
            self._take_name(line)

    def _take_name(self, line):
        left, right = line.split("=", 1)
        chain = [part.strip() for part in left.split(None, 1)[1].split("->")]
        for alias, target in zip(chain, chain[1:]):
            self.names.pop(alias, None)
            self.aliases[alias] = target
        self.aliases.pop(chain[-1], None)
        addresses = []
        for word in right.split():
            addresses += self.pops[word].addresses if word in self.pops else [
                ipaddress.ip_address(word)]
        self.names[chain[-1]] = addresses

    def all_names(self):
        return sorted({*self.names, *self.aliases}, key=str.lower)
