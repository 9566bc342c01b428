#!/usr/bin/env python3
"""boto3 against a Deltastore: upload, range read, conditional PUT, multipart upload, listing.

usage: boto3_example.py [ENDPOINT]     default: DELTASTORE_ENDPOINT or http://127.0.0.1:9000

Needs boto3, and AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY set to the server's root credentials.
"""

import io
import os
import random
import sys

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("DELTASTORE_ENDPOINT", "http://127.0.0.1:9000")
s3 = boto3.client(
    "s3", endpoint_url=endpoint, region_name="us-east-1", config=Config(s3={"addressing_style": "path"})
)

bucket = f"boto3-example-{random.randrange(1_000_000)}"
s3.create_bucket(Bucket=bucket)

# Two versions of one object under one prefix: the second is stored as a delta of the first.
first = random.Random(1).randbytes(3 << 20)
second = first[: 1 << 20] + b"inserted" + first[1 << 20 :]
s3.put_object(Bucket=bucket, Key="app/1.bin", Body=first, Metadata={"release": "1"})
s3.put_object(Bucket=bucket, Key="app/2.bin", Body=second, Metadata={"release": "2"}, ChecksumAlgorithm="SHA256")

# A range read decodes only the windows it touches.
part = s3.get_object(Bucket=bucket, Key="app/2.bin", Range="bytes=1048576-1048583")["Body"].read()
assert part == b"inserted", part

# Conditions are atomic: only one writer creates the key.
s3.put_object(Bucket=bucket, Key="lock", Body=b"", IfNoneMatch="*")
try:
    s3.put_object(Bucket=bucket, Key="lock", Body=b"", IfNoneMatch="*")
    raise SystemExit("the second writer was not refused")
except ClientError as error:
    assert error.response["Error"]["Code"] == "PreconditionFailed", error

# Large files are uploaded in parts.
config = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20)
large = random.Random(2).randbytes(12 << 20)
s3.upload_fileobj(io.BytesIO(large), bucket, "large.bin", Config=config)
assert s3.get_object(Bucket=bucket, Key="large.bin")["Body"].read() == large

# The root user sees how each object is stored.
for object in s3.list_objects_v2(Bucket=bucket)["Contents"]:
    headers = s3.head_object(Bucket=bucket, Key=object["Key"])["ResponseMetadata"]["HTTPHeaders"]
    stored, kind = headers["x-deltastore-stored-bytes"], headers["x-amz-storage-type"]
    print(f"{object['Key']:12} {object['Size']:>10} bytes, stored in {stored:>10} bytes as {kind}")

for object in s3.list_objects_v2(Bucket=bucket)["Contents"]:
    s3.delete_object(Bucket=bucket, Key=object["Key"])
s3.delete_bucket(Bucket=bucket)
