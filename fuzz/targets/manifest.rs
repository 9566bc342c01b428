#![no_main]

use deltastore_format::{Manifest, crc32c};

/// Bytes of the fixed header, of which the last four are its checksum.
const HEADER: usize = 64;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let check = |bytes: &[u8]| {
        if let Ok(manifest) = Manifest::decode(bytes) {
            assert_eq!(manifest.to_bytes(), bytes);
        }
    };
    deltastore_fuzz::bounded(bytes, || {
        check(bytes);
        // With checksums made right, which no mutation would hit.
        if let Some((head, rest)) = bytes.split_at_checked(HEADER) {
            let (covered, entries) = (&head[..HEADER - 4], &rest[..rest.len().saturating_sub(4)]);
            let (of_head, of_entries) = (crc32c(covered).to_le_bytes(), crc32c(entries).to_le_bytes());
            check(&[covered, &of_head, entries, &of_entries].concat());
        }
    });
});
