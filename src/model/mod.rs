//! Models: an ONNX graph with a card that says what goes in and what comes out, and an engine that runs it.

mod batch;
pub mod builtin;
pub mod card;
pub mod engine;
mod error;
pub mod library;
mod onnxruntime;
pub mod pool;
mod rten;
mod scores;
mod structure;
pub mod vector;

pub use error::ModelError;
pub use scores::Scores;

use crate::features::catalogue;
use crate::onnx::graph::{Dim, Model as Graph, Value, ValueType};
use crate::onnx::tensor::FLOAT;
use batch::Batcher;
use builtin::{Builtin, Structure};
use card::{Card, OutputKind};
use engine::{Backend, Engine, Input};
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How to open a model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Options {
    /// What runs it.
    pub backend: Backend,
    /// ONNX Runtime's library, where it shall not be searched for.
    pub library: Option<PathBuf>,
    /// The output to read, for models without a card.
    pub output: Option<String>,
    /// Number of columns, for models without a card whose graph leaves it open.
    pub width: Option<usize>,
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
    output: String,
    kind: OutputKind,
    labels: Vec<String>,
    /// The graph takes one row at a time.
    single: bool,
    batcher: Batcher,
    /// The engine of the graph with gradients, made when first needed.
    gradient: Mutex<Option<Result<Arc<Gradient>, ModelError>>>,
}

