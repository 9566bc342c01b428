//! Streams that lie in chunks of a [PNG](super::png) or of a [dump](super::pg_dump).
//!
//! [`Joiner`] takes the boundaries between such chunks out of an object, so that the expander sees a stream without
//! gaps; ops 5 and 6 of a unit's program, which [`ops`] makes, say where they were, and [`insert`] puts them back.
//! `FORMAT.md` describes the ops.
//!
//! Invariant: a boundary that is taken out follows from the bytes around it but for the length of the chunk that it
//! begins.

mod boundary;
mod chunk;
mod find;
mod insert;
mod join;
mod ops;

pub(crate) use insert::{Place, insert, total};
pub(crate) use join::Joiner;
pub(crate) use ops::ops;

#[cfg(test)]
mod tests {
    use super::boundary::{Boundary, Mark};
    use super::*;
    use crate::container::pg_dump::boundary as dump_boundary;
    use crate::container::png::IDAT;
    use crate::program::{Op, VERSION};
    use crate::recreate::recreate;

    fn dice(state: &mut u64, below: usize) -> usize {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (*state >> 33) as usize % below
    }

    /// Chunks of streams among other bytes; now and then something is wrong with them.
    fn object(state: &mut u64) -> Vec<u8> {
        let mut object = Vec::new();
        for index in 0..40 {
            if dice(state, 30) == 0 {
                dump(state, &mut object);
            }
            let length = [0, 1, 63, 64, 65, 300][dice(state, 6)];
            let mut body = IDAT.to_vec();
            if index % 5 == 0 {
                body.extend([[0x78, 0x9c], [0x48, 0x89]][dice(state, 2)]);
            }
            body.extend((0..length).map(|_| b"IDATx"[dice(state, 5)]));
            object.extend((body.len() as u32 - 4).to_be_bytes());
            object.extend(&body);
            object.extend(libdeflater::crc32(&body).to_be_bytes());
            match dice(state, 12) {
                0 => object.extend(b"IDAT"),
                1 => drop(object.pop()),
                2 => object.extend([7; 100]),
                _ => {}
            }
        }
        object
    }

    /// Some chunks of a dump, likewise.
    fn dump(state: &mut u64, object: &mut Vec<u8>) {
        for index in 0..4 {
            let length = [4096, 4096, 4096, 4095, 1, 0, 4097][dice(state, if index == 0 { 1 } else { 7 })];
            object.extend(dump_boundary(length));
            let data = object.len();
            object.extend([0x78, 0xda].iter().cycle().take(length as usize));
            object.extend([0; 5].iter().take(dice(state, 7) / 5));
            // An image's head in it is none.
            if let Some(slot) = object[data..].first_chunk_mut::<30>() {
                slot[20..].copy_from_slice(b"\0\0\x01\0IDAT\x78\xda");
            }
        }
    }

    fn joined(object: &[u8], piece: usize) -> (Joiner, Vec<u8>) {
        let (mut joiner, mut buffer) = (Joiner::default(), Vec::new());
        object.chunks(piece).for_each(|piece| joiner.take(piece, false, &mut buffer));
        joiner.take(&[], true, &mut buffer);
        (joiner, buffer)
    }

    #[test]
    fn any_part_comes_back_alone_however_it_arrived() {
        let (mut state, mut taken, mut dumped) = (1, 0, 0);
        for _ in 0..300 {
            let object = object(&mut state);
            let (joiner, buffer) = joined(&object, object.len());
            let found = joiner.within(0..buffer.len());
            let (dumps, images): (Vec<&Boundary>, _) = found.partition(|found| matches!(found.mark, Mark::Dump { .. }));
            (taken, dumped) = (taken + images.len(), dumped + dumps.len());
            for piece in [1, 7, 100] {
                let (again, same) = joined(&object, piece);
                assert!(same == buffer && again.within(0..usize::MAX).eq(joiner.within(0..buffer.len())));
                assert_eq!(again.small, joiner.small);
            }
            let mut made = Vec::new();
            let mut at = 0;
            while at < buffer.len() {
                let end = buffer.len().min(at + 1 + dice(&mut state, 900));
                let part = joiner.object(&buffer, at..end);
                let mut program = vec![VERSION];
                ops(joiner.within(at..end), at, &mut program);
                Op::Copy((end - at) as u64).encode(&mut program);
                assert_eq!(recreate(&program, &buffer[at..end], part.len()).as_deref(), Ok(&*part));
                made.extend_from_slice(&part);
                at = end;
            }
            assert_eq!(made, object);
        }
        assert!(taken > 500 && dumped > 300, "{taken}, {dumped}");
    }

    #[test]
    fn places_follow_the_buffer() {
        let object = object(&mut 5);
        let (mut joiner, mut buffer) = joined(&object, 1000);
        let whole: Vec<Boundary> = joiner.within(0..buffer.len()).copied().collect();
        let gone = whole[whole.len() / 2].at;
        let expected = joiner.object(&buffer, gone..buffer.len()).into_owned();
        buffer.drain(..gone);
        joiner.rebase(gone);
        assert_eq!(joiner.object(&buffer, 0..buffer.len()), expected);
    }
}
