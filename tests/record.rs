//! Records are read as they were written, whatever is in them, and what is no record is refused with a reason.

mod common;

use affect::analyzer::{Config, FeatureSet, Segmentation};
use affect::record::{
    BaselineResult, Channel, Cue, CueGroup, Curve, Emotion, Ended, Explanation, Feature, FeatureShare,
    FrameExplanation, GroupShare, Memory, ModelInfo, Named, NamedInterval, NearCopy, Policy, Quality, Record,
    RecordError, RelevantSpan, SCHEMA, Scored, SegmentKind, SpanReliability,
};
use common::{Kept, clips, run, segmentations, wav};
use proptest::option;
use proptest::prelude::*;
use std::sync::Arc;

/// Any record of this software, as a place to start from.
fn some_record() -> Record {
    let kept = run(&Config::default(), 16_000, 1, &[100; 16_000], &[1024]);
    common::records(&kept)[0].clone()
}

fn text() -> impl Strategy<Value = Arc<str>> {
    any::<String>().prop_map(Arc::from)
}

fn single() -> impl Strategy<Value = Option<f32>> {
    option::of(any::<f32>().prop_filter("finite", |v| v.is_finite()))
}

fn double() -> impl Strategy<Value = f64> {
    any::<f64>().prop_filter("finite", |v| v.is_finite())
}

fn numbers() -> impl Strategy<Value = Vec<Named>> {
    prop::collection::btree_map(text(), double(), 0..4).prop_map(|map| map.into_iter().collect())
}

fn quality() -> impl Strategy<Value = Quality> {
    (prop::array::uniform9(single()), any::<u64>(), any::<bool>()).prop_map(|(v, skipped_frames, not_speech)| Quality {
        speech_s: v[0],
        voiced_share: v[1],
        snr_db: v[2],
        clipping_share: v[3],
        band_low_hz: v[4],
        bandwidth_hz: v[5],
        level_dbfs: v[6],
        skipped_frames,
        lost_share: v[7],
        concealed_share: v[8],
        not_speech,
    })
}

fn features() -> impl Strategy<Value = Vec<Feature>> {
    // Names are unique, as they are in a catalogue.
    let one = (single(), option::of(any::<String>()));
    prop::collection::btree_map(any::<String>(), one, 0..8).prop_map(|map| {
        let feature = |(name, (value, reason)): (String, (Option<f32>, Option<String>))| Feature {
            name: name.into(),
            value,
            reason: reason.map(Into::into),
        };
        map.into_iter().map(feature).collect()
    })
}

fn share() -> impl Strategy<Value = FeatureShare> {
    let numbers = (double(), option::of(double()), single(), option::of(double()));
    let texts = (any::<String>(), any::<String>(), prop::collection::vec(any::<String>(), 0..3), any::<String>());
    let copies = prop::collection::vec((any::<String>(), double()), 0..3);
    (numbers, texts, copies).prop_map(|((contribution, stderr, value, z), (name, unit, gone, sentence), copies)| {
        FeatureShare {
            name: name.into(),
            contribution,
            stderr,
            value,
            unit: unit.into(),
            z,
            does_not_survive: gone.into_iter().map(Into::into).collect(),
            near_copies: copies
                .into_iter()
                .map(|(name, contribution)| NearCopy { name: name.into(), contribution })
                .collect(),
            sentence,
        }
    })
}

/// A number of single precision.
fn some() -> impl Strategy<Value = f32> {
    any::<i32>().prop_map(|v| v as f32 / 7.0)
}

fn cue() -> impl Strategy<Value = Cue> {
    let words = prop::array::uniform3(any::<String>());
    (words, prop::array::uniform5(some()), single()).prop_map(
        |([name, group, unit], [inside, rest, difference, p, q], z)| Cue {
            name: name.into(),
            group: group.into(),
            unit: unit.into(),
            inside,
            rest,
            difference,
            z,
            p,
            q,
        },
    )
}

