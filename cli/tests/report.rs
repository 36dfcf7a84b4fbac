//! The page of a call: its rules, its numbers against those of the analysis, and what policies leave of it.

mod common;
#[path = "../../page/tests/rules/mod.rs"]
mod rules;

use common::{CALL, CLIP, Folder, affect, records, root, said};
use rules::{Document, keeps_the_rules};
use serde_json::Value;

/// Largest page of the shipped call.
const MOST: usize = 200_000;

fn page(folder: &Folder, call: &str, more: &[&str]) -> Document {
    let path = folder.at("page.html");
    let out = affect(&[&["report", call, "--quiet", "--html", path.to_str().unwrap()], more].concat());
    assert_eq!((out.status.code(), out.stdout.len()), (Some(0), 0), "{}", said(&out));
    keeps_the_rules(&std::fs::read_to_string(path).unwrap(), MOST)
}

const ROLES: [&str; 2] = ["--roles", "agent,caller"];

/// The number that a cell of the page stands for.
fn value(cell: &str) -> f64 {
    let text = cell.replace('\u{2212}', "-");
    text.trim_start_matches('+').parse().unwrap_or_else(|e| panic!("\"{cell}\": {e}"))
}

fn clock(ns: u64) -> String {
    format!("{}:{:02}.{}", ns / 60_000_000_000, ns / 1_000_000_000 % 60, ns / 100_000_000 % 10)
}

#[test]
fn the_page_says_what_the_records_say() {
    let folder = Folder::new("report-numbers");
    let page = page(&folder, CALL, &ROLES);
    let mut list = records(&affect(&[&["analyze", CALL, "--quiet", "--json"], &ROLES[..]].concat()));
    list.sort_by_key(|r| (r["start_ns"].as_u64(), r["channel"]["index"].as_u64()));
    let table = page.table("Utterances in numbers");
    assert_eq!(table.rows.len(), list.len());
    for (row, r) in table.rows.iter().zip(&list) {
        assert_eq!(row[1], r["channel"]["role"].as_str().unwrap());
        assert_eq!(
            (row[2].clone(), row[3].clone()),
            (clock(r["start_ns"].as_u64().unwrap()), clock(r["end_ns"].as_u64().unwrap()))
        );
        let close = |cell: &str, v: &Value, step: f64| (value(cell) - v.as_f64().unwrap()).abs() <= step / 2.0 + 1e-6;
        assert!(
            close(&row[4], &r["quality"]["speech_s"], 0.1) && close(&row[6], &r["quality"]["level_dbfs"], 0.1),
            "{row:?}"
        );
        assert!(close(&row[5], &r["features"]["F0_Hz_median"], 1.0), "{row:?}");
        match (&r["emotion"]["label"], r["channel"]["role"].as_str()) {
            (_, Some("agent")) => assert_eq!((row[8].as_str(), row[9].as_str()), ("no scores", "no scores")),
            (Value::String(l), _) => {
                assert_eq!(row[9], format!("{l} {:.2}", r["emotion"]["confidence"].as_f64().unwrap()))
            }
            _ => assert_eq!(row[9], "no label"),
        }
        if let Some(arousal) = r["emotion"]["dimensions"]["arousal"].as_f64() {
            assert!((value(row[8].split(' ').next().unwrap()) - arousal).abs() <= 0.005 + 1e-9);
        }
        // Every reason stands on the page as the record says it.
        for f in r["explanations"].as_array().into_iter().flatten().flat_map(|x| x["features"].as_array()).flatten() {
            let sentence = f["sentence"].as_str().unwrap();
            let stands = page.root.all("li").iter().any(|li| li.text() == sentence);
            // Reasons of a label are told where there is one, those of arousal otherwise.
            let told = r["emotion"]["label"].is_string();
            let of_amount = r["explanations"]
                .as_array()
                .unwrap()
                .iter()
                .any(|x| x["target"] == "arousal" && x["features"].as_array().is_some_and(|l| l.contains(f)));
            assert!(stands || told == of_amount, "{sentence}");
        }
    }
    // The drawn lines of arousal lie where the table says: one straight relation between value and height.
    let drawn = page.table("Utterances from");
    let values: Vec<f64> =
        drawn.rows.iter().filter(|r| r[5] != "no scores" && r[5] != "not given").map(|r| value(&r[5])).collect();
    let has_class = |e: &rules::Element, c: &str| e.attribute("class").is_some_and(|k| k == c);
    let heights: Vec<f64> = page
        .root
        .all("line")
        .iter()
        .filter(|l| has_class(l, "span"))
        .map(|l| l.attribute("y1").unwrap().parse().unwrap())
        .collect();
    assert!(values.len() == heights.len() && values.len() >= 2, "{values:?} {heights:?}");
    let far = (1..values.len())
        .max_by(|a, b| (values[*a] - values[0]).abs().total_cmp(&(values[*b] - values[0]).abs()))
        .unwrap();
    let slope = (heights[far] - heights[0]) / (values[far] - values[0]);
    assert!(slope < -10.0, "up is more: {slope}");
    for (v, h) in values.iter().zip(&heights) {
        assert!((heights[0] + slope * (v - values[0]) - h).abs() < 0.6, "{v} at {h}");
    }
    // One box for each utterance.
    let boxes = page.root.all("rect").iter().filter(|r| has_class(r, "speech")).count();
    assert_eq!(boxes, list.len());
    assert!(page.root.all("audio").is_empty());
}

