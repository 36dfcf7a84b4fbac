//! Models: an ONNX graph with a card that says what goes in and what comes out, and an engine that runs it.

mod agree;
mod batch;
pub mod builtin;
pub mod card;
mod contract;
pub mod engine;
mod error;
mod folder;
mod gradients;
mod inside;
pub mod library;
mod meaning;
mod onnxruntime;
pub mod pool;
mod probe;
mod rten;
mod scores;
mod start;
mod states;
mod structure;
pub mod vector;
mod waveform;

pub use error::ModelError;
pub use inside::{Inside, Layer, Ran};
pub use meaning::{Basis, Meaning};
pub use scores::Scores;
pub use states::{Rest, States, Tensor};
pub use waveform::Waveform;

use crate::onnx::graph::{Dim, Model as Graph};
use crate::onnx::widen::widened;
use batch::Batcher;
use builtin::Structure;
use card::{Amount, Calibration, Card, OutputKind};
use engine::{Backend, Engine, Input};
use gradients::Gradient;
use inside::Opening;
use once_cell::sync::OnceCell;
use sha2::{Digest, Sha256};
use std::any::Any;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The model that is used where none is named: four emotions, trained on EmoDB (CC0), its card inside.
pub const DEFAULT: &[u8] = include_bytes!("../../models/affect-default.onnx");

/// How to open a model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Options {
    /// What runs it.
    pub backend: Backend,
    /// ONNX Runtime's library, where it shall not be searched for.
    pub library: Option<PathBuf>,
    /// The output to read, where it is not the one that the card names first.
    pub output: Option<String>,
    /// Number of columns, for models without a card whose graph leaves it open.
    pub width: Option<usize>,
    /// The layer that explanations of a waveform model look at.
    pub layer: Layer,
}

/// A model that can be run and explained. Shared between threads.
#[derive(Debug)]
pub struct Model {
    graph: Graph,
    sha256: String,
    card: Option<Card>,
    structure: Structure,
    engine: Box<dyn Engine>,
    options: Options,
    input: String,
    width: usize,
    /// The output that was picked, and the tensor that holds its scores.
    picked: String,
    tensor: String,
    meaning: Meaning,
    labels: Vec<String>,
    /// The graph takes one row at a time.
    single: bool,
    /// How samples enter it, where it takes them.
    waveform: Option<Waveform>,
    /// The layer that its engine gives as well, where it was opened with one.
    opening: Option<Opening>,
    batcher: Batcher,
    /// The graph with gradients, made when first needed.
    gradient: OnceCell<Gradient>,
    /// What those who explain the model have prepared for it: it lives as long as the model.
    prepared: OnceCell<Arc<dyn Any + Send + Sync>>,
    /// The same graph read at its other outputs: dimensions that were learnt by themselves.
    amounts: OnceCell<Vec<Arc<Model>>>,
}

/// Name, value and interval of a dimension.
pub type NamedAmount = (String, f64, (f64, f64));

/// SHA-256 in hexadecimal digits.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

impl Model {
    /// Opens a model from its bytes; a card beside it wins over the one inside.
    ///
    /// # Errors
    /// [`ModelError`]: a graph or card that cannot be read, that disagree, or that no engine can run.
    pub fn open(bytes: Vec<u8>, sidecar: Option<&str>, options: &Options) -> Result<Self, ModelError> {
        let sha256 = sha256(&bytes);
        let graph = Graph::parse(bytes)?;
        let graph = widened(&graph)?.unwrap_or(graph);
        let card = sidecar.or_else(|| graph.metadata(card::METADATA_KEY)).map(Card::parse).transpose()?;
        let (graph, input) = agree::pick_input(graph, card.as_ref())?;
        let output = agree::pick_output(&graph, card.as_ref(), options.output.as_deref())?;
        let scores = structure::scores_of(&graph, &output)?;
        let waveform = Waveform::of(card.as_ref(), &graph, &input);
        let width = match &card {
            Some(c) => c.features().len(),
            None if waveform.is_some() => 0,
            None => structure::width_of(&graph, &input).or(options.width).unwrap_or(0),
        };
        agree::check_input(card.as_ref(), &graph, &input)?;
        let structure = structure::structure(&graph, &input.name, width, &scores.tensor)?;
        let opened = match &waveform {
            Some(_) => start::opened(&graph, &input.name, &output.name, &scores.tensor, card.as_ref(), options)?,
            None => None,
        };
        let (engine, opening) = match opened {
            Some((engine, opening)) => (engine, Some(opening)),
            None => {
                let changed = scores.bytes.as_deref();
                (start::start(&graph, changed, &scores.tensor, &structure, width, options)?, None)
            }
        };
        let inside = structure::labels_of(&graph, &output, &scores.tensor);
        let mut model = Self {
            labels: Vec::new(),
            waveform,
            opening,
            single: matches!(input.shape(), Some([Dim::Fixed(1), ..])),
            batcher: Batcher::default(),
            gradient: OnceCell::new(),
            prepared: OnceCell::new(),
            amounts: OnceCell::new(),
            input: input.name,
            picked: output.name,
            tensor: scores.tensor,
            meaning: Meaning { kind: OutputKind::Raw, basis: Basis::Nothing },
            options: options.clone(),
            graph,
            sha256,
            card,
            structure,
            engine,
            width,
        };
        let probed = model.probe()?;
        model.meaning = match model.card.as_ref().and_then(|c| Meaning::of_card(c, &model.picked)) {
            Some(meaning) => meaning,
            None if model.card.is_some() => Meaning { kind: OutputKind::HiddenStates, basis: Basis::Card },
            None => Meaning::of_graph(&model.graph, &model.picked, &model.tensor, &probed.rows),
        };
        model.labels = model.name_columns(inside, probed.columns)?;
        if model.opening.is_some() {
            // The engine has them; one copy is enough.
            model.graph = model.graph.without_weights();
        }
        Ok(model)
    }

