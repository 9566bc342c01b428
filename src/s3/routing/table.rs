//! The table.

use super::CopySource::{Any, With, Without};
use super::Kind::{Bucket, Object, Service};
use super::Route;

/// Query names by which S3 selects an operation or what it acts on. All others are options, or none of S3's.
pub const SELECTING: &[&str] = &[
    "abac",
    "accelerate",
    "acl",
    "analytics",
    "annotation",
    "append",
    "attributes",
    "cors",
    "delete",
    "encryption",
    "events",
    "intelligent-tiering",
    "inventory",
    "legal-hold",
    "lifecycle",
    "location",
    "logging",
    "metadataAnnotationTable",
    "metadataConfiguration",
    "metadataInventoryTable",
    "metadataJournalTable",
    "metadataTable",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "partNumber",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "renameObject",
    "replication",
    "requestPayment",
    "restore",
    "retention",
    "select",
    "session",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
];

/// Selecting names that name a version, an upload or a part; all others are sub-resources.
pub const NAMING: &[&str] = &["partNumber", "uploadId", "versionId"];

const VERSION: &[&str] = &["versionId"];
const READ: &[&str] = &["versionId", "partNumber"];

pub fn is_selecting(name: &str) -> bool {
    SELECTING.contains(&name)
}

macro_rules! row {
    ($served:literal, $method:ident $kind:ident [$($query:literal)*] $optional:expr, $copy:ident, $operation:ident) => {
        Route {
            method: stringify!($method),
            kind: $kind,
            query: &[$($query),*],
            optional: $optional,
            copy_source: $copy,
            operation: stringify!($operation),
            served: $served,
        }
    };
}

macro_rules! table {
    (served { $($method:ident $kind:ident [$($query:literal)*] $optional:expr, $copy:ident => $operation:ident;)* }
     refused { $($method_:ident $kind_:ident [$($query_:literal)*] $optional_:expr => $operation_:ident;)* }) => {
        pub const ROUTES: &[Route] = &[
            $(row!(true, $method $kind [$($query)*] $optional, $copy, $operation),)*
            $(row!(false, $method_ $kind_ [$($query_)*] $optional_, Any, $operation_),)*
        ];
    };
}

