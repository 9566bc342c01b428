//! From the boundaries that were taken out to the ops that name them.

use super::boundary::{Boundary, Mark};
use crate::program::{Chunked, Chunks, Op};
use crate::varint::put_varint;

/// Appends the ops for boundaries at or behind `start`, which are those of one unit, to its program.
pub(crate) fn ops<'a>(boundaries: impl Iterator<Item = &'a Boundary>, start: usize, program: &mut Vec<u8>) {
    let mut run: Vec<Boundary> = Vec::new();
    let mut from = start;
    for boundary in boundaries {
        if boundary.is_first() {
            from = seal(&mut run, from, program);
        }
        run.push(*boundary);
    }
    seal(&mut run, from, program);
}

/// Writes the op of boundaries in a row, if there are any; where the next one counts from.
fn seal(run: &mut Vec<Boundary>, from: usize, program: &mut Vec<u8>) -> usize {
    let (Some(first), Some(last)) = (run.first(), run.last()) else { return from };
    let before = (first.at - from) as u64;
    let of = match first.mark {
        // What began before the unit is not there when it is re-created.
        Mark::Image { first: Some(covered), .. } if covered as u64 <= before => {
            Chunked::Image { covered: covered as u64, crc: 0 }
        }
        Mark::Image { crc, .. } => Chunked::Image { covered: 0, crc },
        Mark::Dump { .. } => Chunked::Dump,
    };
    let groups = run.chunk_by(|one, two| one.length == two.length);
    Op::Chunks(Chunks { before, of, groups: groups.clone().count() as u64 }).encode(program);
    for group in groups {
        put_varint(program, group.len() as u64);
        put_varint(program, u64::from(group[0].length));
    }
    let end = last.at;
    run.clear();
    end
}