fn frames() -> impl Strategy<Value = FrameExplanation> {
    let curve = option::of((some(), prop::collection::vec(any::<i8>(), 0..9)));
    let spans = prop::collection::vec((any::<u64>(), any::<u64>(), some()), 0..3);
    let groups = prop::collection::vec((any::<String>(), some(), some(), some()), 0..3);
    let reliability = option::of((prop::array::uniform3(some()), any::<u32>(), any::<String>()));
    let cues = (prop::collection::vec(cue(), 0..3), groups);
    ((text(), some(), any::<String>()), curve, spans, cues, reliability).prop_map(
        |((layer, frame_ms, sentence), curve, spans, (cues, groups), reliability)| FrameExplanation {
            layer,
            frame_ms,
            relevance: curve.map(|(largest, values)| Curve { largest, values }),
            spans: spans
                .into_iter()
                .map(|(start_ns, end_ns, share)| RelevantSpan { start_ns, end_ns, share })
                .collect(),
            cues,
            cue_groups: groups
                .into_iter()
                .map(|(name, distance, p, q)| CueGroup { name: name.into(), distance, p, q })
                .collect(),
            sentence,
            reliability: reliability.map(|([drop, random_drop, percentile], random_spans, sentence)| SpanReliability {
                drop,
                random_spans,
                random_drop,
                percentile,
                sentence,
            }),
        },
    )
}

fn explanation() -> impl Strategy<Value = Explanation> {
    let words = (prop::array::uniform3(any::<String>()), text());
    let shares = (prop::collection::vec((any::<String>(), double()), 0..4), prop::collection::vec(share(), 0..3));
    let numbers = (option::of(double()), double(), option::of(double()));
    (words, numbers, shares, option::of(double()), option::of(frames())).prop_map(
        |(
            ([method, unit, reference], target),
            (base, output, residual),
            (groups, features),
            other_features,
            frames,
        )| {
            Explanation {
                method: method.into(),
                target,
                unit: unit.into(),
                base,
                output,
                residual,
                reference: reference.into(),
                groups: groups
                    .into_iter()
                    .map(|(name, contribution)| GroupShare { name: name.into(), contribution })
                    .collect(),
                features,
                other_features,
                frames: frames.map(Box::new),
            }
        },
    )
}

fn intervals() -> impl Strategy<Value = Vec<NamedInterval>> {
    prop::collection::btree_map(any::<String>(), (double(), double()), 0..3)
        .prop_map(|map| map.into_iter().map(|(name, ends)| (name.into(), ends)).collect())
}

fn scored() -> impl Strategy<Value = Scored> {
    let model = (prop::array::uniform4(text()), any::<String>());
    let emotion = (
        option::of(text()),
        option::of(double()),
        option::of(any::<String>()),
        (numbers(), numbers(), intervals()),
        option::of(double()),
        (option::of(double()), single()),
    );
    (model, emotion, prop::collection::vec(explanation(), 0..3)).prop_map(|((texts, normaliser), e, explanations)| {
        let [id, version, sha256, engine] = texts;
        Scored {
            model: ModelInfo { id, version, sha256, engine, normaliser: normaliser.into() },
            emotion: Emotion {
                label: e.0,
                confidence: e.1,
                abstained: e.2,
                failed: false,
                probabilities: e.3.0,
                dimensions: e.3.1,
                intervals: e.3.2,
                entropy_bits: e.4,
                novelty: e.5.0,
                baseline_speech_s: e.5.1,
            },
            explanations,
        }
    })
}

fn record() -> impl Strategy<Value = Record> {
    let same_as = prop::collection::vec(any::<usize>(), 0..3);
    let place = (text(), option::of(any::<usize>()), option::of(text()), option::of(any::<usize>()), same_as);
    let kinds = (
        prop::sample::select(Policy::ALL.to_vec()),
        prop::sample::select(SegmentKind::ALL.to_vec()),
        prop::sample::select(Ended::ALL.to_vec()),
    );
    let times = (any::<u64>(), any::<u64>(), option::of(any::<(u64, u64)>()), option::of((text(), any::<u64>())));
    let flags = (any::<u32>(), any::<bool>(), any::<bool>());
    let origin = (text(), prop::array::uniform3(any::<String>()), any::<String>());
    let baseline = option::of((any::<u32>(), any::<bool>(), prop::collection::vec(single(), 8)));
    let parts = (option::of(quality()), features(), baseline, option::of(scored()));
    (place, kinds, times, flags, origin, parts).prop_map(|(place, kinds, times, flags, origin, parts)| {
        let [software, feature_set, feature_set_version] = origin.1.map(Into::into);
        let (quality, features, baseline, scored) = parts;
        let mut r = some_record_of(&origin.2);
        r.stream = place.0;
        r.channel = Channel { index: place.1, role: place.2, track: place.3, same_as: place.4 };
        (r.policy, r.segment, r.ended) = kinds;
        (r.start_ns, r.end_ns, r.running_ns, r.reference) = times;
        (r.revision, r.partial, r.discont) = flags;
        (r.source, r.software) = (origin.0, software);
        (r.feature_set, r.feature_set_version) = (feature_set, feature_set_version);
        r.quality = quality;
        r.baseline = baseline.map(|(speech, all, z)| BaselineResult {
            speech_s: speech as f32 / 100.0,
            memory: if all { Memory::All } else { Memory::Recent },
            // Old records have no usual values.
            usual: if all { z[..features.len()].iter().rev().copied().collect() } else { Vec::new() },
            z: z[..features.len()].to_vec(),
        });
        r.features = features;
        r.scored = scored.map(Box::new);
        r
    })
}

