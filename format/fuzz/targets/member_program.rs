#![no_main]

use deltastore_members::recreate;

// The first bytes split what follows into program and view, and choose the length asked for.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // The encoder's tables are allocated whatever the input: let the input justify them.
    let Some((&[split, low, high], rest)) = bytes.split_first_chunk::<3>().filter(|_| bytes.len() >= 128) else { return };
    let (program, view) = rest.split_at(usize::from(split).min(rest.len()));
    let len = usize::from(u16::from_le_bytes([low, high])).min(bytes.len() * 64);
    deltastore_format_fuzz::bounded(bytes, || {
        if let Ok(object) = recreate(program, view, len) {
            assert_eq!(object.len(), len);
        }
    });
});
