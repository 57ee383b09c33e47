"""The scanner of JSON lines: compiled functions over bytes, which carry positions and flags instead of objects.

Characters are their codes: 34 is a quote, 44 a comma, 58 a colon, 91 and 93 are brackets, 92 is a backslash, 123 and
125 are braces. The text ends with a line feed, where every loop stops.
"""

import numpy as np

from profiles_sync.pipeline.compiled import compiled

NULL, FALSE, TRUE, INTEGER, FRACTION, TEXT, ESCAPED, ARRAY, LOOSE_ARRAY, EMPTY, OBJECT = range(11)
PLAIN, ODD, FOREIGN = 0, 1, 2  # states of a line; foreign: plain, with bytes beyond ASCII
DEPTH, SLOTS, NODES = 32, 1 << 15, 1 << 13
_INTEGER_DIGITS, _FRACTION_DIGITS = 18, 15
_KEYS, _LEVELS = 64, 60  # kept inside an array


@compiled
def scan(data, nodes, slots, line, node, kind, start, stop, line_start, line_stop, line_number, state):
    """Fill the arrays of `tokens.tokenize`; returns how many tokens, lines and nodes there are."""
    seen = np.full(nodes.shape[1], -1, np.int64)  # the line in which a node was met last
    held = np.zeros(DEPTH + 1, np.int64)
    tokens, lines, made, pos, number = 0, 0, 1, 0, 0
    while pos < len(data):
        begin, first_token = pos, tokens
        pos = _blanks(data, pos)
        if data[pos] != 10:
            pos, tokens, made, foreign = _line(
                data, pos, lines, nodes, slots, made, seen, held, tokens, line, node, kind, start, stop
            )
            good = pos >= 0
            if not good:
                tokens, pos = first_token, begin
                while data[pos] != 10:
                    pos += 1
            end = pos
            while end > begin and data[end - 1] == 13:
                end -= 1
            line_start[lines], line_stop[lines], line_number[lines] = begin, end, number
            state[lines] = (FOREIGN if foreign & 4 else PLAIN) if good else ODD
            lines += 1
        number += 1
        pos += 1
    return tokens, lines, made


@compiled
def _line(data, pos, number, nodes, slots, made, seen, held, tokens, line, node, kind, start, stop):
    """The tokens of one line; returns where its line feed is (-1: odd), tokens and nodes so far, flags of its texts."""
    flags, depth, opened_at, fresh = 0, 0, 0, True
    if data[pos] != 123:
        return -1, tokens, made, flags
    pos = _blanks(data, pos + 1)
    while True:
        if not (fresh and depth == 0 and data[pos] == 125):  # but for an empty object at the top, a key follows
            pos, where, made, found = _key(data, pos, nodes, slots, made, held[depth])
            flags |= found
            if pos < 0 or seen[where] == number:
                return -1, tokens, made, flags
            seen[where] = number
            what, value, value_stop, after, found = _value(data, pos)
            flags |= found
            if what < 0 or (what == OBJECT and depth + 1 >= DEPTH):
                return -1, tokens, made, flags
            if what == OBJECT:
                opened_at = pos if depth == 0 else opened_at
                depth, fresh, pos = depth + 1, False, after
                held[depth] = where
                continue
            line[tokens], node[tokens], kind[tokens] = number, where, what
            start[tokens], stop[tokens] = value, value_stop
            tokens, pos = tokens + 1, _blanks(data, after)
        while data[pos] == 125 and depth > 0:
            if depth == 1:
                line[tokens], node[tokens], kind[tokens] = number, held[1], OBJECT
                start[tokens], stop[tokens] = opened_at, pos + 1
                tokens += 1
            depth -= 1
            pos = _blanks(data, pos + 1)
        if data[pos] == 125:
            pos = _blanks(data, pos + 1)
            return pos if data[pos] == 10 else -1, tokens, made, flags
        if data[pos] != 44:
            return -1, tokens, made, flags
        fresh, pos = False, _blanks(data, pos + 1)


@compiled
def _key(data, pos, nodes, slots, made, parent):
    """A key and its colon; returns where its value begins (-1: odd), its node, the nodes so far, flags of its text."""
    if data[pos] != 34:
        return -1, 0, made, 0
    end, flags = _text(data, pos + 1)
    if end < 0 or flags & 3:
        return -1, 0, made, flags
    colon = _blanks(data, end + 1)
    if data[colon] != 58:
        return -1, 0, made, flags
    where, made = _node(data, nodes, slots, made, parent, pos + 1, end)
    return _blanks(data, colon + 1) if where >= 0 else -1, where, made, flags


