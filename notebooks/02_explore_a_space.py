# Databricks notebook source
# MAGIC %md
# MAGIC # Explore a space
# MAGIC
# MAGIC How Segment's rules made profiles out of events: how many a day, what each is known by, what merged them, and one
# MAGIC golden row for each customer. Odd numbers here are mostly events that are sent with a wrong identifier.
# MAGIC
# MAGIC Name the settings file of your space in the next cell. The one that stands there is the made-up shop that the
# MAGIC README's chapter on notebooks makes.

# COMMAND ----------

# %%
import os

import matplotlib.pyplot as plt
import pandas as pd

from profiles_sync.exploring import explore

space = explore(os.environ.get("SPACE_SETTINGS", "../demo/shop/shop.yml"))
space.tables

# %%

# COMMAND ----------

# MAGIC %md
# MAGIC ## Profiles per day
# MAGIC
# MAGIC A row of `id_graph_updates` that maps a profile to itself is its creation. The first one that maps it to another is
# MAGIC its merge; when that other one is merged, too, there is one more row, for the profile now maps elsewhere.

# COMMAND ----------

# %%
daily = space.sql("""
SELECT
  date_trunc('day', first_at) AS day,
  count(CASE WHEN is_creation THEN 1 END) AS created,
  count(CASE WHEN NOT is_creation THEN 1 END) AS merged_away
FROM (
  SELECT segment_id, segment_id = canonical_segment_id AS is_creation, min(timestamp) AS first_at
  FROM id_graph_updates
  WHERE timestamp IS NOT NULL -- inferred rows of a backfill have no time
  GROUP BY 1, 2
) AS each_profile
GROUP BY 1 ORDER BY 1
""")
daily["living"] = (daily["created"] - daily["merged_away"]).cumsum()
daily.tail()

# COMMAND ----------

# %%
figure, (flow, stock) = plt.subplots(2, 1, figsize=(9, 5.5), sharex=True, layout="constrained")
flow.bar(daily["day"], daily["created"], width=0.85, color="#1f6f8b", label="created")
flow.bar(daily["day"], -daily["merged_away"], width=0.85, color="#e07a1f", label="merged away")
flow.axhline(0, color="#444444", linewidth=0.8)
flow.set(ylabel="profiles per day")
flow.yaxis.set_major_formatter(lambda value, _: f"{abs(value):.0f}")
flow.set_title("Profiles created, and merged into older ones", loc="left")
flow.legend(frameon=False, ncols=2, loc="lower left")
stock.plot(daily["day"], daily["living"], color="#1f6f8b", linewidth=2)
stock.set(ylabel="profiles", xlabel="day (UTC)", ylim=(0, None))
stock.set_title("Profiles that are there", loc="left")
for axes in (flow, stock):
    axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %%

# COMMAND ----------

# MAGIC %md
# MAGIC ## Identifiers per profile
# MAGIC
# MAGIC With Segment's default rules a profile has one `user_id` and up to five values of each other type. Many profiles at
# MAGIC a limit are a reason to look at what is sent; `06_tune_identity_rules` shows what another limit would do.

# COMMAND ----------

# %%
known_by = space.sql("""
SELECT type, identifiers, count(*) AS profiles
FROM (
  SELECT canonical_segment_id, type, count(*) AS identifiers FROM user_identifiers GROUP BY 1, 2
) AS each_profile
GROUP BY 1, 2 ORDER BY 1, 2
""")
by_type = known_by.pivot(index="type", columns="identifiers", values="profiles").fillna(0).astype(int)
by_type

# COMMAND ----------

