//! The steady state allocates nothing per frame, and memory is bounded. Counted, not believed.
#![allow(unsafe_code, reason = "a counting allocator has to implement an unsafe trait")]

mod common;

use affect::analyzer::{Analyzer, Config, ConversationConfig, FeatureSet, Output, Segmentation, WindowConfig};
use affect::segment::utterance::UtteranceConfig;
use affect::signal::samples::Samples;
use common::{root, wav};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::{Mutex, MutexGuard, PoisonError};

struct Counting;

/// Streams share a stock of rows: while one test counts, no other one takes from it.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    // The test runner's own threads allocate too; each test counts what its thread does.
    static CALLS: Cell<u64> = const { Cell::new(0) };
    static LIVE: Cell<i64> = const { Cell::new(0) };
}

// SAFETY: every call is handed on to the system allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.set(CALLS.get() + 1);
        LIVE.set(LIVE.get() + layout.size() as i64);
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        LIVE.set(LIVE.get() - layout.size() as i64);
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn speech(seconds: usize) -> Vec<i16> {
    let (clip, _, _) = wav(&root().join("tests/data/emodb/16a01Wb.wav"));
    clip.iter().copied().cycle().take(seconds * 16_000).collect()
}

fn analyzer(sets: &[FeatureSet], segmentation: Segmentation, rate: u32) -> Analyzer {
    Analyzer::new(Config { sets: sets.to_vec(), segmentation, ..Config::default() }, rate, 1).unwrap()
}

fn count(analyzer: &mut Analyzer, audio: &[i16]) -> (u64, u64) {
    let mut results = 0;
    let before = CALLS.get();
    for block in audio.chunks(320) {
        analyzer
            .push(&Samples::s16(block, 1).unwrap(), &mut |o| {
                results += u64::from(matches!(o, Output::Segment(_)));
            })
            .unwrap();
    }
    (CALLS.get() - before, results)
}

/// All segments of the set, and rates with each kind of resampler.
#[test]
fn no_allocation_per_frame() {
    let _alone = alone();
    // The catalogue is made once for the process and belongs to no stream.
    assert!(FeatureSet::ALL.iter().all(|set| !set.llds().is_empty() && !set.functionals().is_empty()));
    let audio = speech(20);
    let long =
        UtteranceConfig { interim: 0, max_length: 300 * 16_000, min_pause: 160_000, ..UtteranceConfig::default() };
    for (what, segmentation) in [
        ("frames", Segmentation::Frames),
        ("windows", Segmentation::Windows(WindowConfig { length: 160_000, hop: 4_000_000 })),
        ("utterances", Segmentation::Utterances(long)),
    ] {
        for rate in [16_000, 8_000, 48_000, 37_123] {
            let mut a = analyzer(&FeatureSet::ALL, segmentation, rate);
            count(&mut a, &audio[..32_000]);
            let (calls, results) = count(&mut a, &audio[32_000..]);
            assert!(results <= 2);
            // A result allocates (names, JSON); frames do not. One result may fall into the stretch.
            assert!(calls <= results * 4000, "{what} at {rate} Hz: {calls} allocations, {results} results");
        }
    }
}

/// Nor with one packet in five lost: concealment works in what it was given.
#[test]
fn no_allocation_per_hole() {
    assert!(FeatureSet::ALL.iter().all(|set| !set.llds().is_empty() && !set.functionals().is_empty()));
    let audio = speech(20);
    for rate in [16_000, 8_000, 48_000] {
        let mut a = analyzer(&FeatureSet::ALL, Segmentation::Frames, rate);
        let mut holes = 0;
        let mut lossy = |a: &mut Analyzer, audio: &[i16]| {
            let before = CALLS.get();
            for (k, block) in audio.chunks(rate as usize / 50).enumerate() {
                if k % 5 == 3 {
                    a.push_missing(block.len() as u64, &mut |_| ()).unwrap();
                    holes += 1;
                } else {
                    a.push(&Samples::s16(block, 1).unwrap(), &mut |_| ()).unwrap();
                }
            }
            CALLS.get() - before
        };
        lossy(&mut a, &audio[..64_000]);
        let calls = lossy(&mut a, &audio[64_000..]);
        assert!(holes > 60);
        assert_eq!(calls, 0, "at {rate} Hz, {holes} holes");
    }
}

