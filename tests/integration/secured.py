"""A broker that wants to know who comes: TLS with and without client certificates, PLAIN, SCRAM and OAUTHBEARER.

Everything is made for one run: an authority, certificates, passwords, tokens without a signature.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.integration.broker import Cluster, Unavailable

USER = "detector"
PASSWORD = "correct horse battery staple"  # noqa: S105 - of a broker that lives as long as the test
LISTENERS = {
    "TLS": "SSL", "MUTUAL": "SSL", "STRANGER": "SSL",
    "PASSWORD": "SASL_PLAINTEXT", "TLSPASSWORD": "SASL_SSL", "TOKEN": "SASL_PLAINTEXT",
}  # fmt: skip


@dataclass
class Secured:
    """The broker and what a client needs; `certificate` and `key` are those of a client."""

    cluster: Cluster
    authority: Path
    certificate: Path
    key: Path

    @classmethod
    def start(cls, directory: Path) -> Secured:
        """Make the certificates and start the broker. Raises `Unavailable` without openssl."""
        if shutil.which("openssl") is None:
            raise Unavailable("no certificates: install openssl")
        keys = directory / "keys"
        keys.mkdir(parents=True)
        _openssl(
            keys, "req", "-x509", *_key("authority"), "-out", "authority.pem", "-subj", "/CN=authority", "-days", "1"
        )
        for name, names in (
            ("broker", "IP:127.0.0.1"),
            ("stranger", "DNS:elsewhere.example"),
            ("client", "DNS:client"),
        ):
            _certify(keys, name, names)
        settings = {
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
            "ssl.keystore.type": "PEM", "ssl.truststore.type": "PEM",
            "ssl.truststore.location": keys / "authority.pem",
            "ssl.keystore.location": keys / "broker.both.pem",
            "listener.name.mutual.ssl.client.auth": "required",
            "listener.name.stranger.ssl.keystore.type": "PEM",
            "listener.name.stranger.ssl.keystore.location": keys / "stranger.both.pem",
            "connection.failed.authentication.delay.ms": 10,
            **_sasl("password"), **_sasl("tlspassword"), **_token(),
        }  # fmt: skip
        users = [f"SCRAM-SHA-{bits}=[name={USER},password={PASSWORD}]" for bits in (256, 512)]
        cluster = Cluster.start(1, directory, LISTENERS, settings, users)
        return cls(cluster, keys / "authority.pem", keys / "client.pem", keys / "client.key")


def token(subject: str = USER, seconds: int = 600) -> str:
    """A token without a signature, which the broker takes until its end."""
    now = int(time.time())
    parts = ({"alg": "none"}, {"sub": subject, "iat": now - 1, "exp": now + seconds})
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, ""])


def _sasl(listener: str) -> dict[str, str]:
    package = "org.apache.kafka.common.security"
    name = f"listener.name.{listener}"
    return {
        f"{name}.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
        f"{name}.plain.sasl.jaas.config": f'{package}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";',
        f"{name}.scram-sha-256.sasl.jaas.config": f"{package}.scram.ScramLoginModule required;",
        f"{name}.scram-sha-512.sasl.jaas.config": f"{package}.scram.ScramLoginModule required;",
    }


def _token() -> dict[str, str]:
    module, name = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule", "listener.name.token"
    return {
        f"{name}.sasl.enabled.mechanisms": "OAUTHBEARER",
        f"{name}.oauthbearer.sasl.jaas.config": f'{module} required unsecuredLoginStringClaim_sub="broker";',
    }


def _certify(keys: Path, name: str, names: str) -> None:
    """A key and a certificate of the authority, and both in one file for the broker."""
    _openssl(keys, "req", *_key(name), "-out", f"{name}.csr", "-subj", f"/CN={name}")
    (keys / "names").write_text(f"subjectAltName={names}\n")
    _openssl(
        keys, "x509", "-req", "-in", f"{name}.csr", "-CA", "authority.pem", "-CAkey", "authority.key",
        "-CAcreateserial", "-days", "1", "-extfile", "names", "-out", f"{name}.pem",
    )  # fmt: skip
    both = (keys / f"{name}.key").read_text() + (keys / f"{name}.pem").read_text()
    (keys / f"{name}.both.pem").write_text(both)


def _key(name: str) -> tuple[str, ...]:
    return ("-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key")


def _openssl(folder: Path, *arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Unavailable(f"no certificates: openssl {arguments[0]} said {done.stderr.strip()[:500]}")
