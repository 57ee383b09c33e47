"""`make audit ADVISORIES=folder`: the lock files held against a checkout of an advisory database."""

import json
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
LOCK = """\
left-pad==1.4.2 \\
    --hash=sha256:00
one-more[extra]==2.0 ; python_version > "3" \\
    --hash=sha256:00
"""


def record(name, record_id, ecosystem="PyPI", **more):
    affected = {"package": {"ecosystem": ecosystem, "name": name}, **more.pop("affected")}
    return {"id": record_id, "modified": "2026-01-05T00:00:00Z", "affected": [affected], **more}


def within(*events):
    return {"ranges": [{"type": "GIT", "events": [{"introduced": "0"}]}, {"type": "ECOSYSTEM", "events": events}]}


AFFECTED = {
    "listed": record("left-pad", "A-1", affected={"versions": ["1.4.1", "1.4.2.0"]}),
    "fixed-later": record("Left_Pad", "A-2", affected=within({"introduced": "0"}, {"fixed": "1.4.10"})),
    "the-last-one": record("left-pad", "A-3", affected=within({"introduced": "1.4"}, {"last_affected": "1.4.2"})),
    "again": record(
        "one-more",
        "A-4",
        affected=within({"introduced": "2.0"}, {"introduced": "0"}, {"fixed": "1.0"}),
        aliases=["C-4"],
    ),
}
NOT = {
    "fixed": record("left-pad", "B-1", affected=within({"introduced": "0"}, {"fixed": "1.4.2"})),
    "another-one": record("pad", "B-2", affected={"versions": ["1.4.2"]}),
    "elsewhere": record("left-pad", "B-3", ecosystem="npm", affected={"versions": ["1.4.2"]}),
    "withdrawn": record("left-pad", "B-4", affected={"versions": ["1.4.2"]}, withdrawn="2026-01-06T00:00:00Z"),
    "not-yet": record("one-more", "B-5", affected=within({"introduced": "2.0.1"})),
    "after-the-last": record("one-more", "B-6", affected=within({"introduced": "0"}, {"last_affected": "1.9"})),
}


def told(folder, records, as_text, ending):
    lock, checkout = folder / "lock.txt", folder / "advisories"
    folder.mkdir(exist_ok=True)
    lock.write_text(LOCK)
    (checkout / "2026").mkdir(parents=True)
    for name, one in records.items():
        (checkout / "2026" / f"{name}.{ending}").write_text(as_text(one))
    command = [sys.executable, ROOT / "scripts/advisories.py", checkout, lock]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines(), done.stderr


def test_a_locked_version_that_a_record_has_is_told_and_no_other(tmp_path):
    code, lines, _ = told(tmp_path, AFFECTED | NOT, yaml.safe_dump, "yaml")
    assert code == 1
    assert [line.split(":")[1].split()[0].rstrip(",") for line in lines[:-1]] == ["A-2", "A-1", "A-3", "A-4"]
    assert "one-more 2.0: A-4 C-4, in lock.txt" in lines
    assert lines[-1] == "4 known, by records up to 2026-01-05"


def test_records_may_be_json_and_nothing_found_is_well(tmp_path):
    assert told(tmp_path / "a", AFFECTED, json.dumps, "json")[0] == 1
    assert told(tmp_path / "b", NOT, json.dumps, "json")[:2] == (0, ["0 known, by records up to 2026-01-05"])


def test_a_folder_without_records_is_no_clean_bill(tmp_path):
    code, lines, error = told(tmp_path, {}, json.dumps, "json")
    assert (code, lines) == (2, [])
    assert "no record" in error