/// A conversation notes spurts, in lists that double now and then, and nothing per frame.
#[test]
fn a_conversation_allocates_only_to_note_spurts() {
    let _alone = alone();
    assert!(FeatureSet::ALL.iter().all(|set| !set.llds().is_empty()));
    let mono = speech(60);
    let n = mono.len();
    let audio: Vec<i16> = (0..n).flat_map(|i| [mono[i], mono[(i + n / 3) % n]]).collect();
    let config = Config {
        segmentation: Segmentation::Frames,
        conversation: Some(ConversationConfig::default()),
        ..Config::default()
    };
    for rate in [16_000, 8_000] {
        let mut a = Analyzer::new(config.clone(), rate, 2).unwrap();
        let hear = |audio: &[i16], a: &mut Analyzer| {
            let (before, live) = (CALLS.get(), LIVE.get());
            for block in audio.chunks(640) {
                a.push(&Samples::s16(block, 2).unwrap(), &mut |_| ()).unwrap();
            }
            (CALLS.get() - before, LIVE.get() - live)
        };
        hear(&audio[..64_000], &mut a);
        let (calls, bytes) = hear(&audio[64_000..], &mut a);
        println!("{calls} allocations, {bytes} bytes");
        assert!(calls < 24 && bytes < 8 << 10, "at {rate} Hz: {calls} allocations, {bytes} bytes in a minute");
    }
}

/// Whole-file mode keeps contours or rows, whose storage doubles now and then: far fewer allocations than frames.
#[test]
fn whole_files_allocate_only_to_grow() {
    let _alone = alone();
    let audio = speech(60);
    let mut a = analyzer(&FeatureSet::ALL, Segmentation::File, 16_000);
    count(&mut a, &audio[..16_000]);
    let (calls, _) = count(&mut a, &audio[16_000..]);
    assert!(calls < 40, "{calls} allocations in 5900 frames");
}

#[test]
fn a_stream_needs_less_than_a_mebibyte_however_long_it_is() {
    let _alone = alone();
    drop(analyzer(&FeatureSet::ALL, Segmentation::File, 16_000)); // the shared plan belongs to no stream
    let minute = speech(60);
    for segmentation in
        [Segmentation::Windows(WindowConfig::default()), Segmentation::Utterances(UtteranceConfig::default())]
    {
        for rate in [16_000, 8_000, 48_000] {
            for set in FeatureSet::ALL {
                let before = LIVE.get();
                let mut a = analyzer(&[set], segmentation, rate);
                let mut sizes = Vec::new();
                for _ in 0..4 {
                    count(&mut a, &minute);
                    sizes.push(LIVE.get() - before);
                }
                println!("{set}, {segmentation:?} at {rate}: {} KiB", sizes[3] / 1024);
                assert!(sizes[3] < 1 << 20, "{} bytes", sizes[3]);
                assert!((sizes[3] - sizes[1]).abs() < 4096, "grows: {sizes:?}");
            }
        }
    }
}

/// Of many streams in which somebody speaks a third of the time, in turn, each needs far less than in the longest utterance.
#[test]
fn many_streams_share_what_few_need_at_a_time() {
    let _alone = alone();
    drop(analyzer(&FeatureSet::ALL, Segmentation::File, 16_000));
    let (speech, silence) = (speech(14), vec![0i16; 14 * 16_000]);
    let before = LIVE.get();
    let mut streams: Vec<Analyzer> = (0..9)
        .map(|_| analyzer(&[FeatureSet::AffectV1], Segmentation::Utterances(UtteranceConfig::default()), 16_000))
        .collect();
    let mut most = 0;
    for turn in 0..9 {
        for (k, a) in streams.iter_mut().enumerate() {
            count(a, if k % 3 == turn % 3 { &speech } else { &silence });
        }
        most = most.max(LIVE.get() - before);
    }
    let each = most / 9;
    println!("{} KiB a stream", each / 1024);
    assert!(each < 700 << 10, "{each} bytes a stream");
}
