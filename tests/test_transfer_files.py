"""Files of other programs as files: which program's they are, and what they can do to harm."""

import json
import re
import tracemalloc
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import TransferRefused
from storage.transfer import Broken, Kind, Talk, kind_of, read
from storage.transfer.cutting import FOREIGN, MOST_PIECES
from storage.transfer.files import CHUNK
from storage.transfer.pieces import pieces
from tests import foreign_exports as foreign
from tests.foreign_exports import claude_message, open_webui_message

CHATGPT = foreign.chatgpt_trip()
CLAUDE = foreign.claude(claude_message("1", "human", "Olá", 1), claude_message("2", "assistant", "Hi", 2))
OPEN_WEBUI = foreign.open_webui(
    open_webui_message("1", None, "user", "Hello", 1), open_webui_message("2", "1", "assistant", "Hi", 2)
)
NOW = datetime(2026, 5, 1, tzinfo=UTC)


def found(path: Path) -> list[str]:
    """What is read, by its source or its reason."""
    return [one.source if isinstance(one, Talk) else one.reason for one in read(path)]


def refused(path: Path) -> str:
    with pytest.raises(TransferRefused) as caught:
        list(read(path))
    assert re.fullmatch(r"[^\n]{10,300}\.", str(caught.value))
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ([CHATGPT], Kind.CHATGPT),
        ({"conversations": [CHATGPT]}, Kind.CHATGPT),
        ([CLAUDE], Kind.CLAUDE),
        ([OPEN_WEBUI], Kind.OPEN_WEBUI),
        (OPEN_WEBUI, Kind.OPEN_WEBUI),
        (OPEN_WEBUI["chat"], Kind.OPEN_WEBUI),
        ({"chats": [OPEN_WEBUI]}, Kind.OPEN_WEBUI),
        ({"version": 1, "chats": [OPEN_WEBUI]}, Kind.OPEN_WEBUI),
    ],
)
def test_which_program_it_is_shows_in_the_first_conversation(tmp_path: Path, content: Any, kind: Kind) -> None:
    path = foreign.written(tmp_path, content)
    assert kind_of(path) is kind
    assert [type(one) for one in read(path)] == [Talk]
    path.write_bytes(json.dumps(content, indent=2).encode())
    assert [type(one) for one in read(path)] == [Talk]


def test_a_chat_on_each_line_is_read_and_a_line_that_is_cut_costs_only_itself(tmp_path: Path) -> None:
    line = json.dumps(OPEN_WEBUI)
    path = foreign.written(tmp_path, f"{line}\n\n{line[:50]}\n{line}\r\n{line[:60]}".encode())
    whole, cut, end = "open-webui:e-1", "This line is not whole.", "The file ends in the middle of it."
    assert found(path) == [whole, cut, whole, end]
    for length in (50, 45, 100):  # After a comma, in a text, in the inner object.
        path.write_text(f"{line[:length]}\n{line}\n{line}")
        assert found(path) == [cut, whole, whole]


def test_an_archive_is_read_by_the_files_that_hold_conversations(tmp_path: Path) -> None:
    second = CHATGPT | {"conversation_id": "c-2"}
    path = foreign.written(
        tmp_path,
        foreign.zipped(
            {
                "user.json": {"id": "me"},
                "export/conversations-001.json": [second],
                "export/conversations-000.json": [CHATGPT],
                "../../conversations.json": [CLAUDE],
                "chat.html": "<html>",
                "__MACOSX/._conversations.json": "x",
            }
        ),
    )
    assert found(path) == ["claude:d-1", "chatgpt:c-1", "chatgpt:c-2"]
    assert [one.name for one in tmp_path.iterdir()] == ["export"]


def test_an_archive_of_single_chats_is_read_and_what_is_none_is_named(tmp_path: Path) -> None:
    path = foreign.written(tmp_path, foreign.zipped({"b.json": {"id": "me"}, "chat-1.json": OPEN_WEBUI}))
    broken, talk = read(path)
    assert isinstance(broken, Broken)
    assert broken.name == "conversation 1 of b.json"
    assert isinstance(talk, Talk)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_may_be_in_utf_8_or_utf_16(tmp_path: Path, encoding: str) -> None:
    path = foreign.written(tmp_path, json.dumps([CLAUDE], ensure_ascii=False).encode(encoding))
    (talk,) = read(path)
    assert isinstance(talk, Talk)
    assert talk.turns[0].messages[0].content == "Olá"


@pytest.mark.parametrize("encoding", ["utf-32", "utf-16-le", "utf-16-be", "utf-32-be", "latin-1"])
def test_any_other_encoding_is_named_as_the_fault(tmp_path: Path, encoding: str) -> None:
    path = foreign.written(tmp_path, json.dumps([CLAUDE], ensure_ascii=False).encode(encoding))
    assert "UTF-8" in refused(path)


def test_wrong_bytes_in_one_conversation_cost_only_that_one(tmp_path: Path) -> None:
    plain = json.dumps(CLAUDE, ensure_ascii=False)
    whole, wrong = plain.encode(), plain.encode("latin-1")
    path = foreign.written(tmp_path, b"[" + b",".join([whole, wrong, whole]) + b"]")
    assert found(path) == ["claude:d-1", "It is not in UTF-8: save the file in that encoding.", "claude:d-1"]


