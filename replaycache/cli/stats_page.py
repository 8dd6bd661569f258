"""A page that shows what was saved: one file that asks for nothing else and runs no script."""

from __future__ import annotations

import base64
import hashlib
import html
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from importlib.resources import files
from typing import NamedTuple

from ..accounts.amounts import human_count, human_duration, human_money, human_size, human_units, iso_time
from ..accounts.savings import Line, Savings

__all__ = ["TITLE", "stats_page"]

TITLE = "<title>replaycache: what was saved</title>"
"""By which a page is known again."""

_HOUR, _DAY = 3600, 86400
COLUMNS = 100
"""Columns of a chart over time, at most."""

BARS = 12
"""Models in a chart, at most; the table has all of them."""

_HEIGHT = 170
_TOP = 18


def stats_page(
    savings: Savings, *, stores: Sequence[Line], recordings: int, size: int, since: str = "", now: float
) -> str:
    """The page as HTML in UTF-8. Names of models, programs and files are shown as text, whatever they hold.

    Args:
        stores: what each store came to, by its location.
        recordings: how many are stored.
        size: bytes they take on disk.
        now: when the page is made, in seconds since 1970 (UTC).
    """
    style = files(__package__).joinpath("stats_page.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    total = savings.total
    names = ", ".join(line.name for line in stores[:3]) + (
        f" and {len(stores) - 3} more" if len(stores) > 3 else ""
    )
    parts = [
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        TITLE,
        f"<style>{style}</style>",
        "</head>",
        "<body>",
        "<header>",
        "<h1>What replaycache saved</h1>",
        f'<p class="quiet">{_text(names)}: {recordings:,} recording{"s" * (recordings != 1)}, {human_size(size)}'
        + (f"; calls since {_text(since)}" if since else "")
        + "</p>",
        "</header>",
        "<main>",
    ]
    if not total.requests:
        parts.append('<section><p class="empty">Nothing to show yet: no call was noted.</p></section>')
    else:
        parts += [_tiles(total), _over_time(savings), '<div class="pair">', _by_model(savings), _latency(savings)]
        parts += ["</div>", _table("Models", "model", _heaviest(savings.models.values()), total)]
        if len(savings.providers) > 1:
            parts.append(_table("Providers", "provider", _heaviest(savings.providers.values()), total, _provider))
        if savings.runs:
            newest = sorted(savings.runs.values(), key=lambda line: line.started, reverse=True)
            parts.append(_table("Runs", "run", newest[:20], total, _run))
        if len(stores) > 1:
            parts.append(_table("Stores", "store", stores, total))
    made = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M")
    parts += [
        "</main>",
        f"<footer><p>Made {made} UTC. {_text(_explained(total))}</p></footer>",
        "</body>",
        "</html>",
    ]
    return "\n".join(parts) + "\n"


def _text(text: str) -> str:
    """Text of others as HTML: no markup, and nothing that turns or hides what stands around it."""
    shown = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text[:500])
    return html.escape(shown)


def _explained(total: Line) -> str:
    told = ["Days are in UTC."]
    if total.saved.requests:
        told.append("Time saved is what the answers took upstream, less what replaying took.")
    if total.saved.priced or total.spent.priced:
        told.append("Money is in US dollars at list prices, or yours.")
    unpriced = total.saved.unpriced + total.spent.unpriced
    untold = total.saved.untold + total.spent.untold
    if unpriced:
        told.append(f"For {unpriced:,} calls no price is known.")
    if untold:
        told.append(f"{untold:,} answers do not tell what they used.")
    return " ".join(told)


# -- figures -----------------------------------------------------------------------------------------------


def _tiles(total: Line) -> str:
    saved, spent = total.saved, total.spent
    tiles = []
    if total.recorded.requests:
        tiles.append(_tile("Recordings", f"{spent.requests:,}", human_size(spent.size)))
        if spent.price is not None:
            tiles.append(
                _tile("Recording them cost", human_money(spent.price), "saved by every replay", main=True)
            )
        tiles.append(_tile("They took", human_duration(spent.seconds), "upstream"))
        tiles.append(_tile("Tokens", human_count(spent.input_tokens + spent.output_tokens), _in_and_out(total)))
        return _list(tiles)
    share = f"{100 * saved.requests // total.requests}%"
    tiles.append(_tile("Calls", f"{total.requests:,}", f"{saved.requests:,} replayed ({share})"))
    if saved.price is not None or spent.price is not None:
        more = f"{human_money(spent.price or Decimal(0))} spent upstream"
        tiles.append(_tile("Money saved", human_money(saved.price or Decimal(0)), more, main=True))
    tiles.append(
        _tile("Time saved", human_duration(total.seconds_saved), f"{human_duration(spent.seconds)} spent upstream")
    )
    tiles.append(_tile("Tokens saved", human_count(saved.input_tokens + saved.output_tokens), _in_and_out(total)))
    return _list(tiles)


