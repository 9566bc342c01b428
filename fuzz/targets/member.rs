#![no_main]

use deltastore_format::Member;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    deltastore_fuzz::payload(bytes, Member::decode, Member::encode);
});
