#![no_main]

use deltastore_format::Checksum;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    deltastore_fuzz::payload(bytes, Checksum::decode, Checksum::encode);
});
