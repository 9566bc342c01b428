//! Numbers of variable length (LEB128).

/// Appends `value`, seven bits a byte, the lowest first, all bytes but the last with their top bit set (LEB128).
pub(crate) fn put_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 128 {
        bytes.push(value as u8 | 128);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// Reads a varint of at most 9 bytes.
pub(crate) fn take_varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0;
    for shift in (0..63).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 127) << shift;
        if byte < 128 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_and_longer_ones_are_refused() {
        for value in [0, 1, 127, 128, 300, 1 << 40, u64::MAX >> 1] {
            let (mut bytes, mut at) = (Vec::new(), 0);
            put_varint(&mut bytes, value);
            assert_eq!(take_varint(&bytes, &mut at), Some(value));
            assert_eq!(at, bytes.len());
            assert_eq!(take_varint(&bytes[..at - 1], &mut 0), None);
        }
        assert_eq!(take_varint(&[0xff; 12], &mut 0), None);
    }
}
