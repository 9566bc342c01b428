// What programs on the AWS SDK for JavaScript (v3) do, against the server at DELTASTORE_ENDPOINT.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import { Readable } from "node:stream";

// The packages are installed outside the checkout, where a plain `import` would not look.
const require = createRequire(`${process.env.DELTASTORE_CLIENTS}/js/`);
const s3 = require("@aws-sdk/client-s3");
const { Upload } = require("@aws-sdk/lib-storage");
const { getSignedUrl } = require("@aws-sdk/s3-request-presigner");

const MIB = 1024 * 1024;
const Bucket = "js-bucket";
const settings = {
  endpoint: process.env.DELTASTORE_ENDPOINT,
  region: "us-east-1",
  forcePathStyle: true,
  maxAttempts: 1,
  credentials: { accessKeyId: process.env.AWS_ACCESS_KEY_ID, secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY },
};
const client = new s3.S3Client(settings);
// Signs no checksum that nobody asked for.
const free = new s3.S3Client({ ...settings, requestChecksumCalculation: "WHEN_REQUIRED" });

const call = (name, input) => client.send(new s3[`${name}Command`]({ Bucket, ...input }));
const put = (Key, Body, more) => call("PutObject", { Key, Body, ...more });
const body = async (Key, more) => {
  const answer = await call("GetObject", { Key, ...more });
  return Buffer.from(await answer.Body.transformToByteArray());
};
const refused = async (status, names, promise) => {
  const error = await promise.then(() => assert.fail(`expected ${names}, but the call succeeded`), (error) => error);
  assert.equal(error.$metadata?.httpStatusCode, status, String(error));
  assert.ok(names.includes(error.name), `expected one of ${names}, got ${error.name}`);
};
const every = async (paginate, input, field) => {
  const found = [];
  for await (const page of paginate({ client, pageSize: input.pageSize }, { Bucket, ...input, pageSize: undefined })) {
    found.push(...(page[field] ?? []));
  }
  return found;
};

