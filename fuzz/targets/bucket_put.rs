#![no_main]

use deltastore_format::BucketPut;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    deltastore_fuzz::payload(bytes, BucketPut::decode, BucketPut::encode);
});
