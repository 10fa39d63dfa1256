"""User agents of machines and people, as real logs carry them, and what they must not do."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.fingerprint.clients import client_of

CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"


@pytest.mark.parametrize(
    ("agent", "family", "detail"),
    [
        (
            "Boto3/1.26.2 Python/3.10.8 Linux/4.14 exec-env/AWS_ECS_FARGATE Botocore/1.29.2",
            "boto3",
            "boto3/1 linux fargate",
        ),
        ("Boto3/1.35.3 md/Botocore#1.35.3 ua/2.0 os/linux#6.1.112 lang/python#3.12.4", "boto3", "boto3/1 linux"),
        ("aws-cli/2.17.34 ua/2.0 os/macos#24.1 md/arch#arm64 md/command#s3.ls", "aws-cli", "aws-cli/2 macos"),
        ("aws-cli/1.15.42 Python/3.6.1 Darwin/17.7.0 botocore/1.10.42", "aws-cli", "aws-cli/1 macos"),
        ("aws-cli/2.15.37 Linux/6.1 exec-env/CloudShell", "aws-cli", "aws-cli/2 linux cloudshell"),
        (
            "aws-sdk-go/1.40.21 (go1.17; linux; amd64) exec-env/AWS_Lambda_go1.x",
            "aws-sdk-go",
            "aws-sdk-go/1 linux lambda",
        ),
        ("aws-sdk-go-v2/1.14.0 os/macos lang/go/1.17.6 md/GOOS/darwin", "aws-sdk-go", "aws-sdk-go-v2/1 macos"),
        ("aws-sdk-java/2.20.0", "aws-sdk-java", "aws-sdk-java/2"),
        (
            "aws-sdk-go/1.55.5 (go1.22.8; linux; amd64) amazon-ssm-agent/3.3.8",
            "amazon-ssm-agent",
            "amazon-ssm-agent/3 linux",
        ),
        (
            "APN/1.0 HashiCorp/1.0 Terraform/1.1.2 (+https://www.terraform.io) aws-sdk-go/1.44.157 (go1.19.3; darwin)",
            "terraform",
            "terraform/1 macos",
        ),
        ("kubectl/v1.29.0 (linux/amd64) kubernetes/3f7a50f", "kubectl", "kubectl/1 linux"),
        ("aws-internal/3 aws-sdk-java/1.12.692 Linux/5.10.213", "aws-internal", "aws-internal/3 linux"),
        ("[S3Console/0.4, aws-internal/3 aws-sdk-java/1.11.1030 Linux/5.4]", "aws-console", "aws-console linux"),
        ("AWS Internal", "aws-internal", "aws-internal"),
        ("cloudformation.amazonaws.com", "aws-service", "aws-service"),
        ("console.ec2.amazonaws.com", "aws-console", "aws-console"),
        (f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {CHROME}", "browser", "chrome/131 macos"),
        (f"[Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Edg/131.0]", "browser", "edge/131 windows"),
        ("python-requests/2.31.0", "python-requests", "python-requests/2"),
        ("curl/8.1.2", "curl", "curl/8"),
        ("acme-sync_ea782787-a65d-4fc4-9fca-1c97869a9a25", "acme-sync", "acme-sync"),
        ("...", "unknown", "unknown"),
        ("", "unknown", "unknown"),
    ],
)
def test_a_user_agent_names_its_client(agent: str, family: str, detail: str) -> None:
    client = client_of(agent)
    assert (client.family, client.detail) == (family, detail)


def test_a_patch_keeps_the_detail_and_a_major_version_the_family() -> None:
    old, patched, new = (client_of(f"Boto3/{version} os/linux#6.1") for version in ("1.34.1", "1.35.9", "2.0.0"))
    assert old == patched
    assert (old.family, old.detail) != (new.family, new.detail)
    assert old.family == new.family


def test_a_word_in_prose_is_no_tool() -> None:
    assert client_of("curl/8.1 (see vault for helm)").family == "curl"


@given(st.text(max_size=300))
def test_no_text_makes_it_raise_or_say_nothing(text: str) -> None:
    client = client_of(text)
    assert client.family
    assert client.detail
    assert client_of(text) == client


@pytest.mark.parametrize("hostile", ["a", "a/", "[(", "-deadbee1", "exec-env/", "Mozilla/", "\x00\ud800", "os/"])
def test_no_text_is_slow(hostile: str) -> None:
    started = time.perf_counter()
    client = client_of(hostile * 100_000)
    assert time.perf_counter() - started < 0.25
    assert len(client.detail) < 200
