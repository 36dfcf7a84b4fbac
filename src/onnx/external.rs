//! Weights in files of their own, put into the model that names them.

use super::error::OnnxError;
use super::graph::LARGEST;
use super::proto::{GraphProto, ModelProto, TensorProto};
use bytes::Bytes;
use prost::Message;
use std::collections::HashMap;

/// Place of a tensor's data outside the model.
const OUTSIDE: i32 = 1;

/// Reads a file that a model names, beside the model.
pub type Read<'a> = &'a mut dyn FnMut(&str) -> Result<Bytes, OnnxError>;

/// The model with its weights inside; `None` where they are inside already.
///
/// # Errors
/// [`OnnxError::Format`] where the bytes are no model or get too large; [`OnnxError::Graph`] where a tensor names no file, or a
/// part that its file does not have; what `read` says.
pub fn inline(bytes: &Bytes, read: Read<'_>) -> Result<Option<Vec<u8>>, OnnxError> {
    let mut model = ModelProto::decode(bytes.clone()).map_err(|e| OnnxError::Format(e.to_string()))?;
    let Some(graph) = model.graph.as_mut() else { return Ok(None) };
    let mut files: HashMap<String, Bytes> = HashMap::new();
    let mut found = 0usize;
    tensors(graph, &mut |t| {
        if t.data_location != OUTSIDE {
            return Ok(());
        }
        let entry = |key: &str| t.external_data.iter().find(|e| e.key == key).map(|e| e.value.as_str());
        let broken = |why: String| OnnxError::Graph(format!("constant \"{}\": {why}", t.name));
        let name = entry("location").ok_or_else(|| broken("it lies in another file that is not named".to_owned()))?;
        if !files.contains_key(name) {
            files.insert(name.to_owned(), read(name)?);
        }
        let file = &files[name];
        let number = |key: &str, default: usize| match entry(key) {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| broken(format!("{key} \"{text}\": expected a number"))),
        };
        let offset = number("offset", 0)?;
        let length = number("length", file.len().saturating_sub(offset))?;
        let end = offset.checked_add(length).filter(|end| *end <= file.len());
        let end = end.ok_or_else(|| {
            broken(format!(
                "bytes {offset} and {length} more of \"{name}\": expected a file of that size, it has {}",
                file.len()
            ))
        })?;
        found += length;
        t.raw_data = file.slice(offset..end);
        t.data_location = 0;
        t.external_data.clear();
        Ok(())
    })?;
    if files.is_empty() {
        return Ok(None);
    }
    if found.saturating_add(bytes.len()) > LARGEST {
        return Err(OnnxError::Format(format!("{found} bytes of weights: expected at most {LARGEST}")));
    }
    Ok(Some(model.encode_to_vec()))
}

/// Visits every tensor of a graph, those in attributes and bodies included.
///
/// # Errors
/// What `visit` says.
pub fn tensors(
    graph: &mut GraphProto,
    visit: &mut dyn FnMut(&mut TensorProto) -> Result<(), OnnxError>,
) -> Result<(), OnnxError> {
    graph.initializer.iter_mut().try_for_each(&mut *visit)?;
    for a in graph.node.iter_mut().flat_map(|n| n.attribute.iter_mut()) {
        a.t.iter_mut().try_for_each(&mut *visit)?;
        a.g.iter_mut().try_for_each(|g| tensors(g, visit))?;
    }
    Ok(())
}
