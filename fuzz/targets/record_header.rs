#![no_main]

use deltastore_format::RecordHeader;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    deltastore_fuzz::header(bytes, RecordHeader::decode, RecordHeader::to_bytes);
});
