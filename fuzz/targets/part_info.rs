#![no_main]

use deltastore_format::PartInfo;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    deltastore_fuzz::payload(bytes, PartInfo::decode, PartInfo::encode);
});
