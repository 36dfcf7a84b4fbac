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
    /// Runs whose beginning was observed.
    pub count: u64,
    /// Lengths in frames of those that no hole cuts off.
    pub lengths: Moments,
}

/// Finds the runs of frames for which `belongs` holds; `None` is a hole, which ends every run.
pub fn runs(count: usize, belongs: impl Fn(usize) -> Option<bool>) -> Runs {
    let mut found = Runs::default();
    let mut run: Option<Run> = None;
    // A run that begins at a hole may have begun in it.
    let mut after_hole = false;
    for i in 0..count {
        match (belongs(i), &mut run) {
            (None, _) => {
                found.close(run.take(), true);
                after_hole = true;
                continue;
            }
            (Some(true), Some(r)) => {
                (r.last, r.foreign) = (i, 0);
                r.members += 1;
            }
            (Some(true), None) => run = Some(Run { first: i, last: i, members: 1, foreign: 0, torn: after_hole }),
            (Some(false), Some(r)) => {
                r.foreign += 1;
                if r.foreign >= END {
                    found.close(run.take(), false);
                }
            }
            (Some(false), None) => {}
        }
        after_hole = false;
    }
    found.close(run, false);
    found
}

struct Run {
    first: usize,
    last: usize,
    members: usize,
    foreign: usize,
    torn: bool,
}

impl Runs {
    fn close(&mut self, run: Option<Run>, at_hole: bool) {
        let Some(run) = run.filter(|r| r.members >= CONFIRM && self.count < MOST) else { return };
        self.count += u64::from(!run.torn);
        if !run.torn && !at_hole {
            self.lengths.push((run.last - run.first) as f32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(pattern: &str) -> (u64, Option<f64>) {
        let p: Vec<Option<bool>> = pattern.chars().map(|c| (c != 'h').then_some(c == 'v')).collect();
        let r = runs(p.len(), |i| p[i]);
        (r.count, r.lengths.mean())
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

    /// A run that a hole divides began once, and its length is not known.
    #[test]
    fn holes_end_runs() {
        assert_eq!(lengths("vvvhvvv"), (1, None));
        assert_eq!(lengths("..vvvvhhvvv..vvvvv"), (2, Some(4.0)));
        assert_eq!(lengths("hvvv.."), (0, None));
        assert_eq!(lengths("h.vvv.."), (1, Some(2.0)));
        assert_eq!(lengths("vvh"), (0, None));
    }
}
