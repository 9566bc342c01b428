#![no_main]

use deltastore_format::Node;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    deltastore_fuzz::payload(bytes, Node::decode, Node::encode);
});
