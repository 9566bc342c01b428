#![no_main]

use deltastore_format::PartPut;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    deltastore_fuzz::payload(bytes, PartPut::decode, PartPut::encode);
});
