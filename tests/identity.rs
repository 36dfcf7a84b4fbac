//! Identities: two results never share one unless they say the same, and all revisions of a segment share theirs.

mod common;

use affect::analyzer::{ChannelMode, Config, FeatureSet, Policy, Segmentation, WindowConfig};
use affect::record::{Record, SegmentKey};
use affect::segment::utterance::UtteranceConfig;
use common::{records, root, run, wav};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// Results of the vendored telephone call under a configuration.
fn call(config: &Config) -> Vec<Record> {
    let (audio, channels, rate_hz) = wav(&root().join("tests/data/calls/call40_185s_2ch_pcm16.wav"));
    records(&run(config, rate_hz, channels, &audio, &[1024])).into_iter().cloned().collect()
}

fn with(segmentation: Segmentation) -> Config {
    Config { segmentation, ..Config::default() }
}

fn windows(length: u64, hop: u64) -> Config {
    with(Segmentation::Windows(WindowConfig { length, hop }))
}

fn utterances(change: impl FnOnce(&mut UtteranceConfig)) -> Config {
    let mut u = UtteranceConfig { interim: 16_000, min_pause: 4_800, ..UtteranceConfig::default() };
    change(&mut u);
    with(Segmentation::Utterances(u))
}

#[test]
fn windows_of_other_lengths_are_other_segments() {
    let (short, long) = (call(&windows(16_000, 16_000)), call(&windows(48_000, 16_000)));
    let ids: BTreeSet<String> = short.iter().chain(&long).map(Record::id).collect();
    let segments: BTreeSet<String> = short.iter().chain(&long).map(Record::segment_id).collect();
    assert_eq!(ids.len(), short.len() + long.len(), "results share an id");
    assert_eq!(segments.len(), short.len() + long.len(), "segments share an id");
}

#[test]
fn all_revisions_of_an_utterance_are_of_one_segment() {
    let list = call(&utterances(|_| ()));
    let mut by_key: BTreeMap<String, Vec<&Record>> = BTreeMap::new();
    list.iter().for_each(|r| by_key.entry(r.segment_id()).or_default().push(r));
    let starts: BTreeSet<_> = list.iter().map(|r| (r.channel.index, r.start_ns)).collect();
    assert_eq!(by_key.len(), starts.len(), "a segment for every start");
    assert!(by_key.values().any(|revisions| revisions.len() > 2), "interim results");
    for revisions in by_key.values() {
        assert!(revisions.iter().all(|r| r.key() == revisions[0].key()));
        assert!(revisions.iter().enumerate().all(|(k, r)| r.revision == k as u32));
    }
    let ids: BTreeSet<String> = list.iter().map(Record::id).collect();
    assert_eq!(ids.len(), list.len());
}

/// A window that was cut short and the whole one after a seek, an interim result and a final one of the same revision: both say
/// something of their own.
#[test]
fn what_ends_elsewhere_is_another_result() {
    let ending = |r: &Record, end_ns| {
        let mut other = r.clone();
        other.end_ns = end_ns;
        other
    };
    let window = call(&windows(16_000, 16_000)).swap_remove(0);
    let cut = ending(&window, window.end_ns - 1);
    assert!(cut.id() != window.id() && cut.segment_id() != window.segment_id());
    let utterance = call(&utterances(|_| ())).swap_remove(0);
    let longer = ending(&utterance, utterance.end_ns + 1);
    assert!(longer.id() != utterance.id() && longer.segment_id() == utterance.segment_id());
    let on_track = |track| {
        let mut other = utterance.clone();
        other.channel.track = track;
        other.segment_id()
    };
    assert!(on_track(Some(0)) != on_track(Some(1)) && on_track(None) == utterance.segment_id());
}

/// What a result says, apart from who says it of which stream.
fn said(r: &Record) -> String {
    let times = (r.segment, r.start_ns, r.end_ns, r.revision, r.partial, r.ended);
    format!("{times:?} {:?} {:?} {:?}", r.quality, r.features, r.baseline)
}

