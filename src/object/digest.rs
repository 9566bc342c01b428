//! Digests of a body, computed while it is stored.

use deltastore_format::ChecksumAlgorithm;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use crate::object::checksum::{ChecksumValue, crc_algorithm, crc_to_bytes};
use crate::object::content::{self, Md5};

/// One running S3 checksum.
pub(super) struct ChecksumDigest {
    algorithm: ChecksumAlgorithm,
    state: State,
}

enum State {
    Crc(crc_fast::Digest),
    Sha1(Sha1),
    Sha256(Sha256),
}

impl ChecksumDigest {
    pub(super) fn new(algorithm: ChecksumAlgorithm) -> Self {
        let state = match (crc_algorithm(algorithm), algorithm) {
            (Some(crc), _) => State::Crc(crc_fast::Digest::new(crc)),
            (None, ChecksumAlgorithm::Sha1) => State::Sha1(Sha1::new()),
            (None, _) => State::Sha256(Sha256::new()),
        };
        ChecksumDigest { algorithm, state }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Crc(digest) => digest.update(bytes),
            State::Sha1(digest) => digest.update(bytes),
            State::Sha256(digest) => digest.update(bytes),
        }
    }

    pub(super) fn finish(self) -> ChecksumValue {
        let value = match self.state {
            State::Crc(digest) => crc_to_bytes(self.algorithm, digest.finalize()),
            State::Sha1(digest) => digest.finalize().to_vec(),
            State::Sha256(digest) => digest.finalize().to_vec(),
        };
        ChecksumValue { algorithm: self.algorithm, value }
    }
}

/// Everything that is computed over one body.
pub(super) struct Digests {
    length: u64,
    md5: Md5,
    sha256: Option<Sha256>,
    checksum: ChecksumDigest,
}

/// What [`Digests`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub length: u64,
    pub md5: [u8; 16],
    /// Only when it was asked for.
    pub sha256: Option<[u8; 32]>,
    pub checksum: ChecksumValue,
}

impl Digests {
    /// `content_sha256`: whether the request names a SHA-256 of the body outside of its checksum.
    pub(super) fn new(checksum: ChecksumAlgorithm, content_sha256: bool) -> Self {
        Digests {
            length: 0,
            md5: Md5::default(),
            sha256: content_sha256.then(Sha256::new),
            checksum: ChecksumDigest::new(checksum),
        }
    }

    pub(super) fn finish(self) -> Found {
        Found {
            length: self.length,
            md5: self.md5.finish(),
            sha256: self.sha256.map(|digest| digest.finalize().into()),
            checksum: self.checksum.finish(),
        }
    }
}

impl content::Digest for Digests {
    fn md5(&mut self) -> &mut Md5 {
        &mut self.md5
    }

    fn update_others(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(bytes);
        }
        self.checksum.update(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::content::Digest as _;

    #[test]
    fn all_digests_of_chunked_bytes() {
        let mut digests = Digests::new(ChecksumAlgorithm::Crc64Nvme, true);
        digests.update(b"1234");
        digests.update(b"");
        digests.update(b"56789");
        let found = digests.finish();
        assert_eq!(found.length, 9);
        assert_eq!(hex::encode(found.md5), "25f9e794323b453885f5181f1b624d0b");
        assert_eq!(
            found.sha256.map(hex::encode).as_deref(),
            Some("15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225")
        );
        assert_eq!(hex::encode(found.checksum.value), "ae8b14860a799888");
        assert_eq!(Digests::new(ChecksumAlgorithm::Sha1, false).finish().sha256, None);
    }
}
