#![no_main]

use deltastore_members::recreate;

/// What an encoder's window, chains and output take, with the tables of blocks.
const ENCODER: usize = 2 << 20;

// The first bytes split what follows into program and view, and choose the length asked for.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((&[split, low, high], rest)) = bytes.split_first_chunk::<3>() else { return };
    let (program, view) = rest.split_at(usize::from(split).min(rest.len()));
    let len = usize::from(u16::from_le_bytes([low, high])).min(bytes.len() * 64);
    deltastore_fuzz::bounded_beside(ENCODER, bytes, || {
        if let Ok(object) = recreate(program, view, len) {
            assert_eq!(object.len(), len);
        }
    });
});