/// The graph with gradients.
#[derive(Debug)]
pub struct Gradient {
    engine: Box<dyn Engine>,
    seed: String,
}

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
        let card = sidecar.or_else(|| graph.metadata(card::METADATA_KEY)).map(Card::parse).transpose()?;
        let input = pick_input(&graph, card.as_ref())?;
        let output = pick_output(&graph, card.as_ref(), options.output.as_deref())?;
        let scores = structure::scores_of(&graph, &output)?;
        let width = match &card {
            Some(c) => c.features().len(),
            None => structure::width_of(&graph, &input).or(options.width).unwrap_or(0),
        };
        if let Some(c) = &card {
            check_input(c, &graph, &input)?;
        }
        let structure = structure::structure(&graph, &input.name, width, &scores.tensor)?;
        let engine = start(&graph, scores.bytes.as_deref(), &scores.tensor, &structure, width, options)?;
        let probabilities = structure::gives_probabilities(&graph, &structure, &output, &scores.tensor);
        let kind = match card.as_ref().and_then(Card::main_output) {
            Some(o) => o.kind,
            None if probabilities => OutputKind::Probabilities,
            None => OutputKind::Logits,
        };
        let mut model = Self {
            labels: Vec::new(),
            single: matches!(input.shape(), Some([Dim::Fixed(1), ..])),
            batcher: Batcher::default(),
            gradient: Mutex::new(None),
            input: input.name,
            output: scores.tensor,
            options: options.clone(),
            graph,
            sha256,
            card,
            structure,
            engine,
            width,
            kind,
        };
        model.labels = model.probe()?;
        Ok(model)
    }

    /// Runs the graph once, and gives the names of its columns.
    fn probe(&self) -> Result<Vec<String>, ModelError> {
        let main = self.card.as_ref().and_then(Card::main_output);
        let named = match (&self.structure, main) {
            (_, Some(o)) => o.labels.clone(),
            (Structure::Trees(t), None) => t.labels.names(),
            (Structure::Linear(map), None) => map.labels.clone(),
            (Structure::Graph, None) => Vec::new(),
        };
        let columns = match self.card.as_ref().map(|c| &c.input) {
            Some(card::Input::Waveform { min_s, .. }) => {
                // A second of faint noise: silence is no input that normalising models can be asked about.
                let n = (min_s * 16_000.0).max(16_000.0) as usize;
                let noise: Vec<f32> = (0..n).map(|k| ((k * 7919 % 1009) as f32 / 1009.0 - 0.5) * 0.02).collect();
                self.waveform(&noise)?.len()
            }
            _ if self.width == 0 => named.len(),
            _ => {
                let zeros = vec![0.0; self.width];
                let row = self.card.as_ref().and_then(|c| c.background.first()).unwrap_or(&zeros);
                let mut columns = 0;
                match self.each(row, &mut |values| columns = values.len()) {
                    // Of a model without a card nobody knows whether zeros are an input that it is made for.
                    Err(ModelError::NotFinite { .. }) if self.card.is_none() => {}
                    other => other?,
                }
                if columns == 0 { self.columns_declared().unwrap_or(named.len()) } else { columns }
            }
        };
        if let Some(o) = main.filter(|o| o.labels.len() != columns) {
            let what = format!("labels of output \"{}\"", o.name);
            return Err(ModelError::mismatch(
                what,
                format!("{columns}, as many as the graph gives"),
                o.labels.len().to_string(),
            ));
        }
        let inside = match &self.structure {
            Structure::Trees(t) => t.labels.names(),
            Structure::Linear(map) => map.labels.clone(),
            Structure::Graph => Vec::new(),
        };
        let numbers = inside.iter().enumerate().all(|(k, l)| *l == k.to_string());
        if !inside.is_empty() && !numbers && inside != named {
            return Err(ModelError::mismatch(
                "labels",
                format!("{inside:?} as in the graph"),
                format!("{named:?} in the card"),
            ));
        }
        if named.len() == columns { Ok(named) } else { Ok((0..columns).map(|k| k.to_string()).collect()) }
    }

    /// How many columns the graph says its output has.
    fn columns_declared(&self) -> Option<usize> {
        let outputs = self.graph.outputs();
        let shape = outputs.iter().find(|o| o.name == self.output)?.shape()?;
        if let Some(Dim::Fixed(n)) = shape.last() { usize::try_from(*n).ok() } else { None }
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

    /// The graph.
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
        self.kind
    }

    /// Name of the tensor that holds its numbers.
    #[must_use]
    pub fn output(&self) -> &str {
        &self.output
    }

    /// Name of its input.
    #[must_use]
    pub fn input(&self) -> &str {
        &self.input
    }

    /// Temperature of its calibration.
    #[must_use]
    pub fn temperature(&self) -> f64 {
        self.card.as_ref().map_or(1.0, |c| c.calibration.temperature)
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
                        format!("shape of output \"{}\"", self.output),
                        expected,
                        format!("{shape:?}"),
                    ));
                } else if data.iter().any(|v| !v.is_finite()) {
                    problem = Some(ModelError::NotFinite { output: self.output.clone() });
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
        let mut out = Vec::new();
        self.each(row, &mut |values| out.extend(values.iter().map(|v| f64::from(*v))))?;
        Ok(out)
    }

    /// The same, together with rows that other streams ask about within `wait`, up to `size` of them.
    ///
    /// # Errors
    /// As [`Self::each`].
    pub fn run_together(&self, row: &[f32], size: usize, wait: Duration) -> Result<Vec<f64>, ModelError> {
        if size < 2 || !self.batches() {
            return self.run(row);
        }
        self.batcher.run(self, row, size, wait)
    }

    /// The graph's numbers for a waveform at 16 kHz, full scale 1.
    ///
    /// # Errors
    /// As [`Self::each`].
    pub fn waveform(&self, samples: &[f32]) -> Result<Vec<f64>, ModelError> {
        let Some(card::Input::Waveform { normalisation, min_s, .. }) = self.card.as_ref().map(|c| &c.input) else {
            return Err(ModelError::mismatch("input", "features", "a waveform"));
        };
        if (samples.len() as f64) < min_s * 16_000.0 || samples.is_empty() {
            let found = format!("{} s", samples.len() as f64 / 16_000.0);
            return Err(ModelError::mismatch("length of the waveform", format!("at least {min_s} s"), found));
        }
        let normalised = match normalisation {
            card::WaveformNormalisation::None => None,
            card::WaveformNormalisation::ZeroMeanUnitVariance => {
                let n = samples.len() as f64;
                let mean = samples.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
                let variance = samples.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / n;
                let scale = 1.0 / (variance + 1e-7).sqrt();
                Some(samples.iter().map(|v| ((f64::from(*v) - mean) * scale) as f32).collect::<Vec<_>>())
            }
        };
        let data = normalised.as_deref().unwrap_or(samples);
        let mut out = Vec::new();
        self.engine.run(&[Input { name: &self.input, shape: &[1, data.len()], data }], &mut |_, _, values| {
            out.extend(values.iter().map(|v| f64::from(*v)));
        })?;
        if out.iter().any(|v| !v.is_finite()) {
            return Err(ModelError::NotFinite { output: self.output.clone() });
        }
        Ok(out)
    }

    /// Calibrated scores of a row's numbers.
    #[must_use]
    pub fn scores(&self, raw: Vec<f64>) -> Scores {
        Scores::new(raw, self.kind, self.temperature())
    }

    /// Gradients of one number by every column, for each of several rows, one after another.
    ///
    /// # Errors
    /// [`ModelError`] naming an operator without a rule, or as [`Self::each`].
    pub fn gradients(&self, rows: &[f32], target: usize) -> Result<Vec<f32>, ModelError> {
        let gradient = self.gradient()?;
        let columns = self.labels.len();
        let mut out = Vec::with_capacity(rows.len());
        let step = if self.single { self.width } else { rows.len().max(1) };
        for part in rows.chunks(step.max(1)) {
            let n = part.len() / self.width.max(1);
            let mut seed = vec![0.0; n * columns];
            seed.iter_mut().skip(target).step_by(columns.max(1)).for_each(|v| *v = 1.0);
            let inputs = [
                Input { name: &self.input, shape: &[n, self.width], data: part },
                Input { name: &gradient.seed, shape: &[n, columns], data: &seed },
            ];
            gradient.engine.run(&inputs, &mut |_, _, values| out.extend_from_slice(values))?;
        }
        if out.len() != rows.len() || out.iter().any(|v| !v.is_finite()) {
            return Err(ModelError::NotFinite { output: format!("gradient of {}", self.output) });
        }
        Ok(out)
    }

    fn gradient(&self) -> Result<Arc<Gradient>, ModelError> {
        let mut slot = self.gradient.lock().unwrap_or_else(PoisonError::into_inner);
        slot.get_or_insert_with(|| {
            let made = crate::onnx::differentiate::differentiate(
                &self.graph,
                &self.output,
                std::slice::from_ref(&self.input),
            )?;
            let engine = runtime(made.bytes, &made.gradients, &self.options)?;
            Ok(Arc::new(Gradient { engine, seed: made.seed }))
        })
        .clone()
    }
}

