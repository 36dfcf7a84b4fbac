//! Single frames: hidden states and low-level descriptors at the same moments.

use super::concept::Targets;
use super::encoder::{Layer, Utterance};
use super::ridge::Split;
use super::track::Track;
use ndarray::Array2;

/// Moments of all recordings, one row each.
#[derive(Debug)]
pub struct Moments {
    /// Recording of each row.
    recording: Vec<usize>,
    /// Place among the recording's moments.
    place: Vec<usize>,
    /// Time in samples.
    time: Vec<usize>,
    /// Folds over the rows.
    pub splits: Vec<Split>,
    /// Speaker of each row.
    pub speakers: Vec<usize>,
}

impl Moments {
    /// Of the times of every recording, with folds and speakers of these.
    pub fn of(times: &[Vec<usize>], splits: &[Split], speakers: &[usize]) -> Self {
        let mut out = Self {
            recording: Vec::new(),
            place: Vec::new(),
            time: Vec::new(),
            splits: Vec::new(),
            speakers: Vec::new(),
        };
        let mut first = Vec::with_capacity(times.len());
        for (i, list) in times.iter().enumerate() {
            first.push(out.time.len());
            out.recording.extend(list.iter().map(|_| i));
            out.place.extend(0..list.len());
            out.time.extend(list);
            out.speakers.extend(list.iter().map(|_| speakers[i]));
        }
        let rows = |list: &Vec<usize>| -> Vec<usize> {
            list.iter().flat_map(|i| first[*i]..first[*i] + times[*i].len()).collect()
        };
        out.splits = splits
            .iter()
            .map(|s| Split {
                tested: rows(&s.tested),
                learnt: rows(&s.learnt),
                inner: s.inner.iter().map(|(t, l)| (rows(t), rows(l))).collect(),
            })
            .collect();
        out
    }

    /// Number of rows.
    pub fn count(&self) -> usize {
        self.time.len()
    }

    /// Whether every fold has enough to learn from and something to test.
    pub fn enough(&self) -> bool {
        let filled = |s: &Split| {
            !s.tested.is_empty() && s.learnt.len() > 1 && s.inner.iter().all(|(t, l)| !t.is_empty() && l.len() > 1)
        };
        self.splits.iter().all(filled)
    }

    /// States of a layer, rows by channels.
    pub fn states(&self, utterances: &[Utterance], layer: usize, channels: usize) -> Array2<f32> {
        Array2::from_shape_fn((self.count(), channels), |(r, c)| {
            utterances[self.recording[r]].layers[layer].frames[self.place[r] * channels + c]
        })
    }

    /// Descriptors around the moments, over the step of a layer.
    pub fn targets(&self, descriptors: &[(String, String)], tracks: &[Track], layer: &Layer) -> Targets {
        let rows: Vec<Vec<Option<f32>>> =
            (0..self.count()).map(|r| tracks[self.recording[r]].around(self.time[r], layer.step)).collect();
        Targets::of(descriptors, &rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_over_recordings_are_folds_over_their_frames() {
        let split = Split { tested: vec![1], learnt: vec![0, 2], inner: vec![(vec![0], vec![2])] };
        let m = Moments::of(&[vec![5, 6], vec![7], vec![8, 9, 10]], &[split], &[4, 5, 4]);
        assert_eq!((m.count(), m.speakers.clone()), (6, vec![4, 4, 5, 4, 4, 4]));
        assert_eq!(
            m.splits,
            [Split { tested: vec![2], learnt: vec![0, 1, 3, 4, 5], inner: vec![(vec![0, 1], vec![3, 4, 5])] }]
        );
        assert!(m.enough());
        let lacking = Split { tested: vec![0], learnt: vec![1], inner: Vec::new() };
        assert!(!Moments::of(&[vec![], vec![1, 2]], &[lacking], &[0, 1]).enough());
    }
}
