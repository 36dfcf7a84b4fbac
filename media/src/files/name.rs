//! File names as text, without loss.
//!
//! A name that is valid UTF-8 is its own text. Each byte that is not becomes `\xNN` (two lower-case hexadecimal digits), and a
//! backslash that would look like the beginning of such a thing becomes `\x5c`. Different names therefore have different texts.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// The byte that an escape at the beginning of `text` stands for.
fn escape(text: &[u8]) -> Option<u8> {
    match text {
        [b'\\', b'x', a, b, ..] if !a.is_ascii_uppercase() && !b.is_ascii_uppercase() => {
            let digit = |d: u8| char::from(d).to_digit(16);
            u8::try_from(digit(*a)? * 16 + digit(*b)?).ok()
        }
        _ => None,
    }
}

/// Text of a file name.
#[must_use]
pub fn to_name(name: impl AsRef<OsStr>) -> String {
    let bytes = name.as_ref().as_bytes();
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        let valid = chunk.valid();
        for (k, c) in valid.char_indices() {
            match c {
                '\\' if escape(&valid.as_bytes()[k..]).is_some() => text.push_str("\\x5c"),
                c => text.push(c),
            }
        }
        chunk.invalid().iter().for_each(|b| text.push_str(&format!("\\x{b:02x}")));
    }
    text
}

/// File name that a text stands for.
#[must_use]
pub fn from_name(text: &str) -> OsString {
    let bytes = text.as_bytes();
    let mut name = Vec::with_capacity(bytes.len());
    let mut position = 0;
    while position < bytes.len() {
        let byte = escape(&bytes[position..]);
        name.push(byte.unwrap_or(bytes[position]));
        position += if byte.is_some() { 4 } else { 1 };
    }
    OsString::from_vec(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    /// All names of up to six bytes over an alphabet that has everything awkward in it.
    #[test]
    fn no_two_names_have_one_text_and_every_text_leads_back() {
        let alphabet = b"\\x5cf\xff\xe9";
        let mut names: Vec<Vec<u8>> = vec![Vec::new()];
        let mut from = 0;
        for _ in 0..6 {
            let to = names.len();
            for k in from..to {
                for b in alphabet {
                    names.push([&names[k][..], &[*b]].concat());
                }
            }
            from = to;
        }
        let mut seen: HashMap<String, Vec<u8>> = HashMap::new();
        for n in names {
            let text = to_name(OsStr::from_bytes(&n));
            assert_eq!(from_name(&text).as_bytes(), n, "{text}");
            let other = seen.insert(text.clone(), n.clone());
            assert_eq!(other, None, "{text} for {n:?} as well");
        }
    }

    #[test]
    fn ordinary_names_stay_as_they_are() {
        for name in ["a.wav", "Gespräch 1.wav", "C:\\calls\\x.wav", "\\xyz", ""] {
            assert_eq!(to_name(name), name);
        }
        assert_eq!(to_name(OsStr::from_bytes(b"a\xff.wav")), "a\\xff.wav");
        assert_ne!(to_name(OsStr::from_bytes(b"a\xff.wav")), to_name(OsStr::from_bytes(b"a\xfe.wav")));
    }
}
