"""What is called with credentials that no cloud account issued: operations, clients and tools by product.

Operations are written as the product's own audit log names them. As in `catalogue`, nothing is only for attackers:
every product has groups that administer and enumerate it, and ordinary groups do some of that now and then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from detector.simulate.call import Action
from detector.simulate.clients import Sdk

_READS: Final = ("get", "list", "read", "search", "query", "select", "show", "describe", "download", "clone", "fetch")
_APPS: Final = ("orders", "payments", "search", "billing", "catalog", "ledger")
_HTTP: Final = ("python-requests", "curl", "go-http")  # what people script any product with


@dataclass(frozen=True, slots=True, eq=False)
class Product:
    """A service that credentials are used at.

    `work` is what workloads do, `administration` what its operators do and strangers try; `clients` are families of
    what workloads run, `tools` of what people run. `refusal` is what its log calls a use without rights.
    """

    work: tuple[Action, ...]
    administration: tuple[Action, ...]
    clients: tuple[str, ...]
    tools: tuple[str, ...]
    refusal: str

    @property
    def strangers_tools(self) -> tuple[str, ...]:
        """User agents of people's tools."""
        return tuple(Sdk.first(family).agent() for family in self.tools)

    @property
    def strangers_sdks(self) -> tuple[str, ...]:
        """User agents of what workloads run."""
        return tuple(Sdk.first(family).agent() for family in self.clients)


def _ops(service: str, names: str, resources: Sequence[str] = ("",)) -> tuple[Action, ...]:
    """Every operation of `names` (separated by blanks) on every resource."""
    return tuple(
        Action(service, name, name.rpartition(".")[2].lower().startswith(_READS), resource=resource)
        for name in names.split()
        for resource in resources
    )


VAULT: Final = Product(
    work=(
        *_ops("kv", "read", tuple(f"secret/data/{app}/{what}" for app in _APPS for what in ("database", "api"))),
        *_ops("kv", "list", tuple(f"secret/metadata/{app}" for app in _APPS[:3])),
        *_ops("transit", "encrypt decrypt sign", ("transit/orders", "transit/payments", "transit/ledger")),
        *_ops("database", "read", tuple(f"database/creds/{app}-rw" for app in _APPS)),
        *_ops("pki", "issue", ("pki/issue/services", "pki/issue/edge")),
        *_ops("aws", "read", ("aws/creds/deploy", "aws/creds/backup")),
        *_ops("token", "lookup-self"), *_ops("lease", "renew"),
    ),
    administration=(
        *_ops("kv", "list", ("secret/metadata/", "secret/metadata/platform", "secret/metadata/ci")),
        *_ops("kv", "read", ("secret/data/platform/root-ca", "secret/data/payments/gateway", "secret/data/ci/deploy")),
        *_ops("kv", "update delete", ("secret/data/orders/database", "secret/data/payments/gateway")),
        *_ops("sys", "list read", ("sys/auth", "sys/mounts", "sys/policies/acl", "sys/internal/ui/mounts")),
        *_ops("sys", "update", ("sys/policies/acl/orders", "sys/auth/approle", "sys/audit/file", "sys/mounts/kv")),
        *_ops("sys", "delete", ("sys/audit/file",)),
        *_ops("auth", "list", ("auth/token/accessors", "auth/approle/role")), *_ops("identity", "list", ("entity/id",)),
        *_ops("auth", "update", ("auth/approle/role/orders/secret-id", "auth/token/create", "auth/kubernetes/config")),
        *_ops("token", "lookup-accessor revoke-accessor create-orphan"),
    ),
    clients=("vault-agent", "hvac", "external-secrets", "go-http", "java-http"),
    tools=("vault-cli", "terraform", *_HTTP),
    refusal="permission denied",
)  # fmt: skip

