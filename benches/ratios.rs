//! The headline figures as ratios: times real time, share of the bound, per-stage costs, memory per stream.
//!
//! `cargo bench --bench ratios [-- --audio FILE.wav]` (with `--audio` only writes the ten minutes of speech for a peer).

mod workload;

use std::time::Instant;
use workload::{Workload, functionals, speech, stages};

/// Best of several runs: the machine's other work can only add.
fn best(runs: usize, mut run: impl FnMut()) -> f64 {
    (0..runs)
        .map(|_| {
            let begun = Instant::now();
            run();
            begun.elapsed().as_secs_f64()
        })
        .fold(f64::INFINITY, f64::min)
}

fn main() {
    let seconds = 600.0;
    let audio = speech(seconds);
    if let Some(path) = std::env::args().skip_while(|a| a != "--audio").nth(1) {
        let bytes: Vec<u8> = audio.iter().flat_map(|s| s.to_le_bytes()).collect();
        std::fs::write(path, bytes).expect("write the audio");
        return;
    }
    println!("ten minutes of speech from memory, one core, best of 3");
    let (mut whole, mut both) = (0.0, 0.0);
    for w in Workload::ALL {
        let t = best(3, || {
            functionals(w, &audio);
        });
        if matches!(w, Workload::FileEgemaps) {
            whole = t;
        }
        if matches!(w, Workload::FileBoth) {
            both = t;
        }
        println!("  {:16} {:7.0} times real time  {:6.2} us per frame", w.name(), seconds / t, t / seconds * 1e4);
    }
    println!("stages, us per call (those of the voice run for voiced frames only)");
    let mut bound = 0.0;
    for mut stage in stages() {
        let calls = 2_000;
        let t = best(5, || (0..calls).for_each(|_| (stage.run)())) / f64::from(calls) * 1e6;
        if stage.bound {
            bound += t;
        }
        println!("  {:20} {t:6.2}{}", stage.name, if stage.voiced_only { "  voiced" } else { "" });
    }
    let frame = whole / seconds * 1e4;
    println!("bound: the two transforms {bound:.2} us of {frame:.2} us per frame ({:.0} %)", 100.0 * bound / frame);
    println!("whole-file: {:.1}", seconds / whole);
    println!("both-sets: {:.1}", seconds / both);
    println!(
        "whole-file-vad: {:.1}",
        seconds
            / best(3, || {
                functionals(Workload::FileWithDetection, &audio);
            })
    );
    println!(
        "utterances: {:.1}",
        seconds
            / best(3, || {
                functionals(Workload::Utterances, &audio);
            })
    );
}