/// Pitch and level over time are those of the 10 ms rows of `affect features`, taken together here by another way.
#[test]
fn contours_are_those_of_the_frames() {
    let folder = Folder::new("report-contours");
    let page = page(&folder, CALL, &ROLES);
    let contours = page.table("Pitch and level in steps of 0.1 s");
    assert_eq!(
        contours.heads,
        ["time, s", "agent: pitch, Hz", "agent: level, dBFS", "caller: pitch, Hz", "caller: level, dBFS"]
    );
    let spans: Vec<(u64, u64, u64)> = records(&affect(&["analyze", CALL, "--quiet", "--json"]))
        .iter()
        .map(|r| {
            (r["channel"]["index"].as_u64().unwrap(), r["start_ns"].as_u64().unwrap(), r["end_ns"].as_u64().unwrap())
        })
        .collect();
    let lld = affect(&["features", CALL, "--level", "lld", "--quiet"]);
    let text = String::from_utf8(lld.stdout).unwrap();
    let mut lines = text.lines();
    let heads: Vec<&str> = lines.next().unwrap().split(',').collect();
    let column = |name: &str| heads.iter().position(|h| *h == name).unwrap();
    let (f0, level) = (column("F0_Hz"), column("level_dBFS"));
    let steps = contours.rows.len();
    let mut pitch: Vec<[Vec<f64>; 2]> = vec![Default::default(); steps];
    let mut power: Vec<[Vec<f64>; 2]> = vec![Default::default(); steps];
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        let (channel, start, end): (usize, u64, u64) =
            (cells[1].parse().unwrap(), cells[2].parse().unwrap(), cells[3].parse().unwrap());
        let middle = (start + end) / 2;
        let step = (middle / 100_000_000) as usize;
        let level: f64 = cells[level].parse().map_or(0.0, |db: f64| 10f64.powf(db / 10.0));
        power[step][channel].push(level);
        if spans.iter().any(|s| s.0 == channel as u64 && s.1 <= middle && middle < s.2) {
            pitch[step][channel].extend(cells[f0].parse::<f64>());
        }
    }
    let mut compared = 0;
    for (k, row) in contours.rows.iter().enumerate() {
        assert!((value(&row[0]) - 0.1 * k as f64).abs() < 1e-9);
        for channel in 0..2 {
            let (pitch, power) = (&mut pitch[k][channel], &power[k][channel]);
            let mean = power.iter().sum::<f64>() / power.len() as f64;
            if mean > 0.0 {
                assert!((value(&row[2 + 2 * channel]) - 10.0 * mean.log10()).abs() < 0.051, "{row:?}");
            }
            pitch.sort_by(f64::total_cmp);
            if pitch.len() * 5 >= power.len() && !pitch.is_empty() {
                let middle = pitch[((pitch.len() - 1) as f64 / 2.0).round() as usize];
                assert!((value(&row[1 + 2 * channel]) - middle).abs() < 0.51, "{row:?} {pitch:?}");
                compared += 1;
            } else {
                assert_eq!(row[1 + 2 * channel], "–");
            }
        }
    }
    assert!(compared > 100, "{compared}");
}

#[test]
fn policies_hold_on_the_page() {
    let folder = Folder::new("report-policy");
    let page = page(&folder, CALL, &["--roles", "agent,caller", "--policy", "deny,features-only"]);
    let text = page.root.all("main")[0].text();
    assert!(text.contains("denied by policy: not analysed") && text.contains("features only: no scores, by policy"));
    assert!(page.table("Utterances in numbers").rows.iter().all(|r| r[1] == "caller" && r[9] == "no scores"));
    assert!(page.table("Pitch and level").heads.iter().all(|h| !h.contains("agent")));
    assert!(!page.table("Sound of each party").rows.iter().any(|r| r[0] == "agent"));
    for word in ["anger", "sadness", "happiness", "SD", "no label"] {
        assert!(
            !page.of_class("said").concat().contains(word) && !page.of_class("cards").concat().contains(word),
            "{word}"
        );
    }
    // All denied: nothing but that.
    let nothing = self::page(&folder, CALL, &["--policy", "deny,deny"]);
    assert!(nothing.root.all("svg").is_empty() && nothing.root.all("table").len() == 1);
    // The recording holds the voice of whoever is denied.
    for how in ["link", "embed"] {
        let path = folder.at("audio.html");
        let out = affect(&[
            "report",
            CALL,
            "--quiet",
            "--policy",
            "deny,allow",
            "--audio",
            how,
            "--html",
            path.to_str().unwrap(),
        ]);
        assert!(out.status.code() == Some(1) && said(&out).contains("channel 0 is denied by policy"), "{}", said(&out));
        assert!(!path.exists());
    }
}