@compiled
def _value(data, pos):
    """The kind of a value (-1: odd), where its text begins and ends, where it is over, flags of its texts.

    Of an object that is not empty only the beginning is looked at: it is over where its first key begins.
    """
    char = data[pos]
    if char == 34:
        end, flags = _text(data, pos + 1)
        return (-1 if end < 0 else ESCAPED if flags & 3 else TEXT), pos + 1, end, end + 1, flags
    if char == 123:
        inner = _blanks(data, pos + 1)
        if data[inner] == 125:
            return EMPTY, pos, inner + 1, inner + 1, 0
        return OBJECT, pos, inner, inner, 0
    if char == 91:
        end, flags = _array(data, pos)
        return (-1 if end < 0 else LOOSE_ARRAY if flags & 1 else ARRAY), pos, end, end, flags
    what, end, _ = _scalar(data, pos)
    return what, pos, end, end, 0


@compiled
def _scalar(data, pos):
    """The kind of a word or number (-1: neither, or odd), where it ends, whether JSON writes it just so."""
    char = data[pos]
    if char == 116 and data[pos + 1] == 114 and data[pos + 2] == 117 and data[pos + 3] == 101:
        return TRUE, pos + 4, True
    if char == 110 and data[pos + 1] == 117 and data[pos + 2] == 108 and data[pos + 3] == 108:
        return NULL, pos + 4, True
    if char == 102 and data[pos + 1] == 97 and data[pos + 2] == 108 and data[pos + 3] == 115 and data[pos + 4] == 101:
        return FALSE, pos + 5, True
    end, what, just_so = _number(data, pos)
    return what, end, just_so


@compiled
def _blanks(data, pos):
    while data[pos] == 32 or data[pos] == 9 or data[pos] == 13:
        pos += 1
    return pos


@compiled
def _node(data, nodes, slots, made, parent, start, stop):
    """The node of a key below `parent`, made if it is new, and how many there are; -1 when there are too many."""
    digest = np.int64(parent) * 31 + 7
    for pos in range(start, stop):
        digest = (digest ^ np.int64(data[pos])) * np.int64(1099511628211)
    slot = (digest ^ (digest >> 29)) & (SLOTS - 1)
    while slots[slot]:
        found = slots[slot]
        if (
            nodes[1, found] == digest
            and nodes[0, found] == parent
            and nodes[3, found] - nodes[2, found] == stop - start
        ):
            known, same = nodes[2, found], True
            for offset in range(stop - start):
                if data[known + offset] != data[start + offset]:
                    same = False
                    break
            if same:
                return found, made
        slot = (slot + 1) & (SLOTS - 1)
    if made >= nodes.shape[1]:
        return -1, made
    nodes[0, made], nodes[1, made], nodes[2, made], nodes[3, made] = parent, digest, start, stop
    slots[slot] = made
    return made, made + 1


@compiled
def _text(data, pos):
    """From behind the opening quote to the closing one, -1 where the text is broken or holds U+0000; and flags.

    1: an escape that JSON need not write. 2: one that it must. 4: bytes beyond ASCII.
    """
    flags = 0
    while True:
        char = data[pos]
        if char == 34:
            return pos, flags
        if char < 32:
            return -1, flags
        if char == 92:
            code = data[pos + 1]
            if code == 117:
                point = _hex(data, pos + 2)
                if point <= 0 or 0xDC00 <= point <= 0xDFFF:
                    return -1, flags
                pos += 6
                flags |= 1
                if point >= 0xD800 and point < 0xDC00:
                    low = _hex(data, pos + 2) if data[pos] == 92 and data[pos + 1] == 117 else -1
                    if low < 0xDC00 or low > 0xDFFF:
                        return -1, flags
                    pos += 6
                continue
            if code == 47:
                flags |= 1
            elif code == 34 or code == 92 or code == 98 or code == 102 or code == 110 or code == 114 or code == 116:
                flags |= 2
            else:
                return -1, flags
            pos += 2
            continue
        if char > 127:
            flags |= 4
        pos += 1


@compiled
def _hex(data, pos):
    """The value of four hexadecimal digits, or -1."""
    value = np.int64(0)
    for offset in range(4):
        char = np.int64(data[pos + offset])  # where nothing is compiled, a byte stays a byte and overflows
        if 48 <= char <= 57:
            value = value * 16 + char - 48
        elif 65 <= char <= 70:
            value = value * 16 + char - 55
        elif 97 <= char <= 102:
            value = value * 16 + char - 87
        else:
            return -1
    return value