APPROLE: Final = Product(  # what a role id and a secret id are good for: to get a token
    work=(
        *_ops("auth", "login", ("auth/approle/login", "auth/approle-jobs/login")),
        *_ops("sys", "unwrap rewrap", ("sys/wrapping",)),
    ),
    administration=(
        *_ops("auth", "login", ("auth/approle-admin/login", "auth/userpass/login", "auth/cert/login")),
        *_ops("sys", "wrapping-lookup", ("sys/wrapping",)), *_ops("sys", "health seal-status", ("sys",)),
    ),
    clients=VAULT.clients,
    tools=VAULT.tools,
    refusal="invalid role or secret ID",
)  # fmt: skip

_MESH_SERVICES: Final = ("orders", "inventory", "pricing", "shipping", "profile", "ledger", "notify", "search")
MESH: Final = Product(
    work=tuple(
        action
        for service in _MESH_SERVICES
        for action in _ops(service, "Get List Create Update Reserve", (f"{service}.internal",))
    ),
    administration=(
        *(one for service in ("ledger", "profile", "payments")
          for one in _ops(service, "Export Search DeleteAll GetConfig", (f"{service}.internal",))),
        *_ops("grpc.reflection", "ListServices GetFile", ("gateway.internal", "ledger.internal")),
        *_ops("admin", "GetConfigDump GetClusters GetStats SetLogLevel DrainListeners", ("proxy.internal",)),
        *_ops("secrets", "GetDatabaseUrl ListKeys", ("config.internal",)),
        *_ops("grpc.health", "Check Watch", ("orders.internal", "ledger.internal")),
    ),
    clients=("grpc-go", "grpc-java", "grpc-python", "okhttp", "go-http"),
    tools=("grpc-go", *_HTTP),
    refusal="PERMISSION_DENIED",
)  # fmt: skip

_REPOSITORIES: Final = ("shop", "ledger", "infra", "mobile")
GITHUB: Final = Product(
    work=(
        *_ops("git", "clone fetch push", _REPOSITORIES),
        *_ops("repos", "get-contents list-commits create-commit-status list-branches", _REPOSITORIES[:3]),
        *_ops("pulls", "get list create-comment merge", ("shop", "infra")), *_ops("issues", "list create-comment"),
        *_ops("checks", "create update"), *_ops("actions", "list-workflow-runs download-artifact get-job"),
        *_ops("packages", "get list publish"), *_ops("releases", "create upload-asset"), *_ops("deployments", "create"),
    ),
    administration=(
        *_ops("orgs", "get list-members list-repos list-installations list-webhooks get-audit-log"),
        *_ops("user", "get list-repos list-orgs"), *_ops("repos", "download-archive", _REPOSITORIES),
        *_ops("repos", "list-collaborators add-collaborator list-deploy-keys create-deploy-key protect-branch",
              ("infra",)),
        *_ops("actions", "list-org-secrets list-repo-secrets get-public-key set-secret create-workflow-dispatch "
              "register-runner", ("infra",)),
        *_ops("orgs", "create-webhook update-membership"), *_ops("search", "search-code"), *_ops("teams", "list add"),
    ),
    clients=("octokit", "go-github", "renovate", "git", "go-http"),
    tools=("github-cli", "git", *_HTTP),
    refusal="Resource not accessible",
)  # fmt: skip

GIT: Final = Product(  # what a deploy key is good for
    work=_ops("git", "clone fetch push ls-remote", (*_REPOSITORIES, "site", "charts")),
    administration=(
        *_ops("git", "clone fetch push push-force delete-branch", ("platform", "policies", "mobile-keys")),
        *_ops("git", "lfs-download archive", ("infra", "models")),
    ),
    clients=("git", "go-http"),
    tools=("git", "github-cli", "curl"),
    refusal="read-only key",
)  # fmt: skip

FEDERATION: Final = Product(  # where a job trades its OIDC token in
    work=(
        *_ops("vault", "login", ("vault.internal",)), *_ops("registry", "login", ("registry.internal",)),
        *_ops("sts", "assume-deploy assume-publish", ("sts.amazonaws.com",)),
        *_ops("signing", "certificate", ("sigstore",)), *_ops("gcp", "token", ("sts.googleapis.com",)),
        *_ops("entra", "token", ("api://AzureADTokenExchange",)), *_ops("packages", "publish", ("packages.internal",)),
    ),
    administration=(
        *_ops("sts", "assume-admin assume-terraform assume-audit", ("sts.amazonaws.com",)),
        *_ops("vault", "login", ("vault-platform.internal",)), *_ops("gcp", "token", ("sts-org.googleapis.com",)),
        *_ops("registry", "login", ("registry-release.internal",)),
    ),
    clients=("actions", "go-http", "python-requests"),
    tools=_HTTP,
    refusal="invalid_subject",
)  # fmt: skip

