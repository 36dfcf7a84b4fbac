//! Gradient rules of operators that normalise over axes.

use super::emit::{Emit, refuse};
use super::{Gradients, Rules};
use crate::onnx::error::OnnxError;
use crate::onnx::graph::{attribute, float, int};
use crate::onnx::proto::NodeProto;

/// More axes than any tensor has.
const MOST_AXES: i64 = 64;

/// Operators and their rules.
pub const RULES: Rules = &[
    ("Softmax", 1, softmax),
    ("LogSoftmax", 1, log_softmax),
    ("LayerNormalization", 2, layer),
    ("RMSNormalization", 2, rms),
    ("InstanceNormalization", 3, instance),
    ("GroupNormalization", 3, group),
    ("BatchNormalization", 5, batch),
    ("LpNormalization", 1, lp),
    ("MeanVarianceNormalization", 1, mean_variance),
];

fn softmax(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let axis = int(n, "axis", -1);
    let y = &n.output[0];
    let gy = e.mul(g, y);
    let total = e.sum(&gy, &[axis]);
    let centred = e.sub(g, &total);
    let raw = e.mul(y, &centred);
    if e.unmasked.contains(&n.input[0]) {
        return Ok(vec![(0, raw)]);
    }
    Ok(vec![(0, where_asked(e, g, axis, &raw))])
}

/// A gradient, and 0 in rows that nobody asks about: where everything is masked (minus infinity), a softmax is no number, graphs put
/// another value in its place, and a number times what is none would be none.
fn where_asked(e: &mut Emit<'_>, g: &str, axis: i64, raw: &str) -> String {
    let size = e.op("Abs", &[g], vec![]);
    let size = e.sum(&size, &[axis]);
    let zero = e.scalar(0.0);
    let unasked = e.op("Equal", &[&size, &zero], vec![]);
    e.op("Where", &[&unasked, &zero, raw], vec![])
}

fn log_softmax(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let axis = int(n, "axis", -1);
    let p = e.op("Exp", &[&n.output[0]], vec![]);
    let total = e.sum(g, &[axis]);
    let share = e.mul(&p, &total);
    let raw = e.sub(g, &share);
    Ok(vec![(0, where_asked(e, g, axis, &raw))])
}

/// What was normalised, and by what it was divided.
struct Normalised {
    value: String,
    divisor: String,
}

/// `(x - mean) / sqrt(variance + epsilon)` over axes.
fn normalised(e: &mut Emit<'_>, x: &str, axes: &[i64], epsilon: f64) -> Normalised {
    let mu = e.mean(x, axes);
    let centred = e.sub(x, &mu);
    let square = e.mul(&centred, &centred);
    let variance = e.mean(&square, axes);
    let small = e.scalar(epsilon);
    let safe = e.add(&variance, &small);
    let divisor = e.op("Sqrt", &[&safe], vec![]);
    Normalised { value: e.div(&centred, &divisor), divisor }
}

impl Normalised {
    /// `(gx - mean(gx) - value mean(gx value)) / divisor`; without the first mean where none was taken away.
    fn back(&self, e: &mut Emit<'_>, gx: &str, axes: &[i64], centred: bool) -> String {
        let product = e.mul(gx, &self.value);
        let along = e.mean(&product, axes);
        let pull = e.mul(&self.value, &along);
        let rest = if centred {
            let mean = e.mean(gx, axes);
            e.sub(gx, &mean)
        } else {
            gx.to_owned()
        };
        let rest = e.sub(&rest, &pull);
        e.div(&rest, &self.divisor)
    }
}

/// The axes from the one that a node names to the last.
fn last_axes(e: &Emit<'_>, n: &NodeProto) -> Result<Vec<i64>, OnnxError> {
    match int(n, "axis", -1) {
        // Nothing has that many axes; a file may say so all the same.
        a if a < -MOST_AXES => Err(refuse(n, "its axis lies beyond the tensor")),
        a if a < 0 => Ok((a..0).collect()),
        a => Ok((a..e.rank(&n.input[0], n)? as i64).collect()),
    }
}

/// Gradients of a normalisation over the last axes, with a scale and a shift of those axes.
fn over_last(e: &mut Emit<'_>, n: &NodeProto, g: &str, made: &Normalised, axes: &[i64], centred: bool) -> Gradients {
    let mut out = Vec::new();
    if e.wants(n, 0) {
        let gx = e.mul(g, &n.input[1]);
        out.push((0, made.back(e, &gx, axes, centred)));
    }
    if e.wants(n, 1) {
        let raw = e.mul(g, &made.value);
        out.push((1, e.unbroadcast(raw, &n.input[1], &n.output[0])));
    }
    if e.wants(n, 2) {
        out.push((2, e.unbroadcast(g.to_owned(), &n.input[2], &n.output[0])));
    }
    Ok(out)
}

fn layer(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let axes = last_axes(e, n)?;
    let made = normalised(e, &n.input[0], &axes, f64::from(float(n, "epsilon", 1e-5)));
    over_last(e, n, g, &made, &axes, true)
}

