//! `affectsink`: lines where they were asked for, errors that say what and where.

mod common;

use common::{CALL, init, json, launch, root};
use gst::prelude::*;
use std::collections::HashSet;
use std::path::PathBuf;

fn temporary(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("affectsink-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

/// Runs to the end or to an error, which is returned with its debug text.
fn play(description: &str) -> Result<gst::Pipeline, String> {
    init();
    let pipeline = gst::parse::launch(description).unwrap().downcast::<gst::Pipeline>().unwrap();
    let bus = pipeline.bus().unwrap();
    let started = pipeline.set_state(gst::State::Playing);
    let wait = gst::ClockTime::from_seconds(if started.is_err() { 5 } else { 60 });
    let last = bus.timed_pop_filtered(wait, &[gst::MessageType::Error, gst::MessageType::Eos]);
    let outcome = match last.as_ref().map(|m| m.view()) {
        None => Err("neither error nor end".to_owned()),
        Some(gst::MessageView::Error(e)) => Err(e.error().to_string()),
        Some(_) => Ok(()),
    };
    match outcome {
        Ok(()) => Ok(pipeline),
        Err(e) => {
            let _ = pipeline.set_state(gst::State::Null);
            Err(e)
        }
    }
}

fn source() -> String {
    format!("filesrc location={} ! wavparse ! affectfeatures stream=call", root().join(CALL).display())
}

fn lines(path: &PathBuf) -> Vec<serde_json::Value> {
    std::fs::read_to_string(path).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

/// The results that the element attaches and sends, each once, in order: what has to be in the file.
fn attached() -> Vec<serde_json::Value> {
    let ran = launch(&format!("{} ! appsink name=out", source()));
    let mut seen = HashSet::new();
    ran.results.iter().map(json).filter(|r| seen.insert(r["id"].as_str().unwrap().to_owned())).collect()
}

/// The same records, in any order.
fn same(mut a: Vec<serde_json::Value>, mut b: Vec<serde_json::Value>) {
    for list in [&mut a, &mut b] {
        list.sort_by_key(|r| r["id"].as_str().unwrap().to_owned());
    }
    assert!(!a.is_empty() && a == b, "{} and {} records", a.len(), b.len());
}

#[test]
fn file_append_and_rerun() {
    let path = temporary("a.jsonl");
    let run = |more: &str| {
        let p = play(&format!("{} ! affectsink location={} {more}", source(), path.display())).unwrap();
        // the lines are there before the element stops
        let n = lines(&path).len();
        p.set_state(gst::State::Null).unwrap();
        n
    };
    let n = run("");
    assert!(n >= 20);
    same(lines(&path), attached());
    let first = std::fs::read(&path).unwrap();
    assert_eq!(run(""), n);
    assert_eq!(std::fs::read(&path).unwrap(), first, "reruns are byte-identical");
    assert_eq!(run("append=true"), 2 * n);
    assert_eq!(std::fs::read(&path).unwrap(), [&first[..], &first[..]].concat());
    assert!(run("final-only=true") < n);
    same(lines(&path), attached().into_iter().filter(|l| l["ended"] != "open").collect());
}

#[test]
fn the_stream_of_affectextract_gives_the_same_lines() {
    let (a, b) = (temporary("b1.jsonl"), temporary("b2.jsonl"));
    let p = play(&format!(
        "{} ! affectextract name=x x.src ! queue ! affectsink location={} x.results ! queue ! affectsink location={}",
        source(),
        a.display(),
        b.display()
    ))
    .unwrap();
    p.set_state(gst::State::Null).unwrap();
    assert_eq!(std::fs::read(&a).unwrap(), std::fs::read(&b).unwrap());
    same(lines(&a), attached());
}

#[test]
fn a_file_descriptor_stays_open_and_gets_the_lines() {
    use std::os::fd::AsRawFd;
    let path = temporary("c.jsonl");
    let file = std::fs::File::create(&path).unwrap();
    let p = play(&format!("{} ! affectsink fd={}", source(), file.as_raw_fd())).unwrap();
    p.set_state(gst::State::Null).unwrap();
    let written = lines(&path);
    same(written.clone(), attached());
    use std::io::Write;
    (&file).write_all(b"{}\n").unwrap();
    assert_eq!(lines(&path), [&written[..], &[serde_json::json!({})]].concat());
}

#[test]
fn places_that_cannot_be_written_are_errors_that_name_them() {
    let e = play(&format!("{} ! affectsink location=/nonexistent/folder/x.jsonl", source())).unwrap_err();
    assert!(e.contains("/nonexistent/folder/x.jsonl") && e.contains("No such file"), "{e}");
    let e = play(&format!("{} ! affectsink fd=987", source())).unwrap_err();
    assert!(e.contains("file descriptor 987"), "{e}");
    if std::path::Path::new("/dev/full").exists() {
        let e = play(&format!("{} ! affectsink location=/dev/full", source())).unwrap_err();
        assert!(e.contains("/dev/full") && e.contains("No space left"), "{e}");
    }
}

#[test]
fn an_interruption_keeps_what_was_written() {
    init();
    let path = temporary("d.jsonl");
    let pipeline = gst::parse::launch(&format!(
        "filesrc location={} ! wavparse ! affectfeatures ! identity sleep-time=1000 ! affectsink name=s location={}",
        root().join(CALL).display(),
        path.display()
    ))
    .unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let sink = pipeline.downcast_ref::<gst::Pipeline>().unwrap().by_name("s").unwrap();
    for _ in 0..2_000 {
        if sink.property::<gst::Structure>("stats").get::<u64>("written").unwrap() > 0 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    pipeline.set_state(gst::State::Null).unwrap();
    // Whole lines, and no others than the first ones of the whole recording.
    let (written, all) = (lines(&path), attached());
    assert!(!written.is_empty() && written.len() <= all.len());
    let part = |r: &serde_json::Value| (r["channel"].clone(), r["start_ns"].clone(), r["revision"].clone());
    for r in &written {
        let whole = all.iter().find(|a| part(a) == part(r)).unwrap_or_else(|| panic!("no such result: {r}"));
        assert!(r["ended"] == "end-of-stream" || r["features"] == whole["features"], "{r}");
    }
}

/// A stream of results from elsewhere may hold anything: lines are written as they are, the table takes what it can.
#[test]
fn odd_lines_do_no_harm() {
    init();
    for format in ["json-lines", "table"] {
        let path = temporary(&format!("odd-{format}"));
        let description = format!("affectsink format={format} location={}", path.display());
        let mut h = gst_check::Harness::new_parse(&description);
        h.set_src_caps_str(gstaffect::RESULT_CAPS);
        let odd: [&[u8]; 6] =
            [b"", b"\n\n", b"{\"id\":", b"[1,2]\nnull\n", b"\xff\xfe\x00", b"{\"id\":7,\"ended\":[]}"];
        for bytes in odd {
            h.push(gst::Buffer::from_slice(bytes)).unwrap();
        }
        h.push_event(gst::event::Eos::new());
        let written = std::fs::read_to_string(&path).unwrap();
        assert_eq!(written.is_empty(), format == "table", "{written}");
    }
}

#[test]
fn the_table_has_a_heading_and_a_row_per_result() {
    let (path, lines_at) = (temporary("e.txt"), temporary("e.jsonl"));
    let p = play(&format!(
        "{} channel-roles=agent,caller ! tee name=t t. ! queue ! affectsink format=table location={} \
         t. ! queue ! affectsink location={}",
        source(),
        path.display(),
        lines_at.display()
    ))
    .unwrap();
    p.set_state(gst::State::Null).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("   start") && text.lines().count() > 20);
    let records = lines(&lines_at);
    assert_eq!(text.lines().count(), records.len() + 1);
    // Features with their decimals, in the order of the columns.
    let columns = [
        ("F0semitoneFrom27.5Hz_median", 1),
        ("F0semitone_range5-95", 1),
        ("loudness_median", 2),
        ("nucleiPerSec", 1),
        ("alphaRatio_dB_voicedMedian", 1),
        ("HNR_dB_median", 1),
        ("jitterLocal_percent_mean", 2),
    ];
    let shown = |value: &serde_json::Value, decimals: usize, unit: &str| {
        value.as_f64().map_or("-".to_owned(), |x| format!("{x:.decimals$}{unit}"))
    };
    let mut defined = 0;
    for (row, r) in text.lines().skip(1).zip(&records) {
        let cells: Vec<&str> = row.split_whitespace().collect();
        let seconds = |name: &str| serde_json::json!(r[name].as_u64().unwrap() as f64 / 1e9);
        let open = if r["ended"] == "open" { ".." } else { "" };
        let quality = &r["quality"];
        let percent = quality["voiced_share"].as_f64().map(|v| 100.0 * v);
        let mut expected = vec![
            shown(&seconds("start_ns"), 2, ""),
            shown(&seconds("end_ns"), 2, ""),
            r["channel"]["index"].to_string(),
            r["channel"]["role"].as_str().unwrap().to_owned(),
            format!("{}{open}", r["segment"].as_str().unwrap()),
            shown(&quality["speech_s"], 2, ""),
            shown(&serde_json::json!(percent), 0, "%"),
        ];
        expected.extend(columns.map(|(name, decimals)| shown(&r["features"][name], decimals, "")));
        assert_eq!(cells, expected, "{row}");
        defined += cells[7..].iter().filter(|c| **c != "-").count();
    }
    assert!(defined > 5 * records.len(), "{defined} numbers in {} rows", records.len());
}

/// Whatever it is called, a file that the pipeline reads is not written over.
#[test]
fn an_output_that_is_also_an_input_is_refused() {
    let bytes = std::fs::read(root().join(CALL)).unwrap();
    let recording = temporary("recording.wav");
    std::fs::write(&recording, &bytes).unwrap();
    let (hard, soft) = (temporary("hard.wav"), temporary("soft.wav"));
    let _ = std::fs::remove_file(&hard);
    let _ = std::fs::remove_file(&soft);
    std::fs::hard_link(&recording, &hard).unwrap();
    std::os::unix::fs::symlink(&recording, &soft).unwrap();
    let here = recording.display();
    let model = temporary("model.onnx");
    std::fs::write(&model, affect::model::DEFAULT).unwrap();
    let read = format!("filesrc location={here} ! wavparse");
    for (description, target) in [
        (format!("{read} ! affectfeatures ! affectsink"), &recording),
        (format!("{read} ! affectfeatures ! affectsink append=true"), &recording),
        (format!("{read} ! affectfeatures ! affectsink"), &hard),
        (format!("{read} ! affectfeatures ! affectsink"), &soft),
        (format!("uridecodebin uri=file://{here} ! affectfeatures ! affectsink"), &hard),
        (format!("{read} ! affectscore model={} ! affectsink", model.display()), &model),
    ] {
        let before = std::fs::read(target).unwrap();
        let e = play(&format!("{description} location={}", target.display())).map(|_| ()).unwrap_err();
        assert!(e.contains(target.to_str().unwrap()) && e.contains("reads"), "{e}");
        assert!(std::fs::read(target).unwrap() == before, "{description}: the file was written to");
    }
    // A source of the same name elsewhere is no reason to refuse.
    let folder = temporary("other");
    std::fs::create_dir_all(&folder).unwrap();
    let p = play(&format!("{read} ! affectfeatures ! affectsink location={}/recording.wav", folder.display())).unwrap();
    p.set_state(gst::State::Null).unwrap();
    assert!(std::fs::read(&recording).unwrap() == bytes);
}

/// Two elements in series that cut the same audio differently: the lines of both arrive, none is taken for a repetition.
#[test]
fn windows_of_two_lengths_in_series_are_all_written() {
    let lines_of = |name: &str, elements: &str| {
        let path = temporary(name);
        let source = format!("filesrc location={} ! wavparse", root().join(CALL).display());
        let p = play(&format!("{source} ! {elements} ! affectsink location={}", path.display())).unwrap();
        p.set_state(gst::State::Null).unwrap();
        lines(&path)
    };
    let element = |window: u64| {
        format!("affectfeatures stream=call segmentation=window window={window} hop=1000000000 post-messages=false")
    };
    let (short, long) = (element(1_000_000_000), element(3_000_000_000));
    let alone = [lines_of("short.jsonl", &short), lines_of("long.jsonl", &long)].concat();
    let both = lines_of("both.jsonl", &format!("{short} ! {long}"));
    assert!(alone.len() > 100, "{}", alone.len());
    let texts = |list: &[serde_json::Value]| -> std::collections::BTreeSet<String> {
        list.iter().map(ToString::to_string).collect()
    };
    assert!(texts(&both) == texts(&alone), "{} lines, expected {}", both.len(), alone.len());
}
