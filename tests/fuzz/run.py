"""Look for specs that the compiler breaks on: `make fuzz`, or `python -m tests.fuzz.run --seconds 60`.

Guided by coverage where atheris is installed (libFuzzer; `make fuzz` installs it), else by chance.
What is found is written below build/fuzz/; the smallest form of it belongs into tests/fuzz/corpus/.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import random
import sys
import time
import traceback
from pathlib import Path

FOUND = Path("build/fuzz")
LARGEST = 20_000
SMALL = 6_000
"""Larger specs seldom reach more, and cost every run: those of `by_chance` are as large as they come."""


class Runs:
    """Counts runs, and keeps each way to break once."""

    def __init__(self, name: str, is_rewriting: bool) -> None:
        self.count = 0
        self._is_rewriting = is_rewriting
        self.known: set[str] = set()
        self._name = name
        self._root = FOUND / f"project-{name}"
        self._root.mkdir(parents=True, exist_ok=True)

    def take(self, content: bytes) -> None:
        """One run of everything."""
        from tests.fuzz import rewriting, whole_compile

        self.count += 1
        if self.count % 1000 == 0:
            (FOUND / f"{self._name}.count").write_text(f"{self.count}\n", encoding="utf-8")
        try:
            if self._is_rewriting:
                rewriting.rewritten(content, self._root)
            elif content.startswith(b"#settings\n"):
                whole_compile.decoded_settings(content)
            else:
                turn = self.count % 8
                whole_compile.compiled(content, renders=turn == 0, draws=turn % 4 == 1)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is what this looks for
            self._keep(content, error)

    def _keep(self, content: bytes, error: Exception) -> None:
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{type(error).__name__} {last.filename}:{last.lineno}"
        if place not in self.known:
            self.known.add(place)
            name = hashlib.sha256(content).hexdigest()[:12]
            (FOUND / f"{name}.yaml").write_bytes(content)
            (FOUND / f"{name}.txt").write_text("".join(traceback.format_exception(error)), encoding="utf-8")
            print(f"{place}: build/fuzz/{name}.yaml", flush=True)


def by_chance(runs: Runs, seconds: float, seed: int) -> None:
    """Runs of specs that are mutated again and again."""
    from tests.fuzz.mutating import Mutator, bytes_mutated, seeds

    texts = [text.encode() for text in seeds()]
    mutator, chance = Mutator(seeds()), random.Random(seed)  # noqa: S311  # chance, not secrecy
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        content = chance.choice(texts)
        for _ in range(chance.choice((1, 1, 2))):
            content = mutator.mutated(content, chance)
        if chance.random() < 0.5:
            content = bytes_mutated(content, chance)
        runs.take(content[:LARGEST])


def by_coverage(runs: Runs, seconds: float, seed: int) -> None:
    """The same, keeping what reaches new code; does not return."""
    import atheris

    with atheris.instrument_imports(include=["aimass_compiler"], enable_loader_override=False):
        from tests.fuzz import rewriting, whole_compile  # noqa: F401  # imported to be instrumented
        from tests.fuzz.mutating import Mutator, seeds

    corpus = FOUND / f"corpus-{seed}"
    corpus.mkdir(parents=True, exist_ok=True)
    for text in seeds():
        (corpus / hashlib.sha256(text.encode()).hexdigest()[:12]).write_text(text, encoding="utf-8")
    mutator = Mutator(seeds())

    def mutated(content: bytes, largest: int, chance: int) -> bytes:
        generator = random.Random(chance)  # noqa: S311  # chance, not secrecy
        if generator.random() < 0.5:
            return bytes(atheris.Mutate(content, largest))
        return mutator.mutated(content, generator)[:largest]

    limits = [f"-max_total_time={seconds:.0f}", "-rss_limit_mb=4000", "-timeout=60", f"-max_len={SMALL}"]
    options = [
        "fuzz",
        *limits,
        f"-seed={seed}",
        "-len_control=0",
        f"-dict={dictionary()}",
        "-print_final_stats=1",
    ]
    atheris.Setup([*options, str(corpus)], runs.take, custom_mutator=mutated)
    atheris.Fuzz()


def dictionary() -> Path:
    """The words of the language and of YAML, as libFuzzer takes them."""
    from tests.fuzz.mutating import Mutator, seeds

    words = [
        *Mutator(seeds()).keys,
        "&a ",
        "*a",
        "<<: ",
        "!!str ",
        "? ",
        "|\n ",
        ">-\n ",
        "---\n",
        "%YAML 1.2\n",
    ]
    path = FOUND / "words.dict"
    lines = ['"' + "".join(f"\\x{byte:02x}" for byte in word.encode()) + '"\n' for word in words if word]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def main() -> int:
    """Run for a while; 1 when something was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--by-chance", action="store_true", help="without atheris")
    parser.add_argument("--rewriting", action="store_true", help="fix and format, not compile")
    arguments = parser.parse_args()
    is_guided = importlib.util.find_spec("atheris") is not None and not arguments.by_chance
    name = f"{'coverage' if is_guided else 'chance'}-{arguments.seed}{'-rewriting' * arguments.rewriting}"
    runs = Runs(name, arguments.rewriting)
    (by_coverage if is_guided else by_chance)(runs, arguments.seconds, arguments.seed)
    print(f"{runs.count} runs, {len(runs.known)} ways to break", flush=True)
    return bool(runs.known)


if __name__ == "__main__":
    sys.exit(main())
