#!/usr/bin/python3 -B
"""Makes the page and the table for the README of the results of `make bench`: build/bench/bench.html and bench.md.

    test/bench/page.py

Reads build/bench/results/*.jsonl, which bench.py describes; knows no section but by its records. The page is self-contained:
inline SVG, no script.
"""

import html
import json
import math
import os
import statistics
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bench  # noqa: E402

ORDER = ("accuracy", "windows", "cost", "ceiling", "percentiles", "bytes", "detection", "flows", "routes", "sweep", "trace", "programs", "fleet")
LEAST_ROUNDS = 3
OURS = "edgelat"
# Position in the palette of each peer, so that it has one colour on the whole page; edgelat's own is the accent.
# Those of other sections use the palette again.
COLOURS = ("fping", "ping", "blackbox_exporter", "curl", "smokeping_prober", "mtr", "irtt", "dnsperf", "dig", "smokeping",
           "OpenTelemetry", "HdrHistogram", "DDSketch", "classic", "OTLP/JSON gzip", "OTLP/JSON", "OTLP, not", "remote write, native",
           "remote write, a bucket", "pmbmpd", "nfcapd", "traceroute -I", "traceroute -T", "scamper", "openssl", "bare loop")
PALETTE = 10


# ---- reading ----

class Section:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.records = [json.loads(line) for line in file]
        self.head = self.records[0]
        self.name = self.head["section"]
        self.plots = {r["plot"]: r for r in self.of("plot") if "value" not in r and "goal" not in r and "row" not in r}
        self.noise = {r["round"]: r["noise"] for r in self.of("noise")}
        self.quiet = [number for number, noise in self.noise.items() if bench.is_quiet(noise)]
        self.cells, self.doubtful = {}, set()
        for r in self.of("value"):
            self.cells.setdefault((r["plot"], r["column"], r["tool"], r["mark"]), {})[r["round"]] = r["value"]
        for key, cell in self.cells.items():
            quiet = {number: value for number, value in cell.items() if number in self.quiet or number not in self.noise}
            if len(quiet) >= min(LEAST_ROUNDS, len(cell)):
                self.cells[key] = quiet
            else:
                self.doubtful.add(key)
        self.noisy = bool(self.noise) and (
            len(self.quiet) < min(LEAST_ROUNDS, len(self.noise)) or len(self.quiet) < len(self.noise) / 2)

    def of(self, key):
        return [r for r in self.records if key in r]

    def cell(self, plot, column, tool, mark):
        """{round: value}; {}: not measured."""
        return self.cells.get((plot, column, tool, mark), {})

    def middle(self, plot, column, tool, mark):
        values = self.cell(plot, column, tool, mark).values()
        if not values:
            return None
        return max(values) if mark == "max" else statistics.median(values)

    def doubts(self, plot, column, mark, *tools):
        return any((plot, column, tool, mark) in self.doubtful for tool in tools)

    def better(self, plot, a, b):
        """True when value `a` is the better one."""
        return a > b if self.plots[plot].get("better") == "higher" else a < b

    def columns(self, plot):
        return list(dict.fromkeys(key[1] for key in self.cells if key[0] == plot))

    def tools(self, plot, column=None):
        return list(dict.fromkeys(key[2] for key in self.cells if key[0] == plot and column in (None, key[1])))

    def ratios(self, plot, column, mark, ours, peer):
        """The peer's value over ours, of each round (of all pairs if they were not measured in the same rounds)."""
        own, theirs = self.cell(plot, column, ours, mark), self.cell(plot, column, peer, mark)
        both = own.keys() & theirs.keys()
        pairs = [(own[r], theirs[r]) for r in both] or [(a, b) for a in own.values() for b in theirs.values()]
        return sorted(b / a for a, b in pairs if a > 0)


# ---- words ----

def short(value):
    """Three digits."""
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def amount(value, unit):
    if value is None:
        return ""
    if unit == "us":
        for factor, name in ((1e6, "s"), (1e3, "ms")):
            if value >= factor:
                return f"{short(value / factor)} {name}"
        return f"{short(value)} µs"
    if unit == "B":
        for factor, name in ((1e6, "MB"), (1e3, "kB")):
            if value >= factor:
                return f"{short(value / factor)} {name}"
    if unit in ("", "counters", "series", "packets"):  # the title says what
        return short(value)
    return f"{short(value)}{'' if unit == 'x' else ' '}{unit}"


