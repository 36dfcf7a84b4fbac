//! Rows of a table as they enter a model: normalised as its card says, against their speakers where it asks for that.

use crate::tables::Table;
use affect::analyzer::{SpokenRow, two_pass_rows};
use affect::features::baseline::{Baseline, PRIOR_S, Population};
use affect::features::catalogue::affect_functionals;
use affect::model::card::Normaliser;
use affect::model::{Model, vector};
use clap::Args;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

/// What rows are compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowBaseline {
    /// All rows of the speaker.
    TwoPass,
    /// Waveforms in a file.
    Waveforms(PathBuf),
}

impl FromStr for RowBaseline {
    type Err = Infallible;

    fn from_str(s: &str) -> Result<Self, Infallible> {
        Ok(if s == "two-pass" { Self::TwoPass } else { Self::Waveforms(s.into()) })
    }
}

#[derive(Debug, Clone, Args)]
pub struct SpeakerArgs {
    /// two-pass: compare every row with its speaker, for models that ask for that: with all rows of the speaker, as `affect
    /// features --baseline two-pass` does. Speech counts by the column speech_s, or else from start_ns to end_ns. A file: waveforms
    /// as they enter the graph, where integrated gradients of a model of waveforms begin; silence without it.
    #[arg(long, value_name = "two-pass|FILE")]
    baseline: Option<RowBaseline>,
    /// The column that says who speaks: rows with equal text are of one speaker.
    #[arg(long, value_name = "COLUMN", requires = "baseline")]
    pub speaker: Option<String>,
}

impl SpeakerArgs {
    /// The file of waveforms that integrated gradients begin at.
    pub fn waveforms(&self) -> Result<Option<&Path>, String> {
        match &self.baseline {
            Some(RowBaseline::TwoPass) => {
                Err("--baseline two-pass compares features: expected a file of waveforms, since this model takes a waveform"
                    .to_owned())
            }
            Some(RowBaseline::Waveforms(path)) => Ok(Some(path)),
            None => Ok(None),
        }
    }

    /// The rows of a table as they enter the graph, one after another, and how much of what each is compared with is its speaker.
    pub fn enter(&self, model: &Model, table: &Table) -> Result<(Vec<f32>, Vec<f64>), String> {
        match (&self.baseline, &self.speaker) {
            (Some(RowBaseline::Waveforms(path)), _) => {
                let path = path.display();
                return Err(format!("--baseline {path}: expected two-pass, since this model does not take a waveform"));
            }
            (Some(RowBaseline::TwoPass), None) => {
                return Err(
                    "--baseline two-pass: expected --speaker COLUMN too, the column that says whose row it is \
                            (file, say)"
                        .to_owned(),
                );
            }
            _ => {}
        }
        let columns = model.card().map_or(&[][..], |c| c.features());
        let rows = table.rows(columns)?;
        if let Some((k, r)) = rows.iter().enumerate().find(|(_, r)| r.len() != model.width()) {
            return Err(format!("row {} has {} columns: the model takes {}", k + 1, r.len(), model.width()));
        }
        let nobody = vec![0.0; rows.len()];
        let Some(card) = model.card() else { return self.refused("has no card").map(|()| (rows.concat(), nobody)) };
        let (distances, shares) = match (&card.normaliser, &self.speaker) {
            (Normaliser::Speaker | Normaliser::Blended, Some(column)) => {
                let (distances, shares) = distances(table, column)?;
                (Some(distances), if card.normaliser == Normaliser::Blended { shares } else { nobody })
            }
            (Normaliser::Blended, None) => (Some(from_the_population(&table.known(&names())?)), nobody),
            (Normaliser::Speaker, None) => {
                return Err("this model compares with what is usual for the speaker, and a table holds the features as \
                            they are: expected --baseline two-pass --speaker COLUMN, the column that says whose row it is \
                            (file, say)"
                    .to_owned());
            }
            (other, _) => {
                self.refused(&format!("compares with: {}", other.reference()))?;
                (None, nobody)
            }
        };
        let places: Vec<Option<usize>> =
            card.features().iter().map(|n| affect_functionals().iter().position(|e| e.name == *n)).collect();
        let mut out = Vec::with_capacity(rows.len() * model.width());
        for (k, row) in rows.iter().enumerate() {
            let values: Vec<Option<f32>> = row.iter().map(|v| Some(*v).filter(|v| v.is_finite())).collect();
            let z = distances.as_ref().map(|d| places.iter().map(|p| d[k][(*p)?]).collect::<Vec<_>>());
            let row = vector::row(card, &values, z.as_deref()).map_err(|e| format!("row {}: {e}", k + 1))?;
            out.extend(row);
        }
        Ok((out, shares))
    }

