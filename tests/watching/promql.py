"""The names in an expression of PromQL: metrics, and the labels that are asked of them."""

import re

_TOKEN = re.compile(
    r"""(?P<text>"(?:[^"\\]|\\.)*")|(?P<span>\[[^\]]*\])|(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)|(?P<sign>\S)"""
)
#: What may stand where a name may, and is none.
WORDS = {"by", "without", "on", "ignoring", "group_left", "group_right", "and", "or", "unless", "bool", "offset"}
FUNCTIONS = {"sum", "max", "min", "avg", "count", "time", "delta", "rate", "increase", "label_values"}
_LISTS = {"by", "without", "on", "ignoring", "group_left", "group_right"}


def names(expression):
    """(metrics, labels): every metric by name, and every label that is matched or grouped by."""
    metrics, labels, brackets = set(), set(), []
    tokens = [found for found in _TOKEN.finditer(expression) if found.lastgroup in ("name", "sign")]
    for number, found in enumerate(tokens):
        token, before = found[0], tokens[number - 1][0] if number else ""
        if token in "({":
            brackets.append(
                "labels" if token == "{" or before in _LISTS else "of label_values" * (before == "label_values")
            )
        elif token in ")}":
            brackets.pop()
        elif found.lastgroup == "name":
            inside = brackets[-1] if brackets else ""
            if inside == "labels" or (inside == "of label_values" and before == ","):
                labels.add(token)
            elif token not in WORDS | FUNCTIONS:
                metrics.add(token)
    return metrics, labels
