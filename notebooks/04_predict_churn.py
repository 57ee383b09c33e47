# Databricks notebook source
# MAGIC %md
# MAGIC # Predict who stays away
# MAGIC
# MAGIC A small churn model from traits and events, and a score for each customer, which may go back to Segment as a trait.
# MAGIC
# MAGIC The trap in such models is to know the future. `profile_traits` has the traits of *today*; what was known on a past day
# MAGIC is in the raw tables, which only grow: of `profile_traits_updates` the last row up to that day, and events up to then.
# MAGIC
# MAGIC Name the settings file of your space in the next cell; the events and traits are the made-up shop's, which the
# MAGIC README's chapter on notebooks makes.

# COMMAND ----------

# %%
import os

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score, roc_curve
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from profiles_sync.exploring import explore

space = explore(os.environ.get("SPACE_SETTINGS", "../demo/shop/shop.yml"))
AHEAD = 14  # days without any event that count as having left
BEFORE = 14  # days that a customer was seen in, to be asked about

# COMMAND ----------

# %%
# Every event of every customer, with the profile of today: one join, and all of the history is the customer's.
happened = space.sql("""
SELECT graph.canonical_segment_id AS profile, event.at, event.what
FROM (
  SELECT segment_id, timestamp AS at, 'visit' AS what FROM pages
  UNION ALL
  SELECT segment_id, timestamp AS at, event_text AS what FROM tracks
) AS event
JOIN id_graph AS graph ON graph.segment_id = event.segment_id
""")
# What was known of them, and since when. A profile that was merged brings its rows along.
known = space.sql("""
SELECT graph.canonical_segment_id AS profile, trait.timestamp AS at, trait.plan
FROM profile_traits_updates AS trait
JOIN id_graph AS graph ON graph.segment_id = trait.segment_id
WHERE trait.plan IS NOT NULL
ORDER BY trait.seq
""")
len(happened), len(known)

# %%

# COMMAND ----------

# MAGIC %md
# MAGIC ## What was known on a day, and what came of it
# MAGIC
# MAGIC A row is a customer on a day: those who have signed up and were there lately. They left if nothing came in the
# MAGIC two weeks after it. Days are a week apart, and the last one has these two weeks behind it.

# COMMAND ----------

# %%
NUMBERS = ["visits", "days_since_last", "orders", "products_viewed", "help_requested"]


def on(day):
    """What was known of each customer when the day began."""
    past, traits = happened[happened["at"] < day], known[known["at"] < day]
    lately = past[past["at"] >= day - pd.Timedelta(days=BEFORE)]
    counts = pd.crosstab(lately["profile"], lately["what"])
    counts = counts.reindex(columns=["visit", "Order Completed", "Product Viewed", "Help Requested"], fill_value=0)
    rows = pd.DataFrame(
        {
            "plan": traits.groupby("profile")["plan"].last(),
            "visits": counts["visit"],
            "days_since_last": (day - past.groupby("profile")["at"].max()).dt.total_seconds() / 86400,
            "orders": counts["Order Completed"],
            "products_viewed": counts["Product Viewed"],
            "help_requested": counts["Help Requested"],
        }
    )
    return rows.dropna().assign(day=day).rename_axis("profile").reset_index()


def left(rows, day):
    """Whether nothing came from them in the days after it."""
    after = happened[(happened["at"] >= day) & (happened["at"] < day + pd.Timedelta(days=AHEAD))]
    return ~rows["profile"].isin(after["profile"])


begin, end = happened["at"].min().normalize(), happened["at"].max().normalize()
days = pd.date_range(begin + pd.Timedelta(days=2 * BEFORE), end - pd.Timedelta(days=AHEAD), freq="7D")
examples = pd.concat([rows.assign(left=left(rows, day)) for day in days for rows in [on(day)]], ignore_index=True)
examples.groupby("day")["left"].agg(customers="size", left="sum")

# %%

# COMMAND ----------