def ratio(values):
    """Median, and least and greatest where they differ."""
    if not values:
        return ""
    middle, low, high = map(short, (statistics.median(values), values[0], values[-1]))
    return f"{middle}x" if low == high else f"{middle}x ({low} to {high})"


def doubted(text, doubt):
    return f"({text})" if doubt and text else text


def verdict(section):
    """One sentence about how quiet the machine was."""
    if not section.noise:
        return ""
    worst = {key: max(n.get(key, 0) for n in section.noise.values()) for key in ("steal", "others", "capture_us")}
    found = f"stolen by the hypervisor up to {worst['steal']:.1%}, other processes up to {worst['others']:.2f} cores"
    if worst["capture_us"]:
        found += f", error of the capture itself {worst['capture_us']:.1f} µs (p1 to p99)"
    rounds = f"{len(section.quiet)} of {len(section.noise)} rounds were quiet"
    if not section.cells:
        return f"The machine was {'not ' * section.noisy}quiet: {found}."
    if section.noisy:
        return f"The machine was too noisy for a verdict: {rounds}; {found}. Figures in parentheses are of all rounds."
    return f"{rounds} and are counted; {found}. Figures in parentheses had too few quiet rounds."


def judge(section, goal):
    """Goal, what was measured, and whether it is met: by all rounds, by none, or cannot tell."""
    place = goal["plot"], goal["column"], goal["mark"]
    if goal["against"]:
        values = sorted(1 / r for r in section.ratios(*place, goal["tool"], goal["against"]) if r > 0)
    else:
        values = sorted(section.cell(goal["plot"], goal["column"], goal["tool"], goal["mark"]).values())
    if not values:
        return goal["goal"], "not measured", ""
    found = amount(statistics.median(values), "x" if goal["against"] else section.plots[goal["plot"]]["unit"])
    if values[0] != values[-1]:
        found += f" ({short(values[0])} to {short(values[-1])})"
    if section.doubts(*place, goal["tool"], *filter(None, [goal["against"]])):
        return goal["goal"], f"({found})", "not judged: too noisy"
    met = [v <= goal["most"] if goal["most"] is not None else v >= goal["least"] for v in values]
    return goal["goal"], found, "met" if all(met) else "cannot tell" if any(met) else "missed"


# ---- drawing ----

def esc(text):
    return html.escape(str(text))


def colour(tool):
    if tool.startswith(OURS):
        return "c-own"
    for i, peer in enumerate(COLOURS):
        if tool.startswith(peer):
            return f"c{i % PALETTE}"
    return "c-other"


class Axis:
    """Logarithmic, in steps of a decade, finer where it is short; from `start` to `end` in pixels."""

    def __init__(self, values, start, end, floor=None):
        positive = [v for v in values if v > 0] or [1]
        self.floor = floor or min(positive)
        low, high = max(min(positive), self.floor), max(max(positive), self.floor)
        if high / low < 1.5:
            low, high = low / 1.6, high * 1.6
        self.low, self.high = math.log10(low), math.log10(high)
        self.start, self.end = start, end
        steps = (1,) if self.high - self.low > 1.6 else (1, 2, 5)
        every = max(1, math.ceil((self.high - self.low) / 5))
        decades = range(math.floor(self.low), math.ceil(self.high) + 1, every)
        for steps in (steps, (1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9)):
            self.ticks = [s * 10.0**d for d in decades for s in steps if self.low - 1e-9 <= math.log10(s * 10.0**d) <= self.high + 1e-9]
            if len(self.ticks) > 1:
                break

    def at(self, value):
        share = (math.log10(max(value, self.floor, 10**self.low)) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)


WIDTH, LABEL, VALUE, ROW = 460, 130, 92, 22
LETTER = 6.9  # a bold one is as wide, of the font's average