def _in_and_out(total: Line) -> str:
    part = total.saved if total.saved.requests else total.spent
    units = human_units(part.units.items(), has_tokens=bool(part.input_tokens or part.output_tokens))
    tokens = f"{human_count(part.input_tokens)} in, {human_count(part.output_tokens)} out"
    return ", ".join(filter(None, (tokens if part.input_tokens or part.output_tokens or not units else "", units)))


def _tile(title: str, figure: str, more: str, *, main: bool = False) -> str:
    kind = "figure main" if main else "figure"
    return f'<div><dt>{title}</dt><dd class="{kind}">{figure}</dd><dd class="quiet">{more}</dd></div>'


def _list(tiles: Iterable[str]) -> str:
    return f'<dl class="tiles">{"".join(tiles)}</dl>'


# -- over time ---------------------------------------------------------------------------------------------


class _Column(NamedTuple):
    """The calls of a stretch of time, which begins at `start`."""

    start: int
    replayed: int
    upstream: int
    refused: int

    @property
    def total(self) -> int:
        return self.replayed + self.upstream + self.refused


def _over_time(savings: Savings) -> str:
    of_calls = not savings.total.recorded.requests
    step, columns = _columns(savings)
    what = {_HOUR: "hour", _DAY: "day", 7 * _DAY: "week"}.get(step, f"{step // _DAY} days")
    title = f"{'Hits and misses' if of_calls else 'Recordings'} by {what}"
    legend = [("replayed", "replayed"), ("upstream", "sent upstream"), ("refused", "refused")]
    shown = [
        (kind, name)
        for kind, name in legend
        if any(getattr(column, kind) for column in columns) or kind == "replayed"
    ]
    chart = _column_chart(columns, step, title)
    rows = [
        [_moment(column.start, step), *(f"{getattr(column, kind):,}" for kind, _ in shown)]
        for column in reversed(columns)
        if column.total
    ]
    if not of_calls:
        shown = []
        rows = [[row[0], row[2]] for row in rows]
    titles = [what, *(name for _, name in shown)] if of_calls else [what, "recorded"]
    return (
        f"<figure><h2>{title}</h2>{_legend(shown)}{chart}"
        f"<details><summary>Figures</summary>{_rows(titles, rows)}</details></figure>"
    )


