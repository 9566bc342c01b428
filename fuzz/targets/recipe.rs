#![no_main]

use deltastore_format::Recipe;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    deltastore_fuzz::payload(bytes, Recipe::decode, Recipe::encode);
});