    fn refused(&self, why: &str) -> Result<(), String> {
        match self.baseline {
            Some(_) => Err(format!("--baseline is for models that compare with the speaker: this one {why}")),
            None => Ok(()),
        }
    }
}

/// Distances by row and feature.
type Distances = Vec<Vec<Option<f32>>>;

/// Names of all features of `affect-v1`.
fn names() -> Vec<&'static str> {
    affect_functionals().iter().map(|e| e.name.as_str()).collect()
}

/// Distances of all features of `affect-v1`, row by row, from what is usual for speakers of whom nothing is known.
fn from_the_population(rows: &[Vec<Option<f32>>]) -> Vec<Vec<Option<f32>>> {
    let usual = Baseline::new(Population::affect()).usual_of_all();
    let z = |(v, usual): (&Option<f32>, &Option<(f64, f64)>)| Some(Baseline::against((*usual)?, (*v)?)?.z as f32);
    rows.iter().map(|r| r.iter().zip(&usual).map(z).collect()).collect()
}

/// Distances of all features of `affect-v1`, row by row, each from what is usual for the speaker that `column` names, and how much of
/// that is the speaker.
fn distances(table: &Table, column: &str) -> Result<(Distances, Vec<f64>), String> {
    let who = table.column(column)?;
    let features = table.known(&names())?;
    let times = ["start_ns", "end_ns"].map(|name| table.column(name).and_then(|c| numbers::<u64>(name, &c)));
    let speech = table.column("speech_s").ok().map(|c| numbers::<f64>("speech_s", &c)).transpose()?;
    let [starts, ends] = match (times, &speech) {
        ([Ok(starts), Ok(ends)], _) => [starts, ends],
        // Each row a stretch of its own, as long as its speech.
        (_, Some(speech)) => {
            let mut end_ns = 0;
            let spans = speech.iter().map(|s| {
                let start = end_ns;
                end_ns += (s.max(0.0) * 1e9) as u64;
                (start, end_ns)
            });
            let (starts, ends) = spans.unzip();
            [starts, ends]
        }
        ([Err(e), _] | [_, Err(e)], None) => return Err(format!("{e}: a baseline needs to know how much was said")),
    };
    let stream = |k: usize| -> Arc<str> {
        let cell = |name: &str| table.column(name).ok().map_or("", |c| c[k]);
        format!("{}\n{}", cell("file"), cell("channel")).into()
    };
    let mut speakers: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    who.iter().enumerate().for_each(|(k, name)| speakers.entry(name).or_default().push(k));
    let (mut out, mut shares) = (vec![Vec::new(); table.len()], vec![0.0; table.len()]);
    for rows in speakers.values() {
        let spoken: Vec<SpokenRow> = rows
            .iter()
            .map(|k| SpokenRow {
                stream: stream(*k),
                start_ns: starts[*k],
                end_ns: ends[*k],
                speech_s: speech.as_ref().map(|s| s[*k]),
                features: features[*k].iter().map(|v| v.filter(|v| v.is_finite())).collect(),
            })
            .collect();
        let (distances, heard_s) = two_pass_rows(&spoken);
        for (k, z) in rows.iter().zip(distances) {
            out[*k] = z;
            shares[*k] = heard_s / (heard_s + PRIOR_S);
        }
    }
    Ok((out, shares))
}

fn numbers<T: std::str::FromStr>(name: &str, cells: &[&str]) -> Result<Vec<T>, String> {
    let number =
        |(k, c): (usize, &&str)| c.trim().parse().map_err(|_| format!("row {}: {name} \"{c}\" is no number", k + 1));
    cells.iter().enumerate().map(number).collect()
}