def _columns(savings: Savings) -> tuple[int, list[_Column]]:
    """The stretches of time from the first call to the last, without a gap, and how long they are."""
    step = _HOUR if savings.hours else _DAY
    counted = savings.hours or savings.days
    first, last = min(counted), max(counted)
    while (last - first) // step >= COLUMNS:
        step = 7 * _DAY if step <= _DAY else step * 2
    found = {start: [0, 0, 0] for start in range(first, last + 1, step)}
    for at, line in counted.items():
        sums = found[first + (at - first) // step * step]
        for place, part in enumerate((line.saved, line.spent, line.refused)):
            sums[place] += part.requests
    return step, [_Column(start, *sums) for start, sums in found.items()]


def _column_chart(columns: list[_Column], step: int, title: str) -> str:
    top = _round_up(max(column.total for column in columns))
    wide = 100 / max(len(columns), 8)  # one hour or day alone is no wall
    bottom = _TOP + _HEIGHT
    parts = [f'<div class="plot"><svg height="{bottom + 24}" aria-hidden="true">']
    for share in (0, 0.5, 1):
        y = bottom - _HEIGHT * share + 4
        parts.append(f'<text x="100%" y="{y:g}" text-anchor="end">{human_count(int(top * share))}</text>')
    parts.append(f'</svg><svg height="{bottom + 24}" role="img" aria-label="{title}">')
    for share in (0.5, 1):
        y = bottom - _HEIGHT * share
        parts.append(f'<line class="grid" x1="0" x2="100%" y1="{y:g}" y2="{y:g}"/>')
    for place, column in enumerate(columns):
        x = place * wide
        told = [
            f"{count:,} {what}"
            for count, what in (
                (column.replayed, "replayed"),
                (column.upstream, "sent upstream"),
                (column.refused, "refused"),
            )
            if count
        ]
        parts.append(
            f'<g class="column"><title>{_moment(column.start, step)}: {", ".join(told) or "no calls"}</title>'
        )
        y = float(bottom)
        for kind in ("replayed", "upstream", "refused"):
            height = _HEIGHT * getattr(column, kind) / top
            y -= height
            if height:
                parts.append(
                    f'<rect class="{kind}" x="{x + wide * 0.1:.3f}%" y="{y:.2f}" '
                    f'width="{wide * 0.8:.3f}%" height="{height:.2f}"/>'
                )
        parts.append(f'<rect class="hover" x="{x:.3f}%" y="{_TOP}" width="{wide:.3f}%" height="{_HEIGHT}"/></g>')
    parts.append(f'<line class="axis" x1="0" x2="100%" y1="{bottom}" y2="{bottom}"/>')
    parts += _ticks(columns, step, wide, bottom + 17)
    parts.append("</svg></div>")
    return "".join(parts)


def _ticks(columns: list[_Column], step: int, wide: float, y: float) -> Iterator[str]:
    count = len(columns)
    places = sorted({0, count // 3, 2 * count // 3, count - 1}) if count > 3 else range(count)
    for place in places:
        anchor, x = "middle", (place + 0.5) * wide
        if place == 0:
            anchor, x = "start", 0.0
        elif place == count - 1 and count > 8:
            anchor, x = "end", 100.0
        shown = _moment(columns[place].start, step, short=True)
        yield f'<text x="{x:.3f}%" y="{y:g}" text-anchor="{anchor}">{shown}</text>'


def _moment(at: int, step: int, *, short: bool = False) -> str:
    text = iso_time(float(at)) or "1970-01-01T00:00:00Z"
    if step < _DAY:
        return f"{text[5:10]} {text[11:16]}"
    return text[5:10] if short and step < 28 * _DAY else text[:10]


def _round_up(count: int) -> int:
    """A round number, no smaller, whose half is one too."""
    if count <= 2:
        return 2
    size = 10 ** int(math.log10(count))
    return next(
        int(size * by)
        for by in (1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10, 20)
        if size * by >= count and size * by % 2 == 0
    )


# -- by model ----------------------------------------------------------------------------------------------


def _by_model(savings: Savings) -> str:
    total = savings.total
    of_calls = not total.recorded.requests
    part = "saved" if of_calls else "spent"
    if getattr(total, part).price is not None:
        title = "Money saved by model" if of_calls else "What recording cost by model"
        values = {
            line.name: (float(getattr(line, part).cost), human_money(getattr(line, part).price))
            for line in savings.models.values()
        }
    else:
        title = "Tokens saved by model" if of_calls else "Tokens by model"
        values = {}
        for line in savings.models.values():
            tokens = getattr(line, part).input_tokens + getattr(line, part).output_tokens
            values[line.name] = (float(tokens), human_count(tokens))
    found = sorted(((name, *value) for name, value in values.items() if value[0] > 0), key=lambda row: -row[1])
    if not found:
        return f'<figure><h2>{title}</h2><p class="empty">No answer told what it used.</p></figure>'
    most = found[0][1]
    bars = [
        f'<div><span class="name" title="{_name(name)}">{_name(name)}</span><svg height="14" aria-hidden="true">'
        f'<rect class="track" width="100%" height="14" rx="3"/>'
        f'<rect class="replayed" width="{max(0.5, 100 * value / most):.2f}%" height="14" rx="3"/></svg>'
        f'<span class="value">{told}</span></div>'
        for name, value, told in found[:BARS]
    ]
    more = f'<p class="quiet">and {len(found) - BARS} more</p>' if len(found) > BARS else ""
    return f'<figure><h2>{title}</h2><div class="bars">{"".join(bars)}</div>{more}</figure>'


def _name(name: str) -> str:
    return _text(name) or "(not told)"


def _label(line: Line) -> str:
    return _name(line.name)


def _provider(line: Line) -> str:
    return _text(line.name) or "(local or not known)"


def _latency(savings: Savings) -> str:
    """Live against replayed, on a logarithmic scale: the two lie thousands of times apart."""
    found: list[tuple[str, float, float]] = []
    for line in _heaviest(savings.models.values()):
        # a hit says, too, how long its answer took upstream
        asked = line.spent.requests + line.saved.requests
        live = (line.spent.seconds + line.saved.seconds) / asked if asked else 0.0
        replayed = line.saved.took / line.saved.requests if line.saved.requests else 0.0
        if live > 0:
            found.append((line.name, live, replayed))
    title = "Latency, live against replayed" if savings.total.saved.requests else "Latency, live"
    if not found:
        return f'<figure><h2>{title}</h2><p class="empty">No answer was timed.</p></figure>'
    found = found[:BARS]
    seconds = [value for _, *values in found for value in values if value > 0]
    low, high = math.floor(math.log10(min(seconds))), math.ceil(math.log10(max(seconds)) + 1e-9)
    if high == low:
        high += 1

    def place(value: float) -> float:
        return 4 + 90 * (math.log10(value) - low) / (high - low)

    every = math.ceil((high - low) / 5)
    powers = [(10.0**power, place(10.0**power), (high - power) % every == 0) for power in range(low, high + 1)]
    lines = "".join(f'<line class="grid" x1="{x:.2f}%" x2="{x:.2f}%" y1="0" y2="100%"/>' for _, x, _ in powers)
    parts = ['<div class="dots"><svg height="18" aria-hidden="true">']
    parts += [
        f'<text x="{x:.2f}%" y="12" text-anchor="middle">{human_duration(value)}</text>'
        for value, x, is_shown in powers
        if is_shown
    ]
    parts.append("</svg>")
    for name, live, replayed in found:
        told, dots = human_duration(live), ""
        if replayed:
            told += f" → {human_duration(replayed)}, {_times(live / replayed)} faster"
            dots = (
                f'<line class="between" x1="{place(replayed):.2f}%" x2="{place(live):.2f}%" y1="11" y2="11"/>'
                f'<circle class="replayed" cx="{place(replayed):.2f}%" cy="11" r="6"/>'
            )
        dots += f'<circle class="upstream" cx="{place(live):.2f}%" cy="11" r="6"/>'
        parts.append(
            f'<div><span class="name" title="{_name(name)}">{_name(name)}</span><span class="value">{told}</span>'
            f'<svg height="22" aria-hidden="true">{lines}{dots}</svg></div>'
        )
    parts.append("</div>")
    legend = [("replayed", "replayed"), ("upstream", "live")] if savings.total.saved.requests else []
    caption = "<figcaption>Means of whole answers; each line is ten times the one before.</figcaption>"
    return f"<figure><h2>{title}</h2>{_legend(legend)}{''.join(parts)}{caption}</figure>"


def _times(factor: float) -> str:
    return f"{factor:,.0f}×" if factor >= 10 else f"{factor:.1f}×"


# -- tables ------------------------------------------------------------------------------------------------


def _heaviest(lines: Iterable[Line]) -> list[Line]:
    return sorted(
        lines,
        key=lambda line: (
            line.saved.cost + line.spent.cost,
            line.saved.input_tokens + line.spent.input_tokens,
            line.requests,
        ),
        reverse=True,
    )


def _run(line: Line) -> str:
    return f"{iso_time(line.started)[:16].replace('T', ' ')} {_text(line.program)}"


def _table(
    title: str, what: str, lines: Sequence[Line], total: Line, label: Callable[[Line], str] = _label
) -> str:
    of_calls = not total.recorded.requests
    priced = total.saved.price is not None or total.spent.price is not None
    if of_calls:
        titles = [what, "calls", "replayed", "tokens in", "tokens out", "cached", "reasoning", "time saved"]
        titles += ["saved", "spent"] * priced
    else:
        titles = [what, "recordings", "tokens in", "tokens out", "cached", "reasoning", "time"] + ["cost"] * priced
    rows = []
    for line in lines:
        part = line.saved if of_calls else line.spent
        row = [label(line), f"{line.requests:,}"]
        if of_calls:
            row.append(f"{100 * part.requests // line.requests}%" if line.requests else "")
        row += [
            f"{n:,}" for n in (part.input_tokens, part.output_tokens, part.cached_tokens, part.reasoning_tokens)
        ]
        row.append(human_duration(line.seconds_saved if of_calls else part.seconds))
        row += [human_money(line.saved.price)] * (priced and of_calls) + [human_money(line.spent.price)] * priced
        rows.append(row)
    return f"<section><h2>{title}</h2>{_rows(titles, rows)}</section>"


def _rows(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are HTML already."""
    head = "".join(f'<th scope="col">{title}</th>' for title in titles)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _legend(kinds: Iterable[tuple[str, str]]) -> str:
    square = '<svg aria-hidden="true"><rect class="{}" width="100%" height="100%" rx="2"/></svg>'
    parts = [f"<span>{square.format(kind)}{name}</span>" for kind, name in kinds]
    return f'<div class="legend">{"".join(parts)}</div>' if parts else ""