    /// SHA-256 of the file.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The card, if it has one.
    #[must_use]
    pub fn card(&self) -> Option<&Card> {
        self.card.as_ref()
    }

    /// The graph; without its weights where the model was opened with a layer.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// What the graph is.
    #[must_use]
    pub fn structure(&self) -> &Structure {
        &self.structure
    }

    /// Which engine runs it.
    #[must_use]
    pub fn engine(&self) -> &str {
        self.engine.name()
    }

    /// Number of columns of a row; 0 for waveforms, or where nothing says.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Names of what it gives, in order.
    #[must_use]
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// What its numbers are.
    #[must_use]
    pub fn kind(&self) -> OutputKind {
        self.meaning.kind
    }

    /// What its numbers are, and what that follows from.
    #[must_use]
    pub fn meaning(&self) -> &Meaning {
        &self.meaning
    }

    /// Name of the output that was picked.
    #[must_use]
    pub fn output_name(&self) -> &str {
        &self.picked
    }

    /// Name of the tensor that holds its numbers: the output itself, or what goes into maps made of it.
    #[must_use]
    pub fn output(&self) -> &str {
        &self.tensor
    }

    /// Name of its input.
    #[must_use]
    pub fn input(&self) -> &str {
        &self.input
    }

    /// Temperature of its calibration, where nothing is known of the speaker.
    #[must_use]
    pub fn temperature(&self) -> f64 {
        self.calibration().temperature
    }

    /// Calibration of the output that was picked.
    #[must_use]
    pub fn calibration(&self) -> Calibration {
        let of = |c: &Card| self.amount().map_or(c.calibration, |a| a.calibration);
        self.card.as_ref().map(of).unwrap_or_default()
    }

    /// What turns its number into an amount, where it is a dimension that was learnt by itself.
    #[must_use]
    pub fn amount(&self) -> Option<Amount> {
        self.card.as_ref()?.output(&self.picked)?.amount
    }