# MAGIC %md
# MAGIC ## The model
# MAGIC
# MAGIC A logistic regression, whose weights can be read. It is judged on customers that it has not seen: one customer is in
# MAGIC many rows, so the folds are made of customers, not of rows.

# COMMAND ----------

# %%
model = make_pipeline(
    make_column_transformer((StandardScaler(), NUMBERS), (OneHotEncoder(drop="first"), ["plan"])),
    LogisticRegression(max_iter=1000),
)
inputs = examples[[*NUMBERS, "plan"]]
guessed = cross_val_predict(
    model, inputs, examples["left"], groups=examples["profile"], cv=GroupKFold(5), method="predict_proba"
)[:, 1]
area = roc_auc_score(examples["left"], guessed)
lazy = roc_auc_score(examples["left"], examples["days_since_last"])
model.fit(inputs, examples["left"])
weights = pd.Series(model[-1].coef_[0], [name.split("__")[1] for name in model[0].get_feature_names_out()])
weights = weights.sort_values()
print(f"area under the curve {area:.3f}; by the days since the last event alone {lazy:.3f}")

# COMMAND ----------

# %%
figure, (curve, bars, trust) = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
wrong, right, _ = roc_curve(examples["left"], guessed)
curve.plot(wrong, right, color="#1f6f8b", linewidth=2, label=f"model, area {area:.2f}")
wrong, right, _ = roc_curve(examples["left"], examples["days_since_last"])
curve.plot(wrong, right, color="#e07a1f", label=f"days since the last event, {lazy:.2f}")
curve.plot([0, 1], [0, 1], color="#999999", linestyle=":", label="chance, 0.50")
curve.set(xlabel="share of those who stayed that is named", ylabel="share of those who left that is named")
curve.set_title("Customers that the model has not seen", loc="left")
curve.legend(frameon=False, loc="lower right")
drawn = bars.barh(weights.index.str.replace("_", " "), weights, color=np.where(weights > 0, "#e07a1f", "#1f6f8b"))
bars.bar_label(drawn, [f"×{np.exp(weight):.2f}" for weight in weights], padding=3, fontsize=9)
bars.axvline(0, color="#444444", linewidth=0.8)
bars.margins(x=0.2)
bars.set(xlabel="weight (log odds of leaving, scaled)")
bars.set_title("What speaks for leaving", loc="left")
fifths = examples.assign(guessed=guessed).groupby(pd.qcut(guessed, 5, duplicates="drop"), observed=True)
fifths = fifths[["guessed", "left"]].mean()
trust.plot([0, 1], [0, 1], color="#999999", linestyle=":")
trust.plot(fifths["guessed"], fifths["left"], "o-", color="#1f6f8b")
trust.set(xlabel="probability that was said", ylabel="share that left", xlim=(0, 1), ylim=(0, 1))
trust.set_title("A fifth of the rows each: said and seen", loc="left")
for axes in (curve, bars, trust):
    axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %%

# COMMAND ----------

# MAGIC %md
# MAGIC ## A score for each customer of today
# MAGIC
# MAGIC One row per profile with the address to write to. As a table in the warehouse, Reverse ETL can bring it back as the
# MAGIC trait `churn_risk`.

# COMMAND ----------

# %%
today = on(end + pd.Timedelta(days=1))
today["churn_risk"] = model.predict_proba(today[[*NUMBERS, "plan"]])[:, 1].round(3)
addresses = space.sql("SELECT canonical_segment_id AS profile, email FROM profile_traits WHERE merged_to IS NULL")
scores = today.merge(addresses, on="profile").sort_values("churn_risk", ascending=False)
scores[["profile", "email", "plan", "days_since_last", "help_requested", "churn_risk"]].head(10)

# COMMAND ----------

# %%
assert scores["profile"].is_unique and len(scores) == len(today)
assert scores["churn_risk"].between(0, 1).all()
assert (examples["days_since_last"] >= 0).all(), "nothing of the future is known"
