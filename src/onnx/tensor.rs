//! Constant tensors of a graph.

use super::error::OnnxError;
use super::proto::TensorProto;
use bytes::Bytes;

/// Element types by their number in `onnx.proto`.
pub const FLOAT: i32 = 1;
/// Signed 32-bit integers.
pub const INT32: i32 = 6;
/// Signed 64-bit integers.
pub const INT64: i32 = 7;
/// Text.
pub const STRING: i32 = 8;
/// Truth values.
pub const BOOL: i32 = 9;
/// 16-bit floats.
pub const FLOAT16: i32 = 10;
/// 64-bit floats.
pub const DOUBLE: i32 = 11;

/// Name of an element type.
#[must_use]
pub fn element_name(data_type: i32) -> &'static str {
    match data_type {
        FLOAT => "float32",
        2 => "uint8",
        3 => "int8",
        INT32 => "int32",
        INT64 => "int64",
        STRING => "string",
        BOOL => "bool",
        FLOAT16 => "float16",
        DOUBLE => "float64",
        16 => "bfloat16",
        _ => "another type",
    }
}

/// Number of elements; `None` for negative or absurd dimensions.
#[must_use]
pub fn elements(dims: &[i64]) -> Option<usize> {
    dims.iter().try_fold(1usize, |n, d| n.checked_mul(usize::try_from(*d).ok()?)).filter(|n| *n < 1 << 40)
}

fn broken(t: &TensorProto, why: &str) -> OnnxError {
    OnnxError::Graph(format!("constant \"{}\": {why}", t.name))
}

fn raw<const N: usize, T>(t: &TensorProto, read: fn([u8; N]) -> T) -> Result<Vec<T>, OnnxError> {
    let parts = t.raw_data.chunks_exact(N);
    if !parts.remainder().is_empty() {
        return Err(broken(t, "its bytes are no whole number of elements"));
    }
    Ok(parts.map(|b| b.try_into().map(read)).collect::<Result<_, _>>().unwrap_or_default())
}

/// Checks that a constant has as many elements as its dimensions say.
fn counted<T>(t: &TensorProto, data: Vec<T>) -> Result<Vec<T>, OnnxError> {
    if t.data_location != 0 {
        return Err(broken(
            t,
            "its data lie in another file, which a model from bytes alone does not have: open it by its path",
        ));
    }
    let expected = elements(&t.dims).ok_or_else(|| broken(t, "impossible dimensions"))?;
    if data.len() != expected {
        return Err(broken(t, &format!("{} elements: expected {expected} for {:?}", data.len(), t.dims)));
    }
    Ok(data)
}

/// The elements of a floating-point constant (or of an integer one, converted).
///
/// # Errors
/// [`OnnxError::Graph`] for other types, external data, or a wrong number of elements.
pub fn floats(t: &TensorProto) -> Result<Vec<f64>, OnnxError> {
    let data = match t.data_type {
        FLOAT if t.raw_data.is_empty() => t.float_data.iter().map(|v| f64::from(*v)).collect(),
        FLOAT => raw(t, |b| f64::from(f32::from_le_bytes(b)))?,
        DOUBLE if t.raw_data.is_empty() => t.double_data.clone(),
        DOUBLE => raw(t, f64::from_le_bytes)?,
        INT32 | INT64 => return Ok(integers(t)?.into_iter().map(|v| v as f64).collect()),
        other => return Err(broken(t, &format!("it holds {}: expected numbers", element_name(other)))),
    };
    counted(t, data)
}

/// The elements of an integer constant.
///
/// # Errors
/// [`OnnxError::Graph`] for other types, external data, or a wrong number of elements.
pub fn integers(t: &TensorProto) -> Result<Vec<i64>, OnnxError> {
    let data = match t.data_type {
        INT64 if t.raw_data.is_empty() => t.int64_data.clone(),
        INT64 => raw(t, i64::from_le_bytes)?,
        INT32 if t.raw_data.is_empty() => t.int32_data.iter().map(|v| i64::from(*v)).collect(),
        INT32 => raw(t, |b| i64::from(i32::from_le_bytes(b)))?,
        other => return Err(broken(t, &format!("it holds {}: expected integers", element_name(other)))),
    };
    counted(t, data)
}

/// Checks what can be checked of a constant without reading it.
///
/// # Errors
/// [`OnnxError::Graph`] for impossible dimensions, external data, or a size that disagrees with the bytes.
pub fn check(t: &TensorProto) -> Result<(), OnnxError> {
    let expected = elements(&t.dims).ok_or_else(|| broken(t, "impossible dimensions"))?;
    let width = match t.data_type {
        FLOAT | INT32 => 4,
        INT64 | DOUBLE => 8,
        _ => 0,
    };
    if t.data_location != 0 {
        return Err(broken(
            t,
            "its data lie in another file, which a model from bytes alone does not have: open it by its path",
        ));
    }
    if width > 0 && !t.raw_data.is_empty() && expected.checked_mul(width) != Some(t.raw_data.len()) {
        return Err(broken(t, &format!("{} bytes for {expected} elements of {width} bytes", t.raw_data.len())));
    }
    if width > 0 && t.raw_data.is_empty() {
        let found = t.float_data.len() + t.int32_data.len() + t.int64_data.len() + t.double_data.len();
        if found != expected {
            return Err(broken(t, &format!("{found} elements: expected {expected} for {:?}", t.dims)));
        }
    }
    Ok(())
}

/// A float32 constant.
#[must_use]
pub fn float_tensor(name: &str, dims: &[i64], data: &[f32]) -> TensorProto {
    let raw: Vec<u8> = data.iter().flat_map(|v| v.to_le_bytes()).collect();
    TensorProto {
        name: name.to_owned(),
        dims: dims.to_vec(),
        data_type: FLOAT,
        raw_data: Bytes::from(raw),
        ..TensorProto::default()
    }
}

/// An int64 constant with one axis.
#[must_use]
pub fn int_tensor(name: &str, data: &[i64]) -> TensorProto {
    let raw: Vec<u8> = data.iter().flat_map(|v| v.to_le_bytes()).collect();
    TensorProto {
        name: name.to_owned(),
        dims: vec![data.len() as i64],
        data_type: INT64,
        raw_data: Bytes::from(raw),
        ..TensorProto::default()
    }
}
