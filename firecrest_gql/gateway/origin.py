"""Where clients find this server: what its answers' addresses begin with."""

from starlette.requests import HTTPConnection

SCHEMES = {"ws": "http", "wss": "https"}


def origin_of(connection: HTTPConnection, public_url: str | None) -> str:
    """As the settings say, else as the client of this request or socket has called it; no slash at the end."""
    called = connection.base_url
    url = public_url or str(called.replace(scheme=SCHEMES.get(called.scheme, called.scheme)))
    return url.rstrip("/")
