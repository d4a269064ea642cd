"""Small and large files that blow up in careless readers."""

from __future__ import annotations

from collections.abc import Callable

from aimass_compiler.checks import BASE

_LARGEST = 4_900_000


def _laughs(width: int, depth: int) -> str:
    lines = [f"a0: &a0 [{', '.join(['x'] * width)}]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, depth)]
    return "\n".join(lines) + "\n"


def _merges(depth: int) -> str:
    lines = ["m0: &m0 {k0: 1, j0: 1}"]
    lines += [
        f"m{n}: &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 9)}], k{n}: 1, j{n}: 1}}" for n in range(1, depth)
    ]
    return "\n".join(lines) + "\n"


def _wide_merges(count: int) -> str:
    keys = ", ".join(f"k{n}: 1" for n in range(count))
    return f"a: &a {{{keys}}}\n" + "".join(f"b{n}: {{<<: *a}}\n" for n in range(count))


def _filled(line: str) -> str:
    return line * (_LARGEST // len(line))


def _columns(count: int, line: str = "    c{n}: number\n") -> str:
    return BASE.replace(
        "    charges: number\n", "    charges: number\n" + "".join(line.format(n=n) for n in range(count))
    )


BOMBS: dict[str, Callable[[], str | bytes]] = {
    "billions by aliases": lambda: BASE + _laughs(9, 30),
    "many by aliases, just below the limit": lambda: BASE + _laughs(9, 5),
    "merges of merges": lambda: BASE + _merges(40),
    "wide merges": lambda: BASE + _wide_merges(300),
    "deep lists": lambda: BASE + "x: " + "[" * 1_000_000,
    "deep mappings": lambda: BASE + "x: " + "{a: " * 1_000_000,
    "deep blocks": lambda: BASE + "x:\n" + "".join(" " * n + "a:\n" for n in range(1, 2000)),
    "deep sequences in one line": lambda: BASE + "x:\n  " + "- " * 200_000 + "a\n",
    "deep keys": lambda: BASE + "? " * 200_000 + "a\n",
    "mixed depth": lambda: BASE + "x: " + "[{a: " * 100_000,
    "deep brackets in a formula": lambda: BASE.replace(
        "one_hot: plan", f'compute: {{name: a, formula: "{"(" * 100_000}"}}'
    ),
    "a long formula": lambda: BASE.replace(
        "one_hot: plan", f'compute: {{name: a, formula: "{"1 + " * 100_000} 1"}}'
    ),
    "a deep formula": lambda: BASE.replace(
        "one_hot: plan", f'compute: {{name: a, formula: "{"-" * 100_000}1"}}'
    ),
    "a power of powers": lambda: BASE.replace(
        "one_hot: plan", 'compute: {name: a, formula: "9 ** 9 ** 9 ** 9 ** 9"}'
    ),
    "fifty megabytes": lambda: b"a: 1\n" * 10_000_000,
    "one word of five megabytes": lambda: BASE + "x: " + "a" * _LARGEST,
    "a name of five megabytes": lambda: BASE.replace("churn}", "a" * _LARGEST + "}"),
    "a quoted text of five megabytes": lambda: BASE + 'x: "' + "\\u00e9" * (_LARGEST // 6) + '"',
    "a key of five megabytes": lambda: BASE + "a" * _LARGEST + ": 1\n",
    "a comment of five megabytes": lambda: BASE + "#" * _LARGEST,
    "a hundred thousand keys": lambda: BASE + "".join(f"k{n}: 1\n" for n in range(99_000)),
    "thirty thousand unknown keys": lambda: BASE + "".join(f"feature{n}: 1\n" for n in range(30_000)),
    "the same key again and again": lambda: BASE + "x: 1\n" * 40_000,
    "forty thousand keys that are no text": lambda: BASE + "".join(f"{n}: 1\n" for n in range(40_000)),
    "forty thousand aliases that lead nowhere": lambda: BASE + "x: [" + "*a, " * 40_000 + "]\n",
    "forty thousand tags": lambda: BASE + "x: [" + "!t a, " * 40_000 + "]\n",
    "forty thousand numbers that nobody can hold": lambda: BASE + "x: [" + "1e999, " * 40_000 + "]\n",
    "forty thousand values that others read differently": lambda: BASE + "x: [" + "yes, " * 40_000 + "]\n",
    "twenty thousand columns": lambda: _columns(20_000),
    "twenty thousand columns of no type": lambda: _columns(20_000, "    c{n}: numbr\n"),
    "twenty thousand unknown columns": lambda: BASE.replace(
        "[tenure, charges]", "[" + ", ".join(f"tenur{n}" for n in range(20_000)) + "]"
    ),
    "ten thousand features": lambda: BASE.replace("  - one_hot: plan\n", "  - one_hot: plan\n" * 10_000),
    "ten thousand features of no kind": lambda: BASE.replace(
        "  - one_hot: plan\n", "  - one_hott: plan\n" * 10_000
    ),
    "twenty thousand values of a category": lambda: BASE.replace(
        "basic, plus, pro", ", ".join(f"v{n}" for n in range(20_000))
    ),
    "two thousand columns with a feature each": lambda: _columns(2_000).replace(
        "  - one_hot: plan\n", "".join(f"  - log: c{n}\n" for n in range(2_000))
    ),
    "a thousand environments": lambda: (
        BASE + "environments:\n" + "".join(f"  e{n}: {{}}\n" for n in range(1000))
    ),
    "an integer of a million digits": lambda: BASE + "x: " + "9" * 1_000_000,
    "a hexadecimal of a million digits": lambda: BASE + "x: 0x" + "f" * 1_000_000,
    "an exponent of a million digits": lambda: BASE + "x: 1e" + "9" * 1_000_000,
    "a duration of a million digits": lambda: (
        BASE + "serving: {limits: {timeout: " + "9" * 1_000_000 + "s}}\n"
    ),
    "a quantity of a million digits": lambda: (
        BASE + "serving: {resources: {memory: " + "9" * 1_000_000 + "Gi}}\n"
    ),
    "many small durations": lambda: BASE + 'serving: {limits: {timeout: "' + "1s" * 500_000 + '!"}}\n',
    "zeros before a number": lambda: BASE + "seed: " + "0" * 1_000_000 + "1\n",
    "spaces in an interval": lambda: BASE + 'training: {retrain: {schedule: "' + "* " * 500_000 + '"}}\n',
    "a million tabs": lambda: BASE + "x:" + "\t" * 1_000_000 + "1\n",
    "a million line ends": lambda: BASE + "\n" * 1_000_000 + "x: 1\n",
    "two hundred thousand old Mac line ends": lambda: BASE.replace("\n", "\r") + "x: 1\r" * 5_000,
    "zeros": lambda: b"\0" * 4_000_000,
    "control characters": lambda: BASE + "# \x01\x02\x7f\x85" * 200_000,
    "UTF-16": lambda: BASE.encode("utf-16"),
    "UTF-16 without a mark": lambda: BASE.encode("utf-16-le"),
    "UTF-32": lambda: BASE.encode("utf-32"),
    "byte order marks": ("\ufeff" * 1000 + BASE).encode,
    "lone surrogates": lambda: BASE.encode() + b'x: "\xed\xa0\x80"\n',
    "escaped surrogates": lambda: BASE + 'x: "\\ud800"\ny: "\\ud83d\\ude00"\n',
    "bytes that are no text": lambda: b"\xff" * 1_000_000,
    "right to left": lambda: BASE + "\u202ex\u2066: \u2069\n",
    "keys that are equal when normalised": lambda: BASE.replace(
        "charges: number", "é: number\n    e\u0301: number"
    ),
    "columns that are equal when folded": lambda: BASE.replace(
        "charges: number", "ß: number\n    SS: number\n    ss: number"
    ),
    "zero width": lambda: BASE.replace("charges: number", "char\u200bges: number"),
    "many documents": lambda: BASE + "---\n" * 500_000,
    "directives": lambda: "%TAG ! tag:x,2000:\n" * 100_000 + BASE,
    "anchors": lambda: BASE + "".join(f"a{n}: &a{n} 1\n" for n in range(40_000)),
    "quotes that do not end": lambda: BASE + "x: '" + "a\n\n" * 1_000_000,
    "a block that does not end": lambda: BASE + "x: |\n" + "  a\n" * 1_000_000,
    "folded text": lambda: BASE + "metadata2: >\n" + _filled("  a b\n\n"),
}
