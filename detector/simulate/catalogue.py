"""What can be called, by service, and what it is for: the pools that workloads, tools, scanners and thieves draw from.

Nothing here is only for attackers: administrators change policies, posture scanners enumerate everything, and
infrastructure as code makes users and keys.
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
    *_write("iam", "AttachRolePolicy", "PutRolePolicy", "CreatePolicyVersion", "UpdateAssumeRolePolicy", "PassRole",
            "CreateAccessKey", "CreateUser", "AttachUserPolicy", "CreateLoginProfile", "AddUserToGroup",
            "CreateOpenIDConnectProvider", "UpdateOpenIDConnectProviderThumbprint"),
    *_write("sts", "AssumeRole"), *_write("lambda", "UpdateFunctionConfiguration20150331v2"),
    *_write("kms", "PutKeyPolicy"), *_write("s3", "PutBucketPolicy"),
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
