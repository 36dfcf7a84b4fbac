//! Float16 graphs as float32 ones: engines without float16 arithmetic run them, and gradients are taken in float32.

use super::error::OnnxError;
use super::external::tensors;
use super::graph::Model;
use super::proto::{GraphProto, TensorProto, TypeValue, ValueInfo};
use super::tensor::{FLOAT, FLOAT16};
use bytes::Bytes;
use prost::Message;

/// The number of a half-precision one (IEEE 754 binary16), exactly.
fn wide(half: u16) -> f32 {
    let (sign, exponent, fraction) = (u32::from(half >> 15), u32::from(half >> 10 & 31), u32::from(half & 1023));
    match exponent {
        0 => f32::from_bits(sign << 31 | 0x3380_0000) * fraction as f32,
        31 => f32::from_bits(sign << 31 | 0x7F80_0000 | fraction << 13),
        e => f32::from_bits(sign << 31 | (e + 112) << 23 | fraction << 13),
    }
}

fn widen(t: &mut TensorProto) -> Result<(), OnnxError> {
    if t.data_type != FLOAT16 {
        return Ok(());
    }
    // Outside of raw data the standard puts their bits into int32.
    let halves: Vec<u16> = if t.raw_data.is_empty() {
        t.int32_data.iter().map(|v| *v as u16).collect()
    } else {
        t.raw_data.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect()
    };
    let raw: Vec<u8> = halves.into_iter().flat_map(|h| wide(h).to_le_bytes()).collect();
    t.raw_data = Bytes::from(raw);
    t.int32_data.clear();
    t.data_type = FLOAT;
    Ok(())
}

fn values(graph: &mut GraphProto) {
    let retype = |v: &mut ValueInfo| {
        if let Some(TypeValue::Tensor(t)) = v.r#type.as_mut().and_then(|t| t.value.as_mut())
            && t.elem_type == FLOAT16
        {
            t.elem_type = FLOAT;
        }
    };
    graph.input.iter_mut().chain(&mut graph.output).chain(&mut graph.value_info).for_each(retype);
    for a in graph.node.iter_mut().flat_map(|n| n.attribute.iter_mut()) {
        if matches!(a.name.as_str(), "to" | "dtype") && a.i == i64::from(FLOAT16) {
            a.i = i64::from(FLOAT);
        }
        a.g.iter_mut().for_each(values);
    }
}

fn has_halves(graph: &GraphProto) -> bool {
    let half = |v: &ValueInfo| matches!(v.r#type.as_ref().and_then(|t| t.value.as_ref()), Some(TypeValue::Tensor(t)) if t.elem_type == FLOAT16);
    graph.initializer.iter().any(|t| t.data_type == FLOAT16)
        || graph.input.iter().chain(&graph.output).any(half)
        || graph.node.iter().flat_map(|n| &n.attribute).any(|a| {
            a.t.as_ref().is_some_and(|t| t.data_type == FLOAT16)
                || matches!(a.name.as_str(), "to" | "dtype") && a.i == i64::from(FLOAT16)
                || a.g.as_ref().is_some_and(has_halves)
        })
}

/// The model in float32; `None` where it has no float16.
///
/// # Errors
/// [`OnnxError`] where what comes out contradicts itself.
pub fn widened(model: &Model) -> Result<Option<Model>, OnnxError> {
    if !has_halves(model.graph()) {
        return Ok(None);
    }
    let mut proto = model.proto().clone();
    if let Some(graph) = proto.graph.as_mut() {
        tensors(graph, &mut widen)?;
        values(graph);
    }
    Model::parse(proto.encode_to_vec()).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every pattern of bits, by the definition: `(-1)^s 2^(e - 15) (1 + f / 1024)`, below the smallest exponent `2^-14 f / 1024`.
    #[test]
    fn halves_are_what_their_bits_say() {
        for h in 0..=u16::MAX {
            let sign = if h >> 15 == 1 { -1.0f64 } else { 1.0 };
            let (e, f) = (i32::from(h >> 10 & 31), f64::from(h & 1023) / 1024.0);
            let found = f64::from(wide(h));
            match e {
                31 if f > 0.0 => assert!(found.is_nan()),
                31 => assert_eq!(found, sign * f64::INFINITY),
                0 => assert_eq!(found, sign * 2f64.powi(-14) * f),
                _ => assert_eq!(found, sign * 2f64.powi(e - 15) * (1.0 + f)),
            }
        }
    }
}
