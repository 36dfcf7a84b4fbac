//! Tables that a study leaves behind.

use affect::identify::data::Dataset;
use affect::identify::findings::Findings;
use affect::identify::pool::Pool;
use affect_media::files::{Complete, Kind};
use npyz::WriterBuilder;
use std::path::{Path, PathBuf};

/// A table as CSV.
pub fn table(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Result<Vec<u8>, String> {
    let mut w = csv::Writer::from_writer(Vec::new());
    w.write_record(header).map_err(|e| e.to_string())?;
    for row in rows {
        w.write_record(row).map_err(|e| e.to_string())?;
    }
    w.into_inner().map_err(|e| e.to_string())
}

/// Which recordings were heard, by the hash of their samples.
pub fn recordings(pool: &Pool) -> Result<Vec<u8>, String> {
    let header = [
        "corpus",
        "file",
        "speaker",
        "language",
        "sex",
        "label",
        "session",
        "fold",
        "audio_sha256",
        "level_dbfs",
        "peak_dbfs",
        "silence_share",
        "bandwidth_hz",
        "duration_s",
    ];
    let rows = pool.recordings.iter().map(|r| {
        let text = |o: &Option<String>| o.clone().unwrap_or_default();
        vec![
            r.corpus.clone(),
            r.file.clone(),
            r.speaker.clone(),
            text(&r.language),
            text(&r.sex),
            r.label.clone(),
            text(&r.session),
            r.fold.map_or(String::new(), |f| f.to_string()),
            r.audio.clone(),
            format!("{:.2}", r.facts.level_dbfs),
            format!("{:.2}", r.facts.peak_dbfs),
            format!("{:.4}", r.facts.silence_share),
            format!("{:.0}", r.facts.bandwidth_hz),
            format!("{:.3}", r.facts.duration_s),
        ]
    });
    table(&header, rows)
}

/// The ranking, a feature a line.
pub fn ranking(f: &Findings) -> Result<Vec<u8>, String> {
    let corpora: Vec<String> =
        f.features.first().map_or(Vec::new(), |x| x.by_corpus.iter().map(|c| format!("rank in {}", c.0)).collect());
    let mut header = vec![
        "rank",
        "rank_low",
        "rank_high",
        "feature",
        "group",
        "score",
        "contexts_above_chance",
        "contexts",
        "turns_round",
    ];
    header.extend(corpora.iter().map(String::as_str));
    header.extend(["rank_low_over_corpora", "rank_high_over_corpora"]);
    let rows = f.features.iter().map(|x| {
        let mut row = vec![
            format!("{:.1}", x.rank.value),
            format!("{:.1}", x.rank.low),
            format!("{:.1}", x.rank.high),
            x.name.clone(),
            x.group.clone(),
            format!("{:.4}", x.score),
            x.generality.to_string(),
            x.of_contexts.to_string(),
            x.flips.to_string(),
        ];
        row.extend(x.by_corpus.iter().map(|c| format!("{:.1}", c.1)));
        let end = |v: Option<f64>| v.map_or(String::new(), |v| format!("{v:.1}"));
        row.extend([end(x.rank_over_corpora.map(|i| i.low)), end(x.rank_over_corpora.map(|i| i.high))]);
        row
    });
    table(&header, rows)
}

/// Where [`features`] writes, for a model.
pub fn beside(model: &Path) -> [PathBuf; 2] {
    [model.with_extension("features.npy"), model.with_extension("rows.csv")]
}

/// The rows that a model was trained on: `<model>.features.npy` (float32, NaN where undefined), and `<model>.rows.csv` with who
/// speaks how in each. Columns are those of the model's card.
pub fn features(model: &Path, data: &Dataset) -> Result<(), String> {
    let [place, rows_place] = beside(model);
    let named = |e: &dyn std::fmt::Display| format!("{}: {e}", place.display());
    let mut bytes = Vec::new();
    let shape = [data.samples.len() as u64, data.names.len() as u64];
    let mut w =
        npyz::WriteOptions::new().default_dtype().shape(&shape).writer(&mut bytes).begin_nd().map_err(|e| named(&e))?;
    for s in &data.samples {
        w.extend(s.values.iter().map(|v| v.unwrap_or(f32::NAN))).map_err(|e| named(&e))?;
    }
    w.finish().map_err(|e| named(&e))?;
    Complete::write(&place, Kind::Npy, &bytes).map_err(|e| named(&e))?;
    let header = ["speaker", "label", "fold", "corpus", "condition", "speech_s", "file", "session"];
    let rows = data.samples.iter().map(|s| {
        vec![
            s.speaker.clone(),
            s.label.clone(),
            s.fold.map_or(String::new(), |f| f.to_string()),
            s.corpus.clone(),
            s.condition.clone(),
            format!("{:.3}", s.speech_s),
            s.file.clone(),
            s.session.clone().unwrap_or_default(),
        ]
    });
    Complete::write(&rows_place, Kind::Text, &table(&header, rows)?)
        .map_err(|e| format!("{}: {e}", rows_place.display()))
}
