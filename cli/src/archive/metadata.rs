//! What is known of calls beside their sound: a CSV table with a column that names the call.

use affect_archive::plan::PlannedCall;
use std::collections::HashMap;
use std::path::Path;

/// Names that the column with the calls may have.
const KEYS: [&str; 3] = ["key", "file", "stream"];

/// Metadata of calls.
#[derive(Debug, Default)]
pub struct Metadata {
    /// Names of the columns, without that of the calls.
    pub columns: Vec<String>,
    rows: HashMap<String, Vec<Option<String>>>,
}

impl Metadata {
    /// Reads a table. Empty cells are nothing.
    ///
    /// # Errors
    /// A sentence where it cannot be read, has no column of calls, or names one twice.
    pub fn read(path: &Path) -> Result<Self, String> {
        let named = |e: &dyn std::fmt::Display| format!("--metadata {}: {e}", path.display());
        let mut reader = csv::Reader::from_path(path).map_err(|e| named(&e))?;
        let header: Vec<String> =
            reader.headers().map_err(|e| named(&e))?.iter().map(|h| h.trim().to_owned()).collect();
        let expected = || named(&format!("expected a column {} with names relative to the archive", KEYS.join(" or ")));
        let key = header.iter().position(|h| KEYS.contains(&h.as_str())).ok_or_else(expected)?;
        let columns: Vec<String> =
            header.iter().enumerate().filter(|(k, _)| *k != key).map(|(_, h)| h.clone()).collect();
        let mut sorted: Vec<&String> = columns.iter().collect();
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|p| p[0] == p[1]) {
            return Err(named(&format!("two columns have the name {:?}", pair[0])));
        }
        let mut rows = HashMap::new();
        for record in reader.records() {
            let record = record.map_err(|e| named(&e))?;
            let cells = record.iter().enumerate().filter(|(k, _)| *k != key);
            let cells = cells.map(|(_, c)| Some(c.to_owned()).filter(|c| !c.is_empty())).collect();
            let name = record.get(key).unwrap_or_default().to_owned();
            if let Some(twice) = rows.insert(name.clone(), cells).map(|_| name) {
                return Err(named(&format!("the call {twice:?} is there twice")));
            }
        }
        Ok(Self { columns, rows })
    }

    /// Gives calls their cells. Returns how many calls have none, and names of rows without a call.
    pub fn join(mut self, calls: &mut [PlannedCall]) -> (usize, Vec<String>) {
        let mut without = 0;
        for call in calls {
            call.metadata = self.rows.remove(&call.key).unwrap_or_else(|| {
                without += 1;
                vec![None; self.columns.len()]
            });
        }
        let mut left: Vec<String> = self.rows.into_keys().collect();
        left.sort_unstable();
        (without, left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Metadata, String> {
        let path = std::env::temp_dir().join(format!("affect-metadata-{}-{}", std::process::id(), text.len()));
        std::fs::write(&path, text).unwrap();
        let outcome = Metadata::read(&path);
        std::fs::remove_file(path).unwrap();
        outcome
    }

    #[test]
    fn cells_go_to_their_calls() {
        let m = read("team,file,note\nred,a.wav,\"x, \"\"y\"\"\"\nblue,gone.wav,\n,b.wav,z\n").unwrap();
        assert_eq!(m.columns, ["team", "note"]);
        let call = |key: &str| PlannedCall { key: key.to_owned(), ..PlannedCall::default() };
        let mut calls = [call("a.wav"), call("b.wav"), call("c.wav")];
        assert_eq!(m.join(&mut calls), (1, vec!["gone.wav".to_owned()]));
        let cells = |k: usize| calls[k].metadata.iter().map(Option::as_deref).collect::<Vec<_>>();
        assert_eq!([cells(0), cells(1), cells(2)], [[Some("red"), Some("x, \"y\"")], [None, Some("z")], [None, None]]);
        for (text, word) in [
            ("team,note\na,b\n", "key or file"),
            ("file,x,x\na,b,c\n", "\"x\""),
            ("file,x\na,b\na,c\n", "\"a\" is there twice"),
            ("file,x\na\n", "--metadata"),
        ] {
            assert!(read(text).unwrap_err().contains(word), "{text}");
        }
    }
}