    /// The dimensions that were learnt by themselves beside the main output: the same graph, read there.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn amounts(&self) -> Result<&[Arc<Self>], ModelError> {
        let Some(card) = &self.card else { return Ok(&[]) };
        let open = || {
            let one = |name: &str| {
                let options = Options { output: Some(name.to_owned()), ..self.options.clone() };
                Self::open(self.graph.bytes().to_vec(), Some(&card.to_json()), &options).map(Arc::new)
            };
            card.amounts().filter(|(o, _)| o.name != self.picked).map(|(o, _)| one(&o.name)).collect()
        };
        self.amounts.get_or_try_init(open).map(Vec::as_slice)
    }

    /// Whether rows can be run together.
    #[must_use]
    pub fn batches(&self) -> bool {
        !self.single && self.width > 0
    }

    /// Runs rows (one after another in `rows`) and hands out each row's numbers, in order.
    ///
    /// # Errors
    /// [`ModelError`] for a failed run, another shape than expected, or numbers that are not finite.
    pub fn each(&self, rows: &[f32], take: &mut dyn FnMut(&[f32])) -> Result<(), ModelError> {
        if self.width == 0 || !rows.len().is_multiple_of(self.width) {
            let found = format!("{} values", rows.len());
            return Err(ModelError::mismatch("input", format!("rows of {} values", self.width), found));
        }
        let step = if self.single { self.width } else { rows.len().max(1) };
        for part in rows.chunks(step) {
            let n = part.len() / self.width;
            let mut problem = None;
            let input = Input { name: &self.input, shape: &[n, self.width], data: part };
            self.engine.run(&[input], &mut |_, shape, data| {
                let columns = data.len().checked_div(n).unwrap_or(0);
                if data.len() != columns * n || columns == 0 || !self.labels.is_empty() && columns != self.labels.len()
                {
                    let expected = format!("[{n}, {}]", self.labels.len());
                    problem = Some(ModelError::mismatch(
                        format!("shape of output \"{}\"", self.tensor),
                        expected,
                        format!("{shape:?}"),
                    ));
                } else if data.iter().any(|v| !v.is_finite()) {
                    problem = Some(ModelError::NotFinite { output: self.tensor.clone() });
                } else {
                    data.chunks_exact(columns).for_each(&mut *take);
                }
            })?;
            problem.map_or(Ok(()), Err)?;
        }
        Ok(())
    }

    /// Runs rows and lets go of what comes out: what the engine alone costs, for measurements.
    ///
    /// # Errors
    /// As [`Self::each`].
    pub fn engine_only(&self, rows: &[f32]) -> Result<(), ModelError> {
        let n = rows.len() / self.width.max(1);
        self.engine.run(&[Input { name: &self.input, shape: &[n, self.width], data: rows }], &mut |_, _, _| {})
    }

    /// The graph's numbers for one row.
    ///
    /// # Errors
    /// As [`Self::each`].
    pub fn run(&self, row: &[f32]) -> Result<Vec<f64>, ModelError> {
        let mut numbers = Vec::new();
        self.each(row, &mut |values| numbers.extend(values.iter().map(|v| f64::from(*v))))?;
        Ok(numbers)
    }

    /// The same, together with rows that other streams ask about within `wait`, up to `size` of them.
    ///
    /// # Errors
    /// As [`Self::each`].
    pub fn run_together(&self, row: &[f32], size: usize, wait: Duration) -> Result<Vec<f64>, ModelError> {
        if size < 2 || !self.batches() {
            return self.run(row);
        }
        self.batcher.run(&|rows, take| self.each(rows, take), row, size, wait)
    }

    /// Scores of a row's numbers, calibrated for speakers of whom nothing is known.
    #[must_use]
    pub fn scores(&self, raw: Vec<f64>) -> Scores {
        Scores::new(raw, self.kind(), self.temperature())
    }

    /// The temperature of a row that was compared with its speaker to a share of 0 to 1: novelty raises it.
    #[must_use]
    pub fn temperature_of(&self, row: &[f32], share: f64) -> f64 {
        let novelty = self.card.as_ref().and_then(|c| c.novelty.as_ref());
        self.calibration().at(share) * novelty.map_or(1.0, |n| n.widening(n.distance(row)))
    }

    /// Amounts of a row, each with its name and interval: the dimensions that the model learnt by themselves.
    ///
    /// # Errors
    /// As [`Self::each`].
    pub fn amounts_of(&self, row: &[f32], share: f64) -> Result<Vec<NamedAmount>, ModelError> {
        let mut out = Vec::new();
        for model in self.amounts()? {
            let (Some(rule), [name], [number]) = (model.amount(), model.labels(), &model.run(row)?[..]) else {
                continue;
            };
            let value = Amount::of(*number, model.temperature_of(row, share));
            out.push((name.clone(), value, rule.interval(value, share)));
        }
        Ok(out)
    }

    /// Scores of a row's numbers under a temperature.
    #[must_use]
    pub fn scores_at(&self, raw: Vec<f64>, temperature: f64) -> Scores {
        Scores::new(raw, self.kind(), temperature)
    }

    /// What was prepared for this model, or what `make` prepares now: once for all that share the model, as long as it lives.
    /// Must not hold the model itself.
    ///
    /// # Errors
    /// What `make` says; the next call tries again.
    pub(crate) fn prepared<T, F>(&self, make: F) -> Result<Arc<T>, ModelError>
    where
        T: Send + Sync + 'static,
        F: FnOnce() -> Result<T, ModelError>,
    {
        let kept = self.prepared.get_or_try_init(|| make().map(|made| Arc::new(made) as Arc<dyn Any + Send + Sync>))?;
        kept.clone().downcast().map_err(|_| ModelError::mismatch("what was prepared", "one type", "another"))
    }

    /// The model with another engine around the one that runs it.
    #[cfg(test)]
    pub(crate) fn wrap_engine(self, wrap: impl FnOnce(Box<dyn Engine>) -> Box<dyn Engine>) -> Self {
        Self { engine: wrap(self.engine), ..self }
    }
}
