"""A file becomes data, however it is saved; what no reader should take is refused and named."""

from __future__ import annotations

import os
import pathlib

import pytest
import yaml

from aimass_compiler.spec.yaml import composer
from aimass_compiler.spec.yaml.reader import parse, read_document

ACCEPTED: dict[str, str | bytes] = {
    "plain": "a: 1\nb:\n  c: [x, ]\nd: [~]\n",
    "a byte order mark": b"\xef\xbb\xbfa: 1\n",
    "Windows line ends": "a: 1\r\nb:\r\n  c: 2\r\n",
    "old Mac line ends": "a: 1\rb: 2\r",
    "JSON": '{"a": 1, "b": [true, null, "x"]}',
    "an alias": "a: &x {b: 1}\nc: *x\n",
    "a merge": "a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}\n",
    "a merge of several": "a: &x {b: 1}\nc: &y {b: 2, d: 3}\ne: {<<: [*x, *y]}\n",
    "a redefined anchor": "a: &x 1\nb: &x 2\nc: *x\n",
    "a directive": "%YAML 1.2\n---\na: 1\n...\n",
    "tabs that do not indent": "a:\t1\nb: [1,\t2]\t# c\n",
    "sixty levels": "a: " + "[" * 59 + "]" * 59,
    "a key between quotes": '"<<": 1\n"5": 2\n"": 3\n',
}

WANTED: dict[str, object] = {
    "plain": {"a": 1, "b": {"c": ["x"]}, "d": [None]},
    "a byte order mark": {"a": 1},
    "Windows line ends": {"a": 1, "b": {"c": 2}},
    "old Mac line ends": {"a": 1, "b": 2},
    "JSON": {"a": 1, "b": [True, None, "x"]},
    "an alias": {"a": {"b": 1}, "c": {"b": 1}},
    "a merge": {"a": {"b": 1, "c": 2}, "d": {"c": 3, "b": 1}},
    "a merge of several": {"a": {"b": 1}, "c": {"b": 2, "d": 3}, "e": {"b": 1, "d": 3}},
    "a redefined anchor": {"a": 1, "b": 2, "c": 2},
    "a directive": {"a": 1},
    "tabs that do not indent": {"a": 1, "b": [1, 2]},
    "a key between quotes": {"<<": 1, "5": 2, "": 3},
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(name: str) -> None:
    document, findings = parse(ACCEPTED[name], "a.yaml")
    assert findings == []
    assert name not in WANTED or document.data == WANTED[name]


LAUGHS = "a0: &a0 [x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30)
)
LADDER = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 90))

REFUSED: dict[str, tuple[str | bytes, list[str]]] = {
    "billions by aliases": (LAUGHS, ["AM010"]),
    "depth by aliases": (LADDER, ["AM011"]),
    "more than sixty levels": ("a: " + "[" * 60 + "]" * 60, ["AM011"]),
    "very deep brackets": ("[" * 200_000, ["AM011"]),
    "very deep mappings": ("{a: " * 2_000, ["AM011"]),
    "very many values": ("a: [" + "x, " * 100_001 + "]", ["AM010"]),
    "an alias to what holds it": ("a: &x [*x]", ["AM009"]),
    "too many bytes": (b"a" * 5_000_001, ["AM002"]),
    "UTF-16": ("a: 1".encode("utf-16"), ["AM003"]),
    "lone surrogates": ("a: \ud800", ["AM004"]),
    "an old line separator": ("a: b\u2028c", ["AM004"]),
    "nothing": ("", ["AM015"]),
    "an explicit nothing": ("--- ~\n", ["AM015"]),
    "another YAML": ("%YAML 3.0\n---\na: 1", ["AM006"]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    content, codes = REFUSED[name]
    _, findings = parse(content, "a.yaml")
    assert sorted({finding.code for finding in findings if finding.is_error}) == codes


@pytest.mark.parametrize("text", ["", "# a comment\n", "---\n", "--- ~\n", "null"])
def test_nothing_is_a_mapping_where_it_may_be(text: str) -> None:
    document, findings = parse(text, "aimass.yaml", may_be_empty=True)
    assert (document.data, findings) == ({}, [])


def test_what_is_no_mapping_is_refused_also_where_nothing_may_be() -> None:
    for text, code in {"- a": "AM016", "5": "AM016", "a: [": "AM006"}.items():
        assert [finding.code for finding in parse(text, "aimass.yaml", may_be_empty=True)[1]] == [code]


def test_what_could_not_be_read_has_no_root() -> None:
    assert parse("a: [", "a.yaml")[0].root is None
    assert parse("a: 1", "a.yaml")[0].root is not None


def test_the_first_of_two_equal_keys_counts() -> None:
    assert parse("a: 1\na: 2\n", "a.yaml")[0].data == {"a": 1}


def test_the_python_parser_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    # PyYAML's own parser knows fewer places for a tab than the standard and libyaml do.
    texts = {name: text for name, text in ACCEPTED.items() if name != "tabs that do not indent"}
    with_libyaml = {name: parse(text, "a.yaml") for name, text in texts.items()}
    monkeypatch.setattr(composer, "_LOADER", yaml.SafeLoader)
    assert {name: parse(text, "a.yaml") for name, text in texts.items()} == with_libyaml


@pytest.mark.parametrize("name", ["nowhere.yaml", "folder", "pipe", "loop"])
def test_what_is_no_file_is_named(tmp_path: pathlib.Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    document, findings = read_document(tmp_path / name, f"specs/{name}")
    assert [finding.code for finding in findings] == ["AM001"]
    assert f"`specs/{name}` " in findings[0].message
    assert document.root is None


def test_a_path_with_a_nul_is_named() -> None:
    assert [finding.code for finding in read_document(pathlib.Path("a\0b"), "a")[1]] == ["AM001"]


def test_a_large_file_is_not_read_to_its_end(tmp_path: pathlib.Path) -> None:
    large = tmp_path / "large.yaml"
    with large.open("wb") as stream:
        stream.truncate(10_000_000_000)
    assert [finding.code for finding in read_document(large, "large.yaml")[1]] == ["AM002"]
