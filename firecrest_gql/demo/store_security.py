"""What keeps the machine's other users out of the object store's inner services, which know no S3 keys.

All of them, HTTP and gRPC, speak TLS and take only our own certificate: the master hands out signatures to whoever
reaches it, and deletes a bucket's bytes for them, so that the secrets which HTTP requests are signed with too are not
enough. See https://github.com/seaweedfs/seaweedfs/wiki/Security-Overview .
"""

import datetime as dt
import ipaddress
import secrets
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from firecrest_gql.demo.ports import LOOPBACK
from firecrest_gql.demo.private_files import write_private

SIGNED = ("jwt.signing", "jwt.signing.read", "jwt.filer_signing", "jwt.filer_signing.read")
CALLERS = ("master", "volume", "filer", "s3", "admin", "worker", "client")
SERVED = ("client", "master", "volume", "filer")
OURS = 'cert = "tls.crt"\nkey = "tls.key"'
YEARS = 10


def make_security(folder: Path) -> None:
    """Write security.toml, a key and a certificate into the folder; later starts keep the first ones."""
    file = folder / "security.toml"
    if file.exists() and "[https.client]" in file.read_text(encoding="utf-8"):
        return
    _write_certificate(folder)
    signed = [f'[{name}]\nkey = "{secrets.token_hex(32)}"\nexpires_after_seconds = 60' for name in SIGNED]
    callers = [f"[grpc.{name}]\n{OURS}" for name in CALLERS]
    # enabled is the client's word; that a ca is named makes the servers ask for a certificate of it.
    served = [f'[https.{name}]\nenabled = true\nca = "tls.crt"\n{OURS}' for name in SERVED]
    write_private(file, "\n".join([*signed, '[grpc]\nca = "tls.crt"', *callers, *served, ""]))


def _write_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "firecrest-gql demo object store")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=366 * YEARS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(LOOPBACK))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    secret = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_private(folder / "tls.key", secret.decode())
    write_private(folder / "tls.crt", certificate.public_bytes(encoding).decode())
