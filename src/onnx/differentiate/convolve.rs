//! Gradient rules of convolutions of any stride, dilation and number of groups.

use super::emit::{Emit, refuse};
use super::{Gradients, Rules};
use crate::onnx::build;
use crate::onnx::error::OnnxError;
use crate::onnx::graph::{Dim, attribute, int};
use crate::onnx::proto::NodeProto;

/// Operators and their rules.
pub const RULES: Rules = &[("Conv", 2, conv), ("ConvTranspose", 2, conv_transpose)];

/// How a window slides over the spatial axes.
#[derive(Debug, Clone)]
pub struct Window {
    /// Lengths of the kernel.
    pub kernel: Vec<i64>,
    /// Steps.
    pub strides: Vec<i64>,
    /// Distances between the kernel's elements.
    pub dilations: Vec<i64>,
    /// Padding before each axis.
    pub before: Vec<i64>,
    /// Padding after each axis.
    pub after: Vec<i64>,
}

impl Window {
    /// The window of a node, for `spatial` axes.
    ///
    /// # Errors
    /// Where the kernel's lengths are not known, or padding depends on lengths that are not known.
    pub fn of(e: &Emit<'_>, n: &NodeProto, weights: Option<&str>) -> Result<Self, OnnxError> {
        let x = e.shape(&n.input[0]).cloned().ok_or_else(|| refuse(n, "the number of axes is not known"))?;
        let spatial = x.len().checked_sub(2).ok_or_else(|| refuse(n, "expected batch, channel and other axes"))?;
        let list = |name: &str| attribute(n, name).map(|a| a.ints.clone()).filter(|l| !l.is_empty());
        let fixed = |d: &Dim| if let Dim::Fixed(n) = d { Some(*n) } else { None };
        let of_weights = || {
            weights.and_then(|w| e.shape(w)).and_then(|s| s.get(2..)?.iter().map(fixed).collect::<Option<Vec<i64>>>())
        };
        let kernel = list("kernel_shape")
            .or_else(of_weights)
            .ok_or_else(|| refuse(n, "the lengths of its kernel are not known"))?;
        let ones = || vec![1; spatial];
        let (strides, dilations) = (list("strides").unwrap_or_else(ones), list("dilations").unwrap_or_else(ones));
        let mut pads = list("pads").unwrap_or_else(|| vec![0; 2 * spatial]);
        let sane = |l: &[i64]| l.len() == spatial && l.iter().all(|v| (1..=1 << 24).contains(v));
        if !sane(&kernel) || !sane(&strides) || !sane(&dilations) || pads.len() != 2 * spatial {
            return Err(refuse(n, "expected kernel, strides, dilations and pads for every spatial axis"));
        }
        match attribute(n, "auto_pad").map_or(&b"NOTSET"[..], |a| &a.s) {
            b"NOTSET" | b"" => {}
            b"VALID" => pads = vec![0; 2 * spatial],
            auto => {
                for k in 0..spatial {
                    let length = fixed(&x[k + 2]);
                    let window = dilations[k] * (kernel[k] - 1);
                    // With steps of 1 the padding does not depend on the length.
                    let total = match (strides[k], length) {
                        (1, _) => window,
                        (s, Some(length)) => ((length + s - 1) / s - 1) * s + window + 1 - length,
                        _ => return Err(refuse(n, "auto_pad with steps over an axis of any length has no rule")),
                    }
                    .max(0);
                    let less = total / 2;
                    (pads[k], pads[k + spatial]) =
                        if auto == b"SAME_LOWER" { (total - less, less) } else { (less, total - less) };
                }
            }
        }
        let after = pads.split_off(spatial);
        Ok(Self { kernel, strides, dilations, before: pads, after })
    }

    fn spatial(&self) -> usize {
        self.kernel.len()
    }

    fn attributes(&self, group: i64) -> Vec<crate::onnx::proto::AttributeProto> {
        vec![
            build::int("group", group),
            build::ints("strides", self.strides.clone()),
            build::ints("dilations", self.dilations.clone()),
            build::ints("kernel_shape", self.kernel.clone()),
        ]
    }

    /// The transposed convolution of a gradient, exactly as long as what the window slid over.
    pub fn spread(&self, e: &mut Emit<'_>, g: &str, weights: &str, group: i64, like: &str) -> String {
        let mut attributes = self.attributes(group);
        // What steps left over at the end was seen by no window: zeros are put there, and what is too long is cut.
        let after = (0..self.spatial()).map(|k| if self.strides[k] == 1 { self.after[k] } else { 0 });
        attributes.push(build::ints("pads", self.before.iter().copied().chain(after).collect()));
        let mut out = e.op("ConvTranspose", &[g, weights], attributes);
        for k in (0..self.spatial()).filter(|k| self.strides[*k] != 1) {
            let axis = k as i64 + 2;
            let rest = e.ints(&[self.strides[k] - 1]);
            let zeros = e.zeros(&out, axis, &rest);
            out = e.op("Concat", &[&out, &zeros], vec![build::int("axis", axis)]);
            out = cut(e, &out, axis, like);
        }
        out
    }
}

