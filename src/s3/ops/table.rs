//! The table of operations: a row for each that S3 has. A row makes the route, the permission, the name in the log, the
//! entry of the page (`docs/s3.md`) and, where the operation is served, its call.
//!
//! A new operation is a file beside this one with an [`Operation`], and a row here.

use s3s::{S3, S3Request, S3Response, S3Result};

use super::sent::as_sent;
use super::{Operation, Operations, bucket, list, object, upload};
use crate::s3::operation::CopySource::{Any, With, Without};
use crate::s3::operation::Kind::{Bucket, Object, Service};
use crate::s3::operation::{Needs, RequestBody, Row, Served};

const NONE: &[&str] = &[];
const VERSION: &[&str] = &["versionId"];
const READ: &[&str] = &["versionId", "partNumber"];

macro_rules! table {
    (served { $(
        $method:ident $kind:ident [$($query:literal)*] $optional:ident, $copy:ident, $body:ident =>
        $call:ident: $folder:ident::$operation:ident, $needs:expr;
    )* }
    refused { $(
        $method_:ident $kind_:ident [$($query_:literal)*] $optional_:ident => $operation_:ident;
    )* }) => {
        /// All rows, those that are served first.
        pub const ROWS: &[Row] = &[
            $(Row {
                method: stringify!($method),
                kind: $kind,
                query: &[$($query),*],
                optional: $optional,
                copy_source: $copy,
                name: stringify!($operation),
                served: Some(Served { needs: $needs, body: RequestBody::$body }),
            },)*
            $(Row {
                method: stringify!($method_),
                kind: $kind_,
                query: &[$($query_),*],
                optional: $optional_,
                copy_source: Any,
                name: stringify!($operation_),
                served: None,
            },)*
        ];

        /// What s3s calls an operation, and the operation's name.
        #[cfg(test)]
        pub const CALLS: &[(&str, &str)] = &[$((stringify!($call), stringify!($operation)),)*];

        /// s3s refuses what is not here with NotImplemented.
        #[async_trait::async_trait]
        impl S3 for Operations {
            $(async fn $call(
                &self,
                request: S3Request<<$folder::$operation as Operation>::Input>,
            ) -> S3Result<S3Response<<$folder::$operation as Operation>::Output>> {
                $folder::$operation::run(self, as_sent(request)).await
            })*
        }
    };
}

