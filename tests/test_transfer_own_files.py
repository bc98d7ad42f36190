"""Files of our own as files: in whichever way they were written anew, packed, cut off or damaged."""

import json
import re
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from storage.errors import TransferRefused
from storage.transfer import Broken, Kind, Meter, Talk, kind_of, read
from storage.transfer.cutting import MOST_PIECES
from storage.transfer.document import as_json, to_document
from storage.transfer.files import CHUNK
from storage.transfer.ours import LONGEST_LINE
from storage.transfer.pieces import pieces
from tests import foreign_exports as foreign
from tests.test_transfer_own import TALK


def named(name: str) -> Talk:
    return replace(TALK, source=TALK.source.replace("lisbon", name), session_id=name)


TALKS = [named("one"), named("two"), named("three")]
FILE = "".join(as_json(TALKS))
BARE = [to_document(talk) for talk in TALKS]
WHOLE = {"format": "windowseat", "version": 1, "sessions": BARE}


def refused(path: Path) -> str:
    with pytest.raises(TransferRefused) as caught:
        list(read(path))
    assert re.fullmatch(r"[^\n]{10,300}\.", str(caught.value))
    return str(caught.value)


def lines(*values: Any) -> str:
    return "\n".join(json.dumps(value) for value in values)


@pytest.mark.parametrize(
    "content",
    [
        FILE,
        "\ufeff" + FILE,
        FILE.replace("\n", "\r\n"),
        json.dumps(WHOLE),
        json.dumps(WHOLE, indent=2, ensure_ascii=False),
        json.dumps(WHOLE, sort_keys=True, indent=4),
        json.dumps(dict(reversed(WHOLE.items())), indent=1),
        json.dumps({"version": 1, "note": {"by": ["me"]}, "sessions": BARE, "more": [1], "format": "windowseat"}),
        json.dumps({"sessions": BARE, "version": 1}),
        json.dumps({"sessions": BARE}),
        json.dumps({"format": "windowseat", "version": 1, "note": ["x" * 2 * CHUNK], "sessions": BARE}),
        json.dumps({"by": "me", **WHOLE}),
        json.dumps(BARE),
        lines(*BARE),
    ],
)
def test_a_file_of_ours_is_read_however_it_was_written_anew(tmp_path: Path, content: str) -> None:
    path = foreign.written(tmp_path, content.encode())
    assert kind_of(path) is Kind.WINDOWSEAT
    assert list(read(path)) == TALKS
    assert list(read(foreign.written(tmp_path, content.lstrip("\ufeff").encode("utf-16")))) == TALKS
    assert list(read(foreign.written(tmp_path, foreign.zipped({"saved/windowseat.json": content})))) == TALKS


def test_a_session_alone_is_read_and_so_is_a_file_without_any(tmp_path: Path) -> None:
    assert list(read(foreign.written(tmp_path, BARE[0]))) == TALKS[:1]
    empty = foreign.written(tmp_path, "".join(as_json([])).encode())
    assert (kind_of(empty), list(read(empty))) == (Kind.WINDOWSEAT, [])


@pytest.mark.parametrize(
    "content",
    [
        FILE.replace('"version":1', '"version":2'),
        json.dumps(WHOLE | {"version": 2}, sort_keys=True),
        json.dumps({"sessions": BARE, "format": "windowseat", "version": 10}),
        json.dumps({"version": 3, "sessions": []}),
    ],
)
def test_a_file_of_a_newer_windowseat_is_refused_before_anything_is_read(tmp_path: Path, content: str) -> None:
    newer = "was made by a newer Windowseat: update this one to read it."
    assert newer in refused(foreign.written(tmp_path, content.encode()))
    both = foreign.zipped({"a.json": FILE, "b.json": content})
    assert newer in refused(foreign.written(tmp_path, both))


@pytest.mark.parametrize("version", [0, -1, "1", 1.0, True, None, [1]])
def test_a_version_that_there_never_was_is_refused(tmp_path: Path, version: Any) -> None:
    assert "changed by hand" in refused(foreign.written(tmp_path, WHOLE | {"version": version}))


def test_one_bad_session_costs_only_itself_and_is_named(tmp_path: Path) -> None:
    for bad, reason in [
        (json.dumps(BARE[1] | {"mood": "good"}), "It has a field “mood” that this Windowseat does not know"),
        (json.dumps(BARE[1] | {"head": 7}), "“head” is none of its turns."),
        (json.dumps(BARE[1])[:-1] + ',"head":1}', "A name stands twice in one of its objects."),
        (json.dumps(BARE[1])[:-1] + ',"tip":' + "9" * 5000 + "}", "It holds a number of too many digits."),
        ('{"session_id":"two",}', "It is no valid JSON"),
        ('{"session_id":' + "[" * 5_000 + "]" * 5_000 + "}", "nested"),
        ('{"session_id":"two","a":' + "0," * 30 + "}", "It is no valid JSON"),
        ('{"session_id":"two","a":[' + "0," * 24_000_001 + "0]}", "It holds too many values."),
        ('{"session_id":"two","title":"\\ud800"}', "“created_at” is missing."),
    ]:
        for text in (
            f"[\n{lines(BARE[0])},\n{bad},\n{lines(BARE[2])}\n]",
            f"[{lines(BARE[0])}, {bad}, {lines(BARE[2])}]",
        ):
            path = foreign.written(tmp_path, f'{{"format":"windowseat","version":1,"sessions":{text}}}'.encode())
            first, broken, last = read(path)
            assert (first, last) == (TALKS[0], TALKS[2])
            assert isinstance(broken, Broken)
            assert "conversation 2" in broken.name
            assert reason in broken.reason


