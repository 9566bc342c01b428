#!/usr/bin/env bash
# What people do with the aws command line. Runs in an empty folder; the server is at DELTASTORE_ENDPOINT.
set -euo pipefail

export AWS_ENDPOINT_URL="$DELTASTORE_ENDPOINT" AWS_PAGER="" AWS_MAX_ATTEMPTS=1
bucket=awscli-bucket

step() { echo "aws: $1"; }
die() { echo "aws: $1" >&2; exit 1; }
same() { [[ "$1" == "$2" ]] || die "expected '$2', got '$1'"; }

# refused CODE command…: the command must fail and name this error code.
refused() {
    local code=$1 said
    shift
    if said=$("$@" 2>&1); then die "expected $code, but this succeeded: $*"; fi
    [[ "$said" == *"$code"* ]] || die "expected $code from '$*', got: $said"
}

# Objects over 8 MiB go up in parts.
mkdir -p tree/docs/deep tree/bin
head -c 25165841 /dev/urandom > tree/bin/large
head -c 5000 /dev/urandom > tree/bin/small
echo one > tree/docs/one.txt
echo two > "tree/docs/deep/two + ü.txt"
: > tree/empty

step "mb, ls"
aws s3 mb "s3://$bucket"
aws s3 ls | grep " $bucket$" > /dev/null
refused NoSuchBucket aws s3 ls s3://awscli-not-there

step "cp up and down, small and in parts"
aws s3 cp --no-progress tree/bin/small "s3://$bucket/small" --metadata release=1.2.3 --content-type application/x-thing
aws s3 cp --no-progress tree/bin/large "s3://$bucket/large"
aws s3 cp --no-progress "s3://$bucket/small" small.back
aws s3 cp --no-progress "s3://$bucket/large" large.back
cmp tree/bin/small small.back
cmp tree/bin/large large.back
same "$(aws s3api head-object --bucket $bucket --key small --query 'Metadata.release' --output text)" 1.2.3
same "$(aws s3api head-object --bucket $bucket --key large --query ContentLength --output text)" 25165841
echo piped | aws s3 cp - "s3://$bucket/piped"
same "$(aws s3 cp "s3://$bucket/piped" -)" piped

step "sync up, ls, sync down"
aws s3 sync --no-progress tree "s3://$bucket/tree"
same "$(aws s3 sync --no-progress tree "s3://$bucket/tree")" ""
same "$(aws s3 ls --recursive "s3://$bucket/tree/" | wc -l)" 5
aws s3 ls "s3://$bucket/tree/" | grep 'PRE docs/' > /dev/null
aws s3 sync --no-progress "s3://$bucket/tree" tree.back
diff -r tree tree.back
rm tree/docs/one.txt
aws s3 sync --no-progress --delete tree "s3://$bucket/tree"
same "$(aws s3 ls --recursive "s3://$bucket/tree/" | wc -l)" 4

step "ranges"
aws s3api get-object --bucket $bucket --key large --range bytes=8388600-8388619 range.back > /dev/null
cmp range.back <(tail -c +8388601 tree/bin/large | head -c 20)
aws s3api get-object --bucket $bucket --key large --range bytes=-7 range.back > /dev/null
cmp range.back <(tail -c 7 tree/bin/large)
refused InvalidRange aws s3api get-object --bucket $bucket --key small --range bytes=5000- range.back

step "listing in pages"
for number in 1 2 3 4 5 6 7; do aws s3api put-object --bucket $bucket --key "list/$number/x" > /dev/null; done
keys=$(aws s3api list-objects-v2 --bucket $bucket --prefix list/ --page-size 3 --query 'Contents[].Key' --output text)
same "$(tr '\t' '\n' <<< "$keys" | wc -l)" 7
folders=$(aws s3api list-objects-v2 --bucket $bucket --prefix list/ --delimiter / --page-size 2 --query 'CommonPrefixes[].Prefix' --output text)
same "$(tr '\t' '\n' <<< "$folders" | tail -n 1)" list/7/
same "$(tr '\t' '\n' <<< "$folders" | wc -l)" 7

step "copy and mv on the server"
aws s3 cp --no-progress "s3://$bucket/small" "s3://$bucket/small.copy"
aws s3 cp --no-progress "s3://$bucket/large" "s3://$bucket/large.copy"
aws s3 mv --no-progress "s3://$bucket/large.copy" "s3://$bucket/large.moved"
aws s3 cp --no-progress "s3://$bucket/large.moved" large.back
cmp tree/bin/large large.back
refused 404 aws s3api head-object --bucket $bucket --key large.copy
same "$(aws s3api head-object --bucket $bucket --key small.copy --query 'Metadata.release' --output text)" 1.2.3

