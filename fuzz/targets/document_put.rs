#![no_main]

use deltastore_format::DocumentPut;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    deltastore_fuzz::payload(bytes, DocumentPut::decode, DocumentPut::encode);
});