const checks = {
  async buckets() {
    const { Buckets } = await client.send(new s3.ListBucketsCommand({}));
    assert.ok(Buckets.some(({ Name }) => Name === Bucket));
    await call("HeadBucket");
    await call("GetBucketLocation");
    await refused(404, ["NoSuchBucket"], call("ListObjectsV2", { Bucket: "js-not-there" }));
  },

  async smallObjects() {
    const data = randomBytes(4321);
    const { ETag } = await put("small", data, { Metadata: { release: "1.2.3" }, ContentType: "application/x-thing" });
    assert.equal(ETag, `"${createHash("md5").update(data).digest("hex")}"`);
    const head = await call("HeadObject", { Key: "small" });
    assert.deepEqual([head.ContentLength, head.Metadata, head.ContentType], [4321, { release: "1.2.3" }, "application/x-thing"]);
    assert.ok((await body("small")).equals(data));
    assert.ok((await body("small", { Range: "bytes=10-19" })).equals(data.subarray(10, 20)));
    assert.ok((await body("small", { Range: "bytes=-5" })).equals(data.subarray(-5)));
    await put("empty", "");
    assert.equal((await body("empty")).length, 0);
    await refused(404, ["NoSuchKey"], body("not-there"));
    await refused(416, ["InvalidRange"], body("small", { Range: "bytes=4321-" }));
  },

  async checksums() {
    const data = randomBytes(70_000);
    for (const ChecksumAlgorithm of ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"]) {
      const Key = `checksum/${ChecksumAlgorithm}`;
      const field = `Checksum${ChecksumAlgorithm}`;
      const sent = await put(Key, data, { ChecksumAlgorithm });
      assert.ok(sent[field], ChecksumAlgorithm);
      const head = await call("HeadObject", { Key, ChecksumMode: "ENABLED" });
      assert.equal(head[field], sent[field]);
      // A stream's checksum follows it, as a trailer.
      const streamed = await put(Key, Readable.from([data]), { ChecksumAlgorithm, ContentLength: data.length });
      assert.equal(streamed[field], sent[field]);
      assert.ok((await body(Key, { ChecksumMode: "ENABLED" })).equals(data));
    }
    const wrong = Buffer.alloc(32).toString("base64");
    await refused(400, ["BadDigest", "XAmzContentChecksumMismatch"], put("checksum/wrong", data, { ChecksumSHA256: wrong }));
    await refused(404, ["NoSuchKey"], body("checksum/wrong"));
    const attributes = await call("GetObjectAttributes", { Key: "checksum/CRC32C", ObjectAttributes: ["Checksum", "ObjectSize"] });
    assert.equal(attributes.ObjectSize, 70_000);
    assert.ok(attributes.Checksum.ChecksumCRC32C);
  },

  async conditions() {
    const { ETag } = await put("lock", "first", { IfNoneMatch: "*" });
    await refused(412, ["PreconditionFailed"], put("lock", "second", { IfNoneMatch: "*" }));
    await put("lock", "third", { IfMatch: ETag });
    await refused(412, ["PreconditionFailed"], put("lock", "fourth", { IfMatch: ETag }));
    assert.equal(String(await body("lock")), "third");
  },

  async listing() {
    const keys = [];
    for (let number = 0; number < 11; number++) {
      keys.push(`list/${number % 3}/ü + ${String(number).padStart(2, "0")}`);
    }
    await Promise.all(keys.map((key) => put(key, "x")));
    const listed = await every(s3.paginateListObjectsV2, { Prefix: "list/", pageSize: 4 }, "Contents");
    assert.deepEqual(listed.map(({ Key }) => Key), [...keys].sort());
    const input = { Prefix: "list/", Delimiter: "/", pageSize: 2 };
    const folders = await every(s3.paginateListObjectsV2, input, "CommonPrefixes");
    assert.deepEqual(folders.map(({ Prefix }) => Prefix), ["list/0/", "list/1/", "list/2/"]);
    const encoded = await call("ListObjectsV2", { Prefix: "list/0/", EncodingType: "url", MaxKeys: 1 });
    assert.equal(decodeURIComponent(encoded.Contents[0].Key.replaceAll("+", " ")), "list/0/ü + 00");
  },

  async copies() {
    await put("copy/from", "copied", { Metadata: { kept: "yes" } });
    await call("CopyObject", { Key: "copy/to", CopySource: `${Bucket}/copy/from` });
    assert.equal(String(await body("copy/to")), "copied");
    await call("CopyObject", {
      Key: "copy/to", CopySource: `${Bucket}/copy/to`, MetadataDirective: "REPLACE", Metadata: { touched: "1" },
    });
    assert.deepEqual((await call("HeadObject", { Key: "copy/to" })).Metadata, { touched: "1" });
  },

  async largeObjects() {
    const data = randomBytes(21 * MIB + 3);
    const Body = Readable.from([data.subarray(0, 7_000_000), data.subarray(7_000_000)]);
    const { ETag } = await new Upload({ client, params: { Bucket, Key: "large", Body }, partSize: 5 * MIB, queueSize: 3 }).done();
    assert.ok(ETag.endsWith('-5"'), ETag);
    assert.ok((await body("large")).equals(data));
    assert.ok((await body("large", { Range: "bytes=5242876-5242884" })).equals(data.subarray(5242876, 5242885)));
  },

  async multipart() {
    const { UploadId } = await call("CreateMultipartUpload", { Key: "half", ChecksumAlgorithm: "CRC32C" });
    await call("UploadPart", { Key: "half", UploadId, PartNumber: 2, Body: "part", ChecksumAlgorithm: "CRC32C" });
    const { Parts } = await call("ListParts", { Key: "half", UploadId });
    assert.deepEqual(Parts.map(({ PartNumber, Size }) => [PartNumber, Size]), [[2, 4]]);
    const { Uploads } = await call("ListMultipartUploads");
    assert.deepEqual(Uploads.map((upload) => [upload.Key, upload.UploadId]), [["half", UploadId]]);
    await call("AbortMultipartUpload", { Key: "half", UploadId });
    await refused(404, ["NoSuchUpload"], call("ListParts", { Key: "half", UploadId }));
  },

  async presigned() {
    const put = new s3.PutObjectCommand({ Bucket, Key: "signed" });
    // By default the presigner signs the checksum of the body that it has, which is empty: S3 refuses any other then.
    const bound = await fetch(await getSignedUrl(client, put, { expiresIn: 60 }), { method: "PUT", body: "by url" });
    assert.equal(bound.status, 400);
    assert.match(await bound.text(), /<Code>(BadDigest|XAmzContentChecksumMismatch)</);
    const putUrl = await getSignedUrl(free, new s3.PutObjectCommand({ Bucket, Key: "signed" }), { expiresIn: 60 });
    assert.equal((await fetch(putUrl, { method: "PUT", body: "by url" })).status, 200);
    const getUrl = await getSignedUrl(client, new s3.GetObjectCommand({ Bucket, Key: "signed" }), { expiresIn: 60 });
    assert.equal(await (await fetch(getUrl)).text(), "by url");
    const forged = await fetch(getUrl.replace("X-Amz-Signature=", "X-Amz-Signature=0"));
    assert.equal(forged.status, 403);
    assert.match(await forged.text(), /<Code>SignatureDoesNotMatch</);
  },

  async deletes() {
    await refused(409, ["BucketNotEmpty"], call("DeleteBucket"));
    await call("DeleteObject", { Key: "small" });
    await refused(404, ["NotFound", "NoSuchKey"], call("HeadObject", { Key: "small" }));
    const Objects = (await every(s3.paginateListObjectsV2, {}, "Contents")).map(({ Key }) => ({ Key }));
    const { Deleted, Errors } = await call("DeleteObjects", { Delete: { Objects } });
    assert.equal(Deleted.length, Objects.length);
    assert.equal(Errors, undefined);
    assert.equal((await call("ListObjectsV2")).KeyCount, 0);
  },
};

await call("CreateBucket");
const wanted = process.argv.slice(2);
for (const [name, check] of Object.entries(checks)) {
  if (wanted.length && !wanted.includes(name)) continue;
  console.log(`js: ${name}`);
  await check();
}
if (!wanted.length) await call("DeleteBucket");
console.log("js: all well");