table! {
    served {
        GET Service [] &[], Any => ListBuckets;
        PUT Bucket [] &[], Any => CreateBucket;
        HEAD Bucket [] &[], Any => HeadBucket;
        DELETE Bucket [] &[], Any => DeleteBucket;
        GET Bucket ["location"] &[], Any => GetBucketLocation;
        GET Bucket ["versioning"] &[], Any => GetBucketVersioning;
        GET Bucket ["acl"] &[], Any => GetBucketAcl;
        GET Bucket [] &[], Any => ListObjects;
        GET Bucket ["list-type=2"] &[], Any => ListObjectsV2;
        GET Bucket ["uploads"] &[], Any => ListMultipartUploads;
        POST Bucket ["delete"] &[], Any => DeleteObjects;
        PUT Object [] &[], Without => PutObject;
        PUT Object [] &[], With => CopyObject;
        GET Object [] READ, Any => GetObject;
        HEAD Object [] READ, Any => HeadObject;
        DELETE Object [] VERSION, Any => DeleteObject;
        GET Object ["attributes"] VERSION, Any => GetObjectAttributes;
        GET Object ["acl"] VERSION, Any => GetObjectAcl;
        GET Object ["tagging"] VERSION, Any => GetObjectTagging;
        POST Object ["uploads"] &[], Any => CreateMultipartUpload;
        PUT Object ["partNumber" "uploadId"] &[], Without => UploadPart;
        PUT Object ["partNumber" "uploadId"] &[], With => UploadPartCopy;
        GET Object ["uploadId"] &[], Any => ListParts;
        POST Object ["uploadId"] &[], Any => CompleteMultipartUpload;
        DELETE Object ["uploadId"] &[], Any => AbortMultipartUpload;
    }
    refused {
        GET Bucket ["abac"] &[] => GetBucketAbac;
        PUT Bucket ["abac"] &[] => PutBucketAbac;
        GET Bucket ["accelerate"] &[] => GetBucketAccelerateConfiguration;
        PUT Bucket ["accelerate"] &[] => PutBucketAccelerateConfiguration;
        PUT Bucket ["acl"] &[] => PutBucketAcl;
        GET Bucket ["analytics"] &[] => GetBucketAnalyticsConfiguration;
        PUT Bucket ["analytics"] &[] => PutBucketAnalyticsConfiguration;
        DELETE Bucket ["analytics"] &[] => DeleteBucketAnalyticsConfiguration;
        GET Bucket ["cors"] &[] => GetBucketCors;
        PUT Bucket ["cors"] &[] => PutBucketCors;
        DELETE Bucket ["cors"] &[] => DeleteBucketCors;
        GET Bucket ["encryption"] &[] => GetBucketEncryption;
        PUT Bucket ["encryption"] &[] => PutBucketEncryption;
        DELETE Bucket ["encryption"] &[] => DeleteBucketEncryption;
        GET Bucket ["events"] &[] => ListenBucketNotification;
        GET Bucket ["intelligent-tiering"] &[] => GetBucketIntelligentTieringConfiguration;
        PUT Bucket ["intelligent-tiering"] &[] => PutBucketIntelligentTieringConfiguration;
        DELETE Bucket ["intelligent-tiering"] &[] => DeleteBucketIntelligentTieringConfiguration;
        GET Bucket ["inventory"] &[] => GetBucketInventoryConfiguration;
        PUT Bucket ["inventory"] &[] => PutBucketInventoryConfiguration;
        DELETE Bucket ["inventory"] &[] => DeleteBucketInventoryConfiguration;
        GET Bucket ["lifecycle"] &[] => GetBucketLifecycleConfiguration;
        PUT Bucket ["lifecycle"] &[] => PutBucketLifecycleConfiguration;
        DELETE Bucket ["lifecycle"] &[] => DeleteBucketLifecycle;
        GET Bucket ["logging"] &[] => GetBucketLogging;
        PUT Bucket ["logging"] &[] => PutBucketLogging;
        PUT Bucket ["metadataAnnotationTable"] &[] => UpdateBucketMetadataAnnotationTableConfiguration;
        GET Bucket ["metadataConfiguration"] &[] => GetBucketMetadataConfiguration;
        POST Bucket ["metadataConfiguration"] &[] => CreateBucketMetadataConfiguration;
        DELETE Bucket ["metadataConfiguration"] &[] => DeleteBucketMetadataConfiguration;
        PUT Bucket ["metadataInventoryTable"] &[] => UpdateBucketMetadataInventoryTableConfiguration;
        PUT Bucket ["metadataJournalTable"] &[] => UpdateBucketMetadataJournalTableConfiguration;
        GET Bucket ["metadataTable"] &[] => GetBucketMetadataTableConfiguration;
        POST Bucket ["metadataTable"] &[] => CreateBucketMetadataTableConfiguration;
        DELETE Bucket ["metadataTable"] &[] => DeleteBucketMetadataTableConfiguration;
        GET Bucket ["metrics"] &[] => GetBucketMetricsConfiguration;
        PUT Bucket ["metrics"] &[] => PutBucketMetricsConfiguration;
        DELETE Bucket ["metrics"] &[] => DeleteBucketMetricsConfiguration;
        GET Bucket ["notification"] &[] => GetBucketNotificationConfiguration;
        PUT Bucket ["notification"] &[] => PutBucketNotificationConfiguration;
        GET Bucket ["object-lock"] &[] => GetObjectLockConfiguration;
        PUT Bucket ["object-lock"] &[] => PutObjectLockConfiguration;
        GET Bucket ["ownershipControls"] &[] => GetBucketOwnershipControls;
        PUT Bucket ["ownershipControls"] &[] => PutBucketOwnershipControls;
        DELETE Bucket ["ownershipControls"] &[] => DeleteBucketOwnershipControls;
        GET Bucket ["policy"] &[] => GetBucketPolicy;
        PUT Bucket ["policy"] &[] => PutBucketPolicy;
        DELETE Bucket ["policy"] &[] => DeleteBucketPolicy;
        GET Bucket ["policyStatus"] &[] => GetBucketPolicyStatus;
        GET Bucket ["publicAccessBlock"] &[] => GetPublicAccessBlock;
        PUT Bucket ["publicAccessBlock"] &[] => PutPublicAccessBlock;
        DELETE Bucket ["publicAccessBlock"] &[] => DeletePublicAccessBlock;
        GET Bucket ["replication"] &[] => GetBucketReplication;
        PUT Bucket ["replication"] &[] => PutBucketReplication;
        DELETE Bucket ["replication"] &[] => DeleteBucketReplication;
        GET Bucket ["requestPayment"] &[] => GetBucketRequestPayment;
        PUT Bucket ["requestPayment"] &[] => PutBucketRequestPayment;
        GET Bucket ["session"] &[] => CreateSession;
        GET Bucket ["tagging"] &[] => GetBucketTagging;
        PUT Bucket ["tagging"] &[] => PutBucketTagging;
        DELETE Bucket ["tagging"] &[] => DeleteBucketTagging;
        PUT Bucket ["versioning"] &[] => PutBucketVersioning;
        GET Bucket ["versions"] &[] => ListObjectVersions;
        GET Bucket ["website"] &[] => GetBucketWebsite;
        PUT Bucket ["website"] &[] => PutBucketWebsite;
        DELETE Bucket ["website"] &[] => DeleteBucketWebsite;
        POST Service [] &[] => AssumeRole;
        PUT Object ["acl"] VERSION => PutObjectAcl;
        GET Object ["annotation"] VERSION => GetObjectAnnotation;
        PUT Object ["annotation"] VERSION => PutObjectAnnotation;
        DELETE Object ["annotation"] VERSION => DeleteObjectAnnotation;
        PUT Object ["append"] &[] => AppendObject;
        PUT Object ["encryption"] VERSION => UpdateObjectEncryption;
        GET Object ["legal-hold"] VERSION => GetObjectLegalHold;
        PUT Object ["legal-hold"] VERSION => PutObjectLegalHold;
        PUT Object ["renameObject"] &[] => RenameObject;
        POST Object ["restore"] VERSION => RestoreObject;
        GET Object ["retention"] VERSION => GetObjectRetention;
        PUT Object ["retention"] VERSION => PutObjectRetention;
        POST Object ["select"] VERSION => SelectObjectContent;
        PUT Object ["tagging"] VERSION => PutObjectTagging;
        DELETE Object ["tagging"] VERSION => DeleteObjectTagging;
        GET Object ["torrent"] &[] => GetObjectTorrent;
    }
}

/// The table as `docs/s3.md` has it.
#[cfg(test)]
pub fn documented() -> String {
    use std::fmt::Write as _;
    let mut out = String::from("| request | operation |\n|---|---|\n");
    for route in ROUTES.iter().filter(|route| route.served) {
        let path = match route.kind {
            Service => "/",
            Bucket => "/BUCKET",
            Object => "/BUCKET/KEY",
        };
        let query = if route.query.is_empty() { String::new() } else { format!("?{}", route.query.join("&")) };
        let mut notes = route.optional.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>();
        if route.copy_source == With {
            notes.push("`x-amz-copy-source`".to_owned());
        }
        let notes = if notes.is_empty() { String::new() } else { format!(", {}", notes.join(", ")) };
        let _ = writeln!(out, "| `{} {path}{query}`{notes} | {} |", route.method, route.operation);
    }
    let mut refused: Vec<&str> = ROUTES.iter().filter(|route| !route.served).map(|route| route.operation).collect();
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
