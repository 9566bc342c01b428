#!/usr/bin/env bash
# Uploads two releases with aws cli and prints how many bytes each takes.
#
# usage: two-releases.sh [OLD NEW]     OLD, NEW: two versions of one file; without them, two tarballs are made
#
# A server must be running. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to its root credentials, and
# DELTASTORE_ENDPOINT to its address unless that is http://127.0.0.1:9000. DELTASTORE names the binary, default:
# deltastore.
set -euo pipefail

endpoint=${DELTASTORE_ENDPOINT:-http://127.0.0.1:9000}
deltastore=${DELTASTORE:-deltastore}
export AWS_DEFAULT_REGION=${AWS_DEFAULT_REGION:-us-east-1}

if [ $# -eq 2 ]; then
    old=$1 new=$2
else
    # Two releases of 2,000 small files, of which 20 differ.
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    mkdir "$work/app"
    for i in $(seq 2000); do seq "$i" $((i + 300)) | sha256sum > "$work/app/$i.txt"; seq "$i" $((i + 300)) >> "$work/app/$i.txt"; done
    old=$work/app-1.0.tar.gz new=$work/app-1.1.tar.gz
    tar -C "$work" -czf "$old" app
    for i in $(seq 100 119); do echo "changed in 1.1" >> "$work/app/$i.txt"; done
    tar -C "$work" -czf "$new" app
fi

bucket=two-releases-$RANDOM
aws --endpoint-url "$endpoint" s3 mb "s3://$bucket" > /dev/null
for file in "$old" "$new"; do
    key=app/$(basename "$file")
    # put-object: one request. `aws s3 cp` uploads in parts from 8 MB; the server rewrites such archives right after.
    aws --endpoint-url "$endpoint" s3api put-object --bucket "$bucket" --key "$key" --body "$file" > /dev/null
    aws --endpoint-url "$endpoint" s3 cp "s3://$bucket/$key" - | cmp - "$file"
    echo "$key: $(stat -c %s "$file") bytes"
    "$deltastore" inspect "s3://$bucket/$key" --endpoint "$endpoint" | grep -E '^(stored|references)'
done
