//! Messages of a queue: which part is to be done, and why one was given up. What is in them is somebody's word, and checked.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Name and version of the form of a message.
const SCHEMA: &str = "affect.part/1";
/// The same of a dead letter.
const DEAD_SCHEMA: &str = "affect.dead/1";
/// Longest message that is looked at, in bytes.
const LONGEST: usize = 8192;
/// Bytes of a text from outside that a dead letter keeps.
const KEPT: usize = 500;

/// A part that is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    schema: String,
    /// Name of the archive's place, from the root on.
    pub archive: String,
    /// Identity of the run.
    pub run: String,
    /// Number of the part.
    pub part: u32,
}

fn is_run(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// A text from outside, as much of it as is worth keeping.
fn kept(text: &str) -> String {
    match text.char_indices().nth(KEPT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// What the parts of a run of an archive have in common in their subjects. Equal settings give equal runs in all archives, so that it takes both.
pub fn family(archive: &str, run: &str) -> String {
    let digest = Sha256::digest(archive);
    let key: String = digest[..8].iter().map(|b| format!("{b:02x}")).collect();
    format!("{key}.{run}")
}

impl Part {
    pub fn new(archive: String, run: String, part: u32) -> Self {
        Self { schema: SCHEMA.to_owned(), archive, run, part }
    }

    /// The subject of all parts of a queue.
    pub fn all(queue: &str) -> String {
        format!("{queue}.part.>")
    }

    /// The subject of all parts of a family.
    pub fn of_family(queue: &str, family: &str) -> String {
        format!("{queue}.part.{family}.*")
    }

    pub fn subject(&self, queue: &str) -> String {
        format!("{queue}.part.{}.{}", family(&self.archive, &self.run), self.part)
    }

    /// What tells a submission from another one of the same part; `again` is a word of those that are repeated on purpose.
    pub fn id(&self, again: Option<&str>) -> String {
        let id = format!("{}.{}", family(&self.archive, &self.run), self.part);
        again.map_or(id.clone(), |word| format!("{id}.{word}"))
    }

    pub fn text(&self) -> String {
        // Texts and a number: there is always a JSON of them.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What a message asks for.
    ///
    /// # Errors
    /// A sentence that says why it is no message of ours.
    pub fn parse(queue: &str, subject: &str, payload: &[u8]) -> Result<Self, String> {
        let wrong = |what: String| format!("{what}: expected a message of affect archive submit");
        if payload.len() > LONGEST {
            return Err(wrong(format!("a message of {} bytes", payload.len())));
        }
        let part: Self =
            serde_json::from_slice(payload).map_err(|e| wrong(format!("a message that is no {SCHEMA} ({e})")))?;
        if part.schema != SCHEMA {
            return Err(wrong(format!("a message of the form {:?}, not {SCHEMA}", kept(&part.schema))));
        }
        if !is_run(&part.run) {
            return Err(wrong(format!("a run {:?}", kept(&part.run))));
        }
        let whole = ["/", "s3://", "gs://", "az://"].iter().any(|s| part.archive.starts_with(s));
        if !whole || part.archive.split('/').any(|step| step == "..") {
            return Err(wrong(format!("an archive at {:?}, which is no place from the root on", kept(&part.archive))));
        }
        if subject != part.subject(queue) {
            return Err(wrong(format!("part {} of run {} under the subject {:?}", part.part, part.run, kept(subject))));
        }
        Ok(part)
    }
}

/// The number of the part that a subject ends with.
pub fn part_of(subject: &str) -> Option<u32> {
    subject.rsplit_once('.')?.1.parse().ok()
}

/// A message that was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dead {
    schema: String,
    pub archive: Option<String>,
    pub run: Option<String>,
    pub part: Option<u32>,
    /// Why.
    pub reason: String,
    /// How often it was given out.
    pub deliveries: u64,
    /// What the message said, where it was none of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Dead {
    pub fn part(part: &Part, reason: &str, deliveries: u64) -> Self {
        Self {
            schema: DEAD_SCHEMA.to_owned(),
            archive: Some(part.archive.clone()),
            run: Some(part.run.clone()),
            part: Some(part.part),
            reason: kept(reason),
            deliveries,
            message: None,
        }
    }

    /// Of a message that is none of ours.
    pub fn stray(payload: &[u8], reason: &str, deliveries: u64) -> Self {
        let message = Some(kept(&String::from_utf8_lossy(&payload[..payload.len().min(LONGEST)])));
        let schema = DEAD_SCHEMA.to_owned();
        Self { schema, archive: None, run: None, part: None, reason: kept(reason), deliveries, message }
    }

    /// The subject of all dead letters of a queue.
    pub fn all(queue: &str) -> String {
        format!("{queue}.dead.>")
    }

    /// The subject of those of a family.
    pub fn of_family(queue: &str, family: &str) -> String {
        Self::at(queue, family, "*")
    }

    /// The subject of the one of a part.
    pub fn at(queue: &str, family: &str, part: impl std::fmt::Display) -> String {
        format!("{queue}.dead.{family}.{part}")
    }

    /// The subject of those that are no parts.
    pub fn strays(queue: &str) -> String {
        Self::at(queue, "stray", "*")
    }

    /// Its subject; `sequence` is the number of its message in the queue.
    pub fn subject(&self, queue: &str, sequence: u64) -> String {
        match (&self.archive, &self.run, self.part) {
            (Some(archive), Some(run), Some(part)) => Self::at(queue, &family(archive, run), part),
            _ => Self::at(queue, "stray", sequence),
        }
    }

    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a dead letter; one that cannot be read says so.
    pub fn parse(payload: &[u8]) -> Self {
        let read: Option<Self> = serde_json::from_slice(payload).ok();
        let read = read.filter(|d| d.schema == DEAD_SCHEMA);
        read.unwrap_or_else(|| Self::stray(payload, "it cannot be read: it was written by another program", 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "0123456789abcdef0123456789abcdef";

    fn part() -> Part {
        Part::new("/data/calls \"x\"".to_owned(), RUN.to_owned(), 42)
    }

    #[test]
    fn messages_come_back() {
        let p = part();
        assert_eq!(Part::parse("q", &p.subject("q"), p.text().as_bytes()), Ok(p.clone()));
        let more = p.text().replace("\"part\"", "\"since\":\"later versions\",\"part\"");
        assert_eq!(Part::parse("q", &p.subject("q"), more.as_bytes()), Ok(p.clone()));
        assert_eq!(part_of(&p.subject("q")), Some(42));
        assert_ne!(p.id(None), p.id(Some("a")));
        let elsewhere = Part { archive: "/data/others".to_owned(), ..part() };
        assert!(
            elsewhere.subject("q") != p.subject("q") && elsewhere.id(None) != p.id(None),
            "equal settings give equal runs"
        );
        assert_eq!(p.id(None), part().id(None));
        let dead = Dead::part(&p, "the disk is full", 5);
        assert_eq!(Dead::parse(dead.text().as_bytes()), dead);
        assert_eq!(part_of(&dead.subject("q", 7)), Some(42));
    }

    /// What somebody else put there is refused with a reason, whatever it is, and the reason is short.
    #[test]
    fn strange_messages_are_refused_with_a_reason() {
        let p = part();
        let changed = |from: &str, to: &str| p.text().replace(from, to);
        let long = "x".repeat(2 * LONGEST);
        let strange = [
            String::new(),
            "{}".to_owned(),
            "[[[[".repeat(1000),
            "null".to_owned(),
            "\u{0}\u{1b}[2J".to_owned(),
            changed("affect.part/1", "affect.part/2"),
            changed("affect.part/1", &long[..7000]),
            changed(RUN, "../../../../etc"),
            changed(RUN, &RUN.to_uppercase()),
            changed(RUN, &format!("{}*", &RUN[1..])),
            changed("42", "-1"),
            changed("42", "4294967296"),
            changed("42", "\"42\""),
            changed("42", "43"),
            changed("/data", "data"),
            changed("/data", "/data/../etc"),
            changed("/data", "http://elsewhere/data"),
            changed("/data", &long),
        ];
        for text in strange {
            let why = Part::parse("q", &p.subject("q"), text.as_bytes()).unwrap_err();
            let dead = Dead::stray(text.as_bytes(), &why, 1);
            assert!(why.contains("expected") && dead.text().len() < 8 * KEPT, "{text:.100}: {why}");
            assert!(dead.subject("q", 9).starts_with("q.dead.stray."));
            assert_eq!(Dead::parse(dead.text().as_bytes()), dead);
        }
        assert!(Part::parse("q", &p.subject("q"), b"\xff\xfe").is_err());
        assert!(Part::parse("q", "q.part.other.42", p.text().as_bytes()).is_err());
        assert!(Part::parse("other", &p.subject("q"), p.text().as_bytes()).is_err());
        assert_eq!(Dead::parse(b"nonsense").run, None);
    }
}
