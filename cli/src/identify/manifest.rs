//! Manifests: tables that say who speaks how in which file.

use super::config::Corpus;
use crate::tables::Table;
use affect::identify::labels::harmonised;
use affect::identify::pool::Recording;
use affect_media::files::from_name;
use std::collections::HashMap;
use std::path::PathBuf;

/// A recording to be heard: the file, and where in it.
#[derive(Debug, Clone)]
pub struct Listed {
    /// What is known about it.
    pub recording: Recording,
    /// The file.
    pub path: PathBuf,
    /// From here, in seconds.
    pub start_s: Option<f64>,
    /// To here, in seconds.
    pub end_s: Option<f64>,
}

/// Seconds of `1.5` or of pandas' `0 days 00:00:01.5`; `None` for an empty cell.
fn seconds(cell: &str) -> Result<Option<f64>, String> {
    let cell = cell.trim();
    if ["", "NaT", "nan", "NaN"].contains(&cell) {
        return Ok(None);
    }
    let wrong = || format!("time \"{cell}\": expected seconds, or \"0 days 00:00:01.5\"");
    if let Ok(s) = cell.parse::<f64>() {
        return Ok(Some(s).filter(|s| s.is_finite()));
    }
    let (days, clock) = cell.split_once(" days ").ok_or_else(wrong)?;
    let parts: Vec<f64> = clock.split(':').map(|p| p.parse().map_err(|_| wrong())).collect::<Result<_, _>>()?;
    let days: f64 = days.parse().map_err(|_| wrong())?;
    match parts[..] {
        [h, m, s] => Ok(Some(days * 86_400.0 + h * 3600.0 + m * 60.0 + s)),
        _ => Err(wrong()),
    }
}

/// The recordings of a corpus. Columns (names of audformat count too): `file`, `speaker`, `emotion` (or `label`), and optionally
/// `language`, `sex` (or `gender`), `sentence` (or `transcription`), `session`, `fold`, `start`, `end`.
pub fn listed(corpus: &Corpus) -> Result<Vec<Listed>, String> {
    let mut order: Vec<String> = Vec::new();
    let mut cells_of: HashMap<String, HashMap<String, String>> = HashMap::new();
    let tables: Vec<PathBuf> = corpus.manifest.list().into_iter().chain(&corpus.folds).cloned().collect();
    for (t, path) in tables.iter().enumerate() {
        let table = Table::read(path)?;
        let header = table.header.as_ref().ok_or_else(|| format!("{}: no header", path.display()))?;
        let place = |n: &str| header.iter().position(|h| h == n);
        let file = place("file").ok_or_else(|| format!("{}: no column \"file\"", path.display()))?;
        let (start, end) = (place("start"), place("end"));
        for row in &table.cells {
            // Parts of files are told apart by where they begin and end.
            let part = |k: Option<usize>| k.map_or("", |k| row[k].as_str());
            let key = format!("{}\u{1f}{}\u{1f}{}", row[file], part(start), part(end));
            let known = cells_of.contains_key(&key);
            if t == 0 && known {
                return Err(format!("{}: {} is there twice", path.display(), row[file]));
            }
            if !known && t > 0 {
                continue;
            }
            if !known {
                order.push(key.clone());
            }
            let entry = cells_of.entry(key).or_default();
            header.iter().zip(row).for_each(|(h, c)| {
                entry.insert(h.clone(), c.trim().to_owned());
            });
        }
    }
    let name = &corpus.name;
    let one = |key: &String| {
        let row = &cells_of[key];
        let get = |names: &[&str]| names.iter().find_map(|n| row.get(*n)).filter(|v| !v.is_empty()).cloned();
        let file = get(&["file"]).ok_or_else(|| format!("{name}: a row without a file"))?;
        let need = |names: &[&str]| {
            get(names)
                .ok_or_else(|| format!("{name}: {file} has no {} (column \"{}\")", names[0], names.join("\" or \"")))
        };
        let label = harmonised(&need(&["emotion", "label"])?);
        let sex = get(&["sex", "gender"]).map(|s| s.to_lowercase());
        let fold = get(&["fold"])
            .map(|f| f.parse().map_err(|_| format!("{name}: {file}: fold \"{f}\": expected a number")))
            .transpose()?;
        let time = |n: &str| get(&[n]).map_or(Ok(None), |t| seconds(&t).map_err(|e| format!("{name}: {file}: {e}")));
        Ok(Listed {
            path: corpus.root.join(from_name(&file)),
            start_s: time("start")?,
            end_s: time("end")?,
            recording: Recording {
                corpus: name.clone(),
                language: get(&["language"]).or_else(|| corpus.language.clone()),
                speaker: need(&["speaker"])?,
                sex: sex.map(|s| s.chars().next().filter(|c| ['f', 'm'].contains(c)).map_or(s.clone(), String::from)),
                sentence: get(&["sentence", "transcription"]),
                session: get(&["session"]),
                label,
                fold,
                file,
                ..Recording::default()
            },
        })
    };
    let recordings: Vec<Listed> = order.iter().map(one).collect::<Result<_, String>>()?;
    match recordings.iter().find(|l| corpus.folds.is_some() && l.recording.fold.is_none()) {
        Some(l) => Err(format!("{name}: no fold for {}", l.recording.file)),
        None => Ok(recordings),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(seconds("0 days 00:01:01.5"), Ok(Some(61.5)));
        assert_eq!(seconds("2.25"), Ok(Some(2.25)));
        assert_eq!(seconds("NaT"), Ok(None));
        assert!(seconds("soon").is_err() && seconds("0 days 1").is_err());
    }
}
