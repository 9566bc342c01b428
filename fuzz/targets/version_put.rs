#![no_main]

use deltastore_format::VersionPut;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    deltastore_fuzz::payload(bytes, VersionPut::decode, VersionPut::encode);
});
