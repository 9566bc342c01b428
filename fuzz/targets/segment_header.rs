#![no_main]

use deltastore_format::SegmentHeader;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    deltastore_fuzz::header(bytes, SegmentHeader::decode, SegmentHeader::to_bytes);
});
