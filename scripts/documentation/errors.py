"""What may go wrong and what to do then, from the code's own tables."""

import inspect
from collections.abc import Iterator

import yaml

from profiles_sync import errors
from profiles_sync.problems import KNOWN
from scripts.documentation.readme import ROOT


def classes() -> str:
    """Every deliberate error: whether to try again, its class, and advice."""
    lines = ["| error | what it means | may pass | class | what to do |", "|---|---|---|---|---|"]
    for one in _deliberate():
        passes = "yes" if issubclass(one, errors.Transient) else "no"
        problem = one("").problem
        about = (inspect.getdoc(one) or "").splitlines()[0]
        lines.append(f"| `{one.__name__}` | {about} | {passes} | {problem.error_class} | {problem.advice} |")
    return "\n".join(lines)


def _deliberate() -> Iterator[type[errors.ProfilesSyncError]]:
    for one in vars(errors).values():
        if inspect.isclass(one) and {errors.Terminal, errors.Transient} & set(one.__mro__[1:]):
            yield one


def known() -> str:
    """What is told by the words of a warehouse's error, in the order in which it is looked for."""
    lines = ["| class | what to do | told by |", "|---|---|---|"]
    for pattern, kind, advice in KNOWN:
        words = pattern.removeprefix("(?i)").replace("|", "\\|")
        lines.append(f"| {kind} | {advice} | `` {words} `` |")
    return "\n".join(lines)


def rules() -> str:
    """The rules for Prometheus that `conf` has."""
    lines = ["| alert | severity | what it means | what to know |", "|---|---|---|---|"]
    for group in yaml.safe_load((ROOT / "conf" / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))["groups"]:
        for rule in group["rules"]:
            said = {name: _plain(text) for name, text in rule["annotations"].items()}
            severity = rule["labels"]["severity"]
            lines.append(f"| `{rule['alert']}` | {severity} | {said['summary']} | {said['description']} |")
    return "\n".join(lines)


def _plain(text: str) -> str:
    """Without Prometheus's placeholders."""
    return text.replace("{{ $labels.space }}", "SPACE").replace("{{ $labels.warehouse }}", "WAREHOUSE")
