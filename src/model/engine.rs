//! Inference engines: what runs a graph.

use super::error::ModelError;

/// One input of a run.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// Name in the graph.
    pub name: &'a str,
    /// Its shape.
    pub shape: &'a [usize],
    /// Its elements, the last axis running fastest.
    pub data: &'a [f32],
}

/// Takes the outputs of a run: index of the output, shape and elements.
pub type Take<'a> = &'a mut dyn FnMut(usize, &[usize], &[f32]);

/// Runs one graph; made for a fixed list of float32 outputs. Any thread may call it at any time.
pub trait Engine: Send + Sync + std::fmt::Debug {
    /// Name and version, as results show it.
    fn name(&self) -> &str;

    /// Runs the graph and hands out the outputs it was made for, in their order.
    ///
    /// # Errors
    /// [`ModelError::Run`] saying why.
    fn run(&self, inputs: &[Input<'_>], take: Take<'_>) -> Result<(), ModelError>;

    /// The same, but hands out its first output alone; computes no more than that takes, where the engine can.
    ///
    /// # Errors
    /// [`ModelError::Run`] saying why.
    fn run_first(&self, inputs: &[Input<'_>], take: Take<'_>) -> Result<(), ModelError> {
        self.run(inputs, &mut |k, shape, values| {
            if k == 0 {
                take(k, shape, values);
            }
        })
    }
}

/// Choice of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Backend {
    /// Built-in evaluation for linear models and tree ensembles; otherwise ONNX Runtime where its library is found, and
    /// `rten` where it is not.
    #[default]
    Auto,
    /// ONNX Runtime.
    OnnxRuntime,
    /// `rten`.
    Rten,
    /// Built-in evaluation of linear models and tree ensembles.
    Builtin,
}

impl Backend {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Auto, Self::OnnxRuntime, Self::Rten, Self::Builtin];

    /// The name in settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::OnnxRuntime => "onnxruntime",
            Self::Rten => "rten",
            Self::Builtin => "builtin",
        }
    }
}

impl std::fmt::Display for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Backend {
    type Err = crate::error::ConfigError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|b| b.name() == s).ok_or_else(|| crate::error::ConfigError::Unknown {
            what: "backend",
            found: s.to_owned(),
            known: Self::ALL.map(Self::name).join(", "),
        })
    }
}
