"""A picture of a terminal: what `tmux capture-pane -e -p` says, as SVG. Usage: svg.py COLUMNS LINES <CAPTURED >FILE"""

import re
import sys
from html import escape

WIDTH, HEIGHT, MARGIN = 8.4, 18, 12
PLAIN, BEHIND = "#d8dee9", "#12161c"
COLORS = {
    **dict(zip(range(30, 38), ["#12161c", "#f2777a", "#8fd18a", "#f0c674", "#81a2be", "#d3a6dd", "#7fd5d0", "#d8dee9"])),
    **dict(zip(range(90, 98), ["#707880", "#ff9a9d", "#b0e5ab", "#ffe08f", "#a5c6e6", "#ecc4f4", "#a0efea", "#ffffff"])),
}


def runs(line):
    """The parts of a line: the text, and the numbers of its SGR sequences that are in force."""
    state = {}
    for sequence, text in re.findall(r"\x1b\[([0-9;]*)m|([^\x1b]+)", line):
        if text:
            yield text, dict(state)
            continue
        for number in (int(part or 0) for part in sequence.split(";")):
            if number == 0:
                state.clear()
            elif number in (1, 2, 4, 7):
                state[number] = True
            elif number in COLORS:
                state["color"] = COLORS[number]
            elif number == 39:
                state.pop("color", None)


def main():
    columns, lines = int(sys.argv[1]), int(sys.argv[2])
    wide, high = columns * WIDTH + 2 * MARGIN, lines * HEIGHT + 2 * MARGIN
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:.0f} {high:.0f}" font-family="monospace" font-size="14">')
    print(f'<rect width="100%" height="100%" rx="8" fill="{BEHIND}"/>')
    for row, line in enumerate(sys.stdin.read().split("\n")[:lines]):
        column, baseline = 0, MARGIN + row * HEIGHT + 13
        for text, state in runs(line):
            x, length = MARGIN + column * WIDTH, len(text) * WIDTH
            color, behind = state.get("color", PLAIN), None
            if state.get(7):
                color, behind = BEHIND, color
            if behind:
                print(f'<rect x="{x:.1f}" y="{MARGIN + row * HEIGHT}" width="{length:.1f}" height="{HEIGHT}" fill="{behind}"/>')
            style = (' font-weight="bold"' if state.get(1) else "") + (' opacity="0.6"' if state.get(2) else "")
            if state.get(4):
                y = MARGIN + (row + 1) * HEIGHT - 1
                print(f'<path d="M{x:.1f} {y}h{length:.1f}" stroke="{color}"/>')
            if text.strip():
                print(
                    f'<text x="{x:.1f}" y="{baseline}" fill="{color}"{style} textLength="{length:.1f}" '
                    f'xml:space="preserve">{escape(text)}</text>'
                )
            column += len(text)
    print("</svg>")


main()
