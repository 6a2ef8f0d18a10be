"""The app's environment variables, with their types.

Only `settings` imports this module, and only if a variable is set: pydantic is slow to load.
"""

import os
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from mnist_app.common.errors import InputError
from mnist_app.common.names import shortened
from mnist_app.common.settings import variable


def _typed(text: str) -> str:
    """Return a variable's text; bytes that are not UTF-8 (an old terminal) count as Latin-1."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return os.fsencode(text).decode("latin-1")
    return text


def _path(text: str) -> Path:
    """Return a folder as a path; pydantic itself would reject names that are not UTF-8."""
    return Path(text)


def _checked_address(text: str) -> str:
    """Return an address for browsers: a host, a host with a port, or a URL; else ValueError."""
    parts = urlsplit(text if "//" in text else f"//{text}")
    is_web = parts.scheme in ("", "http", "https")
    if not (is_web and parts.hostname and (parts.port is None or parts.port)):
        raise ValueError("not an address")
    return text


def _checked_networks(text: str) -> str:
    """Return IP addresses and networks separated by commas; else raise ValueError."""
    for word in text.split(","):
        ip_network(word.strip())
    return text


Folder = Annotated[Path, BeforeValidator(_path)]
Code = Annotated[str, BeforeValidator(_typed)]
Address = Annotated[str, AfterValidator(_checked_address)]
Networks = Annotated[str, AfterValidator(_checked_networks)]


class Environment(BaseSettings):
    """The values of the variables MNIST_APP_...; None for each that is unset or empty.

    A field's description tells the user what to do if its value cannot be used.
    """

    model_config = SettingsConfigDict(
        alias_generator=variable, case_sensitive=True, env_ignore_empty=True
    )

    weights: Folder | None = Field(default=None, description="set it to a folder")
    data: Folder | None = Field(default=None, description="set it to a folder")
    parallel_runs: int | None = Field(
        default=None, ge=1, description="set it to a whole number from 1"
    )
    teacher_code: Code | None = Field(default=None, description="set it to a code")
    address: Address | None = Field(
        default=None, description="set it to the page's address, such as http://192.168.1.5:8501"
    )
    proxies: Networks | None = Field(
        default=None,
        description="set it to the proxies' addresses, such as 10.0.0.2 or 10.0.0.0/8, separated "
        "by commas",
    )


def problems() -> list[str]:
    """What is wrong with the variables that are set, a sentence each."""
    found = []
    for name in Environment.model_fields:
        try:
            read(name)
        except InputError as error:
            found.append(str(error))
    return found


def read(name: str) -> object:
    """Return the value of one field, even if other variables are wrong.

    Raises:
        InputError: the value of its variable cannot be used.
    """
    try:
        return getattr(Environment(), name)
    except ValidationError as error:
        wrong = {str(problem["loc"][0]) for problem in error.errors()}
    if variable(name) in wrong:
        held = shortened(repr(os.environ.get(variable(name))))
        raise InputError(
            f"{variable(name)} is {held}: {Environment.model_fields[name].description}."
        )
    return getattr(Environment(**dict.fromkeys(wrong)), name)
