//! Decoding windows.

use std::cell::LazyCell;

use bytes::Bytes;
use deltastore_format::window::{MAX_REFERENCES, MAX_WINDOW_LEN};
use deltastore_format::{Codec, Hash, WindowHead};
use zstd::zstd_safe::DCtx;

use crate::codecs::{self, joined};

/// Why encoded bytes do not make the window that the head promises.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeltaError {
    /// The head and what was handed in with it do not belong together, or the head is over a limit of the format.
    #[error("window {window}: {what} is {found}, expected {expected}")]
    Head { window: Hash, what: &'static str, expected: u64, found: u64 },
    /// The library refused the encoded bytes; more plain bytes than the head says are refused too.
    #[error("window {window}: {codec:?} bytes are invalid: {reason}")]
    Encoded { window: Hash, codec: Codec, reason: String },
}

/// Decodes windows one after another; one per thread.
pub struct Decoder {
    // Made when first used.
    zstd: LazyCell<DCtx<'static>>,
    prefix: Vec<u8>,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder with contexts of its own, about 200 KB.
    pub fn new() -> Self {
        Self { zstd: LazyCell::new(DCtx::create), prefix: Vec::new() }
    }

    /// The plain bytes, exactly `head.raw_len` of them; no more than that is allocated for them. `references` are
    /// the plain bytes of `head.references` in the same order. Raw bytes are shared, not copied. The
    /// SHA-256 is not checked: the caller must.
    pub fn decode(&mut self, head: &WindowHead, encoded: &Bytes, references: &[Bytes]) -> Result<Bytes, DeltaError> {
        check_head(head, encoded, references)?;
        let raw_len = head.raw_len as usize;
        if head.codec == Codec::Raw {
            expect_equal(head, "length of plain bytes", raw_len, encoded.len())?;
            return Ok(encoded.clone());
        }
        let source = joined(&mut self.prefix, references);
        let plain = codecs::decode(&mut self.zstd, head.codec, encoded, source, raw_len)
            .map_err(|reason| invalid(head, reason))?;
        expect_equal(head, "length of plain bytes", raw_len, plain.len())?;
        Ok(Bytes::from(plain))
    }
}

fn check_head(head: &WindowHead, encoded: &[u8], references: &[Bytes]) -> Result<(), DeltaError> {
    at_most(head, "raw_len", MAX_WINDOW_LEN as usize, head.raw_len as usize)?;
    at_most(head, "number of references", MAX_REFERENCES, references.len())?;
    expect_equal(head, "number of references", head.references.len(), references.len())?;
    expect_equal(head, "length of encoded bytes", head.encoded_len as usize, encoded.len())?;
    for reference in references {
        at_most(head, "length of a reference", MAX_WINDOW_LEN as usize, reference.len())?;
    }
    let against_references = head.codec.has_references();
    if against_references != references.is_empty() {
        Ok(())
    } else {
        let expected = u64::from(against_references);
        Err(DeltaError::Head {
            window: head.hash,
            what: "number of references",
            expected,
            found: references.len() as u64,
        })
    }
}

fn at_most(head: &WindowHead, what: &'static str, limit: usize, found: usize) -> Result<(), DeltaError> {
    if found > limit { Err(mismatch(head, what, limit, found)) } else { Ok(()) }
}

fn expect_equal(head: &WindowHead, what: &'static str, expected: usize, found: usize) -> Result<(), DeltaError> {
    if found != expected { Err(mismatch(head, what, expected, found)) } else { Ok(()) }
}

fn mismatch(head: &WindowHead, what: &'static str, expected: usize, found: usize) -> DeltaError {
    DeltaError::Head { window: head.hash, what, expected: expected as u64, found: found as u64 }
}

