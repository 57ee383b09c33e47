"""Secrets that are somewhere else: in a variable, a file, AWS Secrets Manager, or a secret scope of Databricks.

Source: AWS documentation, "GetSecretValue"; Databricks REST API, "Get a secret".
"""

import base64
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import orjson

from profiles_sync.errors import CredentialsMissing, MissingExtra

_SECONDS = 30


def is_reference(where: str) -> bool:
    """Whether that says where a secret is, such as `env:NAME`."""
    kind, _, place = where.partition(":")
    return kind in _READERS and bool(place)


def look_up(where: str, environ: Mapping[str, str]) -> str:
    """The secret.

    Raises:
        CredentialsMissing: It cannot be read, and why; says nothing of its value.
        MissingExtra: boto3 is not installed.
    """
    kind, _, place = where.partition(":")
    return _READERS[kind](place, environ)


def _variable(place: str, environ: Mapping[str, str]) -> str:
    try:
        return environ[place]
    except KeyError:
        raise CredentialsMissing("no such variable is set") from None


def _file(place: str, environ: Mapping[str, str]) -> str:
    try:
        return Path(place).expanduser().read_text().rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise CredentialsMissing("no such file can be read") from None


def _secrets_manager(place: str, environ: Mapping[str, str]) -> str:
    """`NAME`, or `NAME#KEY` where the secret is a JSON object. Who asks is found by the usual AWS chain."""
    try:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        raise MissingExtra(
            "for AWS Secrets Manager boto3 is needed and not installed; pip install 'profiles-sync[redshift]'"
        ) from None
    name, _, key = place.partition("#")
    try:
        said = boto3.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
        return str(orjson.loads(said)[key] if key else said)
    except ClientError as error:
        raise CredentialsMissing(f"AWS answered {error.response['Error']['Code']}") from None
    except BotoCoreError as error:
        raise CredentialsMissing(f"AWS cannot be asked: {type(error).__name__}") from None
    except (KeyError, TypeError, ValueError):
        raise CredentialsMissing("the secret has no text there") from None


def _secret_scope(place: str, environ: Mapping[str, str]) -> str:
    """`SCOPE/KEY` of the workspace in DATABRICKS_HOST, asked with DATABRICKS_TOKEN."""
    scope, _, key = place.partition("/")
    host, token = environ.get("DATABRICKS_HOST"), environ.get("DATABRICKS_TOKEN")
    if not host or not token:
        raise CredentialsMissing("DATABRICKS_HOST and DATABRICKS_TOKEN are not both set")
    url = (
        f"{host if '://' in host else f'https://{host}'}/api/2.0/secrets/get?{urlencode({'scope': scope, 'key': key})}"
    )
    try:
        with urlopen(Request(url, headers={"Authorization": f"Bearer {token}"}), timeout=_SECONDS) as answer:
            return base64.b64decode(orjson.loads(answer.read())["value"]).decode()
    except URLError as error:
        raise CredentialsMissing(f"Databricks answered {getattr(error, 'code', 'nothing')}") from None
    except (OSError, KeyError, TypeError, ValueError):
        raise CredentialsMissing("Databricks answered something else than a secret") from None


_READERS: Mapping[str, Callable[[str, Mapping[str, str]], str]] = {
    "env": _variable,
    "file": _file,
    "aws": _secrets_manager,
    "databricks": _secret_scope,
}
