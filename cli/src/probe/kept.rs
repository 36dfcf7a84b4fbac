//! Hidden states and descriptors as they are kept between runs: plain numbers, little-endian, behind their counts.

use affect::probe::encoder::{LayerStates, Utterance};
use affect::probe::track::Track;

/// What a kept file begins with: other content under the same name needs another number.
const MAGIC: &[u8; 8] = b"AFFPRB01";

struct Writer(Vec<u8>);

impl Writer {
    fn count(&mut self, n: usize) {
        self.0.extend((n as u64).to_le_bytes());
    }

    fn singles(&mut self, values: &[f32]) {
        self.count(values.len());
        values.iter().for_each(|v| self.0.extend(v.to_le_bytes()));
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (now, later) = self.0.split_first_chunk::<N>()?;
        self.0 = later;
        Some(*now)
    }

    /// A count of things of so many bytes, which must be there.
    fn count(&mut self, width: usize) -> Option<usize> {
        let n = usize::try_from(u64::from_le_bytes(self.bytes()?)).ok()?;
        (n.checked_mul(width)? <= self.0.len()).then_some(n)
    }

    fn singles(&mut self) -> Option<Vec<f32>> {
        let n = self.count(4)?;
        (0..n).map(|_| Some(f32::from_le_bytes(self.bytes()?))).collect()
    }
}

fn begun() -> Writer {
    Writer(MAGIC.to_vec())
}

fn opened(bytes: &[u8]) -> Option<Reader<'_>> {
    bytes.strip_prefix(MAGIC).map(Reader)
}

/// States of an utterance.
pub fn of_utterance(u: &Utterance) -> Vec<u8> {
    let mut w = begun();
    w.count(u.scores.len());
    u.scores.iter().for_each(|v| w.0.extend(v.to_le_bytes()));
    w.count(u.layers.len());
    for l in &u.layers {
        w.singles(&l.mean);
        w.singles(&l.frames);
    }
    w.0
}

/// The same, read; `None` for anything else.
pub fn utterance(bytes: &[u8]) -> Option<Utterance> {
    let mut r = opened(bytes)?;
    let n = r.count(8)?;
    let scores = (0..n).map(|_| Some(f64::from_le_bytes(r.bytes()?))).collect::<Option<_>>()?;
    let n = r.count(16)?;
    let layers =
        (0..n).map(|_| Some(LayerStates { mean: r.singles()?, frames: r.singles()? })).collect::<Option<_>>()?;
    r.0.is_empty().then_some(Utterance { scores, layers })
}

/// Descriptors over time, what is undefined as no number.
pub fn of_track(t: &Track) -> Vec<u8> {
    let mut w = begun();
    w.count(t.first);
    w.count(t.frames.len());
    for frame in &t.frames {
        w.singles(&frame.iter().map(|v| v.unwrap_or(f32::NAN)).collect::<Vec<_>>());
    }
    w.0
}

/// The same, read; `None` for anything else.
pub fn track(bytes: &[u8]) -> Option<Track> {
    let mut r = opened(bytes)?;
    let first = usize::try_from(u64::from_le_bytes(r.bytes()?)).ok()?;
    let n = r.count(8)?;
    let defined = |v: f32| Some(v).filter(|v| v.is_finite());
    let frames =
        (0..n).map(|_| Some(r.singles()?.into_iter().map(defined).collect())).collect::<Option<Vec<Vec<_>>>>()?;
    let even = frames.windows(2).all(|w| w[0].len() == w[1].len());
    (r.0.is_empty() && even).then_some(Track { first, frames })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_and_nothing_else_is() {
        let layer = |k: usize| LayerStates { mean: vec![k as f32; 3], frames: vec![0.5; 2 * k] };
        let u = Utterance { scores: vec![0.1, -2.0], layers: vec![layer(1), layer(2)] };
        let bytes = of_utterance(&u);
        assert_eq!(utterance(&bytes), Some(u));
        let t = Track { first: 480, frames: vec![vec![Some(1.5), None], vec![None, Some(-3.0)]] };
        let other = of_track(&t);
        assert_eq!(track(&other), Some(t));
        for end in 0..bytes.len() {
            assert_eq!(utterance(&bytes[..end]), None);
        }
        for end in 0..other.len() {
            assert_eq!(track(&other[..end]), None);
        }
        assert_eq!(utterance(b"{}"), None);
        let mut absurd = MAGIC.to_vec();
        absurd.extend(u64::MAX.to_le_bytes());
        assert_eq!(utterance(&absurd), None);
    }
}
