"""The signer's protocol: one JSON object a line; answers name the question's number."""

import json
from dataclasses import asdict
from typing import Any

from firecrest_gql.delegation.request import CertificateKind, CertificateRequest
from firecrest_gql.errors import DelegationUnavailable, ErrorCode, FirecrestError, InvalidInput
from firecrest_gql.model.identity import Grant, Proof, ServiceProof, Token

MAX_LINE = 512 * 1024  # bytes; 32 KiB of arguments, each byte of which JSON may write as six, and a token

_PROOFS: dict[str, type[Token] | type[Grant]] = {"token": Token, "grant": Grant}


def encode(message: dict[str, Any]) -> bytes:
    """One line; pure ASCII, so that argument bytes which are not UTF-8 pass as surrogate escapes."""
    return json.dumps(message, separators=(",", ":")).encode("ascii") + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """The object of a line; `InvalidInput` for anything else."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise InvalidInput("a message of the signer's protocol is one JSON object on a line")
    return message


def wished(request: CertificateRequest) -> dict[str, Any]:
    """The request as JSON can carry it."""
    return asdict(request) | {"proof": _proof_out(request.proof)}


def read_request(message: dict[str, Any]) -> CertificateRequest:
    """The request in a message; `InvalidInput` where a field is missing, unknown or of another type."""
    wish = message.get("request")
    try:
        fields = dict(wish) if isinstance(wish, dict) else {}
        fields |= {"kind": CertificateKind(fields["kind"]), "proof": _proof_in(fields["proof"])}
        fields["argv"] = tuple(fields["argv"])
        request = CertificateRequest(**fields)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInput(f"a request cannot be read: {type(error).__name__}") from None
    _check_types(request)
    return request


def problem(error: FirecrestError) -> dict[str, Any]:
    """An error as JSON can carry it."""
    return {"code": error.code, "message": error.message}


def read_problem(message: dict[str, Any]) -> FirecrestError:
    """The error of that code, or `DelegationUnavailable` for one that is not known."""
    try:
        code = ErrorCode(message["code"])
    except (KeyError, ValueError):
        code = ErrorCode.DELEGATION_UNAVAILABLE
    return _BY_CODE.get(code, DelegationUnavailable)(str(message.get("message")))


_BY_CODE = {kind.code: kind for kind in FirecrestError.__subclasses__()}


def _proof_out(proof: Proof) -> dict[str, str]:
    name = next((name for name, kind in _PROOFS.items() if isinstance(proof, kind)), "service")
    return {"kind": name, "value": "" if isinstance(proof, ServiceProof) else proof.value}


def _proof_in(message: dict[str, str]) -> Proof:
    if message["kind"] == "service":
        return ServiceProof()
    if not isinstance(message["value"], str):
        raise TypeError
    return _PROOFS[message["kind"]](message["value"])


def _check_types(request: CertificateRequest) -> None:
    texts = (request.system, request.username, request.public_key, request.request_id, request.marker, *request.argv)
    numbers = (request.stdin_size, request.time_limit)
    whole = type(request.stdin_size) is int
    if (
        not whole
        or not all(isinstance(text, str) for text in texts)
        or not all(type(n) in (int, float) for n in numbers)
    ):
        raise InvalidInput("a request has a field of another type")