/// `x / sqrt(mean(x^2) + epsilon)`, scaled.
fn rms(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let axes = last_axes(e, n)?;
    let x = &n.input[0];
    let square = e.mul(x, x);
    let power = e.mean(&square, &axes);
    let small = e.scalar(f64::from(float(n, "epsilon", 1e-5)));
    let safe = e.add(&power, &small);
    let divisor = e.op("Sqrt", &[&safe], vec![]);
    let made = Normalised { value: e.div(x, &divisor), divisor };
    over_last(e, n, g, &made, &axes, false)
}

/// A list of numbers, one for each channel, with axes of length 1 after it.
fn by_channel(e: &mut Emit<'_>, list: &str, rank: usize) -> String {
    let mut shape = vec![-1];
    shape.extend(std::iter::repeat_n(1, rank.saturating_sub(2)));
    let shape = e.ints(&shape);
    e.op("Reshape", &[list, &shape], vec![])
}

/// Gradients at a scale and a shift of each channel.
fn channel_gradients(
    e: &mut Emit<'_>,
    n: &NodeProto,
    g: &str,
    value: &str,
    rank: usize,
    out: &mut Vec<(usize, String)>,
) {
    let axes: Vec<i64> = [0].into_iter().chain(2..rank as i64).collect();
    for k in [1, 2] {
        if e.wants(n, k) {
            let raw = if k == 1 { e.mul(g, value) } else { g.to_owned() };
            let summed = e.sum(&raw, &axes);
            out.push((k, e.flat(&summed)));
        }
    }
}

fn instance(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let rank = e.rank(&n.input[0], n)?;
    let axes: Vec<i64> = (2..rank as i64).collect();
    if axes.is_empty() {
        return Err(refuse(n, "expected axes after batch and channel"));
    }
    let made = normalised(e, &n.input[0], &axes, f64::from(float(n, "epsilon", 1e-5)));
    let mut out = Vec::new();
    if e.wants(n, 0) {
        let scale = by_channel(e, &n.input[1], rank);
        let gx = e.mul(g, &scale);
        out.push((0, made.back(e, &gx, &axes, true)));
    }
    channel_gradients(e, n, g, &made.value, rank, &mut out);
    Ok(out)
}

fn group(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    if e.opset < 21 {
        return Err(refuse(n, "before opset 21 its scale is one of groups: export the model with a newer one"));
    }
    let (x, groups) = (&n.input[0], int(n, "num_groups", 0));
    if groups < 1 {
        return Err(refuse(n, "expected at least one group"));
    }
    let rank = e.rank(x, n)?;
    // [N, groups, everything else]
    let apart = e.ints(&[0, groups, -1]);
    let rows = e.op("Reshape", &[x, &apart], vec![]);
    let made = normalised(e, &rows, &[-1], f64::from(float(n, "epsilon", 1e-5)));
    let mut out = Vec::new();
    if e.wants(n, 0) {
        let scale = by_channel(e, &n.input[1], rank);
        let gx = e.mul(g, &scale);
        let gx = e.op("Reshape", &[&gx, &apart], vec![]);
        let back = made.back(e, &gx, &[-1], true);
        out.push((0, e.reshape_like(&back, x)));
    }
    let value = e.reshape_like(&made.value, x);
    channel_gradients(e, n, g, &value, rank, &mut out);
    Ok(out)
}

/// `x / norm`: for the sum of sizes `(g - sign(x) sum(g y)) / norm`, for the length `(g - y sum(g y)) / norm`.
fn lp(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let (x, y, axis) = (&n.input[0], &n.output[0], int(n, "axis", -1));
    let (size, slope) = match int(n, "p", 2) {
        1 => (e.op("Abs", &[x], vec![]), e.op("Sign", &[x], vec![])),
        2 => (e.mul(x, x), y.clone()),
        p => return Err(refuse(n, &format!("p {p}: expected 1 or 2"))),
    };
    let total = e.sum(&size, &[axis]);
    let norm = if int(n, "p", 2) == 2 { e.op("Sqrt", &[&total], vec![]) } else { total };
    let gy = e.mul(g, y);
    let along = e.sum(&gy, &[axis]);
    let pull = e.mul(&slope, &along);
    let rest = e.sub(g, &pull);
    let quotient = e.div(&rest, &norm);
    // All zeros stay zeros.
    let zero = e.scalar(0.0);
    let up = e.op("Greater", &[&norm, &zero], vec![]);
    Ok(vec![(0, e.gate(&up, &quotient))])
}

/// The standard adds 1e-9 to the deviation.
fn mean_variance(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let axes = attribute(n, "axes").map_or_else(|| vec![0, 2, 3], |a| a.ints.clone());
    let made = normalised(e, &n.input[0], &axes, 0.0);
    Ok(vec![(0, made.back(e, g, &axes, true))])
}

fn batch(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    if (1..5).any(|k| e.wants(n, k)) || int(n, "training_mode", 0) != 0 {
        return Err(refuse(n, "only the inference form with constant statistics has a rule"));
    }
    let rank = e.rank(&n.input[0], n)?;
    let small = e.scalar(f64::from(float(n, "epsilon", 1e-5)));
    let safe = e.add(&n.input[4], &small);
    let sigma = e.op("Sqrt", &[&safe], vec![]);
    let factor = e.div(&n.input[1], &sigma);
    let factor = by_channel(e, &factor, rank);
    Ok(vec![(0, e.mul(g, &factor))])
}
