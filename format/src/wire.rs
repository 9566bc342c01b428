//! Little-endian primitives under every encoder and decoder.
//!
//! A [`Reader`] never looks past its slice, and makes room only for what the bytes
//! left can hold. A [`Writer`] cannot fail: a length that its prefix cannot hold is
//! written as the prefix's maximum, which every decoder refuses as over its limit.

use crate::error::DecodeError;

/// A value that can stand inside another; `encode` and `decode` are made from it by [`public_codec!`].
pub trait Wire: Sized {
    /// Names the value in errors.
    const NAME: &'static str;
    fn write(&self, out: &mut Writer<'_>);
    fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError>;
}

/// Gives types that are [`Wire`] their public `encode` and `decode`.
macro_rules! public_codec {
    ($($type:ty),+ $(,)?) => {$(
        impl $type {
            /// Appends the encoding that `SPEC.md` gives. A value over a limit there yields bytes that `decode`
            /// refuses.
            pub fn encode(&self, out: &mut Vec<u8>) {
                $crate::wire::Wire::write(self, &mut $crate::wire::Writer::new(out));
            }

            /// Decodes exactly `bytes`.
            ///
            /// # Errors
            /// Whatever `SPEC.md` does not allow, bytes left over too.
            pub fn decode(bytes: &[u8]) -> Result<Self, $crate::error::DecodeError> {
                let mut input = $crate::wire::Reader::new(bytes);
                let value = <Self as $crate::wire::Wire>::read(&mut input)?;
                input.finish(<Self as $crate::wire::Wire>::NAME)?;
                Ok(value)
            }
        }
    )+};
}
pub(crate) use public_codec;

/// Appends to a buffer.
pub struct Writer<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Writer<'a> {
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        Writer { out }
    }

    pub fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    pub fn u8(&mut self, value: u8) {
        self.out.push(value);
    }

    pub fn u16(&mut self, value: u16) {
        self.bytes(&value.to_le_bytes());
    }

    pub fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    pub fn u64(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }

    pub fn zeros(&mut self, count: usize) {
        self.out.resize(self.out.len() + count, 0);
    }

    /// Bit `i` of a byte for `bits[i]`.
    pub fn flags(&mut self, bits: &[bool]) {
        self.u8(bits.iter().rev().fold(0, |flags, bit| flags << 1 | u8::from(*bit)));
    }

    pub fn len_u8(&mut self, len: usize) {
        self.u8(u8::try_from(len).unwrap_or(u8::MAX));
    }

    pub fn len_u32(&mut self, len: usize) {
        self.u32(u32::try_from(len).unwrap_or(u32::MAX));
    }

    pub fn string(&mut self, text: &str) {
        self.len_u32(text.len());
        self.bytes(text.as_bytes());
    }

    pub fn list<T>(&mut self, items: &[T], mut item: impl FnMut(&mut Self, &T)) {
        self.len_u32(items.len());
        items.iter().for_each(|value| item(self, value));
    }

    pub fn option<T>(&mut self, value: Option<&T>, item: impl FnOnce(&mut Self, &T)) {
        self.u8(u8::from(value.is_some()));
        if let Some(value) = value {
            item(self, value);
        }
    }
}

/// Takes from the front of a slice.
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader { rest: bytes }
    }

    pub fn left(&self) -> usize {
        self.rest.len()
    }

    pub fn take(&mut self, what: &'static str, len: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(DecodeError::Truncated {
            what,
            needed: len as u64,
            left: self.rest.len() as u64,
        })?;
        self.rest = rest;
        Ok(taken)
    }

    pub fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], DecodeError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(what, N)?);
        Ok(array)
    }

    pub fn u8(&mut self, what: &'static str) -> Result<u8, DecodeError> {
        self.array(what).map(u8::from_le_bytes)
    }

    pub fn u16(&mut self, what: &'static str) -> Result<u16, DecodeError> {
        self.array(what).map(u16::from_le_bytes)
    }

    pub fn u32(&mut self, what: &'static str) -> Result<u32, DecodeError> {
        self.array(what).map(u32::from_le_bytes)
    }

    pub fn u64(&mut self, what: &'static str) -> Result<u64, DecodeError> {
        self.array(what).map(u64::from_le_bytes)
    }

    pub fn magic(&mut self, what: &'static str, magic: [u8; 4]) -> Result<(), DecodeError> {
        let found = self.array(what)?;
        if found == magic { Ok(()) } else { Err(DecodeError::Magic { what, found: u32::from_le_bytes(found) }) }
    }

    /// The version byte of a payload.
    pub fn version(&mut self, what: &'static str, known: u8) -> Result<(), DecodeError> {
        let found = self.u8(what)?;
        check_version(what, found.into(), known.into())
    }

    pub fn zeros(&mut self, what: &'static str, count: usize) -> Result<(), DecodeError> {
        if self.take(what, count)?.iter().all(|byte| *byte == 0) { Ok(()) } else { Err(DecodeError::Reserved { what }) }
    }

    /// The lowest `N` bits of a byte; the others are reserved.
    pub fn flags<const N: usize>(&mut self, what: &'static str) -> Result<[bool; N], DecodeError> {
        let flags = self.u8(what)?;
        if u32::from(flags) >> N != 0 {
            return Err(DecodeError::Reserved { what });
        }
        Ok(std::array::from_fn(|bit| flags >> bit & 1 == 1))
    }

    pub fn string(&mut self, what: &'static str, limit: usize) -> Result<String, DecodeError> {
        let len = self.u32(what)?;
        let len = within(what, len.into(), limit as u64)?;
        let bytes = self.take(what, len)?;
        std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| DecodeError::Utf8 { what })
    }

    /// A count, then that many items, each of at least `item_len` bytes.
    pub fn list<T>(
        &mut self,
        what: &'static str,
        limit: usize,
        item_len: usize,
        item: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let count = self.u32(what)?;
        let count = within(what, count.into(), limit as u64)?;
        self.items(what, count, item_len, item)
    }

    /// `count` items, each of at least `item_len` bytes.
    pub fn items<T>(
        &mut self,
        what: &'static str,
        count: usize,
        item_len: usize,
        mut item: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let (needed, left) = (count as u64 * item_len as u64, self.left() as u64);
        if needed > left {
            return Err(DecodeError::Truncated { what, needed, left });
        }
        // An item may be larger in memory than encoded: start with no more memory than there is input.
        let mut items = Vec::with_capacity(count.min(self.left() / size_of::<T>().max(1)));
        for _ in 0..count {
            items.push(item(self)?);
        }
        Ok(items)
    }

    pub fn option<T>(
        &mut self,
        what: &'static str,
        item: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        match self.u8(what)? {
            0 => Ok(None),
            1 => item(self).map(Some),
            value => Err(DecodeError::Unknown { what, value: value.into() }),
        }
    }

    /// Ends the decode: nothing may be left.
    pub fn finish(self, what: &'static str) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(DecodeError::Trailing { what, left: left as u64 }),
        }
    }
}

/// `value` if it is at most `limit`.
pub(crate) fn within(what: &'static str, value: u64, limit: u64) -> Result<usize, DecodeError> {
    usize::try_from(value).ok().filter(|_| value <= limit).ok_or(DecodeError::Limit { what, value, limit })
}

pub(crate) fn check_version(what: &'static str, found: u32, known: u32) -> Result<(), DecodeError> {
    if found == known { Ok(()) } else { Err(DecodeError::Version { what, found, known }) }
}
