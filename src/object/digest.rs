//! Digests of a body, computed while it is stored.

use deltastore_format::ChecksumAlgorithm;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};
use xxhash_rust::xxh3::Xxh3;
use xxhash_rust::xxh64::Xxh64;

use crate::object::checksum::{ChecksumValue, crc_algorithm, crc_to_bytes};
use crate::object::content::{self, Md5};

/// One running S3 checksum.
pub struct ChecksumDigest {
    algorithm: ChecksumAlgorithm,
    state: State,
}

enum State {
    Crc(crc_fast::Digest),
    Md5(md5::Md5),
    Sha1(Sha1),
    Sha256(Sha256),
    Sha512(Sha512),
    XxHash64(Xxh64),
    // Of half a KiB, aligned to 64 bytes.
    XxHash3(Box<Xxh3>),
}

impl ChecksumDigest {
    pub fn new(algorithm: ChecksumAlgorithm) -> Self {
        use ChecksumAlgorithm as A;
        let state = match (crc_algorithm(algorithm), algorithm) {
            (Some(crc), _) => State::Crc(crc_fast::Digest::new(crc)),
            (None, A::Md5) => State::Md5(md5::Md5::new()),
            (None, A::Sha1) => State::Sha1(Sha1::new()),
            (None, A::Sha256) => State::Sha256(Sha256::new()),
            (None, A::Sha512) => State::Sha512(Sha512::new()),
            (None, A::XxHash64) => State::XxHash64(Xxh64::new(0)),
            (None, A::XxHash3 | A::XxHash128 | A::Crc32 | A::Crc32c | A::Crc64Nvme) => State::XxHash3(Box::default()),
        };
        ChecksumDigest { algorithm, state }
    }

    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Crc(digest) => digest.update(bytes),
            State::Md5(digest) => digest.update(bytes),
            State::Sha1(digest) => digest.update(bytes),
            State::Sha256(digest) => digest.update(bytes),
            State::Sha512(digest) => digest.update(bytes),
            State::XxHash64(digest) => digest.update(bytes),
            State::XxHash3(digest) => digest.update(bytes),
        }
    }

    pub fn finish(self) -> ChecksumValue {
        let value = match self.state {
            State::Crc(digest) => crc_to_bytes(self.algorithm, digest.finalize()),
            State::Md5(digest) => digest.finalize().to_vec(),
            State::Sha1(digest) => digest.finalize().to_vec(),
            State::Sha256(digest) => digest.finalize().to_vec(),
            State::Sha512(digest) => digest.finalize().to_vec(),
            State::XxHash64(digest) => digest.digest().to_be_bytes().to_vec(),
            State::XxHash3(digest) if self.algorithm == ChecksumAlgorithm::XxHash128 => {
                digest.digest128().to_be_bytes().to_vec()
            }
            State::XxHash3(digest) => digest.digest().to_be_bytes().to_vec(),
        };
        ChecksumValue { algorithm: self.algorithm, value }
    }
}

/// The checksum of the parts' checksums.
pub(super) fn composite<'a>(algorithm: ChecksumAlgorithm, parts: impl IntoIterator<Item = &'a [u8]>) -> ChecksumValue {
    let mut digest = ChecksumDigest::new(algorithm);
    parts.into_iter().for_each(|value| digest.update(value));
    digest.finish()
}

/// Everything that is computed over one body.
pub(super) struct Digests {
    length: u64,
    md5: Md5,
    algorithm: ChecksumAlgorithm,
    /// None where the algorithm is MD5, which every body has.
    checksum: Option<ChecksumDigest>,
    kept: Option<ChecksumDigest>,
}

/// What [`Digests`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub length: u64,
    pub md5: [u8; 16],
    pub checksum: ChecksumValue,
    /// Of [`Digests::keeping`].
    pub kept: Option<ChecksumValue>,
}

impl Digests {
    pub(super) fn new(checksum: ChecksumAlgorithm) -> Self {
        Digests {
            length: 0,
            md5: Md5::default(),
            algorithm: checksum,
            checksum: (checksum != ChecksumAlgorithm::Md5).then(|| ChecksumDigest::new(checksum)),
            kept: None,
        }
    }

    /// Computes another checksum too, which is to be kept in place of the first.
    pub(super) fn keeping(mut self, kept: ChecksumAlgorithm) -> Self {
        self.kept = (kept != self.algorithm).then(|| ChecksumDigest::new(kept));
        self
    }

    pub(super) fn finish(self) -> Found {
        let md5 = self.md5.finish();
        Found {
            length: self.length,
            md5,
            checksum: match self.checksum {
                Some(digest) => digest.finish(),
                None => ChecksumValue { algorithm: self.algorithm, value: md5.to_vec() },
            },
            kept: self.kept.map(ChecksumDigest::finish),
        }
    }
}

impl content::Digest for Digests {
    fn md5(&mut self) -> &mut Md5 {
        &mut self.md5
    }

    fn update_others(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        for checksum in [&mut self.checksum, &mut self.kept].into_iter().flatten() {
            checksum.update(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::content::Digest as _;

    #[test]
    fn all_digests_of_chunked_bytes() {
        let mut digests = Digests::new(ChecksumAlgorithm::Crc64Nvme);
        digests.update(b"1234");
        digests.update(b"");
        digests.update(b"56789");
        let found = digests.finish();
        assert_eq!(found.length, 9);
        assert_eq!(hex::encode(found.md5), "25f9e794323b453885f5181f1b624d0b");
        assert_eq!(hex::encode(found.checksum.value), "ae8b14860a799888");
        assert_eq!(found.kept, None);
    }

    #[test]
    fn a_checksum_to_keep_beside_the_one_that_was_sent() {
        let mut digests = Digests::new(ChecksumAlgorithm::Md5).keeping(ChecksumAlgorithm::Crc64Nvme);
        digests.update(b"123456789");
        let found = digests.finish();
        assert_eq!(found.checksum.algorithm, ChecksumAlgorithm::Md5);
        assert_eq!(hex::encode(found.checksum.value), "25f9e794323b453885f5181f1b624d0b");
        assert_eq!(found.kept.map(|kept| hex::encode(kept.value)).as_deref(), Some("ae8b14860a799888"));
        let same = Digests::new(ChecksumAlgorithm::Crc64Nvme).keeping(ChecksumAlgorithm::Crc64Nvme);
        assert_eq!(same.finish().kept, None);
    }
}
