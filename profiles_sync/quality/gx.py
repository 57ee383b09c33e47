"""Great Expectations: it has the say where rows are not plainly as expected, and makes the pages that show all of it.

The only module that imports it, when it is needed, for that takes seconds. It gets rows as pandas has them, and not as
Spark has them, which it would persist. A result keeps counts and never a value.
"""

import importlib.util
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from profiles_sync.errors import MissingExtra
from profiles_sync.quality.graph import Graph
from profiles_sync.quality.outcomes import Outcome
from profiles_sync.quality.screen import worked_out
from profiles_sync.spec.expectations import WORKED_OUT, Expectation, Kind, whole

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.data_context import EphemeralDataContext
    from great_expectations.expectations.expectation import Expectation as Expected

_PANDAS = {"string": "str", "bigint": "int64", "double": "float64", "boolean": "bool", "timestamp": "Timestamp"}
_SITE = "quality"
_ONE = Lock()  # at a time: its context is the process's, and warehouses have threads
#: What it keeps of a result.
_COUNTS = {"result_format": "BASIC", "partial_unexpected_count": 0, "include_unexpected_rows": False}


def refuse_missing() -> None:
    """Tell at once that it is not there, and not in the night when rows are odd for the first time.

    Raises:
        MissingExtra: Great Expectations is not installed.
    """
    if importlib.util.find_spec("great_expectations") is None:
        raise MissingExtra("quality: great-expectations is not installed; pip install 'profiles-sync[quality]'")


def judge(rows: pa.Table, suite: Sequence[Expectation], graph: Graph) -> list[Outcome]:
    """What Great Expectations finds of each expectation.

    Args:
        rows: Those that a batch puts into its table.
        suite: What can be asked of them.
        graph: Knows the profiles that they name.
    """
    with _ONE:
        found = _validated(_frame(rows, suite, graph), suite)
    return [_outcome(one, found[place], rows) for place, one in enumerate(suite)]


def _validated(frame: "pd.DataFrame", suite: Sequence[Expectation]) -> dict[int, Any]:
    """Its results, by place in the suite."""
    import great_expectations as gx

    asset = _context().data_sources.add_pandas("staged").add_dataframe_asset("batch")
    whole = asset.add_batch_definition_whole_dataframe("whole")
    batch = whole.get_batch(batch_parameters={"dataframe": frame})
    asked = gx.ExpectationSuite("batch", expectations=[expected(one, place) for place, one in enumerate(suite)])
    results = batch.validate(asked, result_format=_COUNTS).results
    return {result.expectation_config.meta["place"]: result for result in results}


def expected(one: Expectation, place: int) -> "Expected":
    """An expectation in its words, with its place in the suite."""
    import great_expectations.expectations as gxe

    common = {"mostly": one.mostly, "severity": str(one.severity), "meta": {"place": place}}
    if one.kind is Kind.UNIQUE and len(one.columns) > 1:
        return gxe.ExpectCompoundColumnsToBeUnique(column_list=list(one.columns), **common)
    return _EXPECTED[one.kind](gxe, one, common)


def named(one: Expectation) -> str:
    """The column that it looks at: of what was worked out, that has the answer."""
    return f"{one.column} {one.kind}" if one.kind in WORKED_OUT else one.column


def _context() -> "EphemeralDataContext":
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    return context


def _frame(rows: pa.Table, suite: Sequence[Expectation], graph: Graph) -> "pd.DataFrame":
    import pandas as pd

    for one in suite:
        if one.kind in WORKED_OUT:
            rows = rows.append_column(named(one), worked_out(one, rows, graph))
    whole = {pa.int64(): pd.Int64Dtype(), pa.float64(): pd.Float64Dtype(), pa.bool_(): pd.BooleanDtype()}
    frame = rows.to_pandas(types_mapper=whole.get)
    texts = [field.name for field in rows.schema if pa.types.is_string(field.type)]
    return frame.astype(dict.fromkeys(texts, object))  # Arrow's texts would be matched by Arrow's expressions


def _outcome(one: Expectation, found: Any, rows: pa.Table) -> Outcome:  # noqa: ANN401 of its own types
    result = found.result
    if one.kind is Kind.TYPE or "element_count" not in result:  # of a column as a whole, or it could not be asked
        return Outcome(one, rows.num_rows, 0 if found.success else rows.num_rows)
    missing = 0 if one.kind is Kind.NOT_NULL else result.get("missing_count") or 0
    return Outcome(one, result["element_count"] - missing, result["unexpected_count"])


