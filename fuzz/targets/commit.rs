#![no_main]

use deltastore_format::Commit;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    deltastore_fuzz::payload(bytes, Commit::decode, Commit::encode);
});