step "checksums"
sum=$(openssl dgst -sha256 -binary tree/bin/small | base64)
put() { aws s3api put-object --bucket $bucket --key sums --body tree/bin/small --output text "$@"; }
same "$(put --checksum-sha256 "$sum" --query ChecksumSHA256)" "$sum"
for algorithm in CRC32 CRC32C CRC64NVME SHA1 SHA256; do
    sent=$(put --checksum-algorithm $algorithm --query Checksum$algorithm)
    kept=$(aws s3api head-object --bucket $bucket --key sums --checksum-mode ENABLED --query Checksum$algorithm --output text)
    same "$kept" "$sent"
done
refused BadDigest put --checksum-sha256 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
aws s3 cp --no-progress tree/bin/large "s3://$bucket/sums.large" --checksum-algorithm SHA256
aws s3 cp --no-progress "s3://$bucket/sums.large" large.back --checksum-mode ENABLED
cmp tree/bin/large large.back

step "conditional put"
aws s3api put-object --bucket $bucket --key lock --if-none-match '*' > /dev/null
refused PreconditionFailed aws s3api put-object --bucket $bucket --key lock --if-none-match '*'

# http METHOD URL [FILE]: the answer's body, and its status on a line of its own.
http() {
    python3 - "$@" << 'PYTHON'
import sys, urllib.error, urllib.request

method, url, *file = sys.argv[1:]
body = open(file[0], "rb").read() if file else None
headers = {"Content-Type": "application/octet-stream"} if file else {}
request = urllib.request.Request(url, body, headers, method=method)
try:
    answer = urllib.request.urlopen(request)
except urllib.error.HTTPError as error:
    answer = error
sys.stdout.buffer.write(answer.read() + b"\n%d" % answer.status)
PYTHON
}

step "presigned the old way is refused and says what to set"
said=$(http GET "$(aws s3 presign "s3://$bucket/small" --expires-in 60)")
[[ "$said" == *"<Code>InvalidRequest</Code>"*"signature_version"*s3v4*$'\n400' ]] || die "expected a word about s3v4, got: $said"

step "presigned GET and PUT"
printf '[default]\ns3 =\n    signature_version = s3v4\n' > config
signed() { AWS_CONFIG_FILE=config "$@"; }
url=$(signed aws s3 presign "s3://$bucket/small" --expires-in 60)
http GET "$url" | cmp - <(cat tree/bin/small; printf '\n200')
said=$(http PUT "$url" tree/bin/small)
[[ "$said" == *"<Code>SignatureDoesNotMatch</Code>"*$'\n403' ]] || die "a GET's signature let a PUT in: $said"
# `aws s3 presign` makes no URL for a PUT, the library below it does.
cat > presign_put.py << 'PYTHON'
import sys
import botocore.session

where = {"Bucket": sys.argv[1], "Key": sys.argv[2]}
print(botocore.session.get_session().create_client("s3").generate_presigned_url("put_object", where, 60))
PYTHON
url=$(signed python3 presign_put.py $bucket "by url/ü + 1")
[[ "$url" == *X-Amz-Signature=* ]] || die "not a URL of signature version 4: $url"
same "$(http PUT "$url" tree/bin/small)" $'\n200'
aws s3 cp --no-progress "s3://$bucket/by url/ü + 1" small.back
cmp tree/bin/small small.back

step "multipart by hand, abort"
upload=$(aws s3api create-multipart-upload --bucket $bucket --key half --query UploadId --output text)
aws s3api upload-part --bucket $bucket --key half --upload-id "$upload" --part-number 1 --body tree/bin/small > /dev/null
same "$(aws s3api list-parts --bucket $bucket --key half --upload-id "$upload" --query 'Parts[].Size' --output text)" 5000
aws s3api abort-multipart-upload --bucket $bucket --key half --upload-id "$upload"
refused NoSuchUpload aws s3api list-parts --bucket $bucket --key half --upload-id "$upload"

step "rm, rb"
refused BucketNotEmpty aws s3 rb "s3://$bucket"
aws s3api delete-objects --bucket $bucket --delete 'Objects=[{Key=list/1/x},{Key=list/2/x}]' > /dev/null
aws s3 rm --quiet "s3://$bucket/small"
aws s3 rm --quiet --recursive "s3://$bucket"
same "$(aws s3 ls --recursive "s3://$bucket")" ""
aws s3 rb "s3://$bucket"
refused NoSuchBucket aws s3api list-objects-v2 --bucket $bucket
echo "aws: all well"
