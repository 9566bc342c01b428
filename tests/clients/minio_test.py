"""The calls that programs on minio-py make, against the server at DELTASTORE_ENDPOINT."""

import hashlib
import io
import os
import random
import urllib.request
from datetime import timedelta

from minio import Minio
from minio.commonconfig import REPLACE, ComposeSource, CopySource
from minio.deleteobjects import DeleteObject
from minio.error import S3Error

MIB = 1024 * 1024
BUCKET = "minio-py-bucket"
RANDOM = random.Random(20260102)

client = Minio(
    endpoint=os.environ["DELTASTORE_ENDPOINT"].removeprefix("http://"),
    access_key=os.environ["AWS_ACCESS_KEY_ID"],
    secret_key=os.environ["AWS_SECRET_ACCESS_KEY"],
    secure=False,
)


def refused(code, call):
    """The call must fail with this S3 error code."""
    try:
        call()
    except S3Error as error:
        assert error.code == code, f"expected {code}, got {error.code}"
        return
    raise AssertionError(f"expected {code}, but the call succeeded")


def body(key, **arguments):
    answer = client.get_object(bucket_name=BUCKET, object_name=key, **arguments)
    try:
        return answer.read()
    finally:
        answer.close()
        answer.release_conn()


def put(key, data, **arguments):
    return client.put_object(
        bucket_name=BUCKET, object_name=key, data=io.BytesIO(data), length=len(data), **arguments
    )


def buckets():
    assert client.bucket_exists(bucket_name=BUCKET)
    assert not client.bucket_exists(bucket_name="minio-py-not-there")
    assert BUCKET in [bucket.name for bucket in client.list_buckets()]


def small_objects():
    data = RANDOM.randbytes(4321)
    assert put("small", data, metadata={"release": "1.2.3"}).etag == hashlib.md5(data).hexdigest()
    found = client.stat_object(bucket_name=BUCKET, object_name="small")
    assert found.size == len(data)
    assert found.metadata["x-amz-meta-release"] == "1.2.3"
    assert body("small") == data
    assert body("small", offset=100, length=50) == data[100:150]
    refused("NoSuchKey", lambda: body("not-there"))


def large_objects():
    data = RANDOM.randbytes(21 * MIB + 3)
    etag = put("large", data, part_size=5 * MIB, num_parallel_uploads=3).etag
    assert etag.endswith("-5"), etag
    assert body("large") == data
    assert body("large", offset=5 * MIB - 4, length=8) == data[5 * MIB - 4 : 5 * MIB + 4]
    client.put_object(bucket_name=BUCKET, object_name="stream", data=io.BytesIO(data), length=-1, part_size=8 * MIB)
    assert body("stream") == data
    client.compose_object(
        bucket_name=BUCKET,
        object_name="composed",
        sources=[
            ComposeSource(bucket_name=BUCKET, object_name="large"),
            ComposeSource(bucket_name=BUCKET, object_name="small"),
        ],
    )
    assert body("composed") == data + body("small")


def copies():
    client.copy_object(
        bucket_name=BUCKET, object_name="copy ü+", source=CopySource(bucket_name=BUCKET, object_name="small")
    )
    assert body("copy ü+") == body("small")
    client.copy_object(
        bucket_name=BUCKET,
        object_name="copy ü+",
        source=CopySource(bucket_name=BUCKET, object_name="copy ü+"),
        metadata={"touched": "1"},
        metadata_directive=REPLACE,
    )
    found = client.stat_object(bucket_name=BUCKET, object_name="copy ü+")
    assert found.metadata["x-amz-meta-touched"] == "1"
    assert "x-amz-meta-release" not in found.metadata


def listing():
    for number in range(12):
        put(f"list/{number % 3}/{number:02}", b"x")
    for v1 in (False, True):
        top = client.list_objects(bucket_name=BUCKET, prefix="list/", use_api_v1=v1)
        assert [entry.object_name for entry in top] == ["list/0/", "list/1/", "list/2/"]
        every = client.list_objects(bucket_name=BUCKET, prefix="list/", recursive=True, use_api_v1=v1)
        names = [entry.object_name for entry in every]
        assert len(names) == 12 and names == sorted(names)
    after = client.list_objects(bucket_name=BUCKET, prefix="list/", recursive=True, start_after="list/2/08")
    assert [entry.object_name for entry in after] == ["list/2/11"]


def presigned():
    url = client.presigned_put_object(bucket_name=BUCKET, object_name="signed", expires=timedelta(minutes=1))
    plain = {"Content-Type": "application/octet-stream"}
    with urllib.request.urlopen(urllib.request.Request(url, data=b"by url", method="PUT", headers=plain)) as answer:
        assert answer.status == 200
    url = client.presigned_get_object(bucket_name=BUCKET, object_name="signed", expires=timedelta(minutes=1))
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"by url"


def deletes():
    refused("BucketNotEmpty", lambda: client.remove_bucket(bucket_name=BUCKET))
    client.remove_object(bucket_name=BUCKET, object_name="small")
    refused("NoSuchKey", lambda: client.stat_object(bucket_name=BUCKET, object_name="small"))
    names = [entry.object_name for entry in client.list_objects(bucket_name=BUCKET, recursive=True)]
    targets = [DeleteObject(name=name) for name in names]
    assert not list(client.remove_objects(bucket_name=BUCKET, delete_object_list=targets))
    assert not list(client.list_objects(bucket_name=BUCKET, recursive=True))


if __name__ == "__main__":
    client.make_bucket(bucket_name=BUCKET)
    for check in (buckets, small_objects, large_objects, copies, listing, presigned, deletes):
        print(f"minio-py: {check.__name__}", flush=True)
        check()
    client.remove_bucket(bucket_name=BUCKET)
    assert not client.bucket_exists(bucket_name=BUCKET)
    print("minio-py: all well")