def dots(section, plot, column, everything):
    """One panel: a row for each tool, its marks on one axis, the headline's value on the right."""
    p = section.plots[plot]
    marks, headline, unit = p["marks"], p["headline"], p["unit"]
    tools = [t for t in section.tools(plot, column) if section.cell(plot, column, t, headline)]
    sign = -1 if p.get("better") == "higher" else 1
    tools.sort(key=lambda t: (not t.startswith(OURS), sign * section.middle(plot, column, t, headline)))
    label = max(LABEL, 6 + LETTER * max(len(t) for t in section.tools(plot)))
    axis = Axis(everything, label + 14, WIDTH - VALUE - 6, p.get("floor"))
    top, bottom = 8, 8 + ROW * len(tools)
    out = [f'<svg viewBox="0 0 {WIDTH} {bottom + 40}" role="img" aria-label="{esc(p["title"])}, {esc(column)}">']
    for tick in axis.ticks:
        out.append(f'<path class="grid" d="M{axis.at(tick)} {top}V{bottom}"/>'
                   f'<text class="tick" x="{axis.at(tick)}" y="{bottom + 14}" text-anchor="middle">{amount(tick, unit)}</text>')
    out.append(f'<text class="axis" x="{(axis.start + axis.end) / 2}" y="{bottom + 32}" text-anchor="middle">'
               f'{esc(p.get("axis", p["title"]))}, logarithmic</text>')
    for i, tool in enumerate(tools):
        y = top + ROW * i + ROW / 2
        own = " own" if tool.startswith(OURS) else ""
        values = section.cell(plot, column, tool, headline).values()
        middle = section.middle(plot, column, tool, headline)
        out.append(f'<g class="{colour(tool)}{own}"><text x="{label:.0f}" y="{y + 4}" text-anchor="end">{esc(tool)}</text>')
        spots = {mark: section.middle(plot, column, tool, mark) for mark in marks}
        known = [axis.at(v) for v in spots.values() if v is not None]
        out.append(f'<path class="line" d="M{min(known)} {y}H{max(known)}"/>')
        out.append(f'<path class="spread" d="M{axis.at(min(values))} {y}H{axis.at(max(values)) + 0.1}"/>')
        for mark, value in spots.items():
            x = axis.at(value)
            if mark == headline:
                out.append(f'<circle class="dot" cx="{x}" cy="{y}" r="4.5"/>')
            elif mark == "max":
                out.append(f'<path class="mark" d="M{x} {y - 5}V{y + 5}"/>')
            else:
                out.append(f'<circle class="ring" cx="{x}" cy="{y}" r="3.5"/>')
        text = doubted(amount(middle, unit), section.doubts(plot, column, headline, tool))
        out.append(f'<text x="{WIDTH - VALUE + 8}" y="{y + 4}">{text}</text></g>')
    return "".join(out) + "</svg>"


def legend(p):
    words = []
    for mark in p["marks"]:
        words.append({p["headline"]: f"filled dot: {mark}", "max": "bar: max"}.get(mark, f"ring: {mark}"))
    return f"{'; '.join([*(words if len(words) > 1 else []), 'wide line'])}: least to greatest of the rounds.".capitalize()


def exponent(points):
    """Least squares on logarithms: value ~ x to the power of it."""
    xs, ys = [math.log(x) for x, _ in points], [math.log(y) for _, y in points]
    mx, my = statistics.mean(xs), statistics.mean(ys)
    return sum((x - mx) * (y - my) for x, y in zip(xs, ys)) / sum((x - mx) ** 2 for x in xs)


