//! Identities that depend on nothing but what a record is about.

use super::{Record, SCHEMA};
use sha2::{Digest, Sha256};

/// 128 bits of SHA-256 over the parts, each with its length so that no two lists of parts run together.
fn digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize()[..16].iter().map(|b| format!("{b:02x}")).collect()
}

fn with_revision(r: &Record, revision: Option<u32>) -> String {
    let channel = r.channel.index.map_or(u64::MAX, |i| i as u64).to_le_bytes();
    let start = r.start_ns.to_le_bytes();
    // The segment is the same whoever scores it; the record is not.
    let model = r.scored.as_ref().filter(|_| revision.is_some()).map(|s| s.model.sha256.clone());
    let revision = revision.map(u32::to_le_bytes);
    let mut parts = vec![
        SCHEMA.as_bytes(),
        r.stream.as_bytes(),
        &channel,
        r.segment.name().as_bytes(),
        &start,
        r.feature_set.as_bytes(),
        r.feature_set_version.as_bytes(),
        revision.as_ref().map_or(&[][..], |b| &b[..]),
    ];
    parts.extend(model.as_ref().map(|m| m.as_bytes()));
    digest(&parts)
}

/// Identity of a record: 32 hexadecimal digits.
#[must_use]
pub fn result_id(record: &Record) -> String {
    with_revision(record, Some(record.revision))
}

/// Identity of a segment, the same for every revision: 32 hexadecimal digits.
#[must_use]
pub fn segment_id(record: &Record) -> String {
    with_revision(record, None)
}
