"""The client behind a user agent: family, and detail (product, major version, operating system, environment).

User agents of machines are product tokens (`Boto3/1.26.0 md/Botocore#1.29.2 os/linux#5.10 exec-env/AWS_ECS_FARGATE`),
with comments and wrappers. A tool that embeds an SDK is the tool. The family is what a workload keeps over an update,
the detail what it keeps over a patch. Both are what the client *says*: evidence of a change, never of an identity.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

UNKNOWN: Final = "unknown"
_LIMIT: Final = 8_192  # characters looked at

# `name/version`, `name#version` or a bare word; what stands in brackets of a comment is cut off at its separators.
_TOKEN: Final = re.compile(r"([A-Za-z][\w.+-]*)(?:[/#]([^\s;,()\[\]]+))?")
_MAJOR: Final = re.compile(r"[vV]?(\d{1,6})")
_SERVICE: Final = re.compile(r"[a-z0-9.-]+\.amazonaws\.com(?:\.cn)?")
_OS_TOKEN: Final = re.compile(r"(?<![A-Za-z])os/([A-Za-z]{2,16})|(?<![A-Za-z])GOOS[/#]([A-Za-z]{2,16})")
_SYSTEMS: Final = (
    ("android", re.compile(r"\bandroid", re.IGNORECASE)),
    ("ios", re.compile(r"\b(?:iphone|ipad)", re.IGNORECASE)),
    ("macos", re.compile(r"\b(?:darwin|macintosh|mac os|macos)", re.IGNORECASE)),
    ("windows", re.compile(r"\bwindows", re.IGNORECASE)),
    ("linux", re.compile(r"\blinux", re.IGNORECASE)),
)
_SYSTEM_NAMES: Final = {"darwin": "macos", "mac": "macos", "osx": "macos"}
_ENVIRONMENT: Final = re.compile(r"exec-env[/#]([A-Za-z0-9_.-]{1,64})")
_ENVIRONMENTS: Final = (
    ("aws_lambda", "lambda"),
    ("aws_ecs_fargate", "fargate"),
    ("aws_ecs", "ecs"),
    ("cloudshell", "cloudshell"),
)
# A trailing run number, uuid or hash of a generated name: `job_ea782787-a65d-…` is one client, not one per run.
_SERIAL: Final = re.compile(r"(?:[._-](?=[0-9a-f]*\d)[0-9a-f]{4,})+$")

# Product (lower case) → family. Earlier groups win wherever in the text their products stand.
_TOOLS: Final = {
    **dict.fromkeys(("terraform", "hashicorp-terraform-exec", "opentofu"), "terraform"),
    **dict.fromkeys(("pulumi", "pulumi-aws"), "pulumi"),
    "configure-aws-credentials-for-github-actions": "github-actions",
    "aws-credentials-for-github-actions": "github-actions",
    **{name: name for name in (
        "packer", "vault", "nomad", "consul", "ansible", "aws-cdk", "kubectl", "helm", "kubelet", "karpenter", "argocd",
        "flux", "amazon-ssm-agent", "amazon-cloudwatch-agent", "amazon-ecs-agent", "aws-fluent-bit-plugin", "datadog",
        "fluent-bit", "cluster-autoscaler", "external-dns", "external-secrets", "cert-manager", "prowler", "steampipe",
        "cloud-custodian", "rclone", "cyberduck", "s3fs", "awslambda-worker",
    )},
}  # fmt: skip
_CONSOLES: Final = {"s3console", "ec2consolefrontend", "aws-console"}
_SDKS: Final = {
    "aws-cli": "aws-cli", "boto3": "boto3", "aws-sdk-go": "aws-sdk-go", "aws-sdk-go-v2": "aws-sdk-go",
    "aws-sdk-java": "aws-sdk-java", "aws-sdk-js": "aws-sdk-js", "aws-sdk-nodejs": "aws-sdk-js",
    "aws-sdk-php": "aws-sdk-php", "aws-sdk-ruby": "aws-sdk-ruby", "aws-sdk-ruby2": "aws-sdk-ruby",
    "aws-sdk-ruby3": "aws-sdk-ruby", "aws-sdk-rust": "aws-sdk-rust", "aws-sdk-cpp": "aws-sdk-cpp",
    "aws-sdk-dotnet": "aws-sdk-dotnet", "aws-sdk-dotnet-coreclr": "aws-sdk-dotnet",
    "aws-sdk-dotnet-45": "aws-sdk-dotnet", "aws-sdk-swift": "aws-sdk-swift",
    "aws-sdk-kotlin": "aws-sdk-kotlin", "awspowershell": "aws-powershell", "awspowershell.common": "aws-powershell",
    "rusoto": "rusoto", "botocore": "botocore", "boto": "boto", "aiobotocore": "aiobotocore",
    "google-cloud-sdk": "gcloud", "gcloud": "gcloud", "google-api-python-client": "google-api-python-client",
    "azure-cli": "azure-cli", "azsdk-python": "azsdk-python", "azsdk-go": "azsdk-go", "msal.python": "msal",
    "octokit": "octokit", "gh": "github-cli", "git": "git",
}  # fmt: skip
_LIBRARIES: Final = {
    "python-requests": "python-requests", "curl": "curl", "libcurl": "curl", "wget": "wget", "okhttp": "okhttp",
    "go-http-client": "go-http-client", "axios": "axios", "node-fetch": "node-fetch", "undici": "undici",
    "python-urllib": "python-urllib", "python-urllib3": "python-urllib3", "python-httpx": "python-httpx",
    "aiohttp": "aiohttp", "apache-httpclient": "apache-httpclient", "postmanruntime": "postman", "jersey": "jersey",
}  # fmt: skip
_BROWSERS: Final = ("edg", "opr", "firefox", "chrome", "version", "safari", "mozilla")  # most telling first
_BROWSER_NAMES: Final = {"edg": "edge", "opr": "opera", "version": "safari"}


@dataclass(frozen=True, slots=True)
class Client:
    """A client: `family` (`boto3`), `detail` (`boto3/1 linux lambda`) and `environment` (`lambda`; empty if unsaid)."""

    family: str
    detail: str
    environment: str = ""


def client_of(user_agent: str) -> Client:
    """The client that a user agent names; `unknown` when it names none. Never raises, linear in the text."""
    text = user_agent[:_LIMIT].strip().removeprefix("[").removesuffix("]").strip()
    service = _aws_itself(text)
    if service:
        return Client(service, service)
    products: dict[str, str] = {}
    for match in _TOKEN.finditer(text):
        products.setdefault(match[1].lower(), match[2] or "")
    environment = _environment(text)
    suffix = "".join(f" {part}" for part in (_system(text), environment) if part)
    family, product, version = _named(text, products)
    if family == UNKNOWN:
        return Client(UNKNOWN, UNKNOWN, environment)
    major = _MAJOR.match(version)
    return Client(family, (f"{product}/{major[1]}" if major else product) + suffix, environment)


def _aws_itself(text: str) -> str:
    """A service or console of AWS that names only itself, as services do that act on behalf."""
    if text == "AWS Internal":
        return "aws-internal"
    if _SERVICE.fullmatch(text):
        return "aws-console" if text.startswith(("console.", "signin.")) else "aws-service"
    return ""


def _named(text: str, products: dict[str, str]) -> tuple[str, str, str]:
    """Family, product and version, by the first group that has one of the products."""
    for product, version in products.items():
        if product in _TOOLS and (version or "-" in product):  # a bare word may be prose
            return _TOOLS[product], product, version
    if not _CONSOLES.isdisjoint(products) or text.startswith("AWS Console"):
        return "aws-console", "aws-console", ""
    if "aws-internal" in products:
        return "aws-internal", "aws-internal", products["aws-internal"]
    for group in (_SDKS, _LIBRARIES):
        for product, version in products.items():
            if product in group:
                return group[product], product, version
    if "mozilla" in products:
        browser = next(name for name in _BROWSERS if name in products)
        return "browser", _BROWSER_NAMES.get(browser, browser), products[browser]
    return _first(products)


def _first(products: dict[str, str]) -> tuple[str, str, str]:
    """An unlisted client is the first product of its text, without a serial number."""
    for product, version in products.items():
        name = _SERIAL.sub("", product[:64])[:32].rstrip("._+-")
        if len(name) >= 2:
            return name, name, version
    return UNKNOWN, UNKNOWN, ""


def _system(text: str) -> str:
    stated = _OS_TOKEN.search(text)
    if stated is not None:
        name = (stated[1] or stated[2]).lower()
        return _SYSTEM_NAMES.get(name, name)
    return next((name for name, pattern in _SYSTEMS if pattern.search(text)), "")


def _environment(text: str) -> str:
    stated = _ENVIRONMENT.search(text)
    if stated is None:
        return ""
    found = stated[1].lower()
    return next((name for prefix, name in _ENVIRONMENTS if found.startswith(prefix)), found)
