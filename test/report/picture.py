#!/usr/bin/python3 -B
"""SOURCE PICTURE: a picture for the README, of the beginning of a report (.html, up to the end of its first plot), or of
a terminal (.top: what `tmux capture-pane -e` prints)."""
import html
import re
import sys

from browser import SIDES, Browser

COLOURS = ["#3b4252", "#ff7b7b", "#57c98a", "#e8b849", "#6cb2ff", "#d89cf0", "#6fd3d3", "#e4e7eb"]
PAGE = ("<!DOCTYPE html><meta charset='utf-8'><body style='margin:0;background:#14171b'><pre style='display:inline-block;margin:0;"
        "padding:12px 14px;color:#e4e7eb;font:13px/1.3 DejaVu Sans Mono,monospace'>%s</pre>")


def style(codes):
    """The CSS after these SGR codes; of colours the sixteen that a terminal names."""
    css, reverse = {}, False
    for code in codes:
        if code == 1:
            css["font-weight"] = "bold"
        elif code == 2:
            css["opacity"] = ".65"
        elif code == 7:
            reverse = True
        elif code == 22:
            css.pop("font-weight", None)
            css.pop("opacity", None)
        elif code == 27:
            reverse = False
        elif code == 39:
            css.pop("color", None)
        elif 30 <= code <= 37 or 90 <= code <= 97:
            css["color"] = COLOURS[code % 10]
    if reverse:
        css["background"], css["color"] = css.get("color", "#e4e7eb"), "#14171b"
    return ";".join(f"{key}:{value}" for key, value in css.items())


def terminal_page(text):
    out, codes = [], []
    for part in re.split(r"(\x1b\[[\d;]*m)", re.sub(r"\x0e|\x0f|\x1b\([A-Z0-9]", "", text.rstrip("\n"))):
        if part.startswith("\x1b["):
            for code in (int(word or 0) for word in part[2:-1].split(";")):
                codes = [] if code == 0 else codes + [code]
        elif part:
            out.append(f"<span style='{style(codes)}'>{html.escape(part)}</span>")
    return PAGE % "".join(out)


def main():
    source, picture = sys.argv[1:]
    SIDES["readme"] = (1000, 900, 1)
    corner = "document.querySelector('svg').getBoundingClientRect()"
    if source.endswith(".top"):
        with open(source, encoding="utf-8") as file:
            page = terminal_page(file.read())
        source, corner = source + ".html", "document.querySelector('pre').getBoundingClientRect()"
        with open(source, "w", encoding="utf-8") as file:
            file.write(page)
    with Browser() as browser:
        browser.open(source, "readme")
        bottom, right = browser.evaluate(f"[{corner}.bottom + scrollY, {corner}.right]")
        whole = source.endswith(".top.html")
        browser.picture(picture, (0, 0, right if whole else 1000, bottom if whole else bottom + 12))


main()
