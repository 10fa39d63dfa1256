"""What can be called, by service, and what it is for: the pools that workloads, tools, scanners and thieves draw from.

Nothing here is only for attackers: administrators change policies, posture scanners enumerate everything, and
infrastructure as code makes users and keys. Scenarios take from AWS_ENUMERATION, AWS_SECRETS, AWS_PRIVILEGED,
AWS_PERSISTENCE, AWS_TAMPERING, AWS_COMPUTE (also in regions where the tenant does not work, as scanners and
inventories do) and from the CLUSTER pools of the same purposes: some benign population must do every one of them.
"""

from __future__ import annotations

from typing import Final

from detector.simulate.call import Action


def _read(service: str, *names: str) -> tuple[Action, ...]:
    return tuple(Action(service, name) for name in names)


def _write(service: str, *names: str) -> tuple[Action, ...]:
    return tuple(Action(service, name, read_only=False) for name in names)


def _objects(name: str, *, read_only: bool = True) -> tuple[Action, ...]:
    return tuple(
        Action("s3", name, read_only, request=f'{{"bucketName":"example-{bucket}","key":"{bucket}/part-0.parquet"}}')
        for bucket in ("assets", "orders", "reports", "exports", "models", "invoices")
    )


def _tables(name: str, *, read_only: bool = True) -> tuple[Action, ...]:
    return tuple(
        Action("dynamodb", name, read_only, request=f'{{"tableName":"{table}"}}')
        for table in ("sessions", "orders", "carts", "prices", "devices")
    )


AWS_WORK: Final = (
    *_objects("GetObject"), *_objects("PutObject", read_only=False), *_tables("GetItem"), *_tables("Query"),
    *_tables("PutItem", read_only=False), *_tables("UpdateItem", read_only=False),
    *_write("sqs", "SendMessage", "DeleteMessage"), *_read("sqs", "ReceiveMessage", "GetQueueAttributes"),
    *_write("sns", "Publish"), *_write("kinesis", "PutRecords"), *_read("kinesis", "GetRecords"),
    *_read("kms", "Decrypt", "GenerateDataKey"), *_write("cloudwatch", "PutMetricData"),
    *_write("logs", "CreateLogStream", "PutLogEvents"), *_read("ssm", "GetParameter", "GetParameters"),
    *_read("glue", "GetTable", "GetPartitions"), *_read("athena", "GetQueryExecution"),
    *_write("athena", "StartQueryExecution"), *_write("states", "StartExecution"),
    *_write("events", "PutEvents"), *_read("rds", "DescribeDBInstances"), *_write("firehose", "PutRecordBatch"),
    *_read("ecr", "BatchGetImage", "GetAuthorizationToken"), *_read("cloudformation", "DescribeStacks"),
    Action("secretsmanager", "GetSecretValue", request='{"secretId":"service/database"}'),
    Action("sts", "GetCallerIdentity"),
)  # fmt: skip

AWS_ENUMERATION: Final = (
    Action("sts", "GetCallerIdentity"), *_read("s3", "ListBuckets", "GetBucketPolicy", "GetBucketAcl"),
    *_read("iam", "ListUsers", "ListRoles", "ListAttachedRolePolicies", "GetAccountAuthorizationDetails",
           "ListAccessKeys", "GetRole", "ListPolicies"),
    *_read("ec2", "DescribeInstances", "DescribeSecurityGroups", "DescribeRegions", "DescribeSnapshots"),
    *_read("rds", "DescribeDBSnapshots", "DescribeDBInstances"), *_read("lambda", "ListFunctions20150331"),
    *_read("dynamodb", "ListTables"), *_read("secretsmanager", "ListSecrets"), *_read("ssm", "DescribeParameters"),
    *_read("organizations", "DescribeOrganization", "ListAccounts"), *_read("ses", "GetSendQuota"),
    *_read("cloudtrail", "DescribeTrails"), *_read("kms", "ListKeys"), *_read("ecr", "DescribeRepositories"),
    *_read("bedrock", "ListFoundationModels"), *_read("ecs", "ListClusters"), *_read("eks", "ListClusters"),
)  # fmt: skip

AWS_SECRETS: Final = (
    *(Action("secretsmanager", "GetSecretValue", request=f'{{"secretId":"{name}"}}')
      for name in ("service/database", "payments/gateway", "platform/signing", "mail/relay", "crm/api", "root/backup")),
    *_read("secretsmanager", "BatchGetSecretValue", "DescribeSecret"),
    *_read("ssm", "GetParametersByPath", "GetParameter"), *_read("kms", "Decrypt"),
)  # fmt: skip