@pytest.mark.parametrize(
    "content",
    [b"", b"   ", b"[]", b"[", b"{", b"hello", b'"x"', b"[1, 2]", b"{}", b'{"a": 1}', b"\0\0\0\0", b"PK\3\4", b"]]"],
)
def test_what_is_no_export_is_refused_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    refused(foreign.written(tmp_path, content))


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    assert "no file" in refused(tmp_path / "none")
    assert "no file" in refused(tmp_path)
    assert "database can't be read" in refused(foreign.written(tmp_path, b"SQLite format 3\0" + bytes(100)))


@pytest.mark.parametrize("cut", [0.4, 0.6, 0.9, 0.999])
def test_of_a_file_that_is_cut_off_all_that_is_whole_is_read(tmp_path: Path, cut: float) -> None:
    whole = json.dumps([CLAUDE] * 10).encode()
    *talks, end = read(foreign.written(tmp_path, whole[: int(cut * len(whole))]))
    assert len(talks) == int(cut * 10)
    assert isinstance(end, Broken)
    assert end.name == f"conversation {len(talks) + 1}"
    assert f"after {int(cut * len(whole)):,} bytes" in end.reason


def test_a_list_without_an_end_is_told_though_all_in_it_is_whole(tmp_path: Path) -> None:
    path = foreign.written(tmp_path, json.dumps([CLAUDE]).encode()[:-1])
    assert [one[:20] for one in found(path)] == ["claude:d-1", "The list has no end."]


def test_what_stands_beside_conversations_is_told(tmp_path: Path) -> None:
    one = json.dumps(CLAUDE)
    path = foreign.written(tmp_path, f"[7, {one}, [1], {one}] and {{}} more".encode())
    stray = "Something stands here that is no conversation."
    none = "It is no conversation of a program whose exports are read."
    assert found(path) == [stray, "claude:d-1", none, "claude:d-1", stray]


def test_a_damaged_archive_gives_what_is_whole_and_tells_where_it_is_not(tmp_path: Path) -> None:
    packed = bytearray(foreign.zipped({"conversations-0.json": [CLAUDE], "conversations-1.json": [CHATGPT]}))
    place = packed.index(b"conversations-1.json") + 200
    packed[place : place + 50] = bytes(50)
    assert found(foreign.written(tmp_path, bytes(packed)))[0] == "claude:d-1"
    assert "damaged" in found(foreign.written(tmp_path, bytes(packed)))[-1]
    assert "not whole" in refused(foreign.written(tmp_path, bytes(packed[:-100])))


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = foreign.written(tmp_path, foreign.zipped({"conversations.json": b"[" + b" " * 5_000_000}))
    assert path.stat().st_size < 6_000
    assert "far more" in refused(path)


def test_a_bomb_of_many_names_is_refused_before_they_are_read(tmp_path: Path) -> None:
    packed = bytearray(foreign.zipped({"conversations.json": [CLAUDE]}))
    end = packed.rindex(b"PK\5\6")
    path = foreign.written(tmp_path, bytes(packed[:end] + bytes(20_000_000) + packed[end:]))
    content = bytearray(path.read_bytes())
    content[-10:-6] = (20_000_000).to_bytes(4, "little")
    path.write_bytes(content)
    assert "too many files" in refused(path)


def test_archives_that_overlap_themselves_or_hold_too_much_are_refused(tmp_path: Path) -> None:
    packed = bytearray(foreign.zipped({"a.json": [CLAUDE] * 9, "b.json": [CLAUDE] * 9}))
    second = packed.rindex(b"PK\1\2")
    packed[second + 20 : second + 24] = len(packed).to_bytes(4, "little")
    assert "not whole" in refused(foreign.written(tmp_path, bytes(packed)))
    many = foreign.zipped({f"{number}.json": b"" for number in range(10_001)})
    assert "more than 10,000 JSON files" in refused(foreign.written(tmp_path, many))
    large = bytearray(foreign.zipped({"a.json": [CLAUDE], "b.json": [CLAUDE]}))
    for place in (large.index(b"PK\1\2"), large.rindex(b"PK\1\2")):
        large[place + 24 : place + 28] = (3 << 30).to_bytes(4, "little")
    assert "more than 4 GiB: unpack it first" in refused(foreign.written(tmp_path, bytes(large)))


def test_an_archive_in_an_archive_is_none_of_its_files(tmp_path: Path) -> None:
    inner = foreign.zipped({"conversations.json": [CLAUDE]})
    assert "no JSON" in refused(foreign.written(tmp_path, foreign.zipped({"inner.zip": inner})))
    both = foreign.zipped({"inner.zip": inner, "/etc/../conversations.json": [CHATGPT]})
    assert found(foreign.written(tmp_path, both)) == ["chatgpt:c-1"]
    told = found(foreign.written(tmp_path, foreign.zipped({"a.json": inner, "b.json": [CHATGPT]})))
    assert told == ["It is no JSON, which is the one form that is taken in.", "chatgpt:c-1"]


