"""The user agents of the fleet's clients, as the SDKs and tools write them, with versions that move on."""

from __future__ import annotations

import re
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
# Clients of other products, and what calls any HTTP API: family → (user agent, first version).
_PRODUCT_CLIENTS: dict[str, tuple[str, tuple[int, int]]] = {
    "python-requests": ("python-requests/{major}.{minor}.3", (2, 32)),
    "curl": ("curl/{major}.{minor}.1", (8, 10)),
    "go-http": ("Go-http-client/2.0", (1, 23)),
    "axios": ("axios/{major}.{minor}.7", (1, 7)),
    "okhttp": ("okhttp/{major}.{minor}.0", (4, 12)),
    "java-http": ("Java-http-client/{major}.0.{minor}", (21, 4)),
    "grpc-go": ("grpc-go/{major}.{minor}.0", (1, 66)),
    "grpc-java": ("grpc-java-netty/{major}.{minor}.1", (1, 67)),
    "grpc-python": ("grpc-python/{major}.{minor}.0 grpc-c/43.0.0 (linux; chttp2)", (1, 66)),
    "terraform": ("HashiCorp Terraform/{major}.{minor}.8 (+https://www.terraform.io)", (1, 9)),
    "vault-agent": ("Vault Agent/{major}.{minor}.2 (+https://www.vaultproject.io/; go1.22.6)", (1, 17)),
    "vault-cli": ("Vault/{major}.{minor}.2 (+https://www.vaultproject.io/; go1.22.6)", (1, 17)),
    "hvac": ("python-hvac/{major}.{minor}.0", (2, 3)),
    "external-secrets": ("external-secrets/v0.{minor}.{major}", (4, 10)),
    "spire-agent": ("spire-agent/{major}.{minor}.1", (1, 10)),
    "git": ("git/{major}.{minor}.1", (2, 46)),
    "github-cli": ("GitHub CLI {major}.{minor}.0", (2, 58)),
    "octokit": ("octokit-core.js/{major}.{minor}.2 Node.js/20.18.0 (linux; x64)", (6, 1)),
    "go-github": ("go-github/v{minor}.{major}.0", (0, 66)),
    "renovate": ("RenovateBot/{major}.{minor}.0 (https://github.com/renovatebot/renovate)", (38, 110)),
    "actions": ("actions/oidc-client", (1, 10)),
    "gcloud": ("google-cloud-sdk gcloud/{minor}.0.{major} command/gcloud.storage.cp environment/None", (0, 496)),
    "gcp-python": ("gl-python/3.12.4 grpc/1.66.1 gax/2.20.0 gapic/{major}.{minor}.0 gccl/{major}.{minor}.0", (2, 18)),
    "gcp-java": ("gl-java/21.0.5 gapic/{major}.{minor}.0 gax/2.54.1 grpc/1.67.1 gccl/{major}.{minor}.0", (2, 43)),
    "gcp-go": ("gcloud-golang-storage/{major}.{minor}.0 gl-go/1.23.3", (1, 43)),
    "azsdk-python": ("azsdk-python-identity/{major}.{minor}.0 Python/3.12.4 (Linux-6.1.0-x86_64)", (1, 18)),
    "azsdk-go": ("azsdk-go-azidentity/v{major}.{minor}.0 (go1.23.3; linux)", (1, 7)),
    "azsdk-net": ("azsdk-net-Identity/{major}.{minor}.1 (.NET 8.0.10; Linux)", (1, 12)),
    "azure-cli": ("azure-cli/{major}.{minor}.0 (DEB) azsdk-python-core/1.31.0 Python/3.11.8", (2, 65)),
    "okta-sdk": ("okta-sdk-python/{major}.{minor}.2 python/3.12.4 Linux/6.1.0", (2, 9)),
    "snowflake-python": ("PythonConnector/{major}.{minor}.2 (Linux) CPython/3.12.4", (3, 12)),
    "snowflake-jdbc": ("JDBC/{major}.{minor}.0 (Linux 6.1.0) JAVA/21.0.5", (3, 19)),
    "snowsql": ("SnowSQL/{major}.{minor}.1 (Linux) CPython/3.8.14", (1, 3)),
    "dbt": ("dbt/{major}.{minor}.4 PythonConnector/3.12.2 (Linux) CPython/3.11.9", (1, 8)),
    "llm-python": ("llm-client/Python {major}.{minor}.0", (1, 51)),
    "llm-js": ("llm-client/JS {major}.{minor}.0", (4, 68)),
    "agent-runtime": ("agent-runtime/{major}.{minor}.0 python/3.12.4", (0, 14)),
    "tool-protocol": ("tool-protocol-client/{major}.{minor}.0 node/20.18.0", (1, 2)),
}
_AGENTS |= {family: agent for family, (agent, _) in _PRODUCT_CLIENTS.items()}
_FIRST |= {family: first for family, (_, first) in _PRODUCT_CLIENTS.items()}
# Tools that people and pipelines run, and thieves too.
TOOLS = (ATTACKER_CLI, ENGINEER_CLI, TERRAFORM, "python-requests/2.32.3", "curl/8.10.1", "Go-http-client/2.0")
_TOOL_VERSION = re.compile(r"(?:(?<=aws-cli/2\.)|(?<=Terraform/1\.)|(?<=requests/2\.)|(?<=curl/8\.))\d+")


def updated(tool: str, updates: int) -> str:
    """The user agent of one of `TOOLS`, `updates` minor versions later; one that hides its version stays as it is."""
    return _TOOL_VERSION.sub(lambda minor: str(int(minor[0]) + updates), tool, count=1)


@dataclass(frozen=True, slots=True)
class Sdk:
    """An SDK at a version."""

    family: str
    major: int
    minor: int

    @classmethod
    def first(cls, family: str) -> Sdk:
        """`family` (boto3, java, go, js, or a client of another product) at the version the fleet starts with."""
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


KUBECTL = "kubectl/v1.33.2 (linux/amd64) kubernetes/a57b6f7"
KUBECTL_LAPTOP = "kubectl/v1.32.3 (darwin/arm64) kubernetes/32cc146"
HELM = "Helm/3.16.3"
# The same for clusters: what people, pipelines and scanners talk to an API server with.
CLUSTER_TOOLS = (KUBECTL, KUBECTL_LAPTOP, "curl/8.10.1", "python-requests/2.32.3", "Go-http-client/2.0", HELM)
CLUSTER_LIBRARIES = ("OpenAPI-Generator/31.15.0/python", "fabric8-kubernetes-client/6.12", "Go-http-client/2.0")


def cluster_client(product: str, sdk: Sdk) -> str:
    """What a workload sends to an API server: client-go names the program, other libraries name themselves."""
    if sdk.family == "boto3":
        return f"OpenAPI-Generator/{30 + sdk.major}.{sdk.minor % 20}.0/python"
    if sdk.family == "java":
        return f"fabric8-kubernetes-client/{5 + sdk.major}.{sdk.minor}"
    if sdk.family == "js":
        return "Go-http-client/2.0"
    return f"{product}/v{sdk.major}.{sdk.minor}.0 (linux/amd64) kubernetes/$Format"
