//! Every record that the library writes is valid under the published schema.

mod common;

use affect::analyzer::{Config, FeatureSet, Segmentation};
use affect::features::reason::Reason;
use affect::record::{Ended, Policy, SCHEMA_JSON};
use common::{Kept, clips, records, run, segmentations, wav};
use serde_json::Value;

fn validator() -> jsonschema::Validator {
    jsonschema::validator_for(&serde_json::from_str(SCHEMA_JSON).unwrap()).unwrap()
}

#[test]
fn records_of_every_kind_are_valid() {
    let validator = validator();
    let mut count = 0;
    for clip in clips() {
        let (audio, channels, rate) = wav(&clip);
        for segmentation in segmentations() {
            let config = Config {
                sets: FeatureSet::ALL.to_vec(),
                segmentation,
                roles: vec!["agent".into(), "caller".into()],
                ..Config::default()
            };
            let kept = run(&config, rate, channels, &audio, &[1024]);
            let lines =
                kept.iter().step_by(if segmentation == Segmentation::Frames { 50 } else { 1 }).map(|k| match k {
                    Kept::Frame(f) => f.to_record(&config).to_json(),
                    Kept::Segment(r) => r.to_json(),
                });
            for line in lines {
                let value: Value = serde_json::from_str(&line).unwrap();
                if let Err(e) = validator.validate(&value) {
                    panic!("{e} in {line}");
                }
                count += 1;
            }
        }
    }
    assert!(count > 100);
}

#[test]
fn the_schema_refuses_what_is_wrong() {
    let validator = validator();
    let kept = run(&Config::default(), 16_000, 1, &[0; 16_000], &[1024]);
    let good: Value = serde_json::from_str(&records(&kept)[0].to_json()).unwrap();
    assert!(validator.is_valid(&good));
    for (pointer, wrong) in [
        ("/schema", Value::from("affect.result/3")),
        ("/id", Value::from("x")),
        ("/start_ns", Value::from(-1)),
        ("/policy", Value::from("maybe")),
        ("/segment", Value::from("phrase")),
        ("/ended", Value::from("never")),
        ("/features/nucleiPerSec", Value::from("many")),
        ("/quality/voiced_share", Value::from(1.5)),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = wrong;
        assert!(!validator.is_valid(&bad), "{pointer}");
    }
}

#[test]
fn names_in_code_and_schema_agree() {
    let schema: Value = serde_json::from_str(SCHEMA_JSON).unwrap();
    let list = |pointer: &str| -> Vec<String> {
        schema.pointer(pointer).unwrap().as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(list("/properties/ended/enum"), Ended::ALL.map(|e| e.name().to_owned()));
    assert_eq!(list("/properties/policy/enum"), Policy::ALL.map(|p| p.name().to_owned()));
    assert_eq!(list("/properties/reasons/additionalProperties/enum"), Reason::ALL.map(|r| r.name().to_owned()));
}
