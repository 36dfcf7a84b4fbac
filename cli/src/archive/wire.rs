//! What a parent and its worker say to each other: lines, each of a letter and JSON.

use affect_archive::calls::{CallError, Heard, Means, Moved};
use serde::{Deserialize, Serialize};

/// Bytes of what a worker says that go over at once: as much as a pipe holds.
pub const PIPE: usize = 64 << 10;

/// First line to a worker: what it is to be.
#[derive(Debug, Serialize, Deserialize)]
pub struct Charge {
    /// The run, with its model where it is on this machine.
    pub run: affect_archive::Run,
    /// ONNX Runtime's library, where it was named.
    pub runtime_library: Option<String>,
}

/// A call to be analysed.
#[derive(Debug, Serialize, Deserialize)]
pub struct Task {
    /// Name of the stream.
    pub key: String,
    /// Where the file is, as text without loss.
    pub path: String,
}

/// End of a call.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct End {
    /// What it is like.
    pub heard: Option<Heard>,
    /// Why results are missing.
    pub error: Option<CallError>,
    /// The same in words.
    pub message: Option<String>,
    /// Means of its scores, and what moved them.
    pub means: Means,
    pub moved: Moved,
    /// Numbers about the call.
    pub numbers: Vec<(String, Option<f64>)>,
}

/// What a worker says.
#[derive(Debug)]
pub enum Said {
    /// It is ready, as this run.
    Ready(String),
    /// It cannot be what it is to be.
    Unfit(String),
    /// It gets on.
    Progress,
    /// A record, as JSON.
    Record(String),
    /// A call is at its end.
    End(Box<End>),
}

impl Said {
    /// The line, without its end.
    pub fn line(&self) -> String {
        match self {
            Self::Ready(run) => format!("H{run}"),
            Self::Unfit(why) => format!("F{}", why.replace('\n', " ")),
            Self::Progress => "P".to_owned(),
            Self::Record(json) => format!("R{json}"),
            // Numbers and texts: there is always a JSON of them.
            Self::End(end) => format!("E{}", serde_json::to_string(end).unwrap_or_default()),
        }
    }

    /// What a line says; none where it is not ours.
    pub fn parse(line: &str) -> Option<Self> {
        let rest = line.get(1..)?;
        match line.as_bytes()[0] {
            b'H' => Some(Self::Ready(rest.to_owned())),
            b'F' => Some(Self::Unfit(rest.to_owned())),
            b'P' if rest.is_empty() => Some(Self::Progress),
            b'R' => Some(Self::Record(rest.to_owned())),
            b'E' => serde_json::from_str(rest).ok().map(|end| Self::End(Box::new(end))),
            _ => None,
        }
    }
}
