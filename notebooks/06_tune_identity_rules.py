# Databricks notebook source
# MAGIC %md
# MAGIC # Tune the identity rules
# MAGIC
# MAGIC What would other limits and priorities have made of the same events? The reference resolver of the package, which is
# MAGIC plain Python and the measure of the job itself, resolves the events of the sources anew for each set of rules. Nothing
# MAGIC is written: rules count for what comes after them, so try them before you set them.
# MAGIC
# MAGIC Name the settings file of your space in the next cell. It reads the files of the sources in the driver, some ten
# MAGIC thousand events a second for each set of rules: take a sample of a large space. The one that stands there is the
# MAGIC made-up shop that the README's chapter on notebooks makes.

# COMMAND ----------

# %%
import os
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from profiles_sync.exploring import explore
from profiles_sync.spec.events import Rejected, Source, read_line
from profiles_sync.spec.identifiers import carried
from profiles_sync.spec.resolver import Resolver
from profiles_sync.spec.rules import Frequency

space = explore(os.environ.get("SPACE_SETTINGS", "../demo/shop/shop.yml"))
now = space.settings.rules

# COMMAND ----------


# %%
def events_of(settings):
    """The events of all sources of JSON lines in local folders, in order, each messageId once."""
    found = {}
    for slug, source in settings.sources.items():
        origin = Source(slug, source.id, source.name)
        for path in sorted(Path(source.path).rglob("*.jsonl")):
            for line in path.read_bytes().splitlines():
                with suppress(Rejected):  # the quarantine has it
                    event = read_line(line, origin, 0)
                    found.setdefault(event.message_id, event)
    return sorted(found.values(), key=lambda event: event.order)


events = events_of(space.settings)
print(f"{len(events):,} events")

# %%

# COMMAND ----------

# MAGIC %md
# MAGIC ## What a set of rules makes of them
# MAGIC
# MAGIC Two things can go wrong. Rules that are too loose take several people for one: a profile then has several e-mail
# MAGIC addresses. Rules that are too strict take one for several: identifiers are left out, and profiles stay apart.

# COMMAND ----------


# %%
def outcome(rules):
    """Profiles, merges and left-out identifiers; and profiles that have several addresses."""
    resolver, counted = Resolver(rules), Counter()
    for event in events:
        if event.type == "alias":  # Alias calls never merge profiles
            continue
        done = resolver.resolve(carried(event, rules).identifiers, event.received_at)
        counted["created"] += done.created
        counted["merges"] += len({one.cause for one in done.merges})
        counted["left out"] += sum(one.identifier is not None for one in done.violations)
    addresses = defaultdict(set)
    for identifier, profile in resolver.owners.items():
        if identifier.type == "email":
            addresses[profile.number].add(identifier.value)
    living = {profile.number for profile in resolver.owners.values()}
    several = sum(len(some) > 1 for some in addresses.values())
    return {"profiles": len(living), "merges": counted["merges"], "identifiers left out": counted["left out"]} | {
        "profiles with several addresses": several
    }


def changed(**types):
    """The rules of the space, with those of some types changed; `.` in a type's name is `_` here."""
    return replace(now, rules=tuple(replace(one, **types.get(one.type.replace(".", "_"), {})) for one in now.rules))


sets = {
    "as it is": now,
    "anonymous_id: limit 1": changed(anonymous_id={"limit": 1}),
    "anonymous_id: limit 2": changed(anonymous_id={"limit": 2}),
    "anonymous_id: 2 a week": changed(anonymous_id={"limit": 2, "frequency": Frequency.WEEKLY}),
    "anonymous_id: limit 20": changed(anonymous_id={"limit": 20}),
    "user_id: limit 5": changed(user_id={"limit": 5}),
    "anonymous_id first": changed(anonymous_id={"priority": 1}, user_id={"priority": 2}, email={"priority": 3}),
}
table = pd.DataFrame({name: outcome(rules) for name, rules in sets.items()}).T
table

# COMMAND ----------

# %%
figure, panels = plt.subplots(1, 4, figsize=(13, 3.8), sharey=True, layout="constrained")
for axes, column in zip(panels, table, strict=True):
    usual = table[column].iloc[0]
    colours = ["#1f6f8b" if count == usual else "#e07a1f" for count in table[column]]
    colours[0] = "#444444"
    bars = axes.barh(table.index, table[column], color=colours)
    axes.bar_label(bars, [f"{count:,}" for count in table[column]], padding=3, fontsize=9)
    axes.axvline(usual, color="#444444", linewidth=0.8, linestyle=":")
    axes.margins(x=0.25)
    axes.set_title(column, loc="left", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
panels[0].invert_yaxis()
figure.suptitle("The same events by other rules (orange: differs from the rules as they are)", x=0.01, ha="left")
plt.show()

# %%

# COMMAND ----------

# MAGIC %md
# MAGIC ## How to read it
# MAGIC
# MAGIC - A lower limit for `anonymous_id` leaves more identifiers out, and more profiles stay apart.
# MAGIC - With several `user_id`s allowed, two people who sign in on one device become one profile. The limit of one is what
# MAGIC   keeps a family apart.
# MAGIC - The priority decides which identifier of an event gives way. With the device first, the person's own `user_id` is
# MAGIC   left out instead of the family's tablet, and what they do counts for somebody else.
# MAGIC
# MAGIC What you decide on goes into the settings under `identity: rules:`, as the README's chapter on identities shows.

# COMMAND ----------

# %%
assert outcome(now) == table.loc["as it is"].to_dict(), "the same rules give the same again"
assert table.loc["anonymous_id: limit 1", "profiles"] >= table.loc["as it is", "profiles"]
assert table.loc["user_id: limit 5", "merges"] >= table.loc["as it is", "merges"]