_BUCKETS: Final = ("exports", "models", "events", "invoices")
GOOGLE: Final = Product(
    work=(
        *_ops("storage", "objects.get objects.create objects.list", _BUCKETS),
        *_ops("bigquery", "jobs.query jobs.getQueryResults tables.get tabledata.insertAll", ("analytics", "finance")),
        *_ops("pubsub", "topics.publish subscriptions.pull subscriptions.acknowledge", ("orders", "audit")),
        *_ops("secretmanager", "versions.access", ("database", "partner")), *_ops("logging", "entries.write"),
        *_ops("cloudkms", "cryptoKeys.decrypt cryptoKeys.encrypt", ("orders",)),
        *_ops("monitoring", "timeSeries.create"),
        *_ops("artifactregistry", "files.download"), *_ops("aiplatform", "endpoints.predict"),
    ),
    administration=(
        *_ops("cloudresourcemanager", "projects.get projects.list projects.getIamPolicy projects.setIamPolicy"),
        *_ops("iam", "serviceAccounts.list serviceAccounts.keys.create serviceAccounts.keys.list roles.list "
              "serviceAccounts.keys.delete serviceAccounts.getAccessToken workloadIdentityPools.providers.update"),
        *_ops("storage", "buckets.list buckets.getIamPolicy buckets.setIamPolicy"),
        *_ops("storage", "objects.get", ("backups", "terraform-state")), *_ops("bigquery", "datasets.list tables.list"),
        *_ops("compute", "instances.list instances.insert instances.setMetadata firewalls.list firewalls.insert"),
        *_ops("secretmanager", "secrets.list versions.list"),
        *_ops("secretmanager", "versions.access", ("root", "mail")),
        *_ops("logging", "sinks.list sinks.delete"), *_ops("container", "clusters.list clusters.get"),
    ),
    clients=("gcp-python", "gcp-java", "gcp-go", "terraform"),
    tools=("gcloud", "terraform", *_HTTP),
    refusal="PERMISSION_DENIED",
)  # fmt: skip

ENTRA: Final = Product(
    work=(
        *_ops("graph", "users.get users.list groups.get mail.send sites.get files.download files.upload calendar.list",
              ("graph.microsoft.com",)),
        *_ops("keyvault", "SecretGet KeyDecrypt KeySign CertificateGet", ("kv-orders", "kv-platform")),
        *_ops("storage", "GetBlob PutBlob ListBlobs", ("stexports", "stinvoices")), *_ops("arm", "deployments.get"),
        *_ops("servicebus", "Send Receive", ("sb-orders",)), *_ops("sql", "Login", ("sql-ledger",)),
        *_ops("monitor", "metrics.publish logs.ingest"), *_ops("registry", "pull push"),
    ),
    administration=(
        *_ops("graph", "applications.list servicePrincipals.list directoryRoles.list applications.addPassword "
              "applications.addKey oauth2PermissionGrants.list appRoleAssignments.create users.create "
              "federatedIdentityCredentials.create applications.removePassword auditLogs.list organization.get",
              ("graph.microsoft.com",)),
        *_ops("graph", "mail.list mail.get files.search", ("graph.microsoft.com",)),
        *_ops("arm", "subscriptions.list resources.list roleAssignments.list roleAssignments.create vm.runCommand "
              "storage.listKeys diagnosticSettings.delete vm.create"),
        *_ops("keyvault", "SecretList SecretGet SecretBackup KeyList VaultGet", ("kv-payments",)),
    ),
    clients=("azsdk-python", "azsdk-go", "azsdk-net", "terraform"),
    tools=("azure-cli", "terraform", *_HTTP),
    refusal="Authorization_RequestDenied",
)  # fmt: skip

