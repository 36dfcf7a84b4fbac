//! Headline speed: seconds of audio per second of one core, and what each stage costs.
//!
//! `make bench` prints the ratios; `cargo bench` gives criterion's view of the same workloads.

#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

mod workload;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use workload::{Workload, functionals, speech};

fn whole_path(c: &mut Criterion) {
    let audio = speech(10.0);
    let mut group = c.benchmark_group("analyzer-10s");
    group.throughput(Throughput::Elements(audio.len() as u64));
    for workload in Workload::ALL {
        group.bench_with_input(BenchmarkId::from_parameter(workload.name()), &audio, |b, audio| {
            b.iter(|| functionals(workload, audio));
        });
    }
    group.finish();
}

fn stages(c: &mut Criterion) {
    let mut group = c.benchmark_group("stage-per-frame");
    for stage in workload::stages() {
        let mut run = stage.run;
        group.bench_function(stage.name, |b| b.iter(&mut run));
    }
    group.finish();
}

criterion_group!(benches, whole_path, stages);
criterion_main!(benches);