/// A record whose fingerprint is that of a text.
fn some_record_of(canonical: &str) -> Record {
    use std::sync::OnceLock;
    static ONE: OnceLock<Record> = OnceLock::new();
    let mut r = ONE.get_or_init(some_record).clone();
    r.configuration = affect::record::Fingerprint::of(canonical);
    r
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    /// The law: what is read is what was written, and it is written the same again.
    #[test]
    fn a_record_is_read_as_it_was_written(r in record()) {
        let json = r.to_json();
        let read = Record::from_json(&json).map_err(|e| TestCaseError::fail(format!("{e}: {json}")))?;
        prop_assert_eq!(&read, &r);
        prop_assert_eq!(read.to_json(), json);
        prop_assert_eq!((read.id(), read.key()), (r.id(), r.key()));
    }

    /// Names that are not known do no harm, at any depth.
    #[test]
    fn names_that_are_not_known_are_left_out(r in record(), name in "x-[a-z]{1,8}") {
        fn add(value: &mut serde_json::Value, name: &str) {
            match value {
                serde_json::Value::Object(o) => {
                    o.values_mut().for_each(|v| add(v, name));
                    o.insert(name.to_owned(), serde_json::json!({"a": [1, null]}));
                }
                serde_json::Value::Array(list) => list.iter_mut().for_each(|v| add(v, name)),
                _ => {}
            }
        }
        let mut value: serde_json::Value = serde_json::from_str(&r.to_json()).unwrap();
        // The values of these are numbers or texts by name: a further name is a further one.
        let top = value.as_object_mut().unwrap();
        let kept = ["features", "reasons", "baseline", "emotion"].map(|n| (n, top.remove(n)));
        add(&mut value, &name);
        for (open, part) in kept {
            part.into_iter().for_each(|p| drop(value.as_object_mut().unwrap().insert(open.to_owned(), p)));
        }
        prop_assert_eq!(Record::from_json(&value.to_string()), Ok(r));
    }

    /// Any text is a record or refused; half a record is refused.
    #[test]
    fn any_text_is_read_or_refused(r in record(), text in ".{0,60}", cut in 0.0..1.0f64) {
        let _ = Record::from_json(&text);
        let json = r.to_json();
        let mut end = (json.len() as f64 * cut) as usize;
        while !json.is_char_boundary(end) {
            end -= 1;
        }
        let half = Record::from_json(&json[..end]);
        prop_assert!(matches!(half, Err(RecordError::Form { .. })), "{:?}", half);
    }
}

/// Every kind of record that the analyzer makes, frames included.
#[test]
fn what_the_analyzer_makes_is_read_as_it_was_written() {
    let mut count = 0;
    for clip in clips().into_iter().step_by(4) {
        let (audio, channels, rate) = wav(&clip);
        for segmentation in segmentations() {
            for baseline in [false, true] {
                let config = Config { sets: FeatureSet::ALL.to_vec(), segmentation, baseline, ..Config::default() };
                let step = if segmentation == Segmentation::Frames { 50 } else { 1 };
                for kept in run(&config, rate, channels, &audio, &[1024]).into_iter().step_by(step) {
                    let r = match kept {
                        Kept::Frame(f) => {
                            assert_eq!(f.configuration, config.fingerprint());
                            f.to_record(&config)
                        }
                        Kept::Segment(r) => *r,
                    };
                    let read = Record::from_json(&r.to_json()).unwrap();
                    assert_eq!(read, r);
                    count += 1;
                }
            }
        }
    }
    assert!(count > 100, "{count}");
}

