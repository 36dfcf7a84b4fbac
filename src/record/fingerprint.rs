//! Fingerprint of a configuration: a short digest of all settings that decide what results there are and what they say.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// Digest of the settings that results depend on: the first 128 bits of SHA-256 over their canonical text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// What stands where the lane of a frame has not said its configuration yet.
    pub(crate) const UNSET: Self = Self([0; 16]);

    /// The fingerprint of a canonical text.
    #[must_use]
    pub fn of(canonical: &str) -> Self {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&Sha256::digest(canonical)[..16]);
        Self(bytes)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl From<Fingerprint> for String {
    fn from(f: Fingerprint) -> Self {
        f.to_string()
    }
}

/// A text that is no fingerprint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoFingerprint {
    /// What came.
    pub found: String,
}

impl fmt::Display for NoFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\": expected a fingerprint of 32 hexadecimal digits, 0 to 9 and a to f", self.found)
    }
}

impl std::error::Error for NoFingerprint {}

impl TryFrom<String> for Fingerprint {
    type Error = NoFingerprint;

    fn try_from(text: String) -> Result<Self, NoFingerprint> {
        text.as_str().try_into()
    }
}

impl TryFrom<&str> for Fingerprint {
    type Error = NoFingerprint;

    fn try_from(text: &str) -> Result<Self, NoFingerprint> {
        let digit = |b: u8| match b {
            b'0'..=b'9' => Some(b - b'0'),
            b'a'..=b'f' => Some(b - b'a' + 10),
            _ => None,
        };
        let mut bytes = [0; 16];
        let pairs = text.as_bytes().chunks_exact(2);
        let complete = text.len() == 32
            && pairs.zip(&mut bytes).all(|(pair, byte)| match (digit(pair[0]), digit(pair[1])) {
                (Some(high), Some(low)) => {
                    *byte = high << 4 | low;
                    true
                }
                _ => false,
            });
        if complete { Ok(Self(bytes)) } else { Err(NoFingerprint { found: text.to_owned() }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_as_it_is_written() {
        let f = Fingerprint::of("segmentation=file\n");
        assert_eq!(Fingerprint::try_from(f.to_string().as_str()), Ok(f));
        for wrong in ["", "0", &"g".repeat(32), &"A".repeat(32), &"0".repeat(31), &"0".repeat(34), &"é".repeat(16)] {
            let why = Fingerprint::try_from(wrong).unwrap_err().to_string();
            assert!(why.contains(wrong) && why.contains("32 hexadecimal digits"), "{why}");
        }
    }
}
