#![no_main]

use deltastore_format::Op;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    deltastore_fuzz::payload(bytes, Op::decode, Op::encode);
});