#[test]
fn what_is_no_record_is_refused_with_a_reason() {
    let good: serde_json::Value = serde_json::from_str(&some_record().to_json()).unwrap();
    let changed = |pointer: &str, to: Option<serde_json::Value>| {
        let mut value = good.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let object = value.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        match to {
            Some(to) => drop(object.insert(name.to_owned(), to)),
            None => drop(object.remove(name).unwrap()),
        }
        Record::from_json(&value.to_string()).unwrap_err()
    };
    for schema in ["affect.result/1", "affect.result/3", "another/2"] {
        let why = changed("/schema", Some(schema.into()));
        assert_eq!(why, RecordError::Schema { expected: SCHEMA, found: schema.to_owned() });
        assert!(why.to_string().contains("expected affect.result/2"), "{why}");
    }
    // A record of a later version is told as such even where what it lacks here would be a defect.
    let later = Record::from_json(r#"{"schema": "affect.result/3", "segment": {"kind": "phrase"}}"#);
    assert_eq!(later, Err(RecordError::Schema { expected: SCHEMA, found: "affect.result/3".to_owned() }));
    for (pointer, to, word) in [
        ("/policy", None, "policy"),
        ("/policy", Some("maybe".into()), "features-only"),
        ("/segment", Some("phrase".into()), "utterance"),
        ("/ended", Some("never".into()), "max-length"),
        ("/start_ns", Some((-1).into()), "-1"),
        ("/revision", Some(4_294_967_296_u64.into()), "4294967296"),
        ("/channel/index", None, "index"),
        ("/provenance/configuration", None, "configuration"),
        ("/provenance/configuration", Some("0123".into()), "32 hexadecimal digits"),
        ("/features/F0_Hz_median", Some("many".into()), "many"),
        ("/features/F0_Hz_median", Some(1e300.into()), "number out of range"),
        ("/quality/speech_s", None, "speech_s"),
    ] {
        let why = changed(pointer, to);
        assert!(matches!(&why, RecordError::Form { why, .. } if why.contains(word)), "{pointer}: {why}");
    }
    let emotion = serde_json::json!({"label": null, "confidence": null, "abstained": "no", "entropy_bits": null});
    let why = changed("/emotion", Some(emotion));
    assert_eq!(why, RecordError::Without { found: "emotion", missing: "provenance.model" });
    let model = serde_json::json!({"id": "", "version": "", "sha256": "", "engine": "", "normaliser": ""});
    let why = changed("/provenance/model", Some(model));
    assert_eq!(why, RecordError::Without { found: "provenance.model", missing: "emotion" });
    assert!(matches!(Record::from_json(""), Err(RecordError::Form { .. })));
}

/// The seeds of the fuzz target are records, with a part of every kind.
#[test]
fn the_seeds_are_records() {
    let text = std::fs::read_to_string(common::root().join("fuzz/seeds/record/scored.json")).unwrap();
    let r = Record::from_json(&text).unwrap();
    let scored = r.scored.as_ref().unwrap();
    assert!(r.quality.is_some() && r.baseline.is_some() && r.reference.is_some() && r.running_ns.is_some());
    assert!(!scored.explanations.is_empty() && !scored.emotion.probabilities.is_empty());
    assert_eq!(Record::from_json(&r.to_json()), Ok(r));
}

/// A record that was read may have its features in another order: names decide. Of another version nothing is scored.
#[cfg(feature = "model")]
#[test]
fn features_are_scored_by_name() {
    use affect::analyzer::{Analyzer, Scorer, ScoringConfig};
    let model = affect::model::pool::open_bytes(affect::model::DEFAULT.to_vec(), None, &Default::default()).unwrap();
    let scorer = Arc::new(Scorer::new(model, ScoringConfig::default()).unwrap());
    let (audio, channels, rate) = wav(&common::root().join("tests/data/emodb/16a01Wb.wav"));
    let config = Config { scorer: Some(scorer), ..Config::default() };
    let kept = run(&config, rate, channels, &audio, &[1024]);
    let scored = common::records(&kept)[0].clone();
    assert!(scored.scored.as_ref().unwrap().explanations[0].features.len() == 3);
    let mut other = scored.clone();
    other.scored = None;
    other.features.reverse();
    if let Some(b) = &mut other.baseline {
        b.z.reverse();
        b.usual.reverse();
    }
    let mut other = Record::from_json(&other.to_json()).unwrap();
    let mut later = other.clone();
    later.feature_set_version = "2".into();
    assert!(Analyzer::score(&config, 1, &mut other) && !Analyzer::score(&config, 1, &mut later));
    assert_eq!(other.scored, scored.scored);
}
