# Databricks notebook source
# MAGIC %md
# MAGIC # Journeys, and first- and last-touch attribution
# MAGIC
# MAGIC What customers did before they bought, also while nobody knew who they were, and which channels earned the revenue.
# MAGIC
# MAGIC Name the settings file of your space in the next cell. The names below it are those of the made-up shop, which the
# MAGIC README's chapter on notebooks makes; put the event and the property of your orders there.

# COMMAND ----------

# %%
import os

import matplotlib.pyplot as plt
import pandas as pd

from profiles_sync.exploring import explore

space = explore(os.environ.get("SPACE_SETTINGS", "../demo/shop/shop.yml"))
ORDERS, REVENUE, CURRENCY = "order_completed", "revenue", "EUR"

# %%

# COMMAND ----------

# MAGIC %md
# MAGIC ## All that one customer did
# MAGIC
# MAGIC An event keeps the `segment_id` of its time; joined with `id_graph` it belongs to the customer of today. Here is the
# MAGIC one with the most devices. `as` says whom the event was taken for when it came.

# COMMAND ----------

# %%
JOURNEY = """
SELECT graph.canonical_segment_id AS profile, event.segment_id, event.timestamp, event.what, event.channel
FROM (
  SELECT segment_id, timestamp, 'page' AS what, coalesce(context_campaign_medium, 'direct') AS channel FROM pages
  UNION ALL
  SELECT segment_id, timestamp, 'sign-in' AS what, NULL AS channel FROM identifies
  UNION ALL
  SELECT segment_id, timestamp, event_text AS what, NULL AS channel FROM tracks
) AS event
JOIN id_graph AS graph ON graph.segment_id = event.segment_id
"""
devices = space.sql("""
SELECT canonical_segment_id, count(*) AS devices
FROM user_identifiers WHERE type = 'anonymous_id' GROUP BY 1 ORDER BY 2 DESC, 1
""")
customer = devices["canonical_segment_id"][0]
journey = space.sql(f"{JOURNEY} WHERE graph.canonical_segment_id = '{customer}' ORDER BY event.timestamp")
taken_for = {segment_id: f"profile {n}" for n, segment_id in enumerate(journey["segment_id"].unique(), 1)}
journey["as"] = journey["segment_id"].map(taken_for)
journey[["timestamp", "what", "channel", "as"]].head(15)

# COMMAND ----------

# %%
COLOURS = ["#1f6f8b", "#e07a1f", "#5b8c3a", "#8a4f9e", "#b8404f", "#777777"]
kinds = list(journey["what"].value_counts().index)[::-1]
figure, axes = plt.subplots(figsize=(9, 1.2 + 0.5 * len(kinds)), layout="constrained")
for (name, some), colour in zip(journey.groupby("as", sort=False), COLOURS * 9, strict=False):
    axes.plot(some["timestamp"], some["what"].map(kinds.index), "o", color=colour, alpha=0.75, label=name)
axes.set_yticks(range(len(kinds)), kinds)
axes.set(xlabel="time of the event (UTC)", ylim=(-0.6, len(kinds) - 0.4))
axes.set_title("One customer's events, and which profile they were taken for at the time", loc="left")
axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
axes.grid(axis="y", color="#dddddd")
axes.spines[["top", "right", "left"]].set_visible(False)
plt.show()

# %%

# COMMAND ----------

# MAGIC %md
# MAGIC ## How far they came
# MAGIC
# MAGIC Each profile of today once, by the furthest step it reached.

# COMMAND ----------

# %%
steps = space.sql(f"""
SELECT
  count(*) AS visited,
  count(viewed) AS viewed_a_product,
  count(signed_in) AS signed_up,
  count(ordered) AS ordered,
  count(CASE WHEN orders > 1 THEN 1 END) AS ordered_again
FROM (
  SELECT
    profile,
    max(CASE WHEN what = 'Product Viewed' THEN 1 END) AS viewed,
    max(CASE WHEN what = 'sign-in' THEN 1 END) AS signed_in,
    max(CASE WHEN what = 'Order Completed' THEN 1 END) AS ordered,
    count(CASE WHEN what = 'Order Completed' THEN 1 END) AS orders
  FROM ({JOURNEY}) AS each_event
  GROUP BY 1
) AS each_profile
""").iloc[0]
steps

# COMMAND ----------

