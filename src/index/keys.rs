//! Order-preserving keys.
//!
//! A name's bytes are kept as they are, but a zero byte becomes `00 FF`; `00 00` ends the name. So rows lie in
//! the byte order of their names, whatever follows a name, and the rows under a prefix are one range.

use deltastore_format::DecodeError;

const END: [u8; 2] = [0, 0];
const WHAT: &str = "index key";

/// Appends `name` without its end: the bytes that all names beginning with it begin with.
pub fn push_prefix(out: &mut Vec<u8>, name: &str) {
    for byte in name.bytes() {
        out.push(byte);
        if byte == 0 {
            out.push(0xFF);
        }
    }
}

/// Appends `name` and its end.
pub fn push_name(out: &mut Vec<u8>, name: &str) {
    push_prefix(out, name);
    out.extend_from_slice(&END);
}

/// Reads a name at the front; also what follows it.
pub fn split_name(bytes: &[u8]) -> Result<(String, &[u8]), DecodeError> {
    let mut name = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    loop {
        match rest {
            [0, 0, after @ ..] => {
                let name = String::from_utf8(name).map_err(|_| DecodeError::Utf8 { what: WHAT })?;
                return Ok((name, after));
            }
            [0, 0xFF, after @ ..] => {
                name.push(0);
                rest = after;
            }
            [0, other, ..] => {
                return Err(DecodeError::Unknown { what: WHAT, value: u64::from(*other) });
            }
            [byte, after @ ..] if *byte != 0 => {
                name.push(*byte);
                rest = after;
            }
            _ => {
                return Err(DecodeError::Truncated { what: WHAT, needed: 2, left: rest.len() as u64 });
            }
        }
    }
}

/// The least key above every key that begins with `prefix`; none when there is no such key.
pub fn above(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != 0xFF)?;
    let mut bound = prefix[..=last].to_vec();
    bound[last] += 1;
    Some(bound)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::tests::random_name;
    use rand::{SeedableRng, rngs::StdRng};

    fn escaped(name: &str) -> Vec<u8> {
        let mut out = Vec::new();
        push_name(&mut out, name);
        out
    }

    #[test]
    fn keeps_order_prefixes_and_names() {
        let mut rng = StdRng::seed_from_u64(1);
        for _ in 0..100_000 {
            let (a, b) = (random_name(&mut rng), random_name(&mut rng));
            let (mut left, mut right) = (escaped(&a), escaped(&b));
            assert_eq!(split_name(&left), Ok((a.clone(), &[][..])));
            // What follows a name must not change the order.
            left.extend_from_slice(&[0xFF; 3]);
            right.extend_from_slice(&[0; 3]);
            if a != b {
                assert_eq!(left.cmp(&right), a.as_bytes().cmp(b.as_bytes()), "{a:?} {b:?}");
            }
            let mut prefix = Vec::new();
            push_prefix(&mut prefix, &b);
            let inside = left >= prefix && above(&prefix).is_none_or(|bound| left < bound);
            assert_eq!(inside, a.starts_with(&b), "{a:?} {b:?}");
        }
    }

    #[test]
    fn bounds_carry() {
        assert_eq!(above(&[1, 2]), Some(vec![1, 3]));
        assert_eq!(above(&[1, 0xFF, 0xFF]), Some(vec![2]));
        assert_eq!(above(&[0xFF, 0xFF]), None);
        assert_eq!(above(&[]), None);
    }

    #[test]
    fn damaged_names_are_errors() {
        for bytes in [&b""[..], b"abc", b"a\0", b"a\0\x01", b"\xFF\0\0"] {
            assert!(split_name(bytes).is_err(), "{bytes:?}");
        }
    }
}
