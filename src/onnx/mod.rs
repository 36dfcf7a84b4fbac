//! ONNX graphs: read, check, make, add to, and differentiate. Running them is `model`'s business.

pub mod affine;
pub mod build;
pub mod differentiate;
pub mod error;
pub mod graph;
pub mod proto;
pub mod splice;
pub mod tensor;
pub mod trees;
