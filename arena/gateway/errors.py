"""What can go wrong between us and a model server.

    GatewayError
    ├── EndpointUnreachable     no connection, or it broke before an answer began
    ├── EndpointRefused         answered with a status other than 200
    ├── FirstTokenTimeout       no token in time, the wait for a slot included
    ├── TokenTimeout            went silent between two tokens
    ├── TotalTimeout            did not finish in time
    ├── BrokenStream            what came is not a complete answer
    └── NoEndpointAvailable     every endpoint of the model is resting

`str(error)` is a fixed sentence that names no model, no address and no upstream text. What the server
said is in `cause_text`, which is for the log only; API keys and the prompt are cut out of it before it gets
there, and of a message only the beginning is kept, because it may quote the answer.
"""

from __future__ import annotations

# The request itself is at fault: another endpoint would say the same, and this one is not ill.
_OUR_FAULT = frozenset({400, 413, 422})


class GatewayError(Exception):
    """The model server did not give a complete answer."""

    retryable_before_first_token: bool = True
    endpoint_at_fault: bool = True

    def __init__(self, cause_text: str = "", *, server_said: str = "") -> None:
        super().__init__(self.__doc__)
        self.cause_text = cause_text
        # Raw, so empty again once its beginning, without keys and prompt, has moved into `cause_text`.
        self.server_said = server_said
        self.endpoint_id: str | None = None
        self.token_seen = False
        self.attempts = 1

    @property
    def worth_another_endpoint(self) -> bool:
        """Whether asking again elsewhere may help and cannot repeat text already shown."""
        return self.retryable_before_first_token and not self.token_seen


class EndpointUnreachable(GatewayError):
    """The model server could not be reached."""


class EndpointRefused(GatewayError):
    """The model server refused the request."""

    def __init__(self, status: int, cause_text: str = "", *, server_said: str = "") -> None:
        super().__init__(cause_text, server_said=server_said)
        self.status = status
        self.retryable_before_first_token = status not in _OUR_FAULT
        self.endpoint_at_fault = status not in _OUR_FAULT


class FirstTokenTimeout(GatewayError):
    """The model server did not begin to answer in time."""


class TokenTimeout(GatewayError):
    """The model server stopped in the middle of its answer."""


class TotalTimeout(GatewayError):
    """The model server did not finish its answer in time."""

    retryable_before_first_token = False


class BrokenStream(GatewayError):
    """The model server sent something that is not a complete answer."""


class NoEndpointAvailable(GatewayError):
    """No server for this model is available at the moment."""

    retryable_before_first_token = False
    endpoint_at_fault = False
