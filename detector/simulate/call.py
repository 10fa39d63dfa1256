"""One simulated call, whatever log it ends up in.

A `Call` says what happened; its `Caller` knows how the log of its source writes that. What is malicious (`theft`) and
which benign change made a call look unusual (`churn`) ride beside it and never enter a record.
"""

from __future__ import annotations

from functools import lru_cache
from time import gmtime, strftime
from typing import NamedTuple, Protocol

BENIGN = -1


class Action(NamedTuple):
    """An operation with ordinary parameters (JSON). `resource` is what it acts on, where the format has a place."""

    service: str
    name: str
    read_only: bool = True
    request: str = "null"
    resource: str = ""

    @property
    def text(self) -> str:
        """`service:name`."""
        return f"{self.service}:{self.name}"


class Context(NamedTuple):
    """Where a call comes from: address, user agent, region, and the VPC endpoint it came through, if any."""

    address: str
    client: str
    region: str = "us-east-1"
    endpoint: str = ""


class Call(NamedTuple):
    """One logged call. `second` is seconds since 1970 UTC; `request` and `response` are JSON.

    `error` is an AWS errorCode, or any other format's word for it; empty = none. `churn` names the benign cause that
    makes the call look unusual, `theft` is the index of the theft it belongs to, or `BENIGN`.
    """

    second: int
    event_id: str
    caller: Caller
    action: Action
    context: Context
    error: str = ""
    request: str = ""
    response: str = "null"
    churn: str = ""
    theft: int = BENIGN


class Caller(Protocol):
    """Who calls, by one credential, and how the log of its source writes a call."""

    @property
    def log(self) -> str:
        """The log it is written to: `SOURCE`, or `SOURCE.REALM` where records do not name their realm."""

    def render(self, call: Call) -> bytes:
        """The record as that source's log has it, on one line."""


@lru_cache(maxsize=65_536)
def _day(day: int) -> str:
    return strftime("%Y-%m-%d", gmtime(day * 86_400))


def stamp(second: int) -> str:
    """Seconds since 1970 as logs write a time: `2026-01-05T00:00:00Z`."""
    day, rest = divmod(second, 86_400)
    hour, rest = divmod(rest, 3_600)
    return f"{_day(day)}T{hour:02}:{rest // 60:02}:{rest % 60:02}Z"
