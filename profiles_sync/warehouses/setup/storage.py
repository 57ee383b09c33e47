"""What gives the rights to the storage in which rows wait to be loaded: a bucket of S3, a container of Azure's.

Source: Amazon Redshift documentation, "IAM permissions for COPY, UNLOAD, and CREATE LIBRARY"; Microsoft documentation,
"Securely load data using Synapse SQL", "Azure built-in roles for Storage".
"""

import shlex

#: The roles of a container's data, and who gets them.
CONTRIBUTOR, READER = "Storage Blob Data Contributor", "Storage Blob Data Reader"
SYNC, POOL = "SYNC_IDENTITY", "POOL_IDENTITY"
_ACCOUNT = "/subscriptions/SUBSCRIPTION/resourceGroups/RESOURCE_GROUP/providers/Microsoft.Storage/storageAccounts"


def bucket_right(action: str, bucket: str, prefix: str = "", partition: str = "aws") -> str:
    """A right to a bucket, or to what is in it below a prefix, as one says it."""
    inside = "" if action == "s3:ListBucket" else f"/{prefix.strip('/')}/*" if prefix.strip("/") else "/*"
    return f"allow {action} on arn:{partition}:s3:::{bucket}{inside}"


def container(account: str, name: str) -> str:
    """The command that makes a container."""
    return f"az storage container create --auth-mode login --account-name {shlex.quote(account)} --name {name}"


def container_role(role: str, whom: str, account: str, name: str) -> str:
    """The command that gives somebody a role on a container."""
    scope = shlex.quote(f"{_ACCOUNT}/{account}/blobServices/default/containers/{name}")
    return f"az role assignment create --role '{role}' --assignee {whom} --scope {scope}"
