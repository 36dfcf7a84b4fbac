//! Pools of numbers without sound, for tests: labels that some features carry, speakers, corpora.

use super::pool::{Heard, Pool, Recording};
use crate::features::catalogue::affect_functionals;
use crate::statistics::streams::{Purpose, stream};

/// Features of a pool.
const WIDTH: usize = 12;

/// Corpora by name, each of `speakers` people with `each` recordings, half of them `on`: the first two features carry the label.
pub(crate) fn pool(corpora: &[&str], speakers: usize, each: usize, seed: u64) -> Pool {
    let mut pool = Pool::of("affect-v1", "1", &affect_functionals()[..WIDTH]);
    pool.level_dependent = vec![false; WIDTH];
    let mut heard = Heard { condition: "clean".to_owned(), ..Heard::default() };
    let mut r = stream(seed, Purpose::Recordings, 0);
    for corpus in corpora {
        for speaker in 0..speakers {
            for k in 0..each {
                let on = k % 2 == 1;
                let mut row: Vec<Option<f32>> = (0..WIDTH).map(|_| Some(r.normal() as f32)).collect();
                for feature in row.iter_mut().take(2) {
                    *feature = feature.map(|v| v + if on { 2.0 } else { 0.0 });
                }
                heard.values.push(row);
                heard.speech_s.push(2.0);
                let n = pool.recordings.len();
                pool.recordings.push(Recording {
                    file: format!("{corpus}-{n}"),
                    corpus: (*corpus).to_owned(),
                    speaker: format!("s{speaker}"),
                    label: if on { "on" } else { "off" }.to_owned(),
                    audio: format!("hash {n}"),
                    ..Recording::default()
                });
            }
        }
    }
    pool.heard.push(heard);
    pool
}