table! {
    served {
        GET Service [] NONE, Any, None => list_buckets: bucket::ListBuckets, Needs::action("s3:ListAllMyBuckets");
        PUT Bucket [] NONE, Any, Document => create_bucket: bucket::CreateBucket, Needs::action("s3:CreateBucket");
        HEAD Bucket [] NONE, Any, None => head_bucket: bucket::HeadBucket, Needs::action("s3:ListBucket");
        DELETE Bucket [] NONE, Any, None => delete_bucket: bucket::DeleteBucket, Needs::action("s3:DeleteBucket");
        GET Bucket ["location"] NONE, Any, None =>
            get_bucket_location: bucket::GetBucketLocation, Needs::action("s3:GetBucketLocation");
        GET Bucket ["versioning"] NONE, Any, None =>
            get_bucket_versioning: bucket::GetBucketVersioning, Needs::action("s3:GetBucketVersioning");
        GET Bucket ["acl"] NONE, Any, None => get_bucket_acl: bucket::GetBucketAcl, Needs::action("s3:GetBucketAcl");
        GET Bucket [] NONE, Any, None => list_objects: list::ListObjects, Needs::action("s3:ListBucket");
        GET Bucket ["list-type=2"] NONE, Any, None =>
            list_objects_v2: list::ListObjectsV2, Needs::action("s3:ListBucket");
        GET Bucket ["uploads"] NONE, Any, None =>
            list_multipart_uploads: upload::ListMultipartUploads, Needs::action("s3:ListBucketMultipartUploads");
        POST Bucket ["delete"] NONE, Any, Document =>
            delete_objects: object::DeleteObjects,
            Needs::action("s3:DeleteObject").or_of_version("s3:DeleteObjectVersion").on_each();
        PUT Object [] NONE, Without, Object => put_object: object::PutObject, Needs::action("s3:PutObject");
        PUT Object [] NONE, With, Document =>
            copy_object: object::CopyObject,
            Needs::action("s3:PutObject").of_source("s3:GetObject", "s3:GetObjectVersion");
        GET Object [] READ, Any, None =>
            get_object: object::GetObject, Needs::action("s3:GetObject").or_of_version("s3:GetObjectVersion");
        HEAD Object [] READ, Any, None =>
            head_object: object::HeadObject, Needs::action("s3:GetObject").or_of_version("s3:GetObjectVersion");
        DELETE Object [] VERSION, Any, None =>
            delete_object: object::DeleteObject,
            Needs::action("s3:DeleteObject").or_of_version("s3:DeleteObjectVersion");
        GET Object ["attributes"] VERSION, Any, None =>
            get_object_attributes: object::GetObjectAttributes,
            Needs::action("s3:GetObjectAttributes").or_of_version("s3:GetObjectVersionAttributes");
        GET Object ["acl"] VERSION, Any, None =>
            get_object_acl: object::GetObjectAcl,
            Needs::action("s3:GetObjectAcl").or_of_version("s3:GetObjectVersionAcl");
        GET Object ["tagging"] VERSION, Any, None =>
            get_object_tagging: object::GetObjectTagging,
            Needs::action("s3:GetObjectTagging").or_of_version("s3:GetObjectVersionTagging");
        POST Object ["uploads"] NONE, Any, Document =>
            create_multipart_upload: upload::CreateMultipartUpload, Needs::action("s3:PutObject");
        PUT Object ["partNumber" "uploadId"] NONE, Without, Object =>
            upload_part: upload::UploadPart, Needs::action("s3:PutObject");
        PUT Object ["partNumber" "uploadId"] NONE, With, Document =>
            upload_part_copy: upload::UploadPartCopy,
            Needs::action("s3:PutObject").of_source("s3:GetObject", "s3:GetObjectVersion");
        GET Object ["uploadId"] NONE, Any, None =>
            list_parts: upload::ListParts, Needs::action("s3:ListMultipartUploadParts");
        POST Object ["uploadId"] NONE, Any, Document =>
            complete_multipart_upload: upload::CompleteMultipartUpload, Needs::action("s3:PutObject");
        DELETE Object ["uploadId"] NONE, Any, None =>
            abort_multipart_upload: upload::AbortMultipartUpload, Needs::action("s3:AbortMultipartUpload");
    }
    refused {
        GET Bucket ["abac"] NONE => GetBucketAbac;
        PUT Bucket ["abac"] NONE => PutBucketAbac;
        GET Bucket ["accelerate"] NONE => GetBucketAccelerateConfiguration;
        PUT Bucket ["accelerate"] NONE => PutBucketAccelerateConfiguration;
        PUT Bucket ["acl"] NONE => PutBucketAcl;
        GET Bucket ["analytics"] NONE => GetBucketAnalyticsConfiguration;
        PUT Bucket ["analytics"] NONE => PutBucketAnalyticsConfiguration;
        DELETE Bucket ["analytics"] NONE => DeleteBucketAnalyticsConfiguration;
        GET Bucket ["cors"] NONE => GetBucketCors;
        PUT Bucket ["cors"] NONE => PutBucketCors;
        DELETE Bucket ["cors"] NONE => DeleteBucketCors;
        GET Bucket ["encryption"] NONE => GetBucketEncryption;
        PUT Bucket ["encryption"] NONE => PutBucketEncryption;
        DELETE Bucket ["encryption"] NONE => DeleteBucketEncryption;
        GET Bucket ["events"] NONE => ListenBucketNotification;
        GET Bucket ["intelligent-tiering"] NONE => GetBucketIntelligentTieringConfiguration;
        PUT Bucket ["intelligent-tiering"] NONE => PutBucketIntelligentTieringConfiguration;
        DELETE Bucket ["intelligent-tiering"] NONE => DeleteBucketIntelligentTieringConfiguration;
        GET Bucket ["inventory"] NONE => GetBucketInventoryConfiguration;
        PUT Bucket ["inventory"] NONE => PutBucketInventoryConfiguration;
        DELETE Bucket ["inventory"] NONE => DeleteBucketInventoryConfiguration;
        GET Bucket ["lifecycle"] NONE => GetBucketLifecycleConfiguration;
        PUT Bucket ["lifecycle"] NONE => PutBucketLifecycleConfiguration;
        DELETE Bucket ["lifecycle"] NONE => DeleteBucketLifecycle;
        GET Bucket ["logging"] NONE => GetBucketLogging;
        PUT Bucket ["logging"] NONE => PutBucketLogging;
        PUT Bucket ["metadataAnnotationTable"] NONE => UpdateBucketMetadataAnnotationTableConfiguration;
        GET Bucket ["metadataConfiguration"] NONE => GetBucketMetadataConfiguration;
        POST Bucket ["metadataConfiguration"] NONE => CreateBucketMetadataConfiguration;
        DELETE Bucket ["metadataConfiguration"] NONE => DeleteBucketMetadataConfiguration;
        PUT Bucket ["metadataInventoryTable"] NONE => UpdateBucketMetadataInventoryTableConfiguration;
        PUT Bucket ["metadataJournalTable"] NONE => UpdateBucketMetadataJournalTableConfiguration;
        GET Bucket ["metadataTable"] NONE => GetBucketMetadataTableConfiguration;
        POST Bucket ["metadataTable"] NONE => CreateBucketMetadataTableConfiguration;
        DELETE Bucket ["metadataTable"] NONE => DeleteBucketMetadataTableConfiguration;
        GET Bucket ["metrics"] NONE => GetBucketMetricsConfiguration;
        PUT Bucket ["metrics"] NONE => PutBucketMetricsConfiguration;
        DELETE Bucket ["metrics"] NONE => DeleteBucketMetricsConfiguration;
        GET Bucket ["notification"] NONE => GetBucketNotificationConfiguration;
        PUT Bucket ["notification"] NONE => PutBucketNotificationConfiguration;
        GET Bucket ["object-lock"] NONE => GetObjectLockConfiguration;
        PUT Bucket ["object-lock"] NONE => PutObjectLockConfiguration;
        GET Bucket ["ownershipControls"] NONE => GetBucketOwnershipControls;
        PUT Bucket ["ownershipControls"] NONE => PutBucketOwnershipControls;
        DELETE Bucket ["ownershipControls"] NONE => DeleteBucketOwnershipControls;
        GET Bucket ["policy"] NONE => GetBucketPolicy;
        PUT Bucket ["policy"] NONE => PutBucketPolicy;
        DELETE Bucket ["policy"] NONE => DeleteBucketPolicy;
        GET Bucket ["policyStatus"] NONE => GetBucketPolicyStatus;
        GET Bucket ["publicAccessBlock"] NONE => GetPublicAccessBlock;
        PUT Bucket ["publicAccessBlock"] NONE => PutPublicAccessBlock;
        DELETE Bucket ["publicAccessBlock"] NONE => DeletePublicAccessBlock;
        GET Bucket ["replication"] NONE => GetBucketReplication;
        PUT Bucket ["replication"] NONE => PutBucketReplication;
        DELETE Bucket ["replication"] NONE => DeleteBucketReplication;
        GET Bucket ["requestPayment"] NONE => GetBucketRequestPayment;
        PUT Bucket ["requestPayment"] NONE => PutBucketRequestPayment;
        GET Bucket ["session"] NONE => CreateSession;
        GET Bucket ["tagging"] NONE => GetBucketTagging;
        PUT Bucket ["tagging"] NONE => PutBucketTagging;
        DELETE Bucket ["tagging"] NONE => DeleteBucketTagging;
        PUT Bucket ["versioning"] NONE => PutBucketVersioning;
        GET Bucket ["versions"] NONE => ListObjectVersions;
        GET Bucket ["website"] NONE => GetBucketWebsite;
        PUT Bucket ["website"] NONE => PutBucketWebsite;
        DELETE Bucket ["website"] NONE => DeleteBucketWebsite;
        POST Service [] NONE => AssumeRole;
        PUT Object ["acl"] VERSION => PutObjectAcl;
        GET Object ["annotation"] VERSION => GetObjectAnnotation;
        PUT Object ["annotation"] VERSION => PutObjectAnnotation;
        DELETE Object ["annotation"] VERSION => DeleteObjectAnnotation;
        PUT Object ["append"] NONE => AppendObject;
        PUT Object ["encryption"] VERSION => UpdateObjectEncryption;
        GET Object ["legal-hold"] VERSION => GetObjectLegalHold;
        PUT Object ["legal-hold"] VERSION => PutObjectLegalHold;
        PUT Object ["renameObject"] NONE => RenameObject;
        POST Object ["restore"] VERSION => RestoreObject;
        GET Object ["retention"] VERSION => GetObjectRetention;
        PUT Object ["retention"] VERSION => PutObjectRetention;
        POST Object ["select"] VERSION => SelectObjectContent;
        PUT Object ["tagging"] VERSION => PutObjectTagging;
        DELETE Object ["tagging"] VERSION => DeleteObjectTagging;
        GET Object ["torrent"] NONE => GetObjectTorrent;
    }
}

