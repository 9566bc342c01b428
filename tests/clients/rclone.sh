#!/usr/bin/env bash
# What people do with rclone. Runs in an empty folder; the server is at DELTASTORE_ENDPOINT.
set -euo pipefail

export RCLONE_CONFIG="$PWD/rclone.conf"
: > "$RCLONE_CONFIG"
export RCLONE_CONFIG_STORE_TYPE=s3 RCLONE_CONFIG_STORE_PROVIDER=Other RCLONE_CONFIG_STORE_REGION=us-east-1
export RCLONE_CONFIG_STORE_ENDPOINT="$DELTASTORE_ENDPOINT" RCLONE_CONFIG_STORE_FORCE_PATH_STYLE=true
export RCLONE_CONFIG_STORE_ACCESS_KEY_ID="$AWS_ACCESS_KEY_ID" RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY="$AWS_SECRET_ACCESS_KEY"
export RCLONE_RETRIES=1 RCLONE_LOW_LEVEL_RETRIES=1
bucket=store:rclone-bucket

step() { echo "rclone: $1"; }
die() { echo "rclone: $1" >&2; exit 1; }
same() { [[ "$1" == "$2" ]] || die "expected '$2', got '$1'"; }

mkdir -p tree/docs/deep tree/bin
head -c 25165841 /dev/urandom > tree/bin/large
head -c 5000 /dev/urandom > tree/bin/small
echo one > tree/docs/one.txt
echo two > "tree/docs/deep/two + ü.txt"

step "mkdir, lsd"
rclone mkdir $bucket
rclone lsd store: | grep rclone-bucket > /dev/null

step "copy up in parts, check, copy down"
rclone copy tree $bucket/tree --s3-upload-cutoff 5M --s3-chunk-size 5M --s3-upload-concurrency 3
rclone check tree $bucket/tree
rclone check --download tree $bucket/tree
rclone copy $bucket/tree tree.back --multi-thread-cutoff 8M --multi-thread-streams 3
diff -r tree tree.back
rclone check tree.back tree

step "a second copy moves nothing"
rclone copy tree $bucket/tree --use-json-log --stats-log-level NOTICE --stats-one-line -v 2> log
! grep -q '"msg":"Copied' log || die "unchanged files were sent again"

step "lsf, cat with a range"
same "$(rclone lsf $bucket/tree)" $'bin/\ndocs/'
same "$(rclone lsf -R --files-only $bucket/tree | wc -l)" 4
rclone cat --offset 8388600 --count 20 $bucket/tree/bin/large | cmp - <(tail -c +8388601 tree/bin/large | head -c 20)
same "$(rclone size --json $bucket/tree | python3 -c 'import json, sys; print(json.load(sys.stdin)["count"])')" 4

step "rcat of unknown length"
head -c 7000000 tree/bin/large | rclone rcat $bucket/piped --s3-chunk-size 5M
rclone cat $bucket/piped | cmp - <(head -c 7000000 tree/bin/large)

step "sync removes what is gone"
rm tree/docs/one.txt
echo changed > tree/bin/small
rclone sync tree $bucket/tree
rclone check tree $bucket/tree

step "copy and move on the server"
rclone copyto $bucket/tree/bin/large $bucket/large.copy
rclone moveto $bucket/large.copy $bucket/large.moved
same "$(rclone lsf $bucket --files-only --include 'large*')" large.moved
rclone cat $bucket/large.moved | cmp - tree/bin/large

step "touch keeps the bytes"
rclone touch --timestamp 2020-02-02T02:02:02 --no-create $bucket/tree/bin/small
rclone lsl $bucket/tree/bin/small | grep '2020-02-02 02:02:02' > /dev/null
same "$(rclone cat $bucket/tree/bin/small)" changed

step "delete, purge"
rclone deletefile $bucket/piped
rclone delete $bucket/tree/docs
same "$(rclone lsf -R --files-only $bucket/tree | wc -l)" 2
rclone purge $bucket
if rclone lsd store: | grep rclone-bucket > /dev/null; then die "the bucket is still there"; fi
echo "rclone: all well"