@compiled
def _number(data, pos):
    """The end of a number, its kind (-1: odd or broken) and whether JSON writes it just so."""
    negative = data[pos] == 45
    if negative:
        pos += 1
    first = pos
    while 48 <= data[pos] <= 57:
        pos += 1
    whole = pos - first
    if whole == 0 or (whole > 1 and data[first] == 48):
        return pos, -1, False
    point = data[pos] == 46
    if not point and data[pos] != 101 and data[pos] != 69:
        if whole > _INTEGER_DIGITS or (negative and data[first] == 48):
            return pos, -1, False
        return pos, INTEGER, True
    parts = 0
    just_so = point and whole < _FRACTION_DIGITS
    if point:
        pos += 1
        begin = pos
        while 48 <= data[pos] <= 57:
            pos += 1
        parts = pos - begin
        if parts == 0:
            return pos, -1, False
        if parts == 1 and data[begin] == 48:
            just_so = just_so and not (negative and whole == 1 and data[first] == 48)
        else:
            small = data[first] == 48 and data[begin] == 48 and (parts < 2 or data[begin + 1] == 48)
            just_so = just_so and data[pos - 1] != 48 and whole + parts <= _FRACTION_DIGITS and not small
    if data[pos] == 101 or data[pos] == 69:
        just_so = False
        pos += 1
        if data[pos] == 43 or data[pos] == 45:
            pos += 1
        begin = pos
        while 48 <= data[pos] <= 57:
            pos += 1
        if pos == begin or pos - begin > 2:
            return pos, -1, False
    if whole + parts > 40:
        return pos, -1, False
    return pos, FRACTION, just_so


@compiled
def _array(data, pos):
    """From the opening bracket to behind the closing one; flags: 1 not compact as JSON writes it, 4 beyond ASCII."""
    flags, depth, kinds, count = 0, 0, np.int64(0), 0  # bit d of kinds: level d is an object
    keys, levels = np.empty(_KEYS, np.int64), np.zeros(_LEVELS, np.int64)  # levels: the number of keys below a level
    pos += 1
    ready, fresh = True, True  # a value, or the end of an empty container, may follow
    while True:
        tight = pos
        pos = _blanks(data, pos)
        flags |= pos != tight
        in_object = (kinds >> depth) & 1
        closing = 125 if in_object else 93
        if data[pos] == closing and (fresh or not ready):
            pos += 1
            if depth == 0:
                return pos, flags
            count, ready, fresh = levels[depth], False, False
            depth -= 1
            continue
        if not ready:
            if data[pos] != 44:
                return -1, flags
            pos += 1
            ready = True
            continue
        if in_object:
            pos, count, found = _inner_key(data, pos, keys, levels[depth], count)
            flags |= found
            if pos < 0:
                return -1, flags
        fresh = data[pos] == 91 or data[pos] == 123
        if fresh:
            depth += 1
            if depth >= _LEVELS:
                return -1, flags
            bit = np.int64(1) << depth
            kinds = kinds | bit if data[pos] == 123 else kinds & ~bit
            levels[depth] = count
            pos += 1
            continue
        if data[pos] == 34:
            end, found = _text(data, pos + 1)
            flags |= found & 5
            pos = end + 1
            if end < 0:
                return -1, flags
        else:
            what, pos, just_so = _scalar(data, pos)
            flags |= not just_so
            if what < 0:
                return -1, flags
        ready = False


@compiled
def _inner_key(data, pos, keys, first, count):
    """A key in an object in an array; returns where its value begins (-1: broken), how many keys are kept, flags.

    A key that the object may have already, or one too many to keep, is not compact: the value is written anew.
    """
    if data[pos] != 34:
        return -1, count, 0
    end, flags = _text(data, pos + 1)
    if end < 0:
        return -1, count, flags
    flags &= 5
    digest = np.int64(7)
    for at in range(pos + 1, end):
        digest = (digest ^ np.int64(data[at])) * np.int64(1099511628211)
    for other in range(first, count):
        flags |= keys[other] == digest
    if count < _KEYS:
        keys[count] = digest
        count += 1
    else:
        flags |= 1
    colon = _blanks(data, end + 1)
    after = _blanks(data, colon + 1) if data[colon] == 58 else -1
    flags |= colon != end + 1 or after != colon + 1
    return after, count, flags
