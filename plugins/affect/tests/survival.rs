//! Results survive what lies between the analysis and whoever reads them, once each.

mod common;

use common::{CALL, launch, root, unique};

/// Number of results that arrive behind `chain`, and their ids without repetition.
fn through(chain: &str) -> (usize, Vec<String>) {
    let file = root().join(CALL);
    let ran = launch(&format!(
        "filesrc location={} ! wavparse ! affectfeatures stream=call segmentation=window ! {chain} ! appsink name=out",
        file.display()
    ));
    (ran.results.len(), unique(&ran.results))
}

#[test]
fn every_result_arrives_once_after_dropping_repeated_ids() {
    let (count, expected) = through("identity");
    assert_eq!(count, expected.len());
    assert!(count >= 76);
    for chain in [
        "queue",
        "level ! volume volume=0.5",
        "audioconvert ! audio/x-raw,format=F32LE,channels=1",
        "audioconvert ! audioresample ! audio/x-raw,rate=16000",
        "audioresample ! audio/x-raw,rate=48000 ! audioconvert ! opusenc ! opusdec",
        "audioconvert ! audioresample ! audio/x-raw,rate=48000 ! opusenc ! matroskamux ! matroskademux ! opusdec",
        "audioconvert ! audioresample ! audio/x-raw,rate=48000 ! opusenc ! rtpopuspay ! rtpopusdepay ! opusdec",
        "flacenc ! flacparse ! flacdec",
        "tee name=t ! queue",
        "audiobuffersplit output-buffer-duration=1/50",
    ] {
        let missing = chain
            .split('!')
            .filter_map(|e| e.split_whitespace().next())
            .find(|e| !e.contains('/') && gst::ElementFactory::find(e).is_none());
        if let Some(element) = missing {
            common::skipped(&format!("{chain}: {element} is not installed"));
            continue;
        }
        let (_, ids) = through(chain);
        let mut a = ids.clone();
        let mut b = expected.clone();
        a.sort();
        b.sort();
        assert_eq!(a, b, "{chain}");
    }
}

#[test]
fn merging_leaves_one_meta_with_all_results() {
    common::init();
    let one = |id: &str| gst::Structure::builder("affect-result").field("id", id).field("json", "{}").build();
    let mut a = gst::Buffer::with_size(4).unwrap();
    gstaffect::meta::append(a.get_mut().unwrap(), vec![one("1"), one("2")]).unwrap();
    let mut b = gst::Buffer::with_size(4).unwrap();
    gstaffect::meta::append(b.get_mut().unwrap(), vec![one("2"), one("3")]).unwrap();
    a.copy_into(b.get_mut().unwrap(), gst::BufferCopyFlags::META, ..).unwrap();
    let ids: Vec<String> = gstaffect::meta::read(&b).iter().map(|s| s.get("id").unwrap()).collect();
    assert_eq!(ids, ["2", "3", "1"]);
    assert_eq!(b.iter_meta::<gst::Meta>().count(), 1, "one meta holds them all");
    let copied = b.copy();
    assert_eq!(gstaffect::meta::read(&copied).len(), 3);
}
