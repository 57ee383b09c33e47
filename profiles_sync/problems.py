"""What may be wrong between the sync and a warehouse, told by what the warehouse says of it, and what to do then.

Source: Segment, "Warehouse Errors", and the troubleshooting sections of its pages on each warehouse.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class ErrorClass(StrEnum):
    """Who has to look at it."""

    CONNECTIVITY = "connectivity"
    CREDENTIALS = "credentials"
    PERMISSION = "permission"
    CAPACITY = "capacity"
    SCHEMA = "schema"
    INTERNAL = "internal"


@dataclass(frozen=True)
class Problem:
    """The class of an error, and advice for a person."""

    error_class: ErrorClass
    advice: str


UNREACHABLE = Problem(
    ErrorClass.CONNECTIVITY, "see that the warehouse is up and not in use, and that this machine may reach it"
)
UNREAD = Problem(
    ErrorClass.CONNECTIVITY,
    "see that the path of each source is right, that its storage is up, and that this user may read it",
)
REFUSED = Problem(ErrorClass.INTERNAL, "see the warehouse's own log for the reason")

_READ = tuple[str, ErrorClass, str]
#: Pattern for the message, class, advice. The first one that is found holds, so the narrow ones come first.
KNOWN: tuple[_READ, ...] = (
    (
        r"(?i)((?:\.[a-z0-9-]+){2,})\1(?![a-z0-9.-])",
        ErrorClass.CONNECTIVITY,
        "the host's name ends twice in the same suffix: give it once",
    ),
    (
        r"(?i)response to SSL negotiation|expected authentication request|unsupported frontend protocol",
        ErrorClass.CONNECTIVITY,
        "something answers at that host and port, and it is another product: see host, port and type",
    ),
    (
        r"(?i)expected (?:Postgres 15|Redshift|a dedicated SQL pool)|not a valid DuckDB database|"
        r"syntax error at or near \"?ENCODE",
        ErrorClass.SCHEMA,
        "this is another product, or another version of it, than the warehouse's type says: see type",
    ),
    (
        r"(?i)could not translate host name|name or service not known|no such host|nodename nor servname|"
        r"getaddrinfo|name resolution",
        ErrorClass.CONNECTIVITY,
        "no such host is known: see host for a slip, and that this machine can look it up",
    ),
    (
        r"(?i)password authentication failed|no password supplied|incorrect username or password|login failed|"
        r"invalid_grant|invalid_client|does not take the login|JWT token is invalid|SQLSTATE 28[0P]",
        ErrorClass.CREDENTIALS,
        "the warehouse does not take the username with this password or key: see both; `profiles-sync warehouse test "
        "--password-stdin` tries another one, `warehouse modify` keeps one that was typed",
    ),
    (
        r"(?i)not permitted to log in|role \".*\" does not exist",
        ErrorClass.CREDENTIALS,
        "that user may not log in or is not there: see username, or let an admin run what setup-sql prints",
    ),
    (
        r"(?i)no pg_hba\.conf entry|not allowed to access|IP address .* is not allowed|server does not support SSL|"
        r"certificate|\bSSL\b",
        ErrorClass.CONNECTIVITY,
        "the server takes no such connection from here: allowlist this machine, or see the settings for SSL",
    ),
    (
        r"(?i)default credentials|no key of a service account",
        ErrorClass.CREDENTIALS,
        "there is no key to log in with: see credentials, or let an admin make one as setup-sql prints",
    ),
    (
        r"(?i)was not found in location",
        ErrorClass.SCHEMA,
        "there is no such dataset where the jobs run: see location, it has to be that of the dataset",
    ),
    (
        r"(?i)NO_SUCH_CATALOG|CATALOG_NOT_FOUND",
        ErrorClass.SCHEMA,
        "there is no such catalog, or the login may not use it: see catalog, or let an admin run what setup-sql prints",
    ),
    (
        r"(?i)database \".*\" does not exist|cannot open database|SQLSTATE 3D000",
        ErrorClass.SCHEMA,
        "there is no such database: see database, or let an admin create it",
    ),
    (
        r"(?i)SQLSTATE 3F000|schema .* does not exist",
        ErrorClass.PERMISSION,
        "the schema is not there and the user cannot create it: let an admin grant that",
    ),
    (
        r"(?i)read-only|read only|SQLSTATE 25006",
        ErrorClass.PERMISSION,
        "it can be read and not written: connect to the primary server, not to a replica",
    ),
    (
        r"(?i)SQLSTATE 42501|permission denied|must be owner|access ?denied|insufficient privilege|not authorized|"
        r"does not have .*permission|PERMISSION_DENIED|SQLSTATE 42704|NoSuchBucket|role is not attached|"
        r"\bForbidden\b|managed service identity",
        ErrorClass.PERMISSION,
        "the user lacks a right: let an admin grant it",
    ),
    (
        r"(?i)SQLSTATE 57014|resize",
        ErrorClass.CAPACITY,
        "the warehouse is being resized or cancelled the statement: try again when it is done",
    ),
    (
        r"(?i)cannot create a row of size",
        ErrorClass.CAPACITY,
        "a row has more texts than a staging table of the warehouse holds: switch columns off by Selective Sync",
    ),
    (
        r"(?i)SQLSTATE 5[34]|too many (connections|clients|tables|columns)|remaining connection slots|disk full|"
        r"no space left|quota",
        ErrorClass.CAPACITY,
        "the warehouse has no room for it: raise its limits, or let go of what is not needed",
    ),
    (
        r"(?i)reserved|SQLSTATE 42[67P]|002318",
        ErrorClass.SCHEMA,
        "the warehouse does not take the statement: see that its type is the product it is",
    ),
    (
        r"404 Not Found",
        ErrorClass.CONNECTIVITY,
        "nobody of that name is there: see account and host for a slip",
    ),
    (
        r"(?i)connection refused",
        ErrorClass.CONNECTIVITY,
        "nothing listens at that host and port: see both, that the server is up, and the firewall",
    ),
    (
        r"(?i)timeout|timed out|\bEOF\b|reset by peer|no route|unreachable|closed the connection",
        ErrorClass.CONNECTIVITY,
        "nobody answers properly at that host and port: see the firewall and the allowlist, and that it is the right "
        "product",
    ),
)
_PATTERNS = tuple((re.compile(pattern), Problem(error_class, advice)) for pattern, error_class, advice in KNOWN)


def problem_of(
    message: str, otherwise: Problem, known: Iterable[tuple[re.Pattern[str], Problem]] = _PATTERNS
) -> Problem:
    """What a warehouse's message tells of; `otherwise` where nobody knows it."""
    return next((problem for pattern, problem in known if pattern.search(message)), otherwise)
