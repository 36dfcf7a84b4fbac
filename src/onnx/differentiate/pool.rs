//! Gradient rules of means and largest elements under a window that slides.

use super::convolve::Window;
use super::emit::{Emit, refuse};
use super::{Gradients, Rules};
use crate::onnx::build;
use crate::onnx::error::OnnxError;
use crate::onnx::graph::int;
use crate::onnx::proto::{NodeProto, TensorProto};
use crate::onnx::tensor::{DOUBLE, float_tensor};

/// Operators and their rules.
pub const RULES: Rules = &[("AveragePool", 1, average), ("MaxPool", 1, largest)];

/// Larger windows are refused.
const LARGEST: i64 = 1 << 20;
/// The same where the elements under a window become channels.
const MOST_PICKED: i64 = 256;

/// A constant kernel.
fn kernel(e: &mut Emit<'_>, dims: &[i64], data: &[f32]) -> String {
    let mut t = float_tensor("", dims, data);
    if e.element == DOUBLE {
        let raw: Vec<u8> = data.iter().flat_map(|v| f64::from(*v).to_le_bytes()).collect();
        t = TensorProto { data_type: DOUBLE, raw_data: raw.into(), ..t };
    }
    e.op("Constant", &[], vec![build::constant("value", t)])
}

/// The window of a pool.
fn window_of(e: &Emit<'_>, n: &NodeProto, largest: i64) -> Result<Window, OnnxError> {
    let window = Window::of(e, n, None)?;
    if int(n, "ceil_mode", 0) != 0 {
        return Err(refuse(n, "windows that reach beyond the end (ceil_mode) have no rule"));
    }
    if window.kernel.iter().try_fold(1i64, |a, b| a.checked_mul(*b)).is_none_or(|n| n > largest) {
        return Err(refuse(n, "its window is too large"));
    }
    Ok(window)
}

/// Channels as rows of one channel each.
fn single(e: &mut Emit<'_>, t: &str, spatial: usize) -> String {
    let (front, lengths) = (e.ints(&[-1, 1]), e.lengths(t, 2, spatial as i64 + 2));
    let shape = e.join(&[&front, &lengths]);
    e.op("Reshape", &[t, &shape], vec![])
}

/// Ones in the place of one channel of `x`.
fn inside(e: &mut Emit<'_>, x: &str, spatial: usize) -> String {
    let (one, lengths) = (e.ints(&[1, 1]), e.lengths(x, 2, spatial as i64 + 2));
    let shape = e.join(&[&one, &lengths]);
    let unit = e.scalar(1.0);
    e.op("Expand", &[&unit, &shape], vec![])
}

/// A convolution as the window slides.
fn slide(e: &mut Emit<'_>, x: &str, kernel: &str, window: &Window) -> String {
    let attributes = vec![
        build::ints("kernel_shape", window.kernel.clone()),
        build::ints("strides", window.strides.clone()),
        build::ints("dilations", window.dilations.clone()),
        build::ints("pads", window.before.iter().chain(&window.after).copied().collect()),
    ];
    e.op("Conv", &[x, kernel], attributes)
}

/// Every element under a window gets its share of the gradient.
fn average(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let x = &n.input[0];
    let window = window_of(e, n, LARGEST)?;
    let spatial = window.kernel.len();
    let count = window.kernel.iter().product::<i64>();
    let dims: Vec<i64> = [1, 1].into_iter().chain(window.kernel.iter().copied()).collect();
    let ones = kernel(e, &dims, &vec![1.0; count as usize]);
    let padded = window.before.iter().chain(&window.after).any(|p| *p != 0);
    let share = if padded && int(n, "count_include_pad", 0) == 0 {
        // How many elements that are no padding each window holds.
        let inside = inside(e, x, spatial);
        let count = slide(e, &inside, &ones, &window);
        e.div(g, &count)
    } else {
        e.times(1.0 / count as f64, g)
    };
    let rows = single(e, &share, spatial);
    let spread = window.spread(e, &rows, &ones, 1, x);
    Ok(vec![(0, e.reshape_like(&spread, x))])
}

/// The elements under a window lie side by side as channels; those that are the largest share the gradient.
fn largest(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let x = &n.input[0];
    let window = window_of(e, n, MOST_PICKED)?;
    let spatial = window.kernel.len();
    let count = window.kernel.iter().product::<i64>();
    let dims: Vec<i64> = [count, 1].into_iter().chain(window.kernel.iter().copied()).collect();
    let unit: Vec<f32> = (0..count * count).map(|k| f32::from(u8::from(k / count == k % count))).collect();
    let picks = kernel(e, &dims, &unit);
    let rows = single(e, x, spatial);
    let elements = slide(e, &rows, &picks, &window);
    let top = single(e, &n.output[0], spatial);
    let same = e.op("Equal", &[&elements, &top], vec![]);
    let mut hit = e.float(&same);
    if window.before.iter().chain(&window.after).any(|p| *p != 0) {
        // Padding is 0 here, and never the largest.
        let inside = inside(e, x, spatial);
        let real = slide(e, &inside, &picks, &window);
        hit = e.mul(&hit, &real);
    }
    let ties = e.sum(&hit, &[1]);
    let g = single(e, g, spatial);
    let share = e.div(&g, &ties);
    let share = e.mul(&hit, &share);
    let spread = window.spread(e, &share, &picks, 1, x);
    Ok(vec![(0, e.reshape_like(&spread, x))])
}
