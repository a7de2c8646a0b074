#!/usr/bin/python3 -B
"""Checks the examples for a fleet with Ansible and cloud-init, in a clean root."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from machine import PLAIN, TREE, Machine, equal, make_root, run_tests  # noqa: E402

PLAYBOOK = (TREE / "packaging/ansible/edgelat.yml").read_text()
CLOUD = (TREE / "packaging/cloud-init/edgelat.yaml").read_text()
INVENTORY = """[branches]
lyon-3 edgelat_location=AMS edgelat_token=secret
far-1
[branches:vars]
ansible_connection=local
edgelat_collector=https://collector.example:4318
"""
EDGELAT = os.path.join(os.environ.get("BUILD", "build"), "edgelat")


class Bed:
    machine = None


def check_config(text):
    """`edgelat check-config`, run outside of the machine, accepts a drop-in beside the shipped configuration."""
    path = "/tmp/etc/edgelat.conf"
    Bed.machine.write(path, (TREE / "packaging/edgelat.conf").read_text())
    root = f"/proc/{Bed.machine.init}/root"
    Bed.machine.write(f"{path}.d/site.conf", text.replace("= /etc/edgelat/", f"= {root}/etc/edgelat/"))
    done = subprocess.run([EDGELAT, "check-config", root + path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    equal(0, done.returncode, done.stdout.decode())


def playbook(text, *options):
    Bed.machine.write("/tmp/edgelat.yml", text)
    Bed.machine.write("/tmp/inventory", INVENTORY)
    return Bed.machine.try_run("env", "HOME=/tmp", "LANG=C.UTF-8", "ansible-playbook", "-i", "/tmp/inventory",
                               "/tmp/edgelat.yml", "-e", "edgelat_package=/tmp/edgelat.deb", *options)


def cloud_config(text):
    Bed.machine.write("/tmp/edgelat.yaml", text)
    done = Bed.machine.try_run("cloud-init", "schema", "--config-file", "/tmp/edgelat.yaml")
    return done.returncode, done.stdout.decode()


def on_machine():
    """A machine from a clean root with Ansible and cloud-init."""
    Bed.machine = Machine(make_root("ansible-core", "cloud-init"), PLAIN).__enter__()


def ansible():
    """Ansible: the playbook's syntax is valid; an unknown module is an error."""
    done = playbook(PLAYBOOK, "--syntax-check")
    equal(0, done.returncode, done.stdout.decode())
    equal(False, playbook(PLAYBOOK.replace("builtin.copy", "builtin.copi"), "--syntax-check").returncode == 0, "a mistake")


def ansible_writes():
    """Ansible: each site gets a valid configuration, and the secret in a file of its own."""
    m = Bed.machine
    m.run("mkdir", "-p", "/etc/edgelat/edgelat.conf.d")
    head, tasks = PLAYBOOK.split("  tasks:\n")
    writing = tasks[tasks.index("    - name: Store the token"):tasks.index("    - name: Check the whole")]
    local = (head.replace("become: true", "become: false") + "  tasks:\n" +
             re.sub("notify: Reload|validate: .*", "", writing.replace("group: edgelat", "group: root")))
    for site, location in (("lyon-3", "location = AMS"), ("far-1", "")):
        done = playbook(local, "--limit", site)
        equal(0, done.returncode, done.stdout.decode())
        text = m.run("cat", "/etc/edgelat/edgelat.conf.d/site.conf")
        equal(True, f"site = {site}\n{location}\n" in text, text)
        equal(False, "secret" in text, "the configuration has no secret")
        check_config(text + "\n")
    equal("640 Authorization: Bearer secret", m.run("stat", "-c", "%a", "/etc/edgelat/token") + " " +
          m.run("cat", "/etc/edgelat/token"), "the token")


def cloud_init():
    """cloud-init: the snippet is valid and writes a valid configuration; an unknown key is an error."""
    code, said = cloud_config(CLOUD)
    equal((0, True), (code, "Valid" in said), said)
    equal(True, cloud_config(CLOUD.replace("permissions:", "permission:"))[0] != 0, "a mistake")
    equal(0, cloud_config(CLOUD)[0], "the snippet again")
    written = Bed.machine.run("python3", "-c", "import yaml\nfor f in yaml.safe_load(open('/tmp/edgelat.yaml'))"
                              "['write_files']:\n  if f['path'].endswith('site.conf'): print(f['content'])")
    check_config(written + "\n")


def main():
    try:
        run_tests([on_machine, ansible, ansible_writes, cloud_init])
    finally:
        if Bed.machine:
            Bed.machine.__exit__()


main()
