#!/usr/bin/python3 -B
"""PAGE PICTURE: the beginning of a report, as wide as a README shows it, up to the end of its first plot."""
import sys

from browser import SIDES, Browser

SIDES["readme"] = (1000, 900, 1)

with Browser() as browser:
    browser.open(sys.argv[1], "readme")
    end = browser.evaluate("document.querySelector('svg').getBoundingClientRect().bottom + scrollY + 12")
    browser.picture(sys.argv[2], (0, 0, 1000, end))
