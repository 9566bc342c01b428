//! s3s answering every GetObject from memory: the floor of small reads.

use std::net::SocketAddr;

use bytes::Bytes;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::dto::{GetObjectInput, GetObjectOutput, StreamingBlob};
use s3s::service::S3ServiceBuilder;
use s3s::{Body, S3, S3Request, S3Response, S3Result};

use crate::sigv4::{ACCESS_KEY, SECRET_KEY};

struct Memory(Bytes);

#[async_trait::async_trait]
impl S3 for Memory {
    async fn get_object(&self, _: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
        Ok(S3Response::new(GetObjectOutput {
            content_length: Some(self.0.len() as i64),
            body: Some(StreamingBlob::from(Body::from(self.0.clone()))),
            ..GetObjectOutput::default()
        }))
    }
}

/// Serves until dropped.
pub struct MemoryS3 {
    pub address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl MemoryS3 {
    pub fn start(body: Vec<u8>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
        let mut builder = S3ServiceBuilder::new(Memory(body.into()));
        builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
        let service = builder.build();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("its address");
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).expect("TCP_NODELAY");
                let service = service.clone();
                tokio::spawn(async move {
                    // A client that goes ends its connection.
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { address, _runtime: runtime }
    }
}