#[test]
fn hostile_names_are_names() {
    let folder = Folder::new("report-names");
    let name = "<script>alert(1)<script>\" onload='x' &amp;\n\u{202e}vaw.wav";
    let call = folder.at(name);
    std::fs::copy(root().join(CALL), &call).unwrap();
    let role = "<img src=x onerror=alert(1)>";
    let page = page(&folder, call.to_str().unwrap(), &["--roles", role, "--purpose", name, "--audio", "link"]);
    let shown = "<script>alert(1)<script>\" onload='x' &amp;\u{240a}[U+202E]vaw.wav";
    assert_eq!(page.root.all("h1")[0].text(), shown);
    assert_eq!(page.root.all("title")[0].text(), format!("{shown}: report of a call"));
    assert_eq!(page.table("What this page was made with").rows.last().unwrap()[1], shown);
    assert!(page.table("Utterances in numbers").rows.iter().any(|r| r[1] == role));
    let address = page.root.all("audio")[0].attribute("src").unwrap();
    assert_eq!(address, "%3Cscript%3Ealert%281%29%3Cscript%3E%22%20onload%3D%27x%27%20%26amp%3B%0A%E2%80%AEvaw.wav");
}

#[test]
fn the_recording_is_there_only_when_asked_for() {
    let folder = Folder::new("report-audio");
    let clip = folder.at("a clip.wav");
    std::fs::copy(root().join(CLIP), &clip).unwrap();
    let none = page(&folder, clip.to_str().unwrap(), &[]);
    assert!(none.root.all("audio").is_empty());
    let link = page(&folder, clip.to_str().unwrap(), &["--audio", "link"]);
    let player = &link.root.all("audio")[0];
    assert_eq!(
        (player.attribute("src").as_deref(), player.attribute("preload").as_deref()),
        (Some("a%20clip.wav"), Some("none"))
    );
    let path = folder.at("embedded.html");
    let out =
        affect(&["report", clip.to_str().unwrap(), "--quiet", "--audio", "embed", "--html", path.to_str().unwrap()]);
    assert!(
        out.status.code() == Some(0) && said(&out).contains("whoever has the page can hear the call"),
        "{}",
        said(&out)
    );
    let html = std::fs::read_to_string(path).unwrap();
    let bytes = std::fs::read(&clip).unwrap();
    let embedded = keeps_the_rules(&html, MOST + bytes.len() * 4 / 3 + 4);
    let address = embedded.root.all("audio")[0].attribute("src").unwrap();
    use base64::Engine;
    let inside =
        base64::engine::general_purpose::STANDARD.decode(address.strip_prefix("data:audio/wav;base64,").unwrap());
    assert_eq!(inside.unwrap(), bytes);
}

/// The same call gives the same page, and one without speech says so.
#[test]
fn pages_are_repeatable_and_silence_is_told() {
    let folder = Folder::new("report-silence");
    let first = folder.at("1.html");
    let second = folder.at("2.html");
    for path in [&first, &second] {
        let out = affect(&["report", CLIP, "--quiet", "--html", path.to_str().unwrap()]);
        assert_eq!(out.status.code(), Some(0), "{}", said(&out));
    }
    assert_eq!(std::fs::read(first).unwrap(), std::fs::read(second).unwrap());
    let silence = folder.at("silence.wav");
    std::fs::write(&silence, common::wav(&[common::chunk(b"data", 64_000, &vec![0; 64_000])])).unwrap();
    let page = page(&folder, silence.to_str().unwrap(), &[]);
    assert!(
        page.of_class("card").iter().all(|c| c.contains("none was found") || c.contains("same sound")),
        "{:?}",
        page.of_class("card")
    );
}

#[test]
fn what_cannot_be_is_refused() {
    let folder = Folder::new("report-refused");
    let copy = folder.at("call.wav");
    std::fs::copy(root().join(CLIP), &copy).unwrap();
    let run = |words: &[&str]| affect(&[&["report", "--quiet"], words].concat());
    let over = run(&[copy.to_str().unwrap(), "--html", copy.to_str().unwrap()]);
    assert_eq!(over.status.code(), Some(2), "{}", said(&over));
    assert_eq!(std::fs::read(&copy).unwrap(), std::fs::read(root().join(CLIP)).unwrap());
    let page = folder.at("p.html");
    let page_name = page.to_str().unwrap();
    let windows = run(&[copy.to_str().unwrap(), "--html", page_name, "--segments", "window"]);
    assert!(windows.status.code() == Some(2) && said(&windows).contains("utterances"), "{}", said(&windows));
    let text = run(&["README.md", "--html", page_name]);
    assert_eq!(text.status.code(), Some(1), "{}", said(&text));
    let nowhere = run(&[copy.to_str().unwrap(), "--html", folder.at("no/p.html").to_str().unwrap()]);
    assert!(nowhere.status.code() == Some(1) && said(&nowhere).contains("cannot write"), "{}", said(&nowhere));
    assert!(!page.exists());
}
