#![no_main]

use deltastore_format::Parity;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    deltastore_fuzz::payload(bytes, Parity::decode, Parity::encode);
});
