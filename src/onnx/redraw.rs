//! The same graph with weights drawn anew: what an architecture does before it has learnt anything.

use super::error::OnnxError;
use super::graph::Model;
use super::proto::TensorProto;
use super::tensor::{FLOAT, float_tensor, floats};
use crate::signal::random::Random;
use bytes::Bytes;
use prost::Message;

/// Element types of one byte, as quantised weights have.
const BYTES: [i32; 2] = [2, 3];

/// The model's bytes with every floating-point constant of two elements or more drawn from a normal distribution of that constant's own
/// mean and standard deviation, and every quantised one put in random order; `None` where there is none of either. Single numbers stay:
/// they are parts of formulas, as the slope of an activation is.
///
/// # Errors
/// [`OnnxError::Graph`] for constants that cannot be read.
pub fn redrawn(model: &Model, seed: u64) -> Result<Option<Vec<u8>>, OnnxError> {
    let mut proto = model.proto().clone();
    let mut count = 0;
    for (k, t) in proto.graph.iter_mut().flat_map(|g| g.initializer.iter_mut()).enumerate() {
        let mut random = Random(Random(seed).bits() ^ Random(k as u64).bits());
        count += usize::from(redraw(t, &mut random)?);
    }
    Ok((count > 0).then(|| proto.encode_to_vec()))
}

/// Draws a constant anew; `false` where it is none that has weights.
fn redraw(t: &mut TensorProto, random: &mut Random) -> Result<bool, OnnxError> {
    if BYTES.contains(&t.data_type) && t.raw_data.len() > 1 {
        let mut bytes = t.raw_data.to_vec();
        random.shuffle(&mut bytes);
        t.raw_data = Bytes::from(bytes);
        return Ok(true);
    }
    if t.data_type != FLOAT {
        return Ok(false);
    }
    let values = floats(t)?;
    if values.len() < 2 {
        return Ok(false);
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let spread = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
    let drawn: Vec<f32> = values.iter().map(|_| (mean + spread * random.normal()) as f32).collect();
    *t = float_tensor(&t.name, &t.dims, &drawn);
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::build::{model, node, value};
    use crate::onnx::proto::GraphProto;
    use crate::onnx::tensor::int_tensor;

    #[test]
    fn moments_and_shapes_stay_and_numbers_do_not() {
        let weights: Vec<f32> = (0..4000).map(|k| 3.0 + (k % 7) as f32).collect();
        let quantised = TensorProto {
            name: "q".into(),
            dims: vec![256],
            data_type: 3,
            raw_data: Bytes::from((0..=255u8).collect::<Vec<_>>()),
            ..TensorProto::default()
        };
        let graph = GraphProto {
            node: vec![node("Identity", &["w"], &["y"], vec![])],
            initializer: vec![
                float_tensor("w", &[40, 100], &weights),
                float_tensor("one", &[], &[0.5]),
                int_tensor("shape", &[1, 2, 3]),
                quantised,
            ],
            output: vec![value("y", FLOAT, None)],
            ..GraphProto::default()
        };
        let made = Model::parse(model(graph, &[("", 17)], &[])).unwrap();
        let again = |seed| Model::parse(redrawn(&made, seed).unwrap().unwrap()).unwrap();
        let (a, b) = (again(1), again(2));
        assert_eq!(a.bytes(), again(1).bytes());
        assert_ne!(a.bytes(), b.bytes());
        let constants = &a.graph().initializer;
        assert_eq!(constants[1..3], made.graph().initializer[1..3]);
        let w = floats(&constants[0]).unwrap();
        let moments = |v: &[f64]| {
            let mean = v.iter().sum::<f64>() / v.len() as f64;
            (mean, (v.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / v.len() as f64).sqrt())
        };
        let own = moments(&weights.iter().map(|v| f64::from(*v)).collect::<Vec<_>>());
        let drawn = moments(&w);
        assert!((own.0 - drawn.0).abs() < 0.15 && (own.1 - drawn.1).abs() < 0.1, "{own:?} {drawn:?}");
        assert!(constants[0].dims == [40, 100] && w.iter().zip(&weights).all(|(a, b)| *a != f64::from(*b)));
        let mut bytes = constants[3].raw_data.to_vec();
        assert_ne!(bytes, (0..=255).collect::<Vec<u8>>());
        bytes.sort_unstable();
        assert_eq!(bytes, (0..=255).collect::<Vec<u8>>());
    }

    #[test]
    fn a_graph_without_weights_has_nothing_to_draw() {
        let graph = GraphProto {
            node: vec![node("Identity", &["x"], &["y"], vec![])],
            input: vec![value("x", FLOAT, None)],
            output: vec![value("y", FLOAT, None)],
            ..GraphProto::default()
        };
        assert_eq!(redrawn(&Model::parse(model(graph, &[("", 17)], &[])).unwrap(), 1), Ok(None));
    }
}
