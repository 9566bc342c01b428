#![no_main]

use deltastore_format::Metadata;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    deltastore_fuzz::payload(bytes, Metadata::decode, Metadata::encode);
});
