//! The page of an archive: from plan and run to a page that keeps the rules and says what the status says.

mod common;
#[path = "../../page/tests/rules/mod.rs"]
mod rules;

use common::{CLIP, Folder, affect, root, said};
use rules::keeps_the_rules;

#[test]
fn the_page_of_an_archive_says_what_was_done_and_what_failed() {
    let folder = Folder::new("report-archive");
    let calls = folder.at("calls");
    std::fs::create_dir_all(&calls).unwrap();
    let hostile = "<img src=x onerror=alert(1)>.wav";
    for name in ["a.wav", hostile] {
        std::fs::copy(root().join(CLIP), calls.join(name)).unwrap();
    }
    std::fs::write(calls.join("broken.wav"), b"this is no recording").unwrap();
    let metadata = folder.at("calls.csv");
    let rows = format!("key,site,agent\na.wav,\"<b>north</b>\",x\n\"{hostile}\",south,y\nbroken.wav,south,x\n");
    std::fs::write(&metadata, rows).unwrap();
    let (out, page) = (folder.at("out"), folder.at("page.html"));
    let words = |w: &[&str]| w.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    let path = |p: &std::path::Path| p.to_str().unwrap().to_owned();
    let run = |w: Vec<String>| affect(&w);
    let plan = [
        words(&["archive", "plan"]),
        vec![path(&calls)],
        words(&["--out"]),
        vec![path(&out)],
        words(&["--metadata"]),
        vec![path(&metadata)],
    ];
    let planned = run(plan.concat());
    assert_eq!(planned.status.code(), Some(0), "{}", said(&planned));
    // Nothing is done yet, and the page says so.
    let report =
        || run([words(&["archive", "report"]), vec![path(&out)], words(&["--html"]), vec![path(&page)]].concat());
    let before = report();
    assert_eq!(before.status.code(), Some(3), "{}", said(&before));
    let empty = keeps_the_rules(&std::fs::read_to_string(&page).unwrap(), 100_000);
    assert!(empty.root.all("main")[0].text().contains("3 planned calls have not been analysed yet"));

    let done = run([words(&["archive", "run"]), vec![path(&out)], words(&["--quiet"])].concat());
    assert_eq!(done.status.code(), Some(1), "{}", said(&done));
    let told = report();
    assert_eq!((told.status.code(), told.stdout.len()), (Some(1), 0), "{}", said(&told));
    let html = std::fs::read_to_string(&page).unwrap();
    let document = keeps_the_rules(&html, 200_000);
    let text = document.root.all("main")[0].text();
    assert!(text.contains("2of 3 planned") && text.contains("33 % of 3"), "{text}");
    let failures = document.table("Calls that failed");
    assert_eq!(
        (failures.rows.len(), failures.rows[0][1].as_str(), failures.rows[0][4].as_str()),
        (1, "1", "broken.wav")
    );
    // Of small groups nothing is told, and people are not compared.
    let sites = document.table("Calls by site");
    assert_eq!(sites.rows.iter().map(|r| r[0].as_str()).collect::<Vec<_>>(), ["<b>north</b>", "south"]);
    assert!(sites.rows.iter().all(|r| r[1..].iter().all(|c| c == "fewer than 10")));
    assert!(text.contains("Not grouped by agent: it names people, who are not compared."), "{text}");
    assert!(document.table("All measures").rows.iter().any(|r| r[0] == "mean_dimension_arousal"));
    let again = report();
    assert_eq!((again.status.code(), std::fs::read_to_string(&page).unwrap() == html), (Some(1), true));

    // One of its calls, with the settings of the run.
    let one = folder.at("one.html");
    let call = |key: &str| {
        affect(&["archive", "report", &path(&out), "--call", key, "--html", &path(&one), "--quiet"].map(str::to_owned))
    };
    let of_call = call(hostile);
    assert_eq!(of_call.status.code(), Some(0), "{}", said(&of_call));
    let document = keeps_the_rules(&std::fs::read_to_string(&one).unwrap(), 400_000);
    assert!(document.root.all("h1")[0].text().contains(hostile), "{}", document.root.all("h1")[0].text());
    let unknown = call("c.wav");
    assert!(unknown.status.code() == Some(2) && said(&unknown).contains("no plan has a call"), "{}", said(&unknown));
    let broken = call("broken.wav");
    assert!(broken.status.code() == Some(3) && said(&broken).contains("broken.wav"), "{}", said(&broken));

    let nowhere = affect(&["archive", "report", path(&calls).as_str(), "--html", path(&page).as_str()]);
    assert!(nowhere.status.code() == Some(2) && said(&nowhere).contains("no run is planned"), "{}", said(&nowhere));
}

