"""Who the events are about: people with cookies that change, devices that families share, and a late log-in."""

from dataclasses import dataclass, field
from random import Random

#: Values that mean nothing and still arrive as identifiers.
POISON = ("null", "undefined", "anonymous", "-1", "00000000-0000-0000-0000-000000000000")
_NEVER = 1 << 60


@dataclass
class Person:
    """A person; what others see of them changes as events go by.

    `logs_in_after` counts events; `seen` is how many there were so far.
    """

    number: int
    emails: tuple[str, ...]
    device: str | None
    logs_in_after: int
    activity: float
    cookies: list[str] = field(default_factory=list)
    seen: int = 0

    @property
    def user_id(self) -> str:
        """The id their log-in gives them."""
        return f"user-{self.number}"

    @property
    def logged_in(self) -> bool:
        """Whether they have logged in by now."""
        return self.seen > self.logs_in_after


def make_people(rnd: Random, count: int, shared: float) -> list[Person]:
    """Draw people: most of them quiet, one in seven with a second address, some on a shared device."""
    people = []
    for number in range(count):
        addresses = 2 if rnd.random() < 0.15 else 1
        emails = tuple(f"person{number}.{place}@example.com" for place in range(addresses))
        device = f"device-{number // 3 if rnd.random() < shared else number}" if rnd.random() < 0.35 else None
        after = rnd.randrange(1, 8) if rnd.random() < 0.5 else _NEVER
        people.append(Person(number, emails, device, after, rnd.lognormvariate(0, 1.2)))
    return people


def cookie(rnd: Random, person: Person) -> str:
    """The cookie of this visit: the last one, now and then a new one."""
    if not person.cookies or rnd.random() < 0.04:
        person.cookies.append(f"{rnd.getrandbits(64):016x}")
    return person.cookies[-1]
