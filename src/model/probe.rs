//! First runs of a model, when it is opened: how many columns it gives, and numbers that tell what they are.

use super::builtin::Structure;
use super::error::ModelError;
use super::meaning::PROBES;
use super::{Model, card};

/// Sizes of the numbers in the rows of a probe.
const SIZES: [f32; 5] = [0.0, 1.0, 10.0, 100.0, 1000.0];
/// Lengths of the waveforms of a probe relative to the first: what takes one length only is found out here.
const LENGTHS: [f64; 2] = [1.0, 1.37];
/// The first length, where the card asks for no longer one, in samples.
const SAMPLES: f64 = 8_000.0;

/// What came out.
pub(super) struct Probed {
    /// Columns of the output; 0 where nothing says.
    pub columns: usize,
    /// Rows that came out as numbers, for models without a card.
    pub rows: Vec<Vec<f64>>,
}

/// Numbers between -0.5 and 0.5 without a pattern.
fn noise(k: usize) -> f32 {
    (k * 7919 % 1009) as f32 / 1009.0 - 0.5
}

impl Model {
    pub(super) fn probe(&self) -> Result<Probed, ModelError> {
        match self.card.as_ref() {
            Some(c) => {
                let columns = match &c.input {
                    card::Input::Waveform { min_s, .. } => self.probe_waveform(*min_s)?,
                    card::Input::Features { .. } => {
                        let zeros = vec![0.0; self.width];
                        self.run(c.background.first().unwrap_or(&zeros))?.len()
                    }
                };
                Ok(Probed { columns, rows: Vec::new() })
            }
            None if self.takes_waveform().is_some() => {
                let columns = self.probe_waveform(0.0)?;
                Ok(Probed { columns: self.columns_declared().unwrap_or(columns), rows: Vec::new() })
            }
            None if self.width == 0 => Ok(Probed { columns: self.columns_declared().unwrap_or(0), rows: Vec::new() }),
            None => {
                let mut rows = Vec::new();
                for k in 0..PROBES {
                    let row: Vec<f32> =
                        (0..self.width).map(|c| noise(1 + k * self.width + c) * SIZES[k % SIZES.len()]).collect();
                    match self.run(&row) {
                        Ok(values) => rows.push(values),
                        // Nobody knows what this model is made for: numbers that it cannot take tell nothing about it.
                        Err(ModelError::NotFinite { .. }) => {}
                        Err(e) if k == 0 => return Err(e),
                        Err(_) => {}
                    }
                }
                let columns = rows.first().map(Vec::len).or_else(|| self.columns_declared()).unwrap_or(0);
                Ok(Probed { columns, rows })
            }
        }
    }

    /// Faint noise of two lengths: silence is no input that normalising models can be asked about.
    fn probe_waveform(&self, min_s: f64) -> Result<usize, ModelError> {
        let hidden = self.card.as_ref().is_some_and(|c| c.main_output().is_none());
        let longest = self.takes_waveform().and_then(super::Waveform::longest).unwrap_or(usize::MAX);
        let mut columns = None;
        for length in LENGTHS {
            let n = (((min_s * 16_000.0).max(SAMPLES) * length).ceil() as usize).min(longest);
            let samples: Vec<f32> = (0..n).map(|k| noise(k) * 0.02).collect();
            let count = self.waveform(&samples)?.len();
            if hidden {
                // As many states as frames: no columns.
                return Ok(0);
            }
            let first = *columns.get_or_insert(count);
            if count != first && self.card.is_none() {
                // Numbers for every frame: no columns.
                return Ok(0);
            }
            if count != first {
                return Err(ModelError::mismatch(
                    format!("values of output \"{}\"", self.tensor),
                    format!("{first} for {n} samples too, as for a shorter waveform"),
                    count.to_string(),
                ));
            }
        }
        Ok(columns.unwrap_or(0))
    }

    /// How many columns the graph says its output has.
    fn columns_declared(&self) -> Option<usize> {
        super::inside::columns_of(&self.graph, &self.tensor)
    }

    /// The names of the columns: those of the card, which must be those `inside` the graph, else the graph's, else numbers.
    pub(super) fn name_columns(&self, inside: Vec<String>, columns: usize) -> Result<Vec<String>, ModelError> {
        let inside = match &self.structure {
            Structure::Trees(t) => t.labels.names(),
            Structure::Linear(map) => map.labels.clone(),
            Structure::Graph(_) => inside,
        };
        if self.card.as_ref().is_some_and(|c| c.main_output().is_none()) {
            return Ok(Vec::new());
        }
        let Some(main) = self.card.as_ref().and_then(|c| c.output(&self.picked)) else {
            return Ok(match (inside.len(), columns) {
                (n, columns) if n > 0 && (n == columns || columns == 0) => inside,
                // One number without a label is what the output is called.
                (_, 1) => vec![self.picked.clone()],
                _ => (0..columns).map(|k| k.to_string()).collect(),
            });
        };
        if main.labels.len() != columns {
            return Err(ModelError::mismatch(
                format!("labels of output \"{}\"", main.name),
                format!("{columns}, as many as the graph gives"),
                main.labels.len().to_string(),
            ));
        }
        let numbers = inside.iter().enumerate().all(|(k, l)| *l == k.to_string());
        if !inside.is_empty() && !numbers && inside != main.labels {
            return Err(ModelError::mismatch(
                "labels",
                format!("{inside:?} as in the graph"),
                format!("{:?} in the card", main.labels),
            ));
        }
        Ok(main.labels.clone())
    }
}
