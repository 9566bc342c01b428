"""The S3 calls that programs on boto3 make, against the server at DELTASTORE_ENDPOINT."""

import base64
import hashlib
import io
import os
import random
import sys
import urllib.error
import urllib.request
import zlib

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

MIB = 1024 * 1024
BUCKET = "boto3-bucket"
ENDPOINT = os.environ["DELTASTORE_ENDPOINT"]
RANDOM = random.Random(20260101)

s3 = boto3.client(
    "s3",
    endpoint_url=ENDPOINT,
    region_name="us-east-1",
    config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
)


def refused(status, codes, call, **arguments):
    """The call must fail with this HTTP status and one of these S3 error codes."""
    try:
        call(**arguments)
    except ClientError as error:
        got = error.response["Error"]["Code"]
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == status, error.response
        assert got in codes, f"expected one of {codes}, got {got}"
        return
    raise AssertionError(f"expected {codes}, but the call succeeded")


def body(key, **arguments):
    return s3.get_object(Bucket=BUCKET, Key=key, **arguments)["Body"].read()


def buckets():
    assert BUCKET in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    assert s3.get_bucket_location(Bucket=BUCKET)["LocationConstraint"] in (None, "us-east-1")
    s3.head_bucket(Bucket=BUCKET)
    refused(404, ["404", "NoSuchBucket"], s3.head_bucket, Bucket="boto3-not-there")
    refused(404, ["NoSuchBucket"], s3.put_object, Bucket="boto3-not-there", Key="k", Body=b"")


def small_objects():
    data = RANDOM.randbytes(4321)
    put = s3.put_object(
        Bucket=BUCKET,
        Key="small",
        Body=data,
        ContentType="application/x-thing",
        CacheControl="max-age=60",
        Metadata={"release": "1.2.3", "built-by": "someone"},
    )
    assert put["ETag"] == f'"{hashlib.md5(data).hexdigest()}"'
    head = s3.head_object(Bucket=BUCKET, Key="small")
    assert head["ContentLength"] == len(data)
    assert head["ContentType"] == "application/x-thing"
    assert head["CacheControl"] == "max-age=60"
    assert head["Metadata"] == {"release": "1.2.3", "built-by": "someone"}
    assert body("small") == data
    answer = s3.get_object(Bucket=BUCKET, Key="small", ResponseContentType="text/plain")
    assert answer["ContentType"] == "text/plain"
    s3.put_object(Bucket=BUCKET, Key="empty", Body=b"")
    assert body("empty") == b""
    s3.put_object(Bucket=BUCKET, Key="small", Body=b"overwritten")
    assert body("small") == b"overwritten"
    refused(404, ["NoSuchKey"], s3.get_object, Bucket=BUCKET, Key="not-there")
    refused(404, ["404", "NoSuchKey"], s3.head_object, Bucket=BUCKET, Key="not-there")


def odd_keys():
    keys = ["odd/a", "odd/a/b", "odd//double", "odd/.hidden", "odd/plus+and space", "odd/ü/日本語", "odd/50%&=?#", "odd/slash/"]
    for key in keys:
        s3.put_object(Bucket=BUCKET, Key=key, Body=key.encode())
    for key in keys:
        assert body(key) == key.encode(), key
    listed = [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET, Prefix="odd/")["Contents"]]
    assert listed == sorted(keys, key=str.encode), listed


def ranges():
    data = RANDOM.randbytes(3 * MIB + 17)
    s3.put_object(Bucket=BUCKET, Key="ranges", Body=data)
    answer = s3.get_object(Bucket=BUCKET, Key="ranges", Range="bytes=1048570-1048590")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert answer["ContentRange"] == f"bytes 1048570-1048590/{len(data)}"
    assert answer["Body"].read() == data[1048570:1048591]
    assert body("ranges", Range="bytes=0-0") == data[:1]
    assert body("ranges", Range="bytes=-100") == data[-100:]
    assert body("ranges", Range="bytes=3145728-") == data[3145728:]
    assert body("ranges", Range="bytes=3145740-99999999") == data[3145740:]
    refused(416, ["InvalidRange"], s3.get_object, Bucket=BUCKET, Key="ranges", Range=f"bytes={len(data)}-")


