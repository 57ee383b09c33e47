"""A block of lines to tokens: what is taken means what orjson reads, and what orjson refuses is never taken."""

import random

import orjson
import pytest

from profiles_sync.pipeline.bulk import scanner as t
from profiles_sync.pipeline.bulk.tokens import tokenize

SCALARS = [
    *("1", "-5", "0", "-0", "1.5", "1.50", "-1.0", "0.00001", "1e5", "1E+2", "1e999", "123456789012345678"),
    *("1234567890123456789", "1.2345678901234567", "true", "false", "null", '"a"', '"é"', '"\\u00e9"', '"\\n"'),
    *('"\\/"', '"a\\"b"', '"\\ud83d\\ude00"', '"\\ud800"', '"\\ude00"', '"\\u0000"', '"\\x"', '"\x01"', '""'),
    *("01", "1.", ".5", "-", "tru", "nul", "", "1e", '"open'),
]


def value(rnd, depth):
    chance = rnd.random()
    if depth > 3 or chance < 0.5:
        return rnd.choice(SCALARS[: -8 if rnd.random() < 0.8 else None])
    if chance < 0.75:
        inner = (rnd.choice([",", ", "])).join(value(rnd, depth + 1) for _ in range(rnd.randrange(4)))
        return f"[{rnd.choice(['', ' '])}{inner}]"
    return made(rnd, depth + 1)


def made(rnd, depth=0):
    keys = ["a", "b", "a b", "é", "\\u0061", "c", "d", "e"]
    members = [
        f'"{rnd.choice(keys)}"{rnd.choice([":", " :", ": "])}{value(rnd, depth)}' for _ in range(rnd.randrange(4))
    ]
    ending = rnd.choice(["", ",", "}", " x"]) if rnd.random() < 0.05 else ""
    return "{" + rnd.choice(["", " ", "\t"]) + ",".join(members) + ending + "}"


def lines(seed, count):
    rnd = random.Random(seed)
    for _ in range(count):
        line = made(rnd).replace("\n", " ")
        if rnd.random() < 0.05:
            line = line[: rnd.randrange(len(line) + 1)]
        encoded = line.encode()
        if rnd.random() < 0.02:
            encoded = encoded.replace("é".encode(), b"\xc3")  # no longer UTF-8
        yield rnd.choice([b"", b"  "]) + encoded + rnd.choice([b"", b"\r", b" "])


def leaves(found, path=()):
    for key, inner in found.items():
        if isinstance(inner, dict) and inner:
            yield from leaves(inner, (*path, key))
        else:
            yield (*path, key), inner


def meaning(kind, raw):
    words = {t.NULL: None, t.TRUE: True, t.FALSE: False, t.EMPTY: {}}
    if kind in words:
        return words[kind]
    return orjson.loads(b'"' + raw + b'"' if kind in (t.TEXT, t.ESCAPED) else raw)


@pytest.mark.parametrize("seed", range(4))
def test_tokens_mean_what_orjson_reads(seed):
    given = list(lines(seed, 5_000))
    block = tokenize(b"\n".join(given))
    filled = [line for line in given if line.strip(b" \t\r")]
    assert len(block.state) == len(filled)
    found = block.tokens
    by_line = {}
    for at, kind in enumerate(found.kind.tolist()):
        if kind != t.OBJECT:
            raw = block.data[found.start[at] : found.stop[at]].tobytes()
            by_line.setdefault(int(found.line[at]), []).append((block.paths[found.node[at]], kind, raw))
    plain = [number for number in range(len(filled)) if block.state[number] != t.ODD]
    assert len(plain) > len(filled) / 5
    for number in plain:
        assert block.text(number) == filled[number].rstrip(b"\r")
        got = by_line.get(number, [])
        wanted = list(leaves(orjson.loads(filled[number])))
        assert [(path, repr(meaning(kind, raw))) for path, kind, raw in got] == [(p, repr(v)) for p, v in wanted]
        for _, kind, raw in got:
            if kind == t.ARRAY:
                assert orjson.dumps(orjson.loads(raw)) == raw
            if kind == t.INTEGER:
                assert str(int(raw)).encode() == raw


def test_lines_of_common_shapes_are_plain():
    shapes = [
        b'{"type":"page","context":{"page":{"url":"http://x/\\u00fc"},"ip":"1"},"n":-12.50,"list":[1,{"a":[]}],"e":{}}',
        b' {"a" : null, "b": [ true ] } \r',
        b"{}",
        '{"ä": "ö"}'.encode(),
    ]
    assert t.ODD not in tokenize(b"\n".join(shapes)).state


def test_of_two_keys_with_one_name_the_line_is_odd_at_any_level():
    for line in (b'{"a":1,"a":2}', b'{"b":{"a":1,"a":2}}', b'{"a":{"b":1},"a":{"c":1}}'):
        assert list(tokenize(line).state) == [t.ODD]
    assert list(tokenize(b'{"a":1,"b":{"a":1}}\n{"a":1}').state) == [t.PLAIN, t.PLAIN]


def test_more_names_than_there_is_room_for_make_lines_odd_and_nothing_else():
    given = [orjson.dumps({f"k{n}": n}) for n in range(12_000)]
    state = tokenize(b"\n".join(given)).state
    assert list(state[:8_000]) == [t.PLAIN] * 8_000
    assert list(state[9_000:]) == [t.ODD] * 3_000


def test_blank_lines_count_in_line_numbers_only():
    block = tokenize(b'\n{"a":1}\r\n\n \t\r\n{"a":2}')
    assert list(block.line_number) == [1, 4]
    assert [block.text(line) for line in (0, 1)] == [b'{"a":1}', b'{"a":2}']