_Made = Callable[[Any, Expectation, Mapping[str, Any]], "Expected"]
_EXPECTED: Mapping[Kind, _Made] = {
    Kind.NOT_NULL: lambda gxe, one, more: gxe.ExpectColumnValuesToNotBeNull(column=one.column, **more),
    Kind.UNIQUE: lambda gxe, one, more: gxe.ExpectColumnValuesToBeUnique(column=one.column, **more),
    Kind.TYPE: lambda gxe, one, more: gxe.ExpectColumnValuesToBeOfType(
        column=one.column, type_=_PANDAS[one.asks["type"]], **more
    ),
    Kind.LENGTH: lambda gxe, one, more: gxe.ExpectColumnValueLengthsToBeBetween(
        column=one.column, min_value=one.asks.get("min"), max_value=one.asks.get("max"), **more
    ),
    Kind.MATCHES: lambda gxe, one, more: gxe.ExpectColumnValuesToMatchRegex(
        column=one.column, regex=whole(one.asks["regex"]), **more
    ),
    Kind.DIGITS: lambda gxe, one, more: gxe.ExpectColumnValuesToMatchRegex(
        column=one.column, regex=rf"\A[0-9]{{{one.asks['digits']}}}\Z", **more
    ),
    Kind.IN: lambda gxe, one, more: gxe.ExpectColumnValuesToBeInSet(
        column=one.column, value_set=one.asks["values"], **more
    ),
    Kind.BETWEEN: lambda gxe, one, more: gxe.ExpectColumnValuesToBeBetween(
        column=one.column, min_value=one.asks.get("min"), max_value=one.asks.get("max"), **more
    ),
    **{
        kind: lambda gxe, one, more: gxe.ExpectColumnValuesToBeInSet(column=named(one), value_set=[True], **more)
        for kind in WORKED_OUT
    },
}


def write_docs(found: Iterable[tuple[str, str, int, Sequence[Outcome]]], into: Path) -> None:
    """Data Docs: a suite for each table, and for each warehouse what came of it.

    Args:
        found: Warehouse, table, time in microseconds since 1970, and what came of each expectation.
        into: A folder of the site alone; what stands there is replaced.
    """
    from great_expectations.core import RunIdentifier
    from great_expectations.data_context.types.resource_identifiers import (
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )

    context, suites = _context(), set[str]()
    context.add_data_docs_site(_SITE, _site(into))
    for warehouse, table, at, outcomes in found:
        when = datetime.fromtimestamp(at / 1e6, UTC)
        run = RunIdentifier(run_name=f"sync {at} of {warehouse}", run_time=when)
        result = _documented(context, table, outcomes, run, is_new=table not in suites)
        key = ValidationResultIdentifier(ExpectationSuiteIdentifier(table), run, warehouse)
        context.validation_results_store.set(key, result)
        suites.add(table)
    context.build_data_docs(site_names=[_SITE])


def _site(into: Path) -> dict[str, Any]:
    return {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(into.resolve())},
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
    }


def _documented(
    context: "EphemeralDataContext",
    table: str,
    outcomes: Sequence[Outcome],
    run: Any,  # noqa: ANN401 of its own types
    is_new: bool,
) -> Any:  # noqa: ANN401 of its own types
    """What was counted, in the form of its own results."""
    import great_expectations as gx
    from great_expectations.core import ExpectationSuiteValidationResult, ExpectationValidationResult

    asked = [expected(one.expectation, place) for place, one in enumerate(outcomes)]
    if is_new:
        context.suites.add(gx.ExpectationSuite(table, expectations=asked))
    results = [
        ExpectationValidationResult(one.is_met, asked[place].configuration, result=_counted(one))
        for place, one in enumerate(outcomes)
    ]
    met = sum(one.is_met for one in outcomes)
    statistics = {
        "evaluated_expectations": len(outcomes),
        "successful_expectations": met,
        "unsuccessful_expectations": len(outcomes) - met,
        "success_percent": 100 * met / max(len(outcomes), 1),
    }
    about = {"run_id": run, "great_expectations_version": gx.__version__, "active_batch_definition": {}}
    return ExpectationSuiteValidationResult(met == len(outcomes), results, table, statistics=statistics, meta=about)


def _counted(one: Outcome) -> dict[str, Any]:
    share = 100 * one.unexpected / max(one.rows, 1)
    counts = {"element_count": one.rows, "unexpected_count": one.unexpected, "unexpected_percent": share}
    return counts | {"missing_count": 0, "missing_percent": 0.0, "partial_unexpected_list": []}
