"""Documents as tests read them: their fenced blocks, their tables, and the queries beside their results."""

import re
import shlex

import duckdb


def blocks(text, language):
    """The fenced blocks of a language, without the indent they stand at."""
    for indent, body in re.findall(rf"^( *)```{language}\n(.*?)^ *```$", text, re.S | re.M):
        yield re.sub(f"^{indent}", "", body, flags=re.M)


def queries(text):
    """Each block of SQL with the table that follows it."""
    return re.findall(r"```sql\n([^`]*)```\n\n((?:\|.*\n)+)", text)


def as_shown(connection, query):
    """A query's result, as a document shows it."""
    result = connection.sql(query)
    columns, rows = result.columns, result.fetchall()
    made = [f"| {' | '.join(map(str, row))} |" for row in (columns, *rows)]
    return [made[0], "|" + "---|" * len(columns), *made[1:]]


def commands(text):
    """The words of every `profiles-sync` command in a document's blocks for a shell, and in those that are indented."""
    shell = [body for language in ("sh", "bash") for body in blocks(text, language)]
    indented = re.findall(r"^    (profiles-sync .*)$", text, re.M)
    for line in "\n".join([*shell, *indented]).replace("\\\n", " ").splitlines():
        words = shlex.split(line.partition(" > ")[0], comments=True)
        if words and words[0].rpartition("/")[2] == "profiles-sync":
            yield words[1:]


#: What a sentence may tell somebody to run; in a block for a shell any program counts.
PROGRAMS = ("aws", "databricks", "dbt", "make", "pip", "psql", "python", "spark-submit", "systemctl")


def shell(text):
    """Every line that a document gives for a shell: of its blocks, of what is indented, and within sentences."""
    outside = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.S | re.M)
    shown = [body for language in ("sh", "bash") for body in blocks(text, language)]
    indented = "".join(re.findall(r"(?<=\n\n)(?: {4}\S.*\n)+", outside))
    shown += [line for line in indented.split("\n    ") if not re.match(r" *[\w-]+: ", line)]
    spans = (re.sub(r"\s+", " ", span) for span in re.findall(r"`([^`]+)`", outside))
    shown += [span for span in spans if " " in span and program(span) in PROGRAMS]
    for line in "\n".join(shown).replace("\\\n", " ").splitlines():
        if words := shlex.split(line.partition(" > ")[0], comments=True):
            yield shlex.join([program(line), *words[1:]])


def program(line):
    """What a line runs, without the folder that it is in."""
    return line.split()[0].rpartition("/")[2]


def opened(path):
    """The case study's warehouse, as the README says to open it."""
    warehouse = duckdb.connect(str(path), read_only=True)
    warehouse.execute("USE acme.acme")
    return warehouse