/// The table as `docs/s3.md` has it.
#[cfg(test)]
pub fn documented() -> String {
    use std::fmt::Write as _;
    let mut out = String::from("| request | operation |\n|---|---|\n");
    for row in ROWS.iter().filter(|row| row.served.is_some()) {
        let path = match row.kind {
            Service => "/",
            Bucket => "/BUCKET",
            Object => "/BUCKET/KEY",
        };
        let query = if row.query.is_empty() { String::new() } else { format!("?{}", row.query.join("&")) };
        let mut notes = row.optional.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>();
        if row.copy_source == With {
            notes.push("`x-amz-copy-source`".to_owned());
        }
        let notes = if notes.is_empty() { String::new() } else { format!(", {}", notes.join(", ")) };
        let _ = writeln!(out, "| `{} {path}{query}`{notes} | {} |", row.method, row.name);
    }
    let mut refused: Vec<&str> = ROWS.iter().filter(|row| row.served.is_none()).map(|row| row.name).collect();
    refused.sort_unstable();
    let mut line = String::from("\nNot implemented (501):");
    for (at, name) in refused.iter().enumerate() {
        let word = format!("{name}{}", if at + 1 == refused.len() { "." } else { "," });
        // The first line begins with a line end of its own.
        let begun = line.lines().last().unwrap_or_default().len();
        line.push(if begun + 1 + word.len() > 120 { '\n' } else { ' ' });
        line.push_str(&word);
    }
    out.push_str(&line);
    out.push('\n');
    out
}