def conditions():
    etag = s3.put_object(Bucket=BUCKET, Key="lock", Body=b"first", IfNoneMatch="*")["ETag"]
    refused(412, ["PreconditionFailed"], s3.put_object, Bucket=BUCKET, Key="lock", Body=b"second", IfNoneMatch="*")
    assert body("lock") == b"first"
    assert body("lock", IfMatch=etag) == b"first"
    refused(412, ["PreconditionFailed"], s3.get_object, Bucket=BUCKET, Key="lock", IfMatch='"0"')
    refused(304, ["304", "NotModified"], s3.get_object, Bucket=BUCKET, Key="lock", IfNoneMatch=etag)
    refused(412, ["PreconditionFailed"], s3.put_object, Bucket=BUCKET, Key="lock", Body=b"third", IfMatch='"0"')
    s3.put_object(Bucket=BUCKET, Key="lock", Body=b"third", IfMatch=etag)
    assert body("lock") == b"third"


def checksums():
    data = RANDOM.randbytes(70_000)
    for algorithm in ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"):
        key, field = f"checksum/{algorithm}", f"Checksum{algorithm}"
        put = s3.put_object(Bucket=BUCKET, Key=key, Body=data, ChecksumAlgorithm=algorithm)
        head = s3.head_object(Bucket=BUCKET, Key=key, ChecksumMode="ENABLED")
        assert head[field] == put[field], algorithm
        # A body without a known length goes out in chunks with the checksum behind it.
        s3.put_object(Bucket=BUCKET, Key=key, Body=io.BytesIO(data), ChecksumAlgorithm=algorithm)
        assert body(key, ChecksumMode="ENABLED") == data
        wrong = base64.b64encode(bytes(len(base64.b64decode(put[field])))).decode()
        refused(
            400,
            ["BadDigest", "InvalidDigest", "XAmzContentChecksumMismatch"],
            s3.put_object,
            Bucket=BUCKET,
            Key=f"{key}-wrong",
            Body=data,
            **{field: wrong},
        )
        refused(404, ["404", "NoSuchKey"], s3.head_object, Bucket=BUCKET, Key=f"{key}-wrong")
    sha256 = base64.b64encode(hashlib.sha256(data).digest()).decode()
    assert s3.put_object(Bucket=BUCKET, Key="checksum/given", Body=data, ChecksumSHA256=sha256)["ChecksumSHA256"] == sha256
    # Without being asked for one, boto3 sends a CRC32.
    default = s3.put_object(Bucket=BUCKET, Key="checksum/default", Body=data)
    assert default["ChecksumCRC32"] == base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()
    md5 = base64.b64encode(hashlib.md5(data).digest()).decode()
    s3.put_object(Bucket=BUCKET, Key="checksum/md5", Body=data, ContentMD5=md5)
    wrong = base64.b64encode(bytes(16)).decode()
    refused(400, ["BadDigest", "InvalidDigest"], s3.put_object, Bucket=BUCKET, Key="checksum/md5", Body=data, ContentMD5=wrong)


def attributes():
    got = s3.get_object_attributes(
        Bucket=BUCKET, Key="checksum/SHA256", ObjectAttributes=["ETag", "ObjectSize", "Checksum", "StorageClass"]
    )
    assert got["ObjectSize"] == 70_000
    assert got["Checksum"]["ChecksumSHA256"]


def listing():
    keys = [f"list/{folder}/{number:02}" for folder in ("a", "b", "c") for number in range(9)] + ["list/top"]
    for key in keys:
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    for operation in ("list_objects_v2", "list_objects"):
        pages = s3.get_paginator(operation).paginate(Bucket=BUCKET, Prefix="list/", PaginationConfig={"PageSize": 4})
        seen = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        assert seen == keys, operation
        pages = s3.get_paginator(operation).paginate(
            Bucket=BUCKET, Prefix="list/", Delimiter="/", PaginationConfig={"PageSize": 2}
        )
        folders, files = [], []
        for page in pages:
            folders += [entry["Prefix"] for entry in page.get("CommonPrefixes", [])]
            files += [entry["Key"] for entry in page.get("Contents", [])]
        assert (folders, files) == (["list/a/", "list/b/", "list/c/"], ["list/top"]), operation
    after = s3.list_objects_v2(Bucket=BUCKET, Prefix="list/", StartAfter="list/c/05", MaxKeys=2)
    assert [entry["Key"] for entry in after["Contents"]] == ["list/c/06", "list/c/07"]
    assert after["IsTruncated"] and after["KeyCount"] == 2


