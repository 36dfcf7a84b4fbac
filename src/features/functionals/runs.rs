//! Runs of voiced or unvoiced frames, single interruptions tolerated.

use super::moments::Moments;

/// Frames that confirm a run.
const CONFIRM: usize = 3;
/// Foreign frames in succession that end it.
const END: usize = 2;
/// At most this many runs count.
const MOST: u64 = 1000;

/// Number and length of runs. A length is (last frame) - (first frame), so one less than the number of frames.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Runs {
    /// Lengths in frames.
    pub lengths: Moments,
}

/// Finds the runs of frames for which `belongs` holds.
pub fn runs(count: usize, belongs: impl Fn(usize) -> bool) -> Runs {
    let mut found = Runs::default();
    let mut first: Option<usize> = None;
    let (mut last, mut members, mut foreign) = (0usize, 0usize, 0usize);
    let mut close = |first: Option<usize>, last: usize, members: usize| {
        if let Some(f) = first
            && members >= CONFIRM
            && found.lengths.count() < MOST
        {
            found.lengths.push((last - f) as f32);
        }
    };
    for i in 0..count {
        if belongs(i) {
            if first.is_none() {
                first = Some(i);
                members = 0;
            }
            members += 1;
            last = i;
            foreign = 0;
        } else if first.is_some() {
            foreign += 1;
            if foreign >= END {
                close(first, last, members);
                first = None;
            }
        }
    }
    close(first, last, members);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(pattern: &str) -> (u64, Option<f64>) {
        let p: Vec<bool> = pattern.chars().map(|c| c == 'v').collect();
        let r = runs(p.len(), |i| p[i]);
        (r.lengths.count(), r.lengths.mean())
    }

    #[test]
    fn confirmation_tolerance_and_end() {
        assert_eq!(lengths("vv..vv.."), (0, None));
        assert_eq!(lengths("vvv"), (1, Some(2.0)));
        assert_eq!(lengths("v.v.v"), (1, Some(4.0)));
        assert_eq!(lengths("vvv..vvvv.v..."), (2, Some(3.5)));
        assert_eq!(lengths("vv.v..vv"), (1, Some(3.0)));
        assert_eq!(lengths(""), (0, None));
    }
}
