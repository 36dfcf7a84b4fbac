//! Model folders as exporters leave them: the graph, weights beside it, and what the configuration files say.

use super::contract;
use super::error::ModelError;
use crate::onnx::error::OnnxError;
use crate::onnx::external;
use crate::onnx::graph::{LARGEST, Model as Graph};
use bytes::Bytes;
use serde_json::Value;
use std::path::{Component, Path, PathBuf};

/// Larger configuration files are refused.
const LARGEST_TEXT: usize = 4 << 20;
/// What the model is called in a folder, in the order in which it is looked for.
const NAMES: [&str; 2] = ["model.onnx", "onnx/model.onnx"];

/// Reads a file of at most `limit` bytes.
pub(super) fn read(path: &Path, limit: usize) -> Result<Vec<u8>, ModelError> {
    let failed = |why: String| ModelError::File { path: path.display().to_string(), why };
    let length = std::fs::metadata(path).map_err(|e| failed(e.to_string()))?.len();
    if length > limit as u64 {
        return Err(failed(format!("{length} bytes: expected at most {limit}")));
    }
    std::fs::read(path).map_err(|e| failed(e.to_string()))
}

/// The model of a folder; a path to anything else is one to a model.
pub(super) fn model_in(path: &Path) -> Result<PathBuf, ModelError> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    if let Some(found) = NAMES.iter().map(|n| path.join(n)).find(|p| p.is_file()) {
        return Ok(found);
    }
    let failed = |why: String| ModelError::File { path: path.display().to_string(), why };
    let entries = std::fs::read_dir(path).map_err(|e| failed(e.to_string()))?;
    let mut found: Vec<PathBuf> = entries
        .filter_map(|e| Some(e.ok()?.path()))
        .filter(|p| p.extension().is_some_and(|x| x == "onnx") && p.is_file())
        .collect();
    found.sort();
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(failed("expected model.onnx in the folder, found no ONNX file".to_owned())),
        several => {
            let names: Vec<String> =
                several.iter().filter_map(|p| Some(p.file_name()?.to_string_lossy().into_owned())).collect();
            Err(failed(format!("expected model.onnx in the folder, found {}: name one", names.join(", "))))
        }
    }
}

/// A model's bytes, with weights that lie in files beside it put inside.
pub(super) fn whole(path: &Path) -> Result<Vec<u8>, ModelError> {
    let bytes = Bytes::from(read(path, LARGEST)?);
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let mut beside = |name: &str| {
        let plain = Path::new(name).components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir));
        if !plain {
            return Err(OnnxError::Graph(format!("weights in \"{name}\": expected a file in the model's folder")));
        }
        let file = folder.join(name);
        std::fs::read(&file)
            .map(Bytes::from)
            .map_err(|e| OnnxError::Graph(format!("weights in \"{name}\" beside the model: {e}")))
    };
    match external::inline(&bytes, &mut beside) {
        Ok(Some(joined)) => Ok(joined),
        Ok(None) => Ok(bytes.into()),
        // What is no model at all is said when it is opened, with the rest.
        Err(OnnxError::Format(_)) => Ok(bytes.into()),
        Err(e) => Err(e.into()),
    }
}

/// The card that follows from the configuration files beside a model, as JSON; `None` where there are none, or the model has a
/// card inside.
pub(super) fn understood(model: &Path, bytes: &Bytes) -> Result<Option<String>, ModelError> {
    let folders =
        [model.parent(), model.parent().and_then(Path::parent).filter(|_| model.ends_with("onnx/model.onnx"))];
    let Some(folder) = folders.into_iter().flatten().find(|f| f.join("config.json").is_file()) else { return Ok(None) };
    let graph = Graph::parse(bytes.clone())?;
    if graph.metadata(super::card::METADATA_KEY).is_some() {
        return Ok(None);
    }
    let json = |name: &str| -> Result<Value, ModelError> {
        let path = folder.join(name);
        let failed = |why: String| ModelError::File { path: path.display().to_string(), why };
        let text = read(&path, LARGEST_TEXT)?;
        serde_json::from_slice(&text).map_err(|e| failed(e.to_string()))
    };
    let config = json("config.json")?;
    let preprocessor = folder.join("preprocessor_config.json");
    let preprocessor = if preprocessor.is_file() { Some(json("preprocessor_config.json")?) } else { None };
    let named = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let id = named.file_name().map_or_else(|| "model".to_owned(), |n| n.to_string_lossy().into_owned());
    contract::card(&id, &config, preprocessor.as_ref(), &graph).map(|c| Some(c.to_json()))
}