def test_an_archive_that_is_locked_or_packed_oddly_is_refused(tmp_path: Path) -> None:
    packed = bytearray(foreign.zipped({"conversations.json": [CLAUDE]}))
    packed[packed.rindex(b"PK\1\2") + 8] |= 1
    assert "password" in refused(foreign.written(tmp_path, bytes(packed)))
    with zipfile.ZipFile(tmp_path / "odd", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("conversations.json", json.dumps([CLAUDE]))
    assert "unusual" in refused(tmp_path / "odd")
    assert "no JSON" in refused(foreign.written(tmp_path, foreign.zipped({"a.txt": "x"})))


def test_json_that_is_nested_without_end_costs_only_itself(tmp_path: Path) -> None:
    whole = json.dumps(CLAUDE)
    deep = '{"mapping": ' + "[" * 100_000 + "]" * 100_000 + "}"
    path = foreign.written(tmp_path, f"[{whole}, {deep}, {whole}]".encode())
    assert found(path) == ["claude:d-1", f"Its values are nested more than {FOREIGN.nesting} deep.", "claude:d-1"]
    assert "ends in the middle" in found(foreign.written(tmp_path, f"[{whole},".encode() + b"[" * 1_000_000))[1]


def test_a_text_without_end_is_never_held() -> None:
    def stream() -> Any:
        yield b'[{"mapping": "'
        for _ in range(3 * FOREIGN.length // CHUNK):
            yield b"a" * CHUNK
        yield b'"}, {"a": "\\"]'
        yield b"}\\"
        yield b'""}]'

    tracemalloc.start()
    long, short = pieces(stream())
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (long.content, long.fault) == (b"", f"It is longer than {FOREIGN.length >> 20} MiB.")
    assert json.loads(short.content) == {"a": '"]}"'}
    assert most < 2.5 * FOREIGN.length


def test_too_many_values_and_numbers_without_end_are_bounded(tmp_path: Path) -> None:
    many = f'{{"mapping": [{"{}," * 2_100_000}0]}}'
    number = f'{{"mapping": {{}}, "create_time": {"9" * 100_000}}}'
    odd = '{"mapping": {}, "id": "x", "create_time": NaN, "update_time": 1e999}'
    path = foreign.written(tmp_path, f"[{json.dumps(CLAUDE)}, {many}, {number}, {odd}]".encode())
    _, too_many, numbered, last = found(path)
    assert "more than 2,000,000 values" in too_many
    assert numbered.startswith("chatgpt:")
    assert last == "chatgpt:x"


def test_a_file_of_endlessly_many_conversations_is_read_to_a_limit() -> None:
    few = [piece.fault for piece in pieces(iter([b"[" + b"{}," * 300_000, b"{}"] * 5))]
    assert len(few) < 2 * MOST_PIECES
    assert "too much" in few[-1]
    lines = [piece.fault for piece in pieces(b'{"a": 1}\n' * 1_000 for _ in range(10_000))]
    assert len(lines) < 2 * MOST_PIECES
    assert "too much" in lines[-1]


def test_a_name_that_stands_twice_in_an_object_hides_nothing(tmp_path: Path) -> None:
    nodes = [json.dumps(foreign.chatgpt_node("p", None, "user", text)) for text in ("One", "Two")]
    path = foreign.written(tmp_path, f'[{{"mapping": {{"p": {nodes[0]}, "p": {nodes[1]}}}}}]'.encode())
    (talk,) = read(path)
    assert isinstance(talk, Talk)
    assert [turn.messages[0].content for turn in talk.turns] == ["One", "Two"]


@pytest.mark.parametrize(
    "content",
    [
        json.dumps([CLAUDE, CLAUDE], ensure_ascii=False).encode(),
        json.dumps({"version": 1, "chats": [OPEN_WEBUI]}, indent=1).encode(),
        json.dumps(CLAUDE, ensure_ascii=False).encode("utf-16"),
        f"{json.dumps(OPEN_WEBUI)}\n{json.dumps(OPEN_WEBUI)}\n".encode(),
        foreign.zipped({"conversations.json": [CLAUDE, CLAUDE]}),
    ],
)
def test_a_file_cut_off_at_any_byte_is_read_as_far_as_it_goes_or_refused(tmp_path: Path, content: bytes) -> None:
    whole = found(foreign.written(tmp_path, content))
    for length in range(len(content)):
        try:
            told = found(foreign.written(tmp_path, content[:length]))
        except TransferRefused:
            continue
        sources = [one for one in told if one in whole]
        assert sources == whole[: len(sources)]
        assert len(told) - len(sources) <= 1


@given(st.binary(max_size=300), st.integers(1, 40))
def test_any_bytes_are_cut_alike_however_they_arrive(content: bytes, step: int) -> None:
    at_once = [(piece.content, piece.fault) for piece in pieces(iter([b"[" + content]))]
    whole = b"[" + content
    parts = [whole[place : place + step] for place in range(0, len(whole), step)]
    assert [(piece.content, piece.fault) for piece in pieces(iter(parts))] == at_once