OAUTH: Final = Product(  # the tenant's own APIs and its partners'
    work=(
        *(one for api in ("orders", "invoices", "shipments", "stock", "customers")
          for one in _ops(api, "get list create update", (f"api/{api}",))),
        *_ops("webhooks", "get create"), *_ops("reports", "get list"), *_ops("token", "introspect"),
    ),
    administration=(
        *_ops("customers", "export search delete", ("api/customers",)), *_ops("scopes", "list grant"),
        *_ops("clients", "list create update revoke", ("oauth/clients",)), *_ops("keys", "get-jwks rotate"),
        *_ops("invoices", "export void", ("api/invoices",)), *_ops("users", "list create update", ("api/users",)),
        *_ops("webhooks", "list delete"), *_ops("audit", "list export"), *_ops("settings", "get update"),
    ),
    clients=("okhttp", "axios", "python-requests", "java-http", "go-http"),
    tools=_HTTP,
    refusal="insufficient_scope",
)  # fmt: skip

OKTA: Final = Product(
    work=(
        *_ops("users", "get list create update deactivate list-groups"),
        *_ops("groups", "get list add-user remove-user"),
        *_ops("apps", "get list list-users assign-user"), *_ops("logs", "list"), *_ops("factors", "list"),
        *_ops("sessions", "get"), *_ops("schemas", "get"), *_ops("authorize", "introspect"), *_ops("devices", "list"),
    ),
    administration=(
        *_ops("users", "list-roles assign-role reset-password reset-factors unlock expire-password"),
        *_ops("apps", "create update list-credentials create-credential"), *_ops("idps", "list create"),
        *_ops("policies", "list update deactivate"), *_ops("api-tokens", "list get revoke"),
        *_ops("groups", "assign-role"), *_ops("log-streams", "list deactivate"), *_ops("zones", "list update"),
        *_ops("authorization-servers", "list list-policies update"), *_ops("org", "get list-contacts"),
    ),
    clients=("okta-sdk", "go-http", "java-http", "terraform"),
    tools=("okta-sdk", "terraform", *_HTTP),
    refusal="E0000006",
)  # fmt: skip

_MODELS: Final = ("small-1", "small-2", "medium-2", "embed-1")
LLM: Final = Product(
    work=(
        *_ops("llm", "chat.completions", _MODELS[:3]), *_ops("llm", "responses.create", _MODELS[:3]),
        *_ops("llm", "embeddings.create", ("embed-1", "embed-2")), *_ops("llm", "moderations.create"),
        *_ops("files", "get upload list"), *_ops("batches", "create get"), *_ops("vectors", "search update"),
        *_ops("audio", "transcribe", ("audio-1",)), *_ops("threads", "get create"), *_ops("models", "get"),
    ),
    administration=(
        *_ops("llm", "chat.completions responses.create", ("large-1", "large-2", "reasoning-1")),
        *_ops("images", "create", ("image-2",)), *_ops("video", "create", ("video-1",)), *_ops("models", "list"),
        *_ops("usage", "get list"), *_ops("keys", "list create delete"), *_ops("projects", "list create"),
        *_ops("fine-tuning", "create list"), *_ops("files", "download delete"), *_ops("limits", "get update"),
        *_ops("members", "list invite"),
    ),
    clients=("llm-python", "llm-js", "go-http", "axios"),
    tools=("llm-python", *_HTTP),
    refusal="insufficient_permissions",
)  # fmt: skip