def test_a_bracket_that_is_missing_costs_one_session_where_each_has_its_line(tmp_path: Path) -> None:
    damaged = FILE.replace('"session_id":"two"', '"session_id":"two","x":[')
    first, broken, last = read(foreign.written(tmp_path, damaged.encode()))
    assert (first, last) == (TALKS[0], TALKS[2])
    assert isinstance(broken, Broken)


@pytest.mark.parametrize("content", [FILE, json.dumps(WHOLE, indent=1), json.dumps(WHOLE, sort_keys=True)])
def test_a_file_cut_off_anywhere_gives_its_whole_sessions_and_says_that_it_was_cut(
    tmp_path: Path, content: str
) -> None:
    whole = content.encode()
    small = json.dumps(BARE[0]).encode()
    ends = {*range(200), *range(len(whole) - 200, len(whole)), *range(200, len(whole), len(small) // 40)}
    for length in sorted(ends):
        path = foreign.written(tmp_path, whole[:length])
        try:
            found = list(read(path))
        except TransferRefused:
            assert b'"last_activity"' not in whole[:length]
            continue
        talks = [one for one in found if isinstance(one, Talk)]
        assert talks == TALKS[: len(talks)]
        broken = [one.reason for one in found if isinstance(one, Broken)]
        assert broken or talks == TALKS, length
        assert all(f"after {length:,} bytes" in reason for reason in broken), length


def test_in_an_archive_what_is_damaged_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    many = "".join(as_json([named(f"session {number}") for number in range(200)]))
    packed = bytearray(foreign.zipped({"windowseat.json": many}, compresslevel=0))
    packed[-5_000:-4_900] = bytes(100)
    *talks, broken = read(foreign.written(tmp_path, bytes(packed)))
    assert talks
    assert isinstance(broken, Broken)


def test_a_session_of_any_length_is_cut_out(tmp_path: Path) -> None:
    long = json.dumps(BARE[0] | {"settings": {"a": "x" * LONGEST_LINE}}).encode()

    def chunks() -> Iterator[bytes]:
        yield FILE.encode().rstrip(b"\n]}") + b"},\n" + long[:100]
        yield from (long[place : place + CHUNK] for place in range(100, len(long), CHUNK))
        yield b",\n" + json.dumps(BARE[1]).encode() + b"\n]}\n"

    found = list(pieces(chunks()))
    assert [(piece.own, piece.fault) for piece in found] == [(True, "")] * 5
    assert found[3].content == long
    assert json.loads(found[4].content) == BARE[1]


def test_more_sessions_are_read_than_other_programs_may_have() -> None:
    line = '{"session_id":"a"}'
    many = MOST_PIECES + 10
    text = '{"format":"windowseat","version":1,"sessions":[\n' + f"{line},\n" * many + f"{line}\n]}}\n"
    for content in (text, text.replace(",\n", ", ")):
        chunks = (content[place : place + CHUNK].encode() for place in range(0, len(content), CHUNK))
        assert [piece for piece in pieces(chunks) if piece.fault] == []
        chunks = (content[place : place + CHUNK].encode() for place in range(0, len(content), CHUNK))
        assert sum(1 for _ in pieces(chunks)) == many + 1


def test_memory_holds_one_session_at_a_time(tmp_path: Path) -> None:
    long = replace(TALK, settings=dict(TALK.settings) | {"a": "x" * 100_000})
    path = tmp_path / "export"
    with path.open("w") as file:
        file.writelines(as_json(long for _ in range(200)))
    tracemalloc.start()
    count = sum(isinstance(one, Talk) for one in read(path))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 200
    assert most < 3_000_000 < path.stat().st_size / 5


def test_how_far_reading_has_come_can_be_seen_meanwhile(tmp_path: Path) -> None:
    many = "".join(as_json([named(f"session {number}") for number in range(300)])).encode()
    for content in (many, foreign.zipped({"a.json": many, "b.json": many})):
        meter, seen = Meter(), []
        for _ in read(foreign.written(tmp_path, content), meter=meter):
            seen.append(meter.done)
            assert meter.total in {len(many), 2 * len(many)}
        assert seen == sorted(seen)
        assert seen[0] < meter.total / 2 < seen[-1]
        assert meter.done == meter.total
