"""Google's client, made so that nothing waits for ever."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from profiles_sync.errors import WarehouseRefused
from profiles_sync.warehouses.bigquery.faults import said
from profiles_sync.warehouses.bigquery.labels import labels_of, where
from profiles_sync.warehouses.bigquery.settings import BigQuerySettings
from profiles_sync.warehouses.told import not_installed

if TYPE_CHECKING:
    from google.cloud import bigquery

_SCOPES = ("https://www.googleapis.com/auth/bigquery", "https://www.googleapis.com/auth/cloud-platform")


class Calls:
    """A client, and what every call to it is given: how long it may take, and how long it is tried again.

    Args:
        name: Of the warehouse in the settings.
        settings: The connection fields.
        patience: Seconds for which a service that does not answer is tried again; the client's own ten minutes would
            hold up a sync.

    Raises:
        MissingExtra: The client is not installed.
        WarehouseRefused: The credentials cannot be used.
    """

    def __init__(self, name: str, settings: BigQuerySettings, patience: float) -> None:
        try:
            from google.cloud.bigquery.retry import DEFAULT_RETRY
        except ImportError:
            raise not_installed(name, "its client", "bigquery") from None
        self.name, self.settings = name, settings
        self.retry = DEFAULT_RETRY.with_timeout(max(patience, 0.1)).with_delay(initial=0.2, maximum=5)
        self.client = self._made()

    @property
    def bounds(self) -> Mapping[str, Any]:
        """The arguments that bound a call."""
        return {"retry": self.retry, "timeout": self.settings.timeout}

    def query(self, statement: str, session: str | None = None, **options: object) -> "bigquery.QueryJob":
        """A statement as a job that has ended.

        Args:
            statement: The SQL.
            session: The session that it belongs to.
            options: Further fields of the job's configuration.
        """
        job = self._asked(statement, session, **options)
        job.result(retry=self.retry, job_retry=None)
        return job

    def rows(self, statement: str, session: str | None = None) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        found = self._asked(statement, session).result(retry=self.retry, job_retry=None)
        return [row.values() for row in found]

    def _asked(self, statement: str, session: str | None, **options: object) -> "bigquery.QueryJob":
        """A job; the client gives it a name, so that a call that is repeated makes no other."""
        from google.cloud import bigquery

        within = [bigquery.ConnectionProperty("session_id", session)] if session else []
        config = bigquery.QueryJobConfig(
            connection_properties=within, use_query_cache=False, labels=self.labels(**where()), **options
        )
        return self.client.query(statement, job_config=config, job_retry=None, **self.bounds)

    def labels(self, **further: str) -> dict[str, str]:
        """Those of a job or a table."""
        return labels_of(self.settings.labels, **further)

    def again(self) -> "Calls":
        """The same once more, for another thread."""
        made = object.__new__(Calls)
        made.name, made.settings, made.retry = self.name, self.settings, self.retry
        made.client = made._made()
        return made

    def _made(self) -> "bigquery.Client":
        from google.api_core.client_options import ClientOptions
        from google.cloud import bigquery

        settings = self.settings
        credentials = self._credentials()
        return bigquery.Client(
            project=settings.project,
            location=settings.location,
            credentials=credentials,
            client_options=ClientOptions(api_endpoint=settings.endpoint) if settings.endpoint else None,
            _http=_bounded(credentials, settings.timeout),
        )

    def _credentials(self) -> Any:  # noqa: ANN401 one of many classes of the library's
        import google.auth
        from google.auth.credentials import AnonymousCredentials
        from google.auth.exceptions import GoogleAuthError
        from google.oauth2 import service_account

        settings = self.settings
        if settings.is_anonymous:
            return AnonymousCredentials()
        try:
            if settings.credentials:
                return service_account.Credentials.from_service_account_file(settings.credentials, scopes=_SCOPES)
            return google.auth.default(scopes=_SCOPES)[0]
        except (OSError, ValueError, GoogleAuthError) as error:  # a private key that is none is quoted in its text
            why = (
                f"no key of a service account can be read from {settings.credentials} ({type(error).__name__})"
                if settings.credentials
                else f"no default credentials: {said(error)}"
            )
        raise WarehouseRefused(f"warehouse {self.name}: {why}")


def _bounded(credentials: Any, timeout: float) -> Any:  # noqa: ANN401 the library has no types here
    """A session whose every request gives up after a silence, also where the client asks for none."""
    from google.auth.transport.requests import AuthorizedSession
    from requests.adapters import HTTPAdapter

    class Bounded(HTTPAdapter):
        def send(self, *given: Any, **options: Any) -> Any:  # noqa: ANN401 as in the library
            options["timeout"] = options.get("timeout") or (min(timeout, 10), timeout)
            return super().send(*given, **options)

    session = AuthorizedSession(credentials)
    for scheme in ("http://", "https://"):
        session.mount(scheme, Bounded(pool_maxsize=20))
    return session
