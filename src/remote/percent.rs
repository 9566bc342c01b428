//! Percent-encoding, as paths, queries and forms have it.

/// The text with everything but unreserved characters encoded.
pub fn encode(text: &str) -> String {
    encode_except(text, b"")
}

/// As [`encode`], with the bytes of `kept` left as they are.
pub fn encode_except(text: &str, kept: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || kept.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
            encoded.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    encoded
}

/// The text with its escapes decoded; none if one of them is none, or the bytes are not UTF-8.
pub fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                (digit(rest.next())? << 4 | digit(rest.next())?) as u8
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// As [`decode`], of a name or value of a form, where `+` is a blank.
pub fn decode_form(text: &str) -> Option<String> {
    decode(&text.replace('+', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded_again() {
        for text in ["", "a/b c+d%", "\u{fc}\0"] {
            assert_eq!(decode(&encode(text)).as_deref(), Some(text));
            assert_eq!(decode(&encode_except(text, b"/")).as_deref(), Some(text));
        }
        assert_eq!(encode_except("a/b c+\u{fc}\r", b"/"), "a/b%20c%2B%C3%BC%0D");
        assert_eq!(decode("a+b%2f").as_deref(), Some("a+b/"));
        assert_eq!(decode_form("a+b%2f%2B").as_deref(), Some("a b/+"));
        for wrong in ["%", "%2", "%2g", "%+1", "%ff"] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }
}