def copies():
    s3.put_object(Bucket=BUCKET, Key="copy/from +ü", Body=b"copied", Metadata={"kept": "yes"}, ContentType="text/x-a")
    source = {"Bucket": BUCKET, "Key": "copy/from +ü"}
    s3.copy_object(Bucket=BUCKET, Key="copy/to", CopySource=source)
    assert body("copy/to") == b"copied"
    assert s3.head_object(Bucket=BUCKET, Key="copy/to")["Metadata"] == {"kept": "yes"}
    itself = {"Bucket": BUCKET, "Key": "copy/to"}
    s3.copy_object(Bucket=BUCKET, Key="copy/to", CopySource=itself, MetadataDirective="REPLACE", Metadata={"touched": "1"})
    head = s3.head_object(Bucket=BUCKET, Key="copy/to")
    assert head["Metadata"] == {"touched": "1"}
    assert body("copy/to") == b"copied"
    refused(400, ["InvalidRequest"], s3.copy_object, Bucket=BUCKET, Key="copy/to", CopySource=itself)
    missing = {"Bucket": BUCKET, "Key": "copy/none"}
    refused(404, ["NoSuchKey"], s3.copy_object, Bucket=BUCKET, Key="copy/to", CopySource=missing)


def large_objects():
    data = RANDOM.randbytes(24 * MIB + 5)
    config = TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=8 * MIB, max_concurrency=4)
    s3.upload_fileobj(io.BytesIO(data), BUCKET, "large", Config=config, ExtraArgs={"Metadata": {"big": "1"}})
    head = s3.head_object(Bucket=BUCKET, Key="large")
    parts = [data[start : start + 8 * MIB] for start in range(0, len(data), 8 * MIB)]
    digest = hashlib.md5(b"".join(hashlib.md5(part).digest() for part in parts)).hexdigest()
    assert head["ETag"] == f'"{digest}-4"', head["ETag"]
    assert head["Metadata"] == {"big": "1"}
    back = io.BytesIO()
    s3.download_fileobj(BUCKET, "large", back, Config=config)
    assert back.getvalue() == data
    assert body("large", Range="bytes=8388600-8388620") == data[8388600:8388621]
    assert body("large", PartNumber=4) == data[24 * MIB :]


def multipart():
    parts = [RANDOM.randbytes(5 * MIB), RANDOM.randbytes(6 * MIB), RANDOM.randbytes(99)]
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="multi", ChecksumAlgorithm="SHA256", ContentType="text/x-m")
    which = {"Bucket": BUCKET, "Key": "multi", "UploadId": upload["UploadId"]}
    sent = []
    for number, part in enumerate(parts, 1):
        put = s3.upload_part(**which, PartNumber=number, Body=part, ChecksumAlgorithm="SHA256")
        sent.append({"PartNumber": number, "ETag": put["ETag"], "ChecksumSHA256": put["ChecksumSHA256"]})
    assert [part["Size"] for part in s3.list_parts(**which)["Parts"]] == [len(part) for part in parts]
    assert upload["UploadId"] in [u["UploadId"] for u in s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])]
    bad = [dict(sent[0], ETag='"00000000000000000000000000000000"'), *sent[1:]]
    refused(400, ["InvalidPart"], s3.complete_multipart_upload, **which, MultipartUpload={"Parts": bad})
    swapped = {"Parts": [sent[1], sent[0], sent[2]]}
    refused(400, ["InvalidPartOrder"], s3.complete_multipart_upload, **which, MultipartUpload=swapped)
    done = s3.complete_multipart_upload(**which, MultipartUpload={"Parts": sent})
    # A retry after a lost answer.
    again = s3.complete_multipart_upload(**which, MultipartUpload={"Parts": sent})
    same = ["Location", "Bucket", "Key", "ETag", "ChecksumSHA256", "ChecksumType"]
    assert [again[name] for name in same] == [done[name] for name in same]
    assert done["Location"] == f"{ENDPOINT}/{BUCKET}/multi"
    composite = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).digest()
    assert done["ChecksumSHA256"] == base64.b64encode(composite).decode() + "-3"
    assert body("multi") == b"".join(parts)
    assert s3.head_object(Bucket=BUCKET, Key="multi")["ContentType"] == "text/x-m"

    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="from-parts")
    which = {"Bucket": BUCKET, "Key": "from-parts", "UploadId": upload["UploadId"]}
    source = {"Bucket": BUCKET, "Key": "multi"}
    copied = [
        s3.upload_part_copy(**which, PartNumber=1, CopySource=source, CopySourceRange=f"bytes=1-{5 * MIB}"),
        s3.upload_part_copy(**which, PartNumber=2, CopySource=source),
    ]
    sent = [{"PartNumber": n, "ETag": part["CopyPartResult"]["ETag"]} for n, part in enumerate(copied, 1)]
    s3.complete_multipart_upload(**which, MultipartUpload={"Parts": sent})
    whole = b"".join(parts)
    assert body("from-parts") == whole[1 : 5 * MIB + 1] + whole

    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="aborted")
    which = {"Bucket": BUCKET, "Key": "aborted", "UploadId": upload["UploadId"]}
    small = [s3.upload_part(**which, PartNumber=n, Body=b"too small")["ETag"] for n in (1, 2)]
    tiny = {"Parts": [{"PartNumber": n, "ETag": etag} for n, etag in enumerate(small, 1)]}
    refused(400, ["EntityTooSmall"], s3.complete_multipart_upload, **which, MultipartUpload=tiny)
    s3.abort_multipart_upload(**which)
    refused(404, ["NoSuchUpload"], s3.list_parts, **which)
    assert not s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads")
    refused(404, ["404", "NoSuchKey"], s3.head_object, Bucket=BUCKET, Key="aborted")