/// As long as `like` along an axis, from its beginning.
fn cut(e: &mut Emit<'_>, x: &str, axis: i64, like: &str) -> String {
    let (from, to, axes) = (e.ints(&[0]), e.length(like, axis), e.ints(&[axis]));
    e.op("Slice", &[x, &from, &to, &axes], vec![])
}

/// The gradient at a bias: the sum over all axes but that of the channels.
fn bias(e: &mut Emit<'_>, g: &str, spatial: usize) -> String {
    let axes: Vec<i64> = [0].into_iter().chain(2..spatial as i64 + 2).collect();
    let summed = e.sum(g, &axes);
    let any = e.ints(&[-1]);
    e.op("Reshape", &[&summed, &any], vec![])
}

fn conv(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let (x, w) = (&n.input[0], &n.input[1]);
    let window = Window::of(e, n, Some(w))?;
    let group = int(n, "group", 1);
    let mut out = Vec::new();
    if e.wants(n, 0) {
        out.push((0, window.spread(e, g, w, group, x)));
    }
    if e.wants(n, 1) {
        out.push((1, by_weights(e, n, &window, x, g, group)?));
    }
    if e.wants(n, 2) {
        out.push((2, bias(e, g, window.spatial())));
    }
    Ok(out)
}

/// The gradient by the weights: the convolution of what went in with the gradient, batch and channels exchanged, steps and
/// dilations too.
fn by_weights(
    e: &mut Emit<'_>,
    n: &NodeProto,
    window: &Window,
    x: &str,
    g: &str,
    group: i64,
) -> Result<String, OnnxError> {
    if group < 1 {
        return Err(refuse(n, "expected at least one group"));
    }
    let spatial = window.spatial() as i64;
    // [N, G c, L] -> [c, G N, L]
    let by_group = |e: &mut Emit<'_>, x: &str, channels_first: bool| {
        let (batch, lengths) = (e.lengths(x, 0, 1), e.lengths(x, 2, spatial + 2));
        let (groups, any) = (e.ints(&[group]), e.ints(&[-1]));
        let shape = e.join(&[&batch, &groups, &any, &lengths]);
        let split = e.op("Reshape", &[x, &shape], vec![]);
        let order: [i64; 3] = if channels_first { [2, 1, 0] } else { [1, 2, 0] };
        let perm = order.into_iter().chain(3..spatial + 3).collect();
        let turned = e.op("Transpose", &[&split], vec![build::ints("perm", perm)]);
        // The first axis or the last one is that of the batch: the others merge.
        let merged = if channels_first {
            let (first, any) = (e.lengths(&turned, 0, 1), e.ints(&[-1]));
            e.join(&[&first, &any, &lengths])
        } else {
            let any = e.ints(&[-1]);
            e.join(&[&any, &batch, &lengths])
        };
        e.op("Reshape", &[&turned, &merged], vec![])
    };
    let (data, kernel) = (by_group(e, x, true), by_group(e, g, false));
    let pads = window.before.iter().chain(&window.after).copied().collect();
    let attributes = vec![
        build::int("group", group),
        build::ints("strides", window.dilations.clone()),
        build::ints("dilations", window.strides.clone()),
        build::ints("pads", pads),
    ];
    // [c, G m, k and perhaps more] -> [G m, c, k]
    let mut raw = e.op("Conv", &[&data, &kernel], attributes);
    for k in 0..window.spatial() {
        let (from, to, axes) = (e.ints(&[0]), e.ints(&[window.kernel[k]]), e.ints(&[k as i64 + 2]));
        raw = e.op("Slice", &[&raw, &from, &to, &axes], vec![]);
    }
    let perm = [1, 0].into_iter().chain(2..spatial + 2).collect();
    Ok(e.op("Transpose", &[&raw], vec![build::ints("perm", perm)]))
}

fn conv_transpose(e: &mut Emit<'_>, n: &NodeProto, g: &str) -> Gradients {
    let auto = attribute(n, "auto_pad").is_some_and(|a| !matches!(&a.s[..], b"NOTSET" | b"" | b"VALID"));
    if auto || attribute(n, "output_shape").is_some_and(|a| !a.ints.is_empty()) {
        return Err(refuse(n, "padding that follows from the output's length has no rule: export it with pads"));
    }
    if e.wants(n, 1) {
        return Err(refuse(n, "weights that depend on the input have no rule"));
    }
    let (x, w) = (&n.input[0], &n.input[1]);
    let window = Window::of(e, n, Some(w))?;
    let mut out = Vec::new();
    if e.wants(n, 0) {
        let mut attributes = window.attributes(int(n, "group", 1));
        attributes.push(build::ints("pads", window.before.iter().chain(&window.after).copied().collect()));
        let mut back = e.op("Conv", &[g, w], attributes);
        let added = attribute(n, "output_padding").map_or(&[][..], |a| &a.ints);
        for k in (0..window.spatial()).filter(|k| added.get(*k).is_some_and(|p| *p >= window.strides[*k])) {
            back = cut(e, &back, k as i64 + 2, x);
        }
        out.push((0, back));
    }
    if e.wants(n, 2) {
        out.push((2, bias(e, g, window.spatial())));
    }
    Ok(out)
}