AWS_PRIVILEGED: Final = (
    *_write("iam", "AttachRolePolicy", "PutRolePolicy", "CreatePolicyVersion", "UpdateAssumeRolePolicy",
            "CreateAccessKey", "CreateUser", "AttachUserPolicy", "CreateLoginProfile", "AddUserToGroup",
            "CreateOpenIDConnectProvider", "UpdateOpenIDConnectProviderThumbprint"),
    *_read("sts", "AssumeRole"), *_write("lambda", "UpdateFunctionConfiguration20150331v2"),
    *_write("kms", "PutKeyPolicy"), *_write("s3", "PutBucketPolicy"),
)  # fmt: skip

AWS_PERSISTENCE: Final = (
    *_write("iam", "CreateUser", "AttachUserPolicy", "CreateLoginProfile", "CreateRole", "UpdateAssumeRolePolicy",
            "CreateOpenIDConnectProvider", "AttachRolePolicy", "CreateServiceSpecificCredential"),
    *_write("lambda", "CreateFunction20150331", "AddPermission20150331v2"), *_write("events", "PutRule"),
)  # fmt: skip

AWS_TAMPERING: Final = (
    *_write("cloudtrail", "StopLogging", "DeleteTrail", "PutEventSelectors"),
    *_write("guardduty", "DeleteDetector", "UpdateDetector"), *_write("config", "StopConfigurationRecorder"),
    *_write("logs", "DeleteLogGroup", "PutRetentionPolicy"), *_write("s3", "PutBucketLifecycle"),
)  # fmt: skip

AWS_COMPUTE: Final = (
    *_read("ec2", "DescribeInstanceTypes", "DescribeRegions", "DescribeVpcs", "DescribeKeyPairs"),
    *_write("ec2", "RunInstances", "CreateSecurityGroup", "AuthorizeSecurityGroupIngress", "RequestSpotInstances"),
    *_write("ecs", "RunTask"), *_read("servicequotas", "ListServiceQuotas"),
)  # fmt: skip

# What inventories, autoscalers, secret rotation and posture scanners do, each some of it.
AWS_OPERATIONS: Final = tuple(dict.fromkeys((*AWS_ENUMERATION, *AWS_SECRETS, *AWS_COMPUTE, *AWS_PRIVILEGED)))


def _cluster(group: str, verb: str, *resources: str, where: str = "") -> tuple[Action, ...]:
    """Operations in the words of an audit event: `core:get secrets`; `where` is `NAMESPACE/NAME`, or part of it."""
    reads = verb in {"get", "list", "watch"}
    return tuple(
        Action(group, f"{verb} {name}", reads or name.endswith("reviews"), resource=where) for name in resources
    )


def cluster_work(namespace: str) -> tuple[Action, ...]:
    """What workloads ask an API server for, most of it in their own namespace."""
    one, all_of = f"{namespace}/app", f"{namespace}/"
    return (
        *_cluster("core", "get", "configmaps", "secrets", "pods", "endpoints", "services", where=one),
        *_cluster("core", "list", "configmaps", "pods", "services", "secrets", "events", where=all_of),
        *_cluster("core", "watch", "configmaps", "pods", "endpoints", where=all_of),
        *_cluster("core", "patch", "pods", "configmaps", where=one),
        *_cluster("core", "create", "events", where=all_of),
        *_cluster("core", "get", "namespaces", where=f"/{namespace}"),
        *_cluster("coordination.k8s.io", "get", "leases", where=one),
        *_cluster("coordination.k8s.io", "update", "leases", where=one),
        *_cluster("discovery.k8s.io", "watch", "endpointslices", where=all_of),
        *_cluster("apps", "get", "deployments", "replicasets", where=one),
        *_cluster("apps", "list", "deployments", where=all_of),
        *_cluster("apps", "patch", "deployments/scale", where=one),
        *_cluster("batch", "create", "jobs", where=all_of), *_cluster("batch", "list", "jobs", where=all_of),
        *_cluster("batch", "delete", "jobs", where=one),
        *_cluster("networking.k8s.io", "list", "ingresses", where=all_of),
        *_cluster("authentication.k8s.io", "create", "tokenreviews"),
        *_cluster("authorization.k8s.io", "create", "subjectaccessreviews", "selfsubjectaccessreviews"),
        *_cluster("core", "list", "nodes", "namespaces"),
        Action("url", "get version"),
    )  # fmt: skip


