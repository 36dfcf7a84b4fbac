//! Lengths of axes after operators whose rules are longer than a line.

use super::shapes::Known;
use crate::onnx::graph::{Dim, attribute, int};
use crate::onnx::proto::NodeProto;

/// The shape of two operands together.
pub fn broadcast(a: &[Dim], b: &[Dim]) -> Vec<Dim> {
    let n = a.len().max(b.len());
    let aligned = |s: &[Dim], k: usize| if k + s.len() < n { Dim::Fixed(1) } else { s[k + s.len() - n].clone() };
    (0..n)
        .map(|k| match (aligned(a, k), aligned(b, k)) {
            (x, y) if x == y => x,
            (Dim::Fixed(1), y) => y,
            (x, Dim::Fixed(1)) => x,
            (Dim::Fixed(n), _) | (_, Dim::Fixed(n)) => Dim::Fixed(n),
            _ => Dim::Any,
        })
        .collect()
}

/// An axis counted from the front.
pub fn axis(a: i64, rank: usize) -> Option<usize> {
    usize::try_from(if a < 0 { a + rank as i64 } else { a }).ok().filter(|a| *a < rank)
}

/// A length that is a number.
pub fn number(d: &Dim) -> Option<i64> {
    if let Dim::Fixed(n) = d { Some(*n) } else { None }
}

/// Shapes of all outputs of a node that has several of one kind.
pub fn several(node: &NodeProto, known: &Known) -> Option<Vec<Vec<Dim>>> {
    if node.op_type != "Split" {
        return None;
    }
    let x = known.shapes.get(node.input.first()?)?;
    let place = axis(int(node, "axis", 0), x.len())?;
    let parts = node.output.len();
    let given = node.input.get(1).and_then(|i| known.values.get(i)).filter(|l| l.len() == parts).cloned();
    let lengths = given.unwrap_or_else(|| match number(&x[place]) {
        // Without a list all parts are as long as the first, the last one perhaps shorter.
        Some(n) if node.input.len() < 2 && parts > 0 && n >= 0 => {
            let step = (n as u64).div_ceil(parts as u64) as i64;
            (0..parts as i64).map(|k| Dim::Fixed((n - k * step).clamp(0, step))).collect()
        }
        _ => vec![Dim::Any; parts],
    });
    let part = |d: Dim| {
        let mut out = x.clone();
        out[place] = d;
        out
    };
    Some(lengths.into_iter().map(part).collect())
}

/// The axes of a reduction and whether they stay: an attribute in older operator sets, an input in newer ones.
pub fn reduced(node: &NodeProto, x: &[Dim], known: &Known) -> Option<Vec<Dim>> {
    let axes = match (attribute(node, "axes"), node.input.get(1).filter(|i| !i.is_empty())) {
        (Some(a), _) => a.ints.clone(),
        (None, Some(i)) => known.values.get(i)?.iter().map(number).collect::<Option<_>>()?,
        (None, None) => Vec::new(),
    };
    if axes.is_empty() && int(node, "noop_with_empty_axes", 0) != 0 {
        return Some(x.to_vec());
    }
    let axes: Vec<usize> = if axes.is_empty() {
        (0..x.len()).collect()
    } else {
        axes.iter().map(|a| axis(*a, x.len())).collect::<Option<_>>()?
    };
    let keep = int(node, "keepdims", 1) != 0;
    let kept = x.iter().enumerate().filter(|(k, _)| keep || !axes.contains(k));
    Some(kept.map(|(k, d)| if axes.contains(&k) { Dim::Fixed(1) } else { d.clone() }).collect())
}

