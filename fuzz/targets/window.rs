#![no_main]

use deltastore_format::WindowHead;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    deltastore_fuzz::bounded(bytes, || {
        let prefix = WindowHead::decode_prefix(bytes);
        if let Ok((head, head_len)) = &prefix {
            let mut again = Vec::new();
            head.encode(&mut again);
            assert_eq!(again, bytes[..*head_len]);
        }
        if let Ok(whole) = WindowHead::decode(bytes) {
            assert_eq!(whole.0.encoded_len as usize, bytes.len() - whole.1);
            assert_eq!(prefix, Ok(whole));
        }
    });
});
