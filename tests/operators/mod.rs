//! Operators, and their definitions in float64.

pub mod branches;
pub mod functions;
pub mod norms;
pub mod pieces;
pub mod products;
pub mod tensor;
pub mod windows;

use affect::onnx::proto::{NodeProto, TensorProto};

/// What an operator does to a tensor, all elements in a row.
pub type Definition = Box<dyn Fn(&[f64]) -> Vec<f64>>;

/// An operator from the tensor `t` to the tensor `y`.
pub struct Case {
    pub name: &'static str,
    pub opset: i64,
    /// Shape of `t`.
    pub shape: Vec<i64>,
    pub nodes: Vec<NodeProto>,
    pub constants: Vec<TensorProto>,
    pub definition: Definition,
    /// What `rten` names when it refuses the operator, or its gradient; empty where it runs both.
    pub without_rten: &'static str,
}

pub fn case(
    name: &'static str,
    shape: &[i64],
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
    definition: impl Fn(&[f64]) -> Vec<f64> + 'static,
) -> Case {
    Case {
        name,
        opset: 18,
        shape: shape.to_vec(),
        nodes,
        constants,
        definition: Box::new(definition),
        without_rten: "",
    }
}

/// Weights without a pattern.
pub fn weights(n: usize) -> Vec<f32> {
    (0..n).map(|k| ((k * 6151 + 29) % 97) as f32 / 60.0 - 0.8).collect()
}

pub fn wide(list: &[f32]) -> Vec<f64> {
    list.iter().map(|v| f64::from(*v)).collect()
}