/// Calls worth listening to are linked with pages of their own, below the page of the archive.
#[test]
fn calls_worth_listening_to_have_pages() {
    let folder = Folder::new("report-archive-pages");
    let calls = folder.at("calls");
    std::fs::create_dir_all(&calls).unwrap();
    let (name, call) = ("a call & more.wav", "tests/data/calls/call40_185s_2ch_pcm16.wav");
    std::fs::copy(root().join(call), calls.join(name)).unwrap();
    let path = |p: &std::path::Path| p.to_str().unwrap().to_owned();
    let (out, page) = (path(&folder.at("out")), folder.at("page.html"));
    let (model, moved) = (folder.at("model.onnx"), folder.at("moved.onnx"));
    std::fs::copy(root().join("models/affect-default.onnx"), &model).unwrap();
    let plan = ["archive", "plan", &path(&calls), "--out", &out, "--roles", "agent,caller", "--model", &path(&model)];
    let planned = affect(&plan.map(str::to_owned));
    assert_eq!(planned.status.code(), Some(0), "{}", said(&planned));
    let done = affect(&["archive", "run", &out, "--quiet"].map(str::to_owned));
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    // The model may have moved since; it has to be the same.
    std::fs::rename(&model, &moved).unwrap();
    let report = |pages: &str, model: &std::path::Path| {
        let model = path(model);
        let words = ["archive", "report", &out, "--html", &path(&page), "--pages", pages, "--model", &model, "--quiet"];
        affect(&words.map(str::to_owned))
    };
    let words = ["archive", "report", &out, "--html", &path(&page), "--model", &path(&moved), "--quiet"];
    let idle = affect(&words.map(str::to_owned));
    assert!(idle.status.code() == Some(2) && said(&idle).contains("--pages FOLDER"), "{}", said(&idle));
    let gone = report(&path(&folder.at("pages")), &model);
    assert!(gone.status.code() == Some(2) && said(&gone).contains("model.onnx"), "{}", said(&gone));
    let other = report(&path(&folder.at("pages")), &root().join("models/affect-seven.onnx"));
    assert!(other.status.code() == Some(2) && said(&other).contains("would give other results"), "{}", said(&other));
    let linked = report(&path(&folder.at("pages")), &moved);
    assert_eq!(linked.status.code(), Some(0), "{}", said(&linked));
    let document = keeps_the_rules(&std::fs::read_to_string(&page).unwrap(), 200_000);
    let links: Vec<_> =
        document.root.all("a").into_iter().filter_map(|a| Some((a.attribute("href")?, a.text()))).collect();
    let links: Vec<_> = links.into_iter().filter(|(to, _)| !to.starts_with('#')).collect();
    assert!(!links.is_empty() && links.iter().all(|(_, text)| text.contains("a call & more.wav")), "{links:?}");
    let linked = std::fs::read_to_string(page.parent().unwrap().join(&links[0].0)).unwrap();
    assert!(keeps_the_rules(&linked, 400_000).root.all("h1")[0].text().contains(name));
    // What moved the scores of this one call is told of no archive: it is too small.
    let text = document.root.all("main")[0].text();
    assert!(
        text.contains("What moved the scores") && text.contains("Of fewer than 10 calls nothing is told"),
        "{text}"
    );
    let outside = report(&path(&folder.at("..")), &moved);
    assert!(outside.status.code() == Some(2) && said(&outside).contains("--pages"), "{}", said(&outside));
}