fn names(list: &[Value]) -> String {
    list.iter().map(|v| format!("\"{}\" {}", v.name, v.describe())).collect::<Vec<_>>().join(", ")
}

fn pick_input(graph: &Graph, card: Option<&Card>) -> Result<Value, ModelError> {
    let inputs = graph.inputs();
    let found = match (card, inputs.as_slice()) {
        (Some(c), all) => all.iter().find(|v| v.name == c.input_name()),
        (None, [one]) => Some(one),
        (None, _) => None,
    };
    let expected = card.map_or("one input".to_owned(), |c| format!("\"{}\" as the card says", c.input_name()));
    let input = found
        .filter(|_| inputs.len() == 1)
        .ok_or_else(|| ModelError::mismatch("inputs of the graph", expected, names(&inputs)))?;
    if !input.is_float() {
        return Err(ModelError::mismatch(format!("input \"{}\"", input.name), "float32", input.describe()));
    }
    Ok(input.clone())
}

fn pick_output(graph: &Graph, card: Option<&Card>, asked: Option<&str>) -> Result<Value, ModelError> {
    let outputs = graph.outputs();
    let readable = |v: &&Value| v.is_float() || v.kind == ValueType::SequenceOfMaps;
    if let Some(c) = card {
        for o in &c.outputs {
            if !outputs.iter().any(|v| v.name == o.name) {
                let expected = format!("\"{}\" as the card says", o.name);
                return Err(ModelError::mismatch("outputs of the graph", expected, names(&outputs)));
            }
        }
    }
    let wanted = asked.or_else(|| card.and_then(Card::main_output).map(|o| o.name.as_str()));
    let found = match wanted {
        Some(name) => match outputs.iter().find(|v| v.name == name) {
            Some(v) => Some(v.clone()),
            // A tensor inside the graph is as good, as long as it is one of numbers.
            None => graph.producer(name).map(|_| Value { name: name.to_owned(), kind: ValueType::Tensor(FLOAT, None) }),
        },
        None => outputs.iter().find(readable).cloned(),
    };
    let expected = wanted.map_or("one with float32 scores".to_owned(), |n| format!("\"{n}\""));
    let value = found.ok_or_else(|| ModelError::mismatch("outputs of the graph", expected, names(&outputs)))?;
    if !readable(&&value) {
        return Err(ModelError::mismatch(format!("output \"{}\"", value.name), "float32 scores", value.describe()));
    }
    Ok(value)
}

