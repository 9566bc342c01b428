#![no_main]

use deltastore_format::UploadPut;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    deltastore_fuzz::payload(bytes, UploadPut::decode, UploadPut::encode);
});
