# Databricks notebook source
# MAGIC %md
# MAGIC # What would this sync do?
# MAGIC
# MAGIC The plan of the next run, as `profiles-sync plan` prints it, and what one more warehouse would get, with all tables or
# MAGIC with some left out. Nothing is written, neither to the lake nor to a warehouse.
# MAGIC
# MAGIC Name the settings file of your space in the next cell. The one that stands there is the made-up shop that the
# MAGIC README's chapter on notebooks makes.

# COMMAND ----------

# %%
import os
import tempfile

import matplotlib.pyplot as plt
import pandas as pd

from profiles_sync.exploring import explore
from profiles_sync.sync.preview import preview
from profiles_sync.warehouses.duckdb import DuckDBSettings

space = explore(os.environ.get("SPACE_SETTINGS", "../demo/shop/shop.yml"))
plan = preview(space.settings)

# %%

# COMMAND ----------

# MAGIC %md
# MAGIC ## The files that it takes

# COMMAND ----------

# %%
files = pd.DataFrame(plan["files"], columns=["source", "path", "bytes"])
print(f"batch {plan['batch']}: {len(files)} new files, {files['bytes'].sum():,} bytes")
files.groupby("source")["bytes"].agg(files="size", bytes="sum")

# %%

# COMMAND ----------

# MAGIC %md
# MAGIC ## What each warehouse lacks before it
# MAGIC
# MAGIC Its steps, table by table. The rows of the new files come on top; which ones is known when they have been read.

# COMMAND ----------


# %%
def steps_of(planned):
    """One row for each step of each warehouse."""
    rows = [
        {"warehouse": name, "table": table, "step": step}
        for name, one in planned["warehouses"].items()
        for table, steps in one["tables"].items()
        for step in steps
    ]
    return pd.DataFrame(rows, columns=["warehouse", "table", "step"])


lacking = steps_of(plan)
errors = {name: one["error"] for name, one in plan["warehouses"].items() if one["error"]}
print(f"{len(lacking)} steps; errors: {errors or 'none'}; warnings: {plan['warnings'] or 'none'}")
lacking

# %%

# COMMAND ----------

# MAGIC %md
# MAGIC ## What if there were one more?
# MAGIC
# MAGIC Two warehouses that do not exist: one gets everything, the other has tables and a column switched off by Selective
# MAGIC Sync. Put a warehouse of yours here, with its own settings, to see it in its own types and names.

# COMMAND ----------

# %%
nowhere = tempfile.mkdtemp(prefix="plan-")
imagined = {
    "everything": DuckDBSettings(type="duckdb", path=f"{nowhere}/everything.duckdb"),
    "with some left out": DuckDBSettings(
        type="duckdb",
        path=f"{nowhere}/without.duckdb",
        selective={"identifies.email": False, "profile_traits.email": False, "user_traits": False, "pages": False},
    ),
}
more = preview(space.settings.model_copy(update={"warehouses": imagined}))
wide = steps_of(more).pivot(index="table", columns="warehouse", values="step").rename_axis(columns=None)
wide

# %%

# COMMAND ----------

# MAGIC %md
# MAGIC Its first sync makes the tables. The rows that are in the lake by now follow by the backfill, which begins by itself;
# MAGIC so many there are:

# COMMAND ----------

# %%
rows = space.sql(" UNION ALL ".join(f"SELECT '{name}' AS name, count(*) AS n FROM {name}" for name in space.tables))
rows = rows.set_index("name")["n"].sort_values()
left_out = wide.index[wide["with some left out"].str.startswith("leave out")]

# COMMAND ----------

# %%
figure, axes = plt.subplots(figsize=(9, 1.2 + 0.28 * len(rows)), layout="constrained")
colours = {False: "#1f6f8b", True: "#d9d9d9"}
bars = axes.barh(rows.index, rows, color=[colours[name in left_out] for name in rows.index])
axes.bar_label(bars, [f"{count:,}" for count in rows], padding=3, fontsize=9)
axes.margins(x=0.1)
axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
axes.set(xlabel="rows in the lake")
axes.set_title("What the backfill of a further warehouse would send", loc="left")
handles = [plt.Rectangle((0, 0), 1, 1, color=colour) for colour in colours.values()]
axes.legend(handles, ["to both", "left out of the second one"], frameon=False, loc="lower right")
axes.spines[["top", "right"]].set_visible(False)
plt.show()

# COMMAND ----------

# %%
assert set(wide.index) == set(space.tables), "a new warehouse gets or leaves out every table"
assert not os.listdir(nowhere), "a plan makes no warehouse"
