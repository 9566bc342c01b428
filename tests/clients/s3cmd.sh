#!/usr/bin/env bash
# What people do with s3cmd. Runs in an empty folder; the server is at DELTASTORE_ENDPOINT.
set -euo pipefail

host="${DELTASTORE_ENDPOINT#http://}"
cat > s3cmd.conf <<END
[default]
access_key = $AWS_ACCESS_KEY_ID
secret_key = $AWS_SECRET_ACCESS_KEY
host_base = $host
host_bucket = $host
use_https = False
bucket_location = us-east-1
multipart_chunk_size_mb = 5
progress_meter = False
max_retries = 1
END
s3() { s3cmd --config="$PWD/s3cmd.conf" "$@"; }
bucket=s3://s3cmd-bucket

step() { echo "s3cmd: $1"; }
die() { echo "s3cmd: $1" >&2; exit 1; }
same() { [[ "$1" == "$2" ]] || die "expected '$2', got '$1'"; }

mkdir -p tree/docs/deep tree/bin
head -c 22000001 /dev/urandom > tree/bin/large
head -c 5000 /dev/urandom > tree/bin/small
echo one > tree/docs/one.txt
echo two > "tree/docs/deep/two + ü.txt"

step "mb, ls"
s3 mb $bucket
s3 ls | grep "$bucket$" > /dev/null

step "put and get, small and in parts"
s3 put tree/bin/small $bucket/small --add-header=x-amz-meta-release:1.2.3 --mime-type=application/x-thing
s3 put tree/bin/large $bucket/large
s3 get $bucket/small small.back
s3 get $bucket/large large.back
cmp tree/bin/small small.back
cmp tree/bin/large large.back
s3 info $bucket/small > info
grep -q 'x-amz-meta-release: *1.2.3' info
grep -q 'application/x-thing' info
grep -q "$(md5sum < tree/bin/small | cut -d ' ' -f 1)" info

step "continue a broken download"
head -c 9000000 tree/bin/large > large.back
s3 get --continue $bucket/large large.back
cmp tree/bin/large large.back

step "sync up, ls, sync down"
s3 sync tree/ $bucket/tree/
same "$(s3 ls --recursive $bucket/tree/ | wc -l)" 4
s3 ls $bucket/tree/ | grep "DIR *$bucket/tree/docs/" > /dev/null
mkdir tree.back
s3 sync $bucket/tree/ tree.back/
diff -r tree tree.back
rm tree/docs/one.txt
s3 sync --delete-removed tree/ $bucket/tree/
same "$(s3 ls --recursive $bucket/tree/ | wc -l)" 3

step "cp and mv on the server"
s3 cp $bucket/small $bucket/small.copy
s3 mv $bucket/small.copy $bucket/small.moved
same "$(s3 ls $bucket/small.copy)" ""
s3 get --force $bucket/small.moved small.back
cmp tree/bin/small small.back
s3 modify --add-header=x-amz-meta-touched:yes $bucket/small
s3 info $bucket/small | grep 'x-amz-meta-touched: *yes' > /dev/null

step "signed address"
url=$(s3 signurl $bucket/small +60 2>&1) || die "signurl failed: $url"

step "unfinished uploads"
s3 multipart $bucket > uploads
same "$(grep -c '^20' uploads || true)" 0

step "del, rb"
if s3 rb $bucket 2> refused; then die "a bucket with objects was removed"; fi
grep -q BucketNotEmpty refused
s3 del $bucket/small
s3 del --recursive --force $bucket
same "$(s3 ls --recursive $bucket)" ""
s3 rb $bucket
if s3 ls $bucket 2> refused; then die "the bucket is still there"; fi
grep -q NoSuchBucket refused
echo "s3cmd: all well"
