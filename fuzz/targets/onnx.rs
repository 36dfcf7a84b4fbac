//! Any bytes are a model or refused; of a model the structure is found, gradients are written or refused, and the
//! built-in evaluation runs it, without a panic and within bounded memory.
#![no_main]

use affect::model::engine::Backend;
use affect::model::{Model, Options};
use affect::onnx::differentiate::differentiate;
use affect::onnx::graph::Model as Graph;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(graph) = Graph::parse(data.to_vec()) else { return };
    let inputs: Vec<String> = graph.inputs().into_iter().map(|v| v.name).collect();
    for output in graph.outputs() {
        if let Ok(made) = differentiate(&graph, &output.name, &inputs) {
            Graph::parse(made.bytes).expect("what was written can be read");
        }
    }
    let options = Options { backend: Backend::Builtin, width: Some(8), ..Options::default() };
    let _ = Model::open(data.to_vec(), None, &options);
});
