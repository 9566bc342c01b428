//! The three streams in one piece.

use zstd::zstd_safe::{CCtx, CParameter, DCtx, compress_bound};

use crate::delta::decode::{inflate, inflate_with, one_frame, reason};

/// Length of the header: four lengths.
const HEADER_LEN: usize = 16;
/// Bit 31 of the literals' length: their frame has the references as its prefix.
const WITH_PREFIX: u32 = 1 << 31;

/// What a decoder makes of an encoded window.
pub(super) struct Streams {
    pub(super) control: Vec<u8>,
    pub(super) differences: Vec<u8>,
    pub(super) literals: Vec<u8>,
}

/// Most bytes of control for a window of this many: more would never be smaller than the window.
pub(super) fn max_control(raw_len: usize) -> usize {
    raw_len
}

/// Puts the streams together, each as a zstd frame where that is shorter.
pub(super) fn write(
    control: &[u8],
    differences: &[u8],
    literals: &[u8],
    prefix: &[u8],
    level: i32,
    limit: usize,
) -> Option<Vec<u8>> {
    let mut out = vec![0; HEADER_LEN];
    let control_len = append(control, &[], level, &mut out)?;
    let differences_len = append(differences, &[], level, &mut out)?;
    if out.len() > limit {
        return None;
    }
    let before = out.len();
    append(literals, &[], level, &mut out)?;
    let mut flags = 0;
    if !prefix.is_empty() && literals.len() > 64 {
        let mut other = Vec::new();
        append(literals, prefix, level, &mut other)?;
        if other.len() < out.len() - before && other.len() < literals.len() {
            out.truncate(before);
            out.extend_from_slice(&other);
            flags = WITH_PREFIX;
        }
    }
    let fields = [control.len() as u32 | flags, control_len, differences.len() as u32, differences_len];
    for (field, value) in out.chunks_exact_mut(4).zip(fields) {
        field.copy_from_slice(&value.to_le_bytes());
    }
    (out.len() <= limit).then_some(out)
}

fn append(plain: &[u8], prefix: &[u8], level: i32, out: &mut Vec<u8>) -> Option<u32> {
    let start = out.len();
    let mut frame = Vec::with_capacity(compress_bound(plain.len()));
    let mut context = CCtx::create();
    context.set_parameter(CParameter::CompressionLevel(level)).ok()?;
    if !prefix.is_empty() {
        let span_log = (prefix.len() + plain.len()).next_power_of_two().trailing_zeros().max(10);
        context.set_parameter(CParameter::WindowLog(span_log)).ok()?;
        context.ref_prefix(prefix).ok()?;
    }
    context.compress2(&mut frame, plain).ok()?;
    out.extend_from_slice(if frame.len() < plain.len() { &frame } else { plain });
    Some((out.len() - start) as u32)
}

/// Takes them apart. Allocates at most `raw_len` bytes for differences and literals together and as much for control.
pub(super) fn read(zstd: &mut DCtx<'_>, encoded: &[u8], source: &[u8], raw_len: usize) -> Result<Streams, String> {
    let (header, rest) = encoded.split_at_checked(HEADER_LEN).ok_or("no room for a header")?;
    let mut fields = [0u32; 4];
    for (field, bytes) in fields.iter_mut().zip(header.as_chunks::<4>().0) {
        *field = u32::from_le_bytes(*bytes);
    }
    let [control_len, control_stored, differences_len, differences_stored] = fields;
    let with_prefix = control_len & WITH_PREFIX != 0;
    let control_len = (control_len & !WITH_PREFIX) as usize;
    if control_len > max_control(raw_len) {
        return Err(format!("{control_len} bytes of control for a window of {raw_len}"));
    }
    let differences_len = differences_len as usize;
    let literals_len = raw_len.checked_sub(differences_len).ok_or("more differences than the window has bytes")?;
    let (control, rest) = rest.split_at_checked(control_stored as usize).ok_or("the control stream is cut off")?;
    let (differences, literals) =
        rest.split_at_checked(differences_stored as usize).ok_or("the differences are cut off")?;
    Ok(Streams {
        control: one(zstd, control, control_len)?,
        differences: one(zstd, differences, differences_len)?,
        literals: if with_prefix {
            one_frame(literals)?;
            exactly(inflate_with(source, literals, literals_len)?, literals_len)?
        } else {
            one(zstd, literals, literals_len)?
        },
    })
}

/// A stream that is stored as it is if that is as long as its plain bytes, else as one frame.
fn one(zstd: &mut DCtx<'_>, stored: &[u8], len: usize) -> Result<Vec<u8>, String> {
    if stored.len() == len {
        return Ok(stored.to_vec());
    }
    one_frame(stored)?;
    exactly(inflate(zstd, stored, len)?, len)
}

fn exactly(plain: Vec<u8>, len: usize) -> Result<Vec<u8>, String> {
    if plain.len() == len { Ok(plain) } else { Err(format!("a stream of {} bytes instead of {len}", plain.len())) }
}