def lines(section, plot):
    """Growth: columns are numbers, both axes logarithmic, each tool labelled at its last point."""
    p, mark = section.plots[plot], section.plots[plot]["headline"]
    series = {}
    for column in section.columns(plot):
        for tool in section.tools(plot, column):
            value = section.middle(plot, column, tool, mark)
            if value:
                series.setdefault(tool, []).append((float(column), value))
    height, left, right = 300, 58, WIDTH - 168
    x_axis = Axis([x for points in series.values() for x, _ in points], left, right)
    y_axis = Axis([y for points in series.values() for _, y in points], height - 44, 14)
    x_axis.ticks = sorted({x for points in series.values() for x, _ in points})
    out = [f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{esc(p["title"])}">']
    for tick in y_axis.ticks:
        out.append(f'<path class="grid" d="M{left} {y_axis.at(tick)}H{right}"/>'
                   f'<text class="tick" x="{left - 6}" y="{y_axis.at(tick) + 4}" text-anchor="end">{amount(tick, p["unit"])}</text>')
    last = None
    for tick in x_axis.ticks:
        out.append(f'<path class="grid" d="M{x_axis.at(tick)} 14V{height - 44}"/>')
        if last is None or x_axis.at(tick) - last > 34:
            last = x_axis.at(tick)
            out.append(f'<text class="tick" x="{last}" y="{height - 28}" text-anchor="middle">{tick:,.0f}</text>')
    out.append(f'<text class="axis" x="{(left + right) / 2}" y="{height - 8}" text-anchor="middle">{esc(p["x"])}, both axes logarithmic</text>')
    labels = []
    for tool, points in series.items():
        points.sort()
        path = "L".join(f"{x_axis.at(x)} {y_axis.at(y)}" for x, y in points)
        out.append(f'<g class="{colour(tool)}{" own" if tool.startswith(OURS) else ""}"><path class="curve" d="M{path}"/>'
                   + "".join(f'<circle class="dot" cx="{x_axis.at(x)}" cy="{y_axis.at(y)}" r="3.5"/>' for x, y in points) + "</g>")
        growth = f" n^{exponent(points):.2f}" if len(points) > 1 else ""
        labels.append([y_axis.at(points[-1][1]), tool, growth, x_axis.at(points[-1][0])])
    labels.sort()
    for i, label in enumerate(labels):
        label.append(max(label[0], labels[i - 1][4] + 14) if i else label[0])
    over = max(0, labels[-1][4] - (height - 46)) if labels else 0
    for y, tool, growth, x, at in labels:
        out.append(f'<g class="{colour(tool)}{" own" if tool.startswith(OURS) else ""}"><path class="lead" d="M{x + 5} {y}L{right + 8} {at - over}"/>'
                   f'<text class="name" x="{right + 11}" y="{at - over + 4}">{esc(tool)}{growth}</text></g>')
    return "".join(out) + "</svg>"


# ---- the page ----

STYLE = """
:root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--dim:#59636e;--line:#d7dce1;--own:#0757c4;--card:#f6f8fa;
--p0:#b35900;--p1:#8a6d00;--p2:#8b3fb0;--p3:#b3261e;--p4:#a0417c;--p5:#5b6b00;--p6:#00736b;--p7:#3f6f8f;--p8:#7a4b2a;--p9:#2f7d32;--px:#59636e}
@media(prefers-color-scheme:dark){:root{--bg:#0f1318;--fg:#e4e8ec;--dim:#9aa5b1;--line:#303842;--own:#6cb2ff;--card:#171c23;
--p0:#f0a35e;--p1:#d8bd4a;--p2:#cf9bea;--p3:#ff8b80;--p4:#ef94c8;--p5:#bccb55;--p6:#56c9bf;--p7:#8fc0df;--p8:#d3a382;--p9:#7fd184;--px:#9aa5b1}}
*{box-sizing:border-box}body{margin:0 auto;max-width:1240px;padding:16px;background:var(--bg);color:var(--fg);
font:15px/1.5 system-ui,"DejaVu Sans",sans-serif}h1{font-size:26px;margin:8px 0}h2{font-size:20px;margin:40px 0 4px;border-top:1px solid var(--line);padding-top:20px}
h3{font-size:16px;margin:24px 0 2px}p{margin:4px 0 8px;max-width:90ch}.dim,figcaption,td.dim{color:var(--dim)}figcaption{font-size:13px}
.panels{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(340px,100%),1fr));gap:8px 20px}.panels svg{max-width:400px}.large svg{max-width:560px}.large{grid-template-columns:repeat(auto-fit,minmax(min(440px,100%),1fr))}figure{margin:0;min-width:0}
svg{width:100%;max-width:560px;height:auto;display:block}svg text{font-size:12px;fill:var(--fg)}svg .tick,svg .axis{fill:var(--dim);font-size:11px}
svg .name{font-size:11px}svg .own text{font-weight:700}.grid{stroke:var(--line);stroke-width:1;fill:none}.line,.mark,.lead,.curve{stroke:var(--c);fill:none;stroke-width:1.5}
.lead{stroke-width:.7}.curve{stroke-width:2}.own .curve{stroke-width:3}.spread{stroke:var(--c);stroke-width:9;opacity:.3;fill:none}.dot{fill:var(--c)}.ring{fill:var(--bg);stroke:var(--c);stroke-width:1.5}
.c-own{--c:var(--own)}.c-other{--c:var(--px)}""" + "".join(f".c{i}{{--c:var(--p{i})}}" for i in range(PALETTE)) + """
.wide{overflow-x:auto;max-width:100%}table{border-collapse:collapse;margin:8px 0;font-size:14px}td,th{padding:3px 10px 3px 0;text-align:right;
border-bottom:1px solid var(--line);vertical-align:top}td:first-child,th:first-child{text-align:left}th{font-weight:600}.own td{font-weight:700}
.noisy{border-left:4px solid var(--p3);background:var(--card);padding:6px 10px}details{margin:6px 0}summary{cursor:pointer;color:var(--dim);padding:3px 0}
pre{background:var(--card);padding:10px;overflow-x:auto;font-size:12px;line-height:1.35}@media(max-width:600px){td,th{padding-right:6px;font-size:12px}}
"""


def table(head, rows, own=()):
    out = ["<div class=wide><table><tr>", *(f"<th>{esc(h)}" for h in head), "</tr>"]
    for i, cells in enumerate(rows):
        out.append(f"<tr{' class=own' if i in own else ''}>" + "".join(f"<td>{esc(c)}" for c in cells))
    return "".join(out) + "</table></div>"


def details(section, plot):
    """Every value of a plot, each peer's headline as a ratio to ours."""
    p = section.plots[plot]
    rows, own = [], []
    for column in section.columns(plot):
        tools = section.tools(plot, column)
        ours = next((t for t in tools if t.startswith(OURS)), None)
        for tool in sorted(tools, key=lambda t: not t.startswith(OURS)):
            cells = [doubted(amount(section.middle(plot, column, tool, mark), p["unit"]), section.doubts(plot, column, mark, tool))
                     for mark in p["marks"]]
            found = section.ratios(plot, column, p["headline"], ours, tool) if ours and not tool.startswith(OURS) else []
            if tool.startswith(OURS):
                own.append(len(rows))
            rows.append([column if p.get("form") != "lines" else f"{float(column):,.0f}", tool, *cells,
                         doubted(ratio(found), section.doubts(plot, column, p["headline"], tool, ours))])
    marks = p["marks"] if len(p["marks"]) > 1 else [p["unit"] if p["unit"] != "us" else "time"]
    of = f"its {p['headline']} over edgelat's" if len(p["marks"]) > 1 else "ratio to edgelat"
    return f"<details><summary>Values and ratios</summary>{table(['', '', *marks, of], rows, own)}</details>"


def show(section):
    h = section.head
    out = [f'<h2 id="{h["section"]}">{esc(h["title"])}</h2><p>{esc(h["intro"])}</p>']
    if verdict(section):
        out.append(f'<p class="{"noisy" if section.noisy else "dim"}">{esc(verdict(section))}</p>')
    told = None
    grown = [plot for plot, p in section.plots.items() if p.get("form") == "lines" and section.columns(plot)]
    for plot, p in section.plots.items():
        if not section.columns(plot) or plot in grown[1:]:
            continue
        if plot in grown:
            out.append("<div class='panels large'>" + "".join(
                f"<figure><h3>{esc(section.plots[g]['title'])}</h3>{lines(section, g)}{details(section, g)}</figure>" for g in grown)
                + f"</div><p class=dim>{esc(p.get('note', ''))}</p>")
            continue
        out.append(f"<h3>{esc(p['title'])}</h3>")
        everything = [v for key, cell in section.cells.items() if key[0] == plot for v in cell.values()]
        panels = "".join(f"<figure><figcaption><b>{esc(c)}</b></figcaption>{dots(section, plot, c, everything)}</figure>"
                         for c in section.columns(plot))
        words = " ".join(filter(None, [p.get("note"), legend(p) if p["marks"] != told else ""]))
        told = p["marks"]
        out.append(f"<div class=panels>{panels}</div><p class=dim>{esc(words)}</p>{details(section, plot)}")
    goals = [judge(section, g) for g in section.of("goal")]
    if goals:
        out.append("<h3>Goals</h3>" + table(("goal", "measured", ""), goals))
    for r in section.of("text"):
        out.append(f"<details open><summary>{esc(r['title'])}</summary><pre>{esc(r['text'])}</pre></details>")
    peers = [f"{r['peer']}: {r['missing']}" if "missing" in r else r["version"] for r in section.of("peer")]
    out.append(f'<p class="dim">{esc(h["date"])}, <code>{esc(h["command"])}</code>, {h["seconds"]:.0f} s, {esc(h["version"])}'
               + (f"; beside {esc('; '.join(peers))}" if peers else "") + ".</p>")
    return "".join(out)


def readme_rows(sections):
    for s in sections:
        for r in s.of("row"):
            ours, *others = r["tools"]
            unit = s.plots[r["plot"]]["unit"]
            own, peer, theirs = s.middle(r["plot"], r["column"], ours, r["mark"]), None, None
            for other in others:
                value = s.middle(r["plot"], r["column"], other, r["mark"])
                if value is not None and (peer is None or s.better(r["plot"], value, theirs)):
                    peer, theirs = other, value
            if own is None or peer is None:
                continue
            doubt = s.doubts(r["plot"], r["column"], r["mark"], ours, peer)
            higher = s.plots[r["plot"]].get("better") == "higher"
            better = s.ratios(r["plot"], r["column"], r["mark"], *((peer, ours) if higher else (ours, peer)))
            yield [r["row"], doubted(amount(own, unit), doubt), f"{doubted(amount(theirs, unit), doubt)} {peer}",
                   doubted(ratio(better), doubt)]


def own_versions(sections):
    """One, unless results of several builds are there."""
    return " and ".join(sorted({s.head["version"] for s in sections}))


def versions(sections):
    found = {r["peer"]: r.get("version") for s in sections for r in s.of("peer")}
    return "; beside " * any(found.values()) + ", ".join(v for v in found.values() if v)


HEADS = ("what", "edgelat", "beside", "ratio (spread)")


def markdown(sections, rows):
    head = sections[0].head
    noisy = [s.name for s in sections if s.doubtful]
    lines_ = ["| " + " | ".join(HEADS) + " |", "|---|---|---|---|", *("| " + " | ".join(row) + " |" for row in rows), "",
              f"`make bench`, {max(s.head['date'] for s in sections)[:10]}, {head['machine']}, {own_versions(sections)}{versions(sections)}. "
              "Ratio: how many times better edgelat is (below 1: the other tool), least to greatest of the rounds."]
    if noisy:
        lines_.append(f"In parentheses: the machine was too noisy to state it ({', '.join(noisy)}).")
    return "\n".join(lines_) + "\n"


def page(sections, rows):
    head = sections[0].head
    links = " · ".join(f'<a href="#{s.name}">{s.name}</a>' for s in sections)
    return (f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
            f"<title>edgelat: benchmark</title><style>{STYLE}</style><h1>edgelat: benchmark</h1>"
            f"<p>Each figure beside what a user would pick instead, measured in the same run. Values are medians over rounds, with least and "
            f"greatest; a ratio is the other tool's value over edgelat's of the same round; in this table it is how many times better edgelat is. Absolute values differ from machine to machine: "
            f"quote ratios.</p><p class=dim>{esc(head['machine'])}; {esc(own_versions(sections))}; "
            f"{esc(max(s.head['date'] for s in sections))}; <code>make bench</code>, {sum(s.head['seconds'] for s in sections):.0f} s</p>"
            f"<p>{links}</p>{table(HEADS, rows)}{''.join(map(show, sections))}</html>\n")


def main():
    names = [n for n in ORDER if os.path.exists(os.path.join(bench.RESULTS, f"{n}.jsonl"))]
    if not names:
        print("test/bench/page.py: no results; run a section first, e.g. make bench-percentiles", file=sys.stderr)
        return 2
    sections = [Section(os.path.join(bench.RESULTS, f"{n}.jsonl")) for n in names]
    rows = list(readme_rows(sections))
    for name, text in (("bench.html", page(sections, rows)), ("bench.md", markdown(sections, rows))):
        with open(os.path.join(bench.BUILD, "bench", name), "w", encoding="utf-8") as file:
            file.write(text)
    print(f"bench: {os.path.relpath(bench.BUILD)}/bench/bench.html, bench.md ({', '.join(names)})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
