#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| deltastore::s3::fuzzing::query(bytes));
