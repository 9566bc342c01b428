//! Questions that have one answer here, asked by clients before they do anything else.

use s3s::S3Response;
use s3s::dto::{
    self, GetBucketAclInput, GetBucketAclOutput, GetBucketVersioningInput, GetBucketVersioningOutput,
    GetObjectAclInput, GetObjectAclOutput, GetObjectTaggingInput, GetObjectTaggingOutput,
};

use super::{Answer, Operations, Request};
use crate::object::GetInput;
use crate::s3::error::to_s3_error;
use crate::s3::quirks::references;

impl Operations {
    /// Buckets are not versioned.
    pub async fn get_bucket_versioning(
        &self,
        request: Request<GetBucketVersioningInput>,
    ) -> Answer<GetBucketVersioningOutput> {
        self.objects.head_bucket(&request.input.bucket).map_err(to_s3_error)?;
        Ok(S3Response::new(GetBucketVersioningOutput::default()))
    }

    /// Everything is private to the root user.
    pub async fn get_bucket_acl(&self, request: Request<GetBucketAclInput>) -> Answer<GetBucketAclOutput> {
        self.objects.head_bucket(&request.input.bucket).map_err(to_s3_error)?;
        Ok(S3Response::new(GetBucketAclOutput {
            grants: Some(vec![self.full_control()]),
            owner: Some(self.owner.owner()),
        }))
    }

    /// Everything is private to the root user.
    pub async fn get_object_acl(&self, request: Request<GetObjectAclInput>) -> Answer<GetObjectAclOutput> {
        let input = request.input;
        let named =
            GetInput { bucket: input.bucket, key: input.key, version_id: input.version_id, ..GetInput::default() };
        self.objects.head_object(&named).map_err(to_s3_error)?;
        Ok(S3Response::new(GetObjectAclOutput {
            grants: Some(vec![self.full_control()]),
            owner: Some(self.owner.owner()),
            ..GetObjectAclOutput::default()
        }))
    }

    /// The tags that came with the object.
    pub async fn get_object_tagging(&self, request: Request<GetObjectTaggingInput>) -> Answer<GetObjectTaggingOutput> {
        let input = request.input;
        let named =
            GetInput { bucket: input.bucket, key: input.key, version_id: input.version_id, ..GetInput::default() };
        let found = self.objects.head_object(&named).map_err(to_s3_error)?;
        let tags = found.version.metadata.tags.into_iter();
        Ok(S3Response::new(GetObjectTaggingOutput {
            tag_set: tags.map(|(key, value)| tag(&key, &value)).collect(),
            ..GetObjectTaggingOutput::default()
        }))
    }

    fn full_control(&self) -> dto::Grant {
        dto::Grant {
            grantee: Some(dto::Grantee {
                display_name: Some("root".to_owned()),
                email_address: None,
                id: Some(self.owner.id().to_owned()),
                type_: dto::Type::from_static(dto::Type::CANONICAL_USER),
                uri: None,
            }),
            permission: Some(dto::Permission::from_static(dto::Permission::FULL_CONTROL)),
        }
    }
}

fn tag(key: &str, value: &str) -> dto::Tag {
    dto::Tag { key: Some(references::text(key)), value: Some(references::text(value)) }
}