/// Over configurations that differ in one field each: the fingerprint is another one exactly where the results of a channel are.
#[test]
fn the_fingerprint_changes_with_the_results_and_only_with_them() {
    let base = || utterances(|_| ());
    let variants: Vec<(&str, Config)> = vec![
        ("as it is", base()),
        ("sets", Config { sets: FeatureSet::ALL.to_vec(), ..base() }),
        ("roles", Config { roles: vec!["agent".into(), "caller".into()], ..base() }),
        ("speakers", Config { speakers: vec!["a".into(), "b".into()], ..base() }),
        ("stream", Config { stream: "another".into(), ..base() }),
        ("source", Config { source: "another".into(), ..base() }),
        ("deferred", Config { deferred: true, ..base() }),
        ("policy", Config { policy: vec![Some(Policy::FeaturesOnly)], ..base() }),
        ("one channel", Config { channels: ChannelMode::List(vec![1]), ..base() }),
        ("needless detector", Config { voice_activity: false, ..base() }),
        ("mix", Config { channels: ChannelMode::Mix, ..base() }),
        ("baseline", Config { baseline: true, ..base() }),
        ("threshold", utterances(|u| u.threshold = 0.9)),
        ("hangover", utterances(|u| u.hangover = 3_200)),
        ("min-speech", utterances(|u| u.min_speech = 24_000)),
        ("min-pause", utterances(|u| u.min_pause = 8_000)),
        ("max-length", utterances(|u| u.max_length = 17_000)),
        ("interim", utterances(|u| u.interim = 24_000)),
        ("windows", windows(48_000, 48_000)),
        ("window", windows(32_000, 48_000)),
        ("hop", windows(48_000, 32_000)),
        ("no detector", Config { voice_activity: false, ..windows(48_000, 48_000) }),
        ("file", with(Segmentation::File)),
        ("file without detector", Config { voice_activity: false, ..with(Segmentation::File) }),
    ];
    let facts: Vec<_> = variants
        .iter()
        .map(|(name, config)| {
            let ours = |r: &&Record| r.channel.index != Some(0) && r.feature_set == "affect-v1";
            let list = call(config);
            assert!(list.iter().all(|r| r.configuration == config.fingerprint()), "{name}");
            (*name, config.fingerprint(), list.iter().filter(ours).map(said).collect::<Vec<_>>())
        })
        .collect();
    for (i, a) in facts.iter().enumerate() {
        assert!(!a.2.is_empty(), "{}", a.0);
        for b in &facts[..i] {
            assert_eq!(a.1 == b.1, a.2 == b.2, "{} and {}", a.0, b.0);
        }
    }
    // Frames have no functionals to compare; what they say follows from nothing but the channel.
    let frames = |voice_activity| Config { voice_activity, ..with(Segmentation::Frames) }.fingerprint();
    assert_eq!(frames(true), frames(false));
    assert!(facts.iter().all(|f| f.1 != frames(true)));
}

/// The documented text, and its digest by the documented rule.
#[test]
fn the_fingerprint_is_the_digest_of_the_documented_text() {
    let text = "affect.configuration/1\nsegmentation=utterance\nvad-threshold=0.5\nhangover=1600\nmin-speech=4000\n\
                min-pause=8000\nmax-length=240000\ninterval=32000\nchannel=single\nvoice-activity=true\nspeaker-baseline=false\n";
    let config = with(Segmentation::Utterances(UtteranceConfig::default()));
    assert_eq!(config.canonical(), text);
    let digest: String = Sha256::digest(text).iter().take(16).map(|b| format!("{b:02x}")).collect();
    assert_eq!(config.fingerprint().to_string(), digest);
    assert_eq!(digest, "370489c52e3cc0bbfc3562dda412ef87");
    let docs = std::fs::read_to_string(root().join("docs/results.md")).unwrap();
    assert!(docs.contains(text) && docs.contains(&digest), "docs/results.md shows another text");
    let windows = windows(16_000, 8_000).canonical();
    assert!(windows.contains("segmentation=window\nwindow=16000\nhop=8000\nchannel=single\n"), "{windows}");
}

#[test]
fn keys_are_as_equal_as_their_identities() {
    let list: Vec<Record> = [windows(16_000, 16_000), windows(48_000, 16_000), utterances(|_| ())]
        .iter()
        .flat_map(|c| call(&Config { sets: FeatureSet::ALL.to_vec(), ..c.clone() }))
        .collect();
    let keys: std::collections::HashSet<SegmentKey> = list.iter().map(Record::key).collect();
    let ids: BTreeSet<String> = list.iter().map(Record::segment_id).collect();
    assert_eq!(keys.len(), ids.len());
    assert_eq!(keys.iter().map(SegmentKey::id).collect::<BTreeSet<_>>(), ids);
}

/// The segment is the same whoever scores it, and the results of two models are two.
#[cfg(feature = "model")]
#[test]
fn the_model_is_part_of_a_results_identity_only() {
    use affect::analyzer::{Scorer, ScoringConfig};
    use affect::model::{DEFAULT, Model, Options};
    use std::sync::Arc;
    let scored = |bytes: Vec<u8>| {
        let model = Arc::new(Model::open(bytes, None, &Options::default()).unwrap());
        let scorer = Scorer::new(model, ScoringConfig::default()).unwrap();
        call(&Config { scorer: Some(Arc::new(scorer)), ..utterances(|_| ()) })
    };
    // Both models compare with the speaker, which is part of what decides the numbers.
    let unscored = call(&Config { baseline: true, ..utterances(|_| ()) });
    let first = scored(DEFAULT.to_vec());
    let second = scored(std::fs::read(root().join("models/affect-seven.onnx")).unwrap());
    assert!(!unscored.is_empty() && first.len() == unscored.len() && second.len() == unscored.len());
    for ((a, b), c) in unscored.iter().zip(&first).zip(&second) {
        assert!(a.key() == b.key() && a.key() == c.key());
        assert!(a.id() != b.id() && a.id() != c.id() && b.id() != c.id());
    }
}
