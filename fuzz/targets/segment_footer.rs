#![no_main]

use deltastore_format::SegmentFooter;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    deltastore_fuzz::payload(bytes, SegmentFooter::decode, SegmentFooter::encode);
});
