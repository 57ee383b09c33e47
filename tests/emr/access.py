"""What a request to S3 needs by IAM, and whether a policy has it. Source: AWS, "Required permissions for Amazon S3 API
operations"; only what clients of object stores ask for.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from urllib.parse import parse_qs, unquote

_DELETED = re.compile(rb"<Key>(.*?)</Key>", re.DOTALL)


def needed(
    method: str, path: str, query: str, headers: Mapping[str, str], body: bytes = b""
) -> Iterator[tuple[str, str]]:
    """Each action and its resource, of a request with the bucket in its path."""
    bucket, _, key = unquote(path).strip("/").partition("/")
    asked = parse_qs(query, keep_blank_values=True)
    if key:
        yield _of_object(method, asked), f"arn:aws:s3:::{bucket}/{key}"
    elif method == "POST" and "delete" in asked:
        for one in _DELETED.findall(body):
            yield "s3:DeleteObject", f"arn:aws:s3:::{bucket}/{one.decode()}"
    else:
        yield _of_bucket(method, asked), f"arn:aws:s3:::{bucket}"
    if copied := headers.get("x-amz-copy-source"):
        yield "s3:GetObject", f"arn:aws:s3:::{unquote(copied).lstrip('/')}"


def _of_object(method: str, asked: Mapping[str, Sequence[str]]) -> str:
    if "tagging" in asked or "acl" in asked:
        return f"s3:{method.title()}Object{'Tagging' if 'tagging' in asked else 'Acl'}"
    if "uploadId" in asked and method in {"GET", "DELETE"}:
        return "s3:ListMultipartUploadParts" if method == "GET" else "s3:AbortMultipartUpload"
    return {"GET": "s3:GetObject", "HEAD": "s3:GetObject", "DELETE": "s3:DeleteObject"}.get(method, "s3:PutObject")


def _of_bucket(method: str, asked: Mapping[str, Sequence[str]]) -> str:
    if method in {"GET", "HEAD"}:
        return next((name for word, name in _ASKED_OF_BUCKETS.items() if word in asked), "s3:ListBucket")
    return f"s3:{method.title()}Bucket"


_ASKED_OF_BUCKETS = {
    "location": "s3:GetBucketLocation",
    "versioning": "s3:GetBucketVersioning",
    "versions": "s3:ListBucketVersions",
    "uploads": "s3:ListBucketMultipartUploads",
}


def granted(policy: Mapping[str, object], action: str, resource: str) -> str | None:
    """The grant that allows it, as `Sid action`; None where none does. Nothing is denied, and grants have no terms."""
    for statement in policy["Statement"]:
        assert set(statement) == {"Sid", "Effect", "Action", "Resource"}, statement
        assert statement["Effect"] == "Allow"
        if action in listed(statement["Action"]) and any(
            fnmatchcase(resource, one) for one in listed(statement["Resource"])
        ):
            return f"{statement['Sid']} {action}"
    return None


def listed(one: str | Sequence[str]) -> Sequence[str]:
    """What may stand in a policy with and without brackets."""
    return [one] if isinstance(one, str) else one
