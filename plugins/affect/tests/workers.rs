//! The threads beside the streams: a fixed number for the whole process, which is gone when the elements are.

mod common;

use common::{CALL, init, root};
use gst::prelude::*;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Threads of this process by name, those of this plugin.
fn threads() -> BTreeMap<String, usize> {
    let mut names = BTreeMap::new();
    for task in std::fs::read_dir("/proc/self/task").unwrap().filter_map(Result::ok) {
        let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        if name.starts_with("affect") {
            *names.entry(name.trim().to_owned()).or_default() += 1;
        }
    }
    names
}

/// Two dozen elements that score beside their streams, all on one machine's worth of threads, and each gives what it gives alone.
#[test]
fn many_elements_share_the_threads_of_the_process() {
    init();
    let width = std::thread::available_parallelism().unwrap().get();
    let leg = format!(
        "filesrc location={} ! wavparse ! affectscore inference-mode=async max-queued=10000 stream=s ! fakesink sync=false",
        root().join(CALL).display()
    );
    let run = |count: usize| {
        let p = gst::parse::launch(&vec![leg.clone(); count].join("  ")).unwrap();
        p.set_state(gst::State::Playing).unwrap();
        let bus = p.bus().unwrap();
        let (mut most, mut results) = (BTreeMap::new(), BTreeMap::new());
        loop {
            let m = bus.timed_pop(gst::ClockTime::from_seconds(120)).expect("the pipeline ends");
            match m.view() {
                gst::MessageView::Element(_) => {
                    for (name, n) in threads() {
                        let most: &mut usize = most.entry(name).or_default();
                        *most = n.max(*most);
                    }
                    if let Some(s) = common::result_of(&m) {
                        *results.entry(common::json(&s).to_string()).or_insert(0) += 1;
                    }
                }
                gst::MessageView::Error(e) => panic!("{}", e.error()),
                gst::MessageView::Eos(_) => break,
                _ => {}
            }
        }
        p.set_state(gst::State::Null).unwrap();
        (most, results)
    };
    let (_, alone) = run(1);
    assert!(alone.len() > 20 && alone.values().all(|n| *n == 1));
    let (most, together) = run(24);
    assert!(!most.is_empty(), "results come from threads of the plugin");
    for (name, n) in &most {
        assert!(*n <= width || name.starts_with("affectscore-loa"), "{name}: {n} threads, {width} wide");
    }
    assert!(together.keys().eq(alone.keys()) && together.values().all(|n| *n == 24), "other results, or not of all");
    let begun = Instant::now();
    while !threads().is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(20), "threads stay behind: {:?}", threads());
        std::thread::sleep(Duration::from_millis(10));
    }
}