# %%
figure, axes = plt.subplots(figsize=(9, 3), layout="constrained")
bars = axes.barh([name.replace("_", " ") for name in steps.index], steps, color="#1f6f8b")
axes.bar_label(bars, [f"{count:,}  ({count / steps.iloc[0]:.0%})" for count in steps], padding=4)
axes.invert_yaxis()
axes.set(xlabel="profiles", xlim=(0, steps.iloc[0] * 1.15))
axes.set_title("How far profiles came", loc="left")
axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %%

# COMMAND ----------

# MAGIC %md
# MAGIC ## Which channel earned it
# MAGIC
# MAGIC The touches of an order are the pages of its customer up to then, on every device. First touch gives its revenue to
# MAGIC the channel of the first one, last touch to that of the last one; linear shares it out among all of them. An order of
# MAGIC a customer without a page is `unknown`.

# COMMAND ----------

# %%
touched = space.sql(f"""
SELECT sale.id, sale.revenue, touch.channel,
  row_number() OVER (PARTITION BY sale.id ORDER BY touch.timestamp, touch.id) AS place,
  count(*) OVER (PARTITION BY sale.id) AS touches
FROM (
  SELECT event.id, event.timestamp, event.{REVENUE} AS revenue, graph.canonical_segment_id
  FROM {ORDERS} AS event JOIN id_graph AS graph ON graph.segment_id = event.segment_id
) AS sale
LEFT JOIN (
  SELECT page.id, page.timestamp, coalesce(page.context_campaign_medium, 'direct') AS channel,
    graph.canonical_segment_id
  FROM pages AS page JOIN id_graph AS graph ON graph.segment_id = page.segment_id
) AS touch ON touch.canonical_segment_id = sale.canonical_segment_id AND touch.timestamp <= sale.timestamp
""")
touched["channel"] = touched["channel"].fillna("unknown")
rules = {
    "first touch": touched[touched["place"] == 1],
    "linear": touched.assign(revenue=touched["revenue"] / touched["touches"]),
    "last touch": touched[touched["place"] == touched["touches"]],
}
earned = pd.DataFrame({rule: rows.groupby("channel")["revenue"].sum() for rule, rows in rules.items()}).fillna(0)
earned = earned.sort_values("linear", ascending=False)
earned.round(2)

# COMMAND ----------

# %%
figure, axes = plt.subplots(figsize=(9, 3.8), layout="constrained")
for number, (rule, colour) in enumerate(zip(earned, ("#1f6f8b", "#9db8c2", "#e07a1f"), strict=True)):
    places = [place + 0.27 * (number - 1) for place in range(len(earned))]
    bars = axes.bar(places, earned[rule], width=0.25, color=colour, label=rule)
    axes.bar_label(bars, [f"{amount:,.0f}" for amount in earned[rule]], fontsize=8, padding=2)
axes.set_xticks(range(len(earned)), earned.index)
axes.set(ylabel=f"revenue ({CURRENCY})", xlabel="channel (medium of the campaign)")
axes.set_title(f"Who earned the {earned['linear'].sum():,.0f} {CURRENCY}", loc="left")
axes.legend(frameon=False)
axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %%

# COMMAND ----------

# MAGIC %md
# MAGIC Without identity resolution, a visit on another device or before the sign-up would be nobody's: the same orders, with
# MAGIC the touches of the device alone that they were made on.

# COMMAND ----------

# %%
alone = space.sql(f"""
SELECT count(*) AS orders, count(touch.first_at) AS with_a_first_touch,
  count(CASE WHEN touch.first_at > known.first_at THEN 1 END) AS first_touch_is_too_late
FROM (
  SELECT event.anonymous_id, graph.canonical_segment_id
  FROM {ORDERS} AS event JOIN id_graph AS graph ON graph.segment_id = event.segment_id
) AS sale
LEFT JOIN (
  SELECT anonymous_id, min(timestamp) AS first_at FROM pages GROUP BY 1
) AS touch ON touch.anonymous_id = sale.anonymous_id
LEFT JOIN (
  SELECT graph.canonical_segment_id, min(page.timestamp) AS first_at
  FROM pages AS page JOIN id_graph AS graph ON graph.segment_id = page.segment_id GROUP BY 1
) AS known ON known.canonical_segment_id = sale.canonical_segment_id
""").iloc[0]
alone

# COMMAND ----------

# %%
total = space.sql(f"SELECT sum({REVENUE}) AS revenue FROM {ORDERS} WHERE segment_id IS NOT NULL")["revenue"][0]
assert all(abs(earned[rule].sum() - total) < 0.01 for rule in earned), "every rule gives away all of the revenue, once"
assert steps.is_monotonic_decreasing