SAAS: Final = Product(  # mail, payments, customers, observability, chat
    work=(
        *_ops("mail", "send get-template list-suppressions", ("transactional",)), *_ops("chat", "post-message upload"),
        *_ops("payments", "create-charge get-charge list-charges create-refund get-customer", ("live",)),
        *_ops("crm", "get-contact search-contacts update-contact create-ticket list-deals"),
        *_ops("telemetry", "submit-metrics submit-logs query-metrics"), *_ops("maps", "geocode get-route"),
        *_ops("sms", "send get-status"), *_ops("sheets", "get append"), *_ops("search", "query index"),
    ),
    administration=(
        *_ops("payments", "list-customers export-customers list-payouts update-payout-account list-keys", ("live",)),
        *_ops("crm", "export-contacts list-users create-user delete-contact"), *_ops("chat", "list-channels list-users "
              "get-history search-messages"),
        *_ops("mail", "list-contacts export-contacts create-sender create-key list-keys revoke-key"),
        *_ops("telemetry", "list-dashboards list-keys search-logs mute-monitor"),
        *_ops("sms", "list-messages get-balance"),
        *_ops("account", "get list-members invite-member list-keys"),
    ),
    clients=("python-requests", "axios", "okhttp", "go-http", "java-http"),
    tools=_HTTP,
    refusal="forbidden",
)  # fmt: skip

_TABLES: Final = ("ANALYTICS.ORDERS", "ANALYTICS.EVENTS", "FINANCE.LEDGER", "STAGING.RAW")
SNOWFLAKE: Final = Product(
    work=(
        *_ops("snowflake", "SELECT INSERT MERGE", _TABLES), *_ops("snowflake", "COPY PUT", ("STAGING.RAW",)),
        *_ops("snowflake", "CREATE_TABLE_AS TRUNCATE", ("STAGING.DAILY",)), *_ops("snowflake", "USE_WAREHOUSE LOGIN"),
        *_ops("snowflake", "CALL EXECUTE_TASK", ("ETL.REFRESH",)),
    ),
    administration=(
        *_ops("snowflake", "SHOW", ("DATABASES", "USERS", "GRANTS", "ROLES", "STAGES", "INTEGRATIONS", "WAREHOUSES")),
        *_ops("snowflake", "SELECT", ("ACCOUNT_USAGE.QUERY_HISTORY", "INFORMATION_SCHEMA.TABLES", "CRM.CONTACTS",
                                      "ACCOUNT_USAGE.LOGIN_HISTORY", "FINANCE.CARDS")),
        *_ops("snowflake", "GET UNLOAD", ("STAGING.EXPORT", "FINANCE.CARDS")),
        *_ops("snowflake", "CREATE_USER ALTER_USER GRANT CREATE_STAGE CREATE_INTEGRATION ALTER_NETWORK_POLICY DROP"),
    ),
    clients=("snowflake-python", "snowflake-jdbc", "dbt"),
    tools=("snowsql", "snowflake-python", "snowflake-jdbc", "terraform"),
    refusal="003001",
)  # fmt: skip

TOOLS: Final = Product(  # what agents do for people
    work=(
        *_ops("docs", "search get list"), *_ops("tickets", "get search create comment"),
        *_ops("mail", "search get draft"),
        *_ops("calendar", "list get create"), *_ops("code", "search get list-pulls comment run-tests"),
        *_ops("warehouse", "query describe"), *_ops("crm", "get search update"), *_ops("web", "fetch search"),
        *_ops("files", "get list"), *_ops("chat", "post search"), *_ops("sandbox", "run"),
    ),
    administration=(
        *_ops("mail", "send forward export list"), *_ops("files", "share download delete upload"),
        *_ops("shell", "run"),
        *_ops("secrets", "get list"), *_ops("code", "push merge create-key"), *_ops("warehouse", "export list-tables"),
        *_ops("people", "list search get"), *_ops("payments", "create-refund list"), *_ops("admin", "list-users grant"),
        *_ops("crm", "export delete"), *_ops("agents", "list create delegate"), *_ops("browser", "open submit"),
    ),
    clients=("agent-runtime", "tool-protocol", "llm-js"),
    tools=("tool-protocol", "llm-python", *_HTTP),
    refusal="tool_not_allowed",
)  # fmt: skip

PRODUCTS: Final = (
    VAULT,
    APPROLE,
    MESH,
    GITHUB,
    GIT,
    FEDERATION,
    GOOGLE,
    ENTRA,
    OAUTH,
    OKTA,
    LLM,
    SAAS,
    SNOWFLAKE,
    TOOLS,
)