def http(method, url, data=None, headers=None):
    request = urllib.request.Request(url, data=data, method=method, headers=headers or {"Content-Type": "application/octet-stream"})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def presigned():
    where = {"Bucket": BUCKET, "Key": "signed/ü +1"}
    assert http("PUT", s3.generate_presigned_url("put_object", Params=where, ExpiresIn=60), b"by url")[0] == 200
    url = s3.generate_presigned_url("get_object", Params=where, ExpiresIn=60)
    assert http("GET", url) == (200, b"by url")
    assert http("GET", url, headers={"Range": "bytes=3-5"}) == (206, b"url")
    # Longer than a signature can be, another one, and one for something else.
    mismatch = b"<Code>SignatureDoesNotMatch</Code>"
    status, answer = http("GET", url.replace("X-Amz-Signature=", "X-Amz-Signature=0"))
    assert status == 403 and mismatch in answer, answer
    signature = url.split("X-Amz-Signature=")[1].split("&")[0]
    status, answer = http("GET", url.replace(signature, signature[::-1]))
    assert status == 403 and mismatch in answer, answer
    status, answer = http("PUT", url, b"with a GET's signature")
    assert status == 403 and mismatch in answer, answer
    status, answer = http("GET", f"{ENDPOINT}/{BUCKET}/small")
    assert status == 403 and b"<Code>AccessDenied</Code>" in answer, answer
    assert http("GET", url) == (200, b"by url")
    with_metadata = {**where, "Metadata": {"job": "7"}}
    url = s3.generate_presigned_url("put_object", Params=with_metadata, ExpiresIn=60)
    assert http("PUT", url, b"by url", {"x-amz-meta-job": "7", "Content-Type": "text/plain"})[0] == 200
    assert s3.head_object(**where)["Metadata"] == {"job": "7"}


def deletes():
    refused(409, ["BucketNotEmpty"], s3.delete_bucket, Bucket=BUCKET)
    s3.delete_object(Bucket=BUCKET, Key="small")
    s3.delete_object(Bucket=BUCKET, Key="small")
    refused(404, ["NoSuchKey"], s3.get_object, Bucket=BUCKET, Key="small")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    keys = [{"Key": entry["Key"]} for page in pages for entry in page.get("Contents", [])]
    answer = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [*keys, {"Key": "never-there"}]})
    assert len(answer["Deleted"]) == len(keys) + 1 and not answer.get("Errors")
    assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0


def wrong_credentials():
    stranger = boto3.client(
        "s3", endpoint_url=ENDPOINT, region_name="us-east-1", aws_access_key_id="AKSTRANGER", aws_secret_access_key="x" * 40
    )
    refused(403, ["InvalidAccessKeyId"], stranger.list_buckets)
    liar = boto3.client("s3", endpoint_url=ENDPOINT, region_name="us-east-1", aws_secret_access_key="x" * 40,
                        aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"])
    refused(403, ["SignatureDoesNotMatch"], liar.list_buckets)


CHECKS = [
    buckets, small_objects, odd_keys, ranges, conditions, checksums, attributes, listing, copies,
    large_objects, multipart, presigned, wrong_credentials, deletes,
]  # fmt: skip

if __name__ == "__main__":
    wanted = sys.argv[1:]
    s3.create_bucket(Bucket=BUCKET)
    for check in CHECKS:
        if not wanted or check.__name__ in wanted:
            print(f"boto3: {check.__name__}", flush=True)
            check()
    if not wanted:
        s3.delete_bucket(Bucket=BUCKET)
        refused(404, ["404", "NoSuchBucket"], s3.head_bucket, Bucket=BUCKET)
    print("boto3: all well")
