//! `affect identify` as a user runs it.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn affect(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_affect"))
        .args(words)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn scratch(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("identify-{name}"));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

fn study(dir: &Path, content: &str) -> String {
    let path = dir.join("study.toml");
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A study of synthetic speech, and a model.
const PLANTED: &str = r#"
learners = ["logistic", "sparse"]
draws = 20
permutations = 99
pairs = 4
sizes = [10]
[planted]
carries = "jitter"
speakers = 6
recordings = 8
[[model]]
path = "model.onnx"
id = "jitter"
learners = ["perceptron", "logistic"]
level = true
keep_features = true
"#;

/// Where output goes to a file, a log says at each stage, and every so often within it, what is done, how much of it, and for how long.
#[test]
fn a_log_says_how_far_a_study_is() {
    let dir = scratch("log");
    let config = study(&dir, PLANTED);
    let log = dir.join("log");
    let status = Command::new(env!("CARGO_BIN_EXE_affect"))
        .args(["identify", &config])
        .env("AFFECT_LOG_SECONDS", "0.02")
        .stdout(std::process::Stdio::null())
        .stderr(std::fs::File::create(&log).unwrap())
        .status()
        .unwrap();
    assert!(status.success());
    let log = std::fs::read_to_string(&log).unwrap();
    for stage in ["study", "jitter"] {
        let start = format!("affect: {stage}: ");
        let lines: Vec<&str> = log.lines().filter_map(|l| l.strip_prefix(&start)).collect();
        assert_eq!(lines.first(), Some(&"begins"), "{log}");
        assert!(lines.last().unwrap().ends_with(", done"), "{log}");
        assert!(stage != "study" || lines.len() > 3, "nothing between the begin and the end: {log}");
        let mut last = (0, 0);
        for line in &lines[1..] {
            // `12 of 40, 30 %, after 1:05 (...)`, or `0, after 0:00` before it is known how much there is.
            let (amount, after) = line.split_once(", after ").unwrap_or_else(|| panic!("no time in \"{line}\""));
            let after = after.split([' ', ',']).next().unwrap();
            let (minutes, seconds) = after.split_once(':').unwrap();
            let elapsed: u64 = minutes.parse::<u64>().unwrap() * 60 + seconds.parse::<u64>().unwrap();
            let share = match amount.split_once(" of ") {
                None => 0,
                Some((done, rest)) => {
                    let (total, percent) = rest.split_once(", ").unwrap();
                    let (done, total): (u64, u64) = (done.parse().unwrap(), total.parse().unwrap());
                    let percent: u64 = percent.strip_suffix(" %").unwrap().parse().unwrap();
                    assert_eq!(percent, 100 * done / total, "{line}");
                    percent
                }
            };
            assert!(share >= last.0 && elapsed >= last.1, "{line} after {last:?}");
            last = (share, elapsed);
        }
        assert_eq!(last.0, 100, "{log}");
    }
}

/// Synthetic speech from end to end: report, rankings, a model that runs in the analysis.
#[test]
fn planted_speech_gives_a_report_and_a_model() {
    let dir = scratch("planted");
    let config = study(&dir, PLANTED);
    let out = affect(&["identify", &config, "--quiet"]);
    assert_eq!((out.status.code(), text(&out.stderr)), (Some(0), String::new()));
    let results = dir.join("study");
    let ranking: Value = serde_json::from_slice(&std::fs::read(results.join("ranking.json")).unwrap()).unwrap();
    assert_eq!(ranking["schema"], "affect.ranking/2");
    assert_eq!(ranking["groups"][0]["name"], "voice quality", "{}", ranking["groups"]);
    let table = std::fs::read_to_string(results.join("ranking.csv")).unwrap();
    assert_eq!(table.lines().count(), 137);
    assert!(table.lines().nth(1).unwrap().contains(ranking["features"][0]["name"].as_str().unwrap()));
    // The table has the features, ranks and scores of the findings, in their order.
    for (line, feature) in table.lines().skip(1).zip(ranking["features"].as_array().unwrap()) {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(cells[3], feature["name"].as_str().unwrap());
        let rank = &feature["rank"];
        for (cell, value) in cells.iter().zip([&rank["value"], &rank["low"], &rank["high"]]) {
            assert_eq!(*cell, format!("{:.1}", value.as_f64().unwrap()), "{line}");
        }
        assert_eq!(cells[5], format!("{:.4}", feature["score"].as_f64().unwrap()), "{line}");
    }
    let page = std::fs::read_to_string(results.join("report.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("voice quality"));
    assert!(!page.contains("src=") && !page.contains("href="), "the page needs something else");
    for file in ["study.toml", "recordings.csv", "model.rows.csv", "model.features.npy"] {
        assert!(results.join(file).exists(), "{file}");
    }
    let model = results.join("model.onnx");
    let out =
        affect(&["analyze", "tests/data/emodb/16a01Wb.wav", "--model", model.to_str().unwrap(), "--quiet", "--json"]);
    let r: Value = serde_json::from_slice(text(&out.stdout).lines().next().unwrap().as_bytes()).unwrap();
    assert!(r["emotion"]["probabilities"]["on"].is_number(), "{r}");
}

/// Real recordings are heard once: the second run takes features from the cache, also under conditions; what is wrong is said with
/// the file's name.
#[test]
fn recordings_are_heard_once() {
    let dir = scratch("corpus");
    let clips = [
        ("03a02Wb", "03", "angry", "m"),
        ("03b10Ab", "03", "fear", "m"),
        ("03a04Fd", "03", "angry", "m"),
        ("03a01Nc", "03", "fear", "m"),
        ("16a01Wb", "16", "anger", "f"),
        ("16a01Lb", "16", "fear", "f"),
        ("16a04Fa", "16", "anger", "f"),
        ("16a01Tb", "16", "fear", "f"),
    ];
    let rows: String = clips.iter().map(|(f, s, e, g)| format!("{f}.wav,{s},{e},{g}\n")).collect();
    std::fs::write(dir.join("manifest.csv"), format!("file,speaker,label,gender\n{rows}")).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/emodb");
    let content = |extra: &str| {
        format!(
            "conditions = [\"clean\", \"telephone\", \"noise:pink:5\", \"room:0.3\"]\n[[corpus]]\nname = \"clips\"\nroot = {root:?}\n\
             manifest = {:?}\n[[model]]\npath = \"m.onnx\"\nid = \"m\"\nlearners = [\"logistic\"]\n\
             conditions = [\"clean\", \"telephone\", \"noise:pink:5\", \"room:0.3\"]\n{extra}",
            dir.join("manifest.csv")
        )
    };
    let config = study(&dir, &content(""));
    let out = affect(&["identify", &config, "--check"]);
    assert!(text(&out.stdout).contains("clips: 8 recordings of 2 speakers, 0 files missing"), "{}", text(&out.stdout));
    let run = || affect(&["identify", &config, "--models-only", "--quiet"]);
    let out = run();
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    assert!(text(&out.stdout).contains("UAR, condition telephone"), "{}", text(&out.stdout));
    let model = dir.join("study/m.onnx");
    let first = std::fs::read(&model).unwrap();
    let remembered = || walk(&dir.join("study/cache")).len();
    assert_eq!(remembered(), 8 * 4);
    // What is remembered half is heard again.
    std::fs::write(&walk(&dir.join("study/cache"))[3], "{").unwrap();
    let out = run();
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    assert_eq!((std::fs::read(&model).unwrap() == first, remembered()), (true, 32));
    // Two speakers are no context: the ranking says why there is none.
    let out = affect(&["identify", &config, "--quiet"]);
    assert!(
        out.status.code() == Some(1) && text(&out.stderr).contains("2 speakers: expected at least 4"),
        "{}",
        text(&out.stderr)
    );
    for (bad, why) in [
        ("licence = 3", "study.toml"),
        ("learner = [\"x\"]", "unknown field"),
        ("reference = \"nobody\"", "expected one of training, speaker, both"),
        ("corpora = [\"other\"]", "no corpus is called \"other\""),
    ] {
        let config = study(&dir, &content(bad));
        let out = affect(&["identify", &config, "--check"]);
        assert!(out.status.code() == Some(1) && text(&out.stderr).contains(why), "{bad}: {}", text(&out.stderr));
    }
    let config = study(&dir, "conditions = [\"under water\"]\n[planted]\ncarries = \"f0\"\n");
    let out = affect(&["identify", &config, "--check"]);
    assert!(text(&out.stderr).contains("condition \"under water\": expected clean"), "{}", text(&out.stderr));
}

fn walk(dir: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { out.extend(walk(&path)) } else { out.push(path) }
    }
    out.sort();
    out
}

/// A WAV file of one channel at 16 kHz: format tag 1 for integers, 3 for floats.
fn wav(path: &Path, tag: u16, bits: u16, bytes: &[u8]) {
    let mut out = b"RIFF".to_vec();
    out.extend((36 + bytes.len() as u32).to_le_bytes());
    out.extend(b"WAVEfmt ");
    out.extend(16u32.to_le_bytes());
    out.extend([tag, 1].map(u16::to_le_bytes).concat());
    out.extend([16_000, 16_000 * u32::from(bits) / 8].map(u32::to_le_bytes).concat());
    out.extend([bits / 8, bits].map(u16::to_le_bytes).concat());
    out.extend(b"data");
    out.extend((bytes.len() as u32).to_le_bytes());
    out.extend(bytes);
    std::fs::write(path, out).unwrap();
}

/// A model learns from the features that the stream computes, bit for bit, whatever the samples' format.
#[test]
fn training_hears_what_the_stream_hears() {
    let dir = scratch("bits");
    let clips = ["03a02Wb", "03b10Ab", "03a04Fd", "03a01Nc", "16a01Wb", "16a01Lb", "16a04Fa", "16a01Tb"];
    let mut manifest = "file,speaker,label\n".to_owned();
    for (k, clip) in clips.iter().enumerate() {
        let bytes = std::fs::read(
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/emodb").join(format!("{clip}.wav")),
        );
        // Off the grid of 16 bits, and of 24.
        let gain = if k % 4 == 0 { 1.0 } else { 0.711_234_567 };
        let samples: Vec<f64> = bytes.unwrap()[44..]
            .chunks_exact(2)
            .map(|b| f64::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0 * gain)
            .collect();
        let all = |of: &dyn Fn(f64) -> Vec<u8>| -> Vec<u8> { samples.iter().flat_map(|s| of(*s)).collect() };
        let place = dir.join(format!("{clip}.wav"));
        match k % 4 {
            0 => wav(&place, 1, 16, &all(&|s| ((s * 32_768.0).round() as i16).to_le_bytes().to_vec())),
            1 => wav(&place, 1, 24, &all(&|s| ((s * 8_388_608.0).round() as i32).to_le_bytes()[..3].to_vec())),
            2 => wav(&place, 3, 32, &all(&|s| (s as f32).to_le_bytes().to_vec())),
            _ => wav(&place, 3, 64, &all(&|s| s.to_le_bytes().to_vec())),
        }
        manifest += &format!("{clip}.wav,{},{}\n", &clip[..2], ["anger", "fear"][k % 2]);
    }
    std::fs::write(dir.join("manifest.csv"), manifest).unwrap();
    let config = study(
        &dir,
        "[[corpus]]\nname = \"clips\"\nroot = \".\"\nmanifest = \"manifest.csv\"\n[[model]]\npath = \"m.onnx\"\n\
         id = \"m\"\nlearners = [\"logistic\"]\nlevel = true\nkeep_features = true\n",
    );
    let out = affect(&["identify", &config, "--models-only", "--quiet"]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    let bytes = std::fs::read(dir.join("study/m.features.npy")).unwrap();
    let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]])) + 10;
    let learnt: Vec<f32> = bytes[header..].chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    let names = affect::features::catalogue::affect_functionals();
    assert_eq!(learnt.len(), clips.len() * names.len());
    for (clip, row) in clips.iter().zip(learnt.chunks_exact(names.len())) {
        let place = dir.join(format!("{clip}.wav"));
        let out = affect(&["features", place.to_str().unwrap(), "--format", "jsonl"]);
        let stream: Value = serde_json::from_str(text(&out.stdout).lines().next().unwrap()).unwrap();
        let mut defined = 0;
        for (entry, value) in names.iter().zip(row) {
            let heard = stream["features"][&entry.name].as_f64().map(|v| v as f32);
            defined += usize::from(heard.is_some());
            assert_eq!(heard.map(f32::to_bits), value.is_finite().then(|| value.to_bits()), "{clip}: {}", entry.name);
        }
        assert!(defined > 100, "{clip}: {defined}");
    }
}
