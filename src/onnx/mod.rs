//! ONNX graphs: parsing, validation, construction, extension, differentiation. Inference belongs to `model`.

pub mod affine;
pub mod build;
pub mod cut;
pub mod differentiate;
pub mod error;
pub mod external;
pub mod graph;
pub mod proto;
pub mod redraw;
pub mod rewrite;
pub mod splice;
pub mod tensor;
pub mod trees;
pub mod widen;