CLUSTER_ENUMERATION: Final = (
    *_cluster("authorization.k8s.io", "create", "selfsubjectrulesreviews", "selfsubjectaccessreviews"),
    *_cluster("core", "list", "namespaces", "nodes", "pods", "services", "serviceaccounts", "configmaps", "secrets"),
    *_cluster("rbac.authorization.k8s.io", "list", "clusterroles", "clusterrolebindings", "roles", "rolebindings"),
    *_cluster("apps", "list", "deployments", "daemonsets", "statefulsets"), *_cluster("batch", "list", "cronjobs"),
    *_cluster("networking.k8s.io", "list", "ingresses", "networkpolicies"),
    *_cluster("apiextensions.k8s.io", "list", "customresourcedefinitions"),
    Action("url", "get version"), Action("url", "get apis"),
)  # fmt: skip

CLUSTER_SECRETS: Final = (
    *_cluster("core", "list", "secrets"), *_cluster("core", "list", "secrets", where="kube-system/"),
    *(Action("core", "get secrets", resource=name)
      for name in ("default/database", "platform/registry", "platform/signing", "kube-system/cloud-credentials")),
    *_cluster("core", "create", "serviceaccounts/token", where="kube-system/default"),
)  # fmt: skip

CLUSTER_PRIVILEGED: Final = (
    *_cluster("core", "create", "pods/exec", where="default/app"),
    *_cluster("core", "create", "pods", where="kube-system/"),
    *_cluster("core", "create", "pods", "serviceaccounts", "secrets", where="default/"),
    *_cluster("core", "create", "serviceaccounts/token", where="platform/deployer"),
    *_cluster("rbac.authorization.k8s.io", "create", "clusterrolebindings", "clusterroles"),
    *_cluster("rbac.authorization.k8s.io", "create", "rolebindings", where="kube-system/"),
    *_cluster("apps", "create", "daemonsets", where="kube-system/"),
    *_cluster("apps", "patch", "deployments", where="default/app"),
    *_cluster("batch", "create", "cronjobs", where="default/"),
    *_cluster("authentication.k8s.io", "create", "tokenreviews"),
    *_cluster("certificates.k8s.io", "create", "certificatesigningrequests"),
    *_cluster("certificates.k8s.io", "update", "certificatesigningrequests/approval", where="/csr-app"),
)  # fmt: skip

# What strangers try in a cluster. Scanners, operators, GitOps and administrators do every one of these as well.
CLUSTER_STRANGE: Final = tuple(dict.fromkeys((*CLUSTER_ENUMERATION, *CLUSTER_SECRETS, *CLUSTER_PRIVILEGED)))

CLUSTER_TAMPERING: Final = (
    *_cluster("core", "delete", "events", where="default/"),
    *_cluster("core", "patch", "configmaps", where="kube-system/log-forwarder"),
    *_cluster("apps", "patch", "daemonsets", where="kube-system/log-forwarder"),
    *_cluster("apps", "delete", "daemonsets", where="kube-system/runtime-sensor"),
    *_cluster("admissionregistration.k8s.io", "delete", "validatingwebhookconfigurations", where="/policy"),
    *_cluster("admissionregistration.k8s.io", "patch", "mutatingwebhookconfigurations", where="/policy"),
    *_cluster("networking.k8s.io", "delete", "networkpolicies", where="default/deny"),
)  # fmt: skip

CLUSTER_PERSISTENCE: Final = (
    *_cluster("core", "create", "serviceaccounts", "secrets", where="kube-system/"),
    *_cluster("rbac.authorization.k8s.io", "create", "clusterrolebindings"),
    *_cluster("batch", "create", "cronjobs", where="kube-system/"),
    *_cluster("apps", "create", "daemonsets", where="kube-system/"),
    *_cluster("certificates.k8s.io", "create", "certificatesigningrequests"),
    *_cluster("certificates.k8s.io", "update", "certificatesigningrequests/approval", where="/csr-app"),
)  # fmt: skip

# What sets up a cluster does and undoes, all of it: nothing that a thief does there is done by thieves alone.
CLUSTER_UPKEEP: Final = tuple(dict.fromkeys((*CLUSTER_STRANGE, *CLUSTER_TAMPERING, *CLUSTER_PERSISTENCE)))
