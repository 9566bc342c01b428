#![no_main]

use deltastore_format::StoreHeader;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    deltastore_fuzz::header(bytes, StoreHeader::decode, StoreHeader::to_bytes);
});