/// Length of an axis under a window that slides over it.
pub fn slid(node: &NodeProto, length: &Dim, kernel: i64, k: usize, spatial: usize) -> Dim {
    let at = |name: &str, k: usize, default: i64| {
        attribute(node, name).and_then(|a| a.ints.get(k)).copied().unwrap_or(default)
    };
    let (stride, dilation) = (at("strides", k, 1), at("dilations", k, 1));
    let auto = attribute(node, "auto_pad").map_or(&b"NOTSET"[..], |a| &a.s);
    match (number(length), auto) {
        (Some(n), b"SAME_UPPER" | b"SAME_LOWER") if stride > 0 => {
            Dim::Fixed((n.max(0) as u64).div_ceil(stride as u64) as i64)
        }
        (Some(n), _) if stride > 0 && int(node, "ceil_mode", 0) == 0 => {
            let padded = if auto == b"VALID" { 0 } else { at("pads", k, 0).saturating_add(at("pads", k + spatial, 0)) };
            let window = dilation.saturating_mul(kernel.saturating_sub(1)).saturating_add(1);
            Dim::Fixed(n.saturating_add(padded).saturating_sub(window).div_euclid(stride).saturating_add(1).max(0))
        }
        _ => Dim::Any,
    }
}

/// The shape after a reshape, as far as it follows.
pub fn reshaped(x: &[Dim], target: &[Dim], allow_zero: bool) -> Vec<Dim> {
    let open = |d: &Dim| *d == Dim::Fixed(-1);
    let dim = |(k, t): (usize, &Dim)| match t {
        Dim::Fixed(0) if !allow_zero => x.get(k).cloned().unwrap_or(Dim::Any),
        Dim::Fixed(n) if *n < 0 => Dim::Any,
        d => d.clone(),
    };
    let mut out: Vec<Dim> = target.iter().enumerate().map(dim).collect();
    let Some(place) = target.iter().position(open) else { return out };
    // The one open length: all others cancel, by number or by name.
    let product = |s: &[Dim]| s.iter().filter_map(number).fold(1i64, i64::saturating_mul);
    let mut left: Vec<&Dim> = x.iter().filter(|d| number(d).is_none()).collect();
    let mut known = left.iter().all(|d| **d != Dim::Any);
    for d in out.iter().enumerate().filter(|(k, d)| *k != place && number(d).is_none()).map(|(_, d)| d) {
        match left.iter().position(|l| *l == d) {
            Some(k) if *d != Dim::Any => drop(left.remove(k)),
            _ => known = false,
        }
    }
    let (all, rest) = (product(x), product(&out));
    if known && rest > 0 && all % rest == 0 {
        match left.as_slice() {
            [] => out[place] = Dim::Fixed(all / rest),
            [one] if all == rest => out[place] = (*one).clone(),
            _ => {}
        }
    }
    out
}

/// The shape of a slice.
pub fn sliced(node: &NodeProto, x: &[Dim], known: &Known) -> Option<Vec<Dim>> {
    let ints = |k: usize| known.values.get(node.input.get(k)?)?.iter().map(number).collect::<Option<Vec<i64>>>();
    let given = |k: usize| node.input.get(k).is_some_and(|i| !i.is_empty());
    let Some(axes) = (if given(3) { ints(3) } else { Some((0..x.len() as i64).collect()) }) else {
        return Some(vec![Dim::Any; x.len()]);
    };
    let (from, to) = (ints(1), ints(2));
    let steps = if given(4) { ints(4) } else { Some(vec![1; axes.len()]) };
    let count = from.as_ref().or(to.as_ref()).map_or(axes.len(), Vec::len);
    let mut out = x.to_vec();
    for (k, a) in axes.iter().enumerate().take(if given(3) { axes.len() } else { count }) {
        let a = axis(*a, x.len())?;
        let one = || {
            let n = number(&x[a])?;
            let (from, to, step) = (*from.as_ref()?.get(k)?, *to.as_ref()?.get(k)?, *steps.as_ref()?.get(k)?);
            let place = |v: i64| (if v < 0 { v.saturating_add(n) } else { v }).clamp(0, n);
            let taken = place(to).saturating_sub(place(from)).max(0) as u64;
            (step > 0).then(|| Dim::Fixed(taken.div_ceil(step as u64) as i64))
        };
        out[a] = one().unwrap_or(Dim::Any);
    }
    Some(out)
}