# %%
figure, panels = plt.subplots(
    1, len(by_type), figsize=(max(4, 3.2 * len(by_type)), 3.4), sharey=True, squeeze=False, layout="constrained"
)
for axes, (kind, counts) in zip(panels[0], by_type.iterrows(), strict=True):
    bars = axes.bar(counts.index, counts, color="#1f6f8b")
    axes.bar_label(bars, [f"{count:,}" if count else "" for count in counts], fontsize=9)
    axes.set(xlabel="values on a profile", xticks=list(counts.index))
    axes.set_title(kind, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
panels[0][0].set_ylabel("profiles")
figure.suptitle("How many external IDs of each type a profile has", x=0.01, ha="left")
plt.show()

# %%

# COMMAND ----------

# MAGIC %md
# MAGIC ## What merged profiles
# MAGIC
# MAGIC Every merge has the event that caused it. A sudden week of merges by one kind of call from one source is what a
# MAGIC wrong instrumentation looks like.

# COMMAND ----------

# %%
causes = space.sql("""
SELECT
  date_trunc('week', timestamp) AS week,
  triggering_event_source_name AS source,
  triggering_event_type AS event_type,
  count(DISTINCT triggering_event_id) AS merges
FROM id_graph_updates
WHERE segment_id <> canonical_segment_id AND timestamp IS NOT NULL
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
""")
causes["cause"] = causes["event_type"] + " from " + causes["source"]
weekly = causes.pivot_table(index="week", columns="cause", values="merges", aggfunc="sum", fill_value=0)

# COMMAND ----------

# %%
figure, axes = plt.subplots(figsize=(9, 3.6), layout="constrained")
below = pd.Series(0, index=weekly.index)
for cause, colour in zip(weekly, plt.get_cmap("tab10").colors, strict=False):
    axes.bar(weekly.index, weekly[cause], width=6, bottom=below, label=cause, color=colour)
    below = below + weekly[cause]
axes.set(ylabel="merges per week", xlabel="week that begins on (UTC)", xticks=weekly.index[::2])
axes.set_xticklabels([f"{week:%d %b}" for week in weekly.index[::2]])
axes.set_title("Merges by what caused them", loc="left")
axes.legend(frameon=False, loc="upper left")
axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %%

# COMMAND ----------

# MAGIC %md
# MAGIC How many merges has a profile been through? Few have many.

# COMMAND ----------

# %%
merges = space.sql("""
SELECT merges, count(*) AS profiles
FROM (
  SELECT canonical_segment_id, count(*) - 1 AS merges FROM profile_merges GROUP BY 1
) AS each_profile
GROUP BY 1 ORDER BY 1
""")
merges

# %%

# COMMAND ----------

# MAGIC %md
# MAGIC ## Golden profiles
# MAGIC
# MAGIC One row for each customer: the last traits, and what the events of the profile and of all that were merged into it
# MAGIC add up to. `merged_to IS NULL` keeps the profiles of today.

# COMMAND ----------

# %%
golden = space.sql("""
SELECT
  profile.canonical_segment_id,
  profile.email,
  profile.plan,
  known.identifiers,
  coalesce(bought.orders, 0) AS orders,
  coalesce(bought.revenue, 0) AS revenue,
  bought.last_order
FROM profile_traits AS profile
JOIN (
  SELECT canonical_segment_id, count(*) AS identifiers FROM user_identifiers GROUP BY 1
) AS known ON known.canonical_segment_id = profile.canonical_segment_id
LEFT JOIN (
  SELECT graph.canonical_segment_id, count(*) AS orders, sum(event.revenue) AS revenue,
    max(event.timestamp) AS last_order
  FROM order_completed AS event
  JOIN id_graph AS graph ON graph.segment_id = event.segment_id
  GROUP BY 1
) AS bought ON bought.canonical_segment_id = profile.canonical_segment_id
WHERE profile.merged_to IS NULL AND profile.email IS NOT NULL
ORDER BY revenue DESC, profile.canonical_segment_id
""")
golden.head(10)

# %%

# COMMAND ----------

# MAGIC %md
# MAGIC Objects that you have of your own are joined by an identifier. Here, who looks after a customer; this stands for a
# MAGIC table of your CRM.

# COMMAND ----------

# %%
owners = pd.DataFrame({"plan": ["free", "pro", "team"], "owner": ["nobody", "inside sales", "key accounts"]})
owned = golden.merge(owners, on="plan", how="left").groupby("owner")[["orders", "revenue"]].sum()
owned.round(2)

# COMMAND ----------

# %%
assert daily["living"].iloc[-1] == space.sql("SELECT count(*) AS n FROM profile_traits WHERE merged_to IS NULL")["n"][0]
assert golden["canonical_segment_id"].is_unique
assert abs(golden["revenue"].sum() - space.sql("SELECT sum(revenue) AS r FROM order_completed")["r"][0]) < 0.01
