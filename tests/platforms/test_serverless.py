"""Serverless compute of Databricks takes Spark Connect and little else: the package asks for nothing that it refuses.

What it refuses is in Databricks' documentation, "Serverless compute limitations". A Connect server of open Spark, on
which the whole job is tested, refuses only some of it: so the source is read too.
"""

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "profiles_sync"
#: Methods and fields of Spark, and why they may not be used.
REFUSED = {
    "no RDD": "rdd toJSON mapPartitions foreachPartition parallelize accumulator sparkContext getCheckpointDir",
    "no JVM": "_jvm _jdf _jsparkSession _jsc _jconf _sc registerJavaFunction registerJavaUDAF",
    "no cache": "cache persist unpersist cacheTable uncacheTable clearCache",
    "no checkpoint": "checkpoint localCheckpoint setCheckpointDir",
    "no global views": "createGlobalTempView createOrReplaceGlobalTempView dropGlobalTempView",
    "no files or jars of ours": "addFile addPyFile addArtifact addArtifacts addJar",
    "a UDF per row": "udf pandas_udf",
}
WHY = {name: why for why, names in REFUSED.items() for name in names.split()}
STATEMENTS = re.compile(r"(?i)\b((un)?cache (lazy )?table|clear cache|refresh table|global temp|add jar|set spark\.)")
MODULES = re.compile(r"pyspark(\.sql(\.(types|functions))?)?$")
SETTING = re.compile(r"spark\.[a-z][\w.]*$")
#: Where settings of Spark stand: a local session's, and what hides secrets from Spark's pages where a connector, which
#: serverless does not have, is given them. Names of jobs are properties of Spark's own sessions.
SETS = {"session.py", "warehouses/frames.py", "watching/tags.py"}
#: Names the jobs of Spark's own sessions; of Connect's it asks for tags, see tests/lake/test_connect.py.
CLASSIC = {"watching/tags.py": "sparkContext"}


def asks_for(source, file="some.py"):
    """What the source asks Spark for and serverless refuses."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in WHY and CLASSIC.get(file) != node.attr:
            yield f"{file}:{node.lineno} {node.attr}: {WHY[node.attr]}"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if STATEMENTS.search(node.value):
                yield f"{file}:{node.lineno} {node.value}"
            elif SETTING.match(node.value) and file not in SETS:
                yield f"{file}:{node.lineno} {node.value}: a setting"
        for module in modules_of(node):
            if module.startswith("py4j") or (module.startswith("pyspark") and not MODULES.match(module)):
                yield f"{file}:{node.lineno} {module}: not in Spark Connect"


def modules_of(node):
    if isinstance(node, ast.Import):
        return [one.name for one in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


def test_the_package_asks_for_nothing_that_serverless_refuses():
    files = {str(file.relative_to(PACKAGE)): file.read_text() for file in PACKAGE.rglob("*.py")}
    assert any("spark.sql(" in text or "mapInArrow" in text for text in files.values())
    assert [one for name, text in files.items() for one in asks_for(text, name)] == []


def test_only_a_local_session_is_given_settings():
    (local,) = [
        node
        for node in ast.parse((PACKAGE / "session.py").read_text()).body
        if isinstance(node, ast.FunctionDef) and any(called(one) == "config" for one in ast.walk(node))
    ]
    assert local.name == "_local"


def called(node):
    return node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None


@pytest.mark.parametrize(
    "source",
    [
        "rows.cache()",
        "frame.rdd.mapPartitions(work)",
        "spark.sparkContext.setCheckpointDir(folder)",
        "spark._jvm.java.lang.System.gc()",
        "spark.sql(f'CACHE TABLE {name}')",
        "rows.createOrReplaceGlobalTempView('x')",
        "spark.conf.set('spark.sql.shuffle.partitions', 4)",
        "from pyspark.ml import Pipeline",
        "import py4j.java_gateway",
    ],
)
def test_what_serverless_refuses_is_found(source):
    assert list(asks_for(source))
