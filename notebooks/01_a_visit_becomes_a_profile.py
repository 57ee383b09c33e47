# Databricks notebook source
# MAGIC %md
# MAGIC # A visit becomes a profile
# MAGIC
# MAGIC Segment's own story of four events, one run of the job for each: an anonymous visit, a sign-up, a second anonymous
# MAGIC visit weeks later, and a sign-up with the same e-mail address, by which two profiles become one. It makes its own
# MAGIC space in a temporary folder, so it needs nothing but the package.

# COMMAND ----------

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import orjson

from profiles_sync.exploring import explore
from profiles_sync.generator.case_study import case_study_events
from profiles_sync.session import session_of
from profiles_sync.settings import load
from profiles_sync.sync.hourly import run

folder = Path(tempfile.mkdtemp(prefix="story-"))
settings = folder / "story.yml"
settings.write_text("""\
space: {name: Story, slug: story}
lake: ./lake
sources:
  website: {id: source_1, name: Website, path: ./events}
warehouses: {}
""")
events = case_study_events()
profiles = {}  # segment_id to a name that one can read

# COMMAND ----------


# %%
def land(number):
    """One more event arrives, and the job runs."""
    (folder / "events").mkdir(exist_ok=True)
    (folder / "events" / f"{number}.jsonl").write_bytes(orjson.dumps(events[number - 1]))
    loaded = load(settings)
    result = run(loaded, session_of(loaded))
    space = explore(settings)
    for segment_id in space.sql("SELECT segment_id FROM id_graph ORDER BY seq")["segment_id"]:
        profiles.setdefault(segment_id, f"profile_{len(profiles) + 1}")
    return result.report


def look(query):
    """What a query gives, with names for profiles."""
    return explore(settings).sql(query).replace(profiles)


GRAPH = "SELECT segment_id, canonical_segment_id, timestamp FROM id_graph ORDER BY timestamp"
KNOWN = """
SELECT canonical_segment_id, external_id_type, external_id_value, timestamp
FROM external_id_mapping ORDER BY timestamp
"""

# %%

# COMMAND ----------

# MAGIC %md
# MAGIC ## 1. Somebody looks at a page
# MAGIC
# MAGIC Nobody has this `anonymous_id` yet: the event **creates** a profile.

# COMMAND ----------

# %%
first = land(1)
look(KNOWN)

# %%

# COMMAND ----------

# MAGIC %md
# MAGIC ## 2. They sign up
# MAGIC
# MAGIC The profile has the `anonymous_id`, so the event **adds** the e-mail address to it.

# COMMAND ----------

# %%
second = land(2)
look(KNOWN)

# %%

# COMMAND ----------

# MAGIC %md
# MAGIC ## 3. Weeks later, a visit from another device
# MAGIC
# MAGIC Another `anonymous_id`, and nothing that leads to the first one. For now these are two people.

# COMMAND ----------

# %%
third = land(3)
look(GRAPH)

# %%

# COMMAND ----------

# MAGIC %md
# MAGIC ## 4. They sign up there, too
# MAGIC
# MAGIC The event has the second `anonymous_id` and the first profile's address. Both profiles match, and the younger one
# MAGIC **merges** into the older one.

# COMMAND ----------

# %%
fourth = land(4)
look(GRAPH)

# COMMAND ----------

# %%
look(KNOWN)

# %%

# COMMAND ----------

# MAGIC %md
# MAGIC ## What is kept of it
# MAGIC
# MAGIC The raw tables only grow, so they tell how it came about: a row for each profile that was created and for each that
# MAGIC was merged, with the event that did it.

# COMMAND ----------

# %%
history = look("""
SELECT segment_id, canonical_segment_id, triggering_event_type, triggering_event_id, timestamp
FROM id_graph_updates ORDER BY seq
""")
history

# %%

# COMMAND ----------

# MAGIC %md
# MAGIC An event keeps the profile that it had. `id_graph` leads from there to the profile of today.

# COMMAND ----------

# %%
calls = look("""
SELECT event.id, event.timestamp, event.anonymous_id, event.segment_id, graph.canonical_segment_id
FROM (
  SELECT id, timestamp, anonymous_id, segment_id FROM pages
  UNION ALL
  SELECT id, timestamp, anonymous_id, segment_id FROM identifies
) AS event
JOIN id_graph AS graph ON graph.segment_id = event.segment_id
ORDER BY event.timestamp
""")
calls

# COMMAND ----------

# %%
COLOURS = {"profile_1": "#1f6f8b", "profile_2": "#e07a1f"}
SAID = {"page": "page", "identify": "identify\nwith the address"}
lanes = {device: lane for lane, device in enumerate(reversed(calls["anonymous_id"].unique()))}
figure, axes = plt.subplots(figsize=(9, 3.6), layout="constrained")
for place, (call, event) in enumerate(zip(calls.itertuples(), events, strict=True)):
    lane = lanes[call.anonymous_id]
    axes.plot(place, lane, "o", markersize=17, color=COLOURS[call.segment_id])
    axes.annotate(SAID[event["type"]], (place, lane), (0, -15), textcoords="offset points", ha="center", va="top")
for number, name in enumerate(COLOURS):
    axes.plot([2 * number, 2 * number + 1], [1 - number] * 2, linewidth=3, color=COLOURS[name], zorder=0, label=name)
arrow = {"arrowstyle": "-|>", "color": "#444444", "linewidth": 1.5, "connectionstyle": "arc3,rad=0.25", "shrinkB": 10}
axes.annotate("", (1, 1), (3, 0.12), arrowprops=arrow)
axes.text(2.55, 0.98, "merged by the address", color="#444444")
axes.set_xticks(range(4), [f"{at:%d %B %Y}\n{at:%H:%M:%S}" for at in calls["timestamp"]])
axes.set_yticks(list(lanes.values()), [f"device\n{device[:8]}…" for device in lanes])
axes.set(xlim=(-0.5, 3.5), ylim=(-0.7, 1.5), xlabel="time of the event (UTC)")
axes.set_title("Four events: two anonymous visits become one profile", loc="left")
axes.legend(title="profile at the time", loc="upper left", ncols=2, frameon=False, bbox_to_anchor=(0, 1.02))
axes.spines[["top", "right"]].set_visible(False)
plt.show()

# COMMAND ----------

# %%
assert (first.profiles_created, second.profiles_created, third.profiles_created, fourth.merges) == (1, 0, 1, 1)
assert set(calls["canonical_segment_id"]) == {"profile_1"}