fn invalid(head: &WindowHead, reason: String) -> DeltaError {
    DeltaError::Encoded { window: head.hash, codec: head.codec, reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Random, Shelf, edited, head, native, noise, single, text, weights};
    use crate::{Effort, Encoded, Encoder, Nearness, References, sketch};

    /// One window in each codec: the window, its form, its references.
    fn forms() -> Vec<(Vec<u8>, Encoded, Vec<Bytes>)> {
        let mut shelf = Shelf::default();
        let old = noise(1, 800_000);
        shelf.put(&old, 0, Nearness::Store);
        shelf.put(&edited(&old, 90_000, 1), 0, Nearness::Store);
        let mut touched = old.clone();
        touched[400_000] ^= 1;
        let windows = [
            (noise(2, 5000), Codec::Raw),
            (text(2, 5000), Codec::Zstd),
            (edited(&old, 5000, 2), Codec::ZstdReferences),
            (touched, Codec::Vcdiff),
            (native(5, 200_000, 0x40), Codec::Approximate),
            (weights(7, 50_000, 0, single), Codec::Columns),
            (weights(8, 50_000, 2, single), Codec::ColumnsReferences),
        ];
        shelf.put(&weights(8, 50_000, 0, single), 0, Nearness::Store);
        let before = native(5, 200_000, 0);
        shelf.put(&before, 0, Nearness::Store);
        let forms = windows.into_iter().map(|(window, codec)| {
            // Shifted addresses leave no feature.
            let features = if codec == Codec::Approximate { sketch(&before) } else { sketch(&window) };
            let effort = if codec == Codec::Approximate { Effort::balanced() } else { Effort::default() };
            let encoded = Encoder::new().encode(
                &window.clone().into(),
                &features,
                &shelf,
                &Effort { vcdiff_always: codec == Codec::Vcdiff, ..effort },
            );
            assert_eq!(encoded.codec, codec);
            let references = encoded.references.iter().map(|hash| shelf.load(hash).expect("stored").bytes).collect();
            (window, encoded, references)
        });
        forms.collect()
    }

    #[test]
    fn every_codec_comes_back() {
        let mut decoder = Decoder::new();
        for (window, encoded, references) in forms() {
            assert_eq!(
                decoder.decode(&head(&window, &encoded), &encoded.bytes, &references).as_deref(),
                Ok(&window[..])
            );
        }
    }

    #[test]
    fn wrong_lengths_are_errors() {
        let mut decoder = Decoder::new();
        for (window, encoded, references) in forms() {
            for raw_len in [0, 1, window.len() - 1, window.len() + 1, MAX_WINDOW_LEN as usize + 1, u32::MAX as usize] {
                let mut head = head(&window, &encoded);
                head.raw_len = raw_len as u32;
                assert!(decoder.decode(&head, &encoded.bytes, &references).is_err(), "{:?} {raw_len}", head.codec);
            }
            let mut twice = encoded.bytes.to_vec();
            twice.extend_from_slice(&encoded.bytes);
            let mut head = head(&window, &encoded);
            head.encoded_len *= 2;
            assert!(decoder.decode(&head, &twice.into(), &references).is_err());
            assert!(decoder.decode(&head, &encoded.bytes, &references).is_err());
        }
    }

    #[test]
    fn references_must_fit_the_head() {
        let mut decoder = Decoder::new();
        for (window, encoded, references) in forms() {
            let mut more = references.clone();
            more.push(Bytes::from_static(b"x"));
            let mut head = head(&window, &encoded);
            assert!(matches!(decoder.decode(&head, &encoded.bytes, &more), Err(DeltaError::Head { .. })));
            head.references.push(Hash::default());
            if references.is_empty() {
                assert!(matches!(decoder.decode(&head, &encoded.bytes, &more), Err(DeltaError::Head { .. })));
            }
            head.references.clear();
            if !references.is_empty() {
                assert!(matches!(decoder.decode(&head, &encoded.bytes, &[]), Err(DeltaError::Head { .. })));
            }
        }
    }

    #[test]
    fn a_bomb_is_refused_within_the_heads_length() {
        let zeros = vec![0u8; 8 << 20];
        let encoded = Encoder::new().encode(&zeros.clone().into(), &[], &Shelf::default(), &Effort::default());
        let mut head = head(&zeros, &encoded);
        head.raw_len = 100;
        assert!(matches!(Decoder::new().decode(&head, &encoded.bytes, &[]), Err(DeltaError::Encoded { .. })));
    }

    #[test]
    fn damage_is_an_error_or_other_bytes_of_the_right_length() {
        let mut decoder = Decoder::new();
        let mut random = Random::new(3);
        for (window, encoded, references) in forms() {
            for round in 0..300 {
                let mut bad = encoded.bytes.to_vec();
                if round % 4 == 0 {
                    bad.truncate(random.below(bad.len()));
                }
                for _ in 0..random.below(4) {
                    if !bad.is_empty() {
                        let at = random.below(bad.len());
                        bad[at] ^= 1 << random.below(8);
                    }
                }
                let mut head = head(&window, &encoded);
                head.encoded_len = bad.len() as u32;
                if let Ok(plain) = decoder.decode(&head, &bad.into(), &references) {
                    assert_eq!(plain.len(), window.len());
                }
            }
            let again = decoder.decode(&head(&window, &encoded), &encoded.bytes, &references);
            assert_eq!(again.as_deref(), Ok(&window[..]), "damage leaves nothing behind");
        }
    }

    #[test]
    fn a_reference_that_looks_like_a_zstd_dictionary_is_plain_bytes() {
        let mut old = noise(4, 100_000);
        old[..4].copy_from_slice(&0xec30_a437u32.to_le_bytes());
        let window = edited(&old, 5000, 4);
        let mut shelf = Shelf::default();
        shelf.put(&old, 0, Nearness::Store);
        let encoded = Encoder::new().encode(&window.clone().into(), &sketch(&window), &shelf, &Effort::default());
        assert_eq!(encoded.codec, Codec::ZstdReferences);
        let plain = Decoder::new().decode(&head(&window, &encoded), &encoded.bytes, &[Bytes::from(old)]);
        assert_eq!(plain.as_deref(), Ok(&window[..]));
    }
}