fn check_input(card: &Card, graph: &Graph, input: &Value) -> Result<(), ModelError> {
    let what = format!("shape of input \"{}\"", input.name);
    match &card.input {
        card::Input::Waveform { .. } => {
            if input.shape().is_some_and(|s| s.len() != 2 || matches!(s[0], Dim::Fixed(n) if n != 1)) {
                return Err(ModelError::mismatch(what, "[1, samples]", input.describe()));
            }
        }
        card::Input::Features { feature_set, feature_set_version, features, .. } => {
            let d = features.len();
            if structure::width_of(graph, input).is_some_and(|n| n != d) || input.shape().is_some_and(|s| s.len() != 2)
            {
                return Err(ModelError::mismatch(
                    what,
                    format!("[rows, {d}], as many as the card has features"),
                    input.describe(),
                ));
            }
            let (version, list) = match feature_set.as_str() {
                crate::features::affect::NAME => (crate::features::affect::VERSION, catalogue::affect_functionals()),
                crate::features::egemaps::NAME => (crate::features::egemaps::VERSION, catalogue::egemaps_functionals()),
                other => {
                    let known = [crate::features::affect::NAME, crate::features::egemaps::NAME].join(" or ");
                    return Err(ModelError::mismatch("feature set of the card", known, other));
                }
            };
            if feature_set_version != version {
                return Err(ModelError::mismatch(
                    format!("version of {feature_set}"),
                    version,
                    feature_set_version.as_str(),
                ));
            }
            if let Some(missing) = features.iter().find(|f| !list.iter().any(|e| e.name == **f)) {
                return Err(ModelError::mismatch(
                    "features of the card",
                    format!("names of {feature_set}"),
                    format!("\"{missing}\""),
                ));
            }
        }
    }
    Ok(())
}

/// The runtime for a graph that is neither linear nor trees.
fn runtime(bytes: Vec<u8>, outputs: &[String], options: &Options) -> Result<Box<dyn Engine>, ModelError> {
    let library = options.library.as_deref();
    let onnxruntime = match options.backend {
        Backend::OnnxRuntime => true,
        Backend::Rten => false,
        Backend::Auto | Backend::Builtin => library.is_some() || library::find(None).is_some(),
    };
    if onnxruntime {
        return Ok(Box::new(onnxruntime::OnnxRuntime::new(&bytes, outputs, library)?));
    }
    Ok(Box::new(rten::Rten::new(bytes, outputs)?))
}

fn start(
    graph: &Graph,
    changed: Option<&[u8]>,
    output: &str,
    structure: &Structure,
    width: usize,
    options: &Options,
) -> Result<Box<dyn Engine>, ModelError> {
    let own = !matches!(structure, Structure::Graph) && options.backend == Backend::Auto;
    if own || options.backend == Backend::Builtin {
        return Ok(Box::new(Builtin::new(structure.clone(), width)?));
    }
    let bytes = changed.map_or_else(|| graph.bytes().to_vec(), <[u8]>::to_vec);
    // A tensor inside the graph becomes an output first.
    let known = changed.is_some() || graph.outputs().iter().any(|o| o.name == output);
    let bytes = if known {
        bytes
    } else {
        let value = crate::onnx::build::value(output, FLOAT, None);
        let added = crate::onnx::proto::GraphProto { output: vec![value], ..Default::default() };
        crate::onnx::splice::splice(graph, &added)?
    };
    runtime(bytes, &[output.to_owned()], options)
}
