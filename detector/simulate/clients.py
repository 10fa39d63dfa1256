"""The user agents of the fleet's clients, as the SDKs and tools write them, with versions that move on."""

from __future__ import annotations

from dataclasses import dataclass, replace

SSM_AGENT = "aws-sdk-go/1.55.5 (go1.22.8; linux; amd64) amazon-ssm-agent/3.3.859.0"
ATTACKER_CLI = (
    "aws-cli/2.17.34 md/awscrt#0.21.2 ua/2.0 os/linux#6.8.0-40-generic md/arch#x86_64 lang/python#3.11.9 "
    "md/pyimpl#CPython cfg/retry-mode#standard md/installer#exe md/prompt#off md/command#sts.get-caller-identity"
)
ENGINEER_CLI = (
    "aws-cli/2.22.4 md/awscrt#0.22.0 ua/2.0 os/macos#24.1.0 md/arch#arm64 lang/python#3.12.6 md/pyimpl#CPython "
    "cfg/retry-mode#standard md/installer#exe md/prompt#off md/command#s3.ls"
)
BROWSER = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 "
    "Safari/537.36"
)
TERRAFORM = (
    "APN/1.0 HashiCorp/1.0 Terraform/1.9.8 (+https://www.terraform.io) terraform-provider-aws/5.77.0 "
    "aws-sdk-go-v2/1.32.5 ua/2.1 os/linux lang/go#1.23.3"
)

_AGENTS = {
    "boto3": (
        "Boto3/{major}.{minor}.3 md/Botocore#{major}.{minor}.3 ua/2.0 os/linux#6.1.112-122.189.amzn2023.x86_64 "
        "md/arch#x86_64 lang/python#3.12.4 md/pyimpl#CPython{environment} cfg/retry-mode#legacy "
        "Botocore/{major}.{minor}.3"
    ),
    "java": (
        "aws-sdk-java/{major}.{minor}.1 Linux/6.1.112-122.189.amzn2023.x86_64 OpenJDK_64-Bit_Server_VM/21.0.5+11-LTS "
        "Java/21.0.5 vendor/Amazon.com_Inc.{environment} io/sync http/Apache cfg/retry-mode/legacy"
    ),
    "go": (
        "aws-sdk-go-v2/{major}.{minor}.0 os/linux lang/go#1.23.3 md/GOOS#linux md/GOARCH#amd64{environment} "
        "api/s3#1.69.0"
    ),
    "js": (
        "aws-sdk-js/{major}.{minor}.0 ua/2.1 os/linux#5.10.227 lang/js md/nodejs#20.18.0{environment} "
        "api/dynamodb#{major}.{minor}.0"
    ),
}
_FIRST = {"boto3": (1, 35), "java": (1, 12), "go": (1, 30), "js": (3, 687)}
SDKS = tuple(_FIRST)
# Tools that people and pipelines run, and thieves too.
TOOLS = (ATTACKER_CLI, ENGINEER_CLI, TERRAFORM, "python-requests/2.32.3", "curl/8.10.1", "Go-http-client/2.0")


@dataclass(frozen=True, slots=True)
class Sdk:
    """An SDK at a version."""

    family: str
    major: int
    minor: int

    @classmethod
    def first(cls, family: str) -> Sdk:
        """`family` (boto3, java, go, js) at the version the fleet starts with."""
        return cls(family, *_FIRST[family])

    def minor_update(self) -> Sdk:
        """The next minor version."""
        return replace(self, minor=self.minor + 1)

    def major_update(self) -> Sdk:
        """The next major version."""
        return replace(self, major=self.major + 1, minor=20)

    def agent(self, environment: str = "") -> str:
        """The user agent; `environment` is an exec-env marker such as `exec-env/AWS_Lambda_python3.12`."""
        return _AGENTS[self.family].format(
            major=self.major, minor=self.minor, environment=f" {environment}" if environment else ""
        )
