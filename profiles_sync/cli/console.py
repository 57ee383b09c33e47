"""`profiles-sync console`: the console in a browser, on this machine."""

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from profiles_sync.cli.frame import File, print_text
from profiles_sync.cli.named import typed
from profiles_sync.errors import MissingExtra, SettingsError
from profiles_sync.settings import load

app = typer.Typer()


@app.command()
def console(
    settings: File,
    host: Annotated[str, typer.Option("--host", help="Where to listen; an address of loopback.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="0 takes any that is free.", envvar="DATABRICKS_APP_PORT")
    ] = 8765,
) -> None:
    """Serve the console, in which one looks at the space in a browser, until Ctrl-C; on loopback without a login."""
    with extra():
        import uvicorn

        from profiles_sync.console.app import application
        from profiles_sync.console.safety import LOOPBACK
    loaded = load(settings)
    of, is_near = loaded.console, _is_loopback(host)
    if not is_near and not of.has_login:
        raise SettingsError(
            f"--host {host}: without a login the console listens on loopback only, such as 127.0.0.1; set "
            "console.users or console.trusted_header"
        )
    made = application(loaded, hosts=(*LOOPBACK, *of.hosts) if is_near or of.hosts else None)
    with _listening(host, port) as listening:
        shown = f"[{host}]" if ":" in host else host
        print_text(f"http://{shown}:{listening.getsockname()[1]}{of.root_path}\n")
        # who asks is told by ourselves, see `console.proxies`, and not by any header that comes from here
        config = uvicorn.Config(made, log_level="warning", proxy_headers=False, server_header=False)
        uvicorn.Server(config).run(sockets=[listening])


@app.command("console-password")
def console_password() -> None:
    """Read a password from the standard input and print its hash, for `console.users` in the settings."""
    with extra():
        from profiles_sync.console.login import hashed
    print_text(f"{hashed(typed())}\n")


@contextmanager
def extra() -> Iterator[None]:
    """Around imports of what only the console needs."""
    try:
        yield
    except ImportError as error:
        raise MissingExtra(f"{error.name} is not installed; pip install 'profiles-sync[console]'") from None


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listening(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise SettingsError(f"cannot listen at {host}:{port}: {error.strerror}; choose another --port") from None
