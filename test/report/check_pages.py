#!/usr/bin/python3 -B
"""Looks at pages of `edgelat report` in headless Chromium: a day of five targets and a week of nineteen (with the default gateway), with planted
troubles (build/bench/history), on a desk, on a phone, dark and on paper. axe-core finds no violation, nothing is loaded,
no script is there, nothing is cut off, the week is under 1 MiB. Pictures are in build/report.

    make check-report"""

import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browser import Browser  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("BUILD", os.path.join(TOP, "build")))
FOLDER = os.path.join(BUILD, "report")
AXE = os.path.join(BUILD, "axe")
PAGES = {"day": ("-d", "1", "-t", "5"), "week": ("-d", "7", "-t", "18")}
LOOKS = [("desk", "light", "screen"), ("desk", "dark", "screen"), ("phone", "light", "screen"), ("phone", "dark", "screen"),
         ("desk", "light", "print")]
SMALLEST_PX = 9  # letters on a phone

FACTS = """(() => {
    const letters = [...document.querySelectorAll("svg text")].map(t => parseFloat(getComputedStyle(t).fontSize) *
        t.ownerSVGElement.getBoundingClientRect().width / t.ownerSVGElement.viewBox.baseVal.width);
    const outside = [...document.querySelectorAll("body *")].filter(e => !e.closest(".wide, details:not([open])") &&
        e.getBoundingClientRect().right > document.documentElement.clientWidth + 1);
    return {scripts: document.scripts.length, background: getComputedStyle(document.body).backgroundColor,
            wider: document.documentElement.scrollWidth - document.documentElement.clientWidth,
            outside: outside.map(e => e.tagName + " " + e.className).slice(0, 5), letters: Math.min(...letters)};
})()"""

failed = 0
number = 0


def ok(is_so, what, detail=""):
    global failed, number
    number += 1
    failed += not is_so
    print(f"{'ok' if is_so else 'not ok'} {number} - {what}", flush=True)
    if not is_so:
        print("\n".join(f"# {line}" for line in str(detail).splitlines()), flush=True)


def make_page(name):
    state, page = os.path.join(FOLDER, name), os.path.join(FOLDER, f"{name}.html")
    subprocess.run(["rm", "-rf", state], check=True)
    subprocess.run([os.path.join(BUILD, "bench", "history"), state, *PAGES[name]], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    began = time.monotonic()
    subprocess.run([os.path.join(BUILD, "edgelat"), "report", "--state", state, "--since", "10d", "-o", page], check=True,
                   stdout=subprocess.DEVNULL)
    took = time.monotonic() - began
    subprocess.run(["rm", "-rf", state], check=True)
    size = os.path.getsize(page)
    print(f"# {name}: {size / 1e6:.2f} MB, written in {took:.0f} s")
    ok(size < 1 << 20, f"{name}: under 1 MiB", size)
    return page


def violations(browser):
    if not browser.evaluate("typeof axe === 'object'"):
        with open(os.path.join(AXE, "node_modules", "axe-core", "axe.min.js"), encoding="utf-8") as file:
            browser.evaluate(file.read() + "; true")
    found = browser.evaluate("axe.run(document, {resultTypes: ['violations']}).then(r => r.violations.map(v => "
                             "v.id + ': ' + v.nodes.length + ' times, ' + v.nodes[0].html.slice(0, 200)))")
    return found


def backgrounds_differ(seen):
    brightness = {look: sum(map(int, re.findall(r"\d+", colour)[:3])) for look, colour in seen.items()}
    return brightness["light"] > 600 > 150 > brightness["dark"]


def look_at(browser, name, page):
    seen = {}
    for side, colours, media in LOOKS:
        look = f"{name}, {side}, {colours}" + (", on paper" if media == "print" else "")
        browser.open(page, side, colours, media)
        facts = browser.evaluate(FACTS)
        ok(not browser.complaints, f"{look}: no complaint of the browser", browser.complaints)
        ok(len(browser.requests) == 1 and facts["scripts"] == 0, f"{look}: one file, no script", browser.requests)
        ok(facts["wider"] <= 0 and not facts["outside"], f"{look}: nothing is wider than the page", facts)
        ok(facts["letters"] >= SMALLEST_PX, f"{look}: letters in plots {facts['letters']:.1f} px", facts)
        if media == "screen":
            seen[colours] = facts["background"]
            found = violations(browser)
            ok(found == [], f"{look}: axe finds no violation", "\n".join(found))
            browser.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
            found = violations(browser)
            ok(found == [], f"{look}, all unfolded: axe finds no violation", "\n".join(found))
            browser.open(page, side, colours)
            height = min(browser.evaluate("document.documentElement.scrollHeight"), 2600)
            browser.picture(os.path.join(FOLDER, f"{name}-{side}-{colours}.png"),
                            (0, 0, {"desk": 1280, "phone": 400}[side], height))
        else:
            browser.paper(os.path.join(FOLDER, f"{name}.pdf"))
    ok(backgrounds_differ(seen), f"{name}: light and dark", seen)


def main():
    os.makedirs(FOLDER, exist_ok=True)
    if not os.path.exists(os.path.join(AXE, "node_modules", "axe-core")):
        os.makedirs(AXE, exist_ok=True)
        subprocess.run(["npm", "install", "--silent", "--no-save", "--prefix", AXE, "axe-core@4"], check=True)
    for name in PAGES:
        page = make_page(name)
        with Browser() as browser:
            look_at(browser, name, page)
    print(f"1..{number}")
    sys.exit(failed > 0)


main()
