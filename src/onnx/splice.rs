//! Extension of a model file without re-encoding it: weights and unknown fields stay byte for byte as they are.

use super::error::OnnxError;
use super::graph::Model;
use super::proto::GraphProto;
use prost::Message;
use prost::encoding::{WireType, decode_key, decode_varint, encode_key, encode_varint};

/// Field of `ModelProto` that holds the graph.
const GRAPH: u32 = 7;

/// The model's bytes with the nodes, constants, inputs and outputs of `added` appended to its graph.
///
/// # Errors
/// [`OnnxError::Format`] where the top level cannot be walked, or holds several graphs.
pub fn splice(model: &Model, added: &GraphProto) -> Result<Vec<u8>, OnnxError> {
    let file: &[u8] = model.bytes();
    let extra = added.encode_to_vec();
    let mut out = Vec::with_capacity(file.len() + extra.len() + 16);
    let mut rest = file;
    let mut done = false;
    let broken = |why: &str| OnnxError::Format(why.to_owned());
    while !rest.is_empty() {
        let begin = rest;
        let (tag, wire) = decode_key(&mut rest).map_err(|e| OnnxError::Format(e.to_string()))?;
        let skip = match wire {
            WireType::Varint => {
                decode_varint(&mut rest).map_err(|e| OnnxError::Format(e.to_string()))?;
                0
            }
            WireType::SixtyFourBit => 8,
            WireType::ThirtyTwoBit => 4,
            WireType::LengthDelimited => decode_varint(&mut rest).map_err(|e| OnnxError::Format(e.to_string()))?,
            WireType::StartGroup | WireType::EndGroup => return Err(broken("it has groups")),
        };
        let skip = usize::try_from(skip).ok().filter(|n| *n <= rest.len()).ok_or_else(|| broken("it is cut off"))?;
        let (content, next) = rest.split_at(skip);
        rest = next;
        if tag == GRAPH && wire == WireType::LengthDelimited {
            if done {
                return Err(broken("it has several graphs"));
            }
            done = true;
            encode_key(GRAPH, WireType::LengthDelimited, &mut out);
            encode_varint((content.len() + extra.len()) as u64, &mut out);
            out.extend_from_slice(content);
            out.extend_from_slice(&extra);
        } else {
            out.extend_from_slice(&begin[..begin.len() - rest.len()]);
        }
    }
    Ok(out)
}
